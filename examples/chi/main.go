// Command chi guards routes of a chi router: Guard.Handler is middleware of the usual shape, so it goes where chi's own
// middleware goes.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/middleware"
	"github.com/go-chi/chi/v5"
)

func main() {
	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})})
	if err != nil {
		log.Fatal(err)
	}
	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := router(authenticator)
	if err != nil {
		log.Fatal(err)
	}
	issued, err := keys.Create(context.Background(), apikey.Request{Subject: "alice", Scopes: auth.MustScopeSet("notes:read")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("curl -i -H 'X-API-Key: %s' http://localhost:8080/notes/7\n", issued.Secret.Reveal())
	server := &http.Server{Addr: "localhost:8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func router(authenticator auth.Authenticator) (http.Handler, error) {
	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
	if err != nil {
		return nil, err
	}
	reading, err := guard.Require(auth.Scopes("notes:read"))
	if err != nil {
		return nil, err
	}
	writing, err := guard.Require(auth.Scopes("notes:write"))
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Get("/health", answer("ok")) // no guard: public
	r.Route("/notes", func(r chi.Router) {
		r.Use(reading.Handler)
		r.Get("/{id}", answer("a note"))
		r.With(writing.Handler).Delete("/{id}", answer("deleted")) // needs both scopes
	})
	return r, nil
}

func answer(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who := "nobody"
		if p, ok := auth.FromContext(r.Context()); ok {
			who = p.Subject()
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprintf(w, "%s %s for %s\n", text, chi.URLParam(r, "id"), who) //nolint:gosec // text, not HTML
	}
}
