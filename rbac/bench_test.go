package rbac_test

import (
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

// BenchmarkCheck is a check by a principal with two roles in one tenant, as a request makes it. The module
// benchmarks/rbac compares with others.
func BenchmarkCheck(b *testing.B) {
	a := authorizer(b, rbac.AuthorizerConfig{})
	who := principal(b, auth.PrincipalConfig{Roles: []string{"viewer", "clerk"}, Tenant: "acme", Scopes: unlimited})
	create, _ := a.Policy().Catalog().Permission("invoice:create")
	s := a.Resolve(b.Context(), who)
	b.Run("handle on a resolved subject", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = s.Has(create)
		}
	})
	b.Run("string on a resolved subject", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			sink = s.Can("invoice:create")
		}
	})
	b.Run("requirement", func(b *testing.B) {
		require := a.Require("invoice:create")
		b.ReportAllocs()
		for b.Loop() {
			sink = require.Check(b.Context(), who) == nil
		}
	})
}

// BenchmarkLoad is the loading of the default roles of Kubernetes.
func BenchmarkLoad(b *testing.B) {
	data := kubernetesPolicy(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rbac.Parse("policy.yaml", data, rbac.Config{UnboundConditions: true}); err != nil {
			b.Fatal(err)
		}
	}
}
