package rbac_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

func TestReviews(t *testing.T) {
	p := parse(t, books, (&state{}).config())
	var got []string
	for name, answer := range p.RolesGranting("invoice:delete") {
		got = append(got, name+" "+answer.String())
	}
	for name, answer := range p.PermissionsOf("clerk") {
		got = append(got, name+" "+answer.String())
	}
	want := "admin allowed, clerk conditional, billing.plan:read allowed, invoice:create allowed, invoice:delete conditional, invoice:list allowed, invoice:read allowed, report:read allowed"
	if strings.Join(got, ", ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, ", "), want)
	}
	if roles := slices.Collect(p.Roles()); !slices.Equal(roles, []string{"admin", "approver", "clerk", "viewer"}) {
		t.Errorf("got roles %v", roles)
	}
	if names := slices.Collect(p.Conditions()); !slices.Equal(names, []string{"books_closed", "owner"}) {
		t.Errorf("got conditions %v", names)
	}
	s := p.Resolve("acme", rbac.In("acme", "clerk"), unlimited)
	if got := s.Answers("invoice:delete", "invoice:approve", "invoice:read"); !slices.Equal(got, []rbac.Answer{rbac.Conditional, rbac.Denied, rbac.Allowed}) {
		t.Errorf("got %v", got)
	}
	if s.Tenant() != "acme" || s.Policy() != p || s.Principal() != nil || p.File() != "policy.yaml" {
		t.Error("the subject forgets where it comes from")
	}
	for range p.WhoCan("invoice:raed", "", nil) {
		t.Error("somebody has what is not declared")
	}
	// An iteration may end early.
	for range s.Permissions() {
		break
	}
	for range p.WhoCan("invoice:read", "acme", func(yield func(string, rbac.Bindings) bool) {
		_ = yield("a", rbac.In("acme", "viewer")) && yield("b", rbac.In("acme", "viewer"))
	}) {
		break
	}
	for range rbac.Select(t.Context(), &s, "invoice:read", slices.Values([]int{1, 2}), func(int) rbac.Resource { return rbac.Resource{} }) {
		break
	}
	who := p.ResolvePrincipal(principal(t, auth.PrincipalConfig{Roles: []string{"viewer"}, Tenant: "acme", Scopes: unlimited}))
	if !who.Can("invoice:read") || who.Can("invoice:create") || who.Principal() == nil || who.Tenant() != "acme" {
		t.Error("a policy answers otherwise for a principal")
	}
	for range p.RolesGranting("invoice:read") {
		break
	}
}

func TestSelect(t *testing.T) {
	a := authorizer(t, rbac.AuthorizerConfig{})
	s := a.Resolve(t.Context(), principal(t, principalNamed("42", "clerk")))
	owners := []string{"41", "42", "", "42"}
	found := slices.Collect(rbac.Select(t.Context(), &s, "invoice:delete", slices.Values(owners), func(o string) rbac.Resource { return rbac.Resource{Owner: o} }))
	if !slices.Equal(found, []string{"42", "42"}) {
		t.Errorf("got %q", found)
	}
}

