package oauth2_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/dpop"
)

const (
	testIssuer   = "https://as.example"
	testAudience = "https://api.example/notes"
	testURL      = "https://api.example/notes/1"
)

// testTime is when the tests take place.
var testTime = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func testClock() time.Time { return testTime }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type object = map[string]any

// issuer makes tokens. It stands for an authorization server, of which the package under test links nothing.
type issuer struct {
	name string
	key  crypto.Signer
	id   string
}

func newIssuer(name string) *issuer {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return &issuer{name: name, key: key, id: "k1"}
}

func (i *issuer) keys() *jwt.KeySet {
	return must(jwt.NewKeySet(must(jwt.NewPublicKey(i.id, jwt.EdDSA, i.key.Public()))))
}

// token issues an access token with the scopes "notes:read" and "notes:write", after change.
func (i *issuer) token(change func(*jwt.Grant)) string {
	as := must(jwt.NewIssuer(jwt.IssuerConfig{Issuer: i.name, Keys: must(jwt.NewSigningKey(i.id, jwt.EdDSA, i.key)), Clock: testClock}))
	g := jwt.Grant{Subject: "alice", ClientID: "app", Audience: []string{testAudience}, Scopes: auth.MustScopeSet("notes:read", "notes:write"), ID: "t1"}
	if change != nil {
		change(&g)
	}
	return must(as.Issue(context.Background(), g)).Token
}

func (i *issuer) config() jwt.Config {
	return jwt.Config{
		Issuer: i.name, Keys: i.keys(), Audience: []string{testAudience}, Algorithms: []jwt.Algorithm{jwt.EdDSA},
		Clock: testClock, Leeway: jwt.NoLeeway,
	}
}

func (i *issuer) verifier() *oauth2.JWTVerifier {
	return must(oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: i.config()}))
}

func bound(jkt, x5t string) func(*jwt.Grant) {
	return func(g *jwt.Grant) {
		g.Confirmation = jwt.Confirmation{JWKThumbprint: jkt, CertificateThumbprint: x5t}
	}
}

func newAuthenticator(tb testing.TB, v oauth2.Verifier, change func(*oauth2.AuthenticatorConfig)) *oauth2.Authenticator {
	tb.Helper()
	c := oauth2.AuthenticatorConfig{Verifier: v}
	if change != nil {
		change(&c)
	}
	a, err := oauth2.NewAuthenticator(c)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func newDPoP(change func(*dpop.Config)) *dpop.Verifier {
	c := dpop.Config{Clock: testClock, Replays: must(dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{Clock: testClock}))}
	if change != nil {
		change(&c)
	}
	return must(dpop.NewVerifier(c))
}

// withDPoP takes bound tokens at https://api.example.
func withDPoP(v *dpop.Verifier) func(*oauth2.AuthenticatorConfig) {
	return func(c *oauth2.AuthenticatorConfig) { c.DPoP, c.ExternalURL = v, "https://api.example" }
}

// handler guards a handler that answers 200.
func handler(tb testing.TB, a auth.Authenticator, reqs ...auth.Requirement) http.Handler {
	tb.Helper()
	c := middleware.Config{Authenticator: a}
	if len(reqs) > 0 {
		c.Require = auth.All(reqs...)
	}
	g, err := middleware.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return g.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
}

func get(fields ...string) *http.Request { return authtest.Request(http.MethodGet, testURL, fields...) }

func bearer(token string) *http.Request { return get("Authorization", "Bearer "+token) }

// wantRefusal asserts the status and the challenge of one scheme, and that nothing of the credentials is in the answer.
func wantRefusal(t *testing.T, h http.Handler, r *http.Request, status int, scheme string, params ...string) *http.Response {
	t.Helper()
	resp := authtest.Do(h, r)
	if resp.StatusCode != status {
		t.Fatalf("got status %d (%q), want %d", resp.StatusCode, resp.Header["Www-Authenticate"], status)
	}
	if scheme == "" {
		authtest.AssertChallenges(t, resp)
		return resp
	}
	authtest.AssertChallenge(t, resp, scheme, params...)
	return resp
}

func wantOK(t *testing.T, h http.Handler, r *http.Request) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	resp := w.Result()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got status %d (%q, %s), want 200", resp.StatusCode, resp.Header["Www-Authenticate"], w.Body)
	}
	return resp
}

// introspection returns a fake endpoint and an introspector that asks it without a network.
func introspection(tb testing.TB, change func(*oauth2.IntrospectorConfig)) (*authtest.Introspection, *oauth2.Introspector) {
	tb.Helper()
	as := &authtest.Introspection{ClientID: "notes", ClientSecret: "s3cret+%41:é"}
	c := oauth2.IntrospectorConfig{
		Endpoint: testIssuer + "/introspect", Issuer: testIssuer, Audience: []string{testAudience},
		Client: oauth2.ClientSecretBasic("notes", "s3cret+%41:é"), HTTPClient: &http.Client{Transport: as}, Clock: testClock,
	}
	if change != nil {
		change(&c)
	}
	i, err := oauth2.NewIntrospector(c)
	if err != nil {
		tb.Fatal(err)
	}
	return as, i
}

// active is the answer about a good token, with what change sets; nil removes a member.
func active(change object) object {
	m := object{
		"sub": "alice", "client_id": "app", "aud": testAudience, "scope": "notes:read notes:write", "jti": "t1",
		"token_type": "Bearer", "exp": testTime.Add(10 * time.Minute).Unix(), "iat": testTime.Unix(),
	}
	for name, v := range change {
		if m[name] = v; v == nil {
			delete(m, name)
		}
	}
	return m
}

// sign signs any header and claims, so that tests can make what no issuer would.
func (i *issuer) sign(header, claims object) string {
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64(must(json.Marshal(header))) + "." + b64(must(json.Marshal(claims)))
	return input + "." + b64(must(i.key.Sign(rand.Reader, []byte(input), crypto.Hash(0))))
}

// with returns a copy of m with one member set, or removed where v is nil.
func with(m object, name string, v any) object {
	c := maps.Clone(m)
	if c[name] = v; v == nil {
		delete(c, name)
	}
	return c
}

func onlyES256(c *dpop.Config) { c.Algorithms = []jwt.Algorithm{jwt.ES256} }
