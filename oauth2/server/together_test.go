package server_test

import (
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
