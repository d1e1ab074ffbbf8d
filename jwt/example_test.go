package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

func Example() {
	ctx := context.Background()
	ring, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{})
	if err != nil {
		panic(err)
	}
	issuer, err := jwt.NewIssuer(jwt.IssuerConfig{
		Issuer: "https://login.example.com", Audience: []string{"https://api.example.com"}, Keys: ring,
	})
	if err != nil {
		panic(err)
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: "https://login.example.com", Audience: []string{"https://api.example.com"}, Keys: ring,
		Algorithms: []jwt.Algorithm{jwt.EdDSA},
	})
	if err != nil {
		panic(err)
	}

	issued, err := issuer.Issue(ctx, jwt.Grant{
		Subject: "alice", ClientID: "web", Scopes: auth.MustScopeSet("notes:read"),
		Claims: map[string]any{"tenant": "acme"},
	})
	if err != nil {
		panic(err)
	}
	claims, err := verifier.Verify(ctx, issued.Token)
	if err != nil {
		panic(err)
	}
	tenant, err := jwt.Claim[string](claims, "tenant")
	fmt.Println(claims.Subject(), tenant, claims.HasScope("notes:read"), err)
	fmt.Println(issued) // a token does not get into a log
	// Output:
	// alice acme true <nil>
	// [redacted]
}

func ExampleVerifier_Verify() {
	verifier := newVerifier(nil)
	token := sign(goodHeader, goodClaims(object{"exp": testTime.Add(-time.Hour).Unix()}))
	_, err := verifier.Verify(context.Background(), token)
	fmt.Println(err) // what a client may know
	if errors.Is(err, jwt.ErrExpired) {
		fmt.Println("nothing is wrong with it but its age")
	}
	// Output:
	// the credential was not accepted
	// nothing is wrong with it but its age
}

func ExampleClaims_Into() {
	claims, err := newVerifier(nil).Verify(context.Background(), sign(goodHeader, goodClaims(object{"email": "alice@example.com"})))
	if err != nil {
		panic(err)
	}
	var user struct {
		Subject string `json:"sub"`
		Email   string `json:"email"`
	}
	err = claims.Into(&user)
	fmt.Println(user.Subject, user.Email, err)
	// Output: alice alice@example.com <nil>
}

func ExampleMemoryRevoker() {
	revoker, err := jwt.NewMemoryRevoker(jwt.MemoryRevokerConfig{Clock: testClock})
	if err != nil {
		panic(err)
	}
	verifier := newVerifier(func(c *jwt.Config) { c.Revoker = revoker })
	token := sign(goodHeader, goodClaims(nil))
	claims, _ := verifier.Verify(context.Background(), token)
	if err := revoker.RevokeToken(claims.Issuer(), claims.ID(), claims.ExpiresAt()); err != nil {
		panic(err)
	}
	_, err = verifier.Verify(context.Background(), token)
	fmt.Println(errors.Is(err, jwt.ErrRevoked))
	// Output: true
}
