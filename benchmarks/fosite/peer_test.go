package fositebench_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"flag"
	"net/http"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

var races = flag.Bool("fosite.races", false, "let 50 requests use one refresh token of fosite at once")

const api = "https://api.example.com"

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ours has opaque tokens, as fosite has.
func ours(t testing.TB) *as {
	secret, hash := server.NewSecret()
	client, err := server.NewClient(server.ClientConfig{
		ID: "worker", Secrets: []server.SecretHash{hash}, Grants: []server.Grant{server.GrantClientCredentials, server.GrantRefresh},
		Scopes: auth.MustScopeSet("read"), Resources: []string{api}, Serves: []string{api},
	})
	check(t, err)
	clients, err := server.NewClients(client)
	check(t, err)
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	check(t, err)
	s, err := server.New(server.Config{
		Issuer: "http://127.0.0.1", Clients: clients, Resources: []string{api}, OpaqueKeys: [][]byte{bytes.Repeat([]byte("o"), 32)},
		Sessions: refresh.Config{Store: store, Keys: [][]byte{bytes.Repeat([]byte("p"), 32)}},
	})
	check(t, err)
	return &as{
		name: "ours, opaque", handler: s.Handler(), token: "/token", introspect: "/introspect",
		id: "worker", secret: secret.Reveal(), ownID: "worker", ownSecret: secret.Reveal(),
		start: func(t testing.TB) string {
			tokens, err := s.Sessions().Issue(t.Context(), refresh.Login{Subject: "alice", Client: "worker", Scopes: auth.MustScopeSet("read")})
			check(t, err)
			return tokens.RefreshToken
		},
	}
}

// sha hashes client secrets as ours are hashed, instead of by bcrypt, whose cost of 12 is 370 ms.
type sha struct{}

func (sha) Hash(_ context.Context, data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	return sum[:], nil
}

func (h sha) Compare(ctx context.Context, hash, data []byte) error {
	sum, _ := h.Hash(ctx, data)
	if subtle.ConstantTimeCompare(sum, hash) != 1 {
		return errors.New("wrong secret")
	}
	return nil
}

// fositeAS is fosite with its memory store and its opaque tokens.
func fositeAS(t testing.TB) *as {
	const secret = "a secret of the benchmark"
	hash, _ := sha{}.Hash(t.Context(), []byte(secret))
	store := storage.NewMemoryStore()
	store.Clients["worker"] = &fosite.DefaultClient{
		ID: "worker", Secret: hash, GrantTypes: fosite.Arguments{"client_credentials", "refresh_token", "password"},
		Scopes: fosite.Arguments{"read", "offline"},
	}
	store.Users["alice"] = storage.MemoryUserRelation{Username: "alice", Password: "right"}
	config := &fosite.Config{GlobalSecret: bytes.Repeat([]byte("s"), 32), ClientSecretsHasher: sha{}, AccessTokenLifespan: 10 * time.Minute}
	provider := compose.Compose(config, store, compose.NewOAuth2HMACStrategy(config),
		compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2RefreshTokenGrantFactory,
		compose.OAuth2ResourceOwnerPasswordCredentialsFactory, //nolint:staticcheck // the shortest way to a refresh token
		compose.OAuth2TokenIntrospectionFactory,
	)
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		request, err := provider.NewAccessRequest(ctx, r, &fosite.DefaultSession{Subject: "alice"})
		if err != nil {
			provider.WriteAccessError(ctx, w, request, err)
			return
		}
		for _, scope := range request.GetRequestedScopes() {
			request.GrantScope(scope)
		}
		response, err := provider.NewAccessResponse(ctx, request)
		if err != nil {
			provider.WriteAccessError(ctx, w, request, err)
			return
		}
		provider.WriteAccessResponse(ctx, w, request, response)
	})
	mux.HandleFunc("/introspect", func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		response, err := provider.NewIntrospectionRequest(ctx, r, &fosite.DefaultSession{})
		if err != nil {
			provider.WriteIntrospectionError(ctx, w, err)
			return
		}
		provider.WriteIntrospectionResponse(ctx, w, response)
	})
	a := &as{
		name: "fosite", handler: mux, token: "/token", introspect: "/introspect",
		id: "worker", secret: secret, ownID: "worker", ownSecret: secret,
	}
	a.start = func(t testing.TB) string {
		rec := a.post("/token", "worker", secret, "grant_type=password&username=alice&password=right&scope=read+offline")
		token := member(rec.Body.String(), "refresh_token")
		if token == "" {
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
		return token
	}
	return a
}

func BenchmarkServers(b *testing.B) { benchmarkAll(b, []*as{ours(b), fositeAS(b)}) }

// Ours never forks a session. fosite's memory store is an example; it is run with -fosite.races only, since it can end the
// process.
func TestParallelRefresh(t *testing.T) {
	const rounds = 100
	forked, most := ours(t).countSuccessors(t, rounds)
	t.Logf("ours: %d of %d rounds with more than one successor, at most %d of 50", forked, rounds, most)
	if forked != 0 || most != 1 {
		t.Error("ours forked a session")
	}
	if *races {
		forked, most := fositeAS(t).countSuccessors(t, rounds)
		t.Logf("fosite: %d of %d rounds with more than one successor, at most %d of 50", forked, rounds, most)
	}
}
