package middleware_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func goodToken(name string) auth.Authenticator {
	p := authtest.Principal("ann")
	return must(auth.NewBearer(auth.BearerConfig{Name: name, Verify: func(_ context.Context, t string) (*auth.Principal, error) {
		if t == "good" {
			return p, nil
		}
		return nil, auth.Invalid(auth.ReasonUnknown, nil)
	}}))
}

func goodQuery() *authtest.Fake {
	return &authtest.Fake{
		Scheme: auth.Scheme{Name: "q", Type: "apiKey", In: auth.InQuery, Parameter: "api_key", AuthScheme: "ApiKey"},
		Func: func(r *http.Request) (*auth.Principal, error) {
			switch v := r.URL.Query().Get("api_key"); v {
			case "":
				return nil, auth.ErrNoCredential
			case "good":
				return authtest.Principal("ann"), nil
			}
			return nil, auth.Invalid(auth.ReasonUnknown, nil)
		},
	}
}

func anyCookie(name string) *authtest.Fake {
	return &authtest.Fake{
		Scheme: auth.Scheme{Name: name, Type: "apiKey", In: auth.InCookie, Parameter: name, AuthScheme: "Cookie"},
		Func: func(r *http.Request) (*auth.Principal, error) {
			c, err := r.Cookie(name)
			switch {
			case err != nil:
				return nil, auth.ErrNoCredential
			case c.Value == "old":
				return nil, auth.Invalid(auth.ReasonExpired, nil)
			}
			return authtest.Principal("ann"), nil
		},
	}
}

var showPrincipal = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	p, _ := auth.FromContext(r.Context())
	fmt.Fprint(w, p.String())
})

func dump(resp *http.Response) string {
	b, _ := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, resp.Header, string(b))
}

func TestMapThatFailsWithNoCredentialIsNotAnonymous(t *testing.T) {
	for name, failure := range map[string]error{
		"the sentinel":                       auth.ErrNoCredential,
		"the sentinel, wrapped":              fmt.Errorf("load user: %w", auth.ErrNoCredential),
		"an Invalid whose cause is that":     auth.Invalid(auth.ReasonUnknown, auth.ErrNoCredential),
		"an Unavailable whose cause is that": auth.Unavailable(auth.ErrNoCredential),
	} {
		t.Run(name, func(t *testing.T) {
			a := auth.Map(goodToken("b"), func(context.Context, *auth.Principal) (*auth.Principal, error) { return nil, failure })
			g := must(middleware.New(middleware.Config{Authenticator: a, Optional: true}))
			if d := g.Check(authtest.Request("GET", "/", "Authorization", "Bearer good")); d.Err == nil {
				t.Error("a credential that was there became an anonymous caller")
			}
		})
	}
}

func TestVerifyThatFailsWithNoCredentialIsNotAnonymous(t *testing.T) {
	b := must(auth.NewBearer(auth.BearerConfig{Verify: func(context.Context, string) (*auth.Principal, error) {
		return nil, auth.ErrNoCredential
	}}))
	g := must(middleware.New(middleware.Config{Authenticator: b, Optional: true}))
	if d := g.Check(authtest.Request("GET", "/", "Authorization", "Bearer bad")); d.Err == nil {
		t.Error("a bearer token that was sent became an anonymous caller")
	}
}

func TestRefusalThatWrapsASentinelStopsTheChain(t *testing.T) {
	for name, failure := range map[string]error{
		"unavailable, unrecognized below": auth.Unavailable(fmt.Errorf("idp: %w", auth.ErrUnrecognized)),
		"invalid, no credential below":    auth.Invalid(auth.ReasonRevoked, auth.ErrNoCredential),
	} {
		t.Run(name, func(t *testing.T) {
			first := &authtest.Fake{Func: func(*http.Request) (*auth.Principal, error) { return nil, failure }}
			g := must(middleware.New(middleware.Config{Authenticator: auth.FirstOf(first, goodToken("second"))}))
			d := g.Check(authtest.Request("GET", "/", "Authorization", "Bearer good"))
			if d.Err == nil || auth.KindOf(d.Err) != auth.KindOf(failure) {
				t.Errorf("got %v (kind %v), want kind %v: a later member rescued it", d.Err, auth.KindOf(d.Err), auth.KindOf(failure))
			}
		})
	}
}

