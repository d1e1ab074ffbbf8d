// Command grpc accepts API keys and JWTs without HTTP: apikey.Keys and jwt.Verifier prove a credential wherever it came
// from, here from the metadata of gRPC calls. auth.go has the interceptors; notes.go stands in for generated code.
//
//	go run -C examples ./grpc
//
// It serves on loopback, calls itself in several ways and prints what comes back.
package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/jwt"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	s, err := newService()
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "localhost:0")
	if err != nil {
		return err
	}
	defer s.server.Stop()
	go func() { log.Print(s.server.Serve(listener)) }()
	connection, err := dial(listener.Addr().String())
	if err != nil {
		return err
	}
	defer connection.Close() //nolint:errcheck // at the end
	key, err := s.keys.Create(ctx, apikey.Request{Subject: "alice", Scopes: auth.MustScopeSet("notes:read")})
	if err != nil {
		return err
	}
	token, err := s.tokens.Issue(ctx, jwt.Grant{Subject: "bob", ClientID: "cli", Scopes: auth.MustScopeSet("notes:watch")})
	if err != nil {
		return err
	}
	for _, call := range []struct{ who, credential string }{
		{"nobody", ""}, {"a wrong key", "notes_live_guess"}, {"alice's key", key.Secret.Reveal()}, {"bob's token", token.Token},
	} {
		text, err := get(as(ctx, call.credential), connection, methodGet)
		fmt.Printf("%-12s Get:   %q %v\n", call.who, text, err)
		texts, err := watch(as(ctx, call.credential), connection)
		fmt.Printf("%-12s Watch: %q %v\n", call.who, texts, err)
	}
	return nil
}

// dial connects without TLS, on loopback. For production, use credentials.NewTLS, and credentials.PerRPCCredentials that
// require it: who hears a bearer token has it.
func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

func as(ctx context.Context, credential string) context.Context {
	if credential == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+credential)
}

type service struct {
	keys   *apikey.Keys
	tokens *jwt.Issuer
	server *grpc.Server
}

func newService() (*service, error) {
	keys, err := apikey.New(apikey.Config{Prefix: "notes", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})})
	if err != nil {
		return nil, err
	}
	// For production, the tokens are somebody else's, and Keys is a jwt.Remote; or a jwt.KeyRing, as in the example jwt.
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	signing, err := jwt.NewSigningKey("key-1", jwt.EdDSA, private)
	if err != nil {
		return nil, err
	}
	const issuer, audience = "https://login.example", "https://notes.example"
	tokens, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: issuer, Audience: []string{audience}, Keys: signing})
	if err != nil {
		return nil, err
	}
	set, err := jwt.NewKeySet(signing.Public())
	if err != nil {
		return nil, err
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, Keys: set, Audience: []string{audience}, Algorithms: []jwt.Algorithm{jwt.EdDSA},
	})
	if err != nil {
		return nil, err
	}
	mapping, err := jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: verifier})
	if err != nil {
		return nil, err
	}
	g, err := newGate(anyOf(keys, mapping), map[string]auth.Requirement{
		methodGet:   auth.Scopes("notes:read"),
		methodWatch: auth.Scopes("notes:watch"),
	})
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(g.unary), grpc.StreamInterceptor(g.stream))
	server.RegisterService(&notesService, notes{})
	return &service{keys, tokens, server}, nil
}

// anyOf is what auth.FirstOf is for requests: who recognises a credential decides, and what is refused is tried nowhere else.
func anyOf(keys *apikey.Keys, tokens *jwt.Authenticator) verifyFunc {
	return func(ctx context.Context, credential string, client netip.Addr) (*auth.Principal, error) {
		p, err := keys.VerifyFrom(ctx, credential, client) // keys can be bound to networks
		if !errors.Is(err, auth.ErrUnrecognized) {
			return p, err
		}
		return tokens.Verify(ctx, credential)
	}
}
