package rbac

import (
	"math/bits"
	"slices"

	"github.com/cardea-go/auth"
)

// A Binding says that a principal holds a role: in one tenant, or with Everywhere in all of them. A binding with neither,
// and one with both, counts nowhere. Tenants compare exactly.
type Binding struct {
	Role       string
	Tenant     string
	Everywhere bool
}

// Bindings are what a principal is assigned. A list that an [auth.Map] attaches to a principal as its data takes the
// place of the principal's own roles.
type Bindings []Binding

// In returns bindings of the roles in one tenant.
func In(tenant string, roles ...string) Bindings {
	list := make(Bindings, len(roles))
	for i, role := range roles {
		list[i] = Binding{Role: role, Tenant: tenant}
	}
	return list
}

// Everywhere returns bindings of the roles in all tenants, and where there is none.
func Everywhere(roles ...string) Bindings {
	list := make(Bindings, len(roles))
	for i, role := range roles {
		list[i] = Binding{Role: role, Everywhere: true}
	}
	return list
}

// counts reports whether the binding counts in the tenant; "" is no tenant, where only Everywhere counts.
func (b *Binding) counts(tenant string) bool {
	if b.Everywhere {
		return b.Tenant == ""
	}
	return b.Tenant != "" && b.Tenant == tenant
}

// Answer is what a check without a resource comes to.
type Answer uint8

// The answers. The zero Answer is Denied.
const (
	Denied      Answer = iota
	Conditional        // a condition decides: ask again with a resource
	Allowed
)

// String returns "denied", "conditional" or "allowed".
func (a Answer) String() string {
	switch a {
	case Allowed:
		return "allowed"
	case Conditional:
		return "conditional"
	case Denied:
	}
	return "denied"
}

// inlineRoles and inlineScopes are how many of each a Subject has room for; more are kept on the heap.
const (
	inlineRoles  = 8
	inlineScopes = 6
)

// A Subject is a principal's roles and scopes, looked up in one policy and one tenant. It keeps that policy, so that all
// checks of a request see one version of it: resolve it once a request and do not store it. The zero Subject is denied
// everything. A Subject is safe for concurrent use; it keeps the bindings it was made of, which must not change.
type Subject struct {
	// The fields are few and small because a Subject is made for every request.
	policy     *Policy
	principal  *auth.Principal
	authorizer *Authorizer
	bindings   Bindings
	tenant     string
	more       *overflow

	roles      [inlineRoles]uint16
	scopes     [inlineScopes]uint16
	roleCount  uint8
	scopeCount uint8
	unlimited  bool
	everywhere bool // only roles held everywhere were counted
	refused    bool // by an exclusive set, or for an unknown role
	unknown    bool // some role is not in the policy
	free       bool // nothing takes away what the roles allow
}

// overflow are the roles and scopes for which a Subject has no room.
type overflow struct{ roles, scopes []uint16 }

// Resolve returns what a holder of bindings may do in a tenant, cut down by scopes; pass [auth.Unlimited] for a login
// that nothing narrowed. A role that the policy lacks allows nothing; see [Subject.Explain]. The empty tenant stands for
// a check outside of any, where only roles held everywhere count.
func (p *Policy) Resolve(tenant string, bindings Bindings, scopes auth.ScopeSet) (s Subject) {
	s.policy, s.tenant, s.everywhere = p, tenant, tenant == ""
	s.addBindings(bindings)
	s.narrow(scopes)
	s.settle(false)
	return s
}

// ResolvePrincipal is [Policy.Resolve] for a principal in its own tenant, with its own scopes: by the [Bindings] attached
// to it as data or, where there are none, its roles, which count in its tenant.
func (p *Policy) ResolvePrincipal(principal *auth.Principal) (s Subject) {
	s.policy = p
	if principal != nil {
		s.resolve(principal, principal.Tenant())
	}
	return s
}

