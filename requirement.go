package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Rule describes a [Requirement], for challenges, route lists and API descriptions.
type Rule struct {
	// Kind is "all", "any", "scopes", "roles", "recent", "assurance", or a word of another package such as
	// "permission". A requirement that does not describe itself is "custom".
	Kind string
	// Names are what the rule asks for: scopes, roles, permissions.
	Names []string
	// Rules are the parts of "all" and "any".
	Rules []Rule
}

// A Describer is a [Requirement] that says what it asks for.
type Describer interface {
	Describe() Rule
}

// Describe returns the rule that req describes itself by, and a rule of kind "custom" where it does not.
func Describe(req Requirement) Rule {
	if d, ok := req.(Describer); ok {
		return d.Describe()
	}
	return Rule{Kind: "custom"}
}

// Scopes returns the scopes that the rule needs, each once: all of those it names and, of alternatives, the first that
// names any. This is the scope that a 403 asks for (RFC 6750 §3.1).
func (r Rule) Scopes() []string {
	switch r.Kind {
	case "scopes":
		return slices.Clone(r.Names)
	case "all":
		var all []string
		for _, part := range r.Rules {
			for _, s := range part.Scopes() {
				if !slices.Contains(all, s) {
					all = append(all, s)
				}
			}
		}
		return all
	case "any":
		for _, part := range r.Rules {
			if s := part.Scopes(); len(s) > 0 {
				return s
			}
		}
	}
	return nil
}

// String returns the rule on one line, such as all(scopes(a b), roles(admin)); "" for the zero Rule. It is no stable format.
func (r Rule) String() string {
	if r.Kind == "" {
		return ""
	}
	parts := slices.Clone(r.Names)
	for _, sub := range r.Rules {
		parts = append(parts, sub.String())
	}
	separator := " "
	if len(r.Rules) > 0 {
		separator = ", "
	}
	return r.Kind + "(" + strings.Join(parts, separator) + ")"
}

func noPrincipal() error { return &Error{Kind: KindNoCredential, Reason: ReasonAbsent} }

// RequirementFunc is a [Requirement] made of a function. The function is not called without a principal; an error of
// its own that is no [*Error] means that the question can't be decided.
type RequirementFunc func(ctx context.Context, p *Principal) error

// Check implements [Requirement].
func (f RequirementFunc) Check(ctx context.Context, p *Principal) error {
	if p == nil {
		return noPrincipal()
	}
	if f == nil {
		return broken(errors.New("auth: nil RequirementFunc"))
	}
	return f(ctx, p)
}

// Validate implements [Validator].
func (f RequirementFunc) Validate() error {
	if f == nil {
		return errors.New("auth: nil RequirementFunc: give it a function")
	}
	return nil
}

// names is a requirement that asks for every one of a list of names.
type names struct {
	kind   string
	list   []string
	reason Reason
	err    error
	has    func(p *Principal, name string) bool
}

// Scopes requires every scope named (RFC 6749 §3.3); the set that a credential carries is made by [NewScopeSet]. No scope, and a name that is no scope-token, are mistakes that
// the guard's constructor reports.
func Scopes(scopes ...string) Requirement {
	n := &names{kind: "scopes", reason: ReasonMissingScope, has: func(p *Principal, s string) bool { return p.c.Scopes.Has(s) }}
	set, err := NewScopeSet(scopes...)
	n.list, n.err = set.names, err
	if len(scopes) == 0 {
		n.err = errors.New("auth: Scopes names no scope: name at least one, or leave the requirement out")
	}
	return n
}

// Roles requires every role named. For one of several, write Any(Roles("a"), Roles("b")). No role, and an empty name,
// are mistakes that the guard's constructor reports.
func Roles(roles ...string) Requirement {
	n := &names{kind: "roles", list: slices.Clone(roles), reason: ReasonMissingRole, has: (*Principal).HasRole}
	if len(roles) == 0 || slices.Contains(roles, "") {
		n.err = errors.New("auth: Roles needs at least one role, and no empty name")
	}
	return n
}

func (n *names) Check(_ context.Context, p *Principal) error {
	if p == nil {
		return noPrincipal()
	}
	if n.err != nil {
		return misconfigured(n.err)
	}
	for _, name := range n.list {
		if !n.has(p, name) {
			return Forbidden(n.reason, nil)
		}
	}
	return nil
}

func (n *names) Validate() error { return n.err }
func (n *names) Describe() Rule  { return Rule{Kind: n.kind, Names: slices.Clone(n.list)} }

func misconfigured(err error) *Error {
	return &Error{Kind: KindUnavailable, Reason: ReasonConfiguration, Err: err}
}

// combined is All or Any.
type combined struct {
	kind string
	list []Requirement
}

// All requires every one of reqs; the first that refuses decides, and where only step-ups are missing, all of those are
// asked for. An empty list and a nil requirement are mistakes that
// the guard's constructor reports.
func All(reqs ...Requirement) Requirement { return &combined{"all", slices.Clone(reqs)} }

