package rbac

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"github.com/cardea-go/auth"
)

// Permissions iterates over the permissions that the subject is allowed, with or without a condition, sorted.
func (s *Subject) Permissions() iter.Seq2[string, Answer] {
	return func(yield func(string, Answer) bool) {
		if s.policy == nil {
			return
		}
		for name := range s.policy.Permissions() {
			if answer := s.Answer(name); answer != Denied && !yield(name, answer) {
				return
			}
		}
	}
}

// Answers returns the answer to each permission, in order.
func (s *Subject) Answers(permissions ...string) []Answer {
	list := make([]Answer, len(permissions))
	for i, permission := range permissions {
		list[i] = s.Answer(permission)
	}
	return list
}

// Select yields the items on whose resource the subject is allowed the permission, as [Subject.CanOn] tells.
func Select[T any](ctx context.Context, s *Subject, permission string, items iter.Seq[T], resource func(T) Resource) iter.Seq[T] {
	return func(yield func(T) bool) {
		for item := range items {
			if s.CanOn(ctx, permission, resource(item)) && !yield(item) {
				return
			}
		}
	}
}

// RolesGranting iterates over the roles that allow a permission, inherited or not, sorted, each with the answer of one
// who holds it alone, without scopes to narrow it.
func (p *Policy) RolesGranting(permission string) iter.Seq2[string, Answer] {
	return func(yield func(string, Answer) bool) {
		for role := range p.Roles() {
			s := p.Resolve("", Everywhere(role), auth.Unlimited())
			if answer := s.Answer(permission); answer != Denied && !yield(role, answer) {
				return
			}
		}
	}
}

// PermissionsOf iterates over what a holder of the roles is allowed, sorted.
func (p *Policy) PermissionsOf(roles ...string) iter.Seq2[string, Answer] {
	s := p.Resolve("", Everywhere(roles...), auth.Unlimited())
	return s.Permissions()
}

// WhoCan yields those of subjects who are allowed the permission in the tenant, with or without a condition, in their
// order. What narrows their tokens is not looked at.
func (p *Policy) WhoCan(permission, tenant string, subjects iter.Seq2[string, Bindings]) iter.Seq2[string, Answer] {
	return func(yield func(string, Answer) bool) {
		i, ok := p.index(permission)
		if !ok {
			return
		}
		for name, bindings := range subjects {
			s := p.Resolve(tenant, bindings, auth.Unlimited())
			if answer := s.answer(i); answer != Denied && !yield(name, answer) {
				return
			}
		}
	}
}

// CheckAssignment reports everything that is wrong with a principal's bindings: a role that the policy lacks, a binding
// that counts nowhere, and exclusive roles that would be held together in some tenant. Call it before bindings are
// stored.
func (p *Policy) CheckAssignment(bindings Bindings) error {
	var errs []error
	tenants := []string{""}
	for _, b := range bindings {
		if !p.HasRole(b.Role) {
			errs = append(errs, fmt.Errorf("rbac: assignment: the policy has no role %q%s", b.Role, meant(b.Role, p.Roles())))
		}
		if b.Everywhere == (b.Tenant != "") {
			errs = append(errs, fmt.Errorf("rbac: assignment: role %q is bound nowhere: set either a tenant or everywhere", b.Role))
		}
		if !slices.Contains(tenants, b.Tenant) {
			tenants = append(tenants, b.Tenant)
		}
	}
	for _, tenant := range tenants {
		s := p.Resolve(tenant, bindings, auth.Unlimited())
		for i := range p.exclusive {
			x := &p.exclusive[i]
			if held := s.held(x); bits.OnesCount64(held) > x.max {
				where := "everywhere"
				if tenant != "" {
					where = fmt.Sprintf("in tenant %q", tenant)
				}
				errs = append(errs, fmt.Errorf("rbac: assignment: %s exclude each other and are held together %s: at most %d (%s)",
					quoted(x.names(held)), where, x.max, p.at(x.entry.at)))
			}
		}
	}
	return errors.Join(errs...)
}

// Covers reports whether the subject holds all that a binding would give, so that it may assign it: nobody hands out more
// than they have. A condition on what the subject holds must be one on what is given; a guardrail that stops the subject
// must stop the holder of the role too, also where the role gives nothing but the exemption; what is given everywhere must
// be held everywhere.
func (s *Subject) Covers(b Binding) bool {
	for range s.Uncovered(b) {
		return false
	}
	return s.policy != nil && s.policy.HasRole(b.Role) && s.reaches(b)
}

// reaches reports whether the subject was resolved where the binding would count.
func (s *Subject) reaches(b Binding) bool {
	return b.Everywhere != (b.Tenant != "") && (s.everywhere || !b.Everywhere && b.Tenant == s.tenant)
}

// Uncovered yields the permissions that keep [Subject.Covers] from being true, sorted.
func (s *Subject) Uncovered(b Binding) iter.Seq[string] {
	return func(yield func(string) bool) {
		if s.policy == nil || !s.policy.HasRole(b.Role) {
			return
		}
		given := s.policy.Resolve("", Everywhere(b.Role), auth.Unlimited())
		for name := range s.policy.Permissions() {
			i, _ := s.policy.index(name)
			// Who is exempt from a guardrail is given what other roles allow behind it.
			gives := given.sure(i) || given.maybe(i) || s.lifts(i, &given)
			if gives && (!s.reaches(b) || !s.covers(i, &given)) && !yield(name) {
				return
			}
		}
	}
}

// lifts reports whether a guardrail over i stops the subject and not given.
func (s *Subject) lifts(i uint32, given *Subject) bool {
	for k := range s.policy.guards {
		if g := &s.policy.guards[k]; g.set.has(i) && !s.exempt(g) && given.exempt(g) {
			return true
		}
	}
	return false
}

func (s *Subject) covers(i uint32, given *Subject) bool {
	if s.refused || !s.inScope(i) || s.lifts(i, given) {
		return false
	}
	if s.sure(i) {
		return true
	}
	if given.sure(i) {
		return false
	}
	for want := range given.under(i) {
		covered := false
		for have := range s.under(i) {
			covered = covered || s.policy.combos[have].within(&s.policy.combos[want])
		}
		if !covered {
			return false
		}
	}
	return true
}

// under yields the combos that some role allows i under.
func (s *Subject) under(i uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		if s.policy.maybe == nil {
			return
		}
		for role := range s.allRoles {
			for _, c := range s.policy.maybe[role] {
				if c.set.has(i) && !yield(c.combo) {
					return
				}
			}
		}
	}
}
