package oauth2bench_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

const api = "https://api.example.com"

// ours is our server on loopback, with what its clients need.
type ours struct {
	url     string
	secret  string
	server  *server.Server
	handler http.Handler
}

func newOurs(t testing.TB, change func(*server.Config)) *ours {
	t.Helper()
	front := httptest.NewUnstartedServer(nil)
	o := &ours{url: "http://" + front.Listener.Addr().String()}
	secret, hash := server.NewSecret()
	o.secret = secret.Reveal()
	client, err := server.NewClient(server.ClientConfig{
		ID: "worker", Secrets: []server.SecretHash{hash}, Grants: []server.Grant{server.GrantClientCredentials, server.GrantRefresh},
		Scopes: auth.MustScopeSet("read", "write"), DefaultScopes: auth.MustScopeSet("read"), Resources: []string{api}, Serves: []string{api},
	})
	check(t, err)
	clients, err := server.NewClients(client)
	check(t, err)
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	check(t, err)
	ring, err := jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{Algorithm: jwt.ES256})
	check(t, err)
	c := server.Config{
		Issuer: o.url, Clients: clients, Resources: []string{api}, Keys: ring,
		Sessions: refresh.Config{Store: store, Keys: [][]byte{bytes.Repeat([]byte("p"), 32)}},
	}
	if change != nil {
		change(&c)
	}
	o.server, err = server.New(c)
	check(t, err)
	o.handler = o.server.Handler()
	front.Config.Handler = o.handler
	front.Start()
	t.Cleanup(front.Close)
	return o
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// golang.org/x/oauth2 gets tokens by client credentials, whichever way it sends the secret, and by probing for the way.
func TestXOAuth2ClientCredentials(t *testing.T) {
	o := newOurs(t, nil)
	for name, style := range map[string]oauth2.AuthStyle{
		"in the header": oauth2.AuthStyleInHeader, "in the body": oauth2.AuthStyleInParams, "probing": oauth2.AuthStyleAutoDetect,
	} {
		t.Run(name, func(t *testing.T) {
			c := clientcredentials.Config{ClientID: "worker", ClientSecret: o.secret, TokenURL: o.url + "/token", Scopes: []string{"read"}, AuthStyle: style}
			token, err := c.Token(t.Context())
			check(t, err)
			if !token.Valid() || token.Type() != "Bearer" || token.Extra("scope") != "read" || time.Until(token.Expiry) > 10*time.Minute {
				t.Errorf("got type %q, scope %v, expiry %v", token.Type(), token.Extra("scope"), token.Expiry)
			}
			c.ClientSecret = "wrong"
			_, err = c.Token(t.Context())
			refused, ok := errors.AsType[*oauth2.RetrieveError](err)
			if !ok || refused.ErrorCode != "invalid_client" || refused.Response.StatusCode != 401 {
				t.Errorf("a wrong secret: got %v", err)
			}
		})
	}
}

