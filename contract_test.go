package auth_test

import (
	"context"
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
)

var alice = authtest.Principal("alice", "a", "b")

func TestDecideHoldsAuthenticatorsToTheirContract(t *testing.T) {
	var typedNil *auth.Error
	refused := auth.Invalid(auth.ReasonExpired, nil)
	for _, tt := range []struct {
		name   string
		p      *auth.Principal
		err    error
		kind   auth.Kind // 0: a principal
		reason auth.Reason
	}{
		{"a principal", alice, nil, 0, ""},
		{"nothing sent", nil, auth.ErrNoCredential, auth.KindNoCredential, auth.ReasonAbsent},
		{"nothing sent, wrapped", nil, fmt.Errorf("x: %w", auth.ErrNoCredential), auth.KindNoCredential, auth.ReasonAbsent},
		{"not recognised", nil, auth.ErrUnrecognized, auth.KindInvalid, auth.ReasonUnrecognized},
		{"refused", nil, refused, auth.KindInvalid, auth.ReasonExpired},
		{"refused, wrapped", nil, fmt.Errorf("x: %w", refused), auth.KindInvalid, auth.ReasonExpired},
		{"neither", nil, nil, auth.KindUnavailable, auth.ReasonContract},
		{"both", alice, refused, auth.KindUnavailable, auth.ReasonContract},
		{"both, with a sentinel", alice, auth.ErrNoCredential, auth.KindUnavailable, auth.ReasonContract},
		{"a typed nil error", nil, typedNil, auth.KindUnavailable, auth.ReasonContract},
		{"an error without a kind", nil, &auth.Error{}, auth.KindUnavailable, auth.ReasonContract},
		{"an error of an unknown kind", nil, &auth.Error{Kind: 200}, auth.KindUnavailable, auth.ReasonContract},
		{"an untyped error", nil, errors.New("dial tcp: refused"), auth.KindUnavailable, auth.ReasonUnavailable},
		{"a cancelled context", nil, fmt.Errorf("query: %w", context.Canceled), auth.KindUnavailable, auth.ReasonCancelled},
		{"a passed deadline", nil, context.DeadlineExceeded, auth.KindUnavailable, auth.ReasonDeadline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &authtest.Fake{Func: func(*http.Request) (*auth.Principal, error) { return tt.p, tt.err }}
			for _, wrapped := range []auth.Authenticator{a, auth.Named("n", a), auth.FirstOf(a)} {
				d := auth.Decide(wrapped, httptest.NewRequest(http.MethodGet, "/", nil))
				if (d.Principal != nil) != (tt.kind == 0) || auth.KindOf(d.Err) != tt.kind {
					t.Fatalf("%T: got principal %v and kind %v, want kind %v", wrapped, d.Principal, auth.KindOf(d.Err), tt.kind)
				}
				if tt.kind != 0 && auth.AsError(d.Err).Reason != tt.reason {
					t.Errorf("%T: got reason %s, want %s", wrapped, auth.AsError(d.Err).Reason, tt.reason)
				}
			}
		})
	}
	if d := auth.Decide(nil, httptest.NewRequest(http.MethodGet, "/", nil)); auth.KindOf(d.Err) != auth.KindUnavailable {
		t.Errorf("got kind %v for a nil authenticator, want unavailable", auth.KindOf(d.Err))
	}
}

func TestErrorShowsThePublicTextOnly(t *testing.T) {
	cause := errors.New("pq: password of auth_rw is hunter2")
	e := auth.Unavailable(cause)
	for _, verb := range []string{"%v", "%+v", "%s"} {
		if got := fmt.Sprintf(verb, e); got != auth.KindUnavailable.Text() {
			t.Errorf("got %q with %s, want the public text", got, verb)
		}
	}
	if !errors.Is(e, cause) {
		t.Error("got no cause by errors.Is")
	}
	if got := e.LogValue().String(); !strings.Contains(got, "hunter2") || !strings.Contains(got, "unavailable") {
		t.Errorf("got log value %s, want kind and cause", got)
	}
	custom := &auth.Error{Kind: auth.KindInvalid, Message: "sign in again"}
	if custom.Error() != "sign in again" {
		t.Errorf("got %q, want the message", custom.Error())
	}
	var typedNil *auth.Error
	if typedNil.Error() == "" || errors.Is(typedNil, auth.ErrNoCredential) || typedNil.Unwrap() != nil || typedNil.LogValue().Any() != nil {
		t.Error("a nil *Error does not behave")
	}
	if !errors.Is(auth.AsError(auth.ErrUnrecognized), auth.ErrUnrecognized) || errors.Is(e, auth.ErrUnrecognized) || errors.Is(e, io.EOF) {
		t.Error("sentinels are not what errors.Is finds")
	}
	if auth.KindOf(nil) != 0 || auth.AsError(nil) != nil {
		t.Error("nil is some kind of error")
	}
}

