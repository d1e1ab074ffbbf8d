package client

import (
	"errors"
	"testing"

	"github.com/cardea-go/auth"
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

// TestDenied has what people may do something about told from what they may not.
func TestDenied(t *testing.T) {
	for kind, codes := range map[auth.Kind][]string{
		auth.KindForbidden: {"access_denied", "login_required", "interaction_required", "account_selection_required", "consent_required"},
		auth.KindUnavailable: {
			"server_error", "temporarily_unavailable", "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "invalid_target",
		},
	} {
		for _, code := range codes {
			e := denied(code)
			if d, ok := errors.AsType[*DeniedError](e); e.Kind != kind || !ok || d.Code != code {
				t.Errorf("%s: got %v of kind %v, want kind %v", code, d, e.Kind, kind)
			}
		}
	}
}
