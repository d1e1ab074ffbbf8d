package rbac

import (
	"maps"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
)

// Limits of a policy. They bound what a mistake in a generated file can cost, and are far above what people write.
const (
	MaxRoles       = 65_536
	MaxPermissions = 65_536
	MaxScopes      = 65_536
	// MaxSetBytes bounds what the sets of all roles, scopes, guardrails and exclusive sets take together; one that several
	// roles share counts for each.
	MaxSetBytes = 128 << 20
	// MaxExclusive is how many roles one exclusive set names.
	MaxExclusive = 64
	// MaxConditionSets is how many different combinations of conditions a policy has.
	MaxConditionSets = 256
)

// compiler builds one policy, reporting every mistake of its document.
type compiler struct {
	*problems
	doc    *document
	p      *Policy
	c      Config
	combos *combos
	bytes  int  // of the sets
	whole  bool // the document is all that the file says; nothing was left out because it did not fit the schema
}

func compile(doc *document, ps *problems, c Config) (*Policy, error) {
	if len(doc.roles) > MaxRoles || len(doc.permissions) > MaxPermissions || len(doc.scopes) > MaxScopes {
		ps.addf(pos{}, "%d roles, %d permissions and %d scopes: the limits are %d, %d and %d",
			len(doc.roles), len(doc.permissions), len(doc.scopes), MaxRoles, MaxPermissions, MaxScopes)
		return nil, ps.err()
	}
	co := &compiler{problems: ps, doc: doc, p: &Policy{file: ps.file, doc: doc}, c: c, whole: len(ps.list) == 0}
	co.bindConditions()
	co.permissions()
	co.names()
	sorted := co.inheritance()
	co.roleNames()
	co.scopes()
	co.tests()
	if len(ps.list) == 0 { // a set is only worth building of names that all mean something
		co.closures(sorted)
		co.guards(sorted)
		co.exclusives(sorted)
	} else {
		co.guards(nil)
		co.exclusives(nil)
	}
	if err := ps.err(); err != nil {
		return nil, err
	}
	co.p.combos = co.combos.list
	co.p.unused = co.combos.unused(c.Conditions)
	co.p.version = doc.hash()
	return co.p, nil
}

// take counts the bytes of a set and reports, once, that the sets have grown too large.
func (co *compiler) take(words int) bool {
	before := co.bytes
	co.bytes += 8 * words
	if before <= MaxSetBytes && co.bytes > MaxSetBytes {
		co.addf(pos{}, "the sets of permissions and roles take more than %d bytes together: use fewer roles, permissions, scopes or exclusive sets", MaxSetBytes)
	}
	return co.bytes <= MaxSetBytes
}

func (co *compiler) bindConditions() {
	bound := map[string]Condition{"owner": Owner}
	maps.Copy(bound, co.c.Conditions)
	for _, name := range slices.Sorted(maps.Keys(bound)) {
		if bound[name] == nil {
			co.addf(pos{}, "condition %q is bound to a nil function", name)
		}
		if !validSegment(name) { // combinations of conditions are told apart by names that are joined
			co.addf(pos{}, conditionGrammar, name)
		}
	}
	_, co.p.ownOwner = co.c.Conditions["owner"]
	co.combos = &combos{bound: bound, index: map[string]uint32{}}
}

func (co *compiler) permissions() {
	if co.whole && len(co.doc.permissions) == 0 {
		co.addf(pos{1, 1}.of(co.file), "the policy declares no permission")
	}
	catalog := co.c.Catalog
	if catalog == nil {
		catalog = &Catalog{names: make([]string, 0, len(co.doc.permissions)), index: make(map[string]uint32, len(co.doc.permissions))}
	}
	declared := make(map[string]bool, len(co.doc.permissions))
	for _, e := range co.doc.permissions {
		if !validPermission(e.text) {
			co.addf(e.at, "%q is no permission: %s", e.text, permissionGrammar)
			continue
		}
		if declared[e.text] {
			co.addf(e.at, "permission %q is declared twice", e.text)
			continue
		}
		declared[e.text] = true
		if co.c.Catalog == nil {
			catalog.index[e.text] = uint32(len(catalog.names)) //nolint:gosec // at most MaxPermissions
			catalog.names = append(catalog.names, e.text)
		} else if _, ok := catalog.index[e.text]; !ok {
			co.addf(e.at, "the program knows no permission %q%s", e.text, co.meant(e.text, slices.Values(catalog.names)))
		}
	}
	names := catalog.names
	if co.c.Catalog != nil {
		names = make([]string, len(catalog.names))
		for i, name := range catalog.names {
			if declared[name] {
				names[i] = name
			}
		}
	}
	co.p.catalog, co.p.expand = catalog, newExpander(names)
}

// of returns the position where the policy has a file, and the zero position where it has none.
func (p pos) of(file string) pos {
	if file == "" {
		return pos{}
	}
	return p
}

func (co *compiler) names() {
	if co.whole && len(co.doc.roles) == 0 {
		co.addf(pos{1, 1}.of(co.file), "the policy defines no role")
	}
	co.p.roles = make(map[string]uint16, len(co.doc.roles))
	for i, r := range co.doc.roles {
		if !validRole(r.name.text) {
			co.addf(r.name.at, "%q can't name a role: use ASCII letters, digits and -_.:/@, a letter or digit first", r.name.text)
		}
		if _, twice := co.p.roles[r.name.text]; twice {
			co.addf(r.name.at, "role %q is defined twice", r.name.text)
			continue
		}
		co.p.roles[r.name.text] = uint16(i)
	}
}

