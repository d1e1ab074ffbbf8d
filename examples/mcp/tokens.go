package main

import (
	"crypto/rand"
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

// otherService is a resource that tokens are made for too: none of them may be good for ours.
const otherService = "https://calendar.example.com"

// newTokens is the token side of an authorization server, in this program so that one command runs it all: the example
// oauth2 has more of it. Its clients act for themselves, by client credentials. Where they act for people, name the
// authorization server that has their accounts, as issuer: nothing else changes here.
func (s *service) newTokens(keys *jwt.KeyRing) (http.Handler, error) {
	s.secrets = map[string]server.Secret{}
	var list []*server.Client
	for id, scopes := range map[string]auth.ScopeSet{
		"alice": auth.MustScopeSet("notes:read", "notes:write"),
		"bob":   auth.MustScopeSet("notes:read"),
	} {
		secret, hash := server.NewSecret()
		client, err := server.NewClient(server.ClientConfig{
			ID: id, Secrets: []server.SecretHash{hash}, Grants: []server.Grant{server.GrantClientCredentials},
			Scopes: scopes, Resources: []string{s.resource, otherService}, // the first, where a client names none
		})
		if err != nil {
			return nil, err
		}
		s.secrets[id] = secret
		list = append(list, client)
	}
	clients, err := server.NewClients(list...)
	if err != nil {
		return nil, err
	}
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	tokens, err := server.New(server.Config{
		Issuer: s.issuer, Clients: clients, Resources: []string{s.resource, otherService}, Keys: keys,
		Sessions: refresh.Config{Store: store, Keys: [][]byte{secret}},
	})
	if err != nil {
		return nil, err
	}
	return tokens.Handler(), nil
}
