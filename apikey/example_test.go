package apikey_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
)

func Example() {
	keys, err := apikey.New(apikey.Config{
		Prefix: "acme",
		Store:  apikey.NewMemoryStore(apikey.MemoryConfig{}),
	})
	if err != nil {
		panic(err)
	}
	issued, err := keys.Create(context.Background(), apikey.Request{
		Subject: "alice",
		Name:    "laptop",
		Scopes:  auth.MustScopeSet("notes:read"),
	})
	if err != nil {
		panic(err)
	}
	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{})
	if err != nil {
		panic(err)
	}

	r := httptest.NewRequest("GET", "/notes", nil)
	r.Header.Set("X-API-Key", issued.Secret.Reveal())
	p, err := authenticator.Authenticate(r)
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Subject(), p.Scopes())
	fmt.Println(issued.Secret)
	// Output:
	// alice notes:read
	// [redacted]
}
