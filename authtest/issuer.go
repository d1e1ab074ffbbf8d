package authtest

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth/internal/jose"
	"github.com/cardea-go/auth/jwt"
)

// An Issuer is a token issuer on a real HTTP server, for tests: a JWK Set, OpenID Connect and RFC 8414 metadata, and
// tokens good and bad. Its server speaks plain HTTP on loopback, which jwt.NewRemote refuses unless it is told to take it:
// have what makes your handler take a jwt.Config, and give it that of [Issuer.Config]. It is safe for concurrent use.
type Issuer struct {
	// URL is the issuer's name and address.
	URL string
	// Audience is the aud of its tokens.
	Audience string

	clock  func() time.Time
	server *httptest.Server

	alg        jwt.Algorithm
	mu         sync.Mutex
	key        crypto.Signer
	keys       []*jwt.PublicKey // published
	signing    *jwt.SigningKey
	withoutAlg bool
	down       bool
	metadata   map[string]any // beside the usual members
	gate       chan struct{}  // closed where the server answers at once
	fetches    int
}

// An IssuerConfig configures [NewIssuer]. The zero value is the usual choice.
type IssuerConfig struct {
	// Audience is the aud of its tokens. "" is "test-audience".
	Audience string
	// Algorithm is what its tokens are signed with: EdDSA, ES256 or RS256. "" is EdDSA.
	Algorithm jwt.Algorithm
	// Clock tells the time of the tokens, and of the verifiers that Issuer.Config is for. Nil is time.Now.
	Clock func() time.Time
}

// NewIssuer starts an issuer, which stops when the test ends.
func NewIssuer(tb testing.TB, c IssuerConfig) *Issuer {
	tb.Helper()
	return startIssuer(tb, c, http.NewServeMux())
}

// startIssuer starts an issuer that serves the routes of mux too.
func startIssuer(tb testing.TB, c IssuerConfig, mux *http.ServeMux) *Issuer {
	tb.Helper()
	i := &Issuer{Audience: c.Audience, alg: cmp.Or(c.Algorithm, jwt.EdDSA), clock: c.Clock, gate: make(chan struct{})}
	if i.Audience == "" {
		i.Audience = "test-audience"
	}
	if i.clock == nil {
		i.clock = time.Now
	}
	close(i.gate)
	i.Rotate(tb)
	mux.HandleFunc("GET /jwks", i.serveKeys)
	mux.HandleFunc("GET /.well-known/openid-configuration", i.serveMetadata)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", i.serveMetadata)
	i.server = httptest.NewServer(i.behaving(mux))
	i.URL = i.server.URL
	tb.Cleanup(func() {
		i.SetSlow(false)
		i.server.Close()
	})
	return i
}

// JWKSURL is the address of the JWK Set.
func (i *Issuer) JWKSURL() string { return i.URL + "/jwks" }

// Config returns what a verifier of the issuer's access tokens needs, with keys that are fetched from it by discovery.
func (i *Issuer) Config(tb testing.TB) jwt.Config {
	tb.Helper()
	remote, err := jwt.NewRemote(jwt.RemoteConfig{Issuer: i.URL, InsecureAllowHTTP: true, Clock: i.clock})
	if err != nil {
		tb.Fatalf("authtest: %v", err)
	}
	tb.Cleanup(func() { _ = remote.Close() })
	return jwt.Config{
		Issuer: i.URL, Keys: remote, Audience: []string{i.Audience}, Algorithms: []jwt.Algorithm{i.alg}, Clock: i.clock,
	}
}

