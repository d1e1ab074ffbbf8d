package rbac_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

const shop = `
version: 1
permissions: {order: [read, refund], report: [read]}
roles:
  support: {allow: ["*:read", {permission: "order:refund", when: [owner]}]}
  manager: {inherits: [support], allow: ["order:*"]}
scopes: {orders: ["order:*"]}
tests:
  - {roles: [support], allow: ["report:read"], conditional: ["order:refund"]}
`

func mustParse(text string) *rbac.Policy {
	p, err := rbac.Parse("policy.yaml", []byte(text), rbac.Config{})
	if err != nil {
		panic(err)
	}
	return p
}

func Example() {
	authorizer, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: mustParse(shop)})
	if err != nil {
		panic(err)
	}
	// An authenticator makes the principal.
	ada, err := auth.NewPrincipal(auth.PrincipalConfig{Subject: "ada", Tenant: "acme", Roles: []string{"support"}, Scopes: auth.Unlimited()})
	if err != nil {
		panic(err)
	}
	s := authorizer.Resolve(context.Background(), ada)
	fmt.Println(s.Can("order:read"), s.Can("order:refund"), s.Answer("order:refund"))
	fmt.Println(s.CanOn(context.Background(), "order:refund", rbac.Resource{ID: "7", Owner: "ada"}))
	// Output:
	// true false conditional
	// true
}

func ExampleParse() {
	_, err := rbac.Parse("policy.yaml", []byte("version: 1\npermissions: {order: [read]}\nroles:\n  support: {alow: ['order:read']}\n  manager: {inherits: [suppport]}\n"), rbac.Config{})
	fmt.Println(err)
	// Output:
	// policy.yaml:4:13: unknown key "alow" in role support (did you mean "allow"?)
	// policy.yaml:5:24: unknown role "suppport" (did you mean "support"?)
}

func ExampleNew() {
	p, err := rbac.New(rbac.Model{
		Permissions: []string{"order:read", "order:refund"},
		Roles:       []rbac.Role{{Name: "support", Allow: rbac.Grants("*:read")}},
	}, rbac.Config{})
	if err != nil {
		panic(err)
	}
	s := p.Resolve("", rbac.Everywhere("support"), auth.Unlimited())
	fmt.Println(s.All("order:read", "order:refund"))
	// Output: false
}

func ExampleAuthorizer_Require() {
	authorizer, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: mustParse(shop)})
	if err != nil {
		panic(err)
	}
	token, err := auth.NewPrincipal(auth.PrincipalConfig{Subject: "ada", Roles: []string{"manager"}, Scopes: auth.MustScopeSet("orders")})
	if err != nil {
		panic(err)
	}
	// Give the requirement to a guard or a mux of package middleware.
	fmt.Println(authorizer.Require("order:refund").Check(context.Background(), token))
	fmt.Println(auth.AsError(authorizer.Require("report:read").Check(context.Background(), token)).Reason)
	fmt.Println(authorizer.Require("order:refnd").Validate())
	// Output:
	// <nil>
	// missing_scope
	// rbac: Require: the policy declares no permission "order:refnd" (did you mean "order:refund"?)
}

func ExampleSubject_Explain() {
	s := mustParse(shop).Resolve("", rbac.Everywhere("support"), auth.Unlimited())
	fmt.Println(s.Explain(context.Background(), "report:read", nil).String())
	fmt.Println(s.Explain(context.Background(), "order:refund", &rbac.Resource{Owner: "bob"}).String())
	// Output:
	// report:read: allowed
	//   by: support (policy.yaml:5:3), which allows *:read (policy.yaml:5:21)
	// order:refund: denied, a condition does not hold
	//   by: support (policy.yaml:5:3), which allows order:refund (policy.yaml:5:44)
	//   when: owner
	//   condition: owner
	//   held: support (policy.yaml:5:3)
}

func ExamplePolicy_WhoCan() {
	people := map[string]rbac.Bindings{"ada": rbac.In("acme", "support"), "bob": rbac.Everywhere("manager"), "eve": rbac.In("other", "manager")}
	var subjects iter.Seq2[string, rbac.Bindings] = func(yield func(string, rbac.Bindings) bool) {
		for _, name := range slices.Sorted(maps.Keys(people)) { // a program reads them from its database
			if !yield(name, people[name]) {
				return
			}
		}
	}
	for name, answer := range mustParse(shop).WhoCan("order:refund", "acme", subjects) {
		fmt.Println(name, answer)
	}
	// Output:
	// ada conditional
	// bob allowed
}

