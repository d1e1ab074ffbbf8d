package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"

	_ "crypto/sha256" // for crypto.Hash.New
	_ "crypto/sha512"
)

// sum hashes input into s.
func (s *scratch) sum(hash crypto.Hash, input []byte) []byte {
	h := hash.New()
	h.Write(input)
	return h.Sum(s.digest[:0])
}

// pssVerifier uses the standard library: jwx verifies with any length of salt, where RFC 7518 §3.5 says "the size of
// the salt value is the same size as the hash function output".
type pssVerifier struct {
	hash   crypto.Hash
	public *rsa.PublicKey
}

func (v *pssVerifier) verify(s *scratch, input, signature []byte) bool {
	o := rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: v.hash}
	return rsa.VerifyPSS(v.public, v.hash, s.sum(v.hash, input), signature, &o) == nil
}

// ecdsaVerifier uses the standard library: jwx checks for every token, in arithmetic that is slow, that the key is on
// its curve, which we did when the key was loaded.
type ecdsaVerifier struct {
	hash   crypto.Hash
	public *ecdsa.PublicKey
	size   int
}

func (v *ecdsaVerifier) verify(s *scratch, input, signature []byte) bool {
	// RFC 7518 §3.4: R and S are as long as the order, leading zeros included.
	if len(signature) != v.size {
		return false
	}
	der := appendDER(s.der[:0], signature[:v.size/2], signature[v.size/2:])
	return ecdsa.VerifyASN1(v.public, s.sum(v.hash, input), der)
}

// appendDER appends SEQUENCE { INTEGER r, INTEGER s }. Both are at most 66 bytes long.
func appendDER(dst, r, s []byte) []byte {
	r, s = trimZeros(r), trimZeros(s)
	n := 4 + len(r) + len(s) + int(r[0]>>7) + int(s[0]>>7)
	dst = append(dst, 0x30)
	if n >= 0x80 {
		dst = append(dst, 0x81)
	}
	dst = append(dst, byte(n)) //nolint:gosec // at most 4+2*67
	for _, i := range [...][]byte{r, s} {
		pad := int(i[0] >> 7)
		dst = append(dst, 0x02, byte(len(i)+pad)) //nolint:gosec // at most 67
		if pad == 1 {
			dst = append(dst, 0)
		}
		dst = append(dst, i...)
	}
	return dst
}

func trimZeros(b []byte) []byte {
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return b
}

// ed25519Verifier uses the standard library: jwx copies the key by reflection for every token, which is most of what a
// verifier may cost beside the cryptography.
type ed25519Verifier ed25519.PublicKey

func (v ed25519Verifier) verify(_ *scratch, input, signature []byte) bool {
	return len(signature) == ed25519.SignatureSize && ed25519.Verify(ed25519.PublicKey(v), input, signature)
}
