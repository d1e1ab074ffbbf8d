package auth

import (
	"context"

	"github.com/cardea-go/auth/internal/ctxkey"
)

// FromContext returns the principal that a guard proved for the request whose context this is, and whether there is
// one. On a route where authentication is optional there may be none.
func FromContext(ctx context.Context) (*Principal, bool) {
	p, _ := ctx.Value(ctxkey.Principal{}).(*Principal)
	return p, p != nil
}

// NewContext returns a context that carries p as proven: guards and requirements further in take it as it is. It is
// for transports other than HTTP, which prove p with a verifier, and for tests of handlers. A nil p is as [Without].
func NewContext(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, ctxkey.Principal{}, p)
}

// Without returns a context that carries no principal, for calls that the service makes as itself.
func Without(ctx context.Context) context.Context {
	return NewContext(ctx, nil)
}