func TestKinds(t *testing.T) {
	for kind, want := range map[auth.Kind]struct {
		name, code string
		status     int
	}{
		auth.KindNoCredential: {"no_credential", "", 401},
		auth.KindMalformed:    {"malformed", "invalid_request", 400},
		auth.KindInvalid:      {"invalid", "invalid_token", 401},
		auth.KindForbidden:    {"forbidden", "insufficient_scope", 403},
		auth.KindStepUp:       {"step_up", "insufficient_user_authentication", 401},
		auth.KindThrottled:    {"throttled", "", 429},
		auth.KindUnavailable:  {"unavailable", "", 503},
		0:                     {"", "", 503},
		99:                    {"unavailable", "", 503},
	} {
		if kind.String() != want.name || kind.BearerCode() != want.code || kind.Status() != want.status || kind.Text() == "" {
			t.Errorf("kind %d: got %s %q %d %q, want %+v", kind, kind, kind.BearerCode(), kind.Status(), kind.Text(), want)
		}
	}
}

func TestScopeSets(t *testing.T) {
	ab, none, all := auth.MustScopeSet("a", "b", "a"), auth.ScopeSet{}, auth.Unlimited()
	for _, tt := range []struct {
		name string
		got  bool
	}{
		{"a set holds what it names", ab.Has("a") && ab.Has("b") && !ab.Has("c")},
		{"each scope once, in order", ab.Len() == 2 && ab.String() == "a b" && slices.Equal(slices.Collect(ab.All()), []string{"a", "b"})},
		{"the empty set holds nothing", !none.Has("a") && !none.Has("") && none.String() == ""},
		{"the unlimited set holds everything and names nothing", all.Has("a") && all.IsUnlimited() && all.Len() == 0 && all.String() == ""},
		{"a set covers its subsets", ab.Covers(auth.MustScopeSet("b")) && ab.Covers(none) && none.Covers(none)},
		{"and not what it lacks", !ab.Covers(auth.MustScopeSet("a", "c")) && !none.Covers(ab)},
		{"only the unlimited set covers itself", all.Covers(all) && all.Covers(ab) && !ab.Covers(all) && !none.Covers(all)},
	} {
		if !tt.got {
			t.Errorf("not so: %s", tt.name)
		}
	}
	for _, bad := range []string{" ", "a  b", " a", "a ", "a\tb", `a"b`, `a\b`, "ä", "a\x00", "\x7f"} {
		if set, err := auth.ParseScopeSet(bad); err == nil || set.Len() != 0 {
			t.Errorf("got %q and error %v from %q, want an error", set, err, bad)
		}
	}
	if set, err := auth.ParseScopeSet("openid https://x/y:read"); err != nil || set.Len() != 2 {
		t.Errorf("got %q and error %v", set, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("got no panic from MustScopeSet")
		}
	}()
	auth.MustScopeSet("a b")
}

