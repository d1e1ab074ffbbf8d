package main

import (
	"bytes"
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-go/auth/rbac"
)

const policy = `version: 1
permissions: {invoice: [read, delete], report: [read]}
roles:
  viewer: {allow: ["*:read"]}
  clerk: {inherits: [viewer], allow: [{permission: "invoice:delete", when: [owner, unlocked]}]}
scopes: {reading: ["*:read"]}
tests: [{roles: [clerk], allow: ["*:read"], conditional: ["invoice:delete"]}]
`

func TestCommands(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good.yaml", policy)
	wider := file("wider.yaml", strings.Replace(policy, `"*:read"]}`, `"*"]}`, 1))
	failing := file("failing.yaml", strings.Replace(policy, `allow: ["*:read"], cond`, `allow: ["*"], cond`, 1))
	broken := file("broken.yaml", strings.Replace(policy, "viewer]", "viewr]", 1))
	bindings := file("bindings.json", `{"ada": [{"role": "clerk", "tenant": "acme"}], "bob": [{"role": "viewer", "everywhere": true}]}`)
	odd := file("odd.json", `{"ada": [{"rolle": "clerk"}]}`)
	missing := filepath.Join(dir, "missing.yaml")
	tests := []struct {
		name string
		args []string
		code int
		out  string
		errs string
	}{
		{"lint finds nothing to warn of", []string{"lint", good}, 0, "[unscoped]", ""},
		{"lint warns", []string{"lint", file("warn.yaml", strings.Replace(policy, "[read]", "[read, export]", 1))}, 1, `warning: no role allows "report:export" [ungranted]`, ""},
		{"lint writes JSON", []string{"lint", "-json", good}, 0, `"code": "unscoped"`, ""},
		{"lint tells what does not load", []string{"lint", broken}, 2, "", `unknown role "viewr" (did you mean "viewer"?)`},
		{"lint tells what does not load in JSON", []string{"lint", "-json", broken}, 2, `"line": 5`, ""},
		{"test passes", []string{"test", good}, 0, "1 tests, 0 failures, 100% of 2 grants covered", ""},
		{"test fails", []string{"test", failing}, 1, "got denied, want allowed", ""},
		{"test without tests fails", []string{"test", file("none.yaml", strings.Split(policy, "tests")[0])}, 1, "no test relies on", ""},
		{"test asks for coverage", []string{"test", "-cover", "101", good}, 1, "100%", ""},
		{"test writes JSON", []string{"test", "-json", failing}, 1, `"failures": [`, ""},
		{"diff of the same is empty", []string{"diff", good, good}, 0, "", ""},
		{"diff tells a gain", []string{"diff", good, wider}, 1, "+ role viewer: invoice:delete: allowed, was denied", ""},
		{"diff tells a loss", []string{"diff", wider, good}, 0, "- role viewer: invoice:delete: denied, was allowed", ""},
		{"diff writes JSON", []string{"diff", "-json", good, wider}, 1, `"gained": true`, ""},
		{"diff needs both files", []string{"diff", good, missing}, 2, "", "no such file"},
		{"diff needs the first file too", []string{"diff", missing, good}, 2, "", "no such file"},
		{"explain tells an allow", []string{"explain", "-roles", "clerk", good, "invoice:read"}, 0, "clerk (" + good + ":5:3) > viewer", ""},
		{"explain tells a condition", []string{"explain", "-roles", "clerk", good, "invoice:delete"}, 1, "invoice:delete: conditional", ""},
		{"explain takes conditions as given", []string{"explain", "-roles", "clerk", "-given", "owner, unlocked", good, "invoice:delete"}, 0, "when: owner, unlocked", ""},
		{"explain narrows by scopes", []string{"explain", "-roles", "viewer", "-scopes", "", good, "invoice:read"}, 1, "missing one of the scopes: reading", ""},
		{"explain writes JSON", []string{"explain", "-json", "-roles", "viewer", good, "invoice:delete"}, 1, `"reason": "missing_permission"`, ""},
		{"explain knows the conditions", []string{"explain", "-given", "x", good, "invoice:read"}, 2, "", `names no condition "x"`},
		{"explain knows what a scope is", []string{"explain", "-scopes", "\"", good, "invoice:read"}, 2, "", "RFC 6749"},
		{"explain needs a file that loads", []string{"explain", broken, "invoice:read"}, 2, "", "does not load"},
		{"explain needs a file", []string{"explain", missing, "invoice:read"}, 2, "", "no such file"},
		{"who-can lists roles", []string{"who-can", good, "invoice:delete"}, 0, "clerk: conditional\n", ""},
		{"who-can lists subjects", []string{"who-can", "-bindings", bindings, "-tenant", "acme", good, "invoice:read"}, 0, "ada: allowed\nbob: allowed\n", ""},
		{"who-can keeps tenants apart", []string{"who-can", "-bindings", bindings, "-tenant", "other", good, "invoice:read"}, 0, "bob: allowed\n", ""},
		{"who-can may find nobody", []string{"who-can", "-json", "-bindings", bindings, good, "invoice:delete"}, 1, "{}", ""},
		{"who-can knows the permissions", []string{"who-can", good, "invoice:raed"}, 2, "", `declares no permission "invoice:raed"`},
		{"who-can is strict about bindings", []string{"who-can", "-bindings", odd, good, "invoice:read"}, 2, "", `unknown field "rolle"`},
		{"who-can reads bindings to their end", []string{"who-can", "-bindings", file("rest.json", `{"ada": []} {"eve": [{"role": "clerk", "everywhere": true}]}`), good, "invoice:read"}, 2, "", "something follows"},
		{"who-can takes a subject once", []string{"who-can", "-bindings", file("twice.json", `{"eve": [{"role": "clerk", "everywhere": true}], "eve": []}`), good, "invoice:read"}, 2, "", `"eve" comes twice`},
		{"who-can takes an object only", []string{"who-can", "-bindings", file("list.json", `[]`), good, "invoice:read"}, 2, "", "an object"},
		{"who-can needs all of it", []string{"who-can", "-bindings", file("half.json", `{"eve": []`), good, "invoice:read"}, 2, "", "EOF"},
		{"who-can needs its bindings", []string{"who-can", "-bindings", missing, good, "invoice:read"}, 2, "", "no such file"},
		{"who-can needs a file", []string{"who-can", missing, "invoice:read"}, 2, "", "no such file"},
		{"gen writes Go", []string{"gen", "-package", "perms", good}, 0, `InvoiceDelete = Catalog.MustPermission("invoice:delete")`, ""},
		{"gen needs a name", []string{"gen", "-package", "1", good}, 2, "", "can't name a package"},
		{"gen needs a file", []string{"gen", missing}, 2, "", "no such file"},
		{"gen refuses two permissions of one name", []string{"gen", file("twice.yaml", "version: 1\npermissions: {a-b: [read], a_b: [read]}\nroles: {x: {allow: ['*']}}\n")}, 2, "", "would both be called ABRead"},
		{"schema", []string{"schema"}, 0, `"$schema"`, ""},
		{"no command", nil, 2, "", "usage:"},
		{"an unknown command", []string{"frobnicate"}, 2, "", `unknown command "frobnicate"`},
		{"an unknown flag", []string{"lint", "-x", good}, 2, "", "flag provided but not defined"},
		{"too few files", []string{"diff", good}, 2, "", "1 arguments, want 2"},
		{"test needs a file", []string{"test", missing}, 2, "", "no such file"},
		{"lint needs a file", []string{"lint", missing}, 2, "", "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(tt.args, &out, &errs); code != tt.code {
				t.Errorf("got exit status %d, want %d", code, tt.code)
			}
			if !strings.Contains(out.String(), tt.out) || !strings.Contains(errs.String(), tt.errs) {
				t.Errorf("got %q and %q, want %q and %q", &out, &errs, tt.out, tt.errs)
			}
			if len(tt.args) > 1 && tt.args[1] == "-json" && !json.Valid(out.Bytes()) {
				t.Errorf("not JSON: %s", &out)
			}
		})
	}
}

func TestGeneratedSourceParses(t *testing.T) {
	p, err := rbac.New(rbac.Model{
		Permissions: []string{"2fa:set", "billing.plan:read", "a-b:c_d"}, Roles: []rbac.Role{{Name: "x", Allow: rbac.Grants("*")}},
	}, rbac.Config{})
	if err != nil {
		t.Fatal(err)
	}
	source, err := generate(p, "permissions")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "permissions.go", source, parser.AllErrors); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"X2faSet ", "BillingPlanRead ", "ABCD "} {
		if !strings.Contains(string(source), want) {
			t.Errorf("no %q in\n%s", want, source)
		}
	}
}
