package rbac_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-go/auth/rbac"
)

var update = flag.Bool("update", false, "write the golden files")

func TestMessagesForBadPolicies(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.[jy]*")
	if err != nil || len(files) < 15 {
		t.Fatalf("found %d bad policies, want 15 or more (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = rbac.Parse(filepath.Base(file), data, rbac.Config{})
			load, ok := errors.AsType[*rbac.LoadError](err)
			if !ok {
				t.Fatalf("got %v, want a *LoadError", err)
			}
			within(t, data, load)
			golden := strings.TrimSuffix(file, filepath.Ext(file)) + strings.ReplaceAll(filepath.Ext(file), ".", "-") + ".golden"
			got := err.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// within fails where a problem lies outside of the file.
func within(t *testing.T, data []byte, load *rbac.LoadError) {
	t.Helper()
	lines := strings.Split(string(data), "\n")
	for _, p := range load.Problems {
		at := p.Position
		if at.Line == 0 && at.Column == 0 {
			continue // the file as a whole
		}
		if at.Line < 1 || at.Line > len(lines) || at.Column < 1 || at.Column > len([]rune(lines[at.Line-1]))+1 {
			t.Errorf("%v: the position is outside of the file", p)
		}
	}
}

func TestJSONAndYAMLSayTheSame(t *testing.T) {
	yaml := parse(t, "version: 1\npermissions: {invoice: [read, list]}\nroles: {viewer: {allow: ['*:read', {permission: 'invoice:list', when: [owner]}]}}\n", rbac.Config{})
	json, err := rbac.Parse("policy.json", []byte(`{"roles": {"viewer": {"allow": [{"when": ["owner"], "permission": "invoice:list"}, "*:read"]}},
		"permissions": {"invoice": ["list", "read"]}, "version": 1}`), rbac.Config{})
	if err != nil {
		t.Fatal(err)
	}
	built, err := rbac.New(rbac.Model{
		Permissions: []string{"invoice:read", "invoice:list"},
		Roles:       []rbac.Role{{Name: "viewer", Allow: []rbac.Grant{{Permission: "invoice:list", When: []string{"owner"}}, {Permission: "*:read"}}}},
	}, rbac.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if yaml.Version() != json.Version() || yaml.Version() != built.Version() {
		t.Errorf("got versions %s, %s and %s, want one", yaml.Version(), json.Version(), built.Version())
	}
}

func TestRefusedBeforeParsing(t *testing.T) {
	tests := []struct {
		name, want string
		data       []byte
	}{
		{"a file that is too large", "the limit is", make([]byte, rbac.MaxFileBytes+1)},
		{"a file that is not UTF-8", "not UTF-8", []byte("version: \xff")},
		{"an empty file", "empty", nil},
		{"nothing but space", "empty", []byte(" \n\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"p.yaml", "p.json"} {
				if _, err := rbac.Parse(name, tt.data, rbac.Config{}); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: got %v, want %q", name, err, tt.want)
				}
			}
		})
	}
}

func TestCatalogOfTheProgram(t *testing.T) {
	catalog := rbac.MustCatalog("report:read", "invoice:read", "invoice:purge")
	_, err := rbac.Parse("p.yaml", []byte("version: 1\npermissions: {invoice: [read, raed]}\nroles: {viewer: {allow: ['*']}}\n"), rbac.Config{Catalog: catalog})
	if err == nil || !strings.Contains(err.Error(), `p.yaml:2:31: the program knows no permission "invoice:raed" (did you mean "invoice:read"?)`) {
		t.Errorf("a permission that the program lacks: got %v", err)
	}
	p := parse(t, "version: 1\npermissions: {invoice: [read], report: [read]}\nroles: {viewer: {allow: ['*']}}\n", rbac.Config{Catalog: catalog})
	s := p.Resolve("", rbac.Everywhere("viewer"), unlimited)
	purge, _ := catalog.Permission("invoice:purge")
	if s.Has(purge) || s.Can("invoice:purge") || p.HasPermission("invoice:purge") {
		t.Error("* reaches a permission that the policy does not declare")
	}
	read, _ := catalog.Permission("invoice:read")
	if !s.Has(read) {
		t.Error("a handle of the program's catalog is denied")
	}
	var problems []string
	for _, f := range p.Lint() {
		problems = append(problems, f.Code)
	}
	if !strings.Contains(strings.Join(problems, " "), rbac.LintUndeclared) {
		t.Errorf("got lint codes %v, want %s", problems, rbac.LintUndeclared)
	}
}

func TestHandlesOutliveAPolicy(t *testing.T) {
	first := parse(t, "version: 1\npermissions: {invoice: [read, list]}\nroles: {viewer: {allow: ['*:read']}}\n", rbac.Config{})
	second := parse(t, "version: 1\npermissions: {invoice: [list, read]}\nroles: {viewer: {allow: ['*:read']}}\n", rbac.Config{})
	read, _ := first.Catalog().Permission("invoice:read")
	list, _ := first.Catalog().Permission("invoice:list")
	s := second.Resolve("", rbac.Everywhere("viewer"), unlimited)
	if !s.Has(read) || s.Has(list) {
		t.Error("a handle of another policy's catalog means another permission")
	}
	if s.Has(rbac.Permission{}) {
		t.Error("the zero handle is allowed")
	}
	if (rbac.Permission{}).String() != "" || read.String() != "invoice:read" {
		t.Error("String does not name the permission")
	}
}

func TestBadCatalogs(t *testing.T) {
	for _, names := range [][]string{{"invoice:read", "invoice:read"}, {"invoice"}, {"invoice:*"}, {"Invoice:read"}, {":read"}, {"a..b:read"}, {strings.Repeat("a", 300) + ":read"}} {
		if _, err := rbac.NewCatalog(names...); err == nil {
			t.Errorf("NewCatalog(%q): got no error", names)
		}
	}
	mustPanic(t, func() { rbac.MustCatalog("x") })
	mustPanic(t, func() { rbac.MustCatalog("a:b").MustPermission("a:c") })
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("got no panic")
		}
	}()
	f()
}

