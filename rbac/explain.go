package rbac

import (
	"cmp"
	"context"
	"slices"

	"github.com/cardea-go/auth"
)

// Explain decides and says why, for an allow as well as for a denial. A nil resource asks without one. It walks the
// policy's text: use it for people, not for every request. It is not audited.
func (s *Subject) Explain(ctx context.Context, permission string, r *Resource) *Decision {
	v := verdict{reason: ReasonUndeclared}
	if i, ok := s.lookup(permission); ok {
		if r == nil {
			v = s.decide(ctx, i, Resource{}, false)
		} else {
			v = s.decide(ctx, i, *r, true)
		}
	}
	return s.describe(permission, v, r)
}

// describe turns a verdict into the decision that tells its reasons.
func (s *Subject) describe(permission string, v verdict, r *Resource) *Decision {
	d := &Decision{Permission: permission, Answer: v.answer, Reason: v.reason, Tenant: s.tenant, Condition: v.failed, Err: v.err}
	if s.principal != nil {
		d.Subject, d.Issuer = s.principal.Subject(), s.principal.Issuer()
	}
	if r != nil {
		d.Resource = r.ID
	}
	if s.policy == nil {
		return d
	}
	d.Policy = s.policy.version
	s.describeRoles(d)
	if v.guard != nil {
		d.Guardrail, d.GuardrailAt = v.guard.entry.reason, s.policy.at(v.guard.entry.at)
	}
	i, ok := s.policy.index(permission)
	if !ok {
		return d
	}
	if v.reason == ReasonMissingPermission {
		d.AllowedBy = s.policy.allowing(i)
		return d
	}
	if v.reason == auth.ReasonMissingScope {
		d.MissingScopes = s.policy.scopesFor(i)
	}
	if v.reason == ReasonExclusive {
		s.describeExclusive(d)
	}
	s.describeGrant(d, i, v)
	return d
}

func (s *Subject) describeRoles(d *Decision) {
	held := map[string]bool{}
	hold := func(name string) {
		role, known := s.policy.roles[name]
		switch {
		case held[name]:
		case known:
			d.Held = append(d.Held, s.policy.step(uint32(role)))
		default:
			d.Unknown = append(d.Unknown, name)
		}
		held[name] = true
	}
	switch {
	case s.bindings != nil:
		for i := range s.bindings {
			if s.bindings[i].counts(s.tenant) {
				hold(s.bindings[i].Role)
			}
		}
	case s.principal != nil && s.tenant == s.principal.Tenant():
		for role := range s.principal.AllRoles() {
			hold(role)
		}
	}
	for _, b := range s.bindings {
		if !b.counts(s.tenant) && !held[b.Role] {
			d.Elsewhere = append(d.Elsewhere, b)
		}
	}
}

func (s *Subject) describeExclusive(d *Decision) {
	for i := range s.policy.exclusive {
		x := &s.policy.exclusive[i]
		if names := x.names(s.held(x)); x.atCheck && len(names) > x.max {
			d.Exclusive = names
			return
		}
	}
}

// describeGrant finds the shortest way to a grant of i: the one that allowed, or one that would.
func (s *Subject) describeGrant(d *Decision, i uint32, v verdict) {
	want := v.combo
	if v.answer != Allowed {
		want = -2 // any
	}
	came := map[uint32]uint32{} // role to the one it was reached from; a role that is held comes from itself
	var queue []uint32
	for role := range s.allRoles {
		if _, seen := came[role]; !seen {
			came[role] = role
			queue = append(queue, role)
		}
	}
	for len(queue) > 0 {
		role := queue[0]
		queue = queue[1:]
		if g := s.policy.grants(role, i, want); g != nil {
			for at := role; ; at = came[at] {
				d.Path = append(d.Path, s.policy.step(at))
				if came[at] == at {
					break
				}
			}
			slices.Reverse(d.Path)
			d.Grant, d.GrantedAt, d.When = g.permission.text, s.policy.at(g.permission.at), texts(g.when)
			return
		}
		for _, parent := range s.policy.parents[role] {
			if _, seen := came[parent]; !seen {
				came[parent] = role
				queue = append(queue, parent)
			}
		}
	}
}

// grants returns the role's own grant of i under the combo wanted: -1 is unconditional, -2 any.
func (p *Policy) grants(role, i uint32, want int) *grantEntry {
	r := &p.doc.roles[role]
	if slices.ContainsFunc(r.except, func(e entry) bool { return p.matches(e.text, i) }) {
		return nil
	}
	for k := range r.allow {
		g := &r.allow[k]
		if !p.matches(g.permission.text, i) {
			continue
		}
		if want == -2 || want == -1 && len(g.when) == 0 ||
			want >= 0 && len(g.when) > 0 && slices.Equal(p.combos[want].names, sortedTexts(g.when)) {
			return g
		}
	}
	return nil
}

// matches reports whether a name or pattern of the policy stands for permission i.
func (p *Policy) matches(text string, i uint32) bool {
	if !isPattern(text) {
		return text == p.catalog.names[i]
	}
	_, found := slices.BinarySearch(p.expand.known[text], i)
	return found
}

func (p *Policy) step(role uint32) Step {
	name := p.doc.roles[role].name
	return Step{name.text, p.at(name.at)}
}

// allowing returns the roles that allow i by their own grants, in the order of the policy.
func (p *Policy) allowing(i uint32) []Step {
	var list []Step
	for role := range p.doc.roles {
		if p.grants(uint32(role), i, -2) != nil {
			list = append(list, p.step(uint32(role)))
		}
	}
	return list
}

// scopesFor returns the scopes that leave i in place, the one with the fewest permissions first.
func (p *Policy) scopesFor(i uint32) []string {
	var list []scopeEntry
	for k, s := range p.doc.scopes {
		if p.scopeSets[k].has(i) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b scopeEntry) int {
		x, y := &p.scopeSets[p.scopes[a.name.text]], &p.scopeSets[p.scopes[b.name.text]]
		return cmp.Or(x.len()-y.len(), cmp.Compare(a.name.text, b.name.text))
	})
	names := make([]string, len(list))
	for k, s := range list {
		names[k] = s.name.text
	}
	return names
}

func texts(list []entry) []string {
	var names []string
	for _, e := range list {
		names = append(names, e.text)
	}
	return names
}

func sortedTexts(list []entry) []string {
	names := texts(list)
	slices.Sort(names)
	return slices.Compact(names)
}
