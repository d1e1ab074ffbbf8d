package rbac

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A Finding is something in a policy that is allowed and probably not meant.
type Finding struct {
	// Code is stable, such as "unused-role".
	Code     string
	Warning  bool // false: a remark
	Position Position
	Message  string
}

// String returns position, severity, message and code on one line.
func (f Finding) String() string {
	severity := "remark"
	if f.Warning {
		severity = "warning"
	}
	return fmt.Sprintf("%s: %s: %s [%s]", f.Position, severity, f.Message, f.Code)
}

// The codes of [Policy.Lint].
const (
	LintEmptyRole       = "empty-role"        // allows nothing
	LintSameRole        = "same-role"         // allows what another role allows
	LintAllPowerful     = "all-powerful-role" // allows everything, without a condition
	LintUntestedRole    = "untested-role"     // no test names it or a role that inherits it
	LintShadowedGrant   = "shadowed-grant"    // is implied by another grant of the role, or by what it inherits
	LintNarrowPattern   = "narrow-pattern"    // a pattern that stands for one permission
	LintDeadExcept      = "dead-except"       // takes nothing away
	LintUngranted       = "ungranted"         // a permission that no role allows
	LintUndeclared      = "undeclared"        // a permission of the program that the policy does not declare
	LintIdleScope       = "idle-scope"        // leaves nothing in place that any role allows
	LintDeadGuardrail   = "dead-guardrail"    // denies only what no role allows
	LintUnscoped        = "unscoped"          // a permission that no scope covers
	LintUnusedCondition = "unused-condition"  // bound by the program, not named by the policy
)

// Lint returns what is probably not meant, in the order of the file.
func (p *Policy) Lint() []Finding {
	l := &linter{p: p}
	l.granted = newDense(len(p.expand.names))
	for role := range p.doc.roles {
		l.granted.union(&p.sure[role])
		for _, c := range p.conditional(uint32(role)) {
			l.granted.union(&c.set)
		}
	}
	for role := range p.doc.roles {
		l.role(uint32(role))
	}
	l.sameRoles()
	l.untestedRoles()
	l.permissions()
	l.scopes()
	l.guardrails()
	slices.SortStableFunc(l.list, func(a, b Finding) int {
		if a.Position.Line != b.Position.Line {
			return a.Position.Line - b.Position.Line
		}
		return a.Position.Column - b.Position.Column
	})
	return l.list
}

type linter struct {
	p       *Policy
	granted dense
	list    []Finding
}

func (l *linter) warn(code string, at pos, format string, args ...any) {
	l.list = append(l.list, Finding{code, true, l.p.at(at), fmt.Sprintf(format, args...)})
}

func (l *linter) remark(code string, at pos, format string, args ...any) {
	l.list = append(l.list, Finding{code, false, l.p.at(at), fmt.Sprintf(format, args...)})
}

func (p *Policy) conditional(role uint32) []condSet {
	if p.maybe == nil {
		return nil
	}
	return p.maybe[role]
}

func (l *linter) role(role uint32) {
	r := &l.p.doc.roles[role]
	sure := &l.p.sure[role]
	switch {
	case sure.empty() && len(l.p.conditional(role)) == 0:
		l.warn(LintEmptyRole, r.name.at, "role %q allows nothing", r.name.text)
	case sure.len() == l.p.declared() && l.p.declared() > 1:
		l.remark(LintAllPowerful, r.name.at, "role %q allows everything", r.name.text)
	}
	for k := range r.allow {
		l.grant(role, k)
	}
	for _, e := range r.except {
		if !l.takesAway(r, e) {
			l.warn(LintDeadExcept, e.at, "except %q takes nothing away from what role %q itself allows", e.text, r.name.text)
		}
	}
}

func (p *Policy) declared() int {
	n := 0
	for _, name := range p.expand.names {
		if name != "" {
			n++
		}
	}
	return n
}

// grant compares a grant with the other grants of its role and with what the role inherits.
func (l *linter) grant(role uint32, k int) {
	r := &l.p.doc.roles[role]
	g := &r.allow[k]
	members := l.p.membersOf(g.permission.text)
	if isPattern(g.permission.text) && len(members) == 1 {
		l.remark(LintNarrowPattern, g.permission.at, "pattern %q stands for %s only", g.permission.text, l.p.catalog.names[members[0]])
	}
	for _, parent := range l.p.parents[role] {
		if l.inherits(parent, g, members) {
			l.warn(LintShadowedGrant, g.permission.at, "role %q inherits %q from %q already", r.name.text, g.permission.text, l.p.doc.roles[parent].name.text)
			return
		}
	}
	for other := range r.allow {
		h := &r.allow[other]
		if other == k || !l.p.implies(h, g, members) || k < other && l.p.implies(g, h, l.p.membersOf(h.permission.text)) {
			continue // of two that say the same, the later is shadowed
		}
		l.warn(LintShadowedGrant, g.permission.at, "role %q allows %q already by %q", r.name.text, g.permission.text, h.permission.text)
		return
	}
}