func FuzzParseScopeSet(f *testing.F) {
	for _, s := range []string{"", "a", "a b", "a  b", " ", "a\tb", "é", `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := auth.ParseScopeSet(s)
		if err != nil {
			if set.Len() != 0 || set.IsUnlimited() {
				t.Errorf("got %q with error %v", set, err)
			}
			return
		}
		again, err := auth.ParseScopeSet(set.String())
		if err != nil || again.String() != set.String() || !set.Covers(again) || !again.Covers(set) {
			t.Errorf("got %q and error %v back from %q", again, err, set)
		}
	})
}

type user struct{ name string }

func TestPrincipal(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	roles := []string{"editor"}
	c := auth.PrincipalConfig{
		Subject: "alice", Issuer: "https://i.example", Scheme: "jwt", CredentialID: "k1", ClientID: "app", Scopes: auth.MustScopeSet("a"),
		Roles: roles, Tenant: "t1", ACR: "phr", IssuedAt: now, AuthenticatedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour), Data: user{"Alice"},
	}
	p, err := auth.NewPrincipal(c)
	if err != nil {
		t.Fatal(err)
	}
	if p.Subject() != c.Subject || p.Issuer() != c.Issuer || p.Scheme() != c.Scheme || p.Authenticator() != c.Scheme || p.CredentialID() != c.CredentialID ||
		p.ClientID() != c.ClientID || !p.Scopes().Has("a") || p.Tenant() != c.Tenant || p.ACR() != c.ACR ||
		!p.IssuedAt().Equal(c.IssuedAt) || !p.AuthenticatedAt().Equal(c.AuthenticatedAt) || !p.ExpiresAt().Equal(c.ExpiresAt) {
		t.Errorf("got %+v from %+v", p, c)
	}
	roles[0] = "admin"
	p.Roles()[0] = "admin"
	if p.HasRole("admin") || !p.HasRole("editor") {
		t.Error("a role was changed from outside")
	}
	q, err := p.Derive(func(c *auth.PrincipalConfig) {
		c.Roles = append(c.Roles, "admin")
		c.Data = 7
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.HasRole("admin") || !q.HasRole("admin") || !q.Same(p) {
		t.Error("Derive changed the wrong principal")
	}
	number, ok := auth.Data[int](q)
	u, also := auth.Data[user](q)
	if _, not := auth.Data[int](p); number != 7 || !ok || u.name != "Alice" || !also || not {
		t.Errorf("got data %v and %v, want the new one and the old one", number, u)
	}
	if _, err := p.Derive(func(c *auth.PrincipalConfig) { c.Subject = "" }); err == nil {
		t.Error("got no error for a principal without a subject")
	}
	var nobody *auth.Principal
	other := authtest.Principal("alice")
	if p.Same(other) || p.Same(nil) || nobody.Same(p) || nobody.Same(nil) {
		t.Error("two parties with one subject, or none, are the same")
	}
	for _, s := range []string{p.String(), fmt.Sprintf("%#v", p), fmt.Sprintf("%+v", q), nobody.String(), p.LogValue().String(), nobody.LogValue().String()} {
		if strings.Contains(s, "Alice") || s == "" {
			t.Errorf("got %q, want no data in it", s)
		}
	}
}

func TestContext(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "kept")
	if p, ok := auth.FromContext(ctx); ok || p != nil {
		t.Errorf("got %v from an empty context", p)
	}
	ctx = auth.NewContext(ctx, alice)
	if p, ok := auth.FromContext(ctx); !ok || p != alice {
		t.Errorf("got %v, want alice", p)
	}
	if got := ctx.Value(key{}); got != "kept" {
		t.Errorf("got %v, want what was there before", got)
	}
	if p, ok := auth.FromContext(auth.Without(ctx)); ok || p != nil {
		t.Errorf("got %v after Without", p)
	}
}

func cookie(name string, f func(r *http.Request) (*auth.Principal, error)) *authtest.Fake {
	return &authtest.Fake{Scheme: auth.Scheme{Name: name, Type: "apiKey", In: auth.InCookie, Parameter: name, AuthScheme: "Session"}, Func: f}
}

func header(name string, outcomes map[string]error) *authtest.Fake {
	return &authtest.Fake{
		Scheme: auth.Scheme{Name: name, Type: "apiKey", In: auth.InHeader, Parameter: "X-" + name, AuthScheme: "ApiKey"},
		Func: func(r *http.Request) (*auth.Principal, error) {
			value := r.Header.Get("X-" + name)
			if value == "" {
				return nil, auth.ErrNoCredential
			}
			if err := outcomes[value]; err != nil {
				return nil, err
			}
			return authtest.Principal(name), nil
		},
	}
}

// TestFirstOfEveryPair has two schemes, each absent, unrecognised, good, bad or down.
func TestFirstOfEveryPair(t *testing.T) {
	states := map[string]error{"good": nil, "foreign": auth.ErrUnrecognized, "bad": auth.Invalid(auth.ReasonExpired, nil), "down": errors.New("down")}
	chain := auth.FirstOf(header("A", states), header("B", states))
	for _, a := range []string{"", "foreign", "good", "bad", "down"} {
		for _, b := range []string{"", "foreign", "good", "bad", "down"} {
			first, second := a, b
			if first == "" || first == "foreign" {
				first, second = b, a
			}
			var subject string
			var kind auth.Kind
			switch {
			case first == "good":
				subject = "A"
				if a != "good" {
					subject = "B"
				}
			case first == "bad":
				kind = auth.KindInvalid
			case first == "down":
				kind = auth.KindUnavailable
			case first == "foreign" || second == "foreign":
				kind = auth.KindInvalid
			default:
				kind = auth.KindNoCredential
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for name, value := range map[string]string{"X-A": a, "X-B": b} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			d := auth.Decide(chain, r)
			if auth.KindOf(d.Err) != kind || kind == 0 && d.Principal.Subject() != subject {
				t.Errorf("A %q, B %q: got %v and kind %v, want %q and kind %v", a, b, d.Principal, auth.KindOf(d.Err), subject, kind)
			}
			if unread := a == "good" && b != "" || a == "foreign" && b == "good"; unread != (len(d.Unread) == 1) {
				t.Errorf("A %q, B %q: got unread %v", a, b, d.Unread)
			}
			p, err := chain.RefuseMultiple().Authenticate(r)
			if multiple := a != "" && b != ""; multiple != (auth.KindOf(err) == auth.KindMalformed) || multiple && p != nil {
				t.Errorf("A %q, B %q, exclusive: got %v and %v", a, b, p, err)
			}
		}
	}
}

func TestChainsReportTheirMistakes(t *testing.T) {
	good := header("A", nil)
	for name, a := range map[string]auth.Authenticator{
		"an empty chain":               auth.FirstOf(),
		"a nil member":                 auth.FirstOf(good, nil),
		"two schemes of one name":      auth.FirstOf(good, header("A", nil)),
		"a chain in a chain":           auth.FirstOf(good, auth.FirstOf()),
		"a nil authenticator":          nil,
		"a wrapped nil":                auth.Named("x", nil),
		"a mapped nil":                 auth.Map(nil, nil),
		"a nil map":                    auth.Map(good, nil),
		"an expired header, forgiven":  auth.StaleAsAnonymous(good),
		"an expired nothing, forgiven": auth.StaleAsAnonymous(nil),
		"a wrapped empty chain":        auth.Named("x", auth.FirstOf()),
		"a name with a space":          auth.Named("a b", good),
		"no scheme":                    &silent{},
	} {
		t.Run(name, func(t *testing.T) {
			if err := auth.ValidateAuthenticator(a); err == nil {
				t.Error("got no error")
			}
			if name == "two schemes of one name" || name == "a name with a space" || name == "no scheme" {
				return // usable, but not describable
			}
			r := authtest.Request(http.MethodGet, "/")
			if d := auth.Decide(a, r); d.Principal != nil || auth.KindOf(d.Err) != auth.KindUnavailable && name != "a chain in a chain" {
				t.Errorf("got %v and %v, want unavailable", d.Principal, d.Err)
			}
			if a != nil {
				if p, err := a.Authenticate(r); p != nil || err == nil {
					t.Errorf("Authenticate returned %v and %v", p, err)
				}
			}
		})
	}
}

type silent struct{ authtest.Fake }

func (*silent) Schemes() []auth.Scheme { return nil }

func TestWrappers(t *testing.T) {
	inner := header("A", map[string]error{"bad": auth.Invalid(auth.ReasonUnknown, nil)})
	good, bad := authtest.Request(http.MethodGet, "/", "X-A", "good"), authtest.Request(http.MethodGet, "/", "X-A", "bad")

	t.Run("Named names the schemes and the principal", func(t *testing.T) {
		a := auth.Named("partner", inner)
		p, err := a.Authenticate(good)
		if err != nil || p.Authenticator() != "partner" || p.Scheme() != "test" || a.Schemes()[0].Name != "partner" {
			t.Errorf("got %v, %v, schemes %v", p, err, a.Schemes())
		}
		if a.(auth.Unwrapper).Unwrap() != auth.Authenticator(inner) {
			t.Error("Unwrap shows something else")
		}
		two := auth.Named("x", auth.FirstOf(inner, header("B", nil))).Schemes()
		if two[0].Name != "x" || two[1].Name != "x-2" {
			t.Errorf("got names %s and %s", two[0].Name, two[1].Name)
		}
		if _, err := a.Authenticate(bad); auth.KindOf(err) != auth.KindInvalid {
			t.Errorf("got %v", err)
		}
	})
	t.Run("Map changes the principal and may refuse", func(t *testing.T) {
		for _, tt := range []struct {
			name string
			f    func(context.Context, *auth.Principal) (*auth.Principal, error)
			kind auth.Kind
		}{
			{"adds a role", func(_ context.Context, p *auth.Principal) (*auth.Principal, error) {
				return p.Derive(func(c *auth.PrincipalConfig) { c.Roles = []string{"admin"} })
			}, 0},
			{"refuses", func(context.Context, *auth.Principal) (*auth.Principal, error) {
				return nil, auth.Forbidden(auth.ReasonDisabled, nil)
			}, auth.KindForbidden},
			{"fails", func(context.Context, *auth.Principal) (*auth.Principal, error) { return nil, io.EOF }, auth.KindUnavailable},
			{"returns nothing", func(context.Context, *auth.Principal) (*auth.Principal, error) { return nil, nil }, auth.KindUnavailable},
		} {
			p, err := auth.Map(inner, tt.f).Authenticate(good)
			if auth.KindOf(err) != tt.kind || tt.kind == 0 && !p.HasRole("admin") {
				t.Errorf("%s: got %v and %v", tt.name, p, err)
			}
		}
		called := false
		a := auth.Map(inner, func(_ context.Context, p *auth.Principal) (*auth.Principal, error) { called = true; return p, nil })
		if _, err := a.Authenticate(bad); auth.KindOf(err) != auth.KindInvalid || called {
			t.Errorf("got %v, called %v for a bad credential", err, called)
		}
	})
	t.Run("StaleAsAnonymous forgives an expired cookie and nothing else", func(t *testing.T) {
		var outcome error
		a := auth.StaleAsAnonymous(cookie("sid", func(*http.Request) (*auth.Principal, error) { return nil, outcome }))
		if err := auth.ValidateAuthenticator(a); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			err  error
			kind auth.Kind
		}{
			{auth.Invalid(auth.ReasonExpired, nil), auth.KindNoCredential},
			{auth.Invalid(auth.ReasonBadSignature, nil), auth.KindInvalid},
			{auth.Unavailable(io.EOF), auth.KindUnavailable},
			{auth.ErrUnrecognized, auth.KindInvalid},
		} {
			outcome = tt.err
			d := auth.Decide(auth.FirstOf(header("A", nil), a), authtest.Request(http.MethodGet, "/"))
			if auth.KindOf(d.Err) != tt.kind {
				t.Errorf("%v: got kind %v, want %v", tt.err, auth.KindOf(d.Err), tt.kind)
			}
			forgiven := tt.kind == auth.KindNoCredential
			if got := d.Header.Get("Set-Cookie"); forgiven != strings.HasPrefix(got, "sid=; Path=/; Max-Age=0") || forgiven != (d.Stale == "sid") {
				t.Errorf("%v: got Set-Cookie %q, stale %q", tt.err, got, d.Stale)
			}
		}
	})
}

func TestBearerRefusesMistakes(t *testing.T) {
	_, err := auth.NewBearer(auth.BearerConfig{MaxBytes: -1, Realm: "a\nb", Name: "a b"})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, part := range []string{"Verify is nil", "MaxBytes", "realm", `"a b"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got error %q, want it to name %s", err, part)
		}
	}
}

