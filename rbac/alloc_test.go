package rbac_test

import (
	"context"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

var sink bool

func TestChecksDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	policy := parse(t, books, (&state{}).config())
	a, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	who := principal(t, auth.PrincipalConfig{Roles: []string{"viewer", "clerk"}, Tenant: "acme", Scopes: auth.MustScopeSet("invoices", "invoices.read")})
	bound, err := who.Derive(func(c *auth.PrincipalConfig) { c.Data = rbac.In("acme", "viewer", "clerk") })
	if err != nil {
		t.Fatal(err)
	}
	bindings, scopes := rbac.In("acme", "viewer", "clerk"), auth.MustScopeSet("invoices", "invoices.read")
	create, _ := policy.Catalog().Permission("invoice:create")
	resolved := a.Resolve(ctx, who)
	require := a.Require("invoice:create", "invoice:list")
	own := rbac.Resource{ID: "7", Tenant: "acme", Owner: "42", Value: who}
	tests := map[string]func(){
		"a handle on a resolved subject":   func() { sink = resolved.Has(create) },
		"a string on a resolved subject":   func() { sink = resolved.Can("invoice:create") },
		"a denial":                         func() { sink = resolved.Can("report:export") },
		"the third answer":                 func() { sink = resolved.Answer("invoice:delete") == rbac.Conditional },
		"principal, resolve and check":     func() { s := a.Resolve(ctx, who); sink = s.Can("invoice:create") },
		"principal with bindings":          func() { s := a.Resolve(ctx, bound); sink = s.Can("invoice:create") },
		"bindings, two scopes and a check": func() { s := policy.Resolve("acme", bindings, scopes); sink = s.Has(create) },
		"a requirement":                    func() { sink = require.Check(ctx, who) == nil },
		"conditions on a resource":         func() { s := a.Resolve(ctx, who); sink = s.CanOn(ctx, "invoice:delete", own) },
		"several at once":                  func() { sink = resolved.All("invoice:create", "invoice:list") },
	}
	for name, f := range tests {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", name, n)
		}
	}
}
