package rbac

import (
	"context"
	"errors"
	"fmt"

	"github.com/cardea-go/auth"
)

// Reasons that this package adds to those of package auth.
const (
	ReasonMissingPermission auth.Reason = "missing_permission"   // no role held allows it
	ReasonUndeclared        auth.Reason = "undeclared"           // the policy declares no such permission
	ReasonCondition         auth.Reason = "condition_not_met"    // a role allows it under a condition that does not hold
	ReasonConditional       auth.Reason = "conditional"          // a condition has to see a resource, and there was none
	ReasonGuardrail         auth.Reason = "guardrail"            // the policy denies it to everybody
	ReasonExclusive         auth.Reason = "exclusive_roles"      // the subject holds roles that exclude each other
	ReasonUnknownRole       auth.Reason = "unknown_role"         // the subject holds a role that the policy lacks
	ReasonTenant            auth.Reason = "other_tenant"         // the resource is in another tenant
	ReasonUnchecked         auth.Reason = "second_check_missing" // a conditional route ended without its second check
)

// verdict is a decision before it is explained; it lives on the stack.
type verdict struct {
	answer Answer
	reason auth.Reason // of anything but Allowed
	failed string      // the condition that decided
	err    error       // what that condition failed with
	guard  *guard      // the guardrail that decided
	combo  int         // the combo that the allowing grant is under; -1 is none
}

// decide answers for permission i, running conditions. The order of its steps sets which reason is told, not the answer.
func (s *Subject) decide(ctx context.Context, i uint32, r Resource, hasResource bool) verdict {
	sure := s.sure(i)
	switch {
	case s.refused && s.unknown && s.strict():
		return verdict{reason: ReasonUnknownRole}
	case s.refused:
		return verdict{reason: ReasonExclusive}
	case !sure && !s.maybe(i):
		return verdict{reason: ReasonMissingPermission}
	case !s.inScope(i):
		return verdict{reason: auth.ReasonMissingScope}
	case hasResource && r.Tenant != "" && r.Tenant != s.tenant:
		if reason := s.elsewhere(r.Tenant); reason != "" {
			return verdict{reason: reason}
		}
	}
	v := verdict{answer: Allowed, combo: -1}
	if sure && !s.policy.guarded.has(i) {
		return v
	}
	in := s.input(i, r, hasResource)
	if !sure {
		if v = s.conditional(ctx, i, in); v.answer == Denied {
			return v
		}
	}
	if g := s.guardrails(ctx, i, in); g.answer < v.answer {
		return g
	}
	return v
}

// elsewhere returns why the subject may do nothing in a tenant other than its own, or "". From outside of any tenant it
// acts by what it holds everywhere; roles that make it refused inside of the tenant do so from there too.
func (s *Subject) elsewhere(tenant string) auth.Reason {
	if !s.everywhere {
		return ReasonTenant
	}
	if !s.policy.checked && !s.strict() {
		return ""
	}
	switch inside := s.in(tenant); {
	case !inside.refused:
		return ""
	case inside.unknown && s.strict():
		return ReasonUnknownRole
	}
	return ReasonExclusive
}

func (s *Subject) strict() bool { return s.authorizer != nil && s.authorizer.strict }

func (s *Subject) input(i uint32, r Resource, hasResource bool) Input {
	in := Input{Principal: s.principal, Tenant: s.tenant, Permission: s.policy.catalog.names[i], Resource: r, HasResource: hasResource}
	if s.principal != nil {
		in.Subject, in.Issuer = s.principal.Subject(), s.principal.Issuer()
	}
	return in
}

// conditional runs the conditions of the grants that cover i, each combination once, until one holds.
func (s *Subject) conditional(ctx context.Context, i uint32, in Input) verdict {
	v := verdict{reason: ReasonCondition, combo: -1}
	var tried [MaxConditionSets / 64]uint64
	for role := range s.allRoles {
		for k := range s.policy.maybe[role] {
			c := &s.policy.maybe[role][k]
			if !c.set.has(i) || tried[c.combo/64]>>(c.combo%64)&1 != 0 {
				continue
			}
			tried[c.combo/64] |= 1 << (c.combo % 64)
			ok, failed, err := s.policy.combos[c.combo].holds(ctx, in)
			switch {
			case ok:
				return verdict{answer: Allowed, combo: int(c.combo)}
			case errors.Is(err, ErrNeedsResource) && !in.HasResource:
				v = verdict{answer: Conditional, reason: ReasonConditional, failed: failed, combo: int(c.combo)}
			case v.answer == Denied && (v.failed == "" || err != nil && v.err == nil):
				v.failed, v.err = failed, err
			}
		}
	}
	return v
}

