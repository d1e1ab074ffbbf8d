package rbac

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
)

// A Change is one difference between what two policies let somebody do.
type Change struct {
	// Who is "role" or "scope"; Name names it.
	Who, Name  string
	Permission string
	Before     Answer
	After      Answer
	// Detail tells a change that the answers do not show, such as other conditions or a guardrail that is gone.
	Detail string
	// Gained says that more is allowed than before.
	Gained bool
}

// String returns the change on one line, "+" first where something is gained and "-" where it is lost.
func (c Change) String() string {
	sign := "-"
	if c.Gained {
		sign = "+"
	}
	text := fmt.Sprintf("%s %s %s: %s: %s, was %s", sign, c.Who, c.Name, c.Permission, c.After, c.Before)
	if c.Detail != "" {
		text += " (" + c.Detail + ")"
	}
	return text
}

// Diff returns what p allows that old did not, and the other way round: on what roles and scopes come to, not on how
// they are written. Each role is compared as its only holder without scopes sees it, and by what it allows behind a
// guardrail that leaves other roles alone; each scope by what it leaves in place. Conditions are compared by name.
func (p *Policy) Diff(old *Policy) []Change {
	var list []Change
	for _, role := range union(old.Roles(), p.Roles()) {
		before, after := old.Resolve("", Everywhere(role), auth.Unlimited()), p.Resolve("", Everywhere(role), auth.Unlimited())
		for _, permission := range union(old.Permissions(), p.Permissions()) {
			list = append(list, compare(role, permission, &before, &after)...)
		}
	}
	for _, scope := range union(maps.Keys(old.scopes), maps.Keys(p.scopes)) {
		for _, permission := range union(old.Permissions(), p.Permissions()) {
			before, after := old.scopeHas(scope, permission), p.scopeHas(scope, permission)
			if before != after {
				list = append(list, Change{"scope", scope, permission, before, after, "", after > before})
			}
		}
	}
	return append(list, p.diffExclusive(old)...)
}

// Gains reports whether a change lets anybody do more.
func Gains(changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool { return c.Gained })
}

func union(a, b iter.Seq[string]) []string {
	names := slices.AppendSeq(slices.Collect(a), b)
	slices.Sort(names)
	return slices.Compact(names)
}

// compare tells a gain and a loss apart; a change of conditions may be both.
func compare(role, permission string, before, after *Subject) []Change {
	was, is := before.Answer(permission), after.Answer(permission)
	change := Change{"role", role, permission, was, is, "", is > was}
	if was != is {
		return []Change{change}
	}
	a, b, detail := before.terms(permission), after.terms(permission), "was under %s, is under %s"
	if was == Denied && (before.stopped(permission) || after.stopped(permission)) {
		// Not the only holder gains then, but whoever also holds a role that the guardrail leaves alone.
		a, b, detail = before.alternatives(permission, nil), after.alternatives(permission, nil), "behind a guardrail: was under %s, is under %s"
	} else if was == Denied {
		return nil
	}
	if slices.Equal(a, b) {
		return nil
	}
	change.Detail = fmt.Sprintf(detail, either(a), either(b))
	change.Gained = !implied(b, a)
	if implied(a, b) || !change.Gained {
		return []Change{change}
	}
	lost := change
	lost.Gained = false
	return []Change{change, lost}
}

// terms returns the alternatives under which a permission is allowed, each a set of conditions; conditions of guardrails,
// which must not hold, begin with "not ".
func (s *Subject) terms(permission string) []string {
	i, ok := s.lookup(permission)
	if !ok {
		return nil
	}
	var denials []string
	for k := range s.policy.guards {
		if g := &s.policy.guards[k]; g.conditional && g.set.has(i) && !s.exempt(g) {
			denials = append(denials, "not "+strings.Join(s.policy.combos[g.combo].names, "&"))
		}
	}
	return s.alternatives(permission, denials)
}

