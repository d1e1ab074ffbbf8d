package rbac

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
)

// A Resource is the one thing that a check is about. Its fields are what conditions look at; each may be empty where
// the program does not know it or no condition needs it.
type Resource struct {
	// ID names it, for logs.
	ID string
	// Tenant that it belongs to. A subject that was resolved in another tenant is denied.
	Tenant string
	// Owner and OwnerIssuer are the subject and issuer of the principal that it belongs to.
	Owner, OwnerIssuer string
	// Value is the program's own object, for its own conditions.
	Value any
}

// An Input is what a [Condition] decides on.
type Input struct {
	// Principal is nil where the subject was resolved from bindings alone.
	Principal *auth.Principal
	// Subject and Issuer name the principal; both are empty where there is none.
	Subject, Issuer string
	// Tenant is the one that the subject was resolved in; "" is none.
	Tenant string
	// Permission is the one asked for.
	Permission string
	// Resource is valid where HasResource says so.
	Resource    Resource
	HasResource bool
}

// A Condition decides whether a grant or a guardrail that names it applies. It must be quick, safe for concurrent use
// and mindful of its context. With an error, or a panic, a grant does not allow and a guardrail does deny. A condition
// that has to see a resource and was given none returns [ErrNeedsResource].
type Condition func(ctx context.Context, in Input) (bool, error)

// ErrNeedsResource is what a [Condition] returns when it can only tell with a resource: the check is then
// [Conditional] rather than denied.
var ErrNeedsResource = errors.New("rbac: the condition needs a resource")

// Owner is the condition that every policy may name as "owner": the resource belongs to the subject, by subject and
// issuer. A resource without an owner belongs to nobody.
func Owner(_ context.Context, in Input) (bool, error) {
	if !in.HasResource {
		return false, ErrNeedsResource
	}
	r := in.Resource
	return r.Owner != "" && r.Owner == in.Subject && r.OwnerIssuer == in.Issuer, nil
}

// combo is a set of conditions that have to hold together. Grants with the same set share one.
type combo struct {
	names []string // sorted
	run   []Condition
}

// combos interns the combinations of one policy.
type combos struct {
	bound map[string]Condition // nil functions stand for names that are accepted unbound
	list  []combo
	index map[string]uint32
}

func (c *combos) intern(names []string) uint32 {
	slices.Sort(names)
	names = slices.Compact(names)
	key := strings.Join(names, ",")
	if i, ok := c.index[key]; ok {
		return i
	}
	made := combo{names: names}
	for _, name := range names {
		made.run = append(made.run, c.bound[name])
	}
	i := uint32(len(c.list)) //nolint:gosec // the compiler stops at MaxConditionSets
	c.list, c.index[key] = append(c.list, made), i
	return i
}

// unused returns the names of bound that no combination has, sorted.
func (c *combos) unused(bound map[string]Condition) []string {
	var names []string
	for name := range bound {
		if !slices.ContainsFunc(c.list, func(made combo) bool { return slices.Contains(made.names, name) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

var errUnbound = errors.New("rbac: the condition is not bound to a function")

// PanicError is the cause of a decision that a condition's panic prevented.
type PanicError struct {
	Condition string
	Value     any
}

// Error names the condition and not the value, which may be anything.
func (e *PanicError) Error() string { return fmt.Sprintf("rbac: condition %q panicked", e.Condition) }

// holds reports whether every condition holds. One that does not decides, whatever the others fail with, so that their
// order makes no difference; an error is that of a condition that could not tell. failed names the deciding one.
func (c *combo) holds(ctx context.Context, in Input) (ok bool, failed string, err error) {
	for i, run := range c.run {
		holds, e := false, errUnbound
		if run != nil {
			holds, e = call(ctx, c.names[i], run, in)
		}
		switch {
		case e != nil:
			if err == nil || errors.Is(err, ErrNeedsResource) {
				failed, err = c.names[i], e
			}
		case !holds:
			return false, c.names[i], nil
		}
	}
	return err == nil, failed, err
}

func call(ctx context.Context, name string, run Condition, in Input) (ok bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			ok, err = false, &PanicError{name, v}
		}
	}()
	return run(ctx, in)
}

// within reports whether every condition of c is one of d.
func (c *combo) within(d *combo) bool {
	for _, name := range c.names {
		if _, ok := slices.BinarySearch(d.names, name); !ok {
			return false
		}
	}
	return true
}
