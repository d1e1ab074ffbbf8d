package authtest

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/cardea-go/auth"
)

// Principal returns a principal with a subject and scopes, for tests. It panics where either can't be.
func Principal(subject string, scopes ...string) *auth.Principal {
	return PrincipalWith(auth.PrincipalConfig{Subject: subject, Scopes: auth.MustScopeSet(scopes...)})
}

// PrincipalWith returns the principal that c describes, for tests that need roles or a tenant. "" as its scheme is "test".
// It panics where c has no subject.
func PrincipalWith(c auth.PrincipalConfig) *auth.Principal {
	if c.Scheme == "" {
		c.Scheme = "test"
	}
	p, err := auth.NewPrincipal(c)
	if err != nil {
		panic(err)
	}
	return p
}

// As returns r as it looks behind a guard that proved p. Guards in the handler under test take p as it is.
func As(r *http.Request, p *auth.Principal) *http.Request {
	return r.WithContext(auth.NewContext(r.Context(), p))
}

// Tokens returns an authenticator for Authorization: Bearer that knows the tokens of a table and refuses every other as
// [auth.ReasonUnknown]. It panics where a token is not one that a client could send.
func Tokens(table map[string]*auth.Principal) auth.Authenticator {
	b, err := auth.NewBearer(auth.BearerConfig{
		Name: "test",
		Verify: func(_ context.Context, token string) (*auth.Principal, error) {
			if p := table[token]; p != nil {
				return p, nil
			}
			return nil, auth.Invalid(auth.ReasonUnknown, nil)
		},
	})
	if err != nil {
		panic(err)
	}
	return b
}

// Fake is an authenticator made of a function. The zero Scheme is a bearer scheme named "fake".
type Fake struct {
	Scheme auth.Scheme
	// Func is what Authenticate does. Nil finds no credential.
	Func func(r *http.Request) (*auth.Principal, error)
}

// Schemes implements [auth.Authenticator].
func (f *Fake) Schemes() []auth.Scheme {
	if f.Scheme.Name != "" {
		return []auth.Scheme{f.Scheme}
	}
	return []auth.Scheme{{Name: "fake", Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Bearer"}}
}

// Authenticate implements [auth.Authenticator].
func (f *Fake) Authenticate(r *http.Request) (*auth.Principal, error) {
	if f.Func == nil {
		return nil, auth.ErrNoCredential
	}
	return f.Func(r)
}

// Recorder is an observer that keeps every event. The zero Recorder is ready; it is safe for concurrent use.
type Recorder struct {
	mu     sync.Mutex
	events []auth.Event
}

// Observe implements [auth.Observer].
func (o *Recorder) Observe(_ context.Context, e auth.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, e)
}

// Events returns a copy of the events so far, oldest first.
func (o *Recorder) Events() []auth.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.events)
}

// Last returns the newest event, and the zero Event where there is none.
func (o *Recorder) Last() auth.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.events) == 0 {
		return auth.Event{}
	}
	return o.events[len(o.events)-1]
}
