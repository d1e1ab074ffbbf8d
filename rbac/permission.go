package rbac

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A Catalog is the list of permissions that a program asks for. Policies compiled with one catalog understand each
// other's handles, so that a [Permission] made once holds across reloads. It is immutable and safe for concurrent use.
type Catalog struct {
	names []string
	index map[string]uint32
}

// NewCatalog returns the catalog of the permissions named, each "resource:action". A name that is no permission, and
// one that comes twice, are errors.
func NewCatalog(permissions ...string) (*Catalog, error) {
	c := &Catalog{names: slices.Clone(permissions), index: make(map[string]uint32, len(permissions))}
	var errs []error
	for i, name := range permissions {
		if !validPermission(name) {
			errs = append(errs, fmt.Errorf("rbac: catalog: %q is no permission: %s", name, permissionGrammar))
		}
		if _, twice := c.index[name]; twice {
			errs = append(errs, fmt.Errorf("rbac: catalog: %q comes twice: name it once", name))
		}
		c.index[name] = uint32(i)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// MustCatalog is [NewCatalog] for constants, as generated code has them; it panics where that returns an error.
func MustCatalog(permissions ...string) *Catalog {
	c, err := NewCatalog(permissions...)
	if err != nil {
		panic(err)
	}
	return c
}

// Len returns the number of permissions.
func (c *Catalog) Len() int { return len(c.names) }

// All iterates over the permissions in the order in which they were named.
func (c *Catalog) All() iter.Seq[string] { return slices.Values(c.names) }

// Permission returns the handle of a permission, and whether the catalog has it.
func (c *Catalog) Permission(name string) (Permission, bool) {
	i, ok := c.index[name]
	if !ok {
		return Permission{}, false
	}
	return Permission{c, i}, true
}

// MustPermission is [Catalog.Permission] for constants; it panics where the catalog lacks the name.
func (c *Catalog) MustPermission(name string) Permission {
	p, ok := c.Permission(name)
	if !ok {
		panic(fmt.Sprintf("rbac: the catalog has no permission %q", name))
	}
	return p
}

// A Permission is a handle on one permission of a [Catalog]: checking it costs no look-up. The zero Permission is one
// that nobody is allowed. Checked against a policy that was compiled with another catalog it is looked up by name.
type Permission struct {
	catalog *Catalog
	index   uint32
}

// String returns the permission's name, "" for the zero Permission.
func (p Permission) String() string {
	if p.catalog == nil {
		return ""
	}
	return p.catalog.names[p.index]
}

const (
	permissionGrammar = `write resource:action in lower-case ASCII letters, digits, "-" and "_", with dots between the parts of a resource`
	maxNameBytes      = 200
)

// validPermission reports whether s is resource:action without a wildcard.
func validPermission(s string) bool {
	resource, action, ok := strings.Cut(s, ":")
	return ok && len(s) <= maxNameBytes && validResource(resource, false) && validSegment(action)
}

func validResource(s string, wildcard bool) bool {
	for segment := range strings.SplitSeq(s, ".") {
		if !validSegment(segment) && (!wildcard || segment != "*") {
			return false
		}
	}
	return true
}

func validSegment(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '_') {
			return false
		}
	}
	return s != ""
}

// validRole reports whether s can name a role: what other systems call theirs, without spaces and wildcards.
func validRole(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || strings.IndexByte("-_.:/@", c) < 0) {
			return false
		}
	}
	return s != "" && len(s) <= maxNameBytes
}

func isPattern(s string) bool { return strings.Contains(s, "*") }

// expander finds what patterns stand for among the declared permissions. Wildcards are whole segments: "*" is
// everything, "invoice:*" every action on one resource, "*:read" one action on every resource, and a "*" between dots
// is any one part of a resource's name.
type expander struct {
	names      []string // by index; "" is a permission of the catalog that the policy does not declare
	byResource map[string][]uint32
	byAction   map[string][]uint32
	known      map[string][]uint32
}

func newExpander(names []string) *expander {
	return &expander{names: names, known: map[string][]uint32{}}
}

// prepare sorts the permissions by resource and action, once, when the first pattern is met.
func (x *expander) prepare() {
	if x.byResource != nil {
		return
	}
	x.byResource, x.byAction = map[string][]uint32{}, map[string][]uint32{}
	for i, name := range x.names {
		if resource, action, ok := strings.Cut(name, ":"); ok {
			x.byResource[resource] = append(x.byResource[resource], uint32(i))
			x.byAction[action] = append(x.byAction[action], uint32(i))
		}
	}
}

// expand returns what a pattern stands for; ok is false where it is malformed.
func (x *expander) expand(pattern string) (members []uint32, ok bool) {
	if members, ok = x.known[pattern]; ok {
		return members, true
	}
	resource, action, ok := strings.Cut(pattern, ":")
	if pattern == "*" {
		resource, action, ok = "*", "*", true
	}
	if !ok || !validResource(resource, true) || action != "*" && !validSegment(action) {
		return nil, false
	}
	x.prepare()
	candidates := x.byAction[action]
	switch {
	case !isPattern(resource):
		candidates = x.byResource[resource]
	case action == "*":
		candidates = nil
		for i := range x.names {
			candidates = append(candidates, uint32(i))
		}
	}
	for _, i := range candidates {
		r, a, declared := strings.Cut(x.names[i], ":")
		if declared && (action == "*" || a == action) && matchResource(resource, r) {
			members = append(members, i)
		}
	}
	x.known[pattern] = members
	return members, true
}

// matchResource reports whether the pattern, "*" or one with "*" for single parts, stands for the resource.
func matchResource(pattern, resource string) bool {
	if pattern == "*" {
		return true
	}
	for {
		p, morePattern, ok1 := strings.Cut(pattern, ".")
		r, moreResource, ok2 := strings.Cut(resource, ".")
		if p != "*" && p != r || ok1 != ok2 {
			return false
		}
		if !ok1 {
			return true
		}
		pattern, resource = morePattern, moreResource
	}
}
