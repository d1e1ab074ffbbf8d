// Package jwt verifies and issues JSON Web Tokens (RFC 7519) that are signed (RFC 7515).
package jwt
