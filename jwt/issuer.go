package jwt

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
)

// Limits and defaults of an [IssuerConfig].
const (
	DefaultLifetime = 10 * time.Minute
	MaxLifetime     = 24 * time.Hour
)

// An IssuerConfig configures [NewIssuer]. Issuer and Keys are required.
type IssuerConfig struct {
	// Issuer is the iss of every token, by which verifiers know it: an https URL where others verify (RFC 8414 §2), which
	// is not demanded. A query or fragment is an error. Required.
	Issuer string
	// Keys are what tokens are signed with: a [KeyRing], a [SigningKey] or an [HMACKey]. Required.
	Keys SigningSource
	// Audience is the aud of tokens that name none of their own. Nil: each names its own.
	Audience []string
	// Profile is the kind of tokens. The zero Profile is [ProfileAccessToken].
	Profile Profile
	// Lifetime is how long tokens are good that do not say so themselves, and the longest that they may say.
	// 0 is 10 min; at most 24 h.
	Lifetime time.Duration
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// A SigningSource has the key that tokens are to be signed with now.
type SigningSource interface {
	// signer is of this package alone: what signs must be bound to one algorithm.
	signer(ctx context.Context) *jose.Signer
}

// A SigningKey is one private key, bound to one algorithm, wherever it is kept. It prints as "[redacted]".
type SigningKey struct {
	_      [0]func()
	s      *jose.Signer
	public *PublicKey
}

// NewSigningKey binds a private key to an algorithm. Any crypto.Signer will do: one of the standard library, a KMS, an
// HSM. An empty alg is the one that fits: EdDSA, ES256 to ES512 by the curve, and RS256 for RSA. An empty id is the
// RFC 7638 thumbprint of the public key.
func NewSigningKey(id string, alg Algorithm, key crypto.Signer) (*SigningKey, error) {
	a, err := asymmetric(alg)
	if err != nil {
		return nil, err
	}
	if k, ok := key.(ed25519.PrivateKey); isNil(key) || ok && len(k) != ed25519.PrivateKeySize {
		return nil, errors.New("jwt: signing key is nil or empty: give a crypto.Signer with its key")
	}
	if id == "" {
		if id, err = jose.Thumbprint(key.Public()); err != nil {
			return nil, fmt.Errorf("jwt: signing key: %w", err)
		}
	}
	s, err := jose.NewSigner(id, a, key)
	if err != nil {
		return nil, fmt.Errorf("jwt: signing key %q: %w", id, err)
	}
	return &SigningKey{s: s, public: &PublicKey{s.Key}}, nil
}

// Public returns the verifying half.
func (k *SigningKey) Public() *PublicKey { return k.public }

func (k *SigningKey) signer(context.Context) *jose.Signer { return k.s }

func (k *HMACKey) signer(context.Context) *jose.Signer { return k.s }

// String returns "[redacted]".
func (k *SigningKey) String() string { return redacted }

// GoString returns "[redacted]".
func (k *SigningKey) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (k *SigningKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (k *SigningKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (k *SigningKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// An Issuer makes tokens. It is safe for concurrent use.
type Issuer struct {
	c       IssuerConfig
	issuer  []byte // as JSON
	typ     string
	headers headerTexts
}

// NewIssuer returns the issuer that c describes.
func NewIssuer(c IssuerConfig) (*Issuer, error) {
	var errs []error
	if c.Issuer == "" {
		errs = append(errs, errors.New("jwt: IssuerConfig.Issuer is empty: set the URL that names you in iss"))
	}
	if strings.ContainsAny(c.Issuer, "?#") || !utf8.ValidString(c.Issuer) {
		errs = append(errs, fmt.Errorf("jwt: IssuerConfig.Issuer is %q: use a URL without query and fragment (RFC 8414 §2)", c.Issuer))
	}
	if isNil(c.Keys) {
		errs = append(errs, errors.New("jwt: IssuerConfig.Keys is nil: set a KeyRing, a SigningKey or an HMACKey"))
	}
	if empty(c.Keys) {
		errs = append(errs, errors.New("jwt: IssuerConfig.Keys has no key: make it with its New function"))
	}
	if slices.Contains(c.Audience, "") {
		errs = append(errs, errors.New("jwt: IssuerConfig.Audience holds an empty name: remove it"))
	}
	if c.Profile >= profileEnd {
		errs = append(errs, fmt.Errorf("jwt: IssuerConfig.Profile %d is unknown: use one of the Profile constants", c.Profile))
	}
	if c.Lifetime < 0 || c.Lifetime > MaxLifetime {
		errs = append(errs, fmt.Errorf("jwt: IssuerConfig.Lifetime is %v: use 0 for %v, or up to %v", c.Lifetime, DefaultLifetime, MaxLifetime))
	}
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if r, ok := c.Keys.(interface{ keepAfter() time.Duration }); ok && !isNil(c.Keys) && r.keepAfter() < c.Lifetime+MaxLeeway {
		errs = append(errs, fmt.Errorf("jwt: IssuerConfig.Lifetime is %v and the ring's KeepAfter %v: use at least %v more for KeepAfter", c.Lifetime, r.keepAfter(), MaxLeeway))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	c.Audience = slices.Clone(c.Audience)
	i := &Issuer{c: c, issuer: jose.AppendString(nil, c.Issuer), typ: "JWT"}
	if c.Profile == ProfileAccessToken {
		i.typ = "at+jwt"
	}
	return i, nil
}

// empty reports whether a source is the zero value of its type.
func empty(keys SigningSource) bool {
	switch k := keys.(type) {
	case *SigningKey:
		return k != nil && k.s == nil
	case *HMACKey:
		return k != nil && k.s == nil
	case *KeyRing:
		return k != nil && k.state.Load() == nil
	}
	return false
}

// A Grant is what a token is to say.
type Grant struct {
	// Subject is sub. Required.
	Subject string
	// Audience is aud. Nil is [IssuerConfig.Audience].
	Audience []string
	// ClientID is client_id, or azp in an ID token. Required for access tokens.
	ClientID string
	// Scopes is scope. The empty set leaves it out. An unlimited set can't be written and is an error.
	Scopes auth.ScopeSet
	// ID is jti. "" is 128 random bits.
	ID string
	// SessionID is sid: what a logout revokes. "" leaves it out.
	SessionID string
	// Lifetime is how long the token is good. 0 is [IssuerConfig.Lifetime], which is also the longest.
	Lifetime time.Duration
	// NotBefore is nbf. Zero leaves it out.
	NotBefore time.Time
	// AuthenticatedAt is auth_time and ACR is acr. Zero leaves them out.
	AuthenticatedAt time.Time
	ACR             string
	// Confirmation is cnf: the key whose possession the bearer must prove. Zero leaves it out.
	Confirmation Confirmation
	// Claims are further claims: anything that encoding/json makes an object of. A name that this package writes,
	// in any case, is an error, and so is a name that comes twice. Texts that are not UTF-8 become so, as with
	// encoding/json; in the fields above they are errors.
	Claims any
}

// An Issued token. It prints as "[redacted]".
type Issued struct {
	// Token is the credential.
	Token string
	// ID is jti, which a [Revoker] knows it by.
	ID string
	// KeyID is the kid of the key that signed it.
	KeyID string
	// ExpiresAt is exp.
	ExpiresAt time.Time
}

// String returns "[redacted]".
func (Issued) String() string { return redacted }

// GoString returns "[redacted]".
func (Issued) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (Issued) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns the token's id and key id.
func (t Issued) LogValue() slog.Value {
	return slog.GroupValue(slog.String("jti", t.ID), slog.String("kid", t.KeyID))
}

// Issue makes and signs a token. An error about g is the caller's mistake; one of a signer that is not in memory is passed
// on.
func (i *Issuer) Issue(ctx context.Context, g Grant) (Issued, error) {
	now := i.c.Clock()
	if err := i.complete(&g, now); err != nil {
		return Issued{}, err
	}
	expires := now.Add(g.Lifetime)
	extra, err := marshalExtra(g.Claims)
	if err != nil {
		return Issued{}, err
	}
	confirmation, err := g.Confirmation.marshal()
	if err != nil {
		return Issued{}, err
	}
	key := i.c.Keys.signer(ctx)
	b := make([]byte, 0, 512+len(extra))
	b = i.appendClaims(b, &g, now, expires)
	b = append(b, confirmation...)
	b = append(b, extra...)
	b = append(b, '}')
	token, err := i.seal(key, b)
	if err != nil {
		return Issued{}, fmt.Errorf("jwt: signing: %w", err)
	}
	if len(token) > MaxMaxBytes {
		return Issued{}, fmt.Errorf("jwt: the token is longer than %d bytes, so that no verifier takes it: say less in Grant", MaxMaxBytes)
	}
	return Issued{Token: token, ID: g.ID, KeyID: key.Key.ID, ExpiresAt: time.Unix(expires.Unix(), 0).UTC()}, nil
}

// complete checks g and fills in its defaults.
func (i *Issuer) complete(g *Grant, now time.Time) error {
	var errs []error
	if g.Subject == "" {
		errs = append(errs, errors.New("jwt: Grant.Subject is empty: say who the token is for"))
	}
	if g.Audience == nil {
		g.Audience = i.c.Audience
	}
	if len(g.Audience) == 0 || slices.Contains(g.Audience, "") {
		errs = append(errs, errors.New("jwt: Grant.Audience is empty or has an empty name: say who may accept the token"))
	}
	if g.ClientID == "" && i.c.Profile == ProfileAccessToken {
		errs = append(errs, errors.New("jwt: Grant.ClientID is empty: RFC 9068 §2.2 requires client_id"))
	}
	if g.Scopes.IsUnlimited() {
		errs = append(errs, errors.New("jwt: Grant.Scopes is unlimited: name the scopes"))
	}
	if g.Lifetime == 0 {
		g.Lifetime = i.c.Lifetime
	}
	if g.Lifetime < time.Second || g.Lifetime > i.c.Lifetime {
		errs = append(errs, fmt.Errorf("jwt: Grant.Lifetime is %v: use 0 for %v, or 1s up to that", g.Lifetime, i.c.Lifetime))
	}
	if !g.NotBefore.Before(now.Add(g.Lifetime)) {
		errs = append(errs, errors.New("jwt: Grant.NotBefore is not before the end: the token would never be good"))
	}
	for _, t := range [...]time.Time{g.NotBefore, g.AuthenticatedAt} {
		if s := t.Unix(); !t.IsZero() && (s >= maxDate || s <= -maxDate) {
			errs = append(errs, errors.New("jwt: Grant: a date beyond the year 9999: is it in the right unit?"))
		}
	}
	if !g.validText() {
		errs = append(errs, errors.New("jwt: Grant: a text that is not UTF-8: the token would say another one"))
	}
	if g.ID == "" {
		g.ID = rand.Text()
	}
	return errors.Join(errs...)
}

// validText reports whether all texts of g are UTF-8. In JSON, others would become alike, and be revoked by other names.
func (g *Grant) validText() bool {
	ok := true
	for _, text := range [...]string{
		g.Subject, g.ClientID, g.ID, g.SessionID, g.ACR,
		g.Confirmation.JWKThumbprint, g.Confirmation.CertificateThumbprint, g.Confirmation.KeyID,
	} {
		ok = ok && utf8.ValidString(text)
	}
	for _, name := range g.Audience {
		ok = ok && utf8.ValidString(name)
	}
	return ok
}

// appendClaims appends an object that is not closed yet.
func (i *Issuer) appendClaims(b []byte, g *Grant, now, expires time.Time) []byte {
	b = append(b, `{"iss":`...)
	b = append(b, i.issuer...)
	b = appendText(b, "sub", g.Subject)
	b = append(b, `,"aud":`...)
	if len(g.Audience) == 1 {
		b = jose.AppendString(b, g.Audience[0])
	} else {
		for n, name := range g.Audience {
			b = append(b, "[,"[min(n, 1)])
			b = jose.AppendString(b, name)
		}
		b = append(b, ']')
	}
	b = appendDate(b, "exp", expires)
	b = appendDate(b, "iat", now)
	b = appendDate(b, "nbf", g.NotBefore)
	b = appendDate(b, "auth_time", g.AuthenticatedAt)
	b = appendText(b, "jti", g.ID)
	if i.c.Profile == ProfileIDToken {
		b = appendText(b, "azp", g.ClientID)
	} else {
		b = appendText(b, "client_id", g.ClientID)
	}
	b = appendText(b, "sid", g.SessionID)
	b = appendText(b, "acr", g.ACR)
	if g.Scopes.Len() > 0 {
		b = appendText(b, "scope", g.Scopes.String())
	}
	return b
}

// marshal returns cnf as a member with a comma before it, or nothing. Its JWK must be that of a public key, in the strict
// JSON that a verifier takes.
func (c *Confirmation) marshal() ([]byte, error) {
	if c.JWKThumbprint == "" && c.CertificateThumbprint == "" && c.KeyID == "" && len(c.JWK) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("jwt: Grant.Confirmation: %w", err)
	}
	member := append([]byte(`,"cnf":`), text...)
	if len(c.JWK) > 0 {
		o := jose.NewObject("{"+string(member[1:])+"}", false) // as deep as it is in the token
		for o.Next() {
		}
		if o.Err() != nil || !jose.IsPublicJWK(string(c.JWK)) {
			return nil, errConfirmationJWK
		}
	}
	return member, nil
}

var errConfirmationJWK = errors.New("jwt: Grant.Confirmation.JWK: not the JWK of a public key")

func appendText(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return jose.AppendString(b, value)
}

func appendDate(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return strconv.AppendInt(b, t.Unix(), 10)
}

// seal encodes and signs.
func (i *Issuer) seal(key *jose.Signer, claims []byte) (string, error) {
	header := i.headers.of(key, i.typ)
	const signature = 90 // the base64url text of most signatures; RSA's makes it grow
	b := make([]byte, 0, len(header)+2+len(claims)*4/3+3+signature)
	b = append(b, header...)
	b = append(b, '.')
	b = jose.AppendEncoded(b, claims)
	sig, err := key.Sign(b)
	if err != nil {
		return "", err
	}
	b = append(b, '.')
	return string(jose.AppendEncoded(b, sig)), nil
}

// marshalExtra returns the members of further claims, each with a comma before it.
func marshalExtra(claims any) ([]byte, error) {
	if claims == nil {
		return nil, nil
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("jwt: Grant.Claims: %w", err)
	}
	if string(text) == "null" { // a nil map or pointer
		return nil, nil
	}
	n := 0
	o := jose.NewObject(string(text), true)
	for ; o.Next(); n++ {
		if miscased(o.Name) || slices.Contains(known[:], o.Name) {
			return nil, fmt.Errorf("jwt: Grant.Claims: %q is written by the issuer: use the fields of Grant", o.Name)
		}
	}
	if o.Err() != nil {
		return nil, errors.New("jwt: Grant.Claims: not a JSON object with names that differ in more than case: use a struct or a map")
	}
	if n == 0 {
		return nil, nil
	}
	text[0] = ','
	return text[:len(text)-1], nil
}