func TestFilter(t *testing.T) {
	p := parse(t, books, (&state{}).config())
	tests := []struct {
		name       string
		bindings   rbac.Bindings
		scopes     auth.ScopeSet
		permission string
		want       string
	}{
		{"roles in two tenants are two clauses", append(rbac.In("b", "viewer"), rbac.In("a", "clerk")...), unlimited, "invoice:read", "[{a false [] []} {b false [] []}] false"},
		{"a role held everywhere is one", rbac.Everywhere("viewer"), unlimited, "invoice:read", "[{ true [] []}] false"},
		{"a tenant in which exclusive roles meet is left out", append(rbac.Everywhere("clerk"), rbac.In("a", "approver")...), unlimited, "invoice:read", "[{ true [a] []}] false"},
		{"no scope leaves nothing", rbac.Everywhere("admin"), auth.ScopeSet{}, "invoice:read", "[] false"},
		{"more scopes than there is room for count", rbac.Everywhere("admin"), auth.MustScopeSet("a", "b", "c", "d", "e", "f", "invoices", "invoices.read"), "invoice:read", "[{ true [] []}] false"},
		{"a permission that is not declared is on no row", rbac.Everywhere("admin"), unlimited, "invoice:raed", "[] false"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := p.Resolve("z", tt.bindings, tt.scopes)
			f := s.Filter(t.Context(), tt.permission)
			if got := fmt.Sprint(f.Clauses, f.Recheck); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	a := authorizer(t, rbac.AuthorizerConfig{StrictRoles: true})
	own := a.Resolve(t.Context(), principal(t, auth.PrincipalConfig{Roles: []string{"clerk"}, Tenant: "acme", Scopes: unlimited}))
	f := own.Filter(t.Context(), "invoice:delete")
	if len(f.Clauses) != 1 || f.Clauses[0].Tenant != "acme" || !f.Clauses[0].Owner() {
		t.Errorf("a principal's own roles: got %+v", f)
	}
	if f := a.Resolve(t.Context(), principal(t, auth.PrincipalConfig{Roles: []string{"viewer"}, Tenant: "acme", Scopes: auth.MustScopeSet("s1", "s2", "s3", "s4", "s5", "s6", "s7", "invoices")})); len(f.Filter(t.Context(), "invoice:read").Clauses) != 1 {
		t.Error("the last of many scopes does not count")
	}
	none := a.Resolve(t.Context(), principal(t, auth.PrincipalConfig{Roles: []string{"admin"}, Tenant: "acme", Scopes: unlimited, Data: rbac.Bindings(nil)}))
	if f := none.Filter(t.Context(), "invoice:read"); len(f.Clauses) != 0 || none.Can("invoice:read") {
		t.Errorf("bindings that are none are made good by roles: got %+v", f)
	}
	if d := none.Explain(t.Context(), "invoice:read", nil); len(d.Held) != 0 {
		t.Errorf("got held %v", d.Held)
	}
	loose := a.Resolve(t.Context(), principal(t, principalNamed("42", "viewer")))
	if f := loose.Filter(t.Context(), "invoice:read"); len(f.Clauses) != 0 {
		t.Errorf("roles without a tenant name no tenant's rows: got %+v", f)
	}
}

func TestBindingsOfEitherTypeTakeThePlaceOfRoles(t *testing.T) {
	a := authorizer(t, rbac.AuthorizerConfig{})
	list := []rbac.Binding{{Role: "viewer", Tenant: "acme"}}
	for name, data := range map[string]any{"Bindings": rbac.Bindings(list), "[]Binding": list, "an empty []Binding": []rbac.Binding{}, "a nil []Binding": []rbac.Binding(nil)} {
		who := principal(t, auth.PrincipalConfig{Roles: []string{"admin"}, Tenant: "acme", Scopes: unlimited, Data: data})
		s := a.Resolve(t.Context(), who)
		if s.Can("invoice:create") || s.Can("invoice:read") != (name == "Bindings" || name == "[]Binding") {
			t.Errorf("%s: the principal's own roles count beside or instead of them", name)
		}
	}
}

func TestFilterIsNoWiderThanTheCheck(t *testing.T) {
	p := parse(t, books, (&state{}).config())
	nobody := p.Resolve("a", rbac.In("a", "clerk"), unlimited)
	if f := nobody.Filter(t.Context(), "invoice:delete"); fmt.Sprint(f.Clauses) != "[]" {
		t.Errorf("a subject without a name owns rows: got %+v", f)
	}
	const text = "version: 1\npermissions: {invoice: [read]}\nroles: {clerk: {allow: [{permission: 'invoice:read', when: [owner]}]}}\n"
	who := principal(t, auth.PrincipalConfig{Scopes: unlimited, Tenant: "a", Data: rbac.In("a", "clerk")})
	for name, bound := range map[string]rbac.Condition{"the owner of this package": nil, "one of the program's own": rbac.Owner} {
		t.Run(name, func(t *testing.T) {
			c := rbac.Config{}
			if bound != nil {
				c.Conditions = map[string]rbac.Condition{"owner": bound}
			}
			s := parse(t, text, c).ResolvePrincipal(who)
			f := s.Filter(t.Context(), "invoice:read")
			if len(f.Clauses) != 1 || f.Clauses[0].Tenant != "a" || !f.Clauses[0].Owner() || f.Recheck != (bound != nil) {
				t.Errorf("got %+v, want the rows of the owner, to be checked again: %v", f, bound != nil)
			}
		})
	}
}

func TestCheckAssignment(t *testing.T) {
	p := parse(t, books, (&state{}).config())
	tests := []struct {
		name     string
		bindings rbac.Bindings
		want     []string
	}{
		{"one role is well", rbac.In("acme", "clerk"), nil},
		{"exclusive roles in different tenants are well", append(rbac.In("acme", "clerk"), rbac.In("other", "approver")...), nil},
		{"exclusive roles in one tenant are not", rbac.In("acme", "clerk", "approver"), []string{`"clerk", "approver" exclude each other and are held together in tenant "acme": at most 1 (policy.yaml:22:5)`}},
		{"everywhere meets every tenant", append(rbac.Everywhere("clerk"), rbac.In("acme", "approver")...), []string{`in tenant "acme"`}},
		{"exclusive roles held everywhere meet everywhere", rbac.Everywhere("clerk", "approver"), []string{"held together everywhere"}},
		{"every mistake is told", rbac.Bindings{{Role: "clrk", Tenant: "acme"}, {Role: "clerk"}, {Role: "clerk", Tenant: "x", Everywhere: true}}, []string{"no role", "bound nowhere"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := p.CheckAssignment(tt.bindings)
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q", err, want)
				}
			}
		})
	}
}

