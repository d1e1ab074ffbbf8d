package middleware_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

func TestBadInput(t *testing.T) {
	const (
		bearer        = `Bearer realm="test"`
		bearerInvalid = `Bearer realm="test", error="invalid_token"`
		key           = `ApiKey realm="test"`
	)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, stop := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer stop()
	authorization := func(values ...string) []string {
		var fields []string
		for _, v := range values {
			fields = append(fields, "Authorization", v)
		}
		return fields
	}
	for _, tt := range []struct {
		name       string
		fields     []string
		ctx        context.Context
		status     int
		optional   int // 0: the same
		challenges []string
		reason     auth.Reason
		kind       auth.Kind
	}{
		{"nothing sent", nil, nil, 401, 200, []string{bearer, key}, auth.ReasonAbsent, auth.KindNoCredential},
		{"an empty header", authorization(""), nil, 401, 0, []string{bearerInvalid}, auth.ReasonUnrecognized, auth.KindInvalid},
		{"an empty key header", []string{"X-API-Key", ""}, nil, 401, 0, []string{key}, auth.ReasonUnrecognized, auth.KindInvalid},
		{"another scheme", authorization("Negotiate abc"), nil, 401, 200, []string{bearer, key}, auth.ReasonForeign, auth.KindNoCredential},
		{"a registered scheme alone", authorization("Negotiate"), nil, 401, 200, []string{bearer, key}, auth.ReasonForeign, auth.KindNoCredential},
		{"a secret without a scheme", authorization("t-alice"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonUnrecognized, auth.KindInvalid},
		{"two Authorization lines", authorization("Bearer t-alice", "Bearer t-alice"), nil, 400, 0, []string{`Bearer realm="test", error="invalid_request"`}, auth.ReasonRepeated, auth.KindMalformed},
		{"two key lines", []string{"X-API-Key", "k", "X-API-Key", "k"}, nil, 400, 0, nil, auth.ReasonRepeated, auth.KindMalformed},
		{"the scheme in lower case", authorization("bearer t-alice"), nil, 200, 0, nil, "", 0},
		{"the scheme in upper case", authorization("BEARER t-alice"), nil, 200, 0, nil, "", 0},
		{"a tab after the scheme", authorization("Bearer\tt-alice"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonMalformed, auth.KindInvalid},
		{"two spaces after the scheme", authorization("Bearer  t-alice"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonMalformed, auth.KindInvalid},
		{"nothing after the scheme", authorization("Bearer"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonMalformed, auth.KindInvalid},
		{"a space after the scheme", authorization("Bearer "), nil, 401, 0, []string{bearerInvalid}, auth.ReasonMalformed, auth.KindInvalid},
		{"a space after the token", authorization("Bearer t-alice "), nil, 401, 0, []string{bearerInvalid}, auth.ReasonMalformed, auth.KindInvalid},
		{"two schemes in one line", authorization("Basic Og==, Bearer t-alice"), nil, 401, 200, []string{bearer, key}, auth.ReasonForeign, auth.KindNoCredential},
		{"two tokens in one line", authorization("Bearer t-alice, Bearer t-root"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonMalformed, auth.KindInvalid},
		{"a header of 1 MiB", authorization("Bearer " + strings.Repeat("a", 1<<20)), nil, 401, 0, []string{bearerInvalid}, auth.ReasonUnrecognized, auth.KindInvalid},
		{"a control byte", authorization("Bearer t-al\x00ice"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonMalformed, auth.KindInvalid},
		{"a newline", authorization("Bearer t-alice\r\nX-Evil: 1"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonMalformed, auth.KindInvalid},
		{"a byte outside ASCII", authorization("Bearer t-älice"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonMalformed, auth.KindInvalid},
		{"a token of nobody's kind", authorization("Bearer garbage"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonUnrecognized, auth.KindInvalid},
		{"an unknown token", authorization("Bearer t-unknown"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonUnknown, auth.KindInvalid},
		{"an expired token", authorization("Bearer t-expired"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonExpired, auth.KindInvalid},
		{"a bad token before a good key", append(authorization("Bearer t-expired"), "X-API-Key", "k"), nil, 401, 0, []string{bearerInvalid}, auth.ReasonExpired, auth.KindInvalid},
		{"a good token before a bad key", append(authorization("Bearer t-alice"), "X-API-Key", "wrong"), nil, 200, 0, nil, "", 0},
		{"a token of nobody's kind and a good key", append(authorization("Bearer garbage"), "X-API-Key", "k"), nil, 200, 0, nil, "", 0},
		{"a wrong key", []string{"X-API-Key", "wrong"}, nil, 401, 0, []string{key}, auth.ReasonUnknown, auth.KindInvalid},
		{"a store that fails", authorization("Bearer t-down"), nil, 503, 0, nil, auth.ReasonUnavailable, auth.KindUnavailable},
		{"a store that hangs until the deadline", authorization("Bearer t-hang"), late, 503, 0, nil, auth.ReasonDeadline, auth.KindUnavailable},
		{"a cancelled request", authorization("Bearer t-alice"), cancelled, 503, 0, nil, auth.ReasonCancelled, auth.KindUnavailable},
		{"neither principal nor error", authorization("Bearer t-nobody"), nil, 503, 0, nil, auth.ReasonContract, auth.KindUnavailable},
		{"a principal with an error", authorization("Bearer t-both"), nil, 503, 0, nil, auth.ReasonContract, auth.KindUnavailable},
		{"too many tries", authorization("Bearer t-throttled"), nil, 429, 0, nil, auth.ReasonThrottled, auth.KindThrottled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, optional := range []bool{false, true} {
				var events authtest.Recorder
				g := newGuard(t, middleware.Config{
					Authenticator: auth.FirstOf(tokens(t), keyHeader("k", alice)),
					Optional:      optional,
					Observer:      &events,
				})
				r := authtest.Request(http.MethodGet, "/", tt.fields...)
				if tt.ctx != nil {
					r = r.WithContext(tt.ctx)
				}
				resp := authtest.Do(g.Handler(whoami), r)
				want := tt.status
				if optional && tt.optional != 0 {
					want = tt.optional
				}
				if resp.StatusCode != want {
					t.Fatalf("optional %v: got status %d, want %d", optional, resp.StatusCode, want)
				}
				event := events.Last()
				if len(events.Events()) != 1 {
					t.Errorf("got %d events, want 1", len(events.Events()))
				}
				if want == 200 {
					authtest.AssertChallenges(t, resp)
					if event.Outcome == auth.OutcomeRefused {
						t.Errorf("got outcome %s", event.Outcome)
					}
					continue
				}
				authtest.AssertChallenges(t, resp, tt.challenges...)
				assertProblem(t, resp, want)
				if event.Outcome != auth.OutcomeRefused || event.Kind != tt.kind || event.Reason != tt.reason || event.Status != want {
					t.Errorf("got event %+v, want kind %v, reason %s, status %d", event, tt.kind, tt.reason, want)
				}
				if text := fmt.Sprintf("%+v", event); strings.Contains(text, secretMarker) || strings.Contains(text, "t-") {
					t.Errorf("got a secret in event %s", text)
				}
				if retry := resp.Header.Get("Retry-After"); (retry != "") != (want == 429 || want == 503) {
					t.Errorf("got Retry-After %q", retry)
				}
			}
		})
	}
}

func assertProblem(t *testing.T, resp *http.Response, status int) {
	t.Helper()
	text := body(t, resp)
	var problem struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal([]byte(text), &problem); err != nil {
		t.Fatalf("got body %q: %v", text, err)
	}
	if problem.Type != "about:blank" || problem.Title != http.StatusText(status) || problem.Status != status || problem.Detail == "" {
		t.Errorf("got problem %+v", problem)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("got Content-Type %q", got)
	}
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("got Cache-Control %q", got)
	}
	if strings.Contains(text, secretMarker) {
		t.Errorf("got a secret in body %q", text)
	}
}

func TestRetryAfterIsWholeSecondsRoundedUp(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t)})
	resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-throttled"))
	if got := resp.Header.Get("Retry-After"); got != "2" {
		t.Errorf("got Retry-After %q for 1.5 s, want 2", got)
	}
}

func TestPanicReachesTheServerAndLeavesAnEvent(t *testing.T) {
	var events authtest.Recorder
	g := newGuard(t, middleware.Config{Authenticator: tokens(t), Observer: &events})
	server := httptest.NewUnstartedServer(g.Handler(whoami))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer t-panic")
	resp, err := server.Client().Do(r)
	if err == nil {
		_ = resp.Body.Close()
		t.Errorf("got status %d, want the server's own recovery to drop the connection", resp.StatusCode)
	}
	if e := events.Last(); e.Outcome != auth.OutcomePanicked || e.Reason != auth.ReasonPanic {
		t.Errorf("got event %+v, want outcome panicked", e)
	}
}

func TestPanicInARequirementIsNoPass(t *testing.T) {
	var events authtest.Recorder
	g := newGuard(t, middleware.Config{
		Authenticator: tokens(t), Observer: &events,
		Require: auth.RequirementFunc(func(context.Context, *auth.Principal) error { panic("requirement") }),
	})
	defer func() {
		if recover() == nil {
			t.Error("got no panic, want it to go on")
		}
		if e := events.Last(); e.Outcome != auth.OutcomePanicked {
			t.Errorf("got event %+v, want outcome panicked", e)
		}
	}()
	authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-alice"))
}

func TestForeignSchemes(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		strict      bool
		status      int
		foreign     string
	}{
		{"a front proxy's Basic counts as nothing", "Basic Og==", false, 200, "Basic"},
		{"its name is the registered one", "nEGOTIATE abc", false, 200, "Negotiate"},
		{"a name that is not registered is not logged", "sk_live_0123456789 x", false, 200, "other"},
		{"the strict switch refuses it", "Basic Og==", true, 401, "Basic"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events authtest.Recorder
			g := newGuard(t, middleware.Config{Authenticator: tokens(t), Optional: true, RefuseForeignSchemes: tt.strict, Observer: &events})
			resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "Authorization", tt.value))
			if e := events.Last(); resp.StatusCode != tt.status || e.Foreign != tt.foreign || e.Reason != auth.ReasonForeign {
				t.Errorf("got status %d and event %+v, want %d and foreign %s", resp.StatusCode, e, tt.status, tt.foreign)
			}
		})
	}
}

func TestExpiredCookieWhereItCountsAsNone(t *testing.T) {
	expired := &authtest.Fake{
		Scheme: auth.Scheme{Name: "session", Type: "apiKey", In: auth.InCookie, Parameter: "sid", AuthScheme: "Session"},
		Func:   func(*http.Request) (*auth.Principal, error) { return nil, auth.Invalid(auth.ReasonExpired, nil) },
	}
	for _, tt := range []struct {
		name     string
		optional bool
		status   int
		outcome  auth.Outcome
	}{
		{"goes on without a principal where that is allowed", true, 200, auth.OutcomeAnonymous},
		{"is no way in where it is not", false, 401, auth.OutcomeRefused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events authtest.Recorder
			g := newGuard(t, middleware.Config{Authenticator: auth.StaleAsAnonymous(expired), Optional: tt.optional, Observer: &events})
			resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "Cookie", "sid=old"))
			e := events.Last()
			if resp.StatusCode != tt.status || e.Outcome != tt.outcome || e.Reason != auth.ReasonStale || e.Authenticator != "session" {
				t.Errorf("got status %d and event %+v", resp.StatusCode, e)
			}
			if got := resp.Header.Get("Set-Cookie"); !strings.HasPrefix(got, "sid=; Path=/; Max-Age=0") {
				t.Errorf("got Set-Cookie %q, want the cookie cleared on the wire", got)
			}
		})
	}
}

func TestAnAuthenticatorThatLooksAwayMakesNobodyAnonymous(t *testing.T) {
	blind := keyHeader("k", alice)
	blind.Func = func(*http.Request) (*auth.Principal, error) { return nil, auth.ErrNoCredential }
	var events authtest.Recorder
	g := newGuard(t, middleware.Config{Authenticator: blind, Optional: true, Observer: &events})
	resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "X-API-Key", "k"))
	if e := events.Last(); resp.StatusCode != 401 || e.Reason != auth.ReasonUnrecognized {
		t.Errorf("got status %d and event %+v, want 401: its place is filled", resp.StatusCode, e)
	}
}

func TestStrictGuardsRefuseForeignSchemesBesideAGoodCredential(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: keyHeader("k", alice), RefuseForeignSchemes: true})
	resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "X-API-Key", "k", "Authorization", "Negotiate abc"))
	if resp.StatusCode != 401 {
		t.Errorf("got status %d, want 401", resp.StatusCode)
	}
}
