package middleware_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

// TestRefuseAnswersAsTheGuardDoes has a handler that refuses after the guard had let the request in.
func TestRefuseAnswersAsTheGuardDoes(t *testing.T) {
	leak := fmt.Errorf("database: %s", secretMarker)
	for _, tt := range []struct {
		name       string
		err        error
		status     int
		challenges []string
		retry      string
		reason     auth.Reason
	}{
		{"forbidden, with what the route asks for", auth.Forbidden(auth.ReasonNotAllowed, leak), 403,
			[]string{`Bearer realm="test", error="insufficient_scope", scope="notes:read"`}, "", auth.ReasonNotAllowed},
		{"an error of the program is an outage", leak, 503, nil, "1", auth.ReasonUnavailable},
		{"no error is one too", nil, 503, nil, "1", auth.ReasonUnavailable},
		{"a wrapped one is what it wraps", fmt.Errorf("x: %w", auth.Throttled(3*time.Second)), 429, nil, "3", auth.ReasonThrottled},
		{"a login that is too old", &auth.Error{Kind: auth.KindStepUp, Reason: auth.ReasonTooOld, Params: []auth.Param{{Name: "max_age", Value: "60"}}}, 401,
			[]string{`Bearer realm="test", error="insufficient_user_authentication", max_age="60"`}, "", auth.ReasonTooOld},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events authtest.Recorder
			var log bytes.Buffer
			g := newGuard(t, middleware.Config{
				Authenticator: auth.FirstOf(keyHeader("k", root), tokens(t)), Require: auth.Scopes("notes:read"),
				Observer: &events, ErrorLog: slog.New(slog.NewTextHandler(&log, nil)),
			})
			h := g.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { middleware.Refuse(w, r, tt.err) })
			resp := authtest.Do(h, authtest.Request("GET", "/", "Authorization", "Bearer t-alice"))
			if resp.StatusCode != tt.status || resp.Header.Get("Retry-After") != tt.retry || resp.Header.Get("Cache-Control") != "no-store" ||
				len(resp.Header.Values("Vary")) != 1 || resp.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("got %d and %v, want %d", resp.StatusCode, resp.Header, tt.status)
			}
			if text := body(t, resp); strings.Contains(text, secretMarker) || strings.Contains(text, "database") {
				t.Errorf("got the cause in %s", text)
			}
			authtest.AssertChallenges(t, resp, tt.challenges...)
			all := events.Events()
			if len(all) != 2 || all[0].Outcome != auth.OutcomeAllowed {
				t.Fatalf("got events %+v, want one for the guard and one for the handler", all)
			}
			if e := all[1]; e.Outcome != auth.OutcomeRefused || e.Reason != tt.reason || e.Status != tt.status || e.Subject != "alice" || e.Authenticator != "bearer" || e.Missing != "" {
				t.Errorf("got event %+v", e)
			}
			if logged := strings.Contains(log.String(), "no decision"); logged != (tt.status == 503) {
				t.Errorf("got log %q", log.String())
			}
		})
	}
}

// tooLittleError is a cause that says what was asked for.
type tooLittleError struct{}

func (tooLittleError) Error() string { return "too little" }
func (tooLittleError) Describe() auth.Rule {
	return auth.Rule{Kind: "permission", Names: []string{"note:delete"}}
}

func TestRefuseTellsObserversWhatWasAskedFor(t *testing.T) {
	var events authtest.Recorder
	g := newGuard(t, middleware.Config{Authenticator: tokens(t), Require: auth.Scopes("notes:read"), Observer: &events})
	h := g.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		middleware.Refuse(w, r, auth.Forbidden(auth.ReasonNotAllowed, tooLittleError{}))
	})
	authtest.Do(h, authtest.Request("GET", "/", "Authorization", "Bearer t-alice"))
	if got := events.Last().Missing; got != "permission(note:delete)" {
		t.Errorf("got %q missing, want what the handler asked for", got)
	}
}