func TestBearerConforms(t *testing.T) {
	verify := func(_ context.Context, token string) (*auth.Principal, error) {
		if token == "good-token" {
			return auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice"})
		}
		return nil, auth.Invalid(auth.ReasonUnknown, nil)
	}
	newBearer := func(verify auth.VerifyFunc) auth.Authenticator {
		b, err := auth.NewBearer(auth.BearerConfig{Verify: verify})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	authtest.TestAuthenticator(t, authtest.AuthenticatorKit{
		Authenticator: newBearer(verify),
		Good: func() *http.Request {
			return authtest.Request(http.MethodGet, "/", "Authorization", "Bearer good-token")
		},
		Bad: func() []*http.Request {
			return []*http.Request{authtest.Request(http.MethodGet, "/", "Authorization", "Bearer wrong-token")}
		},
		Outage: newBearer(func(context.Context, string) (*auth.Principal, error) { return nil, io.ErrUnexpectedEOF }),
	})
}

func FuzzCredentials(f *testing.F) {
	for _, v := range []string{"", "Bearer", "Bearer ", "Bearer x", "bearer  x", "Bearer\tx", "Bearerx", "Basic Og==", "x", "Negotiate", "Bearer a b", "\x00", "Bearer é"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{value}
		got, err := auth.Credentials(r, "Bearer", 64)
		switch {
		case err == nil:
			if !strings.EqualFold(value, "Bearer "+got) || got == "" || len(got) > 64 || got[0] == ' ' {
				t.Errorf("got %q from %q", got, value)
			}
		case got != "":
			t.Errorf("got %q with error %v", got, err)
		case errors.Is(err, auth.ErrNoCredential) && strings.HasPrefix(strings.ToLower(value), "bearer "):
			t.Errorf("got no credential from %q", value)
		}
	})
}

