// Command apikeys shows the life of an API key: made, listed, rotated with an overlap, revoked, and found in a text where it
// should not be. Its callers manage their own keys under /keys; operator.go is what the service does itself.
//
//	go run -C examples ./apikeys
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/middleware"
)

func main() {
	s, err := newService(time.Now)
	if err != nil {
		log.Fatal(err)
	}
	issued, err := s.keys.Create(context.Background(), apikey.Request{
		Subject: "alice", Name: "laptop", Scopes: auth.MustScopeSet("notes:read", "notes:write"),
	})
	if err != nil {
		log.Fatal(err)
	}
	const base = "http://localhost:8080"
	key := fmt.Sprintf("-H 'X-API-Key: %s'", issued.Secret.Reveal()) // shown this once: only a digest is kept
	json := "-H 'Content-Type: application/json' -d"
	fmt.Printf("use it    curl -i %s %s/notes\n", key, base)
	fmt.Printf("list      curl -i %s %s/keys\n", key, base)
	fmt.Printf("create    curl -i %s %s '{\"name\":\"dashboard\",\"scopes\":[\"notes:read\"]}' %s/keys\n", key, json, base)
	fmt.Printf("rotate    curl -i %s %s '{\"grace_seconds\":3600}' %s/keys/%s/rotate\n", key, json, base, issued.Record.ID)
	fmt.Printf("revoke    curl -i %s -X DELETE %s/keys/%s\n", key, base, issued.Record.ID)
	fmt.Printf("leak      curl -i -d 'oops: %s' %s/leaks\n", issued.Secret.Reveal(), base)
	fmt.Printf("scanners  curl %s/leaks/pattern\n", base)
	server := &http.Server{Addr: "localhost:8080", Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

type service struct {
	keys    *apikey.Keys
	handler http.Handler
}

func newService(clock func() time.Time) (*service, error) {
	audit := log.New(os.Stderr, "audit: ", log.LstdFlags)
	keys, err := apikey.New(apikey.Config{
		Prefix: "acme",
		// For production, take the module store/sqlstore, or implement apikey.Store on your database and run
		// authtest.TestAPIKeyStore on it: rotation has to be atomic there too.
		Store: apikey.NewMemoryStore(apikey.MemoryConfig{}),
		// For production, set Peppers from your secret manager: who can write to the database can then still not plant a
		// key of his own. Set Misses, so that nobody tries keys for free.
		Lifetime: 30 * 24 * time.Hour, // a key that is forgotten ends by itself
		Clock:    clock,
		OnChange: func(_ context.Context, c apikey.Change) { // who did what to which key; there is no secret in it
			audit.Printf("%s %s of %s by %q %s", c.Action, c.ID, c.Subject, c.By, c.Reason)
		},
	})
	if err != nil {
		return nil, err
	}
	// For production, set RequireTLS, and ClientAddr where a proxy is in front: keys can be bound to networks.
	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{Realm: "notes"})
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
	if err != nil {
		return nil, err
	}
	s := &service{keys: keys}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")), notes)
	// Nobody makes a key that may do more than the caller's own, or that outlives it. For production, guard this with a
	// login of a person instead of a key: a stolen key can then not make itself a successor.
	own := http.StripPrefix("/keys", keys.Handler())
	mux.Handle("/keys", middleware.Authenticated(), own)
	mux.Handle("/keys/", middleware.Authenticated(), own)
	// Public, because whoever finds a key should get to tell; a report without the whole key changes nothing.
	mux.HandleFunc("POST /leaks", middleware.Public(), s.reportLeak)
	mux.HandleFunc("GET /leaks/pattern", middleware.Public(), func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, keys.Pattern()) // for secret scanners: gitleaks, GitHub's, your CI's
	})
	s.handler, err = mux.Build()
	return s, err
}

func notes(w http.ResponseWriter, r *http.Request) {
	principal, _ := auth.FromContext(r.Context()) // there is one: the mux saw to it
	key, _ := auth.Data[apikey.Key](principal)    // and it came with a key
	fmt.Fprintf(w, "the notes of %s, by the key %q\n", principal.Subject(), key.Name())
}
