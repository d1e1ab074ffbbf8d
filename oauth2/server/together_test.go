package server_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/dpop"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

// roundTripper sends a client's requests to a handler.
type roundTripper struct{ http.Handler }

func (h roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// The other half of the house: a service that asks this server about tokens, by a secret and by its key, takes those that
// are for it, with the proof that they are bound to, and refuses them once their session has ended.
func TestResourceServer(t *testing.T) {
	key := mustECDSA()
	signing, err := jwt.NewSigningKey("", jwt.ES256, key)
	check(t, err)
	keys, err := jwt.NewKeySet(signing.Public())
	check(t, err)
	for name, change := range map[string]func(*server.Config){"JWT": func(*server.Config) {}, "opaque": opaque} {
		for _, byKey := range []bool{false, true} {
			w := newWorld(t, func(c *server.Config) { change(c) })
			service := server.ClientConfig{ID: "service", Keys: keys, Algorithms: []jwt.Algorithm{jwt.ES256}, Serves: []string{api}}
			authentication := oauth2.PrivateKeyJWT(oauth2.PrivateKeyJWTConfig{ClientID: "service", Key: key, Clock: w.clock.now})
			if !byKey {
				service.Keys, service.Algorithms, service.Secrets = nil, nil, w.secrets("service", 1)
				authentication = oauth2.ClientSecretBasic("service", w.secret["service"])
			}
			c := w.config
			phone := w.client(server.ClientConfig{ID: "phone", Public: true, Grants: []server.Grant{server.GrantRefresh}, Scopes: auth.MustScopeSet("read"), Resources: []string{api}})
			c.Clients, err = server.NewClients(phone, w.client(service))
			check(t, err)
			s, err := server.New(c)
			check(t, err)

			introspector, err := oauth2.NewIntrospector(oauth2.IntrospectorConfig{
				Endpoint: issuer + "/introspect", Issuer: issuer, Client: authentication, Audience: []string{api},
				CacheFor: oauth2.NoCache, HTTPClient: &http.Client{Transport: roundTripper{s.Handler()}}, Clock: w.clock.now,
			})
			check(t, err)
			proofs, err := dpop.NewVerifier(dpop.Config{Replays: w.store, Clock: w.clock.now})
			check(t, err)
			a, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{Verifier: introspector, DPoP: proofs, ExternalURL: api})
			check(t, err)

			holder := authtest.NewDPoPKey(w.clock.now)
			tokens, err := s.Sessions().Issue(t.Context(), refresh.Login{
				Subject: "alice", Client: "phone", Scopes: auth.MustScopeSet("read"), JWKThumbprint: holder.Thumbprint(),
			})
			check(t, err)
			p, err := a.Authenticate(holder.Request("GET", api+"/notes", tokens.AccessToken, ""))
			if err != nil {
				t.Fatalf("%s, by key %v: got %v (%s)", name, byKey, err, auth.AsError(err).Reason)
			}
			if p.Subject() != "alice" || p.Issuer() != issuer || p.ClientID() != "phone" || !p.Scopes().Has("read") {
				t.Errorf("%s: got %v", name, p)
			}
			stolen := authtest.Request("GET", api+"/notes", "Authorization", "Bearer "+tokens.AccessToken)
			if _, err := a.Authenticate(stolen); auth.KindOf(err) != auth.KindInvalid {
				t.Errorf("%s: a bound token without its proof: got %v", name, err)
			}
			check(t, s.Sessions().RevokeSession(t.Context(), tokens.Session))
			if _, err := a.Authenticate(holder.Request("GET", api+"/notes", tokens.AccessToken, "")); auth.KindOf(err) != auth.KindInvalid {
				t.Errorf("%s: after a logout: got %v", name, err)
			}
		}
	}
}

// A refresh token is active too, for the client that owns it. A service that asks under that client's name must not take it
// for an access token.
func TestRefreshTokenIsNoAccessToken(t *testing.T) {
	w := newWorld(t, nil)
	both := w.client(server.ClientConfig{
		ID: "both", Secrets: w.secrets("both", 1), Grants: []server.Grant{server.GrantRefresh}, Scopes: auth.MustScopeSet("read"),
		Resources: []string{api}, Serves: []string{api},
	})
	c := w.config
	var err error
	c.LegacyPassword = nil
	c.Clients, err = server.NewClients(both)
	check(t, err)
	s, err := server.New(c)
	check(t, err)
	w.handler = s.Handler()
	introspector, err := oauth2.NewIntrospector(oauth2.IntrospectorConfig{
		Endpoint: issuer + "/introspect", Issuer: issuer, Client: oauth2.ClientSecretBasic("both", w.secret["both"]),
		InsecureAnyAudience: true, HTTPClient: &http.Client{Transport: roundTripper{s.Handler()}}, Clock: w.clock.now,
	})
	check(t, err)
	tokens, err := s.Sessions().Issue(t.Context(), refresh.Login{Subject: "alice", Client: "both", Scopes: auth.MustScopeSet("read")})
	check(t, err)
	if _, err := introspector.Verify(t.Context(), tokens.AccessToken); err != nil {
		t.Errorf("the access token: got %v", err)
	}
	if _, err := introspector.Verify(t.Context(), tokens.RefreshToken); !errors.Is(err, oauth2.ErrTokenType) {
		t.Errorf("the refresh token: got %v, want ErrTokenType", err)
	}
	// Other libraries look at aud alone: it names who takes a refresh token, and that is this server.
	got := w.post("/introspect", form("token", tokens.RefreshToken), w.as("both"))
	if aud, _ := got.body["aud"].([]any); len(aud) != 1 || aud[0] != issuer || got.text("token_use") != "refresh_token" {
		t.Errorf("got %v", got.body)
	}
}