// resolve fills a new subject. A principal's own roles count only in its own tenant.
func (s *Subject) resolve(principal *auth.Principal, tenant string) {
	s.principal, s.tenant = principal, tenant
	if bindings, ok := attached(principal); ok {
		if bindings == nil {
			bindings = Bindings{} // none, which is not the same as not saying
		}
		s.everywhere = tenant == ""
		s.addBindings(bindings)
	} else if tenant == principal.Tenant() {
		for role := range principal.AllRoles() {
			s.addRole(role)
		}
	}
	s.narrow(principal.Scopes())
	s.settle(s.strict())
}

// attached returns the bindings that a principal has as data; a list without the name of its type is one too, or the
// principal's own roles would count.
func attached(principal *auth.Principal) (Bindings, bool) {
	if bindings, ok := auth.Data[Bindings](principal); ok {
		return bindings, true
	}
	return auth.Data[[]Binding](principal)
}

// settle draws the conclusions that all checks share, once roles and scopes are there.
func (s *Subject) settle(strict bool) {
	s.refused = strict && s.unknown
	if s.policy.checked {
		s.checkExclusive()
	}
	s.free = s.unlimited && !s.refused && len(s.policy.guards) == 0
}

func (s *Subject) addBindings(bindings Bindings) {
	s.bindings = bindings
	for i := range bindings {
		if b := &bindings[i]; b.counts(s.tenant) {
			s.addRole(b.Role)
		}
	}
}

func (s *Subject) addRole(name string) {
	role, ok := s.policy.roles[name]
	switch {
	case !ok:
		s.unknown = true
	case s.roleCount < inlineRoles:
		s.roles[s.roleCount&(inlineRoles-1)] = role
		s.roleCount++
	default:
		o := s.overflow()
		o.roles = append(o.roles, role)
	}
}

func (s *Subject) overflow() *overflow {
	if s.more == nil {
		s.more = &overflow{}
	}
	return s.more
}

func (s *Subject) narrow(scopes auth.ScopeSet) {
	if scopes.IsUnlimited() {
		s.unlimited = true
		return
	}
	for name := range scopes.All() {
		scope, ok := s.policy.scopes[name]
		switch {
		case !ok: // a scope that the policy does not mention leaves nothing more in place
		case s.scopeCount < inlineScopes:
			s.scopes[s.scopeCount] = scope
			s.scopeCount++
		default:
			o := s.overflow()
			o.scopes = append(o.scopes, scope)
		}
	}
}

func (s *Subject) checkExclusive() {
	for i := range s.policy.exclusive {
		x := &s.policy.exclusive[i]
		if x.atCheck && bits.OnesCount64(s.held(x)) > x.max {
			s.refused = true
		}
	}
}

// held returns which members of an exclusive set the subject has.
func (s *Subject) held(x *exclusive) uint64 {
	var held uint64
	for role := range s.allRoles {
		held |= x.members[role]
	}
	return held
}

// Tenant returns the tenant that the subject was resolved in, or "".
func (s *Subject) Tenant() string { return s.tenant }

// Policy returns the policy that answers for the subject; nil for the zero Subject.
func (s *Subject) Policy() *Policy { return s.policy }

// Principal returns the principal that the subject was resolved from, or nil.
func (s *Subject) Principal() *auth.Principal { return s.principal }

// Can reports whether the subject is allowed the permission whatever the resource. Where a condition decides it is
// false; ask [Subject.CanOn] then. It takes one look-up and a few bits, and runs no condition.
func (s *Subject) Can(permission string) bool {
	if s.policy == nil {
		return false
	}
	i, ok := s.policy.catalog.index[permission]
	return ok && s.sure(i) && (s.free || s.unhindered(i))
}

