package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Named returns a under a name of its own, so that two authenticators of one scheme are two in events, in chains and in
// API descriptions. The name replaces that of a's schemes; a second scheme of a gets "-2", a third "-3".
func Named(name string, a Authenticator) Authenticator {
	w := &wrapper{inner: a, name: name}
	if a != nil {
		w.schemes = slices.Clone(a.Schemes())
		for i := range w.schemes {
			w.schemes[i].Name = name
			if i > 0 {
				w.schemes[i].Name = fmt.Sprintf("%s-%d", name, i+1)
			}
		}
	}
	w.after = func(_ context.Context, d Decision) Decision {
		if d.Err == nil {
			d.Principal = d.Principal.as("", name)
		}
		return d
	}
	return w
}

// Map returns a with f applied to every principal that it proves, before requirements see it: load the user, add roles
// with [Principal.Derive], check the tenant. f refuses with an [*Error]; any other error, or a nil principal, means that
// it can't be decided now. The result is not cached.
func Map(a Authenticator, f func(ctx context.Context, p *Principal) (*Principal, error)) Authenticator {
	w := &wrapper{inner: a}
	if a != nil {
		w.schemes = a.Schemes()
	}
	if f == nil {
		w.mistake = errors.New("auth: Map with a nil function: give it one")
	}
	w.after = func(ctx context.Context, d Decision) Decision {
		if d.Err != nil {
			return d
		}
		d.Principal, d.Err = f(ctx, d.Principal)
		if d.Err != nil && (absent(d.Err) || unrecognized(d.Err)) {
			d.Err = broken(errNotAbsent)
		}
		return d
	}
	return w
}

// StaleAsAnonymous returns a with one leniency, for routes where authentication is optional: a credential in a cookie
// that a refuses as [ReasonExpired] counts as none. The cookie of that name is cleared, at Path=/ and without a Domain, and
// the event says so. Every other refusal
// stands. It is a mistake, which the guard's constructor reports, where a reads any place but cookies: a bearer token is
// renewed by its client, which has to be told.
func StaleAsAnonymous(a Authenticator) Authenticator {
	w := &wrapper{inner: a}
	if a != nil {
		w.schemes = a.Schemes()
		if slices.ContainsFunc(w.schemes, func(s Scheme) bool { return s.In != InCookie }) {
			w.mistake = errors.New("auth: StaleAsAnonymous: only for an authenticator that reads nothing but cookies")
		}
	}
	w.after = func(_ context.Context, d Decision) Decision {
		if e, ok := errors.AsType[*Error](d.Err); !ok || e.Kind != KindInvalid || e.Reason != ReasonExpired {
			return d
		}
		schemes := d.Schemes // of the member of a chain that it was
		if schemes == nil {
			schemes = w.schemes
		}
		d.Err, d.Stale, d.Header = ErrNoCredential, schemes[0].Name, d.Header.Clone()
		if d.Header == nil {
			d.Header = http.Header{}
		}
		for _, s := range schemes {
			gone := http.Cookie{Name: s.Parameter, Path: "/", MaxAge: -1, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode}
			d.Header.Add("Set-Cookie", gone.String())
		}
		return d
	}
	return w
}

// wrapper is an authenticator that changes the decisions of another.
type wrapper struct {
	inner   Authenticator
	name    string
	schemes []Scheme
	mistake error
	after   func(ctx context.Context, d Decision) Decision
}

func (w *wrapper) Schemes() []Scheme { return w.schemes }

func (w *wrapper) Unwrap() Authenticator { return w.inner }

func (w *wrapper) Authenticate(r *http.Request) (*Principal, error) {
	d := Decide(w, r)
	return d.Principal, d.Err
}

func (w *wrapper) Decide(r *http.Request) Decision {
	if w.mistake != nil {
		return Decision{Err: misconfigured(w.mistake)}
	}
	d := w.after(r.Context(), Decide(w.inner, r))
	if d.Schemes != nil && w.name != "" {
		d.Schemes = w.schemes
	}
	return d
}

func (w *wrapper) Validate() error {
	if w.inner == nil {
		return errors.New("auth: a wrapper around a nil authenticator: give it one")
	}
	if v, ok := w.inner.(Validator); ok {
		return errors.Join(w.mistake, v.Validate())
	}
	return w.mistake
}
