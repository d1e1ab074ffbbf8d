package middleware_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

func build(t testing.TB, m *middleware.Mux) http.Handler {
	t.Helper()
	h, err := m.Build()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestMuxServesEachRouteAsStated(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)})})
	m.Handle("GET /health", middleware.Public(), whoami)
	m.Handle("GET /home", middleware.Optional(), whoami)
	m.Handle("GET /me", middleware.Authenticated(), whoami)
	m.HandleFunc("GET /notes/{id}", middleware.Require(auth.Scopes("notes:read")), func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.PathValue("id"))
	})
	writers := m.Group(middleware.Require(auth.Scopes("notes:read"))).Group(middleware.Authenticated())
	writers.Handle("POST /notes", middleware.Require(auth.Scopes("notes:write")), whoami)
	keys := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})
	m.Handle("GET /partner", middleware.Authenticated().Via(keys), whoami)
	m.Handle("/cors", middleware.Authenticated().AllowPreflight(), whoami)
	h := build(t, m)
	token := func(name string) []string { return []string{"Authorization", "Bearer t-" + name} }
	for _, tt := range []struct {
		name, method, path string
		fields             []string
		status             int
		body               string
	}{
		{"public looks at no credential", "GET", "/health", token("expired"), 200, "anonymous"},
		{"optional without one", "GET", "/home", nil, 200, "anonymous"},
		{"optional with one", "GET", "/home", token("alice"), 200, "alice"},
		{"optional with a bad one", "GET", "/home", token("expired"), 401, ""},
		{"authenticated without one", "GET", "/me", nil, 401, ""},
		{"authenticated with one", "GET", "/me", token("alice"), 200, "alice"},
		{"path values reach the handler", "GET", "/notes/7", token("alice"), 200, "7"},
		{"a group's requirements add up", "POST", "/notes", token("alice"), 403, ""},
		{"and can be met", "POST", "/notes", token("root"), 200, "root"},
		{"a route with a guard of its own takes its credential", "GET", "/partner", []string{"X-API-Key", "k"}, 200, "root"},
		{"and not the mux's", "GET", "/partner", token("root"), 401, ""},
		{"a preflight where the route lets it", "OPTIONS", "/cors", []string{"Origin", "https://a.example", "Access-Control-Request-Method", "PUT"}, 200, "anonymous"},
		{"an unknown path", "GET", "/nothing", nil, 404, ""},
		{"a known path with another method", "DELETE", "/me", nil, 405, ""},
		{"an encoded slash is not another segment", "GET", "/notes%2F7", token("alice"), 404, ""},
		{"letters in another case are another path", "GET", "/ME", token("alice"), 404, ""},
		{"a path that needs cleaning is redirected before anything is decided", "GET", "//me", nil, 307, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := authtest.Do(h, authtest.Request(tt.method, tt.path, tt.fields...))
			got := body(t, resp)
			if resp.StatusCode != tt.status || tt.body != "" && got != tt.body {
				t.Errorf("got status %d and body %q, want %d and %q", resp.StatusCode, got, tt.status, tt.body)
			}
		})
	}
	t.Run("a 405 says which methods there are", func(t *testing.T) {
		if got := authtest.Do(h, authtest.Request("DELETE", "/me")).Header.Get("Allow"); got != "GET, HEAD" {
			t.Errorf("got Allow %q, want GET, HEAD", got)
		}
	})
	t.Run("the 403 lists what the whole route needs", func(t *testing.T) {
		resp := authtest.Do(h, authtest.Request("POST", "/notes", token("alice")...))
		authtest.AssertChallenge(t, resp, "Bearer", "scope", "notes:read notes:write")
	})
}