// Rotate gives the issuer a new key. The set has this one alone from now on. Verifiers by [Issuer.Config] learn of it with a
// token of the new key, once 30 s have passed since their last fetch by [IssuerConfig].Clock: give it one that you can set.
func (i *Issuer) Rotate(tb testing.TB) {
	tb.Helper()
	private, err := newKey(i.alg)
	if err != nil {
		tb.Fatalf("authtest: %v", err)
	}
	key, err := jwt.NewSigningKey("", i.alg, private)
	if err != nil {
		tb.Fatalf("authtest: %v", err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key, i.signing, i.keys = private, key, []*jwt.PublicKey{key.Public()}
}

// newKey returns a key for an algorithm.
func newKey(alg jwt.Algorithm) (crypto.Signer, error) {
	switch alg {
	case jwt.EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case jwt.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jwt.RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	default:
		return nil, fmt.Errorf("IssuerConfig.Algorithm %q: use EdDSA, ES256 or RS256", alg)
	}
}

// Publish adds further keys to the set, until the next Rotate.
func (i *Issuer) Publish(keys ...*jwt.PublicKey) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(slices.Clip(i.keys), keys...)
}

// SetDown makes the server answer 503, or not any more.
func (i *Issuer) SetDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// SetSlow makes the server answer nothing until the client gives up or SetSlow(false).
func (i *Issuer) SetSlow(slow bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	select {
	case <-i.gate:
		if slow {
			i.gate = make(chan struct{})
		}
	default:
		if !slow {
			close(i.gate)
		}
	}
}

// SetKeysWithoutAlg leaves alg out of the published keys, as some issuers do, or not any more.
func (i *Issuer) SetKeysWithoutAlg(without bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.withoutAlg = without
}

// Fetches returns how often the JWK Set was asked for.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// Token returns a good access token for the subject, changed by the changes given. A claim that a change sets to nil is
// left out.
func (i *Issuer) Token(tb testing.TB, subject string, changes ...TokenChange) string {
	tb.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.clock()
	t := token{
		header: map[string]any{"alg": string(i.alg), "typ": "at+jwt", "kid": i.signing.Public().ID()},
		claims: map[string]any{
			"iss": i.URL, "sub": subject, "aud": i.Audience, "client_id": "test-client", "jti": rand.Text(),
			"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
		},
		now: now, alg: i.alg, key: i.key,
	}
	for _, change := range changes {
		change(&t)
	}
	return t.sign(tb)
}

// A TokenChange makes a token of [Issuer.Token] different from a good one.
type TokenChange func(*token)

type token struct {
	header, claims map[string]any
	now            time.Time
	alg            jwt.Algorithm // of the key, whatever the header says
	key            crypto.Signer // nil is a new one
}

func (t *token) sign(tb testing.TB) string {
	tb.Helper()
	var parts []string
	for _, part := range []map[string]any{t.header, t.claims} {
		for name, v := range part {
			if v == nil {
				delete(part, name)
			}
		}
		text, err := json.Marshal(part)
		if err != nil {
			tb.Fatalf("authtest: token: %v", err)
		}
		parts = append(parts, jose.Encode(text))
	}
	input := strings.Join(parts, ".")
	signature, err := t.signature(input)
	if err != nil {
		tb.Fatalf("authtest: token: %v", err)
	}
	return input + "." + jose.Encode(signature)
}

func (t *token) signature(input string) ([]byte, error) {
	key := t.key
	if key == nil {
		var err error
		if key, err = newKey(t.alg); err != nil {
			return nil, err
		}
	}
	signer, err := jose.NewSigner("", 0, key)
	if err != nil {
		return nil, err
	}
	return signer.Sign([]byte(input))
}

// WithClaim sets a claim; nil leaves it out.
func WithClaim(name string, value any) TokenChange {
	return func(t *token) { t.claims[name] = value }
}

// WithHeader sets a member of the header; nil leaves it out.
func WithHeader(name string, value any) TokenChange {
	return func(t *token) { t.header[name] = value }
}

// WithScope sets the scopes, separated by spaces.
func WithScope(scope string) TokenChange { return WithClaim("scope", scope) }

// Expired makes the token expire an hour ago.
func Expired() TokenChange {
	return func(t *token) { t.claims["exp"] = t.now.Add(-time.Hour).Unix() }
}

// NotYetValid makes the token valid in an hour.
func NotYetValid() TokenChange {
	return func(t *token) { t.claims["nbf"] = t.now.Add(time.Hour).Unix() }
}

// WrongAudience makes the token one for somebody else.
func WrongAudience() TokenChange { return WithClaim("aud", "somebody-else") }

// WrongIssuer makes the token name another issuer.
func WrongIssuer() TokenChange { return WithClaim("iss", "https://somebody-else.example") }

// UnknownKey makes the token name a key that is not in the set.
func UnknownKey() TokenChange { return WithHeader("kid", "unknown") }

// Forged signs the token with another key than the one it names.
func Forged() TokenChange {
	return func(t *token) { t.key = nil }
}

// behaving delays and refuses as the knobs say.
func (i *Issuer) behaving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		gate, down := i.gate, i.down
		if r.URL.Path == "/jwks" {
			i.fetches++
		}
		i.mu.Unlock()
		if !wait(r.Context(), gate) {
			return
		}
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func wait(ctx context.Context, gate <-chan struct{}) bool {
	select {
	case <-gate:
		return true
	case <-ctx.Done():
		return false
	}
}

func (i *Issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	keys, without := i.keys, i.withoutAlg
	i.mu.Unlock()
	set := struct {
		Keys []map[string]any `json:"keys"`
	}{}
	for _, k := range keys {
		var m map[string]any
		text, err := k.MarshalJSON()
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		if err != nil {
			http.Error(w, "authtest: "+err.Error(), http.StatusInternalServerError)
			return
		}
		if without {
			delete(m, "alg")
		}
		set.Keys = append(set.Keys, m)
	}
	writeJSON(w, set)
}

func (i *Issuer) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	members := map[string]any{
		"issuer": i.URL, "jwks_uri": i.JWKSURL(),
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(i.alg)},
	}
	i.mu.Lock()
	maps.Copy(members, i.metadata)
	i.mu.Unlock()
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	writeJSON(w, members)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client went away
}
