package jwt_test

import (
	"context"
	"crypto"
	"testing"

	"github.com/cardea-go/auth/jwt"
)

func TestVerify(t *testing.T) {
	secret := must(jwt.NewHMACKey("k1", jwt.HS256, sha256Sum([]byte("a secret"))))
	for _, tt := range []struct {
		alg string
		key any
	}{
		{"HS256", sha256Sum([]byte("a secret"))},
		{"EdDSA", testKeys.ed()}, {"ES256", testKeys.p256()}, {"ES384", testKeys.p384()}, {"ES512", testKeys.p521()},
		{"RS256", testKeys.rsa()}, {"RS384", testKeys.rsa()}, {"RS512", testKeys.rsa()},
		{"PS256", testKeys.rsa()}, {"PS384", testKeys.rsa()}, {"PS512", testKeys.rsa()},
	} {
		t.Run("a good token is verified with "+tt.alg, func(t *testing.T) {
			c := testConfig()
			c.Algorithms = []jwt.Algorithm{jwt.Algorithm(tt.alg)}
			var v *jwt.Verifier
			if tt.alg == "HS256" {
				c.Keys = nil
				v = must(jwt.NewHMACVerifier(c, secret))
			} else {
				c.Keys = must(jwt.NewKeySet(must(jwt.NewPublicKey("k1", jwt.Algorithm(tt.alg), tt.key.(crypto.Signer).Public()))))
				v = must(jwt.NewVerifier(c))
			}
			token := rawSign(tt.alg, tt.key, `{"alg":"`+tt.alg+`","kid":"k1","typ":"at+jwt"}`, goodClaims(nil))
			for range 2 { // the second time, the header is known
				claims, err := v.Verify(context.Background(), token)
				if err != nil {
					t.Fatal(err)
				}
				if claims.Subject() != "alice" || claims.Issuer() != testIssuer || !claims.HasScope("notes:write") {
					t.Errorf("got subject %q, issuer %q, want those of the token", claims.Subject(), claims.Issuer())
				}
			}
		})
	}
}