func TestMuxBuildReportsEveryMistake(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{})
	m.Handle("GET /unsaid", middleware.Access{}, whoami)
	m.Handle("GET /nil", middleware.Public(), nil)
	m.HandleFunc("GET /nilfunc", middleware.Public(), nil)
	m.Handle("GET /unguarded", middleware.Authenticated(), whoami)
	m.Handle("GET /bad/{", middleware.Public(), whoami)
	m.Handle("GET /twice", middleware.Public(), whoami)
	m.Handle("GET /twice", middleware.Public(), whoami)
	keys := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})
	m.Handle("GET /nothing-required", middleware.Require().Via(keys), whoami)
	m.Handle("GET /bad-scope", middleware.Require(auth.Scopes("a b")).Via(keys), whoami)
	m.Group(middleware.Public()).Handle("GET /public-group", middleware.Authenticated(), whoami)
	m.Group(middleware.Access{}).Handle("GET /unsaid-group", middleware.Access{}, whoami)
	m.Group(middleware.Authenticated()).Handle("GET /public-in-group", middleware.Public(), whoami)
	_, err := m.Build()
	if err == nil {
		t.Fatal("got no error")
	}
	for _, pattern := range []string{
		"/unsaid", "/nil", "/nilfunc", "/unguarded", "/bad/{", "/twice", "/nothing-required", "/bad-scope", "/public-group", "/unsaid-group", "/public-in-group",
	} {
		if !strings.Contains(err.Error(), `route "GET `+pattern+`" (mux_test.go:`) {
			t.Errorf("got error %q, want it to name %s", err, pattern)
		}
	}
	if _, err := middleware.NewMux(middleware.MuxConfig{HideUnknown: true}).Build(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("got error %v for an empty mux that hides without a guard, want two mistakes", err)
	}
	hidden := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)}), HideUnknown: true})
	hidden.Handle("GET /x", middleware.Authenticated().Conceal().Via(keys), whoami)
	if _, err := hidden.Build(); err == nil {
		t.Error("got no error for a concealed route with a guard of its own while unknown paths are hidden by another")
	}
}

// TestConcealedRoutesLookLikeNone compares the answer for a concealed route, byte for byte, with that for a path that does
// not exist.
// TestAroundIsOutsideOfGuardsAndInsideOfRoutes has a tenant come from the path before any guard asks.
func TestAroundIsOutsideOfGuardsAndInsideOfRoutes(t *testing.T) {
	type tenant struct{}
	var seen []string
	ours := auth.RequirementFunc(func(ctx context.Context, _ *auth.Principal) error {
		if ctx.Value(tenant{}) != "acme" {
			return auth.Forbidden(auth.ReasonNotAllowed, nil)
		}
		return nil
	})
	mux := middleware.NewMux(middleware.MuxConfig{
		Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)}),
		Around: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r.Pattern)
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tenant{}, r.PathValue("tenant"))))
			})
		},
	})
	mux.Handle("GET /{tenant}/notes", middleware.Require(ours), whoami)
	mux.Handle("GET /{tenant}/admin", middleware.Require(ours).Conceal(), whoami)
	mux.Handle("GET /health", middleware.Public(), whoami)
	h, err := mux.Build()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, token string
		status            int
		pattern           string
	}{
		{"the tenant that the requirement asks for", "/acme/notes", "t-alice", 200, "GET /{tenant}/notes"},
		{"another one", "/globex/notes", "t-alice", 403, "GET /{tenant}/notes"},
		{"nobody", "/acme/notes", "", 401, "GET /{tenant}/notes"},
		{"a concealed route", "/globex/admin", "t-alice", 404, "GET /{tenant}/admin"},
		{"a public route", "/health", "", 200, "GET /health"},
		{"no route", "/none", "", 404, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen = nil
			r := authtest.Request(http.MethodGet, tt.path)
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			if got := authtest.Do(h, r).StatusCode; got != tt.status {
				t.Errorf("got status %d, want %d", got, tt.status)
			}
			if got := strings.Join(seen, ","); got != tt.pattern {
				t.Errorf("around saw %q, want %q", got, tt.pattern)
			}
		})
	}
	t.Run("one that makes nil of a handler is reported", func(t *testing.T) {
		mux := middleware.NewMux(middleware.MuxConfig{Around: func(http.Handler) http.Handler { return nil }})
		mux.Handle("GET /", middleware.Public(), whoami)
		if _, err := mux.Build(); err == nil || !strings.Contains(err.Error(), "MuxConfig.Around") {
			t.Errorf("got %v, want an error about MuxConfig.Around", err)
		}
	})
}

