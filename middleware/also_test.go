package middleware_test

import (
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

// TestAlsoAsksEveryGuard has a key of an application beside a token of its user.
func TestAlsoAsksEveryGuard(t *testing.T) {
	users := newGuard(t, middleware.Config{Authenticator: tokens(t)})
	apps := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root), Require: auth.Scopes("notes:write")})
	m := middleware.NewMux(middleware.MuxConfig{Guard: users})
	m.Handle("GET /both", middleware.Authenticated().Also(apps), whoami)
	m.Group(middleware.Authenticated().Also(apps)).Handle("GET /group", middleware.Require(auth.Scopes("notes:read")), whoami)
	weak := newGuard(t, middleware.Config{Authenticator: keyHeader("k", authtest.Principal("app"))})
	m.Handle("GET /scopes", middleware.Authenticated().Also(weak.MustRequire(auth.Scopes("app"))), whoami)
	m.Handle("PUT /cors", middleware.Authenticated().Also(apps).AllowPreflight(), whoami)
	m.Handle("OPTIONS /cors", middleware.Authenticated().Also(apps).AllowPreflight(), whoami)
	h := build(t, m)
	token, wrongToken, key, wrongKey := []string{"Authorization", "Bearer t-alice"}, []string{"Authorization", "Bearer t-expired"}, []string{"X-API-Key", "k"}, []string{"X-API-Key", "wrong"}
	preflight := []string{"Origin", "https://a.example", "Access-Control-Request-Method", "PUT"}
	for _, tt := range []struct {
		name, method, path string
		fields             [][]string
		status             int
		body, challenge    string
	}{
		{"both are there: the handler has the principal of the route's own guard", "GET", "/both", [][]string{token, key}, 200, "alice", ""},
		{"nothing is there: the further guard's challenge", "GET", "/both", nil, 401, "", "ApiKey"},
		{"the token alone", "GET", "/both", [][]string{token}, 401, "", "ApiKey"},
		{"the key alone", "GET", "/both", [][]string{key}, 401, "", "Bearer"},
		{"a wrong key", "GET", "/both", [][]string{token, wrongKey}, 401, "", "ApiKey"},
		{"a wrong token", "GET", "/both", [][]string{wrongToken, key}, 401, "", "Bearer"},
		{"the further guard's own requirement", "GET", "/scopes", [][]string{token, key}, 403, "", ""},
		{"a group's further guard", "GET", "/group", [][]string{token}, 401, "", "ApiKey"},
		{"and both where both are there", "GET", "/group", [][]string{token, key}, 200, "alice", ""},
		{"a preflight, which has neither", "OPTIONS", "/cors", [][]string{preflight}, 200, "anonymous", ""},
		{"what comes after it does not go through for it", "PUT", "/cors", [][]string{preflight, token}, 401, "", "ApiKey"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := authtest.Request(tt.method, tt.path)
			for _, f := range tt.fields {
				for i := 0; i < len(f); i += 2 {
					r.Header.Set(f[i], f[i+1])
				}
			}
			resp := authtest.Do(h, r)
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || tt.body != "" && string(body) != tt.body {
				t.Fatalf("got %d %s, want %d %s", resp.StatusCode, body, tt.status, tt.body)
			}
			if tt.challenge != "" {
				authtest.AssertChallenge(t, resp, tt.challenge)
			}
		})
	}
}

func TestAlsoListsItsGuards(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)})})
	apps := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})
	m.Handle("GET /notes", middleware.Require(auth.Scopes("a")).Also(apps).Also(apps.MustRequire(auth.Roles("b"))), whoami)
	r := m.Routes()[0]
	if len(r.Also) != 2 || len(r.Also[0].Schemes) != 1 || r.Also[0].Schemes[0].Name != "key" || r.Also[0].Rule.Kind != "" || r.Also[1].Rule.String() != "roles(b)" {
		t.Errorf("got %+v", r)
	}
	if got, want := r.String(), "GET /notes  required  bearer  scopes(a)  and  key  and  key  roles(b)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	build(t, m)
}