func TestRequirements(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := func() time.Time { return now }
	with := func(change func(*auth.PrincipalConfig)) *auth.Principal {
		p, err := alice.Derive(change)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	login := func(ago time.Duration) *auth.Principal {
		return with(func(c *auth.PrincipalConfig) { c.AuthenticatedAt = now.Add(-ago) })
	}
	admin := with(func(c *auth.PrincipalConfig) { c.Roles = []string{"admin", "editor"} })
	unlimited := with(func(c *auth.PrincipalConfig) { c.Scopes = auth.Unlimited() })
	for _, tt := range []struct {
		name             string
		req              auth.Requirement
		allowed, refused []*auth.Principal
		rule             string
	}{
		{"Scopes asks for every one", auth.Scopes("a", "b"), []*auth.Principal{alice, unlimited}, []*auth.Principal{authtest.Principal("x"), authtest.Principal("x", "a")}, "scopes(a b)"},
		{"Roles asks for every one", auth.Roles("admin", "editor"), []*auth.Principal{admin}, []*auth.Principal{alice, unlimited}, "roles(admin editor)"},
		{"All asks for every part", auth.All(auth.Scopes("a"), auth.Roles("admin")), []*auth.Principal{admin}, []*auth.Principal{alice}, "all(scopes(a), roles(admin))"},
		{"Any asks for one part", auth.Any(auth.Scopes("z"), auth.Roles("admin")), []*auth.Principal{admin}, []*auth.Principal{alice}, "any(scopes(z), roles(admin))"},
		{"Recent asks for a fresh login", auth.Recent(time.Minute, clock), []*auth.Principal{login(0), login(time.Minute)}, []*auth.Principal{alice, login(61 * time.Second), login(-2 * time.Minute)}, "recent(60)"},
		{"Assurance asks for a strong one", auth.Assurance("phr"), []*auth.Principal{with(func(c *auth.PrincipalConfig) { c.ACR = "phr" })}, []*auth.Principal{alice}, "assurance(phr)"},
		{"a function asks for what it likes", auth.RequirementFunc(func(_ context.Context, p *auth.Principal) error {
			if p.Subject() == "alice" {
				return nil
			}
			return auth.Forbidden(auth.ReasonNotAllowed, nil)
		}), []*auth.Principal{alice}, []*auth.Principal{authtest.Principal("bob")}, "custom()"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			authtest.TestRequirement(t, authtest.RequirementKit{Requirement: tt.req, Allowed: tt.allowed, Refused: tt.refused})
			if got := auth.Describe(tt.req).String(); got != tt.rule {
				t.Errorf("got rule %s, want %s", got, tt.rule)
			}
		})
	}
}

