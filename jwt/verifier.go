package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
)

// A Verifier verifies tokens. It is immutable but for a bounded cache of headers, and safe for concurrent use.
type Verifier struct {
	c        Config
	algs     jose.Set
	sole     *trusted            // the only issuer, or nil
	issuers  map[string]*trusted // where there are several
	required []string
	headers  headerCache
}

// trusted is an issuer with its keys. Fixed sets are searched without the detour of the interface.
type trusted struct {
	name  string
	fixed *KeySet
	keys  KeySource
}

// NewVerifier returns the verifier that c describes, for tokens that are signed with public keys.
func NewVerifier(c Config) (*Verifier, error) { return newVerifier(c, false) }

// NewHMACVerifier returns the verifier that c describes, for tokens that are signed with a secret that the issuer and
// we share. c.Keys and c.Issuers must be nil, and c.Algorithms HMACs only.
func NewHMACVerifier(c Config, keys ...*HMACKey) (*Verifier, error) {
	if c.Keys != nil || len(c.Issuers) > 0 {
		return nil, errors.New("jwt: NewHMACVerifier: Config.Keys and Issuers are for public keys: leave them nil")
	}
	set, err := hmacSet(keys)
	if err != nil {
		return nil, err
	}
	c.Keys = set
	return newVerifier(c, true)
}

// hmacSet wraps secrets as keys of a set that never leaves this package.
func hmacSet(keys []*HMACKey) (*KeySet, error) {
	list := make([]*PublicKey, len(keys))
	for i, k := range keys {
		if k != nil && k.k != nil {
			list[i] = &PublicKey{k.k}
		}
	}
	return NewKeySet(list...)
}

func newVerifier(c Config, symmetric bool) (*Verifier, error) {
	algs, err := c.algorithms(symmetric)
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	c.Audience = slices.Clone(c.Audience)
	v := &Verifier{c: c, algs: algs, issuers: make(map[string]*trusted, len(c.Issuers))}
	for _, i := range c.Issuers {
		t := &trusted{name: i.Issuer, keys: i.Keys}
		t.fixed, _ = i.Keys.(*KeySet)
		v.issuers[i.Issuer] = t
		v.sole = t
	}
	if len(c.Issuers) > 1 {
		v.sole = nil
	}
	v.required = c.requiredClaims()
	return v, nil
}

func (c *Config) requiredClaims() []string {
	required := append(slices.Clone(profiles[c.Profile].required), c.Require...)
	if c.InsecureNoExpiry {
		required = slices.DeleteFunc(required, func(name string) bool { return name == "exp" })
	}
	if c.MaxAge > 0 || c.Revoker != nil {
		required = append(required, "iat")
	}
	slices.Sort(required)
	return slices.Compact(required)
}

// Verify checks a token and returns its claims. It returns claims if and only if the error is nil; the error is an
// [*auth.Error] that wraps one of this package's errors, or has [auth.KindUnavailable] where the keys, the revoker or
// the context do not let it decide.
//
// The steps, each of which ends it: length; three parts; header (algorithm allowed, no extension, type of the
// profile); issuer's key, bound to that algorithm; signature; claims, strictly; issuer; audience; required claims;
// nbf and iat; [Config.Validate]; [Config.Revoker]; and last the expiry, so that [ErrExpired] means that nothing else
// is wrong. The payload is not decoded before the signature has been checked, but for iss where there are several
// issuers.
//
// A revoker may forget a token once it has expired: do not trust an expired token because it was not revoked.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	if len(token) > v.c.MaxBytes {
		return nil, refuse(ErrTooLong)
	}
	compact, err := jose.Split(token)
	if err != nil {
		return nil, refuseParse(err)
	}
	header, cached, err := v.header(compact.Header)
	if err != nil {
		return nil, err
	}
	issuer, err := v.route(compact)
	if err != nil {
		return nil, err
	}
	key, err := issuer.key(ctx, header)
	if err != nil {
		return nil, err
	}
	payload, ok, err := compact.Verify(key)
	if err != nil {
		return nil, refuseParse(err)
	}
	if !ok {
		return nil, refuse(ErrSignature)
	}
	if !cached {
		v.headers.add(compact.Header, header)
	}
	claims, err := scanClaims(payload, header)
	if err != nil {
		return nil, refuse(err)
	}
	if err := v.check(ctx, issuer, claims); err != nil {
		return nil, err
	}
	return claims, nil
}

// header parses a header and checks what does not need a key.
func (v *Verifier) header(text string) (h *jose.Header, cached bool, err error) {
	if h := v.headers.find(text); h != nil {
		return h, true, nil // it passed the checks below, with a good signature
	}
	h, err = jose.ParseHeader(text, v.c.MaxHeaderBytes)
	if err != nil {
		return nil, false, refuseParse(err)
	}
	switch {
	case !v.algs.Has(h.Alg):
		return nil, false, refuse(ErrAlgorithm)
	case !v.c.Profile.takes(h.Type):
		return nil, false, refuse(ErrType)
	}
	return h, false, nil
}