func TestExclusiveSetsCountInherited(t *testing.T) {
	const text = `version: 1
permissions: {invoice: [read]}
roles:
  a: {allow: ["*"]}
  b: {allow: ["*"]}
  c: {allow: ["*"]}
  d: {inherits: [a, b]}
  x: {}
  y: {}
exclusive: [{roles: [a, b, c], max: 2}, {roles: [x, y], at: [check]}]
`
	p := parse(t, text, rbac.Config{})
	if err := p.CheckAssignment(rbac.Everywhere("d", "a")); err != nil {
		t.Errorf("two of three: got %v", err)
	}
	if err := p.CheckAssignment(rbac.Everywhere("d", "c")); err == nil {
		t.Error("three of three, two of them inherited: got no error")
	}
	s := p.Resolve("", rbac.Everywhere("d", "c"), unlimited)
	if !s.Can("invoice:read") {
		t.Error("a set that is not checked at check time denies")
	}
	s = p.Resolve("", rbac.Everywhere("a", "x", "y"), unlimited)
	if s.Can("invoice:read") {
		t.Error("a set that is checked at check time does not deny")
	}
}

func TestCovers(t *testing.T) {
	p := parse(t, books, (&state{}).config())
	everywhere := func(role string) rbac.Binding { return rbac.Binding{Role: role, Everywhere: true} }
	in := func(tenant, role string) rbac.Binding { return rbac.Binding{Role: role, Tenant: tenant} }
	tests := []struct {
		name    string
		tenant  string
		held    rbac.Bindings
		scopes  auth.ScopeSet
		binding rbac.Binding
		want    bool
	}{
		{"who holds a role may give it", "acme", rbac.In("acme", "clerk"), unlimited, in("acme", "clerk"), true},
		{"and what it inherits", "acme", rbac.In("acme", "clerk"), unlimited, in("acme", "viewer"), true},
		{"not in another tenant", "acme", rbac.In("acme", "clerk"), unlimited, in("other", "clerk"), false},
		{"not everywhere", "acme", rbac.Everywhere("clerk"), unlimited, everywhere("viewer"), false},
		{"everywhere, where it is held everywhere", "", rbac.Everywhere("clerk"), unlimited, everywhere("viewer"), true},
		{"in a tenant, where it is held everywhere", "", rbac.Everywhere("clerk"), unlimited, in("acme", "viewer"), true},
		{"not what is more", "acme", rbac.In("acme", "viewer"), unlimited, in("acme", "clerk"), false},
		{"not what the token's scopes leave out", "acme", rbac.In("acme", "clerk"), auth.MustScopeSet("invoices"), in("acme", "clerk"), false},
		{"not what is nowhere", "acme", rbac.In("acme", "clerk"), unlimited, rbac.Binding{Role: "clerk"}, false},
		{"not a role that the policy lacks", "acme", rbac.In("acme", "admin"), unlimited, in("acme", "root"), false},
		{"more than enough is enough", "", rbac.Everywhere("admin"), unlimited, everywhere("approver"), true},
		{"not with exclusive roles", "", rbac.Everywhere("clerk", "approver"), unlimited, everywhere("viewer"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := p.Resolve(tt.tenant, tt.held, tt.scopes)
			if got := s.Covers(tt.binding); got != tt.want {
				t.Errorf("got %v, want %v; uncovered: %v", got, tt.want, slices.Collect(s.Uncovered(tt.binding)))
			}
		})
	}
}

