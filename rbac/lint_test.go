package rbac_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

func TestLint(t *testing.T) {
	const head = "version: 1\npermissions: {invoice: [read, list], report: [read]}\n"
	tests := []struct {
		name, text string
		want       []string
	}{
		{"nothing is wrong", "roles: {a: {allow: ['invoice:*', 'report:read'], except: []}, b: {allow: ['report:read']}}\ntests: [{roles: [a, b], allow: ['invoice:read']}]\n", []string{"3:9 all-powerful-role"}},
		{"a role that allows nothing", "roles: {a: {allow: ['*']}, b: {}}\ntests: [{roles: [a, b], allow: ['*']}]\n", []string{"3:9 all-powerful-role", "3:28 empty-role"}},
		{"two roles that allow the same", "roles: {a: {allow: ['*:read', 'invoice:list']}, b: {allow: ['*']}}\ntests: [{roles: [a, b], allow: ['*']}]\n", []string{"3:9 all-powerful-role", "3:49 all-powerful-role", "3:49 same-role"}},
		{"a grant that is implied by a wider one", "roles: {a: {allow: ['*:read', 'invoice:read', {permission: 'report:read', when: [owner]}]}}\ntests: [{roles: [a], allow: ['*:read']}]\n", []string{"2:31 ungranted", "3:31 shadowed-grant", "3:60 shadowed-grant"}},
		{"a grant that comes twice", "roles: {a: {allow: ['*:read', '*:read']}}\ntests: [{roles: [a], allow: ['*:read']}]\n", []string{"2:31 ungranted", "3:31 shadowed-grant"}},
		{"a grant that is inherited", "roles: {a: {allow: ['*:read', {permission: 'invoice:list', when: [owner]}]}, b: {inherits: [a], allow: ['report:read', 'invoice:list', {permission: 'invoice:list', when: [owner, mfa]}]}}\ntests: [{roles: [b], allow: ['*:read']}]\n", []string{"3:78 all-powerful-role", "3:105 shadowed-grant", "3:149 shadowed-grant"}},
		{"a pattern for one permission", "roles: {a: {allow: ['*:list', 'report:*']}}\ntests: [{roles: [a], allow: ['*:list']}]\n", []string{"2:25 ungranted", "3:21 narrow-pattern", "3:31 narrow-pattern"}},
		{"an except that takes nothing away", "roles: {a: {allow: ['*:read'], except: ['invoice:list']}}\ntests: [{roles: [a], allow: ['*:read']}]\n", []string{"2:31 ungranted", "3:41 dead-except"}},
		{"no tests", "roles: {a: {allow: ['*:read', 'invoice:list']}}\n", []string{"1:1 untested-role", "3:9 all-powerful-role"}},
		{"a role without a test", "roles: {a: {allow: ['*:read']}, b: {inherits: [a], allow: ['invoice:list']}, c: {allow: ['invoice:list']}}\ntests: [{roles: [b], allow: ['*']}]\n", []string{"3:33 all-powerful-role", "3:78 untested-role"}},
		{"scopes", "roles: {a: {allow: ['invoice:read', 'report:read']}}\nscopes: {x: ['invoice:list'], y: [], z: ['invoice:read']}\ntests: [{roles: [a], allow: ['invoice:read']}]\n", []string{"2:31 ungranted", "2:47 unscoped", "4:10 idle-scope"}},
		{"a guardrail over nothing", "roles: {a: {allow: ['invoice:read', 'report:read']}}\ndeny: [{permissions: ['invoice:list'], reason: no}]\ntests: [{roles: [a], allow: ['invoice:read']}]\n", []string{"2:31 ungranted", "4:8 dead-guardrail"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := parse(t, head+tt.text, rbac.Config{UnboundConditions: true})
			var got []string
			for _, f := range p.Lint() {
				got = append(got, fmt.Sprintf("%d:%d %s", f.Position.Line, f.Position.Column, f.Code))
				if s := f.String(); !strings.Contains(s, "["+f.Code+"]") || !strings.Contains(s, "policy.yaml") {
					t.Errorf("got %q", s)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
	c := (&state{}).config()
	c.Conditions["weekend"] = c.Conditions["books_closed"]
	if findings := parse(t, books, c).Lint(); !slices.ContainsFunc(findings, func(f rbac.Finding) bool { return f.Code == rbac.LintUnusedCondition }) {
		t.Errorf("an unused condition: got %v", findings)
	}
}

func TestPolicyTests(t *testing.T) {
	const head = "version: 1\npermissions: {invoice: [read, list, delete]}\nroles:\n  viewer: {allow: ['*:read', 'invoice:list']}\n  clerk: {inherits: [viewer], allow: [{permission: 'invoice:delete', when: [owner, mfa]}]}\n" +
		"scopes: {reading: ['*:read']}\ndeny: [{permissions: ['invoice:list'], when: [closed], reason: closed}]\n"
	tests := []struct {
		name, test string
		want       []string
	}{
		{"what is allowed and what is not", "{roles: [clerk], allow: ['invoice:read'], deny: ['invoice:delete']}", nil},
		{"a condition that is given holds", "{roles: [clerk], given: [owner, mfa], allow: ['invoice:delete']}", nil},
		{"half of the conditions are not enough", "{roles: [clerk], given: [owner], deny: ['invoice:delete']}", nil},
		{"without any it is conditional", "{roles: [clerk], given: [owner, mfa], conditional: ['invoice:delete']}", nil},
		{"a guardrail makes it conditional too", "{roles: [viewer], conditional: ['invoice:list'], allow: ['invoice:list']}", nil},
		{"a guardrail that is given denies", "{roles: [viewer], given: [closed], deny: ['invoice:list']}", nil},
		{"scopes narrow", "{roles: [viewer], scopes: [reading], allow: ['invoice:read'], deny: ['invoice:list']}", nil},
		{"no scopes leave nothing", "{roles: [viewer], scopes: [], deny: ['*']}", nil},
		{"no roles have nothing", "{deny: ['*']}", nil},
		{"a pattern is each of its permissions", "{name: all, roles: [viewer], allow: ['invoice:*']}", []string{`policy.yaml:9:40: test "all": invoice:delete with roles viewer: got denied, want allowed`}},
		{"a wrong denial is told", "{roles: [clerk], given: [owner, mfa], deny: ['invoice:delete']}", []string{"policy.yaml:9:48: test 1: invoice:delete with roles clerk given owner, mfa: got allowed, want denied"}},
		{"a wrong condition is told", "{roles: [viewer], conditional: ['invoice:read', 'invoice:delete']}", []string{"got allowed, want conditional", "got denied, want conditional"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := parse(t, head+"tests:\n- "+tt.test+"\n", rbac.Config{UnboundConditions: true}).RunTests()
			if len(r.Failures) != len(tt.want) || (r.Err() == nil) != (tt.want == nil) || r.Tests != 1 || r.Grants != 3 {
				t.Fatalf("got %+v", r)
			}
			for i, want := range tt.want {
				if !strings.Contains(r.Failures[i].String(), want) || !strings.Contains(r.Err().Error(), want) {
					t.Errorf("got %v, want %s", r.Failures[i], want)
				}
			}
		})
	}
	r := parse(t, head+"tests: [{roles: [clerk], allow: ['invoice:read'], conditional: ['invoice:delete']}]\n", rbac.Config{UnboundConditions: true}).RunTests()
	if len(r.Untested) != 1 || r.Untested[0].String() != `policy.yaml:4:30: no test relies on role "viewer" allowing "invoice:list"` {
		t.Errorf("got untested %v", r.Untested)
	}
	parse(t, books, (&state{}).config()).Test(t)
	var rec recorder
	parse(t, head+"tests: [{roles: [viewer], deny: ['invoice:read']}]\n", rbac.Config{UnboundConditions: true}).Test(&rec)
	parse(t, head, rbac.Config{UnboundConditions: true}).Test(&rec)
	if len(rec) != 2 || !strings.Contains(rec[1], "no tests") {
		t.Errorf("got %q", rec)
	}
}

type recorder []string

func (r *recorder) Helper()           {}
func (r *recorder) Error(args ...any) { *r = append(*r, fmt.Sprint(args...)) }

func TestDiff(t *testing.T) {
	const before = "version: 1\npermissions: {invoice: [read, list]}\nroles: {a: {allow: ['*:read', {permission: 'invoice:list', when: [owner]}]}, b: {allow: ['*']}}\n" +
		"scopes: {s: ['invoice:read']}\nexclusive: [{roles: [a, b], at: [check]}]\ndeny: [{permissions: ['invoice:list'], when: [closed], unless: [b], reason: closed}]\n"
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"a grant more", "['*:read', ", "['*', ", []string{"+ role a: invoice:list: conditional, was conditional (was under not closed,owner, is under not closed)"}},
		{"a grant less", "'*:read', ", "", []string{"- role a: invoice:read: denied, was allowed"}},
		{"a condition more", "[owner]", "[owner, mfa]", []string{"- role a: invoice:list: conditional, was conditional (was under not closed,owner, is under mfa,not closed,owner)"}},
		{"another condition is both", "[owner]", "[mfa]", []string{"+ role a: invoice:list", "- role a: invoice:list"}},
		{"a condition less", "{permission: 'invoice:list', when: [owner]}]}, b", "'invoice:list']}, b", []string{"+ role a: invoice:list: conditional, was conditional (was under not closed,owner, is under not closed)"}},
		{"a role is gone", ", b: {allow: ['*']}", ", c: {allow: ['invoice:read']}", nil},
		{"a scope more", "s: ['invoice:read']", "s: ['invoice:*']", []string{"+ scope s: invoice:list: allowed, was denied"}},
		{"a scope less", "s: ['invoice:read']", "t: []", []string{"- scope s: invoice:read: denied, was allowed"}},
		{"an exclusive set is gone", "exclusive: [{roles: [a, b], at: [check]}]\n", "", []string{"+ exclusive at most 1 of a, b at check: *: allowed, was denied (is gone)"}},
		{"a guardrail less", "deny: [{permissions: ['invoice:list'], when: [closed], unless: [b], reason: closed}]\n", "", []string{
			"+ role a: invoice:list: conditional, was conditional (was under not closed,owner, is under owner)", "+ guardrail deny invoice:list when closed unless b: *: allowed, was denied (is gone)",
		}},
		{"a guardrail for more", "unless: [b], ", "", []string{"- role b: invoice:list: conditional, was allowed", "- guardrail deny invoice:list when closed:", "+ guardrail deny invoice:list when closed unless b"}},
		{"a remark makes no difference", "roles: ", "# a remark\nroles: ", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			after := strings.Replace(before, tt.old, tt.new, 1)
			if tt.name == "a role is gone" {
				after = strings.NewReplacer("[a, b]", "[a, c]", "unless: [b]", "unless: [c]").Replace(after)
				tt.want = []string{"- role b: invoice:list: denied, was allowed", "- role b: invoice:read: denied, was allowed", "+ role c: invoice:read: allowed, was denied", "+ exclusive", "- exclusive", "- guardrail", "+ guardrail"}
			}
			c := rbac.Config{UnboundConditions: true}
			changes := parse(t, after, c).Diff(parse(t, before, c))
			if len(changes) != len(tt.want) {
				t.Fatalf("got %v, want %v", changes, tt.want)
			}
			gained := false
			for i, want := range tt.want {
				gained = gained || strings.HasPrefix(want, "+")
				if i < 3 && !strings.HasPrefix(changes[i].String(), want) {
					t.Errorf("got  %v\nwant %v", changes[i], want)
				}
			}
			if rbac.Gains(changes) != gained {
				t.Errorf("Gains is %v", !gained)
			}
		})
	}
}

func TestDiffSeesWhatHoldersOfTwoRolesGain(t *testing.T) {
	const text = "version: 1\npermissions: {invoice: [read, delete]}\nroles: {clerk: {allow: ['invoice:read']}, chief: {allow: ['invoice:read']}, lead: {inherits: [chief]}}\n" +
		"exclusive: [{roles: [clerk, chief], at: [check]}]\ndeny: [{permissions: ['invoice:delete'], unless: [chief], reason: ask the chief}]\n"
	c := rbac.Config{UnboundConditions: true}
	for _, tt := range []struct {
		name, old, new string
		want           []string
	}{
		{"a role allows what a guardrail denies to its only holder", "clerk: {allow: ['invoice:read']}", "clerk: {allow: ['*']}", []string{
			"+ role clerk: invoice:delete: denied, was denied (behind a guardrail: was under nothing, is under no condition)",
		}},
		{"and allows it no more", "clerk: {allow: ['*']}", "clerk: {allow: ['invoice:read']}", []string{
			"- role clerk: invoice:delete: denied, was denied (behind a guardrail: was under no condition, is under nothing)",
		}},
		{"a role no longer counts as an exclusive one", "lead: {inherits: [chief]}", "lead: {allow: ['invoice:read']}", []string{
			"+ exclusive at most 1 of chief, clerk with lead as chief at check: *: allowed, was denied (is gone)",
			"- exclusive at most 1 of chief, clerk at check: *: denied, was allowed (is new)",
			"- guardrail deny invoice:delete unless chief: *: denied, was allowed (is new)",
			"+ guardrail deny invoice:delete unless chief, lead: *: allowed, was denied (is gone)",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := text
			if !strings.Contains(text, tt.old) {
				before = strings.Replace(text, tt.new, tt.old, 1)
			}
			var got []string
			for _, change := range parse(t, strings.Replace(before, tt.old, tt.new, 1), c).Diff(parse(t, before, c)) {
				got = append(got, change.String())
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestDrift(t *testing.T) {
	p := parse(t, "version: 1\npermissions: {invoice: [read, list, delete]}\nroles: {a: {allow: ['invoice:read']}}\n", rbac.Config{})
	a := authorizer(t, rbac.AuthorizerConfig{Policy: p})
	routes := map[string]auth.Rule{
		"GET /invoices":    auth.Describe(auth.All(auth.Scopes("x"), a.Require("invoice:read"))),
		"DELETE /invoices": auth.Describe(auth.Any(auth.Roles("x"), a.Require("invoice:delete"))),
		"PUT /invoices":    auth.Describe(a.Require("invoice:raed")),
		"GET /":            {},
	}
	var got []string
	for _, d := range p.Drift(sorted(routes)) {
		got = append(got, d.String())
	}
	want := []string{`DELETE /invoices asks for "invoice:delete": no role allows it`, `PUT /invoices asks for "invoice:raed": the policy does not declare it`}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if names := slices.Collect(p.Unrequired(sorted(routes))); !slices.Equal(names, []string{"invoice:list"}) {
		t.Errorf("got unrequired %v", names)
	}
	for range p.Unrequired(sorted(nil)) {
		break
	}
	if p.Catalog().Len() != 3 {
		t.Errorf("got %d permissions", p.Catalog().Len())
	}
}

func sorted(routes map[string]auth.Rule) iter.Seq2[string, auth.Rule] {
	return func(yield func(string, auth.Rule) bool) {
		for _, name := range slices.Sorted(maps.Keys(routes)) {
			if !yield(name, routes[name]) {
				return
			}
		}
	}
}
