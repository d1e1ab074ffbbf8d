package auth_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

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

func TestNamedKeepsItsNameInRefusals(t *testing.T) {
	a := auth.Named("n", auth.FirstOf(header("A", map[string]error{"bad": auth.Invalid(auth.ReasonUnknown, nil)})))
	d := auth.Decide(a, authtest.Request(http.MethodGet, "/", "X-A", "bad"))
	if len(d.Schemes) != 1 || d.Schemes[0].Name != "n" {
		t.Errorf("got schemes %v, want the name n", d.Schemes)
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