func TestModelsAreCheckedAsFilesAre(t *testing.T) {
	_, err := rbac.New(rbac.Model{
		Permissions: []string{"invoice:read", "invoice:read", "x"},
		Roles:       []rbac.Role{{Name: "a", Inherits: []string{"b"}}, {Name: "b", Inherits: []string{"a"}}, {Name: "a"}, {Name: ""}},
		Scopes:      []rbac.Scope{{Name: "s"}, {Name: "s"}},
		Deny:        []rbac.Guardrail{{}},
		Exclusive:   []rbac.Exclusive{{}},
		Tests:       []rbac.Test{{}},
	}, rbac.Config{Conditions: map[string]rbac.Condition{"x": nil}})
	load, ok := errors.AsType[*rbac.LoadError](err)
	if !ok || len(load.Problems) != 11 {
		t.Errorf("got %v, want 11 problems", err)
	}
	if !strings.Contains(err.Error(), `policy: roles inherit from each other: a > b > a`) {
		t.Errorf("no cycle in %v", err)
	}
	many := rbac.Model{Permissions: []string{"invoice:read"}, Roles: []rbac.Role{{Name: "a"}}}
	for i := range rbac.MaxConditionSets + 1 {
		many.Roles[0].Allow = append(many.Roles[0].Allow, rbac.Grant{Permission: "*", When: []string{fmt.Sprintf("c%d", i)}})
	}
	if _, err := rbac.New(many, rbac.Config{UnboundConditions: true}); err == nil || !strings.Contains(err.Error(), "more than 256 different combinations") {
		t.Errorf("too many combinations of conditions: got %v", err)
	}
	if _, err := rbac.New(rbac.Model{}, rbac.Config{}); err == nil || !strings.Contains(err.Error(), "policy: the policy declares no permission\npolicy: the policy defines no role") {
		t.Errorf("an empty model: got %v", err)
	}
	wrong := rbac.Model{Permissions: []string{"invoice:read"}, Roles: []rbac.Role{{Name: "a"}}}
	for i := range 100 {
		wrong.Roles[0].Allow = append(wrong.Roles[0].Allow, rbac.Grant{Permission: fmt.Sprintf("invoice:red%d", i)})
	}
	if _, err := rbac.New(wrong, rbac.Config{}); err == nil || strings.Count(err.Error(), "unknown permission") != 100 || strings.Count(err.Error(), "did you mean") != 50 {
		t.Errorf("many mistakes: got %v", err)
	}
	if _, err := rbac.New(rbac.Model{Roles: make([]rbac.Role, rbac.MaxRoles+1)}, rbac.Config{}); err == nil || len(err.Error()) > 200 {
		t.Errorf("too many roles: got %v", err)
	}
}

