package middleware_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
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

func TestBasicChallengeForScripts(t *testing.T) {
	basic := &authtest.Fake{Scheme: auth.Scheme{Name: "basic", Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Basic", Realm: "r"}}
	for _, tt := range []struct {
		name, mode string
		hide       bool
		want       []string
	}{
		{"a fetch is shown no Basic where it is hidden", "cors", true, []string{`Bearer realm="test"`}},
		{"a navigation is", "navigate", true, []string{`Bearer realm="test"`, `Basic realm="r"`}},
		{"a client that says nothing is", "", true, []string{`Bearer realm="test"`, `Basic realm="r"`}},
		{"by default everybody is, and Basic comes last", "cors", false, []string{`Bearer realm="test"`, `Basic realm="r"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuard(t, middleware.Config{Authenticator: auth.FirstOf(basic, tokens(t)), HideBasicFromScripts: tt.hide})
			r := authtest.Request(http.MethodGet, "/")
			if tt.mode != "" {
				r.Header.Set("Sec-Fetch-Mode", tt.mode)
			}
			authtest.AssertChallenges(t, authtest.Do(g.Handler(whoami), r), tt.want...)
		})
	}
}

func TestCachesAreToldWhatTheAnswerDependsOn(t *testing.T) {
	cookie := &authtest.Fake{Scheme: auth.Scheme{Name: "c", Type: "apiKey", In: auth.InCookie, Parameter: "sid", AuthScheme: "Session"}}
	for _, tt := range []struct {
		name        string
		a           auth.Authenticator
		optional    bool
		fields      []string
		vary, cache string
	}{
		{"Authorization needs no word", tokens(t), false, []string{"Authorization", "Bearer t-alice"}, "", ""},
		{"it does where it is optional", tokens(t), true, nil, "Authorization", "private"},
		{"a header of its own does", keyHeader("k", alice), false, []string{"X-API-Key", "k"}, "X-Api-Key", "private"},
		{"so does a cookie", auth.FirstOf(keyHeader("k", alice), cookie), false, []string{"X-API-Key", "k"}, "X-Api-Key, Cookie", "private"},
		{"a refusal is not stored", keyHeader("k", alice), false, nil, "X-Api-Key", "no-store"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuard(t, middleware.Config{Authenticator: tt.a, Optional: tt.optional})
			h := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", tt.fields...)).Header
			if h.Get("Vary") != tt.vary || h.Get("Cache-Control") != tt.cache {
				t.Errorf("got Vary %q and Cache-Control %q, want %q and %q", h.Get("Vary"), h.Get("Cache-Control"), tt.vary, tt.cache)
			}
		})
	}
}

func TestDecisionsCarryHeaders(t *testing.T) {
	a := withHeader{tokens(t)}
	g := newGuard(t, middleware.Config{Authenticator: auth.FirstOf(a, keyHeader("k", alice))})
	for _, value := range []string{"Bearer t-alice", "Bearer t-expired"} {
		h := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "Authorization", value)).Header
		if got := h.Values("DPoP-Nonce"); !slices.Equal(got, []string{"n1"}) {
			t.Errorf("with %s: got DPoP-Nonce %q, want n1 once", value, got)
		}
	}
}

type withHeader struct{ auth.Authenticator }

func (a withHeader) Decide(r *http.Request) auth.Decision {
	d := auth.Decide(a.Authenticator, r)
	d.Header = http.Header{"Dpop-Nonce": {"n1"}}
	return d
}

func TestErrorWriterCannotForgetHeaders(t *testing.T) {
	g := newGuard(t, middleware.Config{
		Authenticator: tokens(t),
		ErrorWriter: func(w http.ResponseWriter, _ *http.Request, d middleware.Decision) {
			w.WriteHeader(d.Status())
			_, _ = io.WriteString(w, "own: "+d.Text())
		},
	})
	resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/"))
	authtest.AssertChallenge(t, resp, "Bearer", "realm", "test", "error", "")
	if got := body(t, resp); resp.StatusCode != 401 || got != "own: authentication is required" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("got status %d, body %q, header %v", resp.StatusCode, got, resp.Header)
	}
}

func TestErrorLogGetsTheCauseOfAnOutage(t *testing.T) {
	var log strings.Builder
	g := newGuard(t, middleware.Config{Authenticator: tokens(t), ErrorLog: slog.New(slog.NewTextHandler(&log, nil))})
	for _, value := range []string{"Bearer t-expired", "Bearer t-down"} {
		authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "Authorization", value))
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "is down") {
		t.Errorf("got log %q, want one line with the cause", got)
	}
}

func TestClientAddressInEvents(t *testing.T) {
	for _, tt := range []struct {
		name string
		addr auth.AddrFunc
		peer string
		want string
	}{
		{"the remote address as it is", nil, "192.0.2.1:1234", "192.0.2.1:1234"},
		{"the resolved one", auth.PeerAddr, "192.0.2.1:1234", "192.0.2.1"},
		{"one that can't be resolved", auth.PeerAddr, "@", "unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var events authtest.Recorder
			g := newGuard(t, middleware.Config{Authenticator: tokens(t), Observer: &events, ClientAddr: tt.addr})
			r := authtest.Request(http.MethodGet, "/")
			r.RemoteAddr = tt.peer
			g.Check(r)
			if got := events.Last().Remote; got != tt.want {
				t.Errorf("got remote %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNewRefusesMistakesAllAtOnce(t *testing.T) {
	_, err := middleware.New(middleware.Config{Optional: true, Require: auth.Scopes("bad scope")})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, part := range []string{"authenticator is nil", `"bad scope"`, "Optional together with Require"} {
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

func TestCheckWritesNothing(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t), Require: auth.Scopes("notes:read")})
	d := g.Check(authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-alice"))
	if p, ok := auth.FromContext(d.Request.Context()); d.Err != nil || d.Principal != alice || !ok || p != alice || d.Status() != 200 || d.Text() != "" {
		t.Errorf("got decision %+v, want alice", d)
	}
	d = g.Check(authtest.Request(http.MethodGet, "/"))
	h := http.Header{}
	d.AddHeaders(h)
	if d.Principal != nil || d.Request != nil || d.Status() != 401 || !errors.Is(d.Err, auth.ErrNoCredential) || len(d.Challenges()) != 1 || h.Get("WWW-Authenticate") == "" {
		t.Errorf("got decision %+v and header %v, want a refusal", d, h)
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

func TestBoundTokensAreChallengedFirst(t *testing.T) {
	dpop := &authtest.Fake{Scheme: auth.Scheme{Name: "dpop", Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "DPoP"}}
	g := newGuard(t, middleware.Config{Authenticator: auth.FirstOf(keyHeader("k", alice), tokens(t), dpop)})
	authtest.AssertChallenges(t, authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/")), "DPoP", `Bearer realm="test"`, `ApiKey realm="test"`)
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

func TestEventsTellTheTimeOfTheClock(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	var events authtest.Recorder
	g := newGuard(t, middleware.Config{Authenticator: tokens(t), Observer: &events, Clock: clock})
	g.Check(authtest.Request(http.MethodGet, "/"))
	if e := events.Last(); e.Duration != time.Second || !e.Time.Equal(now.Add(-time.Second)) {
		t.Errorf("got time %v and duration %v, want those of the clock", e.Time, e.Duration)
	}
}

func TestStrictGuardsRefuseForeignSchemesBesideAGoodCredential(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: keyHeader("k", alice), RefuseForeignSchemes: true})
	resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "X-API-Key", "k", "Authorization", "Negotiate abc"))
	if resp.StatusCode != 401 {
		t.Errorf("got status %d, want 401", resp.StatusCode)
	}
}

func TestRequireTurnsAnOptionalGuardIntoARequiredOne(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t), Optional: true}).MustRequire(auth.Scopes("notes:read"))
	if resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/")); resp.StatusCode != 401 {
		t.Errorf("got status %d, want 401", resp.StatusCode)
	}
}

func TestOnlyTheChallengeOfTheFilledPlaceAnswersABadCredential(t *testing.T) {
	two := keyHeader("k", alice)
	both := &twoPlaces{*two}
	g := newGuard(t, middleware.Config{Authenticator: both})
	resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "X-API-Key", "wrong"))
	authtest.AssertChallenges(t, resp, `ApiKey realm="test"`)
}

// twoPlaces reads one header and describes two.
type twoPlaces struct{ authtest.Fake }

func (p *twoPlaces) Schemes() []auth.Scheme {
	other := p.Scheme
	other.Name, other.Parameter, other.AuthScheme = "bearer", "Authorization", "Bearer"
	return []auth.Scheme{other, p.Scheme}
}