func TestConcealedRoutesLookLikeNone(t *testing.T) {
	for _, hide := range []bool{false, true} {
		m := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)}), HideUnknown: hide})
		m.Handle("GET /public", middleware.Public(), whoami)
		m.Handle("GET /secret", middleware.Require(auth.Roles("admin")).Conceal(), whoami)
		m.Handle("GET /tree/", middleware.Require(auth.Roles("admin")).Conceal(), whoami)
		m.Handle("POST /public/secret", middleware.Require(auth.Roles("admin")).Conceal(), whoami)
		h := build(t, m)
		for _, value := range []string{"", "Bearer t-alice", "Bearer t-expired"} {
			for _, probe := range []string{"GET /secret", "POST /secret", "GET /tree/", "GET /tree", "GET /tree/x", "GET /public/secret", "POST /public/secret"} {
				method, path, _ := strings.Cut(probe, " ")
				ask := func(path string) (int, string, http.Header) {
					r := authtest.Request(method, path)
					if value != "" {
						r.Header.Set("Authorization", value)
					}
					resp := authtest.Do(h, r)
					return resp.StatusCode, body(t, resp), resp.Header
				}
				status, text, header := ask(path)
				wantStatus, wantText, wantHeader := ask("/none")
				if !hide && value == "Bearer t-expired" && wantStatus != 404 {
					t.Fatalf("got status %d for an unknown path, want 404", wantStatus)
				}
				if status != wantStatus || text != wantText || !equalHeaders(header, wantHeader) {
					t.Errorf("hide %v, %q, %s: got %d %q %v, want that of an unknown path: %d %q %v",
						hide, value, probe, status, text, header, wantStatus, wantText, wantHeader)
				}
			}
		}
	}
}

func equalHeaders(a, b http.Header) bool {
	if len(a) != len(b) {
		return false
	}
	for name := range a {
		if strings.Join(a[name], "|") != strings.Join(b[name], "|") {
			return false
		}
	}
	return true
}

func TestHideUnknownAsksForACredentialFirst(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)}), HideUnknown: true})
	m.Handle("GET /me", middleware.Authenticated(), whoami)
	m.Handle("GET /tree/", middleware.Authenticated(), whoami)
	h := build(t, m)
	for _, tt := range []struct {
		name, method, path, value string
		status                    int
	}{
		{"an unknown path without a credential", "GET", "/none", "", 401},
		{"a known path without one", "GET", "/me", "", 401},
		{"another method without one", "POST", "/me", "", 401},
		{"a subtree without its slash, without one", "GET", "/tree", "", 401},
		{"an unknown path with one", "GET", "/none", "Bearer t-alice", 404},
		{"another method with one", "POST", "/me", "Bearer t-alice", 405},
		{"a subtree without its slash, with one", "GET", "/tree", "Bearer t-alice", 307},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := authtest.Request(tt.method, tt.path)
			if tt.value != "" {
				r.Header.Set("Authorization", tt.value)
			}
			if resp := authtest.Do(h, r); resp.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
	resp := authtest.Do(h, authtest.Request("GET", "/tree?q=1", "Authorization", "Bearer t-alice"))
	if got := resp.Header.Get("Location"); got != "/tree/?q=1" {
		t.Errorf("got Location %q, want /tree/?q=1", got)
	}
}

func TestMuxListsItsRoutes(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: auth.FirstOf(keyHeader("k", root), tokens(t))})})
	m.Handle("/health", middleware.Public(), whoami)
	m.Handle("GET example.com/notes", middleware.Require(auth.Scopes("a"), auth.Roles("b")).Conceal(), whoami)
	m.Handle("GET /unsaid", middleware.Access{}, whoami)
	routes := m.Routes()
	if len(routes) != 3 {
		t.Fatalf("got %d routes, want 3", len(routes))
	}
	if r := routes[0]; r.Access != "public" || r.Method != "" || r.Path != "/health" || len(r.Schemes) != 0 || r.Rule.Kind != "" {
		t.Errorf("got %+v", r)
	}
	if r := routes[1]; r.Access != "required" || r.Method != "GET" || r.Host != "example.com" || r.Path != "/notes" || !r.Concealed ||
		len(r.Schemes) != 2 || r.Schemes[0].Name != "bearer" || r.Rule.String() != "all(scopes(a), roles(b))" {
		t.Errorf("got %+v", r)
	}
	if got, want := routes[1].String(), "GET example.com/notes  required  bearer  key  all(scopes(a), roles(b))  concealed"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if r := routes[2]; r.Access != "unsaid" {
		t.Errorf("got %+v", r)
	}
}

// TestRoutesSayWhatBuildWillReport lists routes that can't be built, for who describes them before.
func TestRoutesSayWhatBuildWillReport(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{})
	keys := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})
	m.Handle("GET /fine", middleware.Authenticated().Via(keys), whoami)
	m.Handle("GET /unguarded", middleware.Authenticated(), whoami)
	m.Handle("GET /bad-scope", middleware.Require(auth.Scopes("a b")).Via(keys), whoami)
	m.Handle("GET /nothing", middleware.Require().Via(keys), whoami)
	for i, want := range []string{"", "it has no guard", "a b", "Require names no requirement"} {
		r := m.Routes()[i]
		if want == "" && r.Err != nil || want != "" && (r.Err == nil || !strings.Contains(r.Err.Error(), want) || r.Schemes != nil) {
			t.Errorf("%s: got error %v, want %q", r.Pattern, r.Err, want)
		}
	}
}

