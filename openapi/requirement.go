package openapi

import (
	"fmt"
	"slices"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/middleware"
	"go.yaml.in/yaml/v3"
)

// maxAlternatives bounds how many sets of scopes a rule of nested Any and All may come to, and how many sets of schemes
// several guards.
const maxAlternatives = 64

// security returns the list of Security Requirement Objects of a route: one object for each set of schemes that is enough,
// {} where nothing is, and an empty list where the route is public.
func security(r middleware.Route, v version) (*yaml.Node, error) {
	all := list()
	switch r.Access {
	case "public":
		return all, nil
	case "optional", "required":
	default:
		return nil, fmt.Errorf("its access is %s: use Public, Optional, Authenticated or Require", r.Access)
	}
	if r.Err != nil {
		return nil, r.Err
	}
	if len(r.Schemes) == 0 {
		return nil, fmt.Errorf("it is %s and has no scheme: see what Mux.Build says about it", r.Access)
	}
	options, err := options(r, v)
	if err != nil {
		return nil, err
	}
	all.Style = 0
	for _, o := range options {
		n := o.object()
		if !slices.ContainsFunc(all.Content, func(there *yaml.Node) bool { return same(there, n) }) {
			all.Content = append(all.Content, n)
		}
	}
	if r.Access == "optional" {
		none := object()
		none.Style = yaml.FlowStyle
		all.Content = append(all.Content, none)
	}
	return all, nil
}

func takesScopes(s auth.Scheme) bool {
	return s.InAuthorization() && (s.Type == "oauth2" || s.Type == "openIdConnect")
}

// alternatives returns the sets of scopes of which one is needed. A part that asks for something else than scopes needs
// the empty set; what it asks for is told by extensions.
func alternatives(r auth.Rule) ([][]string, error) {
	switch {
	case r.Kind == "scopes":
		return [][]string{r.Names}, nil
	case r.Kind == "any" && len(r.Rules) > 0:
		var sets [][]string
		for _, part := range r.Rules {
			more, err := alternatives(part)
			if err != nil {
				return nil, err
			}
			for _, set := range more {
				if !slices.ContainsFunc(sets, func(s []string) bool { return slices.Equal(s, set) }) {
					sets = append(sets, set)
				}
			}
		}
		return bounded(sets)
	case r.Kind == "all":
		sets := [][]string{nil}
		for _, part := range r.Rules {
			more, err := alternatives(part)
			if err != nil {
				return nil, err
			}
			if sets, err = bounded(product(sets, more)); err != nil {
				return nil, err
			}
		}
		return sets, nil
	}
	return [][]string{nil}, nil
}

func bounded[T any](sets []T) ([]T, error) {
	if len(sets) > maxAlternatives {
		return nil, fmt.Errorf("its rule comes to more than %d alternatives: make it simpler", maxAlternatives)
	}
	return sets, nil
}

func product(a, b [][]string) [][]string {
	sets := make([][]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			sets = append(sets, union(x, y))
		}
	}
	return sets
}

func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// extensions returns what a rule asks for beyond what OpenAPI has words for: x-requirement is the whole rule, x-roles and
// x-permissions are the roles and permissions that are needed in any case.
func extensions(r auth.Rule) []member {
	if r.Kind == "" {
		return nil
	}
	var all []member
	for _, e := range []struct{ key, kind string }{{"x-roles", "roles"}, {"x-permissions", "permission"}} {
		if names := always(r, e.kind); len(names) > 0 {
			all = append(all, member{e.key, texts(names)})
		}
	}
	return append(all, member{"x-requirement", ruleObject(r)})
}

type member struct {
	key   string
	value *yaml.Node
}

func always(r auth.Rule, kind string) []string {
	switch {
	case r.Kind == kind:
		return r.Names
	case r.Kind == "all" || r.Kind == "any" && len(r.Rules) == 1:
		var names []string
		for _, part := range r.Rules {
			names = union(names, always(part, kind))
		}
		return names
	}
	return nil
}

func ruleObject(r auth.Rule) *yaml.Node {
	n := object("kind", r.Kind)
	if len(r.Names) > 0 {
		set(n, "names", texts(r.Names))
	}
	if len(r.Rules) > 0 {
		parts := list()
		parts.Style = 0
		for _, part := range r.Rules {
			parts.Content = append(parts.Content, ruleObject(part))
		}
		set(n, "rules", parts)
	}
	return n
}