func TestRequirementsBuiltWrongLetNobodyIn(t *testing.T) {
	for name, req := range map[string]auth.Requirement{
		"no scope":           auth.Scopes(),
		"a bad scope":        auth.Scopes("a b"),
		"no role":            auth.Roles(),
		"an empty role":      auth.Roles("admin", ""),
		"all of nothing":     auth.All(),
		"any of nothing":     auth.Any(),
		"a nil part":         auth.All(nil),
		"a bad part":         auth.Any(auth.Scopes()),
		"no class":           auth.Assurance(),
		"a class with space": auth.Assurance("a b"),
		"no age":             auth.Recent(0, nil),
		"a nil function":     auth.RequirementFunc(nil),
	} {
		t.Run(name, func(t *testing.T) {
			if err := req.(auth.Validator).Validate(); err == nil {
				t.Error("got no mistake")
			}
			if kind := auth.KindOf(req.Check(t.Context(), alice)); kind != auth.KindUnavailable {
				t.Errorf("got kind %v, want unavailable", kind)
			}
			if kind := auth.KindOf(req.Check(t.Context(), nil)); kind != auth.KindNoCredential {
				t.Errorf("got kind %v without a principal, want no_credential", kind)
			}
		})
	}
}

func TestAnyWithAnOutageIsAnOutage(t *testing.T) {
	down := auth.RequirementFunc(func(context.Context, *auth.Principal) error { return io.EOF })
	if kind := auth.KindOf(auth.Any(auth.Roles("admin"), down).Check(t.Context(), alice)); kind != auth.KindUnavailable {
		t.Errorf("got kind %v, want unavailable", kind)
	}
	if err := auth.Any(down, auth.Scopes("a")).Check(t.Context(), alice); err != nil {
		t.Errorf("got %v, want the part that allows to decide", err)
	}
}

