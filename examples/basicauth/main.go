// Command basicauth asks for a name and a password (HTTP Basic, RFC 7617). Users are lines of an htpasswd file with argon2id
// hashes; change it while the program runs. Guesses are limited.
//
//	printf 'correct horse battery staple' | go run -C examples ./basicauth -hash alice
//	go run -C examples ./basicauth                         # makes a file with a user of its own
//	go run -C examples ./basicauth -users /path/to/htpasswd
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/htpasswd"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
)

func main() {
	users := flag.String("users", "", "htpasswd file; none makes one in a temporary directory")
	hash := flag.String("hash", "", "read a password from standard input and print the line for this user")
	cache := flag.Bool("cache", false, "remember verified passwords for some minutes")
	flag.Parse()
	if err := run(context.Background(), *users, *hash, *cache); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, users, hash string, cache bool) error {
	// One hasher for all that sets and all that checks passwords: it bounds how many are hashed at once, at 19 MiB each.
	// For production, set DecoyKey: unknown names then take the same time as known ones across restarts too.
	hasher, err := password.New(password.Config{})
	if err != nil {
		return err
	}
	if hash != "" {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, password.MaxBytes+1))
		if err != nil {
			return err
		}
		line, err := newLine(ctx, hasher, hash, string(text))
		fmt.Print(line)
		return err
	}
	if users == "" {
		if users, err = demo(ctx, hasher); err != nil {
			return err
		}
	}
	handler, err := newHandler(hasher, users, cache, time.Now)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: "localhost:8080", Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe() // for production, TLS: the header is the password
}

// newLine returns the line of an htpasswd file for a new user.
func newLine(ctx context.Context, h *password.Hasher, name, pw string) (string, error) {
	// Length is what counts: 15 characters by default, no rules of composition. For production, set Blocked to a list of
	// passwords known from breaches.
	if err := (password.Policy{}).Check(ctx, pw); err != nil {
		return "", err
	}
	stored, err := h.Hash(ctx, pw) // $argon2id$v=19$m=19456,t=2,p=1$…
	if err != nil {
		return "", err
	}
	return name + ":" + stored + "\n", nil
}

func newHandler(hasher *password.Hasher, path string, cache bool, clock func() time.Time) (http.Handler, error) {
	users, err := htpasswd.Open(htpasswd.Config{
		Path:   path,
		Hasher: hasher,
		Scopes: auth.MustScopeSet("reports:read"), // of everybody in the file; a table of your own is a basic.Users
		// A changed file is taken whole or not at all. Replace it by renaming a new one over it.
		OnError: func(err error) { log.Print("the users stay as they were: ", err) },
		Clock:   clock,
	})
	if err != nil {
		return nil, err
	}
	authenticator, err := basic.New(basic.Config{
		Realm:  "reports",
		Users:  users,
		Hasher: hasher,
		Clock:  clock,
		// Failures are limited by network, by user and by both without further ado; a right password costs nothing. For
		// production, set Addr where a proxy is in front, or all clients are one; and Throttle where there are several
		// instances.
		//
		// Each request pays for a hash, about 30 ms. The cache makes that a microsecond, at the price of a keyed digest of
		// each password of the last minutes in memory: off by default. A changed password acts at once all the same.
		Cache: basic.CacheConfig{Enable: cache},
	})
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{
		Authenticator:        authenticator,
		Require:              auth.Scopes("reports:read"),
		HideBasicFromScripts: true, // a page's own fetch should not raise the browser's dialog
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /reports", guard.HandlerFunc(reports))
	return mux, nil
}

func reports(w http.ResponseWriter, r *http.Request) {
	principal, _ := auth.FromContext(r.Context()) // there is one: the guard saw to it
	fmt.Fprintf(w, "the reports for %s\n", principal.Subject())
}

// demo writes a file with one user, whose password is new at each start, and says what to try.
func demo(ctx context.Context, hasher *password.Hasher) (string, error) {
	dir, err := os.MkdirTemp("", "basicauth")
	if err != nil {
		return "", err
	}
	path, pw := filepath.Join(dir, "htpasswd"), rand.Text()
	line, err := newLine(ctx, hasher, "alice", pw)
	if err != nil {
		return "", err
	}
	fmt.Printf("curl -i -u alice:%s http://localhost:8080/reports\n", pw)
	fmt.Printf("for i in 1 2 3 4 5 6; do curl -i -u alice:guess http://localhost:8080/reports; done # 401, then 429\n")
	fmt.Printf("users are in %s\n", path)
	return path, os.WriteFile(path, []byte(line), 0o600)
}
