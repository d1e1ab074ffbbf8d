package main

import (
	"bytes"
	"fmt"
	"go/format"
	"go/token"
	"strings"

	"github.com/cardea-go/auth/rbac"
)

// generate returns Go source for a package of that name, with the policy's permissions as a catalog and a handle for
// each, such as InvoiceRead for "invoice:read". Two permissions that would get the same name are an error.
func generate(p *rbac.Policy, pkg string) ([]byte, error) {
	if !token.IsIdentifier(pkg) {
		return nil, fmt.Errorf("gen: %q can't name a package", pkg)
	}
	var names, handles bytes.Buffer
	taken := map[string]string{"Catalog": "the catalog"}
	for permission := range p.Permissions() {
		name := exported(permission)
		if other, ok := taken[name]; ok {
			return nil, fmt.Errorf("gen: %q and %q would both be called %s: rename one", other, permission, name)
		}
		taken[name] = permission
		fmt.Fprintf(&names, "\t%q,\n", permission)
		fmt.Fprintf(&handles, "\t%s = Catalog.MustPermission(%q)\n", name, permission)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `// Code generated from an rbac policy; DO NOT EDIT.

package %s

import "github.com/cardea-go/auth/rbac"

// Catalog is the list of permissions. Compile policies with it, so that the handles below hold across reloads.
var Catalog = rbac.MustCatalog(
%s)

// The permissions.
var (
%s)
`, pkg, &names, &handles)
	return format.Source(out.Bytes())
}

// exported turns resource:action into a Go name: billing.plan:read is BillingPlanRead, 2fa:set is X2faSet.
func exported(permission string) string {
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(permission, func(r rune) bool { return strings.ContainsRune(":.-_", r) }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	if name := b.String(); token.IsIdentifier(name) {
		return name
	}
	return "X" + b.String()
}