func ExamplePolicy_Diff() {
	before := mustParse(shop)
	after := mustParse(shop + "  - {roles: [manager], allow: ['order:refund']}\n")
	fmt.Println(len(after.Diff(before)), after.Version() == before.Version())
	wider, err := rbac.New(rbac.Model{
		Permissions: []string{"order:read", "order:refund", "report:read"},
		Roles: []rbac.Role{
			{Name: "support", Allow: rbac.Grants("*")},
			{Name: "manager", Allow: rbac.Grants("*")},
		},
		Scopes: []rbac.Scope{{Name: "orders", Permissions: []string{"order:*"}}},
	}, rbac.Config{})
	if err != nil {
		panic(err)
	}
	changes := wider.Diff(before)
	for _, change := range changes {
		fmt.Println(change)
	}
	fmt.Println(rbac.Gains(changes))
	// Output:
	// 0 true
	// + role support: order:refund: allowed, was conditional
	// true
}

func ExampleSubject_Filter() {
	ada, err := auth.NewPrincipal(auth.PrincipalConfig{
		Subject: "ada", Tenant: "acme", Scopes: auth.Unlimited(),
		Data: append(rbac.In("acme", "support"), rbac.In("other", "manager")...),
	})
	if err != nil {
		panic(err)
	}
	s := mustParse(shop).ResolvePrincipal(ada)
	for _, c := range s.Filter(context.Background(), "order:refund").Clauses {
		fmt.Println(c.Tenant, c.Owner()) // tenant = 'acme' AND owner = $1 OR tenant = 'other'
	}
	// Output:
	// acme true
	// other false
}

func ExampleSubject_Covers() {
	s := mustParse(shop).Resolve("acme", rbac.In("acme", "support"), auth.Unlimited())
	fmt.Println(s.Covers(rbac.Binding{Role: "support", Tenant: "acme"}))
	manager := rbac.Binding{Role: "manager", Tenant: "acme"}
	fmt.Println(s.Covers(manager), slices.Collect(s.Uncovered(manager)))
	// Output:
	// true
	// false [order:refund]
}

func ExampleReloader() {
	authorizer, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: mustParse(shop)})
	if err != nil {
		panic(err)
	}
	text := shop
	reloader, err := rbac.NewReloader(rbac.ReloaderConfig{
		Authorizer: authorizer,
		Source: rbac.SourceFunc(func(context.Context) (rbac.Text, error) { // rbac.File("policy.yaml") in a program
			return rbac.Text{Name: "policy.yaml", Data: []byte(text)}, nil
		}),
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(reloader.Reload(context.Background())) // go reloader.Watch(ctx) in a program
	text += "  - {roles: [support], deny: ['report:read']}\n"
	fmt.Println(reloader.Reload(context.Background()))
	fmt.Println(reloader.Status().Generation)
	// Output:
	// <nil>
	// policy.yaml:10:31: test 2: report:read with roles support: got allowed, want denied
	// 2
}

func ExampleCatalog() {
	catalog := rbac.MustCatalog("order:read", "order:refund", "report:read") // rbacctl gen writes this
	read := catalog.MustPermission("order:read")
	p, err := rbac.Parse("policy.yaml", []byte(shop), rbac.Config{Catalog: catalog})
	if err != nil {
		panic(err)
	}
	s := p.Resolve("", rbac.Everywhere("support"), auth.Unlimited())
	fmt.Println(s.Has(read))
	// Output: true
}

func ExampleSelect() {
	authorizer, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: mustParse(shop)})
	if err != nil {
		panic(err)
	}
	ada, err := auth.NewPrincipal(auth.PrincipalConfig{Subject: "ada", Roles: []string{"support"}, Scopes: auth.Unlimited()})
	if err != nil {
		panic(err)
	}
	s := authorizer.Resolve(context.Background(), ada)
	owners := slices.Values([]string{"ada", "bob"})
	for owner := range rbac.Select(context.Background(), &s, "order:refund", owners, func(o string) rbac.Resource { return rbac.Resource{Owner: o} }) {
		fmt.Println(owner)
	}
	// Output: ada
}
