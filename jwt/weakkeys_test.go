package jwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"math/big"

	"github.com/cardea-go/auth/jwt"
)

const crypto256 = crypto.SHA256

func pssWithSalt(length int, input string) []byte {
	return must(rsa.SignPSS(rand.Reader, testKeys.rsa(), crypto.SHA256, sha256Sum([]byte(input)), &rsa.PSSOptions{SaltLength: length}))
}

// rocaModulus returns an odd number of 2048 bits that is a power of 65537 modulo every small odd prime.
func rocaModulus() *big.Int {
	product := big.NewInt(1)
	for p := int64(3); p <= 167; p += 2 {
		if big.NewInt(p).ProbablyPrime(0) {
			product.Mul(product, big.NewInt(p))
		}
	}
	n := new(big.Int).Exp(big.NewInt(65537), big.NewInt(1234567), product)
	times := new(big.Int).Lsh(big.NewInt(1), 2047)
	times.Div(times, product).Add(times, big.NewInt(2))
	n.Add(n, times.Mul(times, product))
	if n.Bit(0) == 0 {
		n.Add(n, product)
	}
	return n
}

type weakKey struct {
	name string
	alg  jwt.Algorithm
	key  any
}

func weakKeys() []weakKey {
	n := testKeys.rsa().N
	half := new(big.Int).Rsh(n, 1024)
	keys := []weakKey{
		{"RSA of 1024 bits", "", &rsa.PublicKey{N: half.SetBit(half, 0, 1), E: 65537}},
		{"RSA with e = 1", "", &rsa.PublicKey{N: n, E: 1}},
		{"RSA with an even e", "", &rsa.PublicKey{N: n, E: 65536}},
		{"RSA with an even modulus", "", &rsa.PublicKey{N: new(big.Int).SetBit(n, 0, 0), E: 65537}},
		{"RSA of 16384 bits", "", &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 16383, 1), E: 65537}},
		{"RSA of the ROCA kind (CVE-2017-15361)", "", &rsa.PublicKey{N: rocaModulus(), E: 65537}},
		{"RSA without a modulus", "", &rsa.PublicKey{}},
		{"a nil RSA key", "", (*rsa.PublicKey)(nil)},
		{"a curve that JWA does not have", "", &must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)).PublicKey},
		{"an ECDSA key without a curve", "", &ecdsa.PublicKey{}},
		{"a nil ECDSA key", "", (*ecdsa.PublicKey)(nil)},
		{"an Ed25519 key that is too short", "", ed25519.PublicKey("short")},
		{"a secret", "", []byte("a secret of 32 bytes or so, which is long enough")},
		{"a private key", "", testKeys.ed()},
		{"nothing", "", nil},
		{"an HMAC algorithm", jwt.HS256, testKeys.ed().Public()},
		{"an unknown algorithm", "none", testKeys.ed().Public()},
		{"an algorithm for another type of key", jwt.ES256, testKeys.ed().Public()},
	}
	// Points of small order, by their encoding: RFC 8032 verifiers take signatures that anyone can make for them.
	for _, text := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0000000000000000000000000000000000000000000000000000000000000000",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		keys = append(keys, weakKey{"the Ed25519 point of small order " + text, "", ed25519.PublicKey(must(hex.DecodeString(text)))})
	}
	return keys
}