func TestRefuseInTheGuardsOwnWords(t *testing.T) {
	refuse := func(w http.ResponseWriter, r *http.Request) {
		middleware.Refuse(w, r, auth.Forbidden(auth.ReasonNotAllowed, nil))
	}
	own := newGuard(t, middleware.Config{Authenticator: tokens(t), ErrorWriter: func(w http.ResponseWriter, _ *http.Request, d middleware.Decision) {
		w.WriteHeader(d.Status())
		_, _ = fmt.Fprint(w, "ours: ", d.Text())
	}})
	resp := authtest.Do(own.HandlerFunc(refuse), authtest.Request("GET", "/", "Authorization", "Bearer t-alice"))
	if got := body(t, resp); resp.StatusCode != 403 || !strings.HasPrefix(got, "ours: ") {
		t.Errorf("got %d %s, want the guard's own writer", resp.StatusCode, got)
	}
	m := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)})})
	m.HandleFunc("GET /concealed", middleware.Authenticated().Conceal(), refuse)
	h := build(t, m)
	concealed := authtest.Do(h, authtest.Request("GET", "/concealed", "Authorization", "Bearer t-alice"))
	unknown := authtest.Do(h, authtest.Request("GET", "/unknown", "Authorization", "Bearer t-alice"))
	if a, b := body(t, concealed), body(t, unknown); concealed.StatusCode != 404 || a != b || len(concealed.Header.Values("WWW-Authenticate")) != 0 {
		t.Errorf("got %d %s, want the answer of nothing, %s", concealed.StatusCode, a, b)
	}
}

// TestRefuseConcealsNoOutageFromWhomTheGuardLetIn has a store that is down read as gone to nobody who may see what is there.
func TestRefuseConcealsNoOutageFromWhomTheGuardLetIn(t *testing.T) {
	for _, tt := range []struct {
		name    string
		err     error
		status  int
		conceal bool
	}{
		{"a store that is down", errors.New(secretMarker), 503, false},
		{"too many tries", auth.Throttled(2 * time.Second), 429, false},
		{"what is not allowed", auth.Forbidden(auth.ReasonNotAllowed, nil), 404, true},
		{"a login that is too old", auth.Invalid(auth.ReasonExpired, nil), 404, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events authtest.Recorder
			m := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t), Observer: &events})})
			m.HandleFunc("GET /a", middleware.Authenticated().Conceal(), func(w http.ResponseWriter, r *http.Request) { middleware.Refuse(w, r, tt.err) })
			h := build(t, m)
			resp := authtest.Do(h, authtest.Request("GET", "/a", "Authorization", "Bearer t-alice"))
			if resp.StatusCode != tt.status || (resp.Header.Get("Retry-After") == "") != tt.conceal {
				t.Errorf("got status %d, Retry-After %q, want %d", resp.StatusCode, resp.Header.Get("Retry-After"), tt.status)
			}
			if e := events.Last(); e.Concealed != tt.conceal || e.Status != tt.status {
				t.Errorf("got event %+v", e)
			}
			if got := body(t, resp); strings.Contains(got, secretMarker) {
				t.Errorf("got body %s", got)
			}
			for _, credential := range []string{"Bearer t-down", "Bearer t-expired"} { // whom it has not let in
				if got := authtest.Do(h, authtest.Request("GET", "/a", "Authorization", credential)).StatusCode; got != 404 {
					t.Errorf("%s: got status %d, want 404", credential, got)
				}
			}
		})
	}
}

// TestRefuseConcealsInTheHeadersToo compares whole answers: a header that only a route that exists has would tell.
func TestRefuseConcealsInTheHeadersToo(t *testing.T) {
	refuse := func(w http.ResponseWriter, r *http.Request) {
		middleware.Refuse(w, r, auth.Forbidden(auth.ReasonNotAllowed, nil))
	}
	sliding := slidingKey{keyHeader("k", root)}
	users := newGuard(t, middleware.Config{Authenticator: auth.FirstOf(tokens(t), sliding)})
	hidden := newGuard(t, middleware.Config{Authenticator: auth.FirstOf(tokens(t), sliding), Conceal: true})
	apps := newGuard(t, middleware.Config{Authenticator: keyHeader("app", alice)})
	outer := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Vary", "Origin")
			w.Header().Set("X-Frame-Options", "DENY")
			h.ServeHTTP(w, r)
		})
	}
	for _, tt := range []struct {
		name   string
		config middleware.MuxConfig
		access middleware.Access
		fields []string
	}{
		{"a guard whose answers vary", middleware.MuxConfig{Guard: users}, middleware.Authenticated().Conceal(), []string{"X-API-Key", "k"}},
		{"one that is asked before a 404", middleware.MuxConfig{Guard: users, HideUnknown: true}, middleware.Authenticated().Conceal(), []string{"X-API-Key", "k"}},
		{"one that conceals everything and is asked before a 404", middleware.MuxConfig{Guard: hidden, HideUnknown: true}, middleware.Authenticated(), []string{"X-API-Key", "k"}},
		{"two guards", middleware.MuxConfig{Guard: newGuard(t, middleware.Config{Authenticator: tokens(t)})}, middleware.Authenticated().Also(apps).Conceal(), []string{"Authorization", "Bearer t-alice", "X-API-Key", "app"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := middleware.NewMux(tt.config)
			m.HandleFunc("GET /concealed", tt.access, refuse)
			h := outer(build(t, m))
			concealed := authtest.Do(h, authtest.Request("GET", "/concealed", tt.fields...))
			unknown := authtest.Do(h, authtest.Request("GET", "/unknown", tt.fields...))
			if concealed.StatusCode != 404 || !reflect.DeepEqual(concealed.Header, unknown.Header) {
				t.Errorf("got %d %v,\nwant what answers for nothing, %v", concealed.StatusCode, concealed.Header, unknown.Header)
			}
		})
	}
}

