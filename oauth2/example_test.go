package oauth2_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/dpop"
)

func ExampleNewAuthenticator() {
	as := newIssuer("https://as.example") // an authorization server
	verifier, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: jwt.Config{
		Issuer: "https://as.example", Keys: as.keys(), Audience: []string{"https://api.example/notes"},
		Algorithms: []jwt.Algorithm{jwt.EdDSA}, Clock: testClock,
	}})
	if err != nil {
		panic(err)
	}
	authenticator, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{Verifier: verifier})
	if err != nil {
		panic(err)
	}
	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
	if err != nil {
		panic(err)
	}
	notes := guard.MustRequire(auth.Scopes("notes:delete")).HandlerFunc(func(http.ResponseWriter, *http.Request) {})

	resp := authtest.Do(notes, authtest.Request("DELETE", "/notes/1", "Authorization", "Bearer "+as.token(nil)))
	fmt.Println(resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	// Output: 403 Bearer error="insufficient_scope", scope="notes:delete"
}

func ExampleNewIntrospector() {
	endpoint := &authtest.Introspection{ClientID: "notes", ClientSecret: "a secret"} // of an authorization server
	endpoint.Set("0pAqu3", map[string]any{"sub": "alice", "aud": "https://api.example", "scope": "notes:read"})

	introspector, err := oauth2.NewIntrospector(oauth2.IntrospectorConfig{
		Endpoint: "https://as.example/introspect", Issuer: "https://as.example",
		Client: oauth2.ClientSecretBasic("notes", "a secret"), Audience: []string{"https://api.example"},
		HTTPClient: &http.Client{Transport: endpoint},
	})
	if err != nil {
		panic(err)
	}
	token, err := introspector.Verify(context.Background(), "0pAqu3")
	fmt.Println(token.Subject, token.Scopes, err)
	_, err = introspector.Verify(context.Background(), "made up")
	fmt.Println(err)
	// Output:
	// alice notes:read <nil>
	// the credential was not accepted
}

func ExampleNewRouter() {
	ours, partner := newIssuer("https://as.example"), newIssuer("https://partner.example")
	_, opaque := introspectionOfExamples()
	router, err := oauth2.NewRouter(oauth2.RouterConfig{
		Issuers: map[string]oauth2.Verifier{"https://as.example": ours.verifier(), "https://partner.example": partner.verifier()},
		Opaque:  opaque,
	})
	if err != nil {
		panic(err)
	}
	for _, sent := range []string{ours.token(nil), partner.token(nil), "0pAqu3", newIssuer("https://evil.example").token(nil)} {
		token, err := router.Verify(context.Background(), sent)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(token.Subject, "of", token.Issuer)
	}
	// Output:
	// alice of https://as.example
	// alice of https://partner.example
	// alice of https://as.example
	// auth: credential not recognized
}

func introspectionOfExamples() (*authtest.Introspection, *oauth2.Introspector) {
	endpoint := &authtest.Introspection{}
	endpoint.Set("0pAqu3", active(nil))
	return endpoint, must(oauth2.NewIntrospector(oauth2.IntrospectorConfig{
		Endpoint: testIssuer + "/introspect", Issuer: testIssuer, Audience: []string{testAudience},
		Client: oauth2.ClientSecretBasic("notes", "s"), HTTPClient: &http.Client{Transport: endpoint}, Clock: testClock,
	}))
}

// Tokens that are bound to a key are accepted with a proof, and as bearer tokens they are not.
func ExampleAuthenticatorConfig_dPoP() {
	replays, err := dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{}) // for a service of one process
	if err != nil {
		panic(err)
	}
	proofs, err := dpop.NewVerifier(dpop.Config{Replays: replays})
	if err != nil {
		panic(err)
	}
	as, client := newIssuer("https://as.example"), authtest.NewDPoPKey(nil)
	authenticator, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{
		Verifier: as.verifier(), DPoP: proofs, ExternalURL: "https://api.example",
	})
	if err != nil {
		panic(err)
	}
	token := as.token(bound(client.Thumbprint(), ""))
	p, err := authenticator.Authenticate(client.Request("GET", "https://api.example/notes", token, ""))
	fmt.Println(p.Subject(), err)
	_, err = authenticator.Authenticate(authtest.Request("GET", "https://api.example/notes", "Authorization", "Bearer "+token))
	fmt.Println(auth.AsError(err).Reason)
	// Output:
	// alice <nil>
	// bound_token_as_bearer
}

func ExampleScopeHierarchy() {
	authenticator, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{
		Verifier: oauth2.VerifierFunc(func(context.Context, string) (*oauth2.Token, error) {
			return &oauth2.Token{Subject: "alice", Scopes: auth.MustScopeSet("notes")}, nil
		}),
		Hierarchy: oauth2.ScopeHierarchy{"notes": {"notes:read", "notes:write"}},
	})
	if err != nil {
		panic(err)
	}
	p, err := authenticator.Verify(context.Background(), "token")
	fmt.Println(p.Scopes(), err)
	// Output: notes notes:read notes:write <nil>
}

func ExampleAuthenticator_Metadata() {
	authenticator, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{
		Verifier: newIssuer("https://as.example").verifier(),
		Resource: &oauth2.Resource{
			URL: "https://api.example/mcp", AuthorizationServers: []string{"https://as.example"}, Scopes: []string{"notes:read"},
		},
	})
	if err != nil {
		panic(err)
	}
	metadata := authenticator.Metadata()
	mux := http.NewServeMux()
	mux.Handle(metadata.Path(), metadata) // without a guard

	resp := authtest.Do(mux, authtest.Request("GET", "/.well-known/oauth-protected-resource/mcp"))
	fmt.Println(resp.StatusCode, metadata.URL())
	// Output: 200 https://api.example/.well-known/oauth-protected-resource/mcp
}

func ExampleNewForwardedCertificates() {
	certificates, err := oauth2.NewForwardedCertificates(oauth2.ForwardedCertificatesConfig{
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Header: "Client-Cert",
	})
	if err != nil {
		panic(err)
	}
	_, err = oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{
		Verifier: newIssuer("https://as.example").verifier(), Certificate: certificates.Certificate,
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExamplePrivateKeyJWT() {
	key := newIssuer("").key // any crypto.Signer: of the standard library, a KMS, an HSM
	client := oauth2.PrivateKeyJWT(oauth2.PrivateKeyJWTConfig{ClientID: "notes", Key: key})
	_, err := oauth2.NewIntrospector(oauth2.IntrospectorConfig{
		Endpoint: "https://as.example/introspect", Issuer: "https://as.example",
		Client: client, Audience: []string{"https://api.example"},
	})
	fmt.Println(client, err)
	// Output: [redacted] <nil>
}