// route returns the issuer whose key may verify the token.
func (v *Verifier) route(compact jose.Compact) (*trusted, error) {
	if v.sole != nil {
		return v.sole, nil
	}
	payload, err := compact.UnverifiedPayload()
	if err != nil {
		return nil, refuseParse(err)
	}
	if t := v.issuers[unverifiedIssuer(payload)]; t != nil {
		return t, nil
	}
	return nil, refuse(ErrIssuer)
}

func (t *trusted) key(ctx context.Context, h *jose.Header) (*jose.Key, error) {
	var k *PublicKey
	var err error
	if t.fixed != nil {
		k, err = t.fixed.find(h.KeyID, h.Alg)
	} else {
		k, err = t.keys.Key(ctx, h.KeyID, Algorithm(h.Alg.String()))
	}
	switch {
	case errors.Is(err, ErrUnknownKey):
		return nil, refuse(ErrUnknownKey)
	case errors.Is(err, ErrAlgorithm):
		return nil, refuse(ErrAlgorithm)
	case err != nil:
		return nil, auth.Unavailable(err)
	case k == nil || k.k == nil:
		return nil, auth.Unavailable(fmt.Errorf("jwt: key source of %q returned neither a key nor an error", t.name))
	case k.k.Alg != h.Alg: // a source of the user's own
		return nil, refuse(ErrAlgorithm)
	}
	return k.k, nil
}

// check decides about claims that the issuer has signed.
func (v *Verifier) check(ctx context.Context, issuer *trusted, c *Claims) error {
	switch {
	case c.issuer != issuer.name:
		return refuse(ErrIssuer)
	case !v.c.InsecureAnyAudience && !v.ours(c):
		return refuse(ErrAudience)
	}
	if c.securityEvent && v.c.Profile != ProfileAccessToken {
		return refuse(ErrType)
	}
	for _, name := range v.required {
		if !c.has(name) {
			return refuse(ErrMissingClaim)
		}
	}
	now := v.c.Clock()
	if err := v.checkStart(c, now); err != nil {
		return err
	}
	if v.c.Validate != nil {
		if err := v.custom(ctx, c); err != nil {
			return err
		}
	}
	if v.c.Revoker != nil {
		if err := v.revoked(ctx, c); err != nil {
			return err
		}
	}
	// RFC 7519 §4.1.4: "on or after which the JWT MUST NOT be accepted".
	if c.hasExpires && !now.Before(time.Unix(c.expires, 0).Add(v.c.Leeway)) {
		return refuse(ErrExpired)
	}
	return nil
}

// ours reports whether the token was made for us.
func (v *Verifier) ours(c *Claims) bool {
	for _, name := range c.audience {
		if slices.Contains(v.c.Audience, name) {
			// OpenID Connect Core §3.1.3.7: with several audiences, azp says whose token it is.
			return v.c.Profile != ProfileIDToken || len(c.audience) == 1 || slices.Contains(v.c.Audience, c.azp)
		}
	}
	return false
}

// checkStart refuses what is not valid yet, and what was issued too long ago.
func (v *Verifier) checkStart(c *Claims, now time.Time) error {
	latest := now.Add(v.c.Leeway)
	if c.hasNotBefore && latest.Before(time.Unix(c.notBefore, 0)) || c.hasIssued && latest.Before(time.Unix(c.issued, 0)) {
		return refuse(ErrNotYetValid)
	}
	if v.c.MaxAge > 0 && now.Sub(time.Unix(c.issued, 0).Add(v.c.Leeway)) > v.c.MaxAge {
		return refuse(ErrTooOld)
	}
	return nil
}

// custom asks the user's own validator.
func (v *Verifier) custom(ctx context.Context, c *Claims) error {
	err := v.c.Validate(ctx, c)
	switch e, typed := errors.AsType[*auth.Error](err); {
	case err == nil:
		return nil
	case typed && e != nil && e.Kind != auth.KindNoCredential && e.Reason != auth.ReasonUnrecognized:
		return e
	case !typed && errors.Is(err, ErrRefused):
		return auth.Invalid(auth.ReasonNotAllowed, err)
	case errors.Is(err, auth.ErrNoCredential) || errors.Is(err, auth.ErrUnrecognized):
		return auth.Unavailable(errValidate) // a token was recognised, whatever the validator says
	}
	return auth.Unavailable(err)
}

var errValidate = errors.New("jwt: Config.Validate returned an error that says there is no token")

func (v *Verifier) revoked(ctx context.Context, c *Claims) error {
	if c.id == "" && c.session == "" {
		return refuse(ErrMissingClaim)
	}
	revoked, err := v.c.Revoker.Revoked(ctx, c)
	switch {
	case err == nil && revoked:
		return refuse(ErrRevoked)
	case err == nil:
		return nil
	case ctx.Err() != nil: // the caller gave up: nothing has failed, and nobody was asked
		return auth.Unavailable(ctx.Err())
	case v.c.InsecureIgnoreRevokerErrors && !revoked: // what is said to be revoked does not pass, error or not
		return nil
	}
	return auth.Unavailable(err)
}
