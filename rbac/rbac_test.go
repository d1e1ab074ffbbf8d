package rbac_test

import (
	"context"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

// books is the policy that most tests ask.
const books = `version: 1
permissions:
  invoice: [read, list, create, approve, delete]
  report: [read, export]
  billing.plan: [read, change]
roles:
  viewer:   {allow: ["*:read", "*:list"]}
  clerk:    {inherits: [viewer], allow: ["invoice:create", {permission: "invoice:delete", when: [owner]}]}
  approver: {inherits: [viewer], allow: ["invoice:approve"]}
  admin:    {allow: ["*"], except: ["report:export"]}
scopes:
  invoices.read: ["invoice:read", "invoice:list"]
  invoices: ["invoice:*"]
  s1: []
  s2: []
  s3: []
  s4: []
  s5: []
  s6: []
  s7: []
exclusive:
  - {roles: [clerk, approver], max: 1, at: [assign, check]}
deny:
  - {permissions: ["invoice:delete"], when: [books_closed], unless: [admin], reason: "the books are closed"}
tests:
  - {roles: [clerk], allow: ["invoice:create"], deny: ["invoice:approve"], conditional: ["invoice:delete"]}
`

func parse(t testing.TB, text string, c rbac.Config) *rbac.Policy {
	t.Helper()
	p, err := rbac.Parse("policy.yaml", []byte(text), c)
	if err != nil {
		t.Fatalf("Parse:\n%v", err)
	}
	return p
}

var unlimited = auth.Unlimited()

func principalNamed(name string, roles ...string) auth.PrincipalConfig {
	return auth.PrincipalConfig{Subject: name, Roles: roles, Scopes: unlimited}
}

// many returns more bindings than a subject has room for, the last of them of the role.
func many(role string) rbac.Bindings {
	list := make(rbac.Bindings, 0, 12)
	for range 11 {
		list = append(list, rbac.Everywhere("viewer")...)
	}
	return append(list, rbac.Everywhere(role)...)
}

type state struct {
	closed bool
	err    error
}

func (s *state) config() rbac.Config {
	return rbac.Config{Conditions: map[string]rbac.Condition{
		"books_closed": func(context.Context, rbac.Input) (bool, error) { return s.closed, s.err },
	}}
}

func principal(t testing.TB, c auth.PrincipalConfig) *auth.Principal {
	t.Helper()
	if c.Subject == "" {
		c.Subject = "42"
	}
	p, err := auth.NewPrincipal(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnswers(t *testing.T) {
	p := parse(t, books, (&state{}).config())
	tests := []struct {
		name       string
		bindings   rbac.Bindings
		tenant     string
		scopes     auth.ScopeSet
		permission string
		want       rbac.Answer
	}{
		{"a role allows what it names", rbac.In("acme", "clerk"), "acme", auth.Unlimited(), "invoice:create", rbac.Allowed},
		{"a role allows what it inherits", rbac.In("acme", "clerk"), "acme", auth.Unlimited(), "invoice:list", rbac.Allowed},
		{"a wildcard over resources reaches sub-resources", rbac.In("acme", "viewer"), "acme", auth.Unlimited(), "billing.plan:read", rbac.Allowed},
		{"a role does not allow the rest", rbac.In("acme", "clerk"), "acme", auth.Unlimited(), "invoice:approve", rbac.Denied},
		{"a role in one tenant does not count in another", rbac.In("acme", "clerk"), "other", auth.Unlimited(), "invoice:create", rbac.Denied},
		{"a role in one tenant does not count outside of any", rbac.In("acme", "clerk"), "", auth.Unlimited(), "invoice:create", rbac.Denied},
		{"a role held everywhere counts in a tenant", rbac.Everywhere("clerk"), "acme", auth.Unlimited(), "invoice:create", rbac.Allowed},
		{"a role held everywhere counts outside of any", rbac.Everywhere("clerk"), "", auth.Unlimited(), "invoice:create", rbac.Allowed},
		{"a binding with neither tenant nor everywhere counts nowhere", rbac.Bindings{{Role: "clerk"}}, "", auth.Unlimited(), "invoice:create", rbac.Denied},
		{"a binding with both counts nowhere", rbac.Bindings{{Role: "clerk", Tenant: "acme", Everywhere: true}}, "acme", auth.Unlimited(), "invoice:create", rbac.Denied},
		{"except takes away", rbac.Everywhere("admin"), "", auth.Unlimited(), "report:export", rbac.Denied},
		{"no scope is no permission", rbac.Everywhere("admin"), "", auth.ScopeSet{}, "invoice:read", rbac.Denied},
		{"a scope narrows", rbac.Everywhere("admin"), "", auth.MustScopeSet("invoices.read"), "invoice:create", rbac.Denied},
		{"a scope leaves in place what it names", rbac.Everywhere("admin"), "", auth.MustScopeSet("invoices.read"), "invoice:read", rbac.Allowed},
		{"a scope gives nothing that the roles do not", rbac.Everywhere("viewer"), "", auth.MustScopeSet("invoices"), "invoice:create", rbac.Denied},
		{"a scope that the policy lacks adds nothing", rbac.Everywhere("admin"), "", auth.MustScopeSet("openid", "invoices.read"), "report:read", rbac.Denied},
		{"a condition is the third answer", rbac.Everywhere("clerk"), "", auth.Unlimited(), "invoice:delete", rbac.Conditional},
		{"a guardrail leaves its exceptions alone", rbac.Everywhere("admin"), "", auth.Unlimited(), "invoice:delete", rbac.Allowed},
		{"exclusive roles held together allow nothing", rbac.Everywhere("clerk", "approver"), "", auth.Unlimited(), "invoice:read", rbac.Denied},
		{"a role that the policy lacks allows nothing", rbac.Everywhere("root"), "", auth.Unlimited(), "invoice:read", rbac.Denied},
		{"a permission that is not declared is denied", rbac.Everywhere("admin"), "", auth.Unlimited(), "invoice:raed", rbac.Denied},
		{"a wildcard is no permission to ask for", rbac.Everywhere("admin"), "", auth.Unlimited(), "*", rbac.Denied},
		{"the last of many roles counts", many("admin"), "", auth.Unlimited(), "billing.plan:change", rbac.Allowed},
		{"the last of many roles counts under its condition", many("clerk"), "", auth.Unlimited(), "invoice:delete", rbac.Conditional},
		{"the last of many roles is left alone by a guardrail", append(many("admin"), rbac.Everywhere("clerk")...), "", auth.Unlimited(), "invoice:delete", rbac.Allowed},
		{"many roles allow no more than each", many("viewer"), "", auth.Unlimited(), "invoice:create", rbac.Denied},
		{"many roles are held together", append(many("clerk"), rbac.Everywhere("approver")...), "", auth.Unlimited(), "invoice:read", rbac.Denied},
		{"the last of many scopes counts", rbac.Everywhere("admin"), "", auth.MustScopeSet("s1", "s2", "s3", "s4", "s5", "s6", "invoices.read", "s7", "invoices"), "invoice:read", rbac.Allowed},
		{"many scopes leave no more than each", rbac.Everywhere("admin"), "", auth.MustScopeSet("s1", "s2", "s3", "s4", "s5", "s6", "s7", "invoices.read"), "invoice:create", rbac.Denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := p.Resolve(tt.tenant, tt.bindings, tt.scopes)
			if got := s.Answer(tt.permission); got != tt.want {
				t.Errorf("Answer: got %v, want %v", got, tt.want)
			}
			if got := s.Can(tt.permission); got != (tt.want == rbac.Allowed) {
				t.Errorf("Can: got %v", got)
			}
			h, _ := p.Catalog().Permission(tt.permission)
			if got := s.Has(h); got != (tt.want == rbac.Allowed) {
				t.Errorf("Has: got %v", got)
			}
			d := s.Explain(context.Background(), tt.permission, nil)
			if d.Answer != tt.want {
				t.Errorf("Explain: got %v, want %v: %v", d.Answer, tt.want, d)
			}
		})
	}
}
