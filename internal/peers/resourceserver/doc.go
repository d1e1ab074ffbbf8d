// Package resourceserver holds package oauth2 against tokens and endpoints of an authorization server that nobody here
// wrote: the example provider of github.com/zitadel/oidc, on a loopback listener. It is a module of its own, so that the
// provider's dependencies are nobody else's.
package resourceserver
