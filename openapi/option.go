package openapi

import (
	"errors"
	"slices"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/place"
	"github.com/cardea-go/auth/middleware"
	"go.yaml.in/yaml/v3"
)

// An option is a set of schemes that is enough together, with the scopes that each needs.
type option []need

type need struct {
	scheme auth.Scheme
	scopes []string
}

// guardsOf returns what each guard of a route asks for, the route's own first.
func guardsOf(r middleware.Route) []middleware.FurtherGuard {
	return append([]middleware.FurtherGuard{{Schemes: r.Schemes, Rule: r.Rule}}, r.Also...)
}

// wholeRule returns what all of them ask for.
func wholeRule(r middleware.Route) auth.Rule {
	var rules []auth.Rule
	for _, g := range guardsOf(r) {
		if g.Rule.Kind != "" {
			rules = append(rules, g.Rule)
		}
	}
	switch len(rules) {
	case 0:
		return auth.Rule{}
	case 1:
		return rules[0]
	}
	return auth.Rule{Kind: "all", Rules: rules}
}

// options returns what is enough for all guards of a route.
func options(r middleware.Route, v version) ([]option, error) {
	all, err := optionsOf(r.Schemes, r.Rule, v)
	if err != nil {
		return nil, err
	}
	for _, g := range r.Also {
		more, err := optionsOf(g.Schemes, g.Rule, v)
		if err != nil {
			return nil, err
		}
		if all, err = bounded(combine(all, more)); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no request can hold a credential for each of its guards: see what Mux.Build says about it")
	}
	return all, nil
}

// optionsOf returns the options of one guard: each of its schemes, with each set of scopes that the rule comes to.
func optionsOf(schemes []auth.Scheme, rule auth.Rule, v version) ([]option, error) {
	sets, err := alternatives(rule)
	if err != nil {
		return nil, err
	}
	var all []option
	for _, s := range schemes {
		for _, scopes := range sets {
			if v.minor == 0 && !takesScopes(s) {
				scopes = nil // OpenAPI 3.0: the array MUST be empty for other types
			}
			all = append(all, option{{s, scopes}})
		}
	}
	return all, nil
}

// combine returns what is enough for two guards. Schemes of which no request can hold both are no option.
func combine(a, b []option) []option {
	var all []option
	for _, x := range a {
		for _, y := range b {
			if x.together(y) {
				all = append(all, x.with(y))
			}
		}
	}
	return all
}

func (o option) together(p option) bool {
	return !slices.ContainsFunc(o, func(n need) bool {
		return slices.ContainsFunc(p, func(m need) bool { return !place.Together(n.scheme, m.scheme) })
	})
}

// with returns what o and p need; a scheme of both needs the scopes of both.
func (o option) with(p option) option {
	joined := slices.Clone(o)
	for _, m := range p {
		i := slices.IndexFunc(joined, func(n need) bool { return n.scheme.Name == m.scheme.Name })
		if i < 0 {
			joined = append(joined, m)
			continue
		}
		joined[i].scopes = union(joined[i].scopes, m.scopes)
	}
	return joined
}

func (o option) object() *yaml.Node {
	n := object()
	for _, one := range o {
		set(n, one.scheme.Name, texts(one.scopes))
	}
	return n
}
