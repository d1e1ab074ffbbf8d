package rbac_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cardea-go/auth/rbac"
)

// TestWhatOthersGetWrong has a row for each behaviour by which a policy library was seen to give a wrong answer in
// silence, with the outcome here.
func TestWhatOthersGetWrong(t *testing.T) {
	load := func(text string) (*rbac.Policy, error) { return rbac.Parse("policy.yaml", []byte(text), rbac.Config{}) }
	refused := func(text, want string) func(*testing.T) {
		return func(t *testing.T) {
			if _, err := load(text); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
	}
	const head = "version: 1\npermissions: {invoice: [read, delete], page: [read]}\n"
	tests := map[string]func(*testing.T){
		"a chain of sixteen roles allows at its end": func(t *testing.T) {
			text := head + "roles:\n  r0: {allow: ['invoice:read']}\n"
			for i := 1; i < 16; i++ {
				text += fmt.Sprintf("  r%d: {inherits: [r%d]}\n", i, i-1)
			}
			s := parse(t, text, rbac.Config{}).Resolve("", rbac.Everywhere("r15"), unlimited)
			if !s.Can("invoice:read") {
				t.Error("denied")
			}
		},
		"a denial with a part missing does not load":  refused(head+"roles: {a: {allow: ['*']}}\ndeny: [{permissions: ['invoice:delete']}]\n", "4:8: a denial without a reason"),
		"a denial that is cut short does not load":    refused(head+"roles: {a: {allow: ['*']}}\ndeny: [{permissions: ['invoice:delete'\n", "not YAML"),
		"a role that is misspelt does not load":       refused(head+"roles: {a: {allow: ['*']}, b: {inherits: [aa]}}\n", `unknown role "aa"`),
		"a section that is unknown does not load":     refused(head+"roles: {a: {allow: ['*']}}\nq: []\n", `unknown key "q"`),
		"roles that inherit from each other do not":   refused(head+"roles: {a: {inherits: [b], allow: ['*']}, b: {inherits: [a]}}\n", "a (line 3) > b (line 3) > a (line 3)"),
		"a pattern inside of a segment does not load": refused(head+"roles: {a: {allow: ['inv*:read']}}\n", "malformed pattern"),
		"a path is no permission":                     refused(head+"roles: {a: {allow: ['/foo/*/bar']}}\n", "malformed pattern"),
		"a regular expression is no permission":       refused(head+"roles: {a: {allow: ['<.*>']}}\n", "malformed pattern"),
		"a condition that nobody knows does not load": refused(head+"roles: {a: {allow: ['*']}}\ndeny: [{permissions: ['*'], when: [blockd], reason: no}]\n", `condition "blockd" is bound to no function`),
		"a role misspelt in an assignment is reported": func(t *testing.T) {
			if err := parse(t, books, (&state{}).config()).CheckAssignment(rbac.In("acme", "clrk")); err == nil || !strings.Contains(err.Error(), `did you mean "clerk"?`) {
				t.Errorf("got %v", err)
			}
		},
		"a user who is called like a role does not have it": func(t *testing.T) {
			a := authorizer(t, rbac.AuthorizerConfig{})
			s := a.Resolve(t.Context(), principal(t, principalNamed("admin")))
			if s.Can("invoice:read") {
				t.Error("allowed")
			}
		},
		"a denial is explained": func(t *testing.T) {
			s := parse(t, books, (&state{}).config()).Resolve("", rbac.Everywhere("clerk"), unlimited)
			d := s.Explain(t.Context(), "invoice:approve", nil)
			if len(d.Held) != 1 || d.Held[0].Role != "clerk" || len(d.AllowedBy) != 2 || d.AllowedBy[0].Position.Line != 9 {
				t.Errorf("got %+v", d)
			}
		},
		"a role that is taken away is gone with the next check": func(t *testing.T) {
			p := parse(t, books, (&state{}).config())
			before := p.Resolve("", rbac.Everywhere("clerk"), unlimited)
			after := p.Resolve("", nil, unlimited)
			if !before.Can("invoice:create") || after.Can("invoice:create") {
				t.Error("an old answer is kept")
			}
		},
		"a grant that is taken away is gone with the next subject": func(t *testing.T) {
			a := authorizer(t, rbac.AuthorizerConfig{Policy: parse(t, readers, rbac.Config{})})
			who := principal(t, principalNamed("bob", "viewer"))
			old := a.Resolve(t.Context(), who)
			if _, err := a.Swap(parse(t, listers, rbac.Config{})); err != nil {
				t.Fatal(err)
			}
			s := a.Resolve(t.Context(), who)
			if !old.Can("invoice:read") || s.Can("invoice:read") {
				t.Error("an old answer is kept")
			}
		},
		"names that would join to the same text are different": func(t *testing.T) {
			p := parse(t, books, (&state{}).config())
			bob, other := p.Resolve("x$$y", rbac.In("x$$y", "viewer"), unlimited), p.Resolve("y", rbac.In("x$$y", "viewer"), unlimited)
			if !bob.Can("invoice:read") || other.Can("invoice:read") {
				t.Error("answers were mixed up")
			}
		},
		"a tenant called like everywhere is a tenant": func(t *testing.T) {
			p := parse(t, books, (&state{}).config())
			for _, name := range []string{"*", "everywhere", "Everywhere"} {
				s := p.Resolve("acme", rbac.In(name, "viewer"), unlimited)
				if s.Can("invoice:read") {
					t.Errorf("a role in tenant %q counts in another", name)
				}
			}
		},
		"nobody has all of no permissions": func(t *testing.T) {
			s := parse(t, books, (&state{}).config()).Resolve("", rbac.Everywhere("admin"), unlimited)
			if s.All() || s.Any() {
				t.Error("allowed")
			}
		},
		"all of the permissions with no role is denied": func(t *testing.T) {
			s := parse(t, books, (&state{}).config()).Resolve("", nil, unlimited)
			if s.All("invoice:read") {
				t.Error("allowed")
			}
		},
		"a guardrail whose input is absent denies": func(t *testing.T) {
			for name, err := range map[string]error{"absent": rbac.ErrNeedsResource, "unknown": errors.New("no such entity")} {
				s := parse(t, books, (&state{err: err}).config()).Resolve("", rbac.Everywhere("clerk"), unlimited)
				if s.CanOn(t.Context(), "invoice:delete", rbac.Resource{Owner: ""}) {
					t.Errorf("%s: allowed", name)
				}
			}
			const text = head + "roles: {a: {allow: ['*']}}\ndeny: [{permissions: ['*'], when: [suspended], reason: suspended}]\n"
			c := rbac.Config{Conditions: map[string]rbac.Condition{"suspended": func(_ context.Context, in rbac.Input) (bool, error) {
				user, ok := in.Resource.Value.(map[string]bool)
				if !ok {
					return false, errors.New("no user")
				}
				return user["suspended"], nil
			}}}
			s := parse(t, text, c).Resolve("", rbac.Everywhere("a"), unlimited)
			if s.CanOn(t.Context(), "invoice:read", rbac.Resource{}) {
				t.Error("allowed without the input")
			}
			if !s.CanOn(t.Context(), "invoice:read", rbac.Resource{Value: map[string]bool{}}) {
				t.Error("denied with the input")
			}
		},
		"the zero subject is denied": func(t *testing.T) {
			var s rbac.Subject
			if s.Can("invoice:read") || s.Has(rbac.Permission{}) || s.CanOn(t.Context(), "invoice:read", rbac.Resource{}) || s.Answer("invoice:read") != rbac.Denied || s.Covers(rbac.Binding{Role: "x", Everywhere: true}) {
				t.Error("allowed")
			}
			if err := s.Check(t.Context(), "invoice:read"); err == nil {
				t.Error("Check allows")
			}
			for range s.Permissions() {
				t.Error("has a permission")
			}
			if f := s.Filter(t.Context(), "invoice:read"); len(f.Clauses) > 0 {
				t.Error("has a filter")
			}
		},
		"nobody is denied": func(t *testing.T) {
			a := authorizer(t, rbac.AuthorizerConfig{})
			s, r := a.Resolve(t.Context(), nil), a.Policy().ResolvePrincipal(nil)
			if s.Can("invoice:read") || r.Can("invoice:read") {
				t.Error("allowed")
			}
		},
	}
	for name, test := range tests {
		t.Run(name, test)
	}
}

func TestOrderOfRulesMakesNoDifference(t *testing.T) {
	const head = "version: 1\npermissions: {invoice: [read, delete]}\nroles:\n"
	for _, text := range []string{
		"  a: {allow: ['*'], except: ['invoice:delete']}\n  b: {allow: ['invoice:delete']}\n",
		"  b: {allow: ['invoice:delete']}\n  a: {allow: ['*'], except: ['invoice:delete']}\n",
	} {
		p := parse(t, head+text, rbac.Config{})
		for _, roles := range [][]string{{"a", "b"}, {"b", "a"}} {
			s := p.Resolve("", rbac.Everywhere(roles...), unlimited)
			if !s.Can("invoice:delete") {
				t.Errorf("%v: what one role leaves out, another gives", roles)
			}
		}
		s := p.Resolve("", rbac.Everywhere("a"), unlimited)
		if s.Can("invoice:delete") {
			t.Error("except does not take away")
		}
	}
}
