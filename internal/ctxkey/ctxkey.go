// Package ctxkey holds the context keys that the root package and its guards share.
package ctxkey

// Principal is the key of the principal that a guard proved, a *auth.Principal.
type Principal struct{}

// Guard is the key of what the innermost guard left for those further in. Setting a principal on purpose hides it.
type Guard struct{}

// Refuser is the key of the same, for whoever answers in the guard's name. Setting a principal does not hide it.
type Refuser struct{}
