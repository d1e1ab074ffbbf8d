// Command basics protects one endpoint with API keys. It is the smallest program that is still right: keys are stored as
// digests, compared in constant time, and every refusal is answered as the RFCs say.
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
)

func main() {
	handler, key, err := setup(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("curl -i http://localhost:8080/hello")
	fmt.Printf("curl -i -H 'X-API-Key: %s' http://localhost:8080/hello\n", key.Reveal())
	server := &http.Server{Addr: "localhost:8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// setup returns the service and a key for alice, which is shown this once.
func setup(ctx context.Context) (http.Handler, apikey.Secret, error) {
	keys, err := apikey.New(apikey.Config{
		Prefix: "acme",                                       // your keys look like acme_live_…
		Store:  apikey.NewMemoryStore(apikey.MemoryConfig{}), // forgets on restart; module store/sqlstore keeps them
	})
	if err != nil {
		return nil, apikey.Secret{}, err
	}
	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{})
	if err != nil {
		return nil, apikey.Secret{}, err
	}
	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
	if err != nil {
		return nil, apikey.Secret{}, err
	}
	issued, err := keys.Create(ctx, apikey.Request{Subject: "alice", Name: "laptop"})
	if err != nil {
		return nil, apikey.Secret{}, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /hello", guard.HandlerFunc(hello))
	return mux, issued.Secret, nil
}

func hello(w http.ResponseWriter, r *http.Request) {
	principal, _ := auth.FromContext(r.Context()) // there is one: the guard saw to it
	fmt.Fprintf(w, "hello %s\n", principal.Subject())
}