func TestRuleScopes(t *testing.T) {
	rule := auth.Describe(auth.All(auth.Scopes("a", "b"), auth.Any(auth.Roles("r"), auth.Scopes("c"), auth.Scopes("d")), auth.Scopes("b")))
	if got := rule.Scopes(); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("got %v, want a b c: all of them, and the first of alternatives", got)
	}
	if got := auth.Describe(auth.Roles("r")).Scopes(); got != nil {
		t.Errorf("got %v from roles", got)
	}
}

func TestLogObserver(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event auth.Event
		level slog.Level
	}{
		{"allowed", auth.Event{Outcome: auth.OutcomeAllowed, Subject: "alice", Unread: []string{"cookie"}, InURL: true}, slog.LevelDebug},
		{"anonymous", auth.Event{Outcome: auth.OutcomeAnonymous, Foreign: "Basic"}, slog.LevelDebug},
		{"refused", auth.Event{Outcome: auth.OutcomeRefused, Kind: auth.KindInvalid, Reason: auth.ReasonExpired, Status: 401, Concealed: true}, slog.LevelInfo},
		{"unavailable", auth.Event{Outcome: auth.OutcomeRefused, Kind: auth.KindUnavailable}, slog.LevelError},
		{"panicked", auth.Event{Outcome: auth.OutcomePanicked}, slog.LevelError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			l := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			auth.Observers(nil, auth.NewLogObserver(l)).Observe(t.Context(), tt.event)
			got := out.String()
			if !strings.Contains(got, "level="+tt.level.String()) || !strings.Contains(got, "outcome="+string(tt.event.Outcome)) || strings.Contains(got, `=""`) {
				t.Errorf("got %q, want level %s and no empty attribute", got, tt.level)
			}
			if tt.event.LogValue().Kind() != slog.KindGroup {
				t.Error("the event is no group of attributes")
			}
		})
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	auth.NewLogObserver(quiet).Observe(t.Context(), auth.Event{Outcome: auth.OutcomeAllowed})
	defer func() {
		if recover() == nil {
			t.Error("got no panic for a nil logger")
		}
	}()
	auth.NewLogObserver(nil)
}