func TestMuxLeavesARouteForEverythingAlone(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{})
	m.Handle("/", middleware.Public(), whoami)
	if resp := authtest.Do(build(t, m), authtest.Request("GET", "/anything")); resp.StatusCode != 200 {
		t.Errorf("got status %d, want 200", resp.StatusCode)
	}
}

func TestGroupsAndGuardsAddUp(t *testing.T) {
	base := newGuard(t, middleware.Config{Authenticator: tokens(t), Require: auth.Scopes("notes:read")})
	keys := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})
	m := middleware.NewMux(middleware.MuxConfig{Guard: base})
	m.Handle("GET /base", middleware.Require(auth.Scopes("notes:write")), whoami)
	m.Group(middleware.Authenticated().Via(keys)).Handle("GET /keys", middleware.Authenticated(), whoami)
	m.Group(middleware.Require(auth.Roles("admin")).Conceal()).Handle("GET /hidden", middleware.Authenticated(), whoami)
	m.Group(middleware.Authenticated().AllowPreflight()).Handle("/cors", middleware.Authenticated(), whoami)
	h := build(t, m)
	for _, tt := range []struct {
		name, method, path string
		fields             []string
		status             int
	}{
		{"a group's guard is its routes' guard", "GET", "/keys", []string{"X-API-Key", "k"}, 200},
		{"and not the mux's", "GET", "/keys", []string{"Authorization", "Bearer t-root"}, 401},
		{"a concealed group conceals its routes", "GET", "/hidden", []string{"Authorization", "Bearer t-root"}, 404},
		{"a group lets preflights through for its routes", "OPTIONS", "/cors", []string{"Origin", "https://a.example", "Access-Control-Request-Method", "PUT"}, 200},
		{"a route adds to what the mux's guard requires", "GET", "/base", []string{"Authorization", "Bearer t-alice"}, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if resp := authtest.Do(h, authtest.Request(tt.method, tt.path, tt.fields...)); resp.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
	resp := authtest.Do(h, authtest.Request("GET", "/base", "Authorization", "Bearer t-alice"))
	authtest.AssertChallenge(t, resp, "Bearer", "scope", "notes:read notes:write")
}

func TestMuxRefusesWhatCannotBeHiddenOrIsNeverAsked(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t)})
	for name, access := range map[string]middleware.Access{
		"a concealed public route":      middleware.Public().Conceal(),
		"a concealed optional route":    middleware.Optional().Conceal(),
		"a concealed route with CORS":   middleware.Authenticated().Conceal().AllowPreflight(),
		"a public route with a guard":   middleware.Public().Via(g),
		"a public route with preflight": middleware.Public().AllowPreflight(),
		"a nil guard":                   middleware.Authenticated().Via(nil),
		"no requirement":                middleware.Require(),
	} {
		m := middleware.NewMux(middleware.MuxConfig{Guard: g})
		m.Handle("GET /x", access, whoami)
		if _, err := m.Build(); err == nil {
			t.Errorf("got no error for %s", name)
		}
	}
	m := middleware.NewMux(middleware.MuxConfig{Guard: g})
	m.Handle("get /x", middleware.Authenticated(), whoami)
	if _, err := m.Build(); err == nil {
		t.Error("got no error for a method that never matches")
	}
	for _, everything := range []string{"/", "GET /", "/{path...}"} {
		m := middleware.NewMux(middleware.MuxConfig{Guard: g})
		m.Handle(everything, middleware.Public(), whoami)
		m.Handle("GET /secret", middleware.Authenticated().Conceal(), whoami)
		if _, err := m.Build(); err == nil {
			t.Errorf("got no error for %s beside a concealed route", everything)
		}
	}
}

func TestNotFoundIsTheUsersOwnForConcealedRoutesToo(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{
		Guard:    newGuard(t, middleware.Config{Authenticator: tokens(t)}),
		NotFound: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); _, _ = io.WriteString(w, "own") }),
	})
	m.Handle("GET /secret", middleware.Authenticated().Conceal(), whoami)
	h := build(t, m)
	for _, path := range []string{"/secret", "/none"} {
		if resp := authtest.Do(h, authtest.Request("GET", path)); resp.StatusCode != 404 || body(t, resp) != "own" {
			t.Errorf("%s: got status %d, want the user's own 404", path, resp.StatusCode)
		}
	}
}
