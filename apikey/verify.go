package apikey

import (
	"context"
	"errors"
	"net/netip"

	"github.com/cardea-go/auth"
)

// Reasons that only this package uses.
const (
	ReasonChecksum    auth.Reason = "checksum"          // a key of ours with a letter wrong
	ReasonEnvironment auth.Reason = "wrong_environment" // a test key where live keys are served
	ReasonSuperseded  auth.Reason = "superseded"        // rotated, and the overlap is over
	ReasonBadRecord   auth.Reason = "bad_record"        // the stored digest can't be used
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
// networks is refused, as the client's address is not known: see [Keys.VerifyFrom].
//
// The errors are those of an [auth.Authenticator]: [auth.ErrUnrecognized] for what is not of this service's keys,
// [auth.KindInvalid] for a key that is not accepted, [auth.KindForbidden] for a right key from a wrong place,
// [auth.KindUnavailable] where the store does not answer.
func (k *Keys) Verify(ctx context.Context, key string) (*auth.Principal, error) {
	return k.VerifyFrom(ctx, key, netip.Addr{})
}

// VerifyFrom is [Keys.Verify] for a client whose address is known.
func (k *Keys) VerifyFrom(ctx context.Context, key string, client netip.Addr) (*auth.Principal, error) {
	p, err := k.recognize(key)
	if err != nil {
		return nil, err
	}
	return k.verify(ctx, p, key, func() (netip.Addr, error) { return client, nil })
}

// recognize reads a key without looking anything up.
func (k *Keys) recognize(key string) (parsed, error) {
	p, shape := k.format.parse(key)
	switch shape {
	case shapeGood:
		return p, nil
	case shapeForeign:
		return p, auth.ErrUnrecognized
	case shapeChecksum:
		return p, auth.Invalid(ReasonChecksum, nil)
	case shapeEnvironment:
		return p, auth.Invalid(ReasonEnvironment, nil)
	}
	if len(key) > maxKeyBytes {
		return p, auth.Invalid(auth.ReasonTooLong, nil)
	}
	return p, auth.Invalid(auth.ReasonMalformed, nil)
}

// verify looks the key up and goes through the record in a fixed order: the secret first, so that nothing about a key
// is told to somebody who lacks it.
func (k *Keys) verify(ctx context.Context, p parsed, key string, client func() (netip.Addr, error)) (*auth.Principal, error) {
	if err := ctx.Err(); err != nil {
		return nil, auth.Unavailable(err)
	}
	r, err := k.find(ctx, p.id)
	if errors.Is(err, ErrNotFound) {
		k.digests.work(key)
		return nil, auth.Invalid(auth.ReasonUnknown, nil)
	}
	if err != nil {
		return nil, err
	}
	switch k.digests.check(r.Digest, key) {
	case digestMismatch:
		return nil, auth.Invalid(auth.ReasonMismatch, nil)
	case digestUnusable:
		return nil, auth.Invalid(ReasonBadRecord, nil)
	}
	if err := k.standing(r); err != nil {
		return nil, err
	}
	if r.Networks != nil {
		if err := inNetworks(r.Networks, client); err != nil {
			return nil, err
		}
	}
	return k.principal(r)
}

// standing reports whether the key is in force now.
func (k *Keys) standing(r *Record) error {
	now := k.now()
	switch {
	case !r.RevokedAt.IsZero():
		return k.refuse(auth.ReasonRevoked, textRevoked)
	case r.Disabled:
		return k.refuse(auth.ReasonDisabled, textDisabled)
	case now.Before(r.NotBefore):
		return k.refuse(auth.ReasonNotYetValid, textNotYet)
	case !now.Before(r.ExpiresAt) && r.RotatedTo != "":
		return k.refuse(ReasonSuperseded, textRotated)
	case !now.Before(r.ExpiresAt):
		return k.refuse(auth.ReasonExpired, textExpired)
	}
	return nil
}

func (k *Keys) refuse(reason auth.Reason, text string) error {
	err := auth.Invalid(reason, nil)
	if k.c.ExplainRefusals {
		err.Message = text
	}
	return err
}

func inNetworks(networks []netip.Prefix, client func() (netip.Addr, error)) error {
	addr, err := client()
	if err != nil {
		return auth.Forbidden(auth.ReasonAddress, err)
	}
	addr = addr.Unmap()
	for _, n := range networks {
		if n.Contains(addr) {
			return nil
		}
	}
	return auth.Forbidden(auth.ReasonAddress, nil)
}

func (k *Keys) principal(r *Record) (*auth.Principal, error) {
	scopes, err := auth.NewScopeSet(r.Scopes...)
	if err != nil {
		return nil, auth.Invalid(ReasonBadRecord, err)
	}
	return auth.NewPrincipal(auth.PrincipalConfig{
		Subject: r.Subject, Issuer: r.Issuer, Tenant: r.Tenant,
		Scheme: schemeName, CredentialID: r.ID, Scopes: scopes,
		IssuedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt, Data: Key{r},
	})
}
