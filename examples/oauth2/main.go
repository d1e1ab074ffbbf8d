// Command oauth2 is an authorization server's token side and an API that accepts its tokens, in one program: client
// credentials for a worker, sessions for an application, introspection for a gateway, revocation, keys and metadata.
//
//	go run -C examples ./oauth2
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

const (
	base   = "http://localhost:8080"
	issuer = base + "/oauth"
	api    = base + "/api"
)

func main() {
	s, err := newService(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("# what the server can do, and its keys:")
	fmt.Printf("curl -s %s/.well-known/oauth-authorization-server/oauth; echo\n", base)
	fmt.Printf("curl -s %s/jwks; echo\n", issuer)
	fmt.Println("# a token for the worker itself:")
	fmt.Printf("token=$(curl -s -u worker:%s -d grant_type=client_credentials -d scope=notes:read %s/token | jq -r .access_token)\n", s.secrets["worker"].Reveal(), issuer)
	fmt.Printf("curl -i -H \"Authorization: Bearer $token\" %s/notes\n", api)
	fmt.Println("# the gateway asks about it:")
	fmt.Printf("curl -s -u gateway:%s -d token=$token %s/introspect; echo\n", s.secrets["gateway"].Reveal(), issuer)
	fmt.Println("# alice has logged in to the application; it refreshes her tokens, and logs her out:")
	fmt.Printf("curl -s -d client_id=app -d grant_type=refresh_token -d refresh_token=%s %s/token; echo\n", s.alice, issuer)
	fmt.Printf("curl -i -d client_id=app -d token=%s %s/revoke\n", s.alice, issuer)
	httpServer := &http.Server{Addr: "localhost:8080", Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(httpServer.ListenAndServe())
}

// service is both sides, with what the curl lines need.
type service struct {
	secrets map[string]server.Secret
	alice   string // a refresh token of hers
	handler http.Handler
}

func newService(ctx context.Context) (*service, error) {
	s := &service{secrets: make(map[string]server.Secret)}
	keys, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{}) // in memory; with a store, a restart keeps the keys
	if err != nil {
		return nil, err
	}
	tokens, err := s.newServer(keys)
	if err != nil {
		return nil, err
	}
	// A login of your own starts a session like this, once it knows who it is.
	session, err := tokens.Sessions().Issue(ctx, refresh.Login{Subject: "alice", Client: "app", Scopes: auth.MustScopeSet("notes:read")})
	if err != nil {
		return nil, err
	}
	s.alice = session.RefreshToken
	guard, err := newGuard(keys)
	if err != nil {
		return nil, err
	}
	endpoints := tokens.Handler()
	mux := http.NewServeMux()
	mux.Handle("/oauth/", endpoints)
	mux.Handle("/.well-known/", endpoints)
	mux.Handle("GET /api/notes", guard.HandlerFunc(notes))
	s.handler = mux
	return s, nil
}

// newServer is what issues tokens. Its clients would come from a database, by a ClientSource of your own.
func (s *service) newServer(keys *jwt.KeyRing) (*server.Server, error) {
	scopes := auth.MustScopeSet("notes:read", "notes:write")
	var list []*server.Client
	for _, c := range []server.ClientConfig{
		{ID: "worker", Secrets: s.secret("worker"), Grants: []server.Grant{server.GrantClientCredentials}, Scopes: scopes, Resources: []string{api}},
		{ID: "app", Public: true, Grants: []server.Grant{server.GrantRefresh}, Scopes: scopes, Resources: []string{api}},
		{ID: "gateway", Secrets: s.secret("gateway"), Serves: []string{api}},
	} {
		client, err := server.NewClient(c)
		if err != nil {
			return nil, err
		}
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
	return server.New(server.Config{
		Issuer: issuer, Clients: clients, Resources: []string{api}, Keys: keys,
		Sessions: refresh.Config{Store: store, Keys: [][]byte{secret}},
	})
}

// secret makes a client's secret, to be shown once, and what to keep of it.
func (s *service) secret(id string) []server.SecretHash {
	secret, hash := server.NewSecret()
	s.secrets[id] = secret
	return []server.SecretHash{hash}
}

// newGuard is what accepts tokens: for this API alone, and with the scope that the route needs. In another program, Keys
// would be a jwt.Remote of the issuer.
func newGuard(keys jwt.KeySource) (*middleware.Guard, error) {
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, Keys: keys, Audience: []string{api}, Algorithms: []jwt.Algorithm{jwt.EdDSA},
	})
	if err != nil {
		return nil, err
	}
	authenticator, err := jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: verifier, Realm: "notes"})
	if err != nil {
		return nil, err
	}
	return middleware.New(middleware.Config{Authenticator: authenticator, Require: auth.Scopes("notes:read")})
}

func notes(w http.ResponseWriter, r *http.Request) {
	who, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "notes for %s\n", who.Subject())
}
