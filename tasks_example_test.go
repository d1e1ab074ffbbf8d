package auth_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/client"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/openapi"
	"github.com/cardea-go/auth/openapi/docs"
	"github.com/cardea-go/auth/openapi/openapitest"
	"github.com/cardea-go/auth/rbac"
)

// oneUser knows one name and password.
func oneUser(ctx context.Context, user basic.User, pw string) *basic.Authenticator {
	hasher, err := password.New(password.Config{})
	check(err)
	user.PasswordHash, err = hasher.Hash(ctx, pw)
	check(err)
	users, err := basic.NewStatic(hasher, user)
	check(err)
	people, err := basic.New(basic.Config{Realm: "notes", Users: users, Hasher: hasher})
	check(err)
	return people
}

// People log in with name and password, for an access token of ten minutes and a refresh token for the next one.
func Example_login() {
	ctx := context.Background()
	people := oneUser(ctx, basic.User{Name: "ann", Scopes: auth.Unlimited()}, "correct horse battery")
	notes := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "buy milk") }
	const self = "https://notes.example"
	secret := make([]byte, 32) // from your configuration; it and the stores must outlive a restart
	_, _ = rand.Read(secret)

	ring, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{}) // signs; its keys change by themselves
	check(err)
	access, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: self, Audience: []string{self}, Keys: ring})
	check(err)
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	check(err)
	sessions, err := refresh.New(refresh.Config{Store: store, Access: refresh.JWT(access), Keys: [][]byte{secret}})
	check(err)
	endpoints, err := sessions.Endpoints(refresh.EndpointsConfig{Scopes: auth.MustScopeSet("notes:read")})
	check(err)
	tokens, err := sessions.Authenticator(jwt.AuthenticatorConfig{}) // a logout stops access tokens too
	check(err)
	guard, err := middleware.New(middleware.Config{Authenticator: tokens})
	check(err)
	passwords, err := middleware.New(middleware.Config{Authenticator: people})
	check(err)

	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("POST /login", middleware.Authenticated().Via(passwords), endpoints.Login)
	mux.HandleFunc("POST /refresh", middleware.Public(), endpoints.Refresh) // public, since the refresh token is the credential
	mux.HandleFunc("POST /logout", middleware.Public(), endpoints.Logout)
	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")), notes)
	handler, err := mux.Build()
	check(err)

	login := authtest.Request("POST", "/login")
	login.SetBasicAuth("ann", "correct horse battery")
	var answer struct {
		Token string `json:"access_token"`
	}
	check(json.NewDecoder(authtest.Do(handler, login).Body).Decode(&answer))
	resp := authtest.Do(handler, authtest.Request("GET", "/notes", "Authorization", "Bearer "+answer.Token))
	fmt.Println(resp.StatusCode)
	// Output: 200
}

// People log in with an account that they have at an OpenID provider, and get a session here.
func Example_logInElsewhere() {
	ctx := context.Background()
	const self = "https://notes.example"
	secret := make([]byte, 32) // from your configuration
	_, _ = rand.Read(secret)
	ring, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{})
	check(err)
	access, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: self, Audience: []string{self}, Keys: ring})
	check(err)
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	check(err)
	sessions, err := refresh.New(refresh.Config{Store: store, Access: refresh.JWT(access), Keys: [][]byte{secret}})
	check(err)
	mux := middleware.NewMux(middleware.MuxConfig{})
	userOf := func(issuer, subject string) string { return issuer + " " + subject }
	clientID, clientSecret := "your client", "its secret"
	log := slog.New(slog.DiscardHandler)

	endpoints, err := sessions.Endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{}})
	check(err)
	login, err := client.NewLogin(client.LoginConfig{
		Issuer:      "https://accounts.google.com",
		ClientID:    clientID,
		Client:      oauth2.ClientSecretBasic(clientID, clientSecret),
		RedirectURL: self + "/login/callback", // as registered at the provider
		Keys:        [][]byte{secret},
		ErrorLog:    log, // why a login failed: people are not told
		Done: func(w http.ResponseWriter, r *http.Request, who *client.Identity) {
			user := userOf(who.Claims.Issuer(), who.Claims.Subject()) // in your table: never by e-mail address
			tokens, err := sessions.Issue(r.Context(), refresh.Login{Subject: user, Scopes: auth.MustScopeSet("notes:read")})
			if err != nil {
				http.Error(w, "try again later", http.StatusServiceUnavailable)
				return
			}
			endpoints.Redirect(w, r, tokens, who.ReturnTo)
		},
	})
	check(err)
	mux.HandleFunc("GET /login", middleware.Public(), login.Start) // a link: /login?return_to=/notes
	mux.HandleFunc("GET /login/callback", middleware.Public(), login.Callback)
	mux.HandleFunc("POST /session/refresh", middleware.Public(), endpoints.Refresh) // the page asks it for access tokens

	handler, err := mux.Build()
	check(err)
	resp := authtest.Do(handler, authtest.Request("GET", "/login/callback?code=guess&state=guessed-as-well"))
	fmt.Println(resp.StatusCode)
	// Output: 401
}

