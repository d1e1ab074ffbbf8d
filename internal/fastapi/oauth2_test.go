package fastapi_test

import (
	"crypto/rand"
	"net/http"
	"slices"

	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/server"
)

const invalidToken = `Bearer error="invalid_token"`

// provider accepts the tokens of a provider on a real server, found by its discovery document.
func provider(t *testing.T, change func(*oauth2.AuthenticatorConfig)) (*authtest.Issuer, *oauth2.Authenticator) {
	t.Helper()
	issuer := authtest.NewIssuer(t, authtest.IssuerConfig{})
	c := oauth2.AuthenticatorConfig{Verifier: must(oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: issuer.Config(t)}))}
	if change != nil {
		change(&c)
	}
	return issuer, must(oauth2.NewAuthenticator(c))
}

var codeFlow = auth.Flow{
	Grant: "authorizationCode", AuthorizationURL: "https://id.example/authorize", TokenURL: "https://id.example/token",
	RefreshURL: "https://id.example/refresh", Scopes: []auth.Param{{Name: "items", Value: "Read items."}},
}

var oauth2Rows = []row{
	{"An access token is a bearer token and nothing else", func(t *testing.T) {
		issuer, a := provider(t, nil)
		h := guard(t, a)
		want(t, h, get(), 401, "Bearer")
		token := issuer.Token(t, "alice")
		wantText(t, wantOK(t, h, bearer(token)), "alice")
		for _, value := range []string{"Other " + token, "Basic " + token} {
			want(t, h, get("Authorization", value), 401, "Bearer")
		}
		want(t, h, get("Authorization", token), 401, invalidToken)
		want(t, h, get("Authorization", "Bearer"), 400, `Bearer error="invalid_request"`)
		want(t, h, authtest.Request("GET", "/?access_token="+token), 401, "Bearer")
	}},
	{"An access token comes from a password login", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		want(t, h, authtest.Request("GET", "/status"), 401, "Bearer")
		token := wantTokens(t, h, login("johndoe", "secret")).AccessToken
		wantOK(t, h, authtest.Request("GET", "/status", "Authorization", "Bearer "+token))
	}},
	{"An access token comes from the authorization code flow", func(t *testing.T) {
		issuer, a := provider(t, func(c *oauth2.AuthenticatorConfig) { c.Flows = []auth.Flow{codeFlow} })
		h := guard(t, a, auth.Scopes("items"))
		want(t, h, get(), 401, `Bearer scope="items"`)
		wantText(t, wantOK(t, h, bearer(issuer.Token(t, "alice", authtest.WithScope("items")))), "alice")
	}},
	{"An access token comes from an OpenID provider", func(t *testing.T) {
		issuer, a := provider(t, func(c *oauth2.AuthenticatorConfig) {
			c.OpenIDConnectURL = "https://id.example/.well-known/openid-configuration"
		})
		h := guard(t, a)
		want(t, h, get(), 401, "Bearer")
		wantText(t, wantOK(t, h, bearer(issuer.Token(t, "alice"))), "alice")
		want(t, guard(t, a), bearer(issuer.Token(t, "alice", authtest.WithHeader("typ", "JWT"))), 401, invalidToken) // an ID token
	}},
}

// wantRefusal fails the test unless the token endpoint answers with this error (RFC 6749 §5.2). It returns the body.
func wantRefusal(t *testing.T, h http.Handler, r *http.Request, status int, code string, challenges ...string) string {
	t.Helper()
	body := want(t, h, r, status, challenges...)
	if !strings.HasPrefix(body, `{"error":"`+code+`"`) {
		t.Errorf("got %s, want the error %s", body, code)
	}
	return body
}

const clientChallenge = `Basic realm="https://notes.example", charset="UTF-8"`