// TestNamesOfConditionsDoNotRunTogether has one that looks like a list of two: a policy that names either must not get the
// other.
func TestNamesOfConditionsDoNotRunTogether(t *testing.T) {
	holds := func(context.Context, rbac.Input) (bool, error) { return true, nil }
	fails := func(context.Context, rbac.Input) (bool, error) { return false, nil }
	m := rbac.Model{Permissions: []string{"a:read", "b:read"}, Roles: []rbac.Role{{Name: "r", Allow: []rbac.Grant{
		{Permission: "a:read", When: []string{"x,y"}}, {Permission: "b:read", When: []string{"x", "y"}},
	}}}}
	p, err := rbac.New(m, rbac.Config{Conditions: map[string]rbac.Condition{"x,y": holds, "x": fails, "y": fails}})
	if err == nil {
		s := p.Resolve("", rbac.Everywhere("r"), unlimited)
		t.Fatalf("a condition named x,y is taken, and where neither x nor y holds the answer is %v", s.CanOn(t.Context(), "b:read", rbac.Resource{}))
	}
	if !strings.Contains(err.Error(), `"x,y" can't name a condition`) {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"", "not x", "x&y", "Closed", "x:y"} {
		if _, err := rbac.New(rbac.Model{Permissions: m.Permissions, Roles: []rbac.Role{{Name: "r"}}}, rbac.Config{Conditions: map[string]rbac.Condition{name: holds}}); err == nil {
			t.Errorf("a condition named %q is taken", name)
		}
	}
}

// TestAnEmptyListOfConditionsIsNoGrant: a program that leaves a condition out by mistake must not allow without one.
func TestAnEmptyListOfConditionsIsNoGrant(t *testing.T) {
	ok := rbac.Model{Permissions: []string{"a:read"}, Roles: []rbac.Role{{Name: "r", Allow: []rbac.Grant{{Permission: "a:read"}}}}}
	if _, err := rbac.New(ok, rbac.Config{}); err != nil {
		t.Errorf("a grant without conditions: got %v", err)
	}
	empty := []string{}
	for _, tt := range []struct {
		name string
		edit func(m *rbac.Model)
		want string
	}{
		{"of a grant", func(m *rbac.Model) {
			m.Roles = []rbac.Role{{Name: "r", Allow: []rbac.Grant{{Permission: "a:read", When: empty}}}}
		}, "when is an empty list"},
		{"of a guardrail", func(m *rbac.Model) {
			m.Deny = []rbac.Guardrail{{Permissions: m.Permissions, Reason: "no", When: empty}}
		}, "when is an empty list"},
		{"of those whom it leaves alone", func(m *rbac.Model) {
			m.Deny = []rbac.Guardrail{{Permissions: m.Permissions, Reason: "no", Unless: empty}}
		}, "unless is an empty list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := ok
			tt.edit(&m)
			if _, err := rbac.New(m, rbac.Config{}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzYAML(f *testing.F) { fuzzParse(f, "policy.yaml") }
func FuzzJSON(f *testing.F) { fuzzParse(f, "policy.json") }

// fuzzParse asserts that parsing never panics, that positions lie within the file, and that what loads answers.
func fuzzParse(f *testing.F, name string) {
	f.Helper()
	files, _ := filepath.Glob("testdata/bad/*.[jy]*")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	if len(files) < 15 {
		f.Fatalf("found %d seeds, want 15 or more", len(files))
	}
	f.Add([]byte(books))
	f.Add([]byte("version: 1\rpermissions: {a: [b]}\rroles: {x: {allow: ['a:b', c]}}\r"))
	f.Add([]byte("version: 1\u2028permissions: 1\u0085roles: é é: x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := rbac.Parse(name, data, rbac.Config{UnboundConditions: true})
		if err != nil {
			load, ok := errors.AsType[*rbac.LoadError](err)
			if !ok {
				t.Fatalf("got %T", err)
			}
			within(t, data, load)
			return
		}
		if name == "policy.json" && !json.Valid(data) {
			t.Fatal("what is not JSON was read")
		}
		for role := range p.Roles() {
			s := p.Resolve("", rbac.Everywhere(role), unlimited)
			for permission, answer := range s.Permissions() {
				if d := s.Explain(t.Context(), permission, nil); d.Answer > answer {
					t.Errorf("%s with %s: Answer %v, Explain %v", permission, role, answer, d.Answer)
				}
			}
		}
		p.Lint()
		p.RunTests()
		if changes := p.Diff(p); len(changes) != 0 {
			t.Errorf("a policy differs from itself: %v", changes)
		}
	})
}