// noSchemes is a member that describes nothing.
type noSchemes struct{ err error }

func (noSchemes) Schemes() []auth.Scheme                                { return nil }
func (n noSchemes) Authenticate(*http.Request) (*auth.Principal, error) { return nil, n.err }

func TestChainMemberWithoutSchemesIsRefusedAtConstruction(t *testing.T) {
	for _, failure := range []error{auth.ErrUnrecognized, auth.Invalid(auth.ReasonUnknown, nil)} {
		g, err := middleware.New(middleware.Config{
			Authenticator: auth.FirstOf(&noSchemes{failure}, goodToken("b")), Optional: true, Observer: &authtest.Recorder{},
		})
		if err != nil {
			continue
		}
		func() {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("%v: panic: %v", failure, v)
				}
			}()
			if d := g.Check(authtest.Request("GET", "/")); d.Err == nil {
				t.Errorf("%v became anonymous", failure)
			}
		}()
	}
}

func TestOptionalInnerGuardHidesAPrincipalItDoesNotTrust(t *testing.T) {
	outer := must(middleware.New(middleware.Config{Authenticator: goodToken("a")}))
	inner := must(middleware.New(middleware.Config{Authenticator: anyCookie("sid"), Optional: true}))
	h := outer.Handler(inner.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if p, ok := auth.FromContext(r.Context()); ok {
			t.Errorf("the inner guard let the request go on as anonymous; FromContext gives %v", p)
		}
	}))
	authtest.Do(h, authtest.Request("GET", "/", "Authorization", "Bearer good"))
}

func TestInnerRefuseMultipleHolds(t *testing.T) {
	b, c := goodToken("b"), anyCookie("sid")
	outer := must(middleware.New(middleware.Config{Authenticator: auth.FirstOf(b, c)}))
	inner := must(middleware.New(middleware.Config{Authenticator: auth.FirstOf(b, c).RefuseMultiple()}))
	resp := authtest.Do(outer.Handler(inner.Handler(showPrincipal)), authtest.Request("GET", "/", "Authorization", "Bearer good", "Cookie", "sid=x"))
	if resp.StatusCode != 400 {
		t.Errorf("got %d, want 400", resp.StatusCode)
	}
}

func TestReuseThroughANestedChain(t *testing.T) {
	q, b := goodQuery(), goodToken("b")
	outer := must(middleware.New(middleware.Config{Authenticator: auth.FirstOf(auth.FirstOf(q, b), anyCookie("sid"))}))
	inner := must(middleware.New(middleware.Config{Authenticator: auth.FirstOf(q, b)}))
	if resp := authtest.Do(outer.Handler(inner.Handler(showPrincipal)), authtest.Request("GET", "/?api_key=good")); resp.StatusCode != 200 {
		t.Errorf("got %d, want 200: outer proved it by q, which is a member of inner", resp.StatusCode)
	}
}

func TestNestedChainNamesWhoRefused(t *testing.T) {
	for name, a := range map[string]auth.Authenticator{
		"nested chain": auth.FirstOf(auth.FirstOf(anyCookie("sid"), goodToken("b")), goodQuery()),
		"map of chain": auth.Map(auth.FirstOf(anyCookie("sid"), goodToken("b")), func(_ context.Context, p *auth.Principal) (*auth.Principal, error) { return p, nil }),
	} {
		rec := &authtest.Recorder{}
		g := must(middleware.New(middleware.Config{Authenticator: a, Observer: rec}))
		g.Check(authtest.Request("GET", "/", "Authorization", "Bearer bad"))
		if e := rec.Last(); e.Authenticator != "b" {
			t.Errorf("%s: got authenticator %q, want b", name, e.Authenticator)
		}
	}
}

