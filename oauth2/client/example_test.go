package client_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/client"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// People log in with an account that they have elsewhere, and get a session here.
func ExampleLogin() {
	ctx := context.Background()
	secret := []byte(rand.Text() + rand.Text())[:32] // from your configuration
	ring, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{})
	check(err)
	access, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: "https://app.example", Audience: []string{"https://app.example"}, Keys: ring})
	check(err)
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	check(err)
	sessions, err := refresh.New(refresh.Config{Store: store, Access: refresh.JWT(access), Keys: [][]byte{secret}})
	check(err)
	endpoints, err := sessions.Endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{}})
	check(err)

	login, err := client.NewLogin(client.LoginConfig{
		Issuer:      "https://accounts.google.com",
		ClientID:    "your-client-id",
		Client:      oauth2.ClientSecretPost("your-client-id", "your-client-secret"),
		RedirectURL: "https://app.example/login/callback",
		Scopes:      []string{"email"},
		Keys:        [][]byte{secret},
		ErrorLog:    slog.Default(),
		Done: func(w http.ResponseWriter, r *http.Request, who *client.Identity) {
			// Your table of users, by issuer and subject: never by e-mail address.
			user := "user-of-" + who.Claims.Issuer() + "-" + who.Claims.Subject()
			tokens, err := sessions.Issue(r.Context(), refresh.Login{Subject: user, Scopes: auth.MustScopeSet("notes:read")})
			if err != nil {
				http.Error(w, "the login could not be finished: try again", http.StatusServiceUnavailable)
				return
			}
			endpoints.Redirect(w, r, tokens, who.ReturnTo)
		},
	})
	check(err)
	defer func() { check(login.Close()) }()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", login.Start) // a link: /login?return_to=/notes
	mux.HandleFunc("GET /login/callback", login.Callback)
	mux.HandleFunc("POST /session/refresh", endpoints.Refresh)
	fmt.Println("ready")
	// Output: ready
}

// A service calls another one as itself.
func ExampleCredentials_Transport() {
	tokens, err := client.NewCredentials(client.CredentialsConfig{
		Issuer: "https://login.example.com", Client: oauth2.ClientSecretBasic("worker", "its secret"), Scopes: []string{"notes:read"},
	})
	check(err)
	transport, err := tokens.Transport(nil, "https://notes.example.com")
	check(err)
	api := &http.Client{Transport: transport}
	_, err = api.Get("https://elsewhere.example.com/")
	fmt.Println(strings.Contains(err.Error(), "does not get the token"))
	// Output: true
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}
