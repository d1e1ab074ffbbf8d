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

// TestAChainKeepsItsOrderInsideOfItsMember has a guard of one member around a guard of the chain.
func TestAChainKeepsItsOrderInsideOfItsMember(t *testing.T) {
	key := keyHeader("k", root)
	for _, tt := range []struct {
		name   string
		chain  auth.Authenticator
		fields []string
		status int
		body   string
	}{
		{"what the member proved is taken", auth.FirstOf(tokens(t), key), []string{"X-API-Key", "k"}, 200, "root"},
		{"not where an earlier member has a credential", auth.FirstOf(tokens(t), key), []string{"X-API-Key", "k", "Authorization", "Bearer t-alice"}, 200, "alice"},
		{"nor where that one is wrong", auth.FirstOf(tokens(t), key), []string{"X-API-Key", "k", "Authorization", "Bearer t-expired"}, 401, ""},
		{"nor in a chain of chains", auth.FirstOf(auth.FirstOf(tokens(t)), key), []string{"X-API-Key", "k", "Authorization", "Bearer t-expired"}, 401, ""},
		{"a later member is left unread, as by the chain alone", auth.FirstOf(key, tokens(t)), []string{"X-API-Key", "k", "Authorization", "Bearer t-expired"}, 200, "root"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inner := newGuard(t, middleware.Config{Authenticator: tt.chain})
			outer := newGuard(t, middleware.Config{Authenticator: key})
			for name, h := range map[string]http.Handler{"alone": inner.Handler(whoami), "inside": outer.Handler(inner.Handler(whoami))} {
				resp := authtest.Do(h, authtest.Request(http.MethodGet, "/", tt.fields...))
				if got := body(t, resp); resp.StatusCode != tt.status || tt.body != "" && got != tt.body {
					t.Errorf("%s: got %d %s, want %d %s", name, resp.StatusCode, got, tt.status, tt.body)
				}
			}
		})
	}
	t.Run("members that share a place are not asked again", func(t *testing.T) {
		calls := 0
		opaque := auth.Named("opaque", &authtest.Fake{Scheme: tokens(t).Schemes()[0], Func: func(*http.Request) (*auth.Principal, error) {
			calls++
			return root, nil
		}})
		inner := newGuard(t, middleware.Config{Authenticator: auth.FirstOf(tokens(t), opaque)})
		outer := newGuard(t, middleware.Config{Authenticator: opaque})
		resp := authtest.Do(outer.Handler(inner.Handler(whoami)), authtest.Request(http.MethodGet, "/", "Authorization", "Bearer x"))
		if got := body(t, resp); got != "root" || calls != 1 {
			t.Errorf("got %q after %d calls, want root after 1: a proof may be good only once", got, calls)
		}
	})
}

// TestACredentialIsProvedOnce has a guard of another authenticator in between: a proof may be good only once, and may be gone.
func TestACredentialIsProvedOnce(t *testing.T) {
	calls := 0
	users := &authtest.Fake{Scheme: tokens(t).Schemes()[0], Func: func(r *http.Request) (*auth.Principal, error) {
		calls++
		return tokens(t).Authenticate(r)
	}}
	apps := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})
	both := []string{"Authorization", "Bearer t-alice", "X-API-Key", "k"}
	for _, remove := range []bool{false, true} {
		g := newGuard(t, middleware.Config{Authenticator: users, RemoveCredentials: remove})
		m := middleware.NewMux(middleware.MuxConfig{Guard: g, HideUnknown: true})
		m.Handle("GET /x", middleware.Authenticated().Also(apps).Conceal(), whoami)
		for name, h := range map[string]http.Handler{"guards": g.Handler(apps.Handler(g.Handler(whoami))), "a mux": build(t, m)} {
			calls = 0
			resp := authtest.Do(h, authtest.Request(http.MethodGet, "/x", both...))
			if got := body(t, resp); got != "alice" || calls != 1 {
				t.Errorf("%s: got %d %q after %d calls, want alice after 1", name, resp.StatusCode, got, calls)
			}
			for _, fields := range [][]string{both[:2], both[2:]} {
				if resp := authtest.Do(h, authtest.Request(http.MethodGet, "/x", fields...)); resp.StatusCode == 200 {
					t.Errorf("%s: got 200 with %v alone", name, fields)
				}
			}
		}
	}
	without := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		newGuard(t, middleware.Config{Authenticator: users}).Handler(whoami).ServeHTTP(w, r.WithContext(auth.Without(r.Context())))
	})
	calls = 0
	outer := newGuard(t, middleware.Config{Authenticator: users}).Handler(apps.Handler(without))
	if resp := authtest.Do(outer, authtest.Request(http.MethodGet, "/", both...)); resp.StatusCode != 200 || calls != 2 {
		t.Errorf("got %d after %d calls, want 200 after 2: the principal was taken away", resp.StatusCode, calls)
	}
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