func TestAlsoConcealsWhereOneDoes(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)})})
	apps := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})
	hidden := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root), Conceal: true})
	m.Handle("GET /concealed", middleware.Authenticated().Conceal().Also(apps), whoami)
	m.Handle("GET /hidden", middleware.Authenticated().Also(hidden), whoami)
	h := build(t, m)
	for _, path := range []string{"/concealed", "/hidden"} {
		for _, fields := range [][]string{nil, {"X-API-Key", "k"}, {"Authorization", "Bearer t-alice"}} {
			resp, nothing := authtest.Do(h, authtest.Request("GET", path, fields...)), authtest.Do(h, authtest.Request("GET", "/nothing", fields...))
			if resp.StatusCode != 404 || !reflect.DeepEqual(resp.Header, nothing.Header) {
				t.Errorf("%s with %v: got %d %v, want the 404 of nothing, %v", path, fields, resp.StatusCode, resp.Header, nothing.Header)
			}
		}
		if resp := authtest.Do(h, authtest.Request("GET", path, "X-API-Key", "k", "Authorization", "Bearer t-alice")); resp.StatusCode != 200 {
			t.Errorf("%s: got %d, want 200", path, resp.StatusCode)
		}
	}
	for _, r := range m.Routes() {
		if !r.Concealed {
			t.Errorf("%s: got a route that is not concealed", r.Pattern)
		}
	}
}

func TestAGroupsGuardConcealsWhoeverAuthenticates(t *testing.T) {
	hidden := newGuard(t, middleware.Config{Authenticator: tokens(t), Conceal: true})
	m := middleware.NewMux(middleware.MuxConfig{})
	g := m.Group(middleware.Authenticated().Via(hidden))
	g.Handle("GET /own", middleware.Authenticated().Via(newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})), whoami)
	g.Handle("GET /groups", middleware.Authenticated(), whoami)
	h := build(t, m)
	for _, r := range m.Routes() {
		if resp := authtest.Do(h, authtest.Request("GET", r.Path)); resp.StatusCode != 404 || !r.Concealed {
			t.Errorf("%s: got %d, want the 404 of nothing: its group has a guard that conceals", r.Path, resp.StatusCode)
		}
	}
	if resp := authtest.Do(h, authtest.Request("GET", "/own", "X-API-Key", "k")); resp.StatusCode != 200 {
		t.Errorf("got %d with the route's own credential, want 200", resp.StatusCode)
	}
}

func TestAlsoRefusesWhatCannotBeMet(t *testing.T) {
	users := newGuard(t, middleware.Config{Authenticator: tokens(t)})
	others := newGuard(t, middleware.Config{Authenticator: auth.Named("other", tokens(t))})
	apps := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root)})
	hidden := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root), Conceal: true})
	maybe := newGuard(t, middleware.Config{Authenticator: keyHeader("k", root), Optional: true})
	for _, tt := range []struct {
		name   string
		access middleware.Access
		want   string
	}{
		{"no guard", middleware.Authenticated().Also(nil), "further guard is nil"},
		{"a public route", middleware.Public().Also(apps), "is public and has a further guard"},
		{"an optional route", middleware.Optional().Also(apps), "is optional and has a further guard"},
		{"preflights through a guard that conceals", middleware.Authenticated().AllowPreflight().Also(hidden), "Conceal together"},
		{"an optional guard", middleware.Authenticated().Also(maybe), "further guard is optional"},
		{"two tokens in one header", middleware.Authenticated().Also(others), "read the same place"},
		{"and two further guards of which no request meets both", middleware.Authenticated().Via(apps).Also(users).Also(others), "read the same place"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := middleware.NewMux(middleware.MuxConfig{Guard: users})
			m.Handle("GET /x", tt.access, whoami)
			if _, err := m.Build(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
