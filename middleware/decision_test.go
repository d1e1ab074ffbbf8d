package middleware_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

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

func TestBoundTokensAreChallengedFirst(t *testing.T) {
	dpop := &authtest.Fake{Scheme: auth.Scheme{Name: "dpop", Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "DPoP"}}
	g := newGuard(t, middleware.Config{Authenticator: auth.FirstOf(keyHeader("k", alice), tokens(t), dpop)})
	authtest.AssertChallenges(t, authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/")), "DPoP", `Bearer realm="test"`, `ApiKey realm="test"`)
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

func TestOnlyTheChallengeOfTheFilledPlaceAnswersABadCredential(t *testing.T) {
	two := keyHeader("k", alice)
	both := &twoPlaces{*two}
	g := newGuard(t, middleware.Config{Authenticator: both})
	resp := authtest.Do(g.Handler(whoami), authtest.Request(http.MethodGet, "/", "X-API-Key", "wrong"))
	authtest.AssertChallenges(t, resp, `ApiKey realm="test"`)
}

type twoPlaces struct{ authtest.Fake }

func (p *twoPlaces) Schemes() []auth.Scheme {
	other := p.Scheme
	other.Name, other.Parameter, other.AuthScheme = "bearer", "Authorization", "Bearer"
	return []auth.Scheme{other, p.Scheme}
}

func TestAnAuthenticatorHasOneNameInEventsHoweverItEnds(t *testing.T) {
	both := &twoPlaces{*keyHeader("k", alice)}
	var events authtest.Recorder
	g := newGuard(t, middleware.Config{Authenticator: both, Observer: &events})
	for _, key := range []string{"k", "wrong"} {
		g.Check(authtest.Request(http.MethodGet, "/", "X-API-Key", key))
		if e := events.Last(); e.Authenticator != "bearer" || e.Scheme != "key" {
			t.Errorf("with %s: got authenticator %q and scheme %q, want bearer, the first of its schemes, and key", key, e.Authenticator, e.Scheme)
		}
	}
	g.Check(authtest.As(authtest.Request(http.MethodGet, "/"), alice))
	if e := events.Last(); e.Authenticator != "test" || e.Scheme != "test" || e.Subject != "alice" {
		t.Errorf("got event %+v, want what the principal says of itself", e)
	}
}