// TestRefuseConcealsWhateverTheContextHolds has a NotFound that looks at the principal, and a handler inside of a middleware
// that sets one of its own.
func TestRefuseConcealsWhateverTheContextHolds(t *testing.T) {
	refuse := func(w http.ResponseWriter, r *http.Request) {
		middleware.Refuse(w, r, auth.Forbidden(auth.ReasonNotAllowed, nil))
	}
	derive := func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r.WithContext(auth.NewContext(r.Context(), root)))
	}
	notFound := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		whoami(w, r)
	})
	again := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		middleware.Refuse(w, r, auth.Forbidden(auth.ReasonNotAllowed, nil)) // has no guard to ask, and must come to an end
	})
	apps := newGuard(t, middleware.Config{Authenticator: keyHeader("app", alice)})
	for _, tt := range []struct {
		name    string
		config  middleware.MuxConfig
		access  middleware.Access
		handler http.HandlerFunc
		fields  []string
	}{
		{"a NotFound that greets", middleware.MuxConfig{NotFound: notFound}, middleware.Authenticated().Conceal(), refuse, []string{"Authorization", "Bearer t-alice"}},
		{"after a guard that everybody passes", middleware.MuxConfig{NotFound: notFound, HideUnknown: true}, middleware.Authenticated().Conceal(), refuse, []string{"Authorization", "Bearer t-alice"}},
		{"a NotFound that refuses", middleware.MuxConfig{NotFound: again}, middleware.Authenticated().Conceal(), refuse, []string{"Authorization", "Bearer t-alice"}},
		{"a principal that was set", middleware.MuxConfig{NotFound: notFound}, middleware.Authenticated().Conceal(), derive, []string{"Authorization", "Bearer t-alice"}},
		{"a further guard that let the request in", middleware.MuxConfig{NotFound: notFound}, middleware.Authenticated().Also(apps).Conceal(), refuse, []string{"X-API-Key", "app"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.Guard = newGuard(t, middleware.Config{Authenticator: tokens(t)})
			m := middleware.NewMux(tt.config)
			m.HandleFunc("GET /concealed", tt.access, tt.handler)
			h := build(t, m)
			concealed := authtest.Do(h, authtest.Request("GET", "/concealed", tt.fields...))
			unknown := authtest.Do(h, authtest.Request("GET", "/unknown", tt.fields...))
			if a, b := body(t, concealed), body(t, unknown); concealed.StatusCode != unknown.StatusCode || a != b || !reflect.DeepEqual(concealed.Header, unknown.Header) {
				t.Errorf("got %d %s %v,\nwant what answers for nothing, %d %s %v", concealed.StatusCode, a, concealed.Header, unknown.StatusCode, b, unknown.Header)
			}
		})
	}
}

// slidingKey has every response carry something.
type slidingKey struct{ *authtest.Fake }

func (s slidingKey) Decide(r *http.Request) auth.Decision {
	p, err := s.Authenticate(r)
	return auth.Decision{Principal: p, Err: err, Header: http.Header{"Set-Cookie": {"session=next"}, "X-Nonce": {"1"}}}
}

func TestRefuseWithoutAGuard(t *testing.T) {
	refuse := func(err error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { middleware.Refuse(w, r, err) }
	}
	resp := authtest.Do(refuse(auth.Throttled(time.Second)), authtest.Request("GET", "/"))
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("got %d and %v, want 429", resp.StatusCode, resp.Header)
	}
	optional := newGuard(t, middleware.Config{Authenticator: tokens(t), Optional: true})
	resp = authtest.Do(optional.Handler(refuse(auth.ErrNoCredential)), authtest.Request("GET", "/"))
	if resp.StatusCode != 401 {
		t.Errorf("got %d, want 401", resp.StatusCode)
	}
	resp = authtest.Do(refuse(errors.New(secretMarker)), authtest.Request("GET", "/"))
	if got := body(t, resp); resp.StatusCode != 503 || strings.Contains(got, secretMarker) {
		t.Errorf("got %d %s, want 503 without the cause", resp.StatusCode, got)
	}
}
