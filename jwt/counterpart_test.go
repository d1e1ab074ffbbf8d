package jwt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// TestVerifierConfigTakesWhatTheIssuerMakes has one program make tokens and take them.
func TestVerifierConfigTakesWhatTheIssuerMakes(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, keys := range map[string]jwt.SigningSource{
		"a ring":                      must(jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{})),
		"a ring of its own algorithm": must(jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{Algorithm: jwt.ES256})),
		"a key":                       must(jwt.NewSigningKey("", "", private)),
	} {
		t.Run(name, func(t *testing.T) {
			issuer := must(jwt.NewIssuer(jwt.IssuerConfig{Issuer: "https://a.example", Audience: []string{"api"}, Keys: keys}))
			c, err := issuer.VerifierConfig()
			if err != nil {
				t.Fatal(err)
			}
			verifier := must(jwt.NewVerifier(c))
			ours := must(issuer.Issue(t.Context(), jwt.Grant{Subject: "alice", ClientID: "app"}))
			if claims, err := verifier.Verify(t.Context(), ours.Token); err != nil || claims.Subject() != "alice" {
				t.Errorf("got %v and error %v, want alice", claims, err)
			}
			other := must(issuer.Issue(t.Context(), jwt.Grant{Subject: "alice", ClientID: "app", Audience: []string{"elsewhere"}}))
			if _, err := verifier.Verify(t.Context(), other.Token); auth.KindOf(err) != auth.KindInvalid {
				t.Errorf("got error %v for another audience, want a refusal", err)
			}
			stranger := must(jwt.NewIssuer(jwt.IssuerConfig{
				Issuer: "https://a.example", Audience: []string{"api"}, Keys: must(jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{})),
			}))
			forged := must(stranger.Issue(t.Context(), jwt.Grant{Subject: "alice", ClientID: "app"}))
			if _, err := verifier.Verify(t.Context(), forged.Token); auth.KindOf(err) != auth.KindInvalid {
				t.Errorf("got error %v for another's key, want a refusal", err)
			}
		})
	}
}

func TestVerifierConfigRefusesWhatNobodyCouldCheck(t *testing.T) {
	ring := must(jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{}))
	shared := must(jwt.NewHMACKey("", jwt.HS256, []byte("0123456789abcdefghijklmnopqrstuv")))
	for _, tt := range []struct {
		name string
		c    jwt.IssuerConfig
		want string
	}{
		{"no audience", jwt.IssuerConfig{Issuer: "https://a.example", Keys: ring}, "Audience is empty"},
		{"a shared secret", jwt.IssuerConfig{Issuer: "https://a.example", Keys: shared, Audience: []string{"api"}}, "use NewHMACVerifier"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := must(jwt.NewIssuer(tt.c)).VerifierConfig()
			if err == nil || !strings.Contains(err.Error(), tt.want) || c.Keys != nil {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
