package jose

import "crypto"

// Alg is a signature algorithm of RFC 7518 §3.1 or RFC 8037 §3.1. The zero Alg is none of them; "none" has no value,
// so that no code path can mean it.
type Alg uint8

// The algorithms. EdDSA is Ed25519 only; RFC 9864 names it "Ed25519", which ParseAlg takes as well.
const (
	HS256 Alg = iota + 1
	HS384
	HS512
	RS256
	RS384
	RS512
	PS256
	PS384
	PS512
	ES256
	ES384
	ES512
	EdDSA
	algEnd
)

type family uint8

const (
	familyHMAC family = iota + 1
	familyRSA
	familyPSS
	familyECDSA
	familyEd25519
)

var algs = [algEnd]struct {
	name   string
	family family
	hash   crypto.Hash
	curve  string // of familyECDSA
	size   int    // of a signature, where it is fixed
}{
	HS256: {"HS256", familyHMAC, crypto.SHA256, "", 32},
	HS384: {"HS384", familyHMAC, crypto.SHA384, "", 48},
	HS512: {"HS512", familyHMAC, crypto.SHA512, "", 64},
	RS256: {"RS256", familyRSA, crypto.SHA256, "", 0},
	RS384: {"RS384", familyRSA, crypto.SHA384, "", 0},
	RS512: {"RS512", familyRSA, crypto.SHA512, "", 0},
	PS256: {"PS256", familyPSS, crypto.SHA256, "", 0},
	PS384: {"PS384", familyPSS, crypto.SHA384, "", 0},
	PS512: {"PS512", familyPSS, crypto.SHA512, "", 0},
	ES256: {"ES256", familyECDSA, crypto.SHA256, "P-256", 64},
	ES384: {"ES384", familyECDSA, crypto.SHA384, "P-384", 96},
	ES512: {"ES512", familyECDSA, crypto.SHA512, "P-521", 132},
	EdDSA: {"EdDSA", familyEd25519, 0, "", 64},
}

// ParseAlg returns the algorithm of that exact name. Names are case-sensitive (RFC 7515 §4.1.1).
func ParseAlg(name string) (Alg, bool) {
	switch name {
	case "EdDSA", "Ed25519":
		return EdDSA, true
	case "ES256":
		return ES256, true
	case "RS256":
		return RS256, true
	}
	for a := HS256; a < algEnd; a++ {
		if algs[a].name == name {
			return a, true
		}
	}
	return 0, false
}

// String returns the registered name, or "" for no algorithm.
func (a Alg) String() string {
	if a >= algEnd {
		return ""
	}
	return algs[a].name
}

// Symmetric reports whether the algorithm is an HMAC.
func (a Alg) Symmetric() bool { return a < algEnd && algs[a].family == familyHMAC }

// HashSize returns the size of the algorithm's hash in bytes, which is the least length of an HMAC key
// (RFC 7518 §3.2).
func (a Alg) HashSize() int { return algs[a].hash.Size() }

// A Set is a set of algorithms.
type Set uint32

// Add returns s with a.
func (s Set) Add(a Alg) Set { return s | 1<<a }

// Has reports whether a is in s.
func (s Set) Has(a Alg) bool { return a != 0 && s&(1<<a) != 0 }
