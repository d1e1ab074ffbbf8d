package middleware

import (
	"errors"
	"slices"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/place"
)

// Access says who may use a route. It is made by [Public], [Optional], [Authenticated] and [Require]; the zero Access
// says nothing, which [Mux.Build] reports: no route is open by omission.
type Access struct {
	kind         accessKind
	requirements []auth.Requirement
	guard        *Guard
	via          bool // guard was named
	also         []*Guard
	conceal      bool
	preflight    bool
	err          error
}

type accessKind uint8

const (
	accessUnsaid accessKind = iota
	accessPublic
	accessOptional
	accessRequired
)

var accessNames = [...]string{"unsaid", "public", "optional", "required"}

// Public lets everybody in and looks at no credential.
func Public() Access { return Access{kind: accessPublic} }

// Optional lets requests go on without a principal where nothing was sent, and with one where it was proved.
func Optional() Access { return Access{kind: accessOptional} }

// Authenticated lets every principal in.
func Authenticated() Access { return Access{kind: accessRequired} }

// Require lets principals in that meet every one of reqs. Naming none is a mistake that [Mux.Build] reports; say
// [Authenticated] where a principal is enough.
func Require(reqs ...auth.Requirement) Access {
	a := Access{kind: accessRequired, requirements: slices.Clone(reqs)}
	if len(reqs) == 0 {
		a.err = errors.New("Require names no requirement: use Authenticated where any principal is enough")
	}
	return a
}

// Via returns the access with a guard other than the mux's own, for routes that take other credentials.
func (a Access) Via(g *Guard) Access {
	a.guard, a.via = g, true
	return a
}

// Also returns the access with a guard that is asked too, before the route's own: the key of an application beside the token
// of its user, each in its own place. The handler gets the principal of the route's own guard. Guards of groups and those
// of several calls are all asked, outermost first. The access must be one that needs a principal, and so must g. A
// principal that the program sets with [auth.NewContext] counts for every guard of the route.
func (a Access) Also(g *Guard) Access {
	a.also = append(slices.Clone(a.also), g)
	return a
}

// Conceal returns the access with every refusal answered by the 404 of a route that does not exist.
func (a Access) Conceal() Access {
	a.conceal = true
	return a
}

// AllowPreflight returns the access with CORS preflights let through to the handler; see [Config].
func (a Access) AllowPreflight() Access {
	a.preflight = true
	return a
}

// within returns what a route with access a inside a group with access outer asks for: both.
func (a Access) within(outer Access) (Access, error) {
	if a.kind == accessUnsaid {
		return a, errors.New("its access is not stated: use Public, Optional, Authenticated or Require")
	}
	switch {
	case a.err != nil:
		return a, a.err
	case a.via && a.guard == nil:
		return a, errors.New("its guard is nil: give Access.Via one")
	case slices.Contains(a.also, nil):
		return a, errors.New("its further guard is nil: give Access.Also one")
	case len(a.also) > 0 && a.kind != accessRequired:
		return a, errors.New("it is " + accessNames[a.kind] + " and has a further guard, which would have to be met: use Authenticated or Require")
	case a.kind == accessPublic && (a.via || a.preflight):
		return a, errors.New("it is public and names a guard or preflights, which nobody asks: leave them out")
	case a.conceal && (a.kind != accessRequired || a.preflight):
		return a, errors.New("it is concealed, but whoever sends nothing or a preflight sees it: use Authenticated or Require, without AllowPreflight")
	}
	if outer.kind == accessUnsaid {
		return a, nil
	}
	if outer.kind != accessRequired {
		return a, errors.New("its group is " + accessNames[outer.kind] + ": a group can only ask for more; use Authenticated or Require")
	}
	if a.kind != accessRequired {
		return a, errors.New("it is " + accessNames[a.kind] + " inside a group that requires a principal: move it out of the group")
	}
	requirements := slices.Clone(outer.requirements)
	if outer.guard != nil && a.guard != nil && a.guard != outer.guard && outer.guard.c.Require != nil {
		requirements = append(requirements, outer.guard.c.Require) // the group asks for it, whoever authenticates
	}
	a.requirements = append(requirements, a.requirements...)
	if a.guard == nil {
		a.guard, a.via = outer.guard, outer.via
	}
	a.also = append(slices.Clone(outer.also), a.also...)
	a.conceal = a.conceal || outer.conceal || outer.guard != nil && outer.guard.c.Conceal
	a.preflight = a.preflight || outer.preflight
	return a, nil
}

// apply returns the guards for the access, outermost first; the last is the route's own, derived from base.
func (a Access) apply(base *Guard) ([]*Guard, error) {
	if a.guard != nil {
		base = a.guard
	}
	if base == nil {
		return nil, errors.New("it has no guard: set MuxConfig.Guard or use Access.Via")
	}
	own, err := base.With(func(c *Config) {
		c.Optional = a.kind == accessOptional
		if c.Optional {
			c.Require = nil
		} else if len(a.requirements) > 0 {
			c.Require = join(c.Require, a.requirements...)
		}
		c.Conceal = c.Conceal || a.conceal
		c.AllowPreflight = c.AllowPreflight || a.preflight
	})
	if err != nil {
		return nil, err
	}
	guards := append(slices.Clone(a.also), own)
	conceal := slices.ContainsFunc(guards, func(g *Guard) bool { return g.c.Conceal })
	for i, g := range guards {
		switch {
		case i < len(a.also) && g.c.Optional:
			return nil, errors.New("its further guard is optional, which asks for nothing: give Access.Also one that is not")
		case slices.ContainsFunc(guards[:i], func(outer *Guard) bool { return !together(outer.schemes, g.schemes) }):
			return nil, errors.New("two of its guards read the same place, so that no request has both credentials: give one of them another place")
		}
		guards[i], err = g.With(func(c *Config) {
			c.Conceal, c.AllowPreflight = conceal, own.c.AllowPreflight // or they would answer differently
		})
		if err != nil {
			return nil, err
		}
	}
	return guards, nil
}

// together reports whether a request can hold a credential of each list.
func together(a, b []auth.Scheme) bool {
	return slices.ContainsFunc(a, func(s auth.Scheme) bool {
		return slices.ContainsFunc(b, func(t auth.Scheme) bool { return place.Together(s, t) })
	})
}