func TestNobodyRecognisedNamesNobody(t *testing.T) {
	rec := &authtest.Recorder{}
	g := must(middleware.New(middleware.Config{Authenticator: goodToken("b"), Observer: rec}))
	g.Check(authtest.Request("GET", "/"))
	if e := rec.Last(); e.Authenticator != "" {
		t.Errorf("got authenticator %q for a request without credential; Event says \"\" where nobody recognised one", e.Authenticator)
	}
}

// byValue is comparable by type and not by value.
type byValue struct {
	auth.Authenticator
	extra any
}

func TestAuthenticatorOfUncomparableValue(t *testing.T) {
	g := must(middleware.New(middleware.Config{Authenticator: byValue{goodToken("b"), []int{1}}}))
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("panic: %v", v)
		}
	}()
	authtest.Do(g.Handler(g.Handler(showPrincipal)), authtest.Request("GET", "/", "Authorization", "Bearer good"))
}

func TestPreflightHasNoQueryCredential(t *testing.T) {
	g := must(middleware.New(middleware.Config{Authenticator: goodQuery(), AllowPreflight: true}))
	d := g.Check(authtest.Request("OPTIONS", "/?api_key=good", "Origin", "https://a.example", "Access-Control-Request-Method", "PUT"))
	if d.Request == nil || strings.Contains(d.Request.URL.String()+d.Request.RequestURI, "good") {
		t.Error("the next handler gets the credential in the URL of the preflight")
	}
}

func TestMalformedQueryCredentialIsPresent(t *testing.T) {
	s := goodQuery().Scheme
	for _, query := range []string{"api_key=%zz", "api_key=secret;x", "api_key=secret%"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = query
		if !s.Present(r) {
			t.Errorf("%s: not present, so it is nothing at all to exclusive chains, events and optional routes", query)
		}
	}
}

func TestQueryAnswersArePrivate(t *testing.T) {
	g := must(middleware.New(middleware.Config{Authenticator: goodQuery()}))
	resp := authtest.Do(g.Handler(showPrincipal), authtest.Request("GET", "/?api_key=good"))
	if got := resp.Header.Get("Cache-Control"); got == "" {
		t.Error("no Cache-Control: private on an answer to a query credential (RFC 6750 §2.3)")
	}
}

func TestCacheControlIsNotWeakened(t *testing.T) {
	g := must(middleware.New(middleware.Config{Authenticator: anyCookie("sid")}))
	w := httptest.NewRecorder()
	w.Header().Set("Cache-Control", "no-store")
	g.Handler(showPrincipal).ServeHTTP(w, authtest.Request("GET", "/", "Cookie", "sid=x"))
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("got Cache-Control %q, want no-store, which a handler further out had set", got)
	}
}

func TestRetryAfterOfALongWait(t *testing.T) {
	a := &authtest.Fake{Func: func(*http.Request) (*auth.Principal, error) { return nil, auth.Throttled(time.Duration(math.MaxInt64)) }}
	g := must(middleware.New(middleware.Config{Authenticator: a}))
	if got := authtest.Do(g.Handler(showPrincipal), authtest.Request("GET", "/")).Header.Get("Retry-After"); got == "1" {
		t.Error("the longest wait is answered with Retry-After: 1")
	}
}

func TestForbiddenByAnAuthenticatorMissesNothing(t *testing.T) {
	rec := &authtest.Recorder{}
	a := &authtest.Fake{Func: func(*http.Request) (*auth.Principal, error) { return nil, auth.Forbidden(auth.ReasonAddress, nil) }}
	must(middleware.New(middleware.Config{Authenticator: a, Observer: rec})).Check(authtest.Request("GET", "/"))
	if e := rec.Last(); e.Missing != "" {
		t.Errorf("got missing %q where there is no requirement", e.Missing)
	}
}

func TestGuardSchemesIsACopy(t *testing.T) {
	a := anyCookie("sid")
	a.Scheme.Params = []auth.Param{{Name: "x", Value: "1"}}
	g := must(middleware.New(middleware.Config{Authenticator: a}))
	g.Schemes()[0].Params[0].Value = "changed"
	if got := g.Schemes()[0].Params[0].Value; got != "1" {
		t.Errorf("got %q: what Schemes returned was the guard's own", got)
	}
}

