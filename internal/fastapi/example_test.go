package fastapi_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
	"github.com/cardea-go/auth/openapi"
	"github.com/cardea-go/auth/openapi/docs"
)

// The service of FastAPI's tutorial, "OAuth2 scopes": a login form, a token, a user in each handler, two scopes.
func Example_tutorial() {
	handler := newTutorial(context.Background(), password.Config{}).handler
	form := url.Values{"grant_type": {"password"}, "username": {"johndoe"}, "password": {"secret"}, "scope": {"me"}}
	r := httptest.NewRequest("POST", "/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token string `json:"access_token"`
	}
	check(json.NewDecoder(authtest.Do(handler, r).Body).Decode(&answer))

	for _, path := range []string{"/status", "/users/me", "/users/me/items"} {
		resp := authtest.Do(handler, authtest.Request("GET", path, "Authorization", "Bearer "+answer.Token))
		fmt.Printf("%d %s %q\n", resp.StatusCode, path, resp.Header.Get("WWW-Authenticate"))
	}
	// Output:
	// 200 /status ""
	// 200 /users/me ""
	// 403 /users/me/items "Bearer error=\"insufficient_scope\", scope=\"me items\""
}

const (
	issuer = "https://notes.example"     // who signs
	api    = "https://notes.example/api" // who the tokens are for
)

// user is a row of the table of users.
type user struct {
	FullName     string
	PasswordHash string
	Disabled     bool
}

// tutorial is the service, with what tests reach into.
type tutorial struct {
	users    map[string]user
	keys     *jwt.KeyRing
	document *openapi.Document
	handler  http.Handler
}

func newTutorial(ctx context.Context, hashing password.Config) *tutorial {
	hasher, err := password.New(hashing) // argon2id
	check(err)
	hash, err := hasher.Hash(ctx, "secret")
	check(err)
	users := map[string]user{"johndoe": {FullName: "John Doe", PasswordHash: hash}, "alice": {PasswordHash: hash, Disabled: true}}
	pepper := make([]byte, 32)
	_, _ = rand.Read(pepper) // never fails

	// authenticate_user: the same work and the same answer for an unknown name, a wrong password and a disabled user.
	authenticate := func(ctx context.Context, username, pw string) (subject string, err error) {
		u, found := users[username]
		verdict, err := hasher.Check(ctx, password.Attempt{
			Username: username, Password: pw, Found: found && !u.Disabled, Stored: u.PasswordHash,
		})
		if err == nil && !verdict.OK {
			err = server.ErrWrongPassword
		}
		return username, err
	}

	// login_for_access_token: POST /token, the form that FastAPI's page and Swagger UI send.
	keys, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{}) // Ed25519, a new key every month
	check(err)
	app, err := server.NewClient(server.ClientConfig{
		ID: "app", Public: true, Grants: []server.Grant{server.GrantLegacyPassword, server.GrantRefresh},
		Scopes: auth.MustScopeSet("me", "items"), Resources: []string{api},
	})
	check(err)
	clients, err := server.NewClients(app)
	check(err)
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	check(err)
	tokens, err := server.New(server.Config{
		Issuer: issuer, Keys: keys, Clients: clients, Resources: []string{api},
		Sessions:       refresh.Config{Store: store, Keys: [][]byte{pepper}}, // 32 random bytes
		LegacyPassword: &server.LegacyPassword{Verify: authenticate, Client: "app"},
	})
	check(err)

	// oauth2_scheme: what a request carries, and how the page gets it.
	verifier, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: jwt.Config{
		Issuer: issuer, Keys: keys, Audience: []string{api}, Algorithms: []jwt.Algorithm{jwt.EdDSA},
	}})
	check(err)
	scheme, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{
		Verifier: verifier,
		Flows: []auth.Flow{{Grant: "password", TokenURL: "/token", Scopes: []auth.Param{
			{Name: "me", Value: "Read information about the current user."},
			{Name: "items", Value: "Read items."},
		}}},
	})
	check(err)

	// get_current_active_user: loaded after the proof and before any scope is looked at.
	currentUser := auth.Map(scheme, func(_ context.Context, p *auth.Principal) (*auth.Principal, error) {
		u, found := users[p.Subject()]
		if !found || u.Disabled {
			return nil, auth.Invalid(auth.ReasonDisabled, nil)
		}
		return p.Derive(func(c *auth.PrincipalConfig) { c.Data = u })
	})
	guard, err := middleware.New(middleware.Config{Authenticator: currentUser})
	check(err)

	// The routes: each says who may use it, or Build refuses it.
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.Handle("POST /token", middleware.Public(), tokens.Handler())
	mux.HandleFunc("GET /status", middleware.Authenticated(), ok)
	me := mux.Group(middleware.Require(auth.Scopes("me")))
	me.HandleFunc("GET /users/me", middleware.Authenticated(), readUser)
	me.HandleFunc("GET /users/me/items", middleware.Require(auth.Scopes("items")), ok)

	document, err := openapi.New(openapi.Config{Title: "Notes", Version: "1.0.0", Routes: mux.Routes()})
	check(err)
	page, err := docs.New(docs.Config{Title: "Notes"})
	check(err)
	mux.Handle("GET /openapi.json", middleware.Public(), document.JSONHandler())
	mux.Handle("GET /docs/", middleware.Public(), page)
	handler, err := mux.Build()
	check(err)

	return &tutorial{users, keys, document, handler}
}

func readUser(w http.ResponseWriter, r *http.Request) {
	principal, _ := auth.FromContext(r.Context()) // there is one: the guard saw to it
	u, _ := auth.Data[user](principal)
	fmt.Fprintf(w, "%s is %s", principal.Subject(), u.FullName)
}

func ok(http.ResponseWriter, *http.Request) {}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
