// Command docs serves an API of two routes for programs with API keys and people with passwords, its OpenAPI document at
// /openapi.json and a page to read and try it at /docs/.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
	"github.com/cardea-go/auth/openapi/docs"
)

// newHandler is the API and the document that describes it.
func newHandler(keys *apikey.Keys, hasher *password.Hasher, users basic.Users) (http.Handler, *openapi.Document) {
	programs := must(keys.Authenticator(apikey.AuthenticatorConfig{Placements: []apikey.Placement{apikey.Header("X-API-Key")}}))
	people := must(basic.New(basic.Config{Realm: "notes", Users: users, Hasher: hasher}))
	guard := must(middleware.New(middleware.Config{
		Authenticator: auth.FirstOf(programs, people).RefuseMultiple(), // one of the two, not both
		Observer:      auth.NewLogObserver(slog.Default()),
		ErrorLog:      slog.Default(),
	}))
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")), notes)
	mux.HandleFunc("GET /notes/{id}", middleware.Require(auth.Scopes("notes:read")), notes)

	document := must(openapi.New(openapi.Config{Title: "Notes", Version: "1.0.0", Routes: mux.Routes()}))
	mux.Handle("GET /openapi.json", middleware.Public(), document.JSONHandler())
	mux.Handle("GET /docs/", middleware.Public(), must(docs.New(docs.Config{Title: "Notes"})))
	return must(mux.Build()), document
}

func notes(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "buy milk") }

func main() {
	keys := must(apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}))
	request := apikey.Request{Subject: "reader", Scopes: auth.MustScopeSet("notes:read")}
	key := must(keys.Create(context.Background(), request)).Secret.Reveal()
	hasher, secret := must(password.New(password.Config{})), rand.Text()
	hash := must(hasher.Hash(context.Background(), secret))
	users := must(basic.NewStatic(hasher, basic.User{Name: "ann", PasswordHash: hash, Scopes: auth.Unlimited()}))
	fmt.Printf("http://127.0.0.1:8080/docs/ with the key %s or as ann with the password %s\n", key, secret)
	handler, _ := newHandler(keys, hasher, users)
	log.Fatal((&http.Server{Addr: "127.0.0.1:8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