func TestStaleClearsOnlyTheCookieThatWasStale(t *testing.T) {
	a := auth.StaleAsAnonymous(auth.FirstOf(anyCookie("one"), anyCookie("two")))
	g := must(middleware.New(middleware.Config{Authenticator: a, Optional: true}))
	resp := authtest.Do(g.Handler(showPrincipal), authtest.Request("GET", "/", "Cookie", "one=old; two=fine"))
	if got := strings.Join(resp.Header.Values("Set-Cookie"), "|"); strings.Contains(got, "two=") {
		t.Errorf("got %s: a good cookie is thrown away", got)
	}
}

// ---- mux

func buildMux(c middleware.MuxConfig, add func(m *middleware.Mux)) http.Handler {
	m := middleware.NewMux(c)
	add(m)
	return must(m.Build())
}

func TestGroupOfNoAccessKeepsTheOuterGroup(t *testing.T) {
	for name, access := range map[string]middleware.Access{"public": middleware.Public(), "authenticated": middleware.Authenticated()} {
		m := middleware.NewMux(middleware.MuxConfig{Guard: must(middleware.New(middleware.Config{Authenticator: goodToken("b")}))})
		admin := m.Group(middleware.Require(auth.Roles("admin")))
		admin.Group(middleware.Access{}).Handle("GET /x", access, showPrincipal)
		h, err := m.Build()
		if err != nil {
			continue
		}
		if resp := authtest.Do(h, authtest.Request("GET", "/x", "Authorization", "Bearer good")); resp.StatusCode != 403 {
			t.Errorf("%s: got %d, want 403 or an error from Build", name, resp.StatusCode)
		}
	}
}

func TestGroupGuardsRequirementHoldsForRoutesWithAGuardOfTheirOwn(t *testing.T) {
	plain := must(middleware.New(middleware.Config{Authenticator: goodToken("b")}))
	m := middleware.NewMux(middleware.MuxConfig{Guard: plain})
	m.Group(middleware.Authenticated().Via(plain.MustRequire(auth.Roles("admin")))).Handle("GET /x", middleware.Authenticated().Via(plain), showPrincipal)
	h, err := m.Build()
	if err != nil {
		return
	}
	if resp := authtest.Do(h, authtest.Request("GET", "/x", "Authorization", "Bearer good")); resp.StatusCode != 403 {
		t.Errorf("got %d, want 403: requirements of a group add up", resp.StatusCode)
	}
}

