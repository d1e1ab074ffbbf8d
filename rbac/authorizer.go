package rbac

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/cardea-go/auth"
)

// AuthorizerConfig is what an [Authorizer] is made of. Only Policy is required.
type AuthorizerConfig struct {
	// Policy answers until [Authorizer.Swap] replaces it.
	Policy *Policy
	// Tenant chooses the tenant of a check by a [Requirement]. Nil takes the principal's own. A principal's own roles
	// count in its own tenant only, whatever Tenant returns; [Bindings] count where they say. An error means that the
	// question can't be decided. Where the path names the tenant, it is [PathTenant].
	Tenant func(ctx context.Context, p *auth.Principal) (string, error)
	// StrictRoles refuses a principal with a role that the policy lacks. Otherwise such a role allows nothing.
	StrictRoles bool
	// Audit is told of every decision by a [Requirement], by Check, CanOn and their kin, before it takes effect. It must
	// be safe for concurrent use and should not block. Nil tells nobody; telling costs the making of a [Decision].
	Audit func(ctx context.Context, d *Decision)
	// Logger is told of mistakes that show only when a request comes: conditional routes that are outside of
	// [Authorizer.Track] or ended without their second check, and checks of permissions that the policy does not declare.
	// Nil is [slog.Default].
	Logger *slog.Logger
}

// An Authorizer holds the policy in force. Checks read it without a lock, and a swap replaces it whole. It is safe for
// concurrent use.
type Authorizer struct {
	state   atomic.Pointer[state]
	tenant  func(ctx context.Context, p *auth.Principal) (string, error)
	strict  bool
	audit   func(ctx context.Context, d *Decision)
	logger  *slog.Logger
	unknown atomic.Uint64
}

// state is a policy and how often it was replaced before; they change together.
type state struct {
	policy     *Policy
	generation uint64
}

var errNoPolicy = errors.New("rbac: AuthorizerConfig.Policy is nil: parse one, or build one with New")

// NewAuthorizer returns an authorizer that answers by c.Policy.
func NewAuthorizer(c AuthorizerConfig) (*Authorizer, error) {
	if c.Policy == nil {
		return nil, errNoPolicy
	}
	a := &Authorizer{tenant: c.Tenant, strict: c.StrictRoles, audit: c.Audit, logger: c.Logger}
	if a.logger == nil {
		a.logger = slog.Default()
	}
	a.state.Store(&state{policy: c.Policy, generation: 1})
	return a, nil
}

// Policy returns the policy in force.
func (a *Authorizer) Policy() *Policy { return a.state.Load().policy }

// Generation counts the policies that were in force, from 1.
func (a *Authorizer) Generation() uint64 { return a.state.Load().generation }

// UnknownRoles counts the principals that were resolved with a role that the policy lacks.
func (a *Authorizer) UnknownRoles() uint64 { return a.unknown.Load() }

// Swap puts p in force and returns its generation. Subjects that were resolved before keep their policy. A nil policy
// is not taken.
func (a *Authorizer) Swap(p *Policy) (uint64, error) {
	if p == nil {
		return a.Generation(), errNoPolicy
	}
	for {
		old := a.state.Load()
		next := &state{p, old.generation + 1}
		if a.state.CompareAndSwap(old, next) {
			return next.generation, nil
		}
	}
}

// Subject returns what the principal that a guard proved may do, for a handler: in the tenant that
// [AuthorizerConfig.Tenant] chooses, by the policy that answered the guard where the request is inside of
// [Authorizer.Track]. Without a principal the error is one of [auth.KindNoCredential].
func (a *Authorizer) Subject(ctx context.Context) (Subject, error) {
	p, ok := auth.FromContext(ctx)
	if !ok {
		return Subject{}, &auth.Error{Kind: auth.KindNoCredential, Reason: auth.ReasonAbsent}
	}
	return a.subject(ctx, p)
}

func (a *Authorizer) subject(ctx context.Context, p *auth.Principal) (Subject, error) {
	tenant := p.Tenant()
	if a.tenant != nil {
		var err error
		if tenant, err = a.tenant(ctx, p); err != nil {
			return Subject{}, auth.AsError(err)
		}
	}
	return a.ResolveIn(ctx, p, tenant), nil
}

// Check returns nil where the principal that a guard proved has the permission, whatever the resource, and otherwise the
// error of [Subject.Check], for middleware.Refuse. It is [Authorizer.Subject] and [Subject.Check] in one.
func (a *Authorizer) Check(ctx context.Context, permission string) error {
	s, err := a.Subject(ctx)
	if err != nil {
		return err
	}
	return s.Check(ctx, permission)
}

// CheckOn is [Authorizer.Check] with a resource: the second check of a conditional route. Where many are asked about, get
// the [Subject] once.
func (a *Authorizer) CheckOn(ctx context.Context, permission string, r Resource) error {
	s, err := a.Subject(ctx)
	if err != nil {
		return err
	}
	return s.CheckOn(ctx, permission, r)
}

// Resolve returns what a principal may do in its own tenant, by the policy of the tracked request, else by the one in
// force now. A nil principal is denied everything.
func (a *Authorizer) Resolve(ctx context.Context, p *auth.Principal) Subject {
	tenant := ""
	if p != nil {
		tenant = p.Tenant()
	}
	return a.ResolveIn(ctx, p, tenant)
}

// ResolveIn is [Authorizer.Resolve] in another tenant, where the principal's [Bindings] may count and its own roles do
// not.
func (a *Authorizer) ResolveIn(ctx context.Context, p *auth.Principal, tenant string) (s Subject) {
	s.policy, s.authorizer = a.current(ctx), a
	if p == nil {
		return s
	}
	s.resolve(p, tenant)
	if s.unknown {
		a.unknown.Add(1)
	}
	return s
}
