// Command accept serves an API that takes the access tokens of somebody else's authorization server: JWTs by RFC 9068,
// signed with RS256, whose keys are fetched from the issuer's JWK Set. GET /notes needs the scope notes:read.
//
//	go run -C examples ./tasks/accept -issuer https://login.example.com
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
)

// api is how clients and issuer call this API: the aud of its tokens.
const api = "http://127.0.0.1:8080"

// newHandler is the API. tokens names the issuer, its keys and its algorithms; the audience is always the API.
func newHandler(tokens jwt.Config) http.Handler {
	tokens.Audience = []string{api}
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	verifier := must(oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: tokens}))
	guard := must(middleware.New(middleware.Config{
		Authenticator: must(oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{Verifier: verifier})),
		Observer:      auth.NewLogObserver(logger),
		ErrorLog:      logger,
	}))
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")), notes)
	return must(mux.Build())
}

func notes(w http.ResponseWriter, r *http.Request) {
	principal, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "the notes of %s\n", principal.Subject())
}

func main() {
	issuer := flag.String("issuer", "", "`URL` of the authorization server, as its tokens name it in iss")
	flag.Parse()
	keys := must(jwt.NewRemote(jwt.RemoteConfig{Issuer: *issuer}))
	if err := keys.Warm(context.Background()); err != nil {
		log.Fatal(err) // a wrong -issuer is told now, not by the first request
	}
	handler := newHandler(jwt.Config{Issuer: *issuer, Keys: keys, Algorithms: []jwt.Algorithm{jwt.RS256}})
	fmt.Printf("with a token of %s for %s:\ncurl -H \"Authorization: Bearer $TOKEN\" %s/notes\n", *issuer, api, api)
	log.Fatal((&http.Server{Addr: "127.0.0.1:8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