// Any requires one of reqs. Where none allows, the answer is that of the first; but where one could not be decided, the
// whole can't be, and where a step-up would do, that is the answer. An empty list and a nil requirement are mistakes that the guard's constructor reports.
func Any(reqs ...Requirement) Requirement { return &combined{"any", slices.Clone(reqs)} }

func (c *combined) Check(ctx context.Context, p *Principal) error {
	if p == nil {
		return noPrincipal()
	}
	if len(c.list) == 0 {
		return misconfigured(c.Validate())
	}
	var (
		first  error
		stepUp *Error
	)
	for _, req := range c.list {
		if req == nil {
			return misconfigured(c.Validate())
		}
		err := req.Check(ctx, p)
		if c.kind == "all" {
			switch {
			case err == nil:
			case KindOf(err) == KindStepUp:
				stepUp = joinStepUps(stepUp, AsError(err))
			default:
				return err
			}
			continue
		}
		if err == nil {
			return nil
		}
		if first == nil || weight(err) > weight(first) {
			first = err
		}
	}
	if stepUp != nil {
		return stepUp
	}
	return first
}

// joinStepUps asks for both at once, so that one login will do: RFC 9470 §3 allows max_age beside acr_values.
func joinStepUps(first, second *Error) *Error {
	if first == nil {
		return second
	}
	joined := *first
	joined.Params = slices.Concat(first.Params, second.Params)
	return &joined
}

// weight orders the refusals of alternatives: what could not be decided, what a login would mend, the rest.
func weight(err error) int {
	switch KindOf(err) {
	case KindUnavailable:
		return 2
	case KindStepUp:
		return 1
	default:
		return 0
	}
}

func (c *combined) Validate() error {
	var errs []error
	if len(c.list) == 0 {
		errs = append(errs, fmt.Errorf("auth: %s of no requirement: name at least one", c.kind))
	}
	for i, req := range c.list {
		if req == nil {
			errs = append(errs, fmt.Errorf("auth: %s: requirement %d is nil", c.kind, i+1))
		} else if v, ok := req.(Validator); ok {
			errs = append(errs, v.Validate())
		}
	}
	return errors.Join(errs...)
}

func (c *combined) Describe() Rule {
	r := Rule{Kind: c.kind}
	for _, req := range c.list {
		r.Rules = append(r.Rules, Describe(req))
	}
	return r
}

// recent is the requirement of a fresh login.
type recent struct {
	maxAge time.Duration
	clock  func() time.Time
}

// Recent requires that the subject logged in no longer than maxAge ago, and answers an older or unknown login with
// [KindStepUp] and max_age in seconds (RFC 9470 §3). maxAge is at least a second; clock may be nil for time.Now.
func Recent(maxAge time.Duration, clock func() time.Time) Requirement {
	if clock == nil {
		clock = time.Now
	}
	return &recent{maxAge, clock}
}

func (q *recent) Check(_ context.Context, p *Principal) error {
	if p == nil {
		return noPrincipal()
	}
	if err := q.Validate(); err != nil {
		return misconfigured(err)
	}
	at := p.c.AuthenticatedAt
	if age := q.clock().Sub(at); at.IsZero() || age > q.maxAge || age < -time.Minute {
		return &Error{Kind: KindStepUp, Reason: ReasonTooOld, Params: []Param{{"max_age", q.seconds()}}}
	}
	return nil
}

func (q *recent) seconds() string { return strconv.FormatInt(int64(q.maxAge/time.Second), 10) }

func (q *recent) Validate() error {
	if q.maxAge < time.Second {
		return errors.New("auth: Recent: use a maxAge of a second or more")
	}
	return nil
}

func (q *recent) Describe() Rule { return Rule{Kind: "recent", Names: []string{q.seconds()}} }

// assurance is the requirement of a strong enough login.
type assurance []string

// Assurance requires that the subject's authentication context class is one of acr, and otherwise answers with
// [KindStepUp] and acr_values (RFC 9470 §3). No class, and one that is empty or has a space, are mistakes that the
// guard's constructor reports.
func Assurance(acr ...string) Requirement { return assurance(slices.Clone(acr)) }

func (q assurance) Check(_ context.Context, p *Principal) error {
	if p == nil {
		return noPrincipal()
	}
	if err := q.Validate(); err != nil {
		return misconfigured(err)
	}
	if !slices.Contains(q, p.c.ACR) {
		return &Error{Kind: KindStepUp, Reason: ReasonTooWeak, Params: []Param{{"acr_values", strings.Join(q, " ")}}}
	}
	return nil
}

func (q assurance) Validate() error {
	if len(q) == 0 {
		return errors.New("auth: Assurance names no class: name at least one")
	}
	for _, acr := range q {
		if !validScope(acr) { // the same alphabet: acr_values is space-delimited and goes into a quoted-string
			return fmt.Errorf("auth: Assurance: class %q: use printable ASCII without space, '\"' or '\\'", acr)
		}
	}
	return nil
}

func (q assurance) Describe() Rule { return Rule{Kind: "assurance", Names: slices.Clone(q)} }
