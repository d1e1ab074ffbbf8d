package jwt_test

import (
	"context"
	"crypto"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// benchToken returns a verifier and a token of the usual size for an algorithm.
func benchToken(alg jwt.Algorithm) (*jwt.Verifier, string) {
	c := testConfig()
	c.Algorithms = []jwt.Algorithm{alg}
	claims := goodClaims(object{"nbf": testTime.Unix(), "roles": []string{"editor", "auditor", "billing-admin"}})
	header := `{"alg":"` + string(alg) + `","kid":"k1","typ":"at+jwt"}`
	if alg == jwt.HS256 {
		secret := sha256Sum([]byte("a secret"))
		c.Keys = nil
		return must(jwt.NewHMACVerifier(c, must(jwt.NewHMACKey("k1", alg, secret)))), rawSign("HS256", secret, header, claims)
	}
	key := map[jwt.Algorithm]any{jwt.RS256: testKeys.rsa(), jwt.ES256: testKeys.p256(), jwt.EdDSA: testKeys.ed()}[alg]
	k := must(jwt.NewSigningKey("k1", alg, key.(crypto.Signer)))
	c.Keys = must(jwt.NewKeySet(k.Public()))
	return must(jwt.NewVerifier(c)), rawSign(string(alg), key, header, claims)
}

func TestVerifyAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for alg, most := range map[jwt.Algorithm]float64{jwt.HS256: 4, jwt.RS256: 16, jwt.ES256: 15, jwt.EdDSA: 4} {
		v, token := benchToken(alg)
		got := testing.AllocsPerRun(200, func() {
			c, err := v.Verify(context.Background(), token)
			if err != nil || !c.HasScope("notes:write") {
				t.Fatal(err)
			}
		})
		if got > most {
			t.Errorf("%s: got %v allocations, want %v at most", alg, got, most)
		}
	}
}

func TestIssueAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	i := newIssuer(nil)
	g := jwt.Grant{Subject: "alice", ClientID: "app", Scopes: auth.MustScopeSet("notes:read", "notes:write"), ID: "t1"}
	got := testing.AllocsPerRun(200, func() {
		if _, err := i.Issue(context.Background(), g); err != nil {
			t.Fatal(err)
		}
	})
	if got > 7 {
		t.Errorf("got %v allocations, want 7 at most", got)
	}
}

// BenchmarkVerify models an API that verifies the same few issuers' tokens again and again. benchmarks/jwt compares it
// with other libraries.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range []jwt.Algorithm{jwt.HS256, jwt.RS256, jwt.ES256, jwt.EdDSA} {
		b.Run(string(alg), func(b *testing.B) {
			v, token := benchToken(alg)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(context.Background(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkIssue models a login server with one signing key in memory.
func BenchmarkIssue(b *testing.B) {
	i := newIssuer(nil)
	g := fullGrant()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.Issue(context.Background(), g); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefuse models a flood of tokens that are not signed: what they cost is what an attacker can spend for us.
func BenchmarkRefuse(b *testing.B) {
	v, token := benchToken(jwt.ES256)
	h, p, s := cut(token)
	for name, bad := range map[string]string{
		"a bad signature": h + "." + p + "." + b64(make([]byte, len(s)*3/4)), "alg none": "eyJhbGciOiJub25lIn0." + p + ".AA", "1 MiB": string(make([]byte, 1<<20)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(context.Background(), bad); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}
