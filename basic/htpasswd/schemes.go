package htpasswd

import (
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what is imported
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"github.com/cardea-go/auth/basic/password"
)

// parseFunc is a [password.Scheme] made of a function.
type parseFunc func(stored string) (*password.Record, error)

func (f parseFunc) Parse(stored string) (*password.Record, error) { return f(stored) }

// WeakSchemes returns verifiers for the hashes of old htpasswd files and of crypt(3), for password.Config.Schemes:
// $apr1$, $1$, {SHA}, {SSHA}, $5$ and $6$. All are far too fast for passwords, so Hasher.NeedsRehash is true for them
// and a store with UpdateHash replaces them at the next login. DES crypt and plain text are not read at all.
//
// Do not add them to a hasher for good: {SHA} is not even salted.
func WeakSchemes() []password.Scheme {
	return []password.Scheme{parseFunc(md5Crypt), parseFunc(shaCrypt), parseFunc(plainSHA), parseFunc(saltedSHA)}
}

var strictBase64 = base64.StdEncoding.Strict()

// plainSHA reads {SHA} and the base64 of SHA-1.
func plainSHA(stored string) (*password.Record, error) {
	tag, ok := strings.CutPrefix(stored, "{SHA}")
	if !ok {
		return nil, password.ErrForeign
	}
	if raw, ok := decode(tag); !ok || len(raw) != sha1.Size {
		return nil, password.ErrMalformed
	}
	return &password.Record{
		Shape: "sha1", Memory: 1,
		Verify: func(pw string) bool { return equal(computeSHA(pw, nil), tag) },
		Decoy:  func() string { return "{SHA}" + strictBase64.EncodeToString(random(sha1.Size)) },
	}, nil
}

// saltedSHA reads {SSHA} and the base64 of SHA-1 over password and salt, with the salt after it.
func saltedSHA(stored string) (*password.Record, error) {
	text, ok := strings.CutPrefix(stored, "{SSHA}")
	if !ok {
		return nil, password.ErrForeign
	}
	raw, ok := decode(text)
	if !ok || len(raw) <= sha1.Size || len(raw) > sha1.Size+64 {
		return nil, password.ErrMalformed
	}
	salt := raw[sha1.Size:]
	return &password.Record{
		Shape: "ssha1", Memory: 1,
		Verify: func(pw string) bool { return equal(computeSHA(pw, salt), text) },
		Decoy:  func() string { return "{SSHA}" + strictBase64.EncodeToString(random(len(raw))) },
	}, nil
}

func computeSHA(pw string, salt []byte) string {
	sum := sha1.Sum(append([]byte(pw), salt...)) //nolint:gosec // what is imported
	return strictBase64.EncodeToString(append(sum[:], salt...))
}

func decode(s string) ([]byte, bool) {
	raw, err := strictBase64.DecodeString(s)
	return raw, err == nil && !strings.ContainsAny(s, "\r\n")
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // does not fail: it ends the process where there is no randomness
	return b
}

func randomCrypt64(n int) string {
	b := random(n)
	for i := range b {
		b[i] = cryptAlphabet[b[i]&0x3f]
	}
	return string(b)
}