// Has is [Subject.Can] for a handle, without the look-up.
func (s *Subject) Has(permission Permission) bool {
	policy := s.policy
	if policy == nil || permission.catalog != policy.catalog {
		return s.Can(permission.String())
	}
	// The loop of sure, written out: the call would be a good part of the cost.
	for _, role := range s.roles[:s.roleCount] {
		if policy.sure[role].has(permission.index) {
			return s.free || s.unhindered(permission.index)
		}
	}
	return s.more != nil && s.more.sure(policy.sure, permission.index) && s.unhindered(permission.index)
}

// sure reports whether some role allows the permission without a condition.
func (s *Subject) sure(i uint32) bool {
	sets := s.policy.sure
	for _, role := range s.roles[:s.roleCount] {
		if sets[role].has(i) {
			return true
		}
	}
	return s.more != nil && s.more.sure(sets, i)
}

func (o *overflow) sure(sets []set, i uint32) bool {
	for _, role := range o.roles {
		if sets[role].has(i) {
			return true
		}
	}
	return false
}

// unhindered reports whether nothing takes away what the roles allow.
func (s *Subject) unhindered(i uint32) bool {
	return s.inScope(i) && !s.refused && (!s.policy.guarded.has(i) || s.guards(i) == Allowed)
}

func (s *Subject) inScope(i uint32) bool {
	if s.unlimited {
		return true
	}
	sets := s.policy.scopeSets
	for _, scope := range s.scopes[:s.scopeCount] {
		if sets[scope].has(i) {
			return true
		}
	}
	return s.more != nil && slices.ContainsFunc(s.more.scopes, func(scope uint16) bool { return sets[scope].has(i) })
}

// maybe reports whether some role allows the permission under a condition.
func (s *Subject) maybe(i uint32) bool {
	if s.policy.maybe == nil {
		return false
	}
	for role := range s.allRoles {
		for k := range s.policy.maybe[role] {
			if s.policy.maybe[role][k].set.has(i) {
				return true
			}
		}
	}
	return false
}

// guards returns what the guardrails leave without running a condition: Conditional where one has conditions.
func (s *Subject) guards(i uint32) Answer {
	answer := Allowed
	for k := range s.policy.guards {
		g := &s.policy.guards[k]
		if !g.set.has(i) || s.exempt(g) {
			continue
		}
		if !g.conditional {
			return Denied
		}
		answer = Conditional
	}
	return answer
}

// exempt reports whether the subject has a role that a guardrail leaves alone.
func (s *Subject) exempt(g *guard) bool {
	if g.exempt == nil {
		return false
	}
	for role := range s.allRoles {
		if g.exempt.has(role) {
			return true
		}
	}
	return false
}

func (s *Subject) allRoles(yield func(uint32) bool) {
	for _, role := range s.roles[:s.roleCount] {
		if !yield(uint32(role)) {
			return
		}
	}
	if s.more == nil {
		return
	}
	for _, role := range s.more.roles {
		if !yield(uint32(role)) {
			return
		}
	}
}

// Answer tells allowed from denied and from conditional, without a resource and without running a condition.
func (s *Subject) Answer(permission string) Answer {
	if s.policy == nil {
		return Denied
	}
	i, ok := s.policy.catalog.index[permission]
	if !ok {
		return Denied
	}
	return s.answer(i)
}

func (s *Subject) answer(i uint32) Answer {
	if s.refused || !s.inScope(i) {
		return Denied
	}
	answer := Denied
	if s.sure(i) {
		answer = Allowed
	} else if s.maybe(i) {
		answer = Conditional
	}
	return min(answer, s.guards(i))
}

// All reports whether the subject is allowed every permission whatever the resource. It is false for no permission.
func (s *Subject) All(permissions ...string) bool {
	for _, permission := range permissions {
		if !s.Can(permission) {
			return false
		}
	}
	return len(permissions) > 0
}

// Any reports whether the subject is allowed one of the permissions whatever the resource.
func (s *Subject) Any(permissions ...string) bool {
	return slices.ContainsFunc(permissions, s.Can)
}