func TestConcealedRouteLooksLikeNone(t *testing.T) {
	plain := must(middleware.New(middleware.Config{Authenticator: goodToken("b")}))
	own := must(plain.With(func(c *middleware.Config) {
		c.ErrorWriter = func(w http.ResponseWriter, _ *http.Request, d middleware.Decision) {
			http.Error(w, d.Text(), d.Status())
		}
	}))
	concealed := middleware.Require(auth.Roles("admin")).Conceal()
	for name, c := range map[string]struct {
		guard           *middleware.Guard
		routes          map[string]middleware.Access
		method          string
		path, otherPath string
		otherMethod     string
		hideUnknown     bool
	}{
		"a writer of the user's own":          {own, map[string]middleware.Access{"GET /s": concealed}, "GET", "/s", "/zz", "GET", false},
		"a method beside a visible one":       {plain, map[string]middleware.Access{"GET /n": middleware.Public(), "DELETE /n": concealed}, "DELETE", "/n", "/n", "PATCH", false},
		"a subtree by {rest...}":              {plain, map[string]middleware.Access{"GET /t/{rest...}": concealed}, "GET", "/t", "/zz", "GET", false},
		"a directory by {$}":                  {plain, map[string]middleware.Access{"GET /t/{$}": concealed}, "GET", "/t", "/zz", "GET", false},
		"a subtree whose bare name conflicts": {plain, map[string]middleware.Access{"GET /a/{x}/": concealed, "GET /{y}/b": middleware.Public()}, "GET", "/a/q", "/c/q", "GET", false},
		"a subtree, any method":               {plain, map[string]middleware.Access{"/t/": concealed}, "POST", "/t", "/zz", "POST", false},
		"an ordinary one":                     {plain, map[string]middleware.Access{"GET /s": concealed}, "HEAD", "/s", "/zz", "HEAD", false},
		"an ordinary one, options":            {plain, map[string]middleware.Access{"GET /s": concealed}, "OPTIONS", "/s", "/zz", "OPTIONS", false},
		"a host of its own":                   {plain, map[string]middleware.Access{"example.com/t/": concealed}, "GET", "/t", "/zz", "GET", false},
		"unknown hidden, {rest...}":           {plain, map[string]middleware.Access{"GET /t/{rest...}": middleware.Authenticated()}, "GET", "/t", "/zz", "GET", true},
		"unknown hidden, {$}":                 {plain, map[string]middleware.Access{"GET /t/{$}": concealed}, "GET", "/t", "/zz", "GET", true},
		"unknown hidden, public sibling":      {plain, map[string]middleware.Access{"GET /n": middleware.Public(), "DELETE /n": concealed}, "DELETE", "/n", "/n", "PATCH", true},
	} {
		t.Run(name, func(t *testing.T) {
			h := buildMux(middleware.MuxConfig{Guard: c.guard, HideUnknown: c.hideUnknown}, func(m *middleware.Mux) {
				for pattern, access := range c.routes {
					m.Handle(pattern, access, showPrincipal)
				}
			})
			credentials := []string{"", "Bearer bad"}
			if !c.hideUnknown || strings.Contains(name, "sibling") {
				credentials = append(credentials, "Bearer good") // whom HideUnknown shows what is not concealed
			}
			for _, credential := range credentials {
				ask := func(method, path string) string {
					r := authtest.Request(method, path)
					if credential != "" {
						r.Header.Set("Authorization", credential)
					}
					return dump(authtest.Do(h, r))
				}
				if got, want := ask(c.method, c.path), ask(c.otherMethod, c.otherPath); got != want {
					t.Errorf("with %q\n the concealed route: %s\n what does not exist: %s", credential, got, want)
				}
			}
		})
	}
}

func TestRedirectStaysHere(t *testing.T) {
	g := must(middleware.New(middleware.Config{Authenticator: goodToken("b")}))
	h := buildMux(middleware.MuxConfig{Guard: g, HideUnknown: true}, func(m *middleware.Mux) {
		m.Handle("GET /{tenant}/", middleware.Authenticated(), showPrincipal)
	})
	for path, want := range map[string]string{"/%2Fevil.example": "/evil.example/", "/a%2Fb": "/a/b/", "/%5Cevil.example": "/%5Cevil.example/"} {
		resp := authtest.Do(h, authtest.Request("GET", path, "Authorization", "Bearer good"))
		if got := resp.Header.Get("Location"); got != want {
			t.Errorf("%s: got %d to %q, want %q, as http.ServeMux has it", path, resp.StatusCode, got, want)
		}
	}
}

func TestHideUnknownNeedsARequiringGuard(t *testing.T) {
	g := must(middleware.New(middleware.Config{Authenticator: goodToken("b"), Optional: true}))
	m := middleware.NewMux(middleware.MuxConfig{Guard: g, HideUnknown: true})
	m.Handle("GET /x", middleware.Authenticated(), showPrincipal)
	h, err := m.Build()
	if err != nil {
		return
	}
	if a, b := authtest.Do(h, authtest.Request("GET", "/x")), authtest.Do(h, authtest.Request("GET", "/zz")); a.StatusCode != b.StatusCode {
		t.Errorf("got %d for a route and %d for none", a.StatusCode, b.StatusCode)
	}
}

func TestConcealedOptionalUnderHideUnknown(t *testing.T) {
	g := must(middleware.New(middleware.Config{Authenticator: goodToken("b")}))
	m := middleware.NewMux(middleware.MuxConfig{Guard: g, HideUnknown: true})
	m.Handle("GET /x", middleware.Optional().Conceal(), showPrincipal)
	h, err := m.Build()
	if err != nil {
		return
	}
	if a := authtest.Do(h, authtest.Request("GET", "/x")); a.StatusCode != 200 {
		t.Errorf("got %d for an optional route, want 200 or an error from Build", a.StatusCode)
	}
}