var formRows = []row{
	{"The login form has the fields of RFC 6749", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		got := wantTokens(t, h, post("/token", "grant_type", "password", "username", "johndoe", "password", "secret", "scope", "me", "client_id", "app"))
		wantText(t, got.Scope, "me")
	}},
	{"grant_type is required", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		wantRefusal(t, h, post("/token", "username", "johndoe", "password", "secret"), 400, "invalid_request")
		wantRefusal(t, h, post("/token", "grant_type", "incorrect", "username", "johndoe", "password", "secret"), 400, "unsupported_grant_type")
	}},
	{"Scopes are separated by spaces", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		wantText(t, wantTokens(t, h, login("johndoe", "secret", "scope", "items me")).Scope, "items me")
		wantRefusal(t, h, login("johndoe", "secret", "scope", "me admin"), 400, "invalid_scope")
		if got := wantTokens(t, h, login("johndoe", "secret")).Scope; got != "" {
			t.Errorf("got scope %q for none asked, want none", got)
		}
	}},
	{"A client names itself in the form or in Basic", func(t *testing.T) {
		h, secret := confidential(t)
		wantTokens(t, h, post("/token", "grant_type", "client_credentials", "client_id", "worker", "client_secret", secret))
		wantTokens(t, h, withClient(post("/token", "grant_type", "client_credentials"), "worker", secret))
		wantRefusal(t, h, withClient(post("/token", "grant_type", "client_credentials"), "worker", "guess"), 401, "invalid_client", clientChallenge)
		wantRefusal(t, h, withClient(post("/token", "grant_type", "client_credentials", "client_secret", secret), "worker", secret), 400, "invalid_request")
	}},
	{"An empty Basic client is no client", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		r := login("johndoe", "secret")
		r.Header.Set("Authorization", "Basic Og==") // ":"
		wantTokens(t, h, r)
		wantTokens(t, h, login("johndoe", "secret", "client_id", "", "client_secret", ""))
	}},
	{"A missing field is refused", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		wantRefusal(t, h, post("/token"), 400, "invalid_request")
		wantRefusal(t, h, post("/token", "grant_type", "password", "username", "johndoe"), 400, "invalid_request")
		wantRefusal(t, h, post("/token", "grant_type", "password", "password", "secret"), 400, "invalid_request")
		wantRefusal(t, h, authtest.Request("POST", "/token", "Content-Type", "application/json"), 400, "invalid_request")
	}},
	{"A refusal repeats nothing that was sent", func(t *testing.T) {
		const sent = "Correct-Horse"
		h := newTutorial(t.Context(), cheap).handler
		_, a := newKeys(t, in())
		keys := guard(t, auth.FirstOf(a, newPeople(t, nil)))
		for _, r := range []*http.Request{
			login(sent, sent), login("johndoe", sent, "scope", sent), login("johndoe", "secret", "scope", sent),
			post("/token", "grant_type", sent, "username", sent), login("johndoe", "secret", "client_id", sent), login("johndoe", sent, sent, sent, sent, sent),
		} {
			if resp := authtest.Do(h, r); resp.StatusCode < 400 || echoes(resp, sent) {
				t.Errorf("got status %d, or what was sent", resp.StatusCode)
			}
		}
		for _, r := range []*http.Request{bearer(sent), get("X-API-Key", sent), withPassword(sent, sent), get("Authorization", sent)} {
			if resp := authtest.Do(keys, r); resp.StatusCode != 401 || echoes(resp, sent) {
				t.Errorf("got status %d, or what was sent", resp.StatusCode)
			}
		}
	}},
}

// echoes reports whether a response has the text in its body or in a header.
func echoes(resp *http.Response, text string) bool {
	var all strings.Builder
	check(resp.Write(&all))
	return strings.Contains(strings.ToLower(all.String()), strings.ToLower(text))
}

func withClient(r *http.Request, id, secret string) *http.Request {
	r.SetBasicAuth(id, secret)
	return r
}

// confidential serves the token endpoint to a client that has a secret.
func confidential(t *testing.T) (http.Handler, string) {
	t.Helper()
	secret, hash := server.NewSecret()
	worker := must(server.NewClient(server.ClientConfig{
		ID: "worker", Secrets: []server.SecretHash{hash}, Grants: []server.Grant{server.GrantClientCredentials},
		Scopes: auth.MustScopeSet("items"), Resources: []string{api},
	}))
	s := must(server.New(server.Config{
		Issuer: issuer, Clients: must(server.NewClients(worker)), Resources: []string{api},
		Keys: must(jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{})), Sessions: newSessions(t),
	}))
	return s.Handler(), secret.Reveal()
}

