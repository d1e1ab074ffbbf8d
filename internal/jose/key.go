package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }

// Limits of an RSA modulus, in bits. RFC 7518 §3.3 demands 2048; above 8192 a verification costs an attacker's token
// more of our time than it is worth.
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

// A Key verifies signatures of one algorithm: "one key, one algorithm". It is immutable and safe for concurrent use.
type Key struct {
	ID     string
	Alg    Alg
	Public crypto.PublicKey // nil for an HMAC
	verifier
}

type verifier interface {
	// verify uses s.digest and s.der as it likes; input and signature are parts of s.
	verify(s *scratch, input, signature []byte) bool
}

// Verify reports whether signature is k's over input.
func (k *Key) Verify(input, signature []byte) bool {
	s := scratches.Get().(*scratch)
	defer s.release()
	return k.verify(s, input, signature)
}

// NewPublicKey binds a public key (*rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey) to an algorithm. A zero alg
// is the one that fits the key: by curve, and RS256 for RSA.
func NewPublicKey(id string, alg Alg, public crypto.PublicKey) (*Key, error) {
	if len(id) > MaxKeyIDBytes || !utf8.ValidString(id) {
		return nil, fmt.Errorf("key id of %d bytes: use UTF-8, and at most %d", len(id), MaxKeyIDBytes)
	}
	fitting, err := CheckPublic(public)
	if err != nil {
		return nil, err
	}
	if alg == 0 {
		alg = fitting
	}
	if !fits(alg, fitting) {
		return nil, fmt.Errorf("a key for %s can't be used with %s", fitting, alg)
	}
	public = clonePublic(public)
	v, err := newVerifier(alg, public)
	if err != nil {
		return nil, err
	}
	return &Key{ID: id, Alg: alg, Public: public, verifier: v}, nil
}

// clonePublic copies a key that CheckPublic took: it was lent, and may be changed outside.
func clonePublic(public crypto.PublicKey) crypto.PublicKey {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return &rsa.PublicKey{N: new(big.Int).Set(k.N), E: k.E}
	case *ecdsa.PublicKey:
		if point, err := k.Bytes(); err == nil {
			if c, err := ecdsa.ParseUncompressedPublicKey(k.Curve, point); err == nil {
				return c
			}
		}
	case ed25519.PublicKey:
		return slices.Clone(k)
	}
	return public
}

func fits(alg, fitting Alg) bool {
	if alg == fitting {
		return true
	}
	f := algs[alg].family
	return fitting == RS256 && (f == familyRSA || f == familyPSS)
}

// CheckPublic returns the algorithm that fits a public key, or why the key must not be used.
func CheckPublic(public crypto.PublicKey) (Alg, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return RS256, checkRSA(k)
	case *ecdsa.PublicKey:
		return checkECDSA(k)
	case ed25519.PublicKey:
		return EdDSA, checkEd25519(k)
	}
	return 0, fmt.Errorf("a key of type %T: use *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey", public)
}

func checkRSA(k *rsa.PublicKey) error {
	if k == nil || k.N == nil {
		return errors.New("a nil RSA key")
	}
	if n := k.N.BitLen(); n < MinRSABits || n > MaxRSABits {
		return fmt.Errorf("an RSA key of %d bits: use %d to %d (RFC 7518 §3.3)", n, MinRSABits, MaxRSABits)
	}
	if k.N.Bit(0) == 0 {
		return errors.New("an RSA key with an even modulus")
	}
	if k.E < 3 || k.E&1 == 0 || k.E > 1<<31-1 {
		return errors.New("an RSA key with a bad exponent: use an odd one from 3 to 2^31-1")
	}
	if isROCA(k.N) {
		return errors.New("an RSA key of the kind that can be factored (ROCA, CVE-2017-15361)")
	}
	return nil
}

// isROCA recognises a modulus that a broken generator has made: modulo every small prime it is a power of 65537. Of a
// sound modulus that holds by chance once in 2^27 or more.
func isROCA(n *big.Int) bool {
	for _, p := range [...]int64{
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
		113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	} {
		rest := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		power := int64(1)
		for power != rest {
			if power = power * 65537 % p; power == 1 {
				return false
			}
		}
	}
	return true
}

func checkECDSA(k *ecdsa.PublicKey) (Alg, error) {
	if k == nil || k.Curve == nil {
		return 0, errors.New("a nil ECDSA key")
	}
	for a := ES256; a <= ES512; a++ {
		if algs[a].curve != k.Curve.Params().Name {
			continue
		}
		if _, err := k.Bytes(); err != nil { // checks that the point is on the curve
			return 0, fmt.Errorf("an ECDSA key that is not a point of %s", algs[a].curve)
		}
		return a, nil
	}
	return 0, fmt.Errorf("an ECDSA key on the curve %q: use P-256, P-384 or P-521", k.Curve.Params().Name)
}

// smallOrder lists the encodings of Ed25519 points whose order divides the cofactor, without the sign bit. With such a
// key anyone can make a signature that verifies for many messages; Go's verifier takes them, as RFC 8032 allows.
var smallOrder = [...][32]byte{
	{},
	{1},
	{
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
	},
	{
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
	},
	nearP(0xec), nearP(0xed), nearP(0xee),
}

// nearP is 2^255-19 with another lowest byte.
func nearP(lowest byte) (p [32]byte) {
	for i := range p {
		p[i] = 0xff
	}
	p[0], p[31] = lowest, 0x7f
	return p
}

func checkEd25519(k ed25519.PublicKey) error {
	if len(k) != ed25519.PublicKeySize {
		return fmt.Errorf("an Ed25519 key of %d bytes: it must be %d", len(k), ed25519.PublicKeySize)
	}
	unsigned := [32]byte(k)
	unsigned[31] &= 0x7f
	for _, p := range smallOrder {
		if p == unsigned {
			return errors.New("an Ed25519 key of small order, for which anyone can sign")
		}
	}
	return nil
}