// role returns the index of a role that the policy names somewhere.
func (co *compiler) role(e entry) (uint32, bool) {
	i, ok := co.p.roles[e.text]
	if !ok {
		co.addf(e.at, "unknown role %q%s", e.text, co.meant(e.text, maps.Keys(co.p.roles)))
	}
	return uint32(i), ok
}

// members returns the permissions that a name or pattern stands for.
func (co *compiler) members(e entry) []uint32 {
	if e.text == "" && !co.whole {
		return nil // the decoder has said that it is missing
	}
	if !isPattern(e.text) {
		i, ok := co.p.index(e.text)
		if !ok {
			co.addf(e.at, "unknown permission %q%s", e.text, co.meantPermission(e.text))
			return nil
		}
		return []uint32{i}
	}
	list, ok := co.p.expand.expand(e.text)
	switch {
	case !ok:
		co.addf(e.at, "malformed pattern %q: a wildcard is a whole segment, as in *, invoice:* or *:read", e.text)
	case len(list) == 0:
		co.addf(e.at, "pattern %q matches no permission", e.text)
	}
	return list
}

func (co *compiler) meantPermission(name string) string {
	return co.meant(name, func(yield func(string) bool) {
		for _, candidate := range co.p.expand.names {
			if candidate != "" && !yield(candidate) {
				return
			}
		}
	})
}

const conditionGrammar = "%q can't name a condition: use lower-case ASCII letters, digits, - and _"

// when returns the combo of a list of condition names.
func (co *compiler) when(list []entry) uint32 {
	names := make([]string, 0, len(list))
	for _, e := range list {
		if _, ok := co.combos.bound[e.text]; !ok {
			switch {
			case !validSegment(e.text):
				co.addf(e.at, conditionGrammar, e.text)
				continue
			case !co.c.UnboundConditions:
				co.addf(e.at, "condition %q is bound to no function%s", e.text, co.meant(e.text, maps.Keys(co.combos.bound)))
				continue
			}
			co.combos.bound[e.text] = nil
		}
		names = append(names, e.text)
	}
	if i := co.combos.intern(names); i < MaxConditionSets {
		return i
	}
	co.addf(list[0].at, "more than %d different combinations of conditions", MaxConditionSets)
	return 0
}

// inheritance resolves the parents of every role and sorts the roles, parents first.
func (co *compiler) inheritance() []uint32 {
	co.p.parents = make([][]uint32, len(co.doc.roles))
	for i, r := range co.doc.roles {
		if len(r.inherits) == 0 {
			continue
		}
		parents := make([]uint32, 0, len(r.inherits))
		for _, e := range r.inherits {
			parent, ok := co.role(e)
			switch {
			case !ok:
			case slices.Contains(parents, parent):
				co.addf(e.at, "role %q inherits %q twice", r.name.text, e.text)
			default:
				parents = append(parents, parent)
			}
		}
		co.p.parents[i] = parents
	}
	sorted, cycles := order(co.p.parents)
	for _, cycle := range cycles {
		co.cycle(cycle)
	}
	return sorted
}

// maxCycle is how many roles of a cycle a message names.
const maxCycle = 12

func (co *compiler) cycle(cycle []uint32) {
	var names []string
	for i, role := range append(cycle, cycle[0]) {
		if i == maxCycle && len(cycle) > maxCycle {
			names = append(names, "…")
			break
		}
		r := co.doc.roles[role]
		names = append(names, r.name.text+r.name.at.suffix())
	}
	co.addf(co.doc.roles[cycle[0]].name.at, "roles inherit from each other: %s", strings.Join(names, " > "))
}

// roleNames checks every name in the roles' own grants.
func (co *compiler) roleNames() {
	for _, r := range co.doc.roles {
		for _, g := range r.allow {
			co.members(g.permission)
			if len(g.when) > 0 {
				co.when(g.when)
			}
		}
		for _, e := range r.except {
			co.members(e)
		}
		if len(r.except) > 0 && len(r.allow) == 0 {
			co.addf(r.except[0].at, "role %q excepts something and allows nothing: except takes away from the role's own allow only", r.name.text)
		}
	}
}

func (co *compiler) scopes() {
	co.p.scopes = make(map[string]uint16, len(co.doc.scopes))
	for i, s := range co.doc.scopes {
		if _, err := auth.NewScopeSet(s.name.text); err != nil {
			co.addf(s.name.at, "%q can't name a scope: use printable ASCII without space, '\"' or '\\' (RFC 6749 section 3.3)", s.name.text)
		}
		if _, twice := co.p.scopes[s.name.text]; twice {
			co.addf(s.name.at, "scope %q is defined twice", s.name.text)
		}
		d := newDense(len(co.p.expand.names))
		for _, e := range s.permissions {
			for _, m := range co.members(e) {
				d.add(m)
			}
		}
		co.p.scopes[s.name.text] = uint16(i)
		frozen := d.freeze()
		if !co.take(len(frozen.words)) {
			return
		}
		co.p.scopeSets = append(co.p.scopeSets, frozen)
	}
}

func (co *compiler) tests() {
	for i := range co.doc.tests {
		t := &co.doc.tests[i]
		if co.whole && len(t.allow)+len(t.deny)+len(t.conditional) == 0 {
			co.addf(t.at, "test %s states nothing: name permissions in allow, deny or conditional", t.title(i))
		}
		for _, e := range t.roles {
			co.role(e)
		}
		for _, e := range t.scopes {
			if _, ok := co.p.scopes[e.text]; !ok {
				co.addf(e.at, "unknown scope %q%s", e.text, co.meant(e.text, maps.Keys(co.p.scopes)))
			}
		}
		if len(t.given) > 0 {
			co.when(t.given)
		}
		for _, list := range [][]entry{t.allow, t.deny, t.conditional} {
			for _, e := range list {
				co.members(e)
			}
		}
	}
}
