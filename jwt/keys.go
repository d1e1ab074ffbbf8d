package jwt

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cardea-go/auth/internal/jose"
)

// A KeySource holds the public keys of one issuer: a [KeySet], a [Remote], a [KeyRing], or your own.
//
// Key returns the key with this id for this algorithm. It returns [ErrUnknownKey] where there is none, [ErrAlgorithm]
// where the key with this id is for another algorithm; any other error says that the question can't be decided now.
// The id comes from a token that nothing has verified yet: use it for nothing but a look-up. Where id is "", the token
// names no key, and the source may answer with the only key that it has for the algorithm. Key must be safe for
// concurrent use.
type KeySource interface {
	Key(ctx context.Context, id string, alg Algorithm) (*PublicKey, error)
}

// A PublicKey verifies the tokens of one issuer by one algorithm. It is immutable and safe for concurrent use.
type PublicKey struct{ k *jose.Key }

// NewPublicKey binds a key (*rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey) to an algorithm. id is what tokens
// call it in kid, at most 128 bytes; "" is a key without a name, see [NewKeySet]. An empty alg is the one that fits:
// by the curve, and RS256 for RSA.
//
// Weak keys are errors: RSA below 2048 bits or above 8192, points that are not on their curve, Ed25519 keys of small
// order.
func NewPublicKey(id string, alg Algorithm, key crypto.PublicKey) (*PublicKey, error) {
	a, err := asymmetric(alg)
	if err != nil {
		return nil, err
	}
	k, err := jose.NewPublicKey(id, a, key)
	if err != nil {
		return nil, fmt.Errorf("jwt: key %q: %w", id, err)
	}
	return &PublicKey{k}, nil
}

// asymmetric reads an algorithm for a public key; "" is 0.
func asymmetric(alg Algorithm) (jose.Alg, error) {
	if alg == "" {
		return 0, nil
	}
	a, ok := alg.parse()
	if !ok || a.Symmetric() {
		return 0, fmt.Errorf("jwt: algorithm %q: use EdDSA, or an ES, PS or RS algorithm", alg)
	}
	return a, nil
}

// ID is the key's name, or "".
func (k *PublicKey) ID() string { return k.k.ID }

// Algorithm is the one algorithm that the key is for.
func (k *PublicKey) Algorithm() Algorithm { return Algorithm(k.k.Alg.String()) }

// Public returns the key itself: *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey. It must not be changed.
func (k *PublicKey) Public() crypto.PublicKey { return k.k.Public }

// Thumbprint returns the key's RFC 7638 thumbprint by SHA-256.
func (k *PublicKey) Thumbprint() string {
	t, _ := jose.Thumbprint(k.k.Public) // can't fail for a key that NewPublicKey took
	return t
}

// MarshalJSON returns the key as a JWK (RFC 7517): public members only, use "sig".
func (k *PublicKey) MarshalJSON() ([]byte, error) { return jose.AppendPublicJWK(nil, k.k) }

// A KeySet is a fixed set of public keys, as a [KeySource]. It is immutable and safe for concurrent use.
type KeySet struct {
	keys []*PublicKey
	byID map[string][]*PublicKey
	sole map[jose.Alg]*PublicKey // the key of that algorithm where there is one only
}

// MaxKeys is how many keys a set may have.
const MaxKeys = 100

