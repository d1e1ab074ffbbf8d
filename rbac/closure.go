package rbac

import (
	"fmt"
	"math/bits"
	"slices"
)

func (p pos) suffix() string {
	if p.line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", p.line)
}

// closures computes what every role allows, parents first, so that the cost is that of the edges and not of the paths.
func (co *compiler) closures(sorted []uint32) {
	n := len(co.p.expand.names)
	co.p.sure = make([]set, len(co.doc.roles))
	scratch, except := newDense(n), newDense(n)
	var conditional [][]condSet
	for _, role := range sorted {
		clear(scratch)
		for _, parent := range co.p.parents[role] {
			scratch.union(&co.p.sure[parent])
		}
		maybe := co.own(role, scratch, except)
		for _, parent := range co.p.parents[role] {
			if conditional != nil {
				maybe = mergeConditional(maybe, conditional[parent], n)
			}
		}
		co.p.sure[role] = co.share(role, scratch)
		words := len(co.p.sure[role].words)
		if len(maybe) > 0 {
			if conditional == nil {
				conditional = make([][]condSet, len(co.doc.roles))
			}
			conditional[role] = maybe
			for i := range maybe {
				words += len(maybe[i].set.words)
			}
		}
		if !co.take(words) {
			return
		}
	}
	co.p.maybe = conditional
}

// own adds to into what the role allows by itself without a condition, and returns what it allows under conditions.
func (co *compiler) own(role uint32, into, except dense) []condSet {
	r := &co.doc.roles[role]
	clear(except)
	for _, e := range r.except {
		for _, m := range co.members(e) {
			except.add(m)
		}
	}
	var maybe []condSet
	for _, g := range r.allow {
		if len(g.when) > 0 {
			d := newDense(len(co.p.expand.names))
			for _, m := range co.members(g.permission) {
				d.add(m)
			}
			for w := range d {
				d[w] &^= except[w]
			}
			maybe = mergeConditional(maybe, []condSet{{co.when(g.when), d.freeze()}}, len(co.p.expand.names))
			continue
		}
		for _, m := range co.members(g.permission) {
			if !except.has(m) {
				into.add(m)
			}
		}
	}
	return maybe
}

// share freezes a role's set, or takes that of a parent which has the same.
func (co *compiler) share(role uint32, d dense) set {
	frozen := d.freeze()
	for _, parent := range co.p.parents[role] {
		if frozen.equal(&co.p.sure[parent]) {
			return co.p.sure[parent]
		}
	}
	return frozen
}

// mergeConditional returns the union of two lists, one entry for each combo, sorted by it.
func mergeConditional(a, b []condSet, n int) []condSet {
	if len(b) == 0 {
		return a
	}
	if len(a) == 0 {
		return slices.DeleteFunc(slices.Clone(b), func(c condSet) bool { return c.set.empty() })
	}
	merged := slices.Clone(a)
	for _, add := range b {
		i, found := slices.BinarySearchFunc(merged, add, func(x, y condSet) int { return int(x.combo) - int(y.combo) })
		switch {
		case add.set.empty():
		case !found:
			merged = slices.Insert(merged, i, add)
		case !add.set.within(&merged[i].set):
			d := newDense(n)
			d.union(&merged[i].set)
			d.union(&add.set)
			merged[i].set = d.freeze()
		}
	}
	return merged
}

// guards checks and, where the roles are sorted, compiles the guardrails.
func (co *compiler) guards(sorted []uint32) {
	covered := newDense(len(co.p.expand.names))
	for i := range co.doc.deny {
		e := &co.doc.deny[i]
		g := guard{entry: e, conditional: len(e.when) > 0}
		if co.whole && len(e.permissions) == 0 {
			co.addf(e.at, "a denial without permissions")
		}
		if co.whole && e.reason == "" {
			co.addf(e.at, "a denial without a reason: say why, for the people it stops")
		}
		d := newDense(len(co.p.expand.names))
		for _, name := range e.permissions {
			for _, m := range co.members(name) {
				d.add(m)
				covered.add(m)
			}
		}
		g.set = d.freeze()
		if g.conditional {
			g.combo = co.when(e.when)
		}
		if len(e.unless) > 0 {
			g.exempt = newDense(len(co.doc.roles))
		}
		for _, name := range e.unless {
			if role, ok := co.role(name); ok {
				g.exempt.add(role)
			}
		}
		if g.exempt != nil {
			co.inherit(sorted, g.exempt)
		}
		if !co.take(len(g.set.words) + len(g.exempt)) {
			return
		}
		co.p.guards = append(co.p.guards, g)
	}
	co.p.guarded = covered.freeze()
}

// inherit adds to roles all that inherit from one of them.
func (co *compiler) inherit(sorted []uint32, roles dense) {
	for _, role := range sorted {
		for _, parent := range co.p.parents[role] {
			if roles.has(parent) {
				roles.add(role)
			}
		}
	}
}

// exclusives checks and, where the roles are sorted, compiles the exclusive sets.
func (co *compiler) exclusives(sorted []uint32) {
	for i := range co.doc.exclusive {
		e := &co.doc.exclusive[i]
		if !co.take(len(co.doc.roles)) {
			return
		}
		x := exclusive{max: e.max, atCheck: e.atCheck, entry: e, members: make([]uint64, len(co.doc.roles))}
		switch {
		case !co.whole && len(e.roles) == 0:
			continue
		case len(e.roles) < 2 || len(e.roles) > MaxExclusive:
			co.addf(e.at, "an exclusive set names %d roles: name 2 to %d", len(e.roles), MaxExclusive)
			continue
		case e.max >= len(e.roles):
			co.addf(e.at, "an exclusive set of %d roles with max %d excludes nothing", len(e.roles), e.max)
		}
		for bit, name := range e.roles {
			role, ok := co.role(name)
			switch {
			case !ok:
			case x.members[role] != 0:
				co.addf(name.at, "role %q is in the exclusive set twice", name.text)
			default:
				x.members[role] = 1 << bit
			}
		}
		for _, role := range sorted {
			for _, parent := range co.p.parents[role] {
				x.members[role] |= x.members[parent]
			}
			if r := co.doc.roles[role]; bits.OnesCount64(x.members[role]) > x.max {
				co.addf(r.name.at, "role %q includes %s, of which nobody may hold more than %d%s",
					r.name.text, quoted(x.names(x.members[role])), x.max, e.at.suffix())
			}
		}
		co.p.exclusive = append(co.p.exclusive, x)
		co.p.checked = co.p.checked || x.atCheck
	}
}

// names returns the roles that held stands for.
func (x *exclusive) names(held uint64) []string {
	var names []string
	for bit, e := range x.entry.roles {
		if held>>bit&1 != 0 {
			names = append(names, e.text)
		}
	}
	return names
}
