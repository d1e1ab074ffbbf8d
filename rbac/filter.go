package rbac

import (
	"context"
	"slices"
)

// A Filter says on which rows a subject is allowed a permission, for a database query: those that meet any of Clauses.
// Without clauses it is none.
type Filter struct {
	Clauses []Clause
	// Recheck says that a query can't tell: a guardrail has conditions of its own, or the program means something of its own
	// by "owner". Each row must be checked with [Subject.CanOn] as well.
	Recheck bool
}

// A Clause is one alternative of a [Filter].
type Clause struct {
	// Tenant of the rows; with Everywhere it is "" and they may be of any tenant but those in Except.
	Tenant     string
	Everywhere bool
	Except     []string
	// When names the conditions that each row must meet besides; none if nil.
	When []string
}

// Owner reports whether the clause asks for nothing but that the row is the subject's own, by subject and issuer, which a
// query can tell. A row of a clause with other conditions must be checked with [Subject.CanOn].
func (c Clause) Owner() bool { return len(c.When) == 1 && c.When[0] == "owner" }

// Filter returns on which rows of all tenants the subject is allowed the permission: by its bindings, whatever tenant it
// was resolved in. A subject that was resolved from bindings alone has no name and owns nothing. It counts as the second
// check of a conditional route.
func (s *Subject) Filter(ctx context.Context, permission string) Filter {
	settle(ctx, s, permission)
	var f Filter
	i, ok := s.lookup(permission)
	if !ok {
		return f
	}
	global := s.in("")
	var tenants []string
	for _, b := range s.bindings {
		if b.counts(b.Tenant) && b.Tenant != "" && !slices.Contains(tenants, b.Tenant) {
			tenants = append(tenants, b.Tenant)
		}
	}
	if s.bindings == nil && s.principal != nil {
		tenants = append(tenants, s.principal.Tenant())
	}
	slices.Sort(tenants)
	everywhere, inTenants := global.clauses(i, &f), []Clause(nil)
	for _, tenant := range tenants {
		local := s.in(tenant)
		if local.refused {
			for k := range everywhere {
				everywhere[k].Except = append(everywhere[k].Except, tenant)
			}
			continue
		}
		inTenants = append(inTenants, local.clauses(i, &f)...)
	}
	f.Clauses = slices.Concat(everywhere, inTenants)
	return f
}

// in returns the subject resolved again in a tenant.
func (s *Subject) in(tenant string) Subject {
	t := Subject{policy: s.policy, authorizer: s.authorizer, principal: s.principal, tenant: tenant, everywhere: tenant == ""}
	switch {
	case s.bindings != nil:
		t.addBindings(s.bindings)
	case s.principal != nil && tenant == s.principal.Tenant():
		t.everywhere = false
		for role := range s.principal.AllRoles() {
			t.addRole(role)
		}
	}
	t.unlimited, t.scopes, t.scopeCount = s.unlimited, s.scopes, s.scopeCount
	if s.more != nil {
		t.overflow().scopes = s.more.scopes
	}
	t.settle(s.strict())
	return t
}

// clauses returns the alternatives under which a subject in one tenant is allowed i.
func (s *Subject) clauses(i uint32, f *Filter) []Clause {
	answer := s.answer(i)
	if answer == Denied || s.tenant == "" && !s.everywhere {
		return nil
	}
	f.Recheck = f.Recheck || s.guards(i) == Conditional
	base := Clause{Tenant: s.tenant, Everywhere: s.tenant == ""}
	if s.sure(i) {
		return []Clause{base}
	}
	var list []Clause
	for combo := range s.under(i) {
		c := base
		c.When = slices.Clone(s.policy.combos[combo].names)
		if slices.Contains(c.When, "owner") {
			if !s.policy.ownOwner && s.principal == nil {
				continue // without a name nothing is the subject's own
			}
			f.Recheck = f.Recheck || s.policy.ownOwner
		}
		if !slices.ContainsFunc(list, func(d Clause) bool { return slices.Equal(c.When, d.When) }) {
			list = append(list, c)
		}
	}
	return list
}