var tutorialRows = []row{
	{"A login is answered with a token", func(t *testing.T) {
		resp := authtest.Do(newTutorial(t.Context(), cheap).handler, login("johndoe", "secret", "scope", "me"))
		wantText(t, resp.Header.Get("Cache-Control"), "no-store")
		got := wantTokens(t, newTutorial(t.Context(), cheap).handler, login("johndoe", "secret", "scope", "me"))
		if got.AccessToken == "" || got.TokenType != "Bearer" || got.ExpiresIn < 590 || got.Scope != "me" || got.RefreshToken == "" {
			t.Errorf("got %+v", got)
		}
	}},
	{"A wrong password gets no token", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		var bodies []string
		for _, r := range []*http.Request{login("johndoe", "guess"), login("nobody", "guess"), login("alice", "secret")} {
			bodies = append(bodies, wantRefusal(t, h, r, 400, "invalid_grant"))
		}
		wantText(t, bodies[1], bodies[0])
		wantText(t, bodies[2], bodies[0])
	}},
	{"A token names its user, its end and its scopes", func(t *testing.T) {
		s := newTutorial(t.Context(), cheap)
		token := wantTokens(t, s.handler, login("johndoe", "secret", "scope", "items me")).AccessToken
		verifier := must(jwt.NewVerifier(jwt.Config{Issuer: issuer, Keys: s.keys, Audience: []string{api}, Algorithms: []jwt.Algorithm{jwt.EdDSA}}))
		claims := must(verifier.Verify(t.Context(), token))
		left := time.Until(claims.ExpiresAt())
		if claims.Subject() != "johndoe" || must(claims.Scopes()).String() != "items me" || left > 10*time.Minute || left < 9*time.Minute ||
			claims.Issuer() != issuer || !slices.Equal(claims.Audience(), []string{api}) || claims.ID() == "" || claims.ClientID() != "app" {
			t.Errorf("got %s", claims.Raw())
		}
	}},
	{"A token is signed with one shared secret", func(t *testing.T) {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
		key := must(jwt.NewHMACKey("k1", jwt.HS256, secret))
		verifier := must(jwt.NewHMACVerifier(jwt.Config{Issuer: issuer, Audience: []string{api}, Algorithms: []jwt.Algorithm{jwt.HS256}}, key))
		h := guard(t, must(jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: verifier})))
		tokens := must(jwt.NewIssuer(jwt.IssuerConfig{Issuer: issuer, Audience: []string{api}, Keys: key, Lifetime: 30 * time.Minute}))
		issued := must(tokens.Issue(t.Context(), jwt.Grant{Subject: "johndoe", ClientID: "app"}))
		wantText(t, wantOK(t, h, bearer(issued.Token)), "johndoe")
		if _, err := jwt.NewHMACKey("k1", jwt.HS256, []byte("change-me")); err == nil {
			t.Error("got a key of a word, want an error")
		}
	}},
	{"A forged or expired token is refused", func(t *testing.T) {
		issuer, a := provider(t, nil)
		h := guard(t, a)
		wantOK(t, h, bearer(issuer.Token(t, "alice")))
		for _, change := range []authtest.TokenChange{
			authtest.Forged(), authtest.Expired(), authtest.WrongAudience(), authtest.WrongIssuer(), authtest.WithHeader("alg", "none"), authtest.WithClaim("sub", nil),
		} {
			want(t, h, bearer(issuer.Token(t, "alice", change)), 401, invalidToken)
		}
	}},
	{"A disabled user is refused", func(t *testing.T) {
		s := newTutorial(t.Context(), cheap)
		token := wantTokens(t, s.handler, login("johndoe", "secret")).AccessToken
		r := func() *http.Request { return authtest.Request("GET", "/status", "Authorization", "Bearer "+token) }
		wantOK(t, s.handler, r())
		john := s.users["johndoe"]
		john.Disabled = true
		s.users["johndoe"] = john
		want(t, s.handler, r(), 401, invalidToken)
		wantRefusal(t, s.handler, login("johndoe", "secret"), 400, "invalid_grant")
	}},
	{"The handler gets the user", func(t *testing.T) {
		s := newTutorial(t.Context(), cheap)
		token := wantTokens(t, s.handler, login("johndoe", "secret", "scope", "me")).AccessToken
		wantText(t, wantOK(t, s.handler, authtest.Request("GET", "/users/me", "Authorization", "Bearer "+token)), "johndoe is John Doe")
	}},
}