func TestCoversMindsGuardrailsAndConditions(t *testing.T) {
	const text = `version: 1
permissions: {invoice: [read, delete]}
roles:
  clerk: {allow: ["invoice:delete"]}
  chief: {allow: ["invoice:delete"]}
  own: {allow: [{permission: "invoice:read", when: [owner]}]}
  strict: {allow: [{permission: "invoice:read", when: [owner, mfa]}]}
  pass: {}
  passes: {inherits: [pass]}
deny: [{permissions: ["invoice:delete"], unless: [chief, pass], reason: "ask the chief"}]
`
	p := parse(t, text, rbac.Config{UnboundConditions: true})
	for _, tt := range []struct {
		held, given string
		want        bool
	}{{"clerk", "chief", false}, {"chief", "clerk", true}, {"clerk", "clerk", true}, {"own", "strict", true}, {"strict", "own", false}, {"own", "own", true},
		{"clerk", "pass", false}, {"own", "passes", false}, {"pass", "passes", true}, {"chief", "pass", true}} {
		s := p.Resolve("", rbac.Everywhere(tt.held), unlimited)
		if got := s.Covers(rbac.Binding{Role: tt.given, Everywhere: true}); got != tt.want {
			t.Errorf("%s covers %s: got %v, want %v", tt.held, tt.given, got, tt.want)
		}
	}
}