func TestZeroGuardDoesNotPanic(t *testing.T) {
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("panic: %v", v)
		}
	}()
	authtest.Do((&middleware.Guard{}).Handler(showPrincipal), authtest.Request("GET", "/"))
}

func TestRemoveCredentialsWithAPrincipalFromNewContext(t *testing.T) {
	g := must(middleware.New(middleware.Config{Authenticator: goodToken("b"), RemoveCredentials: true}))
	r := authtest.As(authtest.Request("GET", "/", "Authorization", "Bearer good"), authtest.Principal("bob"))
	if d := g.Check(r); d.Request.Header.Get("Authorization") != "" {
		t.Error("RemoveCredentials leaves the credential of a served place for the next handler")
	}
}

// decorate is a decorator as a user writes it: it forwards Decide and forgets By.
type decorate struct{ auth.Authenticator }

func (d decorate) Decide(r *http.Request) auth.Decision {
	got := auth.Decide(d.Authenticator, r)
	if got.Principal != nil {
		got.Principal = must(got.Principal.Derive(func(c *auth.PrincipalConfig) { c.Roles = []string{"admin"} }))
	}
	return got
}

func TestByIsWhoWasAsked(t *testing.T) {
	b := goodToken("b")
	outer := must(middleware.New(middleware.Config{Authenticator: &decorate{b}}))
	inner := must(middleware.New(middleware.Config{Authenticator: b, Require: auth.Roles("admin")}))
	resp := authtest.Do(outer.Handler(inner.Handler(showPrincipal)), authtest.Request("GET", "/", "Authorization", "Bearer good"))
	if resp.StatusCode != 403 {
		t.Errorf("got %d, want 403: the inner guard takes what a decorator made for what b proved", resp.StatusCode)
	}
}

func TestUnrecognizedBesideGoodIsInTheEvent(t *testing.T) {
	rec := &authtest.Recorder{}
	jwt := must(auth.NewBearer(auth.BearerConfig{Name: "jwt", Recognize: func(string) bool { return false },
		Verify: func(context.Context, string) (*auth.Principal, error) { return nil, nil }}))
	g := must(middleware.New(middleware.Config{Authenticator: auth.FirstOf(jwt, anyCookie("sid")), Observer: rec}))
	g.Check(authtest.Request("GET", "/", "Authorization", "Bearer opaque", "Cookie", "sid=x"))
	if e := rec.Last(); e.Outcome != auth.OutcomeAllowed || len(e.Unread) == 0 {
		t.Errorf("got %+v: nothing says that a bearer token came too and was of nobody's kind", e)
	}
}

func TestPanicEventNamesWhoPanicked(t *testing.T) {
	rec := &authtest.Recorder{}
	a := &authtest.Fake{Func: func(*http.Request) (*auth.Principal, error) { panic("x") }}
	g := must(middleware.New(middleware.Config{Authenticator: a, Observer: rec}))
	func() { defer func() { _ = recover() }(); g.Check(authtest.Request("GET", "/")) }()
	if e := rec.Last(); e.Status == 503 {
		t.Errorf("got %+v: the event says 503, which nobody answered", e)
	}
}

func TestNewContextOfTheSamePrincipalCountsAsProven(t *testing.T) {
	outer := must(middleware.New(middleware.Config{Authenticator: goodToken("a")}))
	inner := must(middleware.New(middleware.Config{Authenticator: anyCookie("sid")}))
	h := outer.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.FromContext(r.Context())
		inner.Handler(showPrincipal).ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), p)))
	})
	if resp := authtest.Do(h, authtest.Request("GET", "/", "Authorization", "Bearer good")); resp.StatusCode != 200 {
		t.Errorf("got %d: NewContext says that guards further in take p as it is", resp.StatusCode)
	}
}