// inherits reports whether the parent allows all of the grant under no more conditions.
func (l *linter) inherits(parent uint32, g *grantEntry, members []uint32) bool {
	names := sortedTexts(g.when)
	return !slices.ContainsFunc(members, func(i uint32) bool {
		if l.p.sure[parent].has(i) {
			return false
		}
		return !slices.ContainsFunc(l.p.conditional(parent), func(c condSet) bool {
			return len(names) > 0 && c.set.has(i) && l.p.combos[c.combo].within(&combo{names: names})
		})
	})
}

// implies reports whether h allows all that g does, which stands for members, under no more conditions.
func (p *Policy) implies(h, g *grantEntry, members []uint32) bool {
	for _, e := range h.when {
		if !slices.ContainsFunc(g.when, func(f entry) bool { return f.text == e.text }) {
			return false
		}
	}
	return !slices.ContainsFunc(members, func(i uint32) bool { return !p.matches(h.permission.text, i) })
}

func (l *linter) takesAway(r *roleEntry, e entry) bool {
	return slices.ContainsFunc(l.p.membersOf(e.text), func(i uint32) bool {
		return slices.ContainsFunc(r.allow, func(g grantEntry) bool { return l.p.matches(g.permission.text, i) })
	})
}

func (l *linter) sameRoles() {
	first := map[string]uint32{}
	for role := range l.p.doc.roles {
		sure := &l.p.sure[role]
		if sure.empty() && len(l.p.conditional(uint32(role))) == 0 {
			continue
		}
		key := fmt.Sprint(*sure, l.p.conditional(uint32(role)), l.exempted(uint32(role)))
		r := l.p.doc.roles[role].name
		if other, ok := first[key]; ok {
			l.remark(LintSameRole, r.at, "role %q allows exactly what %q allows", r.text, l.p.doc.roles[other].name.text)
			continue
		}
		first[key] = uint32(role)
	}
}

// exempted lists the guardrails that leave the role alone, which is a difference too.
func (l *linter) exempted(role uint32) []int {
	var list []int
	for k := range l.p.guards {
		if g := &l.p.guards[k]; g.exempt != nil && g.exempt.has(role) {
			list = append(list, k)
		}
	}
	return list
}

func (l *linter) untestedRoles() {
	if len(l.p.doc.tests) == 0 {
		l.warn(LintUntestedRole, pos{1, 1}.of(l.p.file), "the policy has no tests")
		return
	}
	tested := newDense(len(l.p.doc.roles))
	var queue []uint32
	for _, t := range l.p.doc.tests {
		for _, e := range t.roles {
			queue = append(queue, uint32(l.p.roles[e.text]))
		}
	}
	for len(queue) > 0 {
		role := queue[0]
		queue = queue[1:]
		if !tested.has(role) {
			tested.add(role)
			queue = append(queue, l.p.parents[role]...)
		}
	}
	for role, r := range l.p.doc.roles {
		if !tested.has(uint32(role)) {
			l.warn(LintUntestedRole, r.name.at, "no test has role %q", r.name.text)
		}
	}
}

func (l *linter) permissions() {
	declared := map[string]pos{}
	for _, e := range l.p.doc.permissions {
		declared[e.text] = e.at
		i := l.p.catalog.index[e.text]
		if !l.granted.has(i) {
			l.warn(LintUngranted, e.at, "no role allows %q", e.text)
		} else if len(l.p.scopeSets) > 0 && !slices.ContainsFunc(l.p.scopeSets, func(s set) bool { return s.has(i) }) {
			l.remark(LintUnscoped, e.at, "no scope covers %q: only an unlimited login is allowed it", e.text)
		}
	}
	for name := range l.p.catalog.All() {
		if _, ok := declared[name]; !ok {
			l.warn(LintUndeclared, pos{1, 1}.of(l.p.file), "the program asks for %q and the policy does not declare it", name)
		}
	}
	for _, name := range l.p.unused {
		l.remark(LintUnusedCondition, pos{1, 1}.of(l.p.file), "the program binds condition %q and the policy does not name it", name)
	}
}

func (l *linter) scopes() {
	for k, s := range l.p.doc.scopes {
		if len(s.permissions) > 0 && !l.anyGranted(l.p.scopeSets[k].all()) {
			l.warn(LintIdleScope, s.name.at, "scope %q covers nothing that any role allows", s.name.text)
		}
	}
}

func (l *linter) guardrails() {
	for k := range l.p.guards {
		if g := &l.p.guards[k]; !l.anyGranted(g.set.all()) {
			l.warn(LintDeadGuardrail, g.entry.at, "no role allows %s: there is nothing to deny", strings.Join(texts(g.entry.permissions), ", "))
		}
	}
}

func (l *linter) anyGranted(members iter.Seq[uint32]) bool {
	for i := range members {
		if l.granted.has(i) {
			return true
		}
	}
	return false
}
