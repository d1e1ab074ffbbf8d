// Command scopes limits what a credential may do. A scope is a promise about the credential (this key only reads), never a
// right of its owner: what people may do is a matter of roles, in the example rbac.
//
//	go run -C examples ./scopes
//
// What is answered, where the key comes as a bearer token:
//
//	nothing sent        401  Bearer realm="notes"
//	a wrong key         401  Bearer realm="notes", error="invalid_token"
//	a scope is missing  403  Bearer realm="notes", error="insufficient_scope", scope="all that the route needs"
//
// So a client that gets a 403 knows what to ask for, in one step.
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
	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})})
	if err != nil {
		log.Fatal(err)
	}
	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{Realm: "notes", Placements: []apikey.Placement{apikey.Bearer()}})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := newHandler(authenticator)
	if err != nil {
		log.Fatal(err)
	}
	for name, scopes := range map[string]auth.ScopeSet{
		"nothing": {}, // the zero set allows no scope at all; "unlimited" has to be said, and a key can't be
		"reader":  auth.MustScopeSet("notes:read"),
		"editor":  auth.MustScopeSet("notes:read", "notes:write", "drafts:read"),
		"janitor": auth.MustScopeSet("notes:read", "notes:write", "notes:delete"),
	} {
		issued, err := keys.Create(context.Background(), apikey.Request{Subject: "alice", Name: name, Scopes: scopes})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s=%s # %s\n", name, issued.Secret.Reveal(), scopes)
	}
	fmt.Println("curl -i http://localhost:8080/notes/7")
	fmt.Println(`for key in guess $nothing $reader $editor $janitor; do for method in GET PUT DELETE; do
  curl -i -X $method -H "Authorization: Bearer $key" http://localhost:8080/notes/7
done; done`)
	server := &http.Server{Addr: "localhost:8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// newHandler serves the same routes twice: under /notes with guards inside of each other, as any router has them, and
// under /v2 with a mux that knows all of a route beforehand.
func newHandler(authenticator auth.Authenticator) (http.Handler, error) {
	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
	if err != nil {
		return nil, err
	}

	// The credential is proved by the outer guard, once. The inner ones add what they ask for: DELETE needs three scopes.
	// Each guard is whole by itself: one that is mounted without the outer one still proves who calls.
	reading := guard.MustRequire(auth.Scopes("notes:read")) // a typing error in a scope's grammar panics, here at the start
	writing := guard.MustRequire(auth.Scopes("notes:write"))
	deleting := guard.MustRequire(auth.Scopes("notes:delete"))
	notes := http.NewServeMux()
	notes.HandleFunc("GET /notes/{id}", show)
	notes.Handle("PUT /notes/{id}", writing.HandlerFunc(show))
	notes.Handle("DELETE /notes/{id}", writing.Handler(deleting.HandlerFunc(show)))
	router := http.NewServeMux()
	router.Handle("/notes/", reading.Handler(notes))

	// For production, prefer this: the first 403 names all that the route needs, where an outer guard of the form above
	// can't know what is inside of it. A route that states no access is an error of Build.
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	readers := mux.Group(middleware.Require(auth.Scopes("notes:read")))
	writers := readers.Group(middleware.Require(auth.Scopes("notes:write")))
	readers.HandleFunc("GET /v2/notes/{id}", middleware.Authenticated(), show)
	writers.HandleFunc("PUT /v2/notes/{id}", middleware.Authenticated(), show)
	writers.HandleFunc("DELETE /v2/notes/{id}", middleware.Require(auth.Scopes("notes:delete")), show)
	// One of two will do. A 403 asks for the first.
	readers.HandleFunc("GET /v2/export", middleware.Require(auth.Any(auth.Scopes("export"), auth.Scopes("notes:delete"))), show)
	v2, err := mux.Build()
	if err != nil {
		return nil, err
	}
	router.Handle("/v2/", v2)
	return router, nil
}

func show(w http.ResponseWriter, r *http.Request) {
	principal, _ := auth.FromContext(r.Context()) // there is one: a guard saw to it
	fmt.Fprintf(w, "a note for %s\n", principal.Subject())
	if principal.Scopes().Has("drafts:read") { // not whether, but how much
		fmt.Fprintln(w, "and drafts")
	}
}
