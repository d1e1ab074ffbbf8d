package vectors_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth/jwt"
	golangjwt "github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v2/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v2/jwt"
)

var (
	seed    = sha256.Sum256([]byte("a key for the comparison"))
	private = ed25519.NewKeyFromSeed(seed[:])
	public  = private.Public()
	now     = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func sign(header, claims string) string {
	input := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(input)))
}

func newVerifier(tb testing.TB) *jwt.Verifier {
	tb.Helper()
	key, err := jwt.NewPublicKey("k1", jwt.EdDSA, public)
	if err != nil {
		tb.Fatal(err)
	}
	set, err := jwt.NewKeySet(key)
	if err != nil {
		tb.Fatal(err)
	}
	v, err := jwt.NewVerifier(jwt.Config{
		Issuer: "i", Keys: set, Audience: []string{"a"}, Algorithms: []jwt.Algorithm{jwt.EdDSA}, Profile: jwt.ProfileLegacy,
		Leeway: jwt.NoLeeway, Clock: func() time.Time { return now },
	})
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// FuzzDifferential signs any header and claims. Whatever we accept, golang-jwt and jwx accept too, and read the same
// subject and expiry in it; and encoding/json finds the same names, each once.
func FuzzDifferential(f *testing.F) {
	for _, header := range []string{
		`{"alg":"EdDSA"}`, `{"alg":"EdDSA","kid":"k1","typ":"JWT"}`, `{"alg":"EdDSA","kid":"k1","x":{"y":[1,2.5e3,null]}}`,
		`{"alg":"EdDSA","crit":[]}`, `{"alg":"none"}`, ` {"\u0061lg":"EdDSA"}`,
	} {
		for _, claims := range []string{
			`{"iss":"i","aud":"a","exp":1795438800,"sub":"alice"}`, `{"iss":"i","aud":["b","a"],"exp":1795438800.5}`,
			`{"iss":"i","aud":"a","exp":2e9,"sub":"\ud83d\ude00","nbf":0,"iat":1}`, `{"iss":"i","aud":"a","exp":0}`,
			`{"iss":"i","aud":"a","exp":"1795438800"}`, `{"iss":"i","aud":"a","exp":1795438800,"EXP":1}`,
			`{"iss":"i","aud":"a","exp":1795438800,"exp":1}`, `{}`, `[]`, "{\"iss\":\"i\",\r\n\t\"aud\":\"a\",\"exp\":1795438800}",
			`{"iss":"i","aud":"a","exp":1795438800,"sub":"a","x":{"y":[true,false,null,-0.1E+2,{}]}}`,
		} {
			f.Add(header, claims)
		}
	}
	v := newVerifier(f)
	f.Fuzz(func(t *testing.T, header, claims string) {
		token := sign(header, claims)
		c, err := v.Verify(context.Background(), token)
		if err != nil {
			return
		}
		sameAsGolang(t, token, c)
		if strings.TrimSpace(header) == header { // jwx verifies over a header without the space around it
			sameAsJWX(t, token, c)
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal([]byte(claims), &m); err != nil {
			t.Fatalf("accepted, and encoding/json says %v", err)
		}
	})
}

func sameAsGolang(t *testing.T, token string, c *jwt.Claims) {
	t.Helper()
	p := golangjwt.NewParser(golangjwt.WithValidMethods([]string{"EdDSA"}), golangjwt.WithIssuer("i"), golangjwt.WithAudience("a"),
		golangjwt.WithExpirationRequired(), golangjwt.WithIssuedAt(), golangjwt.WithTimeFunc(func() time.Time { return now }))
	var claims golangjwt.RegisteredClaims
	if _, err := p.ParseWithClaims(token, &claims, func(*golangjwt.Token) (any, error) { return public, nil }); err != nil {
		t.Fatalf("accepted, and golang-jwt says %v", err)
	}
	if claims.Subject != c.Subject() || claims.ExpiresAt.Unix() != c.ExpiresAt().Unix() {
		t.Fatalf("got subject %q and expiry %v, golang-jwt %q and %v", c.Subject(), c.ExpiresAt(), claims.Subject, claims.ExpiresAt)
	}
}

func sameAsJWX(t *testing.T, token string, c *jwt.Claims) {
	t.Helper()
	parsed, err := jwxjwt.Parse([]byte(token), jwxjwt.WithKey(jwa.EdDSA, public), jwxjwt.WithIssuer("i"), jwxjwt.WithAudience("a"),
		jwxjwt.WithClock(jwxjwt.ClockFunc(func() time.Time { return now })))
	if err != nil {
		t.Fatalf("accepted, and jwx says %v", err)
	}
	if parsed.Subject() != c.Subject() || parsed.Expiration().Unix() != c.ExpiresAt().Unix() {
		t.Fatalf("got subject %q and expiry %v, jwx %q and %v", c.Subject(), c.ExpiresAt(), parsed.Subject(), parsed.Expiration())
	}
}