// A service that takes the access tokens of somebody else's authorization server.
func Example_acceptTokens() {
	notes := func(w http.ResponseWriter, r *http.Request) {}
	newHandler := func(issuer, api string) http.Handler {
		keys, err := jwt.NewRemote(jwt.RemoteConfig{Issuer: issuer}) // by discovery, or from URL; keys.Warm(ctx) finds a typo now
		check(err)
		verifier, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: jwt.Config{
			Issuer: issuer, Keys: keys, Audience: []string{api}, // tokens that were made for other services are refused
			Algorithms: []jwt.Algorithm{jwt.RS256}, // what the issuer signs with: most say RS256
			// Profile: jwt.ProfileLegacy, for Auth0, Keycloak and others whose tokens do not say that they are access tokens
		}})
		check(err)
		tokens, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{Verifier: verifier})
		check(err)
		guard, err := middleware.New(middleware.Config{Authenticator: tokens})
		check(err)
		return guard.MustRequire(auth.Scopes("notes:read")).HandlerFunc(notes)
	}

	handler := newHandler("https://accounts.example", "https://notes.example/api")
	resp := authtest.Do(handler, authtest.Request("GET", "/notes"))
	fmt.Println(resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	// Output: 401 Bearer scope="notes:read"
}

const documents = `
version: 1
permissions: {doc: [read, delete]}
roles:
  viewer: {allow: ["doc:read"]}
  editor: {inherits: [viewer], allow: [{permission: "doc:delete", when: [owner]}]}
  admin:  {allow: ["doc:*"]}
scopes: {"docs:read": ["doc:read"], "docs": ["doc:*"]} # what is left of a role to a key or token that has only these
`

// Roles, and a rule for owners.
func Example_roles() {
	ownerOf := func(id string) string { return map[string]string{"1": "ann", "2": "bob"}[id] }
	read := func(w http.ResponseWriter, _ *http.Request) {}
	people := oneUser(context.Background(), basic.User{Name: "ann", Scopes: auth.Unlimited(), Roles: []string{"editor"}}, "correct horse battery")
	guard, err := middleware.New(middleware.Config{Authenticator: people})
	check(err)

	policy, err := rbac.Parse("policy.yaml", []byte(documents), rbac.Config{})
	check(err)
	authorizer, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: policy})
	check(err)
	remove := func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if err := authorizer.CheckOn(r.Context(), "doc:delete", rbac.Resource{ID: id, Owner: ownerOf(id)}); err != nil {
			middleware.Refuse(w, r, err) // as the guard would
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /docs/{id}", middleware.Require(authorizer.Require("doc:read")), read)
	mux.HandleFunc("DELETE /docs/{id}", middleware.Require(authorizer.RequireConditional("doc:delete")), remove)
	built, err := mux.Build()
	check(err)
	handler := authorizer.Track(built) // a handler that forgets its check answers 500; check before you delete

	for _, path := range []string{"/docs/1", "/docs/2"} {
		r := authtest.Request("DELETE", path)
		r.SetBasicAuth("ann", "correct horse battery")
		fmt.Println(authtest.Do(handler, r).StatusCode)
	}
	// Output:
	// 204
	// 403
}

// A description of the routes, a page to try them, and a test that both tell the truth.
func Example_docs() {
	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})})
	check(err)
	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{Placements: []apikey.Placement{apikey.Header("X-API-Key")}})
	check(err)
	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
	check(err)
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")), func(w http.ResponseWriter, _ *http.Request) {})

	// After the routes of the API, which it describes:
	document, err := openapi.New(openapi.Config{Title: "Notes", Version: "1.0.0", Routes: mux.Routes()})
	check(err)
	page, err := docs.New(docs.Config{Title: "Notes"})
	check(err)
	mux.Handle("GET /openapi.json", middleware.Public(), document.JSONHandler())
	mux.Handle("GET /docs/", middleware.Public(), page)
	handler, err := mux.Build()
	check(err)

	key := func(scopes ...string) string {
		issued, err := keys.Create(context.Background(), apikey.Request{Subject: "test", Scopes: auth.MustScopeSet(scopes...)})
		check(err)
		return issued.Secret.Reveal()
	}
	err = openapitest.Check(openapitest.Config{
		Document: document, Handler: handler,
		Routes: mux.Routes(), Undocumented: []string{"GET /openapi.json", "GET /docs/"},
		Credentials: map[string]openapitest.Credential{"apikey": {Enough: key("notes:read"), Little: key()}},
	})
	fmt.Println(err)
	text, err := io.ReadAll(authtest.Do(handler, authtest.Request("GET", "/docs/")).Body)
	check(err)
	fmt.Println(strings.Contains(string(text), "<title>Notes</title>"))
	// Output:
	// <nil>
	// true
}
