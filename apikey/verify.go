package apikey

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/cardea-go/auth"
)

// Reasons that only this package uses.
const (
	ReasonChecksum    auth.Reason = "checksum"          // a key of ours with a letter wrong
	ReasonEnvironment auth.Reason = "wrong_environment" // a test key where live keys are served
	ReasonSuperseded  auth.Reason = "superseded"        // rotated, and the overlap is over
	ReasonBadRecord   auth.Reason = "bad_record"        // the stored record can't be used
	ReasonExposed     auth.Reason = "exposed"           // sent without TLS
	ReasonCrossOrigin auth.Reason = "cross_origin"      // in a cookie, from another site
	ReasonAuthority   auth.Reason = "more_than_held"    // a key that may do more than its creator
)

// Public sentences for a caller who proved the secret; see [Config.ExplainRefusals].
const (
	textExpired  = "the API key has expired"
	textRevoked  = "the API key was revoked"
	textDisabled = "the API key is disabled"
	textNotYet   = "the API key is not valid yet"
	textRotated  = "the API key was replaced by another"
)

// Verify returns the principal that key stands for. It is for transports other than HTTP; a key that is bound to
// networks is refused, as the client's address is not known, and [Config.Misses] is not asked: see [Keys.VerifyFrom].
//
// The errors are those of an [auth.Authenticator]: [auth.ErrUnrecognized] for what is not of this service's keys,
// [auth.KindInvalid] for a key that is not accepted, [auth.KindForbidden] for a right key from a wrong place,
// [auth.KindThrottled] where a limit is reached, [auth.KindUnavailable] where the store does not answer.
func (k *Keys) Verify(ctx context.Context, key string) (*auth.Principal, error) {
	return k.verifyText(ctx, key, source{})
}

// VerifyFrom is [Keys.Verify] for a client whose address is known.
func (k *Keys) VerifyFrom(ctx context.Context, key string, client netip.Addr) (*auth.Principal, error) {
	return k.verifyText(ctx, key, source{known: true, addr: client})
}

func (k *Keys) verifyText(ctx context.Context, key string, from source) (*auth.Principal, error) {
	p, err := k.recognize(key)
	if err != nil {
		return nil, err
	}
	return k.verify(ctx, p, key, from)
}

// recognize reads a key without looking anything up.
func (k *Keys) recognize(key string) (parsed, error) {
	p, shape := k.format.parse(key)
	switch shape {
	case shapeGood:
		return p, nil
	case shapeForeign:
		return k.recognizeForeign(key)
	case shapeChecksum:
		return p, auth.Invalid(ReasonChecksum, nil)
	case shapeEnvironment:
		return p, auth.Invalid(ReasonEnvironment, nil)
	case shapeMalformed:
	}
	if len(key) > maxKeyBytes {
		return p, auth.Invalid(auth.ReasonTooLong, nil)
	}
	if p, err := k.recognizeForeign(key); err == nil {
		return p, nil // of a system that used the same prefix
	}
	return p, auth.Invalid(auth.ReasonMalformed, nil)
}

// source is where a key came from. The address is found only when something asks for it.
type source struct {
	known bool
	addr  netip.Addr
	find  auth.AddrFunc
	req   *http.Request
}

var errNoAddress = errors.New("apikey: the client's address is not known")

func (s *source) address() (netip.Addr, error) {
	switch {
	case s.find != nil:
		return s.find(s.req)
	case !s.addr.IsValid():
		return s.addr, errNoAddress
	}
	return s.addr, nil
}

// verify looks the key up and goes through the record in a fixed order: the secret first, so that nothing about a key
// is told to somebody who lacks it; what costs the key's owner something last.
func (k *Keys) verify(ctx context.Context, p parsed, key string, from source) (*auth.Principal, error) {
	if err := ctx.Err(); err != nil {
		return nil, auth.Unavailable(err)
	}
	if err := k.throttled(&from); err != nil {
		return nil, err
	}
	r, old, err := k.prove(ctx, p, key)
	if err != nil {
		return nil, k.missed(ctx, &from, err)
	}
	now := k.now()
	if err := k.standing(r, now); err != nil {
		return nil, err
	}
	if r.Networks != nil {
		if err := inNetworks(r, &from); err != nil {
			return nil, err
		}
	}
	principal, err := k.principal(r)
	if err != nil {
		return nil, about(r, auth.Invalid(ReasonBadRecord, err))
	}
	if err := ctx.Err(); err != nil {
		return nil, auth.Unavailable(err)
	}
	if err := k.charge(ctx, r); err != nil {
		return nil, err
	}
	k.uses.note(r, now)
	if old {
		k.upgrade(ctx, r, key)
	}
	return principal, nil
}

