// Command jwt is a service that issues and accepts its own access tokens: a login, a protected endpoint, the public keys
// for other services, and keys that rotate while requests run.
//
//	go run -C examples ./jwt
//	token=$(curl -s -u alice:'correct horse' -X POST http://localhost:8080/login)
//	curl -i -H "Authorization: Bearer $token" http://localhost:8080/notes
package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
)

const (
	address  = "localhost:8080"
	issuer   = "http://localhost:8080"
	audience = "http://localhost:8080/notes"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	s, err := newService(ctx, time.Now)
	if err != nil {
		return err
	}
	go func() { // without it, keys change too: on the first request after they are due
		_ = s.keys.Run(ctx, func(err error) { log.Print(err) })
	}()
	server := &http.Server{Addr: address, Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	log.Print("listening on http://" + address)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// service is one program in three parts: what signs, what verifies, what answers.
type service struct {
	keys    *jwt.KeyRing
	issuer  *jwt.Issuer
	handler http.Handler
}

func newService(ctx context.Context, clock func() time.Time) (*service, error) {
	// Each key signs for a day, is published an hour before it does, and an hour after. In memory here: with Store and
	// Secrets, a restart keeps the keys and several instances share them.
	keys, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{
		Period: 24 * time.Hour, PublishAhead: time.Hour, KeepAfter: time.Hour, Clock: clock,
	})
	if err != nil {
		return nil, err
	}
	tokens, err := jwt.NewIssuer(jwt.IssuerConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: keys, Lifetime: 10 * time.Minute, Clock: clock,
	})
	if err != nil {
		return nil, err
	}
	// Another service would set Keys to a jwt.Remote with the address of /jwks.
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, Keys: keys, Audience: []string{audience}, Algorithms: []jwt.Algorithm{jwt.EdDSA}, Clock: clock,
	})
	if err != nil {
		return nil, err
	}
	authenticator, err := jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: verifier, Realm: "notes"})
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{Authenticator: authenticator, Require: auth.Scopes("notes:read")})
	if err != nil {
		return nil, err
	}
	s := &service{keys: keys, issuer: tokens}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.Handle("GET /jwks", keys.Handler())
	mux.Handle("GET /notes", guard.HandlerFunc(notes))
	s.handler = mux
	return s, nil
}

// login stands in for a real one: package basic has passwords that are stored as they should be.
func (s *service) login(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	good := subtle.ConstantTimeCompare([]byte(password), []byte("correct horse")) == 1
	if !ok || user == "" || !good {
		w.Header().Set("WWW-Authenticate", `Basic realm="login"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	issued, err := s.issuer.Issue(r.Context(), jwt.Grant{
		Subject: user, ClientID: "curl", Scopes: auth.MustScopeSet("notes:read"),
	})
	if err != nil {
		log.Print(err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Cache-Control", "no-store") // RFC 6749 §5.1
	fmt.Fprintln(w, issued.Token)
}

func notes(w http.ResponseWriter, r *http.Request) {
	principal, _ := auth.FromContext(r.Context()) // there is one: the guard saw to it
	fmt.Fprintf(w, "the notes of %s\n", principal.Subject())
}
