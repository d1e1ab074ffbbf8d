package apikey

import (
	"context"
	"errors"
	"time"

	"github.com/cardea-go/auth"
)

// OwnKeys are the keys as one caller may make and manage them: those of its own issuer, subject and tenant, and for
// whom [Config.Admin] lets pass, those of others in its tenant, or in all where it has none. Any other key is not found.
// What a caller makes, by creating or rotating, never exceeds what it holds itself:
//
//   - scopes: each must be one of its own;
//   - where it came with an API key: the new key has the same kind, is bound to the same networks or fewer, and ends no
//     later. A rotation of that very key is free of the last, within [Config.MaxLifetime]. The key must still be in force
//     by then, which is one more look-up.
//
// It is made by [Keys.For].
type OwnKeys struct {
	keys   *Keys
	caller *auth.Principal
}

// For returns the keys as p may manage them. For a nil p every method answers with [auth.KindNoCredential].
func (k *Keys) For(p *auth.Principal) *OwnKeys { return &OwnKeys{k, p} }

// Create makes a key. An empty subject in req is the caller; CreatedBy is set. Refusals are of [auth.KindForbidden]:
// another subject, more than the caller holds, a life beyond the longest allowed, too many keys.
func (o *OwnKeys) Create(ctx context.Context, req Request) (*Issued, error) {
	if err := o.complete(ctx, &req); err != nil {
		return nil, err
	}
	r, err := o.keys.record(req)
	if req.ExpiresAt.Sub(o.keys.now()) > o.keys.c.MaxLifetime {
		return nil, exceeds("the key would live longer than is allowed")
	}
	if err != nil {
		return nil, err
	}
	if err := o.mayGrant(r); err != nil {
		return nil, err
	}
	if err := o.hasRoom(ctx, r); err != nil {
		return nil, err
	}
	req.Networks, req.Kind, req.ExpiresAt = r.Networks, r.Kind, r.ExpiresAt
	return o.keys.Create(ctx, req)
}

// complete fills in what the request leaves to the caller, and refuses another subject.
func (o *OwnKeys) complete(ctx context.Context, req *Request) error {
	if o.caller == nil {
		return noPrincipal()
	}
	if req.Subject == "" && req.Issuer == "" {
		req.Subject, req.Issuer = o.caller.Subject(), o.caller.Issuer()
		if req.Tenant == "" {
			req.Tenant = o.caller.Tenant()
		}
	}
	req.CreatedBy = nameOf(o.caller)
	if !o.owns(req.Issuer, req.Subject, req.Tenant) {
		if admin, err := o.isAdmin(ctx, req.Tenant); err != nil || !admin {
			return firstError(err, exceeds("keys can be made for oneself only"))
		}
	}
	if err := o.stillStands(ctx); err != nil {
		return err
	}
	own, byKey := auth.Data[Key](o.caller)
	if !byKey {
		return nil
	}
	if req.Kind == "" {
		req.Kind = own.Kind()
	}
	if req.Networks == nil {
		req.Networks = own.r.Networks
	}
	if end := own.r.ExpiresAt; req.ExpiresAt.IsZero() && end.Before(o.keys.now().Add(o.keys.c.Lifetime)) {
		req.ExpiresAt = end
	}
	return nil
}

// stillStands looks at the caller's own key once more. A body may take its time: a thief who holds a request open would
// come back with a new key after the stolen one has been revoked.
func (o *OwnKeys) stillStands(ctx context.Context) error {
	own, byKey := auth.Data[Key](o.caller)
	if !byKey {
		return nil
	}
	r, err := o.keys.find(ctx, own.ID())
	switch {
	case errors.Is(err, ErrNotFound):
		return auth.Invalid(auth.ReasonUnknown, err)
	case err != nil:
		return err
	}
	return o.keys.standing(r, o.keys.now())
}

// mayGrant reports whether the caller holds all that r would.
func (o *OwnKeys) mayGrant(r *Record) error {
	scopes, err := auth.NewScopeSet(r.Scopes...)
	if err != nil {
		return storeError(err)
	}
	if !o.caller.Scopes().Covers(scopes) {
		return exceeds("the key would have scopes that its creator has not")
	}
	own, byKey := auth.Data[Key](o.caller)
	switch {
	case !byKey:
	case r.Kind != own.Kind():
		return exceeds("the key would be of another kind than the one that asks for it")
	case own.r.Networks != nil && (r.Networks == nil || !within(r.Networks, own.r.Networks)):
		return exceeds("the key would work from networks where the one that asks for it does not")
	case r.ExpiresAt.After(own.r.ExpiresAt) && r.RotatedFrom != own.ID():
		return exceeds("the key would outlive the one that asks for it")
	}
	return nil
}

