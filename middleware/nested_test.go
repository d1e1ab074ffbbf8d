package middleware_test

import (
	"net/http"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

func TestNestedGuards(t *testing.T) {
	calls := 0
	counted := &authtest.Fake{Func: func(r *http.Request) (*auth.Principal, error) {
		calls++
		return tokens(t).Authenticate(r)
	}}
	outer := newGuard(t, middleware.Config{Authenticator: counted}).MustRequire(auth.Scopes("notes:read"))
	inner := newGuard(t, middleware.Config{Authenticator: counted}).MustRequire(auth.Scopes("notes:write"))
	h := outer.Handler(inner.Handler(whoami))

	t.Run("the inner one takes the principal that the outer one proved", func(t *testing.T) {
		calls = 0
		resp := authtest.Do(h, authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-root"))
		if got := body(t, resp); got != "root" || calls != 1 {
			t.Errorf("got %q after %d calls of the authenticator, want root after 1", got, calls)
		}
	})
	t.Run("scopes add up in the 403", func(t *testing.T) {
		resp := authtest.Do(h, authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-alice"))
		authtest.AssertChallenge(t, resp, "Bearer", "error", "insufficient_scope", "scope", "notes:read notes:write")
	})
	t.Run("a principal of another authenticator counts for nothing", func(t *testing.T) {
		strict := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})
		h := outer.Handler(strict.Handler(whoami))
		if resp := authtest.Do(h, authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-root")); resp.StatusCode != 401 {
			t.Errorf("got status %d with a token where a key is asked for, want 401", resp.StatusCode)
		}
		resp := authtest.Do(h, authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-alice", "X-API-Key", "k"))
		if got := body(t, resp); got != "root" {
			t.Errorf("got %q, want the key's principal", got)
		}
	})
	t.Run("a principal that was set on purpose counts everywhere", func(t *testing.T) {
		r := authtest.As(authtest.Request(http.MethodGet, "/"), root)
		if got := body(t, authtest.Do(h, r)); got != "root" {
			t.Errorf("got %q, want root", got)
		}
	})
	t.Run("one that was taken away does not", func(t *testing.T) {
		without := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			whoami(w, r.WithContext(auth.Without(r.Context())))
		})
		resp := authtest.Do(outer.Handler(without), authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-root"))
		if got := body(t, resp); got != "anonymous" {
			t.Errorf("got %q, want anonymous", got)
		}
	})
	t.Run("an optional guard outside and a required one inside answer 401", func(t *testing.T) {
		open := newGuard(t, middleware.Config{Authenticator: counted, Optional: true})
		if resp := authtest.Do(open.Handler(inner.Handler(whoami)), authtest.Request(http.MethodGet, "/")); resp.StatusCode != 401 {
			t.Errorf("got status %d, want 401", resp.StatusCode)
		}
	})
}

func TestAuthenticatorsThatCannotBeComparedAreAskedAgain(t *testing.T) {
	calls := 0
	f := uncomparable{func(*http.Request) (*auth.Principal, error) { calls++; return alice, nil }}
	g := newGuard(t, middleware.Config{Authenticator: f})
	if got := body(t, authtest.Do(g.Handler(g.Handler(whoami)), authtest.Request(http.MethodGet, "/"))); got != "alice" || calls != 2 {
		t.Errorf("got %q after %d calls, want alice after 2", got, calls)
	}
}

type uncomparable []func(*http.Request) (*auth.Principal, error)

func (u uncomparable) Schemes() []auth.Scheme { return (&authtest.Fake{}).Schemes() }

func (u uncomparable) Authenticate(r *http.Request) (*auth.Principal, error) { return u[0](r) }
