package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

// A service gets a token for itself and uses it nowhere but at its resource.
func Example() {
	secret, hash := server.NewSecret() // show the secret once, keep the hash
	worker, err := server.NewClient(server.ClientConfig{
		ID: "worker", Secrets: []server.SecretHash{hash}, Grants: []server.Grant{server.GrantClientCredentials},
		Scopes: auth.MustScopeSet("notes:read", "notes:write"), Resources: []string{"https://api.example.com"},
	})
	if err != nil {
		log.Fatal(err)
	}
	clients, err := server.NewClients(worker)
	if err != nil {
		log.Fatal(err)
	}
	ring, err := jwt.NewKeyRing(context.Background(), jwt.KeyRingConfig{})
	if err != nil {
		log.Fatal(err)
	}
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	if err != nil {
		log.Fatal(err)
	}
	s, err := server.New(server.Config{
		Issuer: "https://id.example.com", Clients: clients, Resources: []string{"https://api.example.com"}, Keys: ring,
		Sessions: refresh.Config{Store: store, Keys: [][]byte{bytes.Repeat([]byte("?"), 32)}}, // 32 random bytes
	})
	if err != nil {
		log.Fatal(err)
	}

	r := httptest.NewRequest("POST", "https://id.example.com/token", strings.NewReader("grant_type=client_credentials&scope=notes:read"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("worker", secret.Reveal())
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, r)
	var answer struct {
		TokenType string `json:"token_type"`
		ExpiresIn int    `json:"expires_in"`
		Scope     string `json:"scope"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
		log.Fatal(err)
	}
	fmt.Println(rec.Code, answer.TokenType, answer.ExpiresIn > 590, answer.Scope)
	// Output: 200 Bearer true notes:read
}

func ExampleNewSecret() {
	secret, hash := server.NewSecret()
	fmt.Println(secret)                                                  // logs tell nothing
	fmt.Println(strings.HasPrefix(secret.Reveal(), server.SecretPrefix)) // to show once
	fmt.Println(strings.HasPrefix(string(hash), "sha256:"))              // to keep
	// Output:
	// [redacted]
	// true
	// true
}
