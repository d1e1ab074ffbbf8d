package sqlstore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/store/sqlstore"
	"github.com/cardea-go/auth/store/sqlstore/sqlite"
)

// check stands for your error handling.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Keys, sessions and signing keys that outlive the process.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "sqlstore")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "service.db")
	const self = "https://acme.example"
	secret := []byte(rand.Text() + rand.Text())[:32] // from your configuration: it has to outlive the process too

	db, err := sqlite.Open(file) // or sql.Open("pgx", url), with PostgreSQL below
	check(err)
	store, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	check(err)
	check(store.Migrate(ctx)) // creates the tables that are not there

	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: store.APIKeys()})
	check(err)
	ring, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{Store: store.Ring("access"), Secrets: [][]byte{secret}})
	check(err)
	access, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: self, Audience: []string{self}, Keys: ring})
	check(err)
	sessions, err := refresh.New(refresh.Config{Store: store.Grants(), Access: refresh.JWT(access), Keys: [][]byte{secret}})
	check(err)

	issued, err := keys.Create(ctx, apikey.Request{Subject: "alice", Name: "laptop"})
	check(err)
	tokens, err := sessions.Issue(ctx, refresh.Login{Subject: "alice", Scopes: auth.MustScopeSet("notes:read")})
	check(err)

	// Another process, or this one after a restart:
	keys, err = apikey.New(apikey.Config{Prefix: "acme", Store: store.APIKeys()})
	check(err)
	principal, err := keys.Verify(ctx, issued.Secret.Reveal())
	check(err)
	sessions, err = refresh.New(refresh.Config{Store: store.Grants(), Access: refresh.JWT(access), Keys: [][]byte{secret}})
	check(err)
	next, err := sessions.Refresh(ctx, refresh.Request{Token: tokens.RefreshToken})
	check(err)
	check(db.Close())
	fmt.Println(principal.Subject(), next.Session == tokens.Session)
	// Output: alice true
}

// The statements, for those who bring changes of the database in by other means.
func ExampleStore_Schema() {
	dir, err := os.MkdirTemp("", "sqlstore")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	db, err := sqlite.Open(filepath.Join(dir, "service.db"))
	check(err)
	defer func() { check(db.Close()) }()
	store, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL, Prefix: "acme_"})
	check(err)
	for line := range strings.Lines(store.Schema()) {
		if strings.HasPrefix(line, "CREATE TABLE") {
			fmt.Print(line)
		}
	}
	// Output:
	// CREATE TABLE IF NOT EXISTS acme_api_keys (
	// CREATE TABLE IF NOT EXISTS acme_grants (
	// CREATE TABLE IF NOT EXISTS acme_once (
	// CREATE TABLE IF NOT EXISTS acme_key_rings (
	// CREATE TABLE IF NOT EXISTS acme_known (
}
