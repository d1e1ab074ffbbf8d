package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

var nothing = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// trivial is an authenticator without any cost of its own.
func trivial(name, parameter string, p *auth.Principal) *fixed {
	return &fixed{schemes: []auth.Scheme{{Name: name, Type: "apiKey", In: auth.InHeader, Parameter: parameter, AuthScheme: "ApiKey"}}, p: p}
}

type fixed struct {
	schemes []auth.Scheme
	p       *auth.Principal
}

func (f *fixed) Schemes() []auth.Scheme { return f.schemes }

func (f *fixed) Authenticate(*http.Request) (*auth.Principal, error) {
	if f.p == nil {
		return nil, auth.ErrNoCredential
	}
	return f.p, nil
}

func authorization(p *auth.Principal) *fixed { return under("Bearer", p) }

// under is a trivial authenticator for an Authorization scheme: unlike other headers it needs no Vary.
func under(scheme string, p *auth.Principal) *fixed {
	f := trivial(scheme, "Authorization", p)
	f.schemes[0].AuthScheme = scheme
	return f
}

func four(p *auth.Principal) auth.Authenticator {
	return auth.FirstOf(under("A", nil), under("B", nil), under("C", nil), under("Bearer", p))
}

// TestGuardAllocations holds the guard to two allocations: the copy of the request and the context with the principal.
func TestGuardAllocations(t *testing.T) {
	r := authtest.Request(http.MethodGet, "/", "Authorization", "Bearer x")
	w := discard{http.Header{}}
	for _, tt := range []struct {
		name string
		c    middleware.Config
		want float64
	}{
		{"one authenticator", middleware.Config{Authenticator: authorization(alice)}, 2},
		{"with a requirement", middleware.Config{Authenticator: authorization(alice), Require: auth.Scopes("notes:read")}, 2},
		{"first of four schemes", middleware.Config{Authenticator: four(alice)}, 2},
		{"a header of its own, with Vary and Cache-Control", middleware.Config{Authenticator: trivial("key", "X-Key", alice)}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newGuard(t, tt.c).Handler(nothing)
			if got := testing.AllocsPerRun(200, func() { clear(w.h); h.ServeHTTP(w, r) }); got > tt.want {
				t.Errorf("got %v allocations, want at most %v", got, tt.want)
			}
		})
	}
}

func TestNestedGuardAllocations(t *testing.T) {
	r := authtest.Request(http.MethodGet, "/", "Authorization", "Bearer x")
	w := discard{http.Header{}}
	g := newGuard(t, middleware.Config{Authenticator: authorization(alice)})
	h := g.Handler(g.MustRequire(auth.Scopes("notes:read")).Handler(nothing))
	if got := testing.AllocsPerRun(200, func() { h.ServeHTTP(w, r) }); got > 4 {
		t.Errorf("got %v allocations for two guards, want at most 4", got)
	}
}

func TestOptionalGuardAllocations(t *testing.T) {
	r := authtest.Request(http.MethodGet, "/")
	w := discard{http.Header{}}
	h := newGuard(t, middleware.Config{Authenticator: authorization(nil), Optional: true}).Handler(nothing)
	if got := testing.AllocsPerRun(200, func() { clear(w.h); h.ServeHTTP(w, r) }); got > 3 { // Vary, Cache-Control and the error
		t.Errorf("got %v allocations where nothing was sent, want at most 3", got)
	}
}

// BenchmarkGuard models a request that is admitted: the bare handler, then the guard over an authenticator that costs
// nothing, alone, in a chain of four, with a requirement, and under a guard that proved the principal already.
func BenchmarkGuard(b *testing.B) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := discard{http.Header{}}
	one := newGuard(b, middleware.Config{Authenticator: authorization(alice)})
	chain := newGuard(b, middleware.Config{Authenticator: four(alice)})
	for _, bench := range []struct {
		name string
		h    http.Handler
	}{
		{"floor", nothing},
		{"one", one.Handler(nothing)},
		{"first_of_four", chain.Handler(nothing)},
		{"scopes", one.MustRequire(auth.Scopes("notes:read")).Handler(nothing)},
		{"nested", one.Handler(one.MustRequire(auth.Scopes("notes:read")).Handler(nothing))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.h.ServeHTTP(w, r)
			}
		})
	}
}
