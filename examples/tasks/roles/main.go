// Command roles serves documents to people of three roles: viewers read, editors also delete documents of their own, and
// admins delete any. The rules are in policy.yaml.
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/rbac"
)

//go:embed policy.yaml
var policyYAML []byte

// newHandler is the API. owners has the owner of each document. Three people log in with the password given: viewer,
// editor and admin, each named like the role.
func newHandler(owners *sync.Map, secret string) http.Handler {
	hasher := must(password.New(password.Config{}))
	hash := must(hasher.Hash(context.Background(), secret))
	var users []basic.User
	for _, role := range []string{"viewer", "editor", "admin"} {
		users = append(users, basic.User{Name: role, PasswordHash: hash, Roles: []string{role}, Scopes: auth.Unlimited()})
	}
	people := must(basic.New(basic.Config{Realm: "docs", Users: must(basic.NewStatic(hasher, users...)), Hasher: hasher}))
	config := middleware.Config{Authenticator: people, Observer: auth.NewLogObserver(slog.Default()), ErrorLog: slog.Default()}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: must(middleware.New(config))})
	authorizer := must(rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: must(rbac.Parse("policy.yaml", policyYAML, rbac.Config{}))}))

	read := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "sell anvils") }
	remove := func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		value, _ := owners.Load(id)
		owner, _ := value.(string) // "" where there is no such document: then nobody is its owner
		if err := authorizer.CheckOn(r.Context(), "doc:delete", rbac.Resource{ID: id, Owner: owner}); err != nil {
			middleware.Refuse(w, r, err)
			return
		}
		owners.Delete(id)
		w.WriteHeader(http.StatusNoContent)
	}
	mux.HandleFunc("GET /docs/{id}", middleware.Require(authorizer.Require("doc:read")), read)
	mux.HandleFunc("DELETE /docs/{id}", middleware.Require(authorizer.RequireConditional("doc:delete")), remove)
	return authorizer.Track(must(mux.Build()))
}

func main() {
	var owners sync.Map
	owners.Store("1", "editor")
	owners.Store("2", "admin")
	secret := rand.Text()
	fmt.Printf("curl -u editor:%s -X DELETE http://127.0.0.1:8080/docs/1\n", secret)
	log.Fatal((&http.Server{Addr: "127.0.0.1:8080", Handler: newHandler(&owners, secret), ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
