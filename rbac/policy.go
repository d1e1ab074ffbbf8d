package rbac

import (
	"iter"
	"maps"
	"slices"
)

// A Policy is a compiled policy: immutable, safe for concurrent use, and replaced as a whole. Make one with [Parse] or
// [New].
type Policy struct {
	file    string
	doc     *document
	version string
	catalog *Catalog

	roles   map[string]uint16
	parents [][]uint32
	sure    []set       // by role: what it allows without a condition, inherited permissions included
	maybe   [][]condSet // by role: what it allows under conditions; nil where no role has any
	combos  []combo
	unused  []string // conditions of the program that the policy does not name

	scopes    map[string]uint16
	scopeSets []set

	guards    []guard
	guarded   set // what any guardrail covers
	exclusive []exclusive
	checked   bool // some exclusive set is checked with every subject
	ownOwner  bool // "owner" is a condition of the program's own
	expand    *expander
}

// condSet is what is allowed when the conditions of a combo hold.
type condSet struct {
	combo uint32
	set   set
}

// guard is a compiled [Guardrail].
type guard struct {
	set         set
	combo       uint32
	conditional bool
	exempt      dense // roles, those that inherit included
	entry       *denyEntry
}

// exclusive is a compiled [Exclusive].
type exclusive struct {
	members []uint64 // by role: which of the exclusive roles it is or inherits from, a bit each
	max     int
	atCheck bool
	entry   *exclusiveEntry
}

// Config is what a policy is compiled with. Its zero value is right for a policy without conditions of its own.
type Config struct {
	// Conditions are what the policy's conditions mean, by names of lower-case ASCII letters, digits, "-" and "_". "owner"
	// means [Owner] unless it is set here.
	Conditions map[string]Condition
	// Catalog is the program's list of permissions. A policy that declares another one does not load. Nil makes a
	// catalog of what the policy declares.
	Catalog *Catalog
	// UnboundConditions accepts conditions that Conditions lacks, for tools that read a policy without the program: a
	// grant that names one never allows, a guardrail always denies.
	UnboundConditions bool
}

// Parse compiles the policy in data, which is JSON where the name ends in .json and YAML otherwise. The name is only
// used for positions. An error is a [*LoadError] with everything that is wrong.
func Parse(name string, data []byte, c Config) (*Policy, error) {
	ps := &problems{file: name}
	doc := decode(name, data, ps)
	if doc == nil {
		return nil, ps.err()
	}
	return compile(doc, ps, c)
}

// New compiles a policy that was built in Go. An error is a [*LoadError] with everything that is wrong.
func New(m Model, c Config) (*Policy, error) {
	ps := &problems{}
	return compile(m.document(ps), ps, c)
}

// Version identifies what the policy says: two policies with the same version allow the same, and the order in which
// roles, grants or anything else was written makes no difference. Tests and descriptions do not count.
func (p *Policy) Version() string { return p.version }

// File returns the name that the policy was parsed under, or "".
func (p *Policy) File() string { return p.file }

// Catalog returns the catalog that the policy was compiled with or, without one, that of its own permissions.
func (p *Policy) Catalog() *Catalog { return p.catalog }

// Permissions iterates over the permissions that the policy declares, sorted.
func (p *Policy) Permissions() iter.Seq[string] {
	names := make([]string, 0, len(p.expand.names))
	for _, name := range p.expand.names {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Values(names)
}

// Roles iterates over the roles, sorted.
func (p *Policy) Roles() iter.Seq[string] {
	return slices.Values(slices.Sorted(maps.Keys(p.roles)))
}

// Conditions iterates over the names of the conditions that the policy mentions, sorted.
func (p *Policy) Conditions() iter.Seq[string] {
	var names []string
	for _, c := range p.combos {
		names = append(names, c.names...)
	}
	slices.Sort(names)
	return slices.Values(slices.Compact(names))
}

// HasRole reports whether the policy defines the role.
func (p *Policy) HasRole(name string) bool {
	_, ok := p.roles[name]
	return ok
}

// HasPermission reports whether the policy declares the permission.
func (p *Policy) HasPermission(name string) bool {
	_, ok := p.index(name)
	return ok
}

// index returns the place of a declared permission.
func (p *Policy) index(name string) (uint32, bool) {
	i, ok := p.catalog.index[name]
	return i, ok && p.expand.names[i] != ""
}

func (p *Policy) at(at pos) Position { return at.in(p.file) }
