package auth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A Chain is several authenticators as one; [FirstOf] makes it. It is safe for concurrent use.
type Chain struct {
	members       []Authenticator
	schemes       []Scheme
	authorization bool // a member reads the Authorization header
	exclusive     bool
	incomplete    bool // it has no member, or a nil one
}

// FirstOf returns the chain of the authenticators given: the first that recognises a credential decides, and a
// recognised credential that is refused is never rescued by a later member. A value in a served place that no member
// recognises is refused with [KindInvalid]. Where credentials of different schemes come together, the order decides and
// the event names what was left unread; see [Chain.RefuseMultiple] for the other way.
//
// An empty chain and a nil member are mistakes that the guard's constructor reports; such a chain lets nobody in.
func FirstOf(members ...Authenticator) *Chain {
	c := &Chain{members: slices.Clone(members), incomplete: len(members) == 0}
	for _, m := range members {
		if m == nil {
			c.incomplete = true
			continue
		}
		c.schemes = append(c.schemes, m.Schemes()...)
	}
	c.authorization = slices.ContainsFunc(c.schemes, Scheme.InAuthorization)
	return c
}

// RefuseMultiple returns a chain of the same members that answers with [KindMalformed] where the places of two members
// are filled, as for a session cookie beside a bearer token. A client certificate is in no place and does not count.
func (c *Chain) RefuseMultiple() *Chain {
	d := *c
	d.exclusive = true
	return &d
}

// Members returns a copy of the chain's list.
func (c *Chain) Members() []Authenticator { return slices.Clone(c.members) }

// RefusesMultiple reports whether the chain is one of [Chain.RefuseMultiple].
func (c *Chain) RefusesMultiple() bool { return c.exclusive }

// Schemes implements [Authenticator]: those of every member, in order.
func (c *Chain) Schemes() []Scheme { return c.schemes }

// Authenticate implements [Authenticator].
func (c *Chain) Authenticate(r *http.Request) (*Principal, error) {
	d := Decide(c, r)
	return d.Principal, d.Err
}

// Decide implements [Decider].
func (c *Chain) Decide(r *http.Request) Decision {
	if c.incomplete {
		return Decision{Err: misconfigured(c.Validate())}
	}
	if c.authorization && len(r.Header["Authorization"]) > 1 {
		return Decision{Err: Malformed(ReasonRepeated, nil)}
	}
	if c.exclusive && c.places(r) > 1 {
		return Decision{Err: Malformed(ReasonMultiple, nil)}
	}
	var (
		header  http.Header
		stale   string
		nobodys bool     // a place holds a value that its member does not recognise
		schemes []Scheme // of such places
	)
	for i, m := range c.members {
		d := Decide(m, r)
		if len(d.Header) > 0 {
			header = mergeHeader(header, d.Header)
		}
		if d.Stale != "" {
			stale = d.Stale
		}
		switch {
		case absent(d.Err):
			continue
		case unrecognized(d.Err):
			nobodys, schemes = true, append(schemes, present(m.Schemes(), r)...)
			continue
		case d.Err == nil:
			d.Unread = append(d.Unread, c.unread(i, r)...)
		}
		if d.Schemes == nil {
			d.Schemes = m.Schemes()
		}
		if _, nested := m.(*Chain); !nested {
			d.By = m
		}
		d.Header, d.Stale = header, stale
		return d
	}
	if nobodys {
		return Decision{Err: ErrUnrecognized, Schemes: schemes, Header: header, Stale: stale}
	}
	return Decision{Err: ErrNoCredential, Header: header, Stale: stale}
}

// unread names the schemes, of members other than the one that decided, whose places are filled and are not its own.
func (c *Chain) unread(decided int, r *http.Request) []string {
	var names []string
	own := c.members[decided].Schemes()
	for i, m := range c.members {
		if i == decided {
			continue
		}
		for _, s := range m.Schemes() {
			if !slices.ContainsFunc(own, s.sharesPlace) && s.Present(r) {
				names = append(names, s.Name)
			}
		}
	}
	return names
}

// places counts the distinct places of the chain that are filled.
func (c *Chain) places(r *http.Request) int {
	n := 0
	for i, s := range c.schemes {
		if !slices.ContainsFunc(c.schemes[:i], s.sharesPlace) && s.Present(r) {
			n++
		}
	}
	return n
}

// sharesPlace reports whether s and t are read from one place: a credential there can be of only one of them.
func (s Scheme) sharesPlace(t Scheme) bool {
	if s.In != t.In || s.In == 0 {
		return false
	}
	if s.In != InHeader {
		return s.Parameter == t.Parameter
	}
	return strings.EqualFold(s.Parameter, t.Parameter) &&
		(!s.InAuthorization() || strings.EqualFold(s.AuthScheme, t.AuthScheme))
}

func present(schemes []Scheme, r *http.Request) []Scheme {
	var filled []Scheme
	for _, s := range schemes {
		if s.Present(r) {
			filled = append(filled, s)
		}
	}
	if filled == nil {
		return schemes // an empty Authorization header is of no scheme in particular
	}
	return filled
}

func mergeHeader(dst, src http.Header) http.Header {
	if dst == nil {
		return src.Clone()
	}
	for name, values := range src {
		dst[name] = append(dst[name], values...)
	}
	return dst
}

// Validate implements [Validator].
func (c *Chain) Validate() error {
	var errs []error
	if len(c.members) == 0 {
		errs = append(errs, errors.New("auth: FirstOf of no authenticator: give at least one"))
	}
	for i, m := range c.members {
		if m == nil {
			errs = append(errs, fmt.Errorf("auth: FirstOf: authenticator %d is nil", i+1))
			continue
		}
		if len(m.Schemes()) == 0 {
			errs = append(errs, fmt.Errorf("auth: FirstOf: authenticator %d describes no scheme: return at least one from Schemes", i+1))
		}
		if v, ok := m.(Validator); ok {
			errs = append(errs, v.Validate())
		}
	}
	if !c.incomplete && errors.Join(errs...) == nil {
		errs = append(errs, validateSchemes(c.schemes))
	}
	return errors.Join(errs...)
}

// ValidateAuthenticator reports why a can't be used: it is nil, describes no scheme or a wrong one, or says so itself
// as a [Validator]. The constructors of guards call it.
func ValidateAuthenticator(a Authenticator) error {
	if a == nil {
		return errors.New("auth: authenticator is nil: set one")
	}
	if v, ok := a.(Validator); ok {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	return validateSchemes(a.Schemes())
}
