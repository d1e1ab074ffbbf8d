package jose

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// NewHMACKey binds a secret to an HMAC algorithm. The secret must be at least as long as the hash (RFC 7518 §3.2).
func NewHMACKey(id string, alg Alg, secret []byte) (*Key, error) {
	if !alg.Symmetric() {
		return nil, errors.New("an HMAC key needs HS256, HS384 or HS512")
	}
	if len(id) > MaxKeyIDBytes {
		return nil, fmt.Errorf("key id is %d bytes long: use at most %d", len(id), MaxKeyIDBytes)
	}
	if n := alg.HashSize(); len(secret) < n {
		return nil, fmt.Errorf("an HMAC secret of %d bytes: %s needs %d random bytes or more (RFC 7518 §3.2)", len(secret), alg, n)
	}
	m := &hmacKey{size: alg.HashSize()}
	secret = append([]byte(nil), secret...)
	m.pool.New = func() any { return hmac.New(algs[alg].hash.New, secret) }
	return &Key{ID: id, Alg: alg, verifier: m}, nil
}

// hmacKey uses the standard library: jwx builds a new HMAC, and with it pads and hashes the key, for every token.
type hmacKey struct {
	size int
	pool sync.Pool // of hash.Hash that hold the padded key
}

func (m *hmacKey) verify(s *scratch, input, signature []byte) bool {
	return hmac.Equal(signature, m.sum(s, input))
}

func (m *hmacKey) sum(s *scratch, input []byte) []byte {
	h := m.pool.Get().(hash.Hash)
	h.Reset()
	h.Write(input)
	sum := h.Sum(s.digest[:0])
	m.pool.Put(h)
	return sum
}

// NewHMACSigner returns the signing half of an HMAC key.
func NewHMACSigner(k *Key) *Signer {
	m, _ := k.verifier.(*hmacKey)
	return &Signer{Key: k, hmac: m}
}
