package jose

// This file is the only one that knows github.com/lestrrat-go/jwx. Nothing of its types leaves it. What it is used
// for is parsing JWKs and the low-level signers and verifiers; nothing that fetches, caches, decides or decrypts.

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// jwxVerifier verifies by jwx with a key of the standard library's type.
type jwxVerifier struct {
	impl   jws.Verifier
	public crypto.PublicKey
	size   int // of a signature, where it is fixed
}

func (v *jwxVerifier) verify(_ *scratch, input, signature []byte) bool {
	if v.size != 0 && len(signature) != v.size {
		return false
	}
	return v.impl.Verify(input, signature, v.public) == nil
}

// newVerifier returns jwx's verifier for the algorithm, except where jwx does too much or too little: see stdlib.go.
func newVerifier(alg Alg, public crypto.PublicKey) (verifier, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if algs[alg].family == familyPSS {
			return &pssVerifier{hash: algs[alg].hash, public: k}, nil
		}
	case *ecdsa.PublicKey:
		return &ecdsaVerifier{hash: algs[alg].hash, public: k, size: algs[alg].size}, nil
	case ed25519.PublicKey:
		return ed25519Verifier(k), nil
	}
	impl, err := jws.NewVerifier(jwa.SignatureAlgorithm(alg.String()))
	if err != nil {
		return nil, fmt.Errorf("no verifier for %s: %w", alg, err)
	}
	return &jwxVerifier{impl: impl, public: public, size: algs[alg].size}, nil
}

// A Signer signs with one key and one algorithm. It is safe for concurrent use if the key is.
type Signer struct {
	Key  *Key // the verifying half
	impl jws.Signer
	key  crypto.Signer
	hmac *hmacKey
}

// NewSigner binds a private key to an algorithm. The key may be anywhere that implements crypto.Signer. A zero alg is
// the one that fits.
func NewSigner(id string, alg Alg, key crypto.Signer) (*Signer, error) {
	if key == nil {
		return nil, errors.New("a nil signer")
	}
	public, err := NewPublicKey(id, alg, key.Public())
	if err != nil {
		return nil, err
	}
	impl, err := jws.NewSigner(jwa.SignatureAlgorithm(public.Alg.String()))
	if err != nil {
		return nil, fmt.Errorf("no signer for %s: %w", public.Alg, err)
	}
	return &Signer{Key: public, impl: impl, key: key}, nil
}

// Sign returns the signature over input.
func (s *Signer) Sign(input []byte) ([]byte, error) {
	if s.hmac != nil {
		m := scratches.Get().(*scratch)
		defer m.release()
		return append([]byte(nil), s.hmac.sum(m, input)...), nil
	}
	return s.impl.Sign(input, s.key)
}

// parseMaterial returns the key that a JWK holds, as a type of the standard library: *rsa.PublicKey,
// *ecdsa.PublicKey, ed25519.PublicKey, or the private forms of them.
func parseMaterial(text []byte) (any, error) {
	key, err := jwk.ParseKey(text)
	if err != nil {
		return nil, errJWK // the text may hold a private key, and jwx's errors may quote it
	}
	var raw any
	if err := key.Raw(&raw); err != nil {
		return nil, errJWK
	}
	switch k := raw.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return k, nil
	}
	return nil, errKeyType
}

// Private returns the key that NewSigner was given.
func (s *Signer) Private() crypto.Signer { return s.key }