// alternatives returns the sets of conditions under which the roles allow a permission, each with more conditions.
func (s *Subject) alternatives(permission string, more []string) []string {
	i, ok := s.lookup(permission)
	if !ok {
		return nil
	}
	term := func(names []string) string {
		all := slices.Concat(names, more)
		slices.Sort(all)
		return strings.Join(slices.Compact(all), ",")
	}
	if s.sure(i) {
		return []string{term(nil)}
	}
	var list []string
	for combo := range s.under(i) {
		list = append(list, term(s.policy.combos[combo].names))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// stopped reports whether a guardrail that leaves some role alone denies the permission to the subject.
func (s *Subject) stopped(permission string) bool {
	i, ok := s.lookup(permission)
	return ok && slices.ContainsFunc(s.policy.guards, func(g guard) bool {
		return !g.conditional && g.exempt != nil && g.set.has(i) && !s.exempt(&g)
	})
}

// either names alternatives, for people.
func either(terms []string) string {
	switch {
	case len(terms) == 0:
		return "nothing"
	case terms[0] == "":
		return "no condition"
	}
	return strings.Join(terms, " or ")
}

// implied reports whether each alternative of a is no weaker than some alternative of b: that a allows no more than b.
func implied(a, b []string) bool {
	for _, x := range a {
		if !slices.ContainsFunc(b, func(y string) bool { return stronger(x, y) }) {
			return false
		}
	}
	return true
}

// stronger reports whether x has all conditions of y.
func stronger(x, y string) bool {
	if y == "" {
		return true
	}
	have := strings.Split(x, ",")
	for name := range strings.SplitSeq(y, ",") {
		if !slices.Contains(have, name) {
			return false
		}
	}
	return true
}

func (p *Policy) scopeHas(scope, permission string) Answer {
	k, ok := p.scopes[scope]
	i, declared := p.index(permission)
	if ok && declared && p.scopeSets[k].has(i) {
		return Allowed
	}
	return Denied
}

// diffExclusive compares what holders of several roles meet, as it is written: losing an exclusive set or a guardrail, or
// a role more that a guardrail leaves alone, is a gain for somebody.
func (p *Policy) diffExclusive(old *Policy) []Change {
	var list []Change
	for _, who := range []string{"exclusive", "guardrail"} {
		before, after := old.restrictions(who), p.restrictions(who)
		for _, text := range union(maps.Keys(before), maps.Keys(after)) {
			switch {
			case !after[text]:
				list = append(list, Change{who, text, "*", Denied, Allowed, "is gone", true})
			case !before[text]:
				list = append(list, Change{who, text, "*", Allowed, Denied, "is new", false})
			}
		}
	}
	return list
}

func (p *Policy) restrictions(who string) map[string]bool {
	all := map[string]bool{}
	if who == "exclusive" {
		for k := range p.exclusive {
			x := &p.exclusive[k]
			text := fmt.Sprintf("at most %d of %s", x.max, strings.Join(sortedTexts(x.entry.roles), ", "))
			if heirs := p.heirs(x); len(heirs) > 0 {
				text += " with " + strings.Join(heirs, ", ")
			}
			if x.atCheck {
				text += " at check"
			}
			all[text] = true
		}
		return all
	}
	for k := range p.guards {
		g := &p.guards[k]
		text := "deny " + strings.Join(sortedTexts(g.entry.permissions), ", ")
		if g.conditional {
			text += " when " + strings.Join(sortedTexts(g.entry.when), ", ")
		}
		if roles := p.exempted(g); len(roles) > 0 {
			text += " unless " + strings.Join(roles, ", ")
		}
		all[text] = true
	}
	return all
}

// heirs lists the roles that inherit from members of an exclusive set, each with those that it counts as.
func (p *Policy) heirs(x *exclusive) []string {
	var list []string
	for name, role := range p.roles {
		as := x.names(x.members[role])
		as = slices.DeleteFunc(as, func(member string) bool { return member == name })
		if len(as) > 0 {
			slices.Sort(as)
			list = append(list, name+" as "+strings.Join(as, " and "))
		}
	}
	slices.Sort(list)
	return list
}

// exempted lists the roles that a guardrail leaves alone, those that inherit from one included.
func (p *Policy) exempted(g *guard) []string {
	var names []string
	for name, role := range p.roles {
		if g.exempt != nil && g.exempt.has(uint32(role)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