func TestClientAddresses(t *testing.T) {
	forwarded := func(trusted ...string) auth.AddrFunc {
		f, err := auth.ForwardedFor(prefixes(trusted...)...)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	local := forwarded("10.0.0.0/8", "::1/128", "::ffff:192.168.0.0/112")
	for _, tt := range []struct {
		name  string
		f     auth.AddrFunc
		peer  string
		lines []string
		want  string // "": an error
	}{
		{"the peer", auth.PeerAddr, "192.0.2.1:80", nil, "192.0.2.1"},
		{"the peer, and no header", auth.PeerAddr, "10.0.0.1:80", []string{"192.0.2.9"}, "10.0.0.1"},
		{"a peer without a port", auth.PeerAddr, "192.0.2.1", nil, "192.0.2.1"},
		{"IPv4 in IPv6 is IPv4", auth.PeerAddr, "[::ffff:192.0.2.1]:80", nil, "192.0.2.1"},
		{"a zone is dropped", auth.PeerAddr, "[fe80::1%eth0]:80", nil, "fe80::1"},
		{"a socket's name is no address", auth.PeerAddr, "@", nil, ""},
		{"an untrusted peer's header is not looked at", local, "192.0.2.1:80", []string{"198.51.100.1"}, "192.0.2.1"},
		{"a proxy's client", local, "10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"what the client wrote stands left of it", local, "10.0.0.1:80", []string{"1.2.3.4, 198.51.100.1"}, "198.51.100.1"},
		{"several proxies, several lines", local, "10.0.0.1:80", []string{"1.2.3.4", "198.51.100.1, 192.168.3.4", "10.0.0.2"}, "198.51.100.1"},
		{"only proxies: the leftmost of them", local, "10.0.0.1:80", []string{"10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		{"a proxy that says nothing", local, "10.0.0.1:80", nil, "10.0.0.1"},
		{"garbage on the way", local, "10.0.0.1:80", []string{"198.51.100.1, garbage"}, ""},
		{"an empty element on the way", local, "10.0.0.1:80", []string{"198.51.100.1,"}, ""},
		{"garbage further left does not matter", local, "10.0.0.1:80", []string{"garbage, 198.51.100.1"}, "198.51.100.1"},
		{"a peer that is no address", local, "@", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tt.peer
			r.Header["X-Forwarded-For"] = tt.lines
			got, err := tt.f(r)
			if (err == nil) != (tt.want != "") || err == nil && got.String() != tt.want {
				t.Errorf("got %v and error %v, want %q", got, err, tt.want)
			}
		})
	}
	for _, bad := range [][]string{nil, {""}, {"0.0.0.0/0"}, {"::/0"}} {
		if _, err := auth.ForwardedFor(prefixes(bad...)...); err == nil {
			t.Errorf("got no error for %q", bad)
		}
	}
}

func TestChainsJoinHeadersAndPlaces(t *testing.T) {
	gone := auth.Invalid(auth.ReasonExpired, nil)
	expired := func(name string) auth.Authenticator {
		return auth.StaleAsAnonymous(cookie(name, func(*http.Request) (*auth.Principal, error) { return nil, gone }))
	}
	d := auth.Decide(auth.FirstOf(expired("a"), expired("b")), authtest.Request(http.MethodGet, "/"))
	if got := d.Header.Values("Set-Cookie"); len(got) != 2 || !strings.HasPrefix(got[0], "a=") || !strings.HasPrefix(got[1], "b=") || d.Stale != "b" {
		t.Errorf("got Set-Cookie %q and stale %q, want both cookies cleared", got, d.Stale)
	}
	good := func(*http.Request) (*auth.Principal, error) { return alice, nil }
	first, second := cookie("sid", good), cookie("sid", good)
	second.Scheme.Name = "other"
	r := authtest.Request(http.MethodGet, "/", "Cookie", "sid=x")
	if _, err := auth.FirstOf(first, second).RefuseMultiple().Authenticate(r); err != nil {
		t.Errorf("got %v for one cookie that two authenticators read, want it to be one credential", err)
	}
}

func TestNamedKeepsItsNameInRefusals(t *testing.T) {
	a := auth.Named("n", auth.FirstOf(header("A", map[string]error{"bad": auth.Invalid(auth.ReasonUnknown, nil)})))
	d := auth.Decide(a, authtest.Request(http.MethodGet, "/", "X-A", "bad"))
	if len(d.Schemes) != 1 || d.Schemes[0].Name != "n" {
		t.Errorf("got schemes %v, want the name n", d.Schemes)
	}
}

func TestARepeatedAuthorizationHeaderIsRefusedWhoeverElseWouldDo(t *testing.T) {
	good := cookie("sid", func(*http.Request) (*auth.Principal, error) { return alice, nil })
	bearer := authtest.Tokens(nil)
	r := authtest.Request(http.MethodGet, "/", "Cookie", "sid=x", "Authorization", "Bearer a", "Authorization", "Bearer b")
	if _, err := auth.FirstOf(good, bearer).Authenticate(r); auth.KindOf(err) != auth.KindMalformed {
		t.Errorf("got %v, want malformed", err)
	}
}

func TestAnUnavailableStoreIsNotForgivenAsStale(t *testing.T) {
	a := auth.StaleAsAnonymous(cookie("sid", func(*http.Request) (*auth.Principal, error) {
		return nil, &auth.Error{Kind: auth.KindUnavailable, Reason: auth.ReasonExpired}
	}))
	if _, err := a.Authenticate(authtest.Request(http.MethodGet, "/", "Cookie", "sid=x")); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v, want unavailable", err)
	}
}

func TestDeriveDoesNotShowTheDataToBeChanged(t *testing.T) {
	p, err := auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice", Data: 1})
	if err != nil {
		t.Fatal(err)
	}
	q, err := p.Derive(func(c *auth.PrincipalConfig) {
		if c.Data != nil {
			t.Errorf("got data %v, want none", c.Data)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := auth.Data[int](q); n != 1 || !ok {
		t.Errorf("got %v, want what p held", n)
	}
}

func TestAnyPrefersAStepUpToARefusal(t *testing.T) {
	req := auth.Any(auth.Roles("admin"), auth.Recent(time.Minute, nil))
	if kind := auth.KindOf(req.Check(t.Context(), alice)); kind != auth.KindStepUp {
		t.Errorf("got kind %v, want step_up", kind)
	}
}

func TestCredentialsArePrintable(t *testing.T) {
	for _, value := range []string{"Bearer a\x00b", "Bearer \xff", "Bearer \ta"} {
		if got, err := auth.Credentials(authtest.Request(http.MethodGet, "/", "Authorization", value), "Bearer", 64); err == nil {
			t.Errorf("got %q from %q, want an error", got, value)
		}
	}
}