// hasRoom counts the keys of r's subject. A successor replaces a key in force, and is one more that is kept. Two requests
// at once can both find room for the last one.
func (o *OwnKeys) hasRoom(ctx context.Context, r *Record) error {
	inForce, kept, most := 0, 0, o.keys.c.MaxPerSubject
	for after := ""; ; {
		page, err := o.keys.List(ctx, r.Issuer, r.Subject, after, MaxPage)
		if err != nil {
			return err
		}
		for i := range page.Records {
			if kept++; o.keys.standing(&page.Records[i], o.keys.now()) == nil {
				inForce++
			}
		}
		if inForce >= most && r.RotatedFrom == "" || kept >= 10*most {
			return exceeds("there are too many keys: revoke one")
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// List returns a page of the caller's keys, as [Keys.List] does. A page may hold fewer than limit, as keys that the
// caller has in other tenants are left out.
func (o *OwnKeys) List(ctx context.Context, after string, limit int) (*Page, error) {
	if o.caller == nil {
		return nil, noPrincipal()
	}
	page, err := o.keys.List(ctx, o.caller.Issuer(), o.caller.Subject(), after, limit)
	if err != nil {
		return nil, err
	}
	own := page.Records[:0]
	for _, r := range page.Records {
		if r.Tenant == o.caller.Tenant() {
			own = append(own, r)
		}
	}
	page.Records = own
	return page, nil
}

// Find returns the record of a key, or [ErrNotFound].
func (o *OwnKeys) Find(ctx context.Context, id string) (*Record, error) {
	if o.caller == nil {
		return nil, noPrincipal()
	}
	r, err := o.keys.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := o.mayManage(ctx, r); err != nil {
		return nil, err
	}
	return r, nil
}

// Rotate is [Keys.Rotate].
func (o *OwnKeys) Rotate(ctx context.Context, id string, grace time.Duration) (*Issued, error) {
	if o.caller == nil {
		return nil, noPrincipal()
	}
	return o.keys.rotate(ctx, id, grace, nameOf(o.caller), func(old, next *Record) error {
		if err := o.mayManage(ctx, old); err != nil {
			return err
		}
		if err := o.stillStands(ctx); err != nil {
			return err
		}
		if own, byKey := auth.Data[Key](o.caller); byKey && own.ID() != old.ID && next.ExpiresAt.After(own.r.ExpiresAt) {
			next.ExpiresAt = own.r.ExpiresAt
		}
		if err := o.mayGrant(next); err != nil {
			return err
		}
		return o.hasRoom(ctx, next)
	})
}

// Revoke is [Keys.Revoke].
func (o *OwnKeys) Revoke(ctx context.Context, id, reason string) error {
	if o.caller == nil {
		return noPrincipal()
	}
	return o.keys.revoke(ctx, id, reason, nameOf(o.caller), func(r *Record) error { return o.mayManage(ctx, r) })
}

// mayManage answers as for a key that does not exist, so that ids can't be tried out.
func (o *OwnKeys) mayManage(ctx context.Context, r *Record) error {
	if o.owns(r.Issuer, r.Subject, r.Tenant) {
		return nil
	}
	if admin, err := o.isAdmin(ctx, r.Tenant); err != nil || !admin {
		return firstError(err, ErrNotFound)
	}
	return nil
}

func (o *OwnKeys) owns(issuer, subject, tenant string) bool {
	return issuer == o.caller.Issuer() && subject == o.caller.Subject() && tenant == o.caller.Tenant()
}

// isAdmin reports whether the caller manages the keys of a tenant. Roles are held within the caller's tenant.
func (o *OwnKeys) isAdmin(ctx context.Context, tenant string) (bool, error) {
	if o.keys.c.Admin == nil || o.caller.Tenant() != "" && o.caller.Tenant() != tenant {
		return false, nil
	}
	err := o.keys.c.Admin.Check(ctx, o.caller)
	if err == nil {
		return true, nil
	}
	if kind := auth.KindOf(err); kind == auth.KindForbidden || kind == auth.KindStepUp {
		return false, nil
	}
	return false, auth.AsError(err)
}

// nameOf names a party in [Record.CreatedBy]: its subject, or issuer and subject joined by "|".
func nameOf(p *auth.Principal) string {
	if p.Issuer() == "" {
		return p.Subject()
	}
	return p.Issuer() + "|" + p.Subject()
}

func noPrincipal() error {
	return &auth.Error{Kind: auth.KindNoCredential, Reason: auth.ReasonAbsent}
}

// exceeds is a refusal with a sentence for the caller, who is known and has asked for too much.
func exceeds(text string) error {
	return &auth.Error{Kind: auth.KindForbidden, Reason: ReasonAuthority, Message: text}
}

func firstError(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
