package auth

import (
	"context"

	"github.com/cardea-go/auth/internal/ctxkey"
)

// FromContext returns the principal that a guard proved for the request whose context this is, and whether there is
// one: nil and false on public routes, on optional ones where nothing was sent, and in tests that forgot authtest.As.
func FromContext(ctx context.Context) (*Principal, bool) {
	p, _ := ctx.Value(ctxkey.Principal{}).(*Principal)
	return p, p != nil
}

// NewContext returns a context that carries p as proven: guards and requirements further in take it as it is. It is
// for transports other than HTTP, which prove p with a verifier, and for tests of handlers. A nil p is as [Without]. Don't
// pass a request's context on to requests that carry a credential of their own: use Without for those.
func NewContext(ctx context.Context, p *Principal) context.Context {
	return &provenContext{ctx, p}
}

// provenContext is a context with a principal that the program vouches for.
type provenContext struct {
	context.Context
	p *Principal
}

// Value answers for the principal, hides the guard that proved another one, and passes every other key on.
func (c *provenContext) Value(key any) any {
	switch key.(type) {
	case ctxkey.Principal:
		return c.p
	case ctxkey.Guard:
		return nil
	}
	return c.Context.Value(key)
}

// Without returns a context that carries no principal, for calls that the service makes as itself.
func Without(ctx context.Context) context.Context {
	return NewContext(ctx, nil)
}
