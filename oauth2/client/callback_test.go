package client

import (
	"testing"

	"github.com/cardea-go/auth/jwt"
)

// TestHalfHash compares with sha256sum, sha384sum and sha512sum of the token.
func TestHalfHash(t *testing.T) {
	const (
		by256 = "rZGl5LDQjjq5LGvGk82HFw"
		by384 = "o9X2Lgk2-mbbnt0BhzKsFebEVBhQn1EP"
		by512 = "KKB9C01NasstnE2KnQY84UXauR8iInQN0Sroi1veuxw"
	)
	for alg, want := range map[jwt.Algorithm]string{
		jwt.RS256: by256, jwt.PS256: by256, jwt.ES256: by256,
		jwt.RS384: by384, jwt.PS384: by384, jwt.ES384: by384,
		jwt.RS512: by512, jwt.PS512: by512, jwt.ES512: by512, jwt.EdDSA: by512,
	} {
		if got := halfHash(alg, "access-x"); got != want {
			t.Errorf("%s: got %s, want %s", alg, got, want)
		}
	}
}