// prove finds the record and checks the secret against it. old says that the digest is to be made anew.
func (k *Keys) prove(ctx context.Context, p parsed, key string) (r *Record, old bool, err error) {
	r, err = k.lookUp(ctx, p.id)
	if errors.Is(err, ErrNotFound) {
		k.digests.work(key)
		return nil, false, auth.Invalid(auth.ReasonUnknown, nil)
	}
	if err != nil {
		return nil, false, err
	}
	switch k.digests.check(r.Digest, key, p.foreign) {
	case digestMismatch:
		return nil, false, about(r, auth.Invalid(auth.ReasonMismatch, nil))
	case digestUnusable:
		return nil, false, about(r, auth.Invalid(ReasonBadRecord, nil))
	case digestMatchOld:
		old = true
	case digestMatch:
	}
	// The digest binds a key of ours to its id, environment and kind, but not the row to the key. A foreign key says
	// nothing about where it belongs.
	if r.Environment != k.c.Environment {
		return nil, false, about(r, auth.Invalid(ReasonEnvironment, nil))
	}
	if p.head != nil && p.head.kind != r.Kind {
		return nil, false, about(r, auth.Invalid(ReasonBadRecord, nil))
	}
	return r, old, nil
}

// about names the key in the event. The id is public, and it is one that the store knows.
func about(r *Record, e *auth.Error) *auth.Error {
	e.CredentialID = r.ID
	return e
}

// throttled reports whether the client's network has tried too many keys that were none.
func (k *Keys) throttled(from *source) error {
	if k.c.Misses == nil || !from.known {
		return nil
	}
	addr, _ := from.address() // clients without an address share one budget
	if d := k.c.Misses.Peek(addr); !d.Allowed {
		return auth.Throttled(d.RetryAfter)
	}
	return nil
}

// missed charges the client's network for a key that was none.
func (k *Keys) missed(ctx context.Context, from *source, err error) error {
	e := auth.AsError(err)
	if k.c.Misses == nil || !from.known || e.Reason != auth.ReasonUnknown && e.Reason != auth.ReasonMismatch {
		return err
	}
	addr, _ := from.address()
	if d := k.c.Misses.Reserve(ctx, addr); !d.Allowed {
		return auth.Throttled(d.RetryAfter)
	}
	return err
}

// standing reports whether the key is in force at a time.
func (k *Keys) standing(r *Record, now time.Time) error {
	switch {
	case !r.RevokedAt.IsZero():
		return k.refuse(r, auth.ReasonRevoked, textRevoked)
	case r.Disabled:
		return k.refuse(r, auth.ReasonDisabled, textDisabled)
	case now.Before(r.NotBefore):
		return k.refuse(r, auth.ReasonNotYetValid, textNotYet)
	case !now.Before(r.ExpiresAt) && r.RotatedTo != "":
		return k.refuse(r, ReasonSuperseded, textRotated)
	case !now.Before(r.ExpiresAt):
		return k.refuse(r, auth.ReasonExpired, textExpired)
	}
	return nil
}

func (k *Keys) refuse(r *Record, reason auth.Reason, text string) error {
	err := about(r, auth.Invalid(reason, nil))
	if k.c.ExplainRefusals {
		err.Message = text
	}
	return err
}

func inNetworks(r *Record, from *source) error {
	addr, err := from.address()
	if err != nil {
		return about(r, auth.Forbidden(auth.ReasonAddress, err))
	}
	addr = addr.Unmap()
	for _, n := range r.Networks {
		if n.Contains(addr) {
			return nil
		}
	}
	return about(r, auth.Forbidden(auth.ReasonAddress, nil))
}

func (k *Keys) principal(r *Record) (*auth.Principal, error) {
	scopes, err := auth.NewScopeSet(r.Scopes...)
	if err != nil {
		return nil, err
	}
	return auth.NewPrincipal(auth.PrincipalConfig{
		Subject: r.Subject, Issuer: r.Issuer, Tenant: r.Tenant,
		Scheme: schemeName, CredentialID: r.ID, Scopes: scopes,
		IssuedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, Data: Key{r},
	})
}

// charge takes one use from the limit of the key's family.
func (k *Keys) charge(ctx context.Context, r *Record) error {
	if k.c.Limit == nil {
		return nil
	}
	d, err := k.c.Limit.Reserve(ctx, cmp.Or(r.Family, r.ID), 1)
	if err != nil {
		return auth.Unavailable(fmt.Errorf("apikey: limit: %w", err))
	}
	if !d.Allowed {
		return about(r, auth.Throttled(d.RetryAfter))
	}
	return nil
}

// upgradeTimeout is how long a request waits for a digest to be replaced.
const upgradeTimeout = time.Second

// upgrade replaces a digest that was made otherwise than new ones are. The request does not hang on it: a record that
// changed meanwhile keeps its change, and the next use tries again.
func (k *Keys) upgrade(ctx context.Context, r *Record, key string) {
	ctx, cancel := context.WithTimeout(ctx, upgradeTimeout)
	defer cancel()
	next := r.Clone()
	next.Digest = k.digests.digest(key)
	err := k.c.Store.Update(ctx, next)
	switch {
	case err == nil:
		k.changed(ctx, ActionUpgraded, next, "")
	case !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound):
		k.c.OnError(fmt.Errorf("apikey: upgrade of a digest: %w", err))
	}
}