// golang.org/x/oauth2 refreshes, persists what it is given, and reads our refusals.
func TestXOAuth2Refresh(t *testing.T) {
	o := newOurs(t, nil)
	tokens, err := o.server.Sessions().Issue(t.Context(), refresh.Login{Subject: "alice", Client: "worker", Scopes: auth.MustScopeSet("read")})
	check(t, err)
	c := oauth2.Config{ClientID: "worker", ClientSecret: o.secret, Endpoint: oauth2.Endpoint{TokenURL: o.url + "/token"}}
	first := &oauth2.Token{RefreshToken: tokens.RefreshToken}
	second, err := c.TokenSource(t.Context(), first).Token()
	check(t, err)
	if second.RefreshToken == first.RefreshToken || !second.Valid() {
		t.Error("got no new pair")
	}
	if _, err := o.server.Sessions().RevokeSubject(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	_, err = c.TokenSource(t.Context(), &oauth2.Token{RefreshToken: second.RefreshToken}).Token()
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.ErrorCode != "invalid_grant" {
		t.Errorf("after a logout: got %v", err)
	}
}

// zitadel/oidc's resource server discovers us, authenticates, and reads what we say about tokens.
func TestZitadelIntrospection(t *testing.T) {
	for name, change := range map[string]func(*server.Config){"JWT": nil, "opaque": opaque} {
		t.Run(name, func(t *testing.T) {
			o := newOurs(t, change)
			service, err := rs.NewResourceServerClientCredentials(t.Context(), o.url, "worker", o.secret)
			check(t, err)
			tokens, err := o.server.Sessions().Issue(t.Context(), refresh.Login{Subject: "alice", Client: "worker", Scopes: auth.MustScopeSet("read", "write")})
			check(t, err)
			got, err := rs.Introspect[*oidc.IntrospectionResponse](t.Context(), service, tokens.AccessToken)
			check(t, err)
			if !got.Active || got.Subject != "alice" || got.Issuer != o.url || got.ClientID != "worker" || got.Audience[0] != api ||
				strings.Join(got.Scope, " ") != "read write" || got.TokenType != "Bearer" || got.JWTID == "" || got.Expiration.AsTime().Before(time.Now()) {
				t.Errorf("got %+v", got)
			}
			check(t, o.server.Sessions().RevokeSession(t.Context(), tokens.Session))
			got, err = rs.Introspect[*oidc.IntrospectionResponse](t.Context(), service, tokens.AccessToken)
			check(t, err)
			if got.Active {
				t.Error("got an active token after its session has ended")
			}
		})
	}
}

func opaque(c *server.Config) { c.Keys, c.OpaqueKeys = nil, [][]byte{bytes.Repeat([]byte("o"), 32)} }

// jwtStorage is zitadel/oidc's example storage with JWTs for its service user.
type jwtStorage struct{ *storage.Storage }

type jwtClient struct{ op.Client }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

func (s jwtStorage) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	c, err := s.Storage.ClientCredentials(ctx, id, secret)
	if err != nil {
		return nil, err
	}
	return jwtClient{c}, nil
}

// An authorization server that nobody here wrote: its tokens are accepted, and refused with one claim changed.
func TestTokensOfZitadel(t *testing.T) {
	front := httptest.NewUnstartedServer(nil)
	url := "http://" + front.Listener.Addr().String()
	users := storage.NewUserStore(url)
	front.Config.Handler = exampleop.SetupServer(url, jwtStorage{storage.NewStorage(users)}, slog.New(slog.DiscardHandler), false)
	front.Start()
	t.Cleanup(front.Close)

	c := clientcredentials.Config{ClientID: "sid1", ClientSecret: "verysecret", TokenURL: url + "/oauth/token", AuthStyle: oauth2.AuthStyleInHeader}
	token, err := c.Token(t.Context())
	check(t, err)
	keys, err := jwt.NewRemote(jwt.RemoteConfig{Issuer: url, InsecureAllowHTTP: true})
	check(t, err)
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: url, Keys: keys, Audience: []string{"sid1"}, Algorithms: []jwt.Algorithm{jwt.RS256}, Profile: jwt.ProfileLegacy,
	})
	check(t, err)
	claims, err := verifier.Verify(t.Context(), token.AccessToken)
	check(t, err)
	if claims.Subject() != "sid1" || claims.Issuer() != url {
		t.Errorf("got claims %s", claims.Raw())
	}
	parts := strings.Split(token.AccessToken, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	check(t, err)
	var members map[string]any
	check(t, json.Unmarshal(payload, &members))
	const least = 4
	if len(members) < least {
		t.Fatalf("got %d claims, want %d or more", len(members), least)
	}
	for name, value := range members {
		members[name] = "changed"
		changed, err := json.Marshal(members)
		check(t, err)
		members[name] = value
		parts[1] = base64.RawURLEncoding.EncodeToString(changed)
		if _, err := verifier.Verify(t.Context(), strings.Join(parts, ".")); auth.KindOf(err) != auth.KindInvalid {
			t.Errorf("claim %s changed: got %v, want a refusal", name, err)
		}
	}
}