// NewKeySet returns the set of the keys given.
//
// A token finds its key by kid, and the key's algorithm must be the token's. A token without a kid is verified with the
// only key of its algorithm, if there is one only. A key without an id verifies tokens with any kid, and must be the
// only one of its algorithm. Two keys of one id and one algorithm are an error.
func NewKeySet(keys ...*PublicKey) (*KeySet, error) {
	if len(keys) == 0 {
		return nil, errors.New("jwt: key set without a key: give it one")
	}
	if len(keys) > MaxKeys {
		return nil, fmt.Errorf("jwt: key set of %d keys: use at most %d", len(keys), MaxKeys)
	}
	s := &KeySet{byID: make(map[string][]*PublicKey, len(keys)), sole: make(map[jose.Alg]*PublicKey)}
	perAlg := make(map[jose.Alg]int)
	var errs []error
	for i, k := range keys {
		if k == nil || k.k == nil {
			errs = append(errs, fmt.Errorf("jwt: key set: key %d is nil or empty", i))
			continue
		}
		for _, other := range s.byID[k.k.ID] {
			if other.k.Alg == k.k.Alg {
				errs = append(errs, fmt.Errorf("jwt: key set: two %s keys have the id %q: give each its own", k.k.Alg, k.k.ID))
			}
		}
		s.byID[k.k.ID] = append(s.byID[k.k.ID], k)
		s.keys = append(s.keys, k)
		s.sole[k.k.Alg] = k
		perAlg[k.k.Alg]++
	}
	for alg, n := range perAlg {
		if n == 1 {
			continue
		}
		delete(s.sole, alg)
		for _, k := range s.byID[""] {
			if k.k.Alg == alg {
				errs = append(errs, fmt.Errorf("jwt: key set: a %s key without an id beside others: give each an id", alg))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	delete(s.byID, "")
	return s, nil
}

// Keys returns the keys, in order.
func (s *KeySet) Keys() []*PublicKey { return append([]*PublicKey(nil), s.keys...) }

// Key implements [KeySource].
func (s *KeySet) Key(_ context.Context, id string, alg Algorithm) (*PublicKey, error) {
	a, _ := alg.parse()
	return s.find(id, a)
}

func (s *KeySet) find(id string, alg jose.Alg) (*PublicKey, error) {
	if id != "" {
		named := s.byID[id]
		for _, k := range named {
			if k.k.Alg == alg {
				return k, nil
			}
		}
		if len(named) > 0 {
			return nil, ErrAlgorithm
		}
	}
	if k := s.sole[alg]; k != nil && (id == "" || k.k.ID == "") {
		return k, nil
	}
	return nil, ErrUnknownKey
}

// An HMACKey is a secret that two parties share, bound to one algorithm. It never is part of a [KeySet] or a JWKS:
// whoever can verify with it can sign. It prints as "[redacted]" and is safe for concurrent use.
type HMACKey struct {
	_ [0]func() // == does not compile: it would tell whether two secrets are one
	k *jose.Key
	s *jose.Signer
}

// NewHMACKey binds a secret to HS256, HS384 or HS512. The secret is copied; it must be random and as long as the hash:
// 32, 48 or 64 bytes (RFC 7518 §3.2). A password is not a secret of this kind, nor is the text of a key.
func NewHMACKey(id string, alg Algorithm, secret []byte) (*HMACKey, error) {
	a, ok := alg.parse()
	if !ok || !a.Symmetric() {
		return nil, fmt.Errorf("jwt: HMAC algorithm %q: use HS256, HS384 or HS512", alg)
	}
	k, err := jose.NewHMACKey(id, a, secret)
	if err == nil && distinctBytes(secret) < 8 {
		err = errors.New("a secret of fewer than 8 different bytes: use random bytes (RFC 8725 §3.5)")
	}
	if err == nil && isKeyText(secret) {
		err = errors.New("a secret that is the text of a key: use random bytes, never a public key (RFC 8725 §2.1)")
	}
	if err != nil {
		return nil, fmt.Errorf("jwt: HMAC key %q: %w", id, err)
	}
	return &HMACKey{k: k, s: jose.NewHMACSigner(k)}, nil
}

// isKeyText recognises keys in the forms that they are published in: PEM, DER and JWK. As a secret, a public key lets
// anyone sign (CVE-2015-9235).
func isKeyText(secret []byte) bool {
	o := jose.NewObject(string(secret), false)
	for o.Next() {
	}
	if o.Err() == nil || bytes.Contains(secret, []byte("-----BEGIN ")) {
		return true
	}
	_, err := x509.ParsePKIXPublicKey(secret)
	if err != nil {
		_, err = x509.ParsePKCS1PublicKey(secret)
	}
	if err != nil {
		_, err = x509.ParseCertificate(secret)
	}
	return err == nil
}

func distinctBytes(b []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// ID is the key's name, or "".
func (k *HMACKey) ID() string { return k.k.ID }

// Algorithm is the one algorithm that the key is for.
func (k *HMACKey) Algorithm() Algorithm { return Algorithm(k.k.Alg.String()) }

const redacted = "[redacted]"

// String returns "[redacted]".
func (k *HMACKey) String() string { return redacted }

// GoString returns "[redacted]".
func (k *HMACKey) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (k *HMACKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (k *HMACKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (k *HMACKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }
