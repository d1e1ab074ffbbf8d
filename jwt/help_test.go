package jwt_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

const (
	testIssuer   = "https://issuer.example"
	testAudience = "https://api.example"
)

// testTime is when the tests take place.
var testTime = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func testClock() time.Time { return testTime }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// testKeys are made once: RSA takes its time.
var testKeys = struct {
	ed    func() ed25519.PrivateKey
	p256  func() *ecdsa.PrivateKey
	p384  func() *ecdsa.PrivateKey
	p521  func() *ecdsa.PrivateKey
	rsa   func() *rsa.PrivateKey
	other func() ed25519.PrivateKey
}{
	ed:    sync.OnceValue(newEd25519),
	p256:  sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }),
	p384:  sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) }),
	p521:  sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) }),
	rsa:   sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) }),
	other: sync.OnceValue(newEd25519),
}

func newEd25519() ed25519.PrivateKey {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	return must(k, err)
}

// rawSign signs any header and payload with the standard library alone, so that tests can make what no issuer would.
func rawSign(alg string, key any, header, payload string) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	return input + "." + b64(rawSignature(alg, key, input))
}

func rawSignature(alg string, key any, input string) []byte {
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512, "DSA": 0}[alg[2:]]
	var digest []byte
	if hash != 0 {
		h := hash.New()
		h.Write([]byte(input))
		digest = h.Sum(nil)
	}
	switch k := key.(type) {
	case []byte:
		m := hmac.New(hash.New, k)
		m.Write([]byte(input))
		return m.Sum(nil)
	case ed25519.PrivateKey:
		return ed25519.Sign(k, []byte(input))
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, digest)
		must(r, err)
		return rawECDSA(k, r, s)
	case *rsa.PrivateKey:
		if alg[0] == 'P' {
			return must(rsa.SignPSS(rand.Reader, k, hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
		}
		return must(rsa.SignPKCS1v15(nil, k, hash, digest))
	}
	panic("unknown key")
}

func rawECDSA(k *ecdsa.PrivateKey, r, s *big.Int) []byte {
	n := (k.Curve.Params().BitSize + 7) / 8
	sig := make([]byte, 2*n)
	r.FillBytes(sig[:n])
	s.FillBytes(sig[n:])
	return sig
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

type object = map[string]any

// goodClaims returns the claims of a good access token with what change sets; nil removes a member.
func goodClaims(change object) string {
	c := object{
		"iss": testIssuer, "sub": "alice", "aud": testAudience, "client_id": "app", "jti": "t1",
		"exp": testTime.Add(10 * time.Minute).Unix(), "iat": testTime.Unix(), "scope": "notes:read notes:write",
	}
	maps.Copy(c, change)
	for name, v := range c {
		if v == nil {
			delete(c, name)
		}
	}
	return string(must(json.Marshal(c)))
}

const goodHeader = `{"alg":"EdDSA","kid":"k1","typ":"at+jwt"}`

// sign signs with the test's Ed25519 key.
func sign(header, payload string) string { return rawSign("EdDSA", testKeys.ed(), header, payload) }

func edKeySet() *jwt.KeySet {
	return must(jwt.NewKeySet(must(jwt.NewPublicKey("k1", jwt.EdDSA, testKeys.ed().Public()))))
}

func testConfig() jwt.Config {
	return jwt.Config{
		Issuer: testIssuer, Keys: edKeySet(), Audience: []string{testAudience}, Algorithms: []jwt.Algorithm{jwt.EdDSA},
		Clock: testClock, Leeway: jwt.NoLeeway,
	}
}

func newVerifier(change func(*jwt.Config)) *jwt.Verifier {
	c := testConfig()
	if change != nil {
		change(&c)
	}
	return must(jwt.NewVerifier(c))
}

// checkRefusal asserts that nothing was returned but an auth.Error of KindInvalid that wraps want and quotes nothing.
func checkRefusal(t *testing.T, claims *jwt.Claims, err, want error) {
	t.Helper()
	if claims != nil {
		t.Error("got claims together with a refusal, want none")
	}
	if !errors.Is(err, want) {
		t.Fatalf("got error %v (cause %v), want one that wraps %v", err, errors.Unwrap(err), want)
	}
	e, ok := errors.AsType[*auth.Error](err)
	if !ok || e.Kind != auth.KindInvalid {
		t.Fatalf("got %#v, want an auth.Error of KindInvalid", err)
	}
	if e.Error() != auth.KindInvalid.Text() {
		t.Errorf("got the text %q, want the kind's own", e.Error())
	}
}

func sha256Sum(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}
