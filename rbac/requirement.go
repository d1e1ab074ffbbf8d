package rbac

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cardea-go/auth"
)

// A Requirement is an [auth.Requirement] that asks for permissions. Make one with [Authorizer.Require].
type Requirement struct {
	authorizer  *Authorizer
	permissions []string
	conditional bool
}

// Require returns the requirement of every permission named, whatever the resource: a permission that the principal has
// under conditions only does not do, unless the conditions hold without a resource. No permission, and one that the
// policy in force does not declare, are mistakes that the guard's constructor reports.
func (a *Authorizer) Require(permissions ...string) *Requirement {
	return &Requirement{authorizer: a, permissions: slices.Clone(permissions)}
}

// RequireConditional is [Authorizer.Require] for a route whose handler checks again with the resource: it lets in
// also those whom only a condition on the resource may allow. The route must be inside of [Authorizer.Track], which fails
// the request where the handler forgets; outside of it nothing can be decided about such a principal, which is 503 and a
// line in the log.
func (a *Authorizer) RequireConditional(permissions ...string) *Requirement {
	r := a.Require(permissions...)
	r.conditional = true
	return r
}

// Permissions returns what the requirement asks for.
func (r *Requirement) Permissions() []string { return slices.Clone(r.permissions) }

var errUntracked = errors.New("rbac: a conditional route outside of Authorizer.Track: wrap the handler in it")

// Check implements [auth.Requirement]. The cause of a refusal is a [*Decision].
func (r *Requirement) Check(ctx context.Context, p *auth.Principal) error {
	if p == nil {
		return &auth.Error{Kind: auth.KindNoCredential, Reason: auth.ReasonAbsent}
	}
	if r == nil || r.authorizer == nil || len(r.permissions) == 0 {
		return &auth.Error{Kind: auth.KindUnavailable, Reason: auth.ReasonConfiguration, Err: r.Validate()}
	}
	s, err := r.authorizer.subject(ctx, p)
	if err != nil {
		return err
	}
	for _, permission := range r.permissions {
		if err := r.check(ctx, &s, permission); err != nil {
			return err
		}
	}
	return nil
}

func (r *Requirement) check(ctx context.Context, s *Subject, permission string) error {
	v := s.without(ctx, permission)
	switch {
	case v.answer == Allowed:
		return nil
	case v.answer == Denied || !r.conditional:
		return s.describe(permission, v, nil).authError()
	case !owe(ctx, debt{r.authorizer, s.principal, permission}):
		r.authorizer.logger.ErrorContext(ctx, errUntracked.Error(), "permission", permission)
		return &auth.Error{Kind: auth.KindUnavailable, Reason: auth.ReasonConfiguration, Err: errUntracked}
	}
	return nil
}

// Validate implements [auth.Validator].
func (r *Requirement) Validate() error {
	if r == nil || r.authorizer == nil {
		return errors.New("rbac: a requirement without an authorizer: make it with Authorizer.Require")
	}
	if len(r.permissions) == 0 {
		return errors.New("rbac: Require names no permission: name at least one, or leave the requirement out")
	}
	var errs []error
	policy := r.authorizer.Policy()
	for _, name := range r.permissions {
		if !policy.HasPermission(name) {
			errs = append(errs, fmt.Errorf("rbac: Require: the policy declares no permission %q%s", name, meant(name, policy.Permissions())))
		}
	}
	return errors.Join(errs...)
}

// Describe implements [auth.Describer].
func (r *Requirement) Describe() auth.Rule {
	rule := auth.Rule{Kind: "permission"}
	if r != nil {
		rule.Names = slices.Clone(r.permissions)
	}
	return rule
}
