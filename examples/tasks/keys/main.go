// Command keys serves an API that is protected by API keys: GET /hello needs a key, POST /hello a key with the scope
// hello:write.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/middleware"
)

// newHandler is the API, for the keys that keys issued.
func newHandler(keys *apikey.Keys) http.Handler {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	guard := must(middleware.New(middleware.Config{
		Authenticator: must(keys.Authenticator(apikey.AuthenticatorConfig{})),
		Observer:      auth.NewLogObserver(logger),
		ErrorLog:      logger,
	}))
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /hello", middleware.Authenticated(), hello)
	mux.HandleFunc("POST /hello", middleware.Require(auth.Scopes("hello:write")), hello)
	return must(mux.Build())
}

func hello(w http.ResponseWriter, r *http.Request) {
	principal, _ := auth.FromContext(r.Context())
	fmt.Fprintf(w, "hello %s\n", principal.Subject())
}

func main() {
	keys := must(apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}))
	issued := must(keys.Create(context.Background(), apikey.Request{
		Subject: "alice", Name: "first key", Scopes: auth.MustScopeSet("hello:write"),
	}))
	fmt.Printf("curl -H 'X-API-Key: %s' -X POST http://127.0.0.1:8080/hello\n", issued.Secret.Reveal())
	log.Fatal((&http.Server{Addr: "127.0.0.1:8080", Handler: newHandler(keys), ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
