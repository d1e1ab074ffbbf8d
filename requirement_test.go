package auth_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

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
	if got := (auth.Rule{}).String(); got != "" {
		t.Errorf("got %q from the zero rule", got)
	}
	if got := auth.Describe(auth.Roles("r")).Scopes(); got != nil {
		t.Errorf("got %v from roles", got)
	}
}

func TestAnyPrefersAStepUpToARefusal(t *testing.T) {
	req := auth.Any(auth.Roles("admin"), auth.Recent(time.Minute, nil))
	if kind := auth.KindOf(req.Check(t.Context(), alice)); kind != auth.KindStepUp {
		t.Errorf("got kind %v, want step_up", kind)
	}
}

func TestAllAsksForEveryStepUpAtOnce(t *testing.T) {
	old := auth.All(auth.Recent(time.Minute, nil), auth.Assurance("phr"))
	err := auth.AsError(old.Check(t.Context(), alice))
	if err.Kind != auth.KindStepUp || len(err.Params) != 2 || err.Params[0].Name != "max_age" || err.Params[1].Name != "acr_values" {
		t.Errorf("got %v with %v, want both parameters", err.Kind, err.Params)
	}
	forbidden := auth.All(auth.Recent(time.Minute, nil), auth.Roles("admin"))
	if kind := auth.KindOf(forbidden.Check(t.Context(), alice)); kind != auth.KindForbidden {
		t.Errorf("got kind %v, want forbidden: no login would help", kind)
	}
}
