package jwt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cardea-go/auth/jwt"
)

func TestClaimsInAnotherCaseAreRefused(t *testing.T) {
	for _, name := range []string{"ACR", "Azp", "SID", "Auth_Time", "ISS", "ſub"} {
		if err := verifyGood(t, nil, object{name: "x"}); !errors.Is(err, jwt.ErrClaims) {
			t.Errorf("%s: got %v, want ErrClaims, since Into takes it for the other", name, err)
		}
	}
}

func TestConfirmationIsReadExactly(t *testing.T) {
	for cnf, want := range map[string]jwt.Confirmation{
		`{"jkt":"good","JKT":"evil","Kid":"evil"}`: {JWKThumbprint: "good"},
		`{"x5t#S256":"t","kid":"k","jwk":{}}`:      {CertificateThumbprint: "t", KeyID: "k", JWK: []byte("{}")},
		`{"jkt":"good","kid":7}`:                   {},
	} {
		payload := strings.Replace(goodClaims(nil), "{", `{"cnf":`+cnf+`,`, 1)
		c := must(newVerifier(nil).Verify(t.Context(), sign(goodHeader, payload)))
		if got, ok := c.Confirmation(); !ok || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %+v, want %+v", cnf, got, want)
		}
	}
}

func TestClaimsPrintNothingWithAnyVerb(t *testing.T) {
	c := must(newVerifier(nil).Verify(t.Context(), sign(goodHeader, goodClaims(object{"email": "alice@example"}))))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%+d", "%t", "%x"} {
		if got := fmt.Sprintf(verb, c); got != "claims" {
			t.Errorf("%s: got %q, want no claim in it", verb, got)
		}
		if got := fmt.Sprintf(verb, *c); got != "claims" {
			t.Errorf("%s of a copy: got %q, want no claim in it", verb, got)
		}
	}
}

func TestClaimsOfNothingLogNothing(t *testing.T) {
	for _, c := range []*jwt.Claims{nil, {}} {
		if got := c.LogValue().String(); got != "claims" {
			t.Errorf("got %q, want no claim", got)
		}
	}
}
