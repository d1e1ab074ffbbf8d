package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

var (
	alice = authtest.Principal("alice", "notes:read")
	root  = authtest.Principal("root", "notes:read", "notes:write")
)

const secretMarker = "s3cr3t-marker"

// keyHeader is an authenticator for X-API-Key that knows one key.

func keyHeader(key string, p *auth.Principal) *authtest.Fake {
	return &authtest.Fake{
		Scheme: auth.Scheme{Name: "key", Type: "apiKey", In: auth.InHeader, Parameter: "X-API-Key", AuthScheme: "ApiKey", Realm: "test"},
		Func: func(r *http.Request) (*auth.Principal, error) {
			switch values := r.Header["X-Api-Key"]; {
			case len(values) == 0:
				return nil, auth.ErrNoCredential
			case len(values) > 1:
				return nil, auth.Malformed(auth.ReasonRepeated, nil)
			case values[0] == "":
				return nil, auth.ErrUnrecognized
			case values[0] == key:
				return p, nil
			}
			return nil, auth.Invalid(auth.ReasonUnknown, nil)
		},
	}
}

// tokens is a bearer authenticator that knows two tokens of the shape t-….

func tokens(t testing.TB) auth.Authenticator {
	t.Helper()
	b, err := auth.NewBearer(auth.BearerConfig{
		Realm:     "test",
		Recognize: func(token string) bool { return strings.HasPrefix(token, "t-") },
		Verify: func(ctx context.Context, token string) (*auth.Principal, error) {
			switch token {
			case "t-alice":
				return alice, nil
			case "t-root":
				return root, nil
			case "t-expired":
				return nil, auth.Invalid(auth.ReasonExpired, nil)
			case "t-down":
				return nil, fmt.Errorf("store: %s is down", secretMarker)
			case "t-nobody":
				return nil, nil
			case "t-both":
				return alice, auth.Invalid(auth.ReasonExpired, nil)
			case "t-throttled":
				return nil, auth.Throttled(1500 * time.Millisecond)
			case "t-panic":
				panic("verify: " + secretMarker)
			case "t-hang":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return nil, auth.Invalid(auth.ReasonUnknown, errors.New("no such token"))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newGuard(t testing.TB, c middleware.Config) *middleware.Guard {
	t.Helper()
	g, err := middleware.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// whoami answers with the principal's subject, or "anonymous".

var whoami = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	subject := "anonymous"
	if p, ok := auth.FromContext(r.Context()); ok {
		subject = p.Subject()
	}
	_, _ = io.WriteString(w, subject)
})

func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestBadInput is what arrives at a door that serves bearer tokens and an API key, and what is answered: status,

// challenges, body and event, on a required and on an optional route.

func TestRequirementAnswers(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name       string
		require    auth.Requirement
		key        bool // by X-API-Key instead of Bearer
		status     int
		challenges []string
		missing    string
	}{
		{"the scopes are held", auth.Scopes("notes:read"), false, 200, nil, ""},
		{"a scope is missing", auth.Scopes("notes:read", "notes:write"), false, 403,
			[]string{`Bearer realm="test", error="insufficient_scope", scope="notes:read notes:write"`}, "scopes(notes:read notes:write)"},
		{"a scope is missing and the scheme is not Bearer", auth.Scopes("notes:write"), true, 403, nil, "scopes(notes:write)"},
		{"a role is missing", auth.Roles("admin"), false, 403, []string{`Bearer realm="test", error="insufficient_scope"`}, "roles(admin)"},
		{"one of several is enough", auth.Any(auth.Roles("admin"), auth.Scopes("notes:read")), false, 200, nil, ""},
		{"none of several", auth.Any(auth.Roles("admin"), auth.Scopes("x")), false, 403,
			[]string{`Bearer realm="test", error="insufficient_scope", scope="x"`}, "any(roles(admin), scopes(x))"},
		{"the login is too old or unknown", auth.Recent(5*time.Minute, func() time.Time { return now }), false, 401,
			[]string{`Bearer realm="test", error="insufficient_user_authentication", max_age="300"`}, "recent(300)"},
		{"the login is too weak", auth.Assurance("phr", "phrh"), false, 401,
			[]string{`Bearer realm="test", error="insufficient_user_authentication", acr_values="phr phrh"`}, "assurance(phr phrh)"},
		{"an untyped error is an outage", auth.RequirementFunc(func(context.Context, *auth.Principal) error { return errors.New(secretMarker) }), false, 503, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events authtest.Recorder
			g := newGuard(t, middleware.Config{Authenticator: auth.FirstOf(tokens(t), keyHeader("k", alice)), Require: tt.require, Observer: &events})
			fields := []string{"Authorization", "Bearer t-alice"}
			if tt.key {
				fields = []string{"X-API-Key", "k"}
			}
			resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", fields...))
			if resp.StatusCode != tt.status {
				t.Fatalf("got status %d, want %d", resp.StatusCode, tt.status)
			}
			authtest.AssertChallenges(t, resp, tt.challenges...)
			e := events.Last()
			if e.Missing != tt.missing || e.Subject != "alice" {
				t.Errorf("got event %+v, want missing %q of alice", e, tt.missing)
			}
			if tt.status != 200 {
				assertProblem(t, resp, tt.status)
			}
		})
	}
}

// TestChallengesSayWhatToAskFor has a client that comes without a token, or with one that is not accepted, learn which scopes
// the next one needs.
func TestChallengesSayWhatToAskFor(t *testing.T) {
	first := tokens(t)
	scheme := first.Schemes()[0]
	scheme.Params = append(slices.Clone(scheme.Params), auth.Param{Name: "scope", Value: "profile notes:read"})
	asking := describedAs{first, scheme}
	needs := auth.All(auth.Scopes("notes:read", "notes:write"), auth.Roles("admin"))
	for _, tt := range []struct {
		name          string
		authenticator auth.Authenticator
		require       auth.Requirement
		fields        []string
		challenges    []string
	}{
		{"a route without scopes names none", tokens(t), auth.Roles("admin"), nil, []string{`Bearer realm="test"`}},
		{"a route with scopes names them", tokens(t), needs, nil, []string{`Bearer realm="test", scope="notes:read notes:write"`}},
		{"also for a token that is not accepted", tokens(t), needs, []string{"Authorization", "Bearer t-expired"},
			[]string{`Bearer realm="test", error="invalid_token", scope="notes:read notes:write"`}},
		{"not for what is malformed", tokens(t), needs, []string{"Authorization", "Bearer t-alice", "Authorization", "Bearer t-alice"},
			[]string{`Bearer realm="test", error="invalid_request"`}},
		{"a scheme that is no bearer's names none", auth.FirstOf(keyHeader("k", alice), tokens(t)), needs, nil,
			[]string{`Bearer realm="test", scope="notes:read notes:write"`, `ApiKey realm="test"`}},
		{"what the scheme says to begin with comes first", asking, needs, nil, []string{`Bearer realm="test", scope="profile notes:read notes:write"`}},
		{"and alone where the route needs nothing", asking, nil, nil, []string{`Bearer realm="test", scope="profile notes:read"`}},
		{"but a 403 names what the route needs", asking, auth.Scopes("notes:write"), []string{"Authorization", "Bearer t-alice"},
			[]string{`Bearer realm="test", scope="notes:write", error="insufficient_scope"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuard(t, middleware.Config{Authenticator: tt.authenticator, Require: tt.require})
			authtest.AssertChallenges(t, authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", tt.fields...)), tt.challenges...)
		})
	}
	t.Run("groups add up", func(t *testing.T) {
		mux := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)})})
		mux.Group(middleware.Require(auth.Scopes("notes:read"))).Handle("GET /", middleware.Require(auth.Scopes("notes:write")), whoami)
		h, err := mux.Build()
		if err != nil {
			t.Fatal(err)
		}
		authtest.AssertChallenges(t, authtest.Do(h, authtest.Request(http.MethodGet, "/")), `Bearer realm="test", scope="notes:read notes:write"`)
	})
}

// describedAs is an authenticator with another description.
type describedAs struct {
	auth.Authenticator
	scheme auth.Scheme
}

func (d describedAs) Schemes() []auth.Scheme { return []auth.Scheme{d.scheme} }

func TestConceal(t *testing.T) {
	var events authtest.Recorder
	g := newGuard(t, middleware.Config{Authenticator: tokens(t), Require: auth.Roles("admin"), Conceal: true, Observer: &events})
	for _, tt := range []struct {
		name, value string
		kind        auth.Kind
	}{
		{"nothing sent", "", auth.KindNoCredential},
		{"a bad token", "Bearer t-expired", auth.KindInvalid},
		{"not allowed", "Bearer t-alice", auth.KindForbidden},
		{"an outage", "Bearer t-down", auth.KindUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := authtest.Request(http.MethodGet, "/")
			if tt.value != "" {
				r.Header.Set("Authorization", tt.value)
			}
			resp := authtest.Do(g.Handler(whoami), r)
			assertProblem(t, resp, 404)
			authtest.AssertChallenges(t, resp)
			if e := events.Last(); resp.StatusCode != 404 || e.Kind != tt.kind || e.Status != 404 || !e.Concealed || resp.Header.Get("Retry-After") != "" {
				t.Errorf("got status %d, header %v and event %+v, want 404 and kind %v", resp.StatusCode, resp.Header, e, tt.kind)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	preflight := []string{"Origin", "https://a.example", "Access-Control-Request-Method", "GET"}
	for _, tt := range []struct {
		name   string
		allow  bool
		method string
		fields []string
		status int
	}{
		{"a preflight goes on where the route lets it", true, http.MethodOptions, preflight, 200},
		{"it is refused by default", false, http.MethodOptions, preflight, 401},
		{"an OPTIONS request without Origin is none", true, http.MethodOptions, preflight[2:], 401},
		{"an OPTIONS request that asks for no method is none", true, http.MethodOptions, preflight[:2], 401},
		{"another method is none", true, http.MethodGet, preflight, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events authtest.Recorder
			g := newGuard(t, middleware.Config{Authenticator: tokens(t), AllowPreflight: tt.allow, Observer: &events})
			resp := authtest.Do(g.Handler(whoami), authtest.Request(tt.method, "/", tt.fields...))
			if resp.StatusCode != tt.status || (events.Last().Outcome == auth.OutcomePreflight) != (tt.status == 200) {
				t.Errorf("got status %d and event %+v, want %d", resp.StatusCode, events.Last(), tt.status)
			}
		})
	}
}

func TestNewRefusesMistakesAllAtOnce(t *testing.T) {
	_, err := middleware.New(middleware.Config{Optional: true, Require: auth.Scopes("bad scope")})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, part := range []string{"Config.Authenticator is nil", `"bad scope"`, "Optional together with Require"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got error %q, want it to name %q", err, part)
		}
	}
	for _, c := range []middleware.Config{{Conceal: true, Optional: true}, {Conceal: true, AllowPreflight: true}} {
		c.Authenticator = tokens(t)
		if _, err := middleware.New(c); err == nil {
			t.Errorf("got no error for %+v", c)
		}
	}
	if _, err := newGuard(t, middleware.Config{Authenticator: tokens(t)}).Require(); err == nil {
		t.Error("got no error for Require of nothing")
	}
	if _, err := newGuard(t, middleware.Config{Authenticator: tokens(t)}).Require(nil); err == nil {
		t.Error("got no error for a nil requirement")
	}
}

func TestGuardsForPeopleAndProgrammers(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t)})
	optional := newGuard(t, middleware.Config{Authenticator: tokens(t), Optional: true})
	for got, want := range map[string]string{
		g.String():        "guard(bearer: authenticated)",
		optional.String(): "guard(bearer: optional)",
		g.MustRequire(auth.Roles("a")).MustRequire(auth.Roles("b")).String(): "guard(bearer: all(roles(a), roles(b)))",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for name, f := range map[string]func(){
		"a nil handler":           func() { g.Handler(nil) },
		"a requirement that errs": func() { g.MustRequire(auth.Scopes()) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("got no panic for %s", name)
				}
			}()
			f()
		}()
	}
	type key struct{}
	r := authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-alice")
	d := g.Check(r.WithContext(context.WithValue(r.Context(), key{}, "kept")))
	if got := d.Request.Context().Value(key{}); got != "kept" {
		t.Errorf("got %v from the context, want what was there before", got)
	}
	concealed := newGuard(t, middleware.Config{Authenticator: tokens(t), Conceal: true})
	if d := concealed.Check(authtest.Request(http.MethodGet, "/")); d.Challenges() != nil || d.Status() != 404 {
		t.Errorf("got challenges %v and status %d from a concealed guard", d.Challenges(), d.Status())
	}
}

func TestRequireTurnsAnOptionalGuardIntoARequiredOne(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t), Optional: true}).MustRequire(auth.Scopes("notes:read"))
	if resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/")); resp.StatusCode != 401 {
		t.Errorf("got status %d, want 401", resp.StatusCode)
	}
}

// twoPlaces reads one header and describes two.
