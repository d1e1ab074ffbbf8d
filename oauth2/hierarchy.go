package oauth2

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cardea-go/auth"
)

// A ScopeHierarchy says which scopes a scope includes: {"notes": {"notes:read", "notes:write"}, "admin": {"notes"}}. What
// an included scope includes is included too. It is applied when a principal is made, so that requirements, which ask for
// the narrowest scope, need not know who includes it.
type ScopeHierarchy map[string][]string

// hierarchy is a compiled ScopeHierarchy: every scope that includes others, with all of them.
type hierarchy map[string][]string

// compile checks h and follows every inclusion to its end. A circle is a mistake: its scopes would all be one.
func (h ScopeHierarchy) compile() (hierarchy, error) {
	var errs []error
	all := make(hierarchy, len(h))
	for _, scope := range slices.Sorted(maps.Keys(h)) {
		if _, err := auth.NewScopeSet(append([]string{scope}, h[scope]...)...); err != nil {
			errs = append(errs, fmt.Errorf("oauth2: ScopeHierarchy[%q]: %w", scope, err))
			continue
		}
		included := h.follow(scope, nil)
		if slices.Contains(included, scope) {
			errs = append(errs, fmt.Errorf("oauth2: ScopeHierarchy: %q includes itself: break the circle", scope))
		}
		if len(included) > 0 {
			all[scope] = included
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

// follow appends to seen what scope includes.
func (h ScopeHierarchy) follow(scope string, seen []string) []string {
	for _, s := range h[scope] {
		if !slices.Contains(seen, s) {
			seen = h.follow(s, append(seen, s))
		}
	}
	return seen
}

// expand returns what the scopes granted stand for, and the same set where that is no more.
func (h hierarchy) expand(granted auth.ScopeSet) auth.ScopeSet {
	if len(h) == 0 {
		return granted
	}
	var more []string
	for s := range granted.All() {
		more = append(more, h[s]...)
	}
	if len(more) == 0 {
		return granted
	}
	set, err := auth.NewScopeSet(append(slices.Collect(granted.All()), more...)...)
	if err == nil { // as ever: the names were checked when they were compiled and when they were granted
		granted = set
	}
	return granted
}
