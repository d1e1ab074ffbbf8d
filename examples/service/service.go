package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/middleware"
)

// service is the whole: who may come in, and what is behind the door.
type service struct {
	keys    *apikey.Keys
	notes   *notebook
	handler http.Handler
}

func newService(logger *slog.Logger) (*service, error) {
	s := &service{notes: newNotebook()}
	var err error
	s.keys, err = apikey.New(apikey.Config{
		Prefix: "notes",
		Store:  apikey.NewMemoryStore(apikey.MemoryConfig{MaxKeys: 10_000}),
	})
	if err != nil {
		return nil, err
	}
	authenticator, err := s.keys.Authenticator(apikey.AuthenticatorConfig{Realm: "notes"})
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{
		Authenticator: auth.Map(authenticator, withRoles),
		Observer:      auth.NewLogObserver(logger),
		ErrorLog:      logger,
	})
	if err != nil {
		return nil, err
	}
	s.handler, err = s.routes(guard)
	return s, err
}

// withRoles stands for the look-up of a user in a database: who is behind a key decides about roles, not the key.
func withRoles(_ context.Context, p *auth.Principal) (*auth.Principal, error) {
	if p.Subject() != "root" {
		return p, nil
	}
	return p.Derive(func(c *auth.PrincipalConfig) { c.Roles = []string{"admin"} })
}

// routes states for each route who may use it. One that stated nothing would not build.
func (s *service) routes(guard *middleware.Guard) (http.Handler, error) {
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /health", middleware.Public(), health)
	mux.HandleFunc("GET /{$}", middleware.Optional(), welcome)

	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")), s.notes.list)
	mux.HandleFunc("GET /notes/{id}", middleware.Require(auth.Scopes("notes:read")), s.notes.show)
	mux.HandleFunc("POST /notes", middleware.Require(auth.Scopes("notes:write")), s.notes.add)
	mux.HandleFunc("DELETE /notes/{id}", middleware.Require(auth.Scopes("notes:write")), s.notes.remove)

	ownKeys := http.StripPrefix("/keys", s.keys.Handler())
	mux.Handle("/keys", middleware.Authenticated(), ownKeys)
	mux.Handle("/keys/", middleware.Authenticated(), ownKeys)

	admin := mux.Group(middleware.Require(auth.Roles("admin")).Conceal())
	admin.HandleFunc("GET /admin/notes", middleware.Require(auth.Scopes("notes:read")), s.notes.listAll)
	return mux.Build()
}

// credentials are what the service prints at its start.
type credentials struct{ alice, bob, root apikey.Secret }

// seed makes a key for each of three users, who have no other way in yet.
func (s *service) seed(ctx context.Context) (credentials, error) {
	var c credentials
	for _, who := range []struct {
		subject string
		scopes  auth.ScopeSet
		secret  *apikey.Secret
	}{
		{"alice", auth.MustScopeSet("notes:read", "notes:write"), &c.alice},
		{"bob", auth.MustScopeSet("notes:read"), &c.bob},
		{"root", auth.MustScopeSet("notes:read"), &c.root},
	} {
		issued, err := s.keys.Create(ctx, apikey.Request{Subject: who.subject, Name: "first key", Scopes: who.scopes})
		if err != nil {
			return credentials{}, err
		}
		*who.secret = issued.Secret
	}
	return c, nil
}

func health(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

func welcome(w http.ResponseWriter, r *http.Request) {
	name := "stranger"
	if p, ok := auth.FromContext(r.Context()); ok {
		name = p.Subject()
	}
	fmt.Fprintf(w, "welcome, %s\n", name)
}