func TestCoversOnlyWhereTheBindingCounts(t *testing.T) {
	p := parse(t, books, (&state{}).config())
	everywhere := p.Resolve("", rbac.Everywhere("admin"), unlimited)
	loose := p.ResolvePrincipal(principal(t, principalNamed("42", "admin"))) // its roles count outside of tenants, not in them
	for _, tt := range []struct {
		name string
		s    *rbac.Subject
		b    rbac.Binding
		want bool
	}{
		{"what is held everywhere covers a tenant", &everywhere, rbac.Binding{Role: "admin", Tenant: "acme"}, true},
		{"and everywhere", &everywhere, rbac.Binding{Role: "admin", Everywhere: true}, true},
		{"not a binding that counts nowhere", &everywhere, rbac.Binding{Role: "admin"}, false},
		{"nor one that says both", &everywhere, rbac.Binding{Role: "admin", Tenant: "acme", Everywhere: true}, false},
		{"roles without a tenant are not held everywhere", &loose, rbac.Binding{Role: "admin", Everywhere: true}, false},
		{"nor in a tenant", &loose, rbac.Binding{Role: "admin", Tenant: "acme"}, false},
	} {
		if got := tt.s.Covers(tt.b); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestExplanations(t *testing.T) {
	st := &state{}
	p := parse(t, books, st.config())
	a := authorizer(t, rbac.AuthorizerConfig{Policy: p})
	ada := principal(t, auth.PrincipalConfig{Subject: "ada", Tenant: "acme", Scopes: unlimited, Data: append(rbac.In("acme", "clerk", "ghost"), rbac.In("other", "approver")...)})
	mine := &rbac.Resource{ID: "7", Owner: "ada"}
	tests := []struct {
		name       string
		permission string
		resource   *rbac.Resource
		closed     bool
		want       string
		public     string
	}{
		{
			"an allow names the way to the grant", "invoice:read", nil, false,
			`rbac: invoice:read allowed for "ada" in tenant "acme"; by: clerk (policy.yaml:8:3) > viewer (policy.yaml:7:3), which allows *:read (policy.yaml:7:22); not in the policy: "ghost"`,
			"allowed: invoice:read",
		},
		{
			"a denial names who is allowed", "invoice:approve", nil, false,
			`rbac: invoice:approve denied for "ada" in tenant "acme": none of the roles held allows it; held: clerk (policy.yaml:8:3); held elsewhere: "approver" in "other"; allowed by: approver (policy.yaml:9:3), admin (policy.yaml:10:3); not in the policy: "ghost"`,
			"not allowed: invoice:approve",
		},
		{
			"a condition that allows is named", "invoice:delete", mine, false,
			`rbac: invoice:delete allowed for "ada" in tenant "acme"; by: clerk (policy.yaml:8:3), which allows invoice:delete (policy.yaml:8:73); when: owner; not in the policy: "ghost"`,
			"allowed: invoice:delete",
		},
		{
			"a condition that does not hold is named", "invoice:delete", &rbac.Resource{}, false,
			`rbac: invoice:delete denied for "ada" in tenant "acme": a condition does not hold; by: clerk (policy.yaml:8:3), which allows invoice:delete (policy.yaml:8:73); when: owner; condition: owner; held: clerk (policy.yaml:8:3); held elsewhere: "approver" in "other"; not in the policy: "ghost"`,
			"not allowed: invoice:delete",
		},
		{
			"a guardrail tells its reason", "invoice:delete", mine, true,
			`rbac: invoice:delete denied for "ada" in tenant "acme": a guardrail denies it; by: clerk (policy.yaml:8:3), which allows invoice:delete (policy.yaml:8:73); when: owner; guardrail: the books are closed (policy.yaml:24:5); held: clerk (policy.yaml:8:3); held elsewhere: "approver" in "other"; not in the policy: "ghost"`,
			"not allowed: invoice:delete: the books are closed",
		},
		{
			"a permission that is not declared is not repeated in public", "no\nsuch", nil, false,
			`rbac: "no\nsuch" denied for "ada" in tenant "acme": the policy declares no such permission; held: clerk (policy.yaml:8:3); held elsewhere: "approver" in "other"; not in the policy: "ghost"`,
			"not allowed",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st.closed = tt.closed
			s := a.Resolve(t.Context(), ada)
			d := s.Explain(t.Context(), tt.permission, tt.resource)
			if got := d.Error(); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if got := d.Public(); got != tt.public {
				t.Errorf("got public %q, want %q", got, tt.public)
			}
			if lines := strings.Split(d.String(), "\n"); len(lines) < 2 {
				t.Errorf("got %q for a terminal", d.String())
			}
		})
	}
	st.closed = false
	both := p.Resolve("", rbac.Everywhere("clerk", "approver"), unlimited)
	if d := both.Explain(t.Context(), "invoice:read", nil); !slices.Equal(d.Exclusive, []string{"clerk", "approver"}) {
		t.Errorf("exclusive roles: got %v", d)
	}
	narrow := p.Resolve("", rbac.Everywhere("viewer"), auth.ScopeSet{})
	if d := narrow.Explain(context.Background(), "invoice:read", nil); !slices.Equal(d.MissingScopes, []string{"invoices.read", "invoices"}) || !strings.HasPrefix(d.Public(), "the token's scope") {
		t.Errorf("scopes: got %v", d)
	}
}
