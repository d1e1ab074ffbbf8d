package openapitest_test

import (
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi/openapitest"
)

// TestCheckAgreesWithRealAuthenticators asks a service of API keys and passwords.
func TestCheckAgreesWithRealAuthenticators(t *testing.T) {
	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})})
	if err != nil {
		t.Fatal(err)
	}
	secret := func(scopes ...string) string {
		issued, err := keys.Create(t.Context(), apikey.Request{Subject: "alice", Name: "test", Scopes: auth.MustScopeSet(scopes...)})
		if err != nil {
			t.Fatal(err)
		}
		return issued.Secret.Reveal()
	}
	keyAuthenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{})
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := password.New(password.Config{})
	if err != nil {
		t.Fatal(err)
	}
	hash, err := hasher.Hash(t.Context(), "correct horse battery staple")
	if err != nil {
		t.Fatal(err)
	}
	users, err := basic.NewStatic(hasher, basic.User{Name: "anna", PasswordHash: hash})
	if err != nil {
		t.Fatal(err)
	}
	basicAuthenticator, err := basic.New(basic.Config{Realm: "notes", Users: users, Hasher: hasher})
	if err != nil {
		t.Fatal(err)
	}
	both, err := middleware.New(middleware.Config{Authenticator: auth.FirstOf(keyAuthenticator, basicAuthenticator)})
	if err != nil {
		t.Fatal(err)
	}
	keysOnly, err := middleware.New(middleware.Config{Authenticator: keyAuthenticator})
	if err != nil {
		t.Fatal(err)
	}
	m := middleware.NewMux(middleware.MuxConfig{Guard: keysOnly})
	m.HandleFunc("GET /me", middleware.Authenticated().Via(both), ok)
	m.HandleFunc("POST /notes", middleware.Require(auth.Scopes("notes:write")), ok)
	m.HandleFunc("GET /health", middleware.Public(), ok)
	h, err := m.Build()
	if err != nil {
		t.Fatal(err)
	}
	credentials := map[string]openapitest.Credential{
		basicAuthenticator.Schemes()[0].Name: {Enough: "anna:correct horse battery staple"},
	}
	for _, s := range keyAuthenticator.Schemes() { // one for each place
		credentials[s.Name] = openapitest.Credential{Enough: secret("notes:write"), Little: secret()}
	}
	err = openapitest.Check(openapitest.Config{Document: document(t, m.Routes()), Handler: h, Routes: m.Routes(), Credentials: credentials})
	if err != nil {
		t.Error(err)
	}
}
