package authtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
)

func verifierOf(t *testing.T, c jwt.Config) *jwt.Verifier {
	t.Helper()
	v, err := jwt.NewVerifier(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestIssuerTokens(t *testing.T) {
	for _, alg := range []jwt.Algorithm{"", jwt.EdDSA, jwt.ES256, jwt.RS256} {
		t.Run("signed with "+string(alg), func(t *testing.T) {
			testTokens(t, authtest.NewIssuer(t, authtest.IssuerConfig{Algorithm: alg}))
		})
	}
}

func testTokens(t *testing.T, i *authtest.Issuer) {
	t.Helper()
	v := verifierOf(t, i.Config(t))
	for _, tt := range []struct {
		name   string
		change []authtest.TokenChange
		want   error
	}{
		{"a good one", nil, nil},
		{"with a scope", []authtest.TokenChange{authtest.WithScope("a b")}, nil},
		{"expired", []authtest.TokenChange{authtest.Expired()}, jwt.ErrExpired},
		{"not yet valid", []authtest.TokenChange{authtest.NotYetValid()}, jwt.ErrNotYetValid},
		{"for somebody else", []authtest.TokenChange{authtest.WrongAudience()}, jwt.ErrAudience},
		{"of somebody else", []authtest.TokenChange{authtest.WrongIssuer()}, jwt.ErrIssuer},
		{"with an unknown key", []authtest.TokenChange{authtest.UnknownKey()}, jwt.ErrUnknownKey},
		{"forged", []authtest.TokenChange{authtest.Forged()}, jwt.ErrSignature},
		{"without a claim", []authtest.TokenChange{authtest.WithClaim("jti", nil)}, jwt.ErrMissingClaim},
		{"of another type", []authtest.TokenChange{authtest.WithHeader("typ", "JWT")}, jwt.ErrType},
	} {
		_, err := v.Verify(context.Background(), i.Token(t, "alice", tt.change...))
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, errors.Unwrap(err), tt.want)
		}
	}
}

func TestIssuerKnobs(t *testing.T) {
	now := time.Now()
	i := authtest.NewIssuer(t, authtest.IssuerConfig{Audience: "api", Clock: func() time.Time { return now }})
	v := verifierOf(t, i.Config(t))
	verify := func(want auth.Kind) {
		t.Helper()
		if _, err := v.Verify(context.Background(), i.Token(t, "alice")); auth.KindOf(err) != want {
			t.Errorf("got %v, want kind %v", err, want)
		}
	}
	i.SetDown(true)
	verify(auth.KindUnavailable)
	i.SetDown(false)
	now = now.Add(10 * time.Second)
	i.SetKeysWithoutAlg(true)
	verify(0)
	i.Rotate(t)
	verify(auth.KindInvalid) // within the cooldown
	now = now.Add(time.Minute)
	verify(0)
	i.SetSlow(true)
	i.SetSlow(true)
	verify(0) // with the keys it has
	i.SetSlow(false)
	i.SetSlow(false)
	key, err := jwt.NewSigningKey("more", jwt.EdDSA, newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	i.Publish(key.Public())
	if n := i.Fetches(); n != 2 {
		t.Errorf("got %d fetches of the set, want 2", n)
	}
	resp, err := http.Get(i.JWKSURL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("got %d, want the set", resp.StatusCode)
	}
}

func TestMemoryRingStoreConforms(t *testing.T) {
	authtest.TestRingStore(t, func(*testing.T) jwt.RingStore { return &jwt.MemoryRingStore{} })
}

func ExampleNewIssuer() {
	t := &testing.T{} // the one of your test
	issuer := authtest.NewIssuer(t, authtest.IssuerConfig{})
	verifier, err := jwt.NewVerifier(issuer.Config(t))
	if err != nil {
		panic(err)
	}
	users, err := jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: verifier})
	if err != nil {
		panic(err)
	}
	guard, err := middleware.New(middleware.Config{Authenticator: users})
	if err != nil {
		panic(err)
	}
	handler := guard.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})
	for _, token := range []string{issuer.Token(t, "alice"), issuer.Token(t, "alice", authtest.Expired())} {
		fmt.Println(authtest.Do(handler, authtest.Request("GET", "/", "Authorization", "Bearer "+token)).StatusCode)
	}
	// Output:
	// 200
	// 401
}
