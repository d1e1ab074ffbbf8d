// Command login serves an API with a login of its own: POST /login takes a name and a password and gives an access and a
// refresh token, POST /refresh exchanges the refresh token for a new pair, POST /logout ends the session. GET /me takes
// the access token.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2/refresh"
)

const baseURL = "http://127.0.0.1:8080"

// newHandler is the API for one person, ann, with the password given.
func newHandler(ctx context.Context, annsPassword string) http.Handler {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	observer := auth.NewLogObserver(logger)
	hasher := must(password.New(password.Config{}))
	ann := basic.User{Name: "ann", PasswordHash: must(hasher.Hash(ctx, annsPassword)), Scopes: auth.Unlimited()}
	people := must(basic.New(basic.Config{Realm: "me", Users: must(basic.NewStatic(hasher, ann)), Hasher: hasher}))

	ring := must(jwt.NewKeyRing(ctx, jwt.KeyRingConfig{}))
	access := must(jwt.NewIssuer(jwt.IssuerConfig{Issuer: baseURL, Audience: []string{baseURL}, Keys: ring}))
	secret := make([]byte, 32)
	rand.Read(secret) // new at each start, as the sessions in memory are
	store := must(refresh.NewMemoryStore(refresh.MemoryConfig{}))
	sessions := must(refresh.New(refresh.Config{Store: store, Access: refresh.JWT(access), Keys: [][]byte{secret}, Observer: observer}))
	endpoints := must(sessions.Endpoints(refresh.EndpointsConfig{}))
	tokens := must(sessions.Authenticator(jwt.AuthenticatorConfig{})) // asks whether the session goes on

	guard := must(middleware.New(middleware.Config{Authenticator: tokens, Observer: observer, ErrorLog: logger}))
	passwords := must(middleware.New(middleware.Config{Authenticator: people, Observer: observer, ErrorLog: logger}))

	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("POST /login", middleware.Authenticated().Via(passwords), endpoints.Login)
	mux.HandleFunc("POST /refresh", middleware.Public(), endpoints.Refresh)
	mux.HandleFunc("POST /logout", middleware.Public(), endpoints.Logout)
	mux.HandleFunc("GET /me", middleware.Authenticated(), me)
	return must(mux.Build())
}

func me(w http.ResponseWriter, r *http.Request) {
	principal, _ := auth.FromContext(r.Context())
	fmt.Fprintln(w, principal.Subject())
}

func main() {
	annsPassword := rand.Text()
	fmt.Printf("curl -u ann:%s -X POST %s/login\n", annsPassword, baseURL)
	log.Fatal((&http.Server{Addr: "127.0.0.1:8080", Handler: newHandler(context.Background(), annsPassword), ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
