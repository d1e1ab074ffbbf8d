package resourceserver

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
)

// subject is a user that the example knows; it looks every token's up.
const subject = "id1"

// store is the example's, with tokens for the client "api" and of the kind that a test wants.
type store struct {
	*storage.Storage
	kind op.AccessTokenType
}

func (s *store) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	c, err := s.Storage.ClientCredentials(ctx, id, secret)
	if err != nil {
		return nil, err
	}
	return &client{c, s.kind}, nil
}

func (s *store) ClientCredentialsTokenRequest(_ context.Context, _ string, scopes []string) (op.TokenRequest, error) {
	return &oidc.JWTTokenRequest{Subject: subject, Audience: []string{"api"}, Scopes: scopes}, nil
}

// SetIntrospectionFromToken adds aud, which the example leaves out.
func (s *store) SetIntrospectionFromToken(ctx context.Context, r *oidc.IntrospectionResponse, id, subject, client string) error {
	r.Audience = oidc.Audience{"api"}
	return s.Storage.SetIntrospectionFromToken(ctx, r, id, subject, client)
}

type client struct {
	op.Client
	kind op.AccessTokenType
}

func (c *client) AccessTokenType() op.AccessTokenType { return c.kind }

// newProvider starts the provider and returns its issuer.
func newProvider(t *testing.T, kind op.AccessTokenType) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String() + "/"
	storage.RegisterClients(storage.WebClient("api", "secret"))
	s := &store{storage.NewStorage(storage.NewUserStore(issuer)), kind}
	quiet := slog.New(slog.DiscardHandler)
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	server.Config.Handler = exampleop.SetupServer(issuer, s, quiet, false)
	server.Start()
	t.Cleanup(server.Close)
	return issuer
}

// token gets an access token by client credentials.
func token(t *testing.T, issuer, scope string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("sid1", "verysecret")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Token == "" {
		t.Fatalf("got %s", body)
	}
	return answer.Token
}

func newHandler(t *testing.T, v oauth2.Verifier) http.Handler {
	t.Helper()
	a, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{Verifier: v})
	if err != nil {
		t.Fatal(err)
	}
	g, err := middleware.New(middleware.Config{Authenticator: a})
	if err != nil {
		t.Fatal(err)
	}
	return g.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.FromContext(r.Context())
		_, _ = io.WriteString(w, p.Subject())
	})
}

func answer(t *testing.T, h http.Handler, token string) (int, string) {
	t.Helper()
	resp := authtest.Do(h, authtest.Request(http.MethodGet, "/", "Authorization", "Bearer "+token))
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func newJWTVerifier(t *testing.T, issuer, audience string) *oauth2.JWTVerifier {
	t.Helper()
	keys, err := jwt.NewRemote(jwt.RemoteConfig{Issuer: issuer, InsecureAllowHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = keys.Close() })
	v, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: jwt.Config{
		Issuer: issuer, Keys: keys, Audience: []string{audience}, Algorithms: []jwt.Algorithm{jwt.RS256},
		Profile: jwt.ProfileLegacy, // the provider's typ is not at+jwt
	}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTokensOfZitadelAreAccepted(t *testing.T) {
	issuer := newProvider(t, op.AccessTokenTypeJWT)
	good := token(t, issuer, "openid notes:read")
	h := newHandler(t, newJWTVerifier(t, issuer, "api"))
	if status, body := answer(t, h, good); status != http.StatusOK || body != subject {
		_, err := newJWTVerifier(t, issuer, "api").Verify(t.Context(), good)
		t.Fatalf("got %d and %s (%v)", status, body, errors.Unwrap(err))
	}
	for _, claim := range []string{"iss", "sub", "aud", "exp", "scope"} {
		if status, _ := answer(t, h, change(t, good, claim)); status != http.StatusUnauthorized {
			t.Errorf("got status %d with another %s, want 401", status, claim)
		}
	}
	if status, _ := answer(t, newHandler(t, newJWTVerifier(t, issuer, "another")), good); status != http.StatusUnauthorized {
		t.Errorf("got status %d where the token is for somebody else, want 401", status)
	}
}

// change returns the token with one claim changed and the signature that it had.
func change(t *testing.T, token, claim string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	switch v := claims[claim].(type) {
	case float64:
		claims[claim] = v + 3600
	default:
		claims[claim] = "changed"
	}
	if text, err = json.Marshal(claims); err != nil {
		t.Fatal(err)
	}
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(text) + "." + parts[2]
}

func TestZitadelIntrospectsForUs(t *testing.T) {
	issuer := newProvider(t, op.AccessTokenTypeBearer)
	good := token(t, issuer, "openid notes:read")
	introspector := func(audience string) *oauth2.Introspector {
		i, err := oauth2.NewIntrospector(oauth2.IntrospectorConfig{
			Endpoint: issuer + "oauth/introspect", Issuer: issuer, Audience: []string{audience}, Client: oauth2.ClientSecretBasic("api", "secret"),
		})
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	h := newHandler(t, introspector("api"))
	if status, body := answer(t, h, good); status != http.StatusOK || body != subject {
		_, err := introspector("api").Verify(t.Context(), good)
		t.Fatalf("got %d and %s (%v)", status, body, errors.Unwrap(err))
	}
	for name, bad := range map[string]string{"truncated": good[:len(good)-8], "made up": "made-up", "another part": good + "A"} {
		if status, _ := answer(t, h, bad); status != http.StatusUnauthorized {
			t.Errorf("got status %d for a token that is %s, want 401", status, name)
		}
	}
	if status, _ := answer(t, newHandler(t, introspector("another")), good); status != http.StatusUnauthorized {
		t.Errorf("got status %d where the token is for somebody else, want 401", status)
	}
}
