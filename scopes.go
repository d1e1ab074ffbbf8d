package auth

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A ScopeSet is the set of scopes that a credential carries (RFC 6749 §3.3). The zero ScopeSet is empty, and an
// empty set allows no scope at all. [Unlimited] is the set that nothing narrowed; only a first-party login has it,
// and never by omission. A ScopeSet is immutable and safe for concurrent use.
type ScopeSet struct {
	names     []string
	unlimited bool
}

// Unlimited returns the set that holds every scope, for a login that nothing narrowed.
func Unlimited() ScopeSet { return ScopeSet{unlimited: true} }

// maxScopes is how many scopes a set has. A token with more is no token that somebody meant to issue.
const maxScopes = 1000

// NewScopeSet returns the set of the scopes named, in order, each once. More than 1000 are an error. A name that is not a scope-token is an
// error: one or more printable ASCII characters other than space, '"' and '\' (RFC 6749 §3.3).
func NewScopeSet(names ...string) (ScopeSet, error) {
	if len(names) == 0 {
		return ScopeSet{}, nil
	}
	if len(names) > maxScopes {
		return ScopeSet{}, fmt.Errorf("auth: %d scopes: use up to %d", len(names), maxScopes)
	}
	set := make([]string, 0, len(names))
	for _, name := range names {
		if !validScope(name) {
			return ScopeSet{}, fmt.Errorf("auth: scope %q: use printable ASCII without space, '\"' or '\\' (RFC 6749 §3.3)", name)
		}
		if !slices.Contains(set, name) {
			set = append(set, name)
		}
	}
	return ScopeSet{names: set}, nil
}

// ParseScopeSet reads a space-delimited list of scopes, as the scope parameter and claim hold it. "" is the empty
// set; a leading, trailing or doubled space is an error.
func ParseScopeSet(s string) (ScopeSet, error) {
	if s == "" {
		return ScopeSet{}, nil
	}
	return NewScopeSet(strings.Split(s, " ")...)
}

// MustScopeSet is [NewScopeSet] for constants; it panics where that returns an error.
func MustScopeSet(names ...string) ScopeSet {
	set, err := NewScopeSet(names...)
	if err != nil {
		panic(err)
	}
	return set
}

// IsUnlimited reports whether the set holds every scope.
func (s ScopeSet) IsUnlimited() bool { return s.unlimited }

// Len returns the number of scopes named; 0 for an unlimited set, which names none.
func (s ScopeSet) Len() int { return len(s.names) }

// Has reports whether the set holds the scope.
func (s ScopeSet) Has(scope string) bool {
	return s.unlimited || slices.Contains(s.names, scope)
}

// Covers reports whether the set holds every scope of other. Only an unlimited set covers an unlimited one.
func (s ScopeSet) Covers(other ScopeSet) bool {
	if s.unlimited {
		return true
	}
	if other.unlimited {
		return false
	}
	for _, name := range other.names {
		if !slices.Contains(s.names, name) {
			return false
		}
	}
	return true
}

// All iterates over the scopes named, in order. An unlimited set names none.
func (s ScopeSet) All() iter.Seq[string] { return slices.Values(s.names) }

// String returns the scopes named, separated by spaces, as RFC 6749 §3.3 writes them.
func (s ScopeSet) String() string { return strings.Join(s.names, " ") }

func validScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}
