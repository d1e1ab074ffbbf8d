// Package ctxkey holds the context key that the root package and its guards share.
package ctxkey

// Principal is the key of the principal that a guard proved, a *auth.Principal.
type Principal struct{}
