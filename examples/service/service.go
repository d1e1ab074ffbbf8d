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
	people  *people
	notes   *notebook
	handler http.Handler
}

func newService(ctx context.Context, logger *slog.Logger) (*service, error) {
	s := &service{notes: newNotebook()}
	var err error
	if s.people, err = newPeople(ctx); err != nil {
		return nil, err
	}
	login, err := s.people.authenticator()
	if err != nil {
		return nil, err
	}
	s.keys, err = apikey.New(apikey.Config{
		Prefix: "notes",
		Store:  apikey.NewMemoryStore(apikey.MemoryConfig{MaxKeys: 10_000}),
	})
	if err != nil {
		return nil, err
	}
	machines, err := s.keys.Authenticator(apikey.AuthenticatorConfig{Realm: "notes"})
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{
		// Programs come with a key, people with a password. Who is behind either decides about roles.
		Authenticator:        auth.Map(auth.FirstOf(machines, login), s.people.withRoles),
		HideBasicFromScripts: true,
		Observer:             auth.NewLogObserver(logger),
		ErrorLog:             logger,
	})
	if err != nil {
		return nil, err
	}
	s.handler, err = s.routes(guard)
	return s, err
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
type credentials struct {
	alice, bob, root apikey.Secret
	password         string // of alice
}

// seed makes a key for each of three users.
func (s *service) seed(ctx context.Context) (credentials, error) {
	c := credentials{password: s.people.password}
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