// guardrails returns the strictest of what the guardrails over i say. One whose condition fails, or lacks what it needs
// beside a resource, applies.
func (s *Subject) guardrails(ctx context.Context, i uint32, in Input) verdict {
	v := verdict{answer: Allowed, combo: -1}
	for k := range s.policy.guards {
		g := &s.policy.guards[k]
		if !g.set.has(i) || s.exempt(g) {
			continue
		}
		if !g.conditional {
			return verdict{reason: ReasonGuardrail, guard: g}
		}
		applies, failed, err := s.policy.combos[g.combo].holds(ctx, in)
		switch {
		case errors.Is(err, ErrNeedsResource) && !in.HasResource:
			v = verdict{answer: Conditional, reason: ReasonConditional, failed: failed, guard: g}
		case err != nil:
			return verdict{reason: ReasonGuardrail, failed: failed, err: err, guard: g}
		case applies:
			return verdict{reason: ReasonGuardrail, guard: g}
		}
	}
	return v
}

// CanOn reports whether the subject is allowed the permission on a resource. Conditions run; those that fail do not
// allow. Use [Subject.CheckOn] where the reason matters, and in handlers.
func (s *Subject) CanOn(ctx context.Context, permission string, r Resource) bool {
	return s.on(ctx, permission, r).answer == Allowed
}

// HasOn is [Subject.CanOn] for a handle.
func (s *Subject) HasOn(ctx context.Context, permission Permission, r Resource) bool {
	return s.on(ctx, permission.String(), r).answer == Allowed
}

// Check returns nil where the subject is allowed the permission without a resource, and otherwise an [*auth.Error] whose
// cause is the [*Decision]. Conditions that need no resource run; where one needs it, the answer is no. A condition that
// fails makes the error one of [auth.KindUnavailable], or what the [*auth.Error] that it returned says.
func (s *Subject) Check(ctx context.Context, permission string) error {
	v := s.without(ctx, permission)
	if v.answer == Allowed {
		return nil
	}
	s.complain(ctx, permission, v)
	return s.describe(permission, v, nil).authError()
}

// CheckOn is [Subject.Check] with a resource: the second check of a conditional route.
func (s *Subject) CheckOn(ctx context.Context, permission string, r Resource) error {
	v := s.on(ctx, permission, r)
	if v.answer == Allowed {
		return nil
	}
	s.complain(ctx, permission, v)
	return s.describe(permission, v, &r).authError()
}

// complain tells the log of a permission that is not declared, which is a mistake of the program's and looks like a client's.
func (s *Subject) complain(ctx context.Context, permission string, v verdict) {
	if v.reason == ReasonUndeclared && s.authorizer != nil {
		s.authorizer.logger.ErrorContext(ctx, fmt.Sprintf("rbac: the policy declares no permission %q%s", permission, meant(permission, s.policy.Permissions())))
	}
}

// on decides with a resource, and settles what a conditional route still owes.
func (s *Subject) on(ctx context.Context, permission string, r Resource) verdict {
	v := verdict{reason: ReasonUndeclared}
	if i, ok := s.lookup(permission); ok {
		v = s.decide(ctx, i, r, true)
	}
	if v.answer == Allowed {
		settle(ctx, s, permission)
	}
	if s.authorizer != nil && s.authorizer.audit != nil {
		s.auditOn(ctx, permission, v, r)
	}
	return v
}

// without decides where there is no resource.
func (s *Subject) without(ctx context.Context, permission string) verdict {
	v := verdict{reason: ReasonUndeclared}
	if i, ok := s.lookup(permission); ok {
		v = s.decide(ctx, i, Resource{}, false)
	}
	if s.authorizer != nil && s.authorizer.audit != nil {
		s.authorizer.audit(ctx, s.describe(permission, v, nil))
	}
	return v
}

// auditOn is apart so that r moves to the heap only where somebody listens.
func (s *Subject) auditOn(ctx context.Context, permission string, v verdict, r Resource) {
	s.authorizer.audit(ctx, s.describe(permission, v, &r))
}

func (s *Subject) lookup(permission string) (uint32, bool) {
	if s.policy == nil {
		return 0, false
	}
	return s.policy.index(permission)
}
