// Package oauth2 is the resource server's side of OAuth: it accepts access tokens.
package oauth2
