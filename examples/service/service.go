package main

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
	"github.com/cardea-go/auth/openapi/docs"
	"github.com/cardea-go/auth/rbac"
)

//go:embed policy.yaml
var policyText []byte

// service is the whole: who may come in, and what is behind the door.
type service struct {
	keys    *apikey.Keys
	people  *people
	tokens  *tokens
	policy  *rbac.Authorizer
	notes   *notebook
	handler http.Handler
}

func newService(ctx context.Context, logger *slog.Logger) (*service, error) {
	s := &service{notes: newNotebook()}
	var err error
	if s.people, err = newPeople(ctx); err != nil {
		return nil, err
	}
	if s.tokens, err = newTokens(ctx, logger); err != nil {
		return nil, err
	}
	if s.keys, err = apikey.New(apikey.Config{
		Prefix: "notes",
		Store:  apikey.NewMemoryStore(apikey.MemoryConfig{MaxKeys: 10_000}),
	}); err != nil {
		return nil, err
	}
	policy, err := rbac.Parse("policy.yaml", policyText, rbac.Config{})
	if err != nil {
		return nil, err
	}
	if s.policy, err = rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: policy, Logger: logger}); err != nil {
		return nil, err
	}
	s.handler, err = s.routes(logger)
	return s, err
}

// routes states for each route who may use it. One that stated nothing would not build.
func (s *service) routes(logger *slog.Logger) (http.Handler, error) {
	machines, err := s.keys.Authenticator(apikey.AuthenticatorConfig{Realm: "notes"})
	if err != nil {
		return nil, err
	}
	login, err := s.people.authenticator()
	if err != nil {
		return nil, err
	}
	// Programs come with a key, people with a token, for which they log in with a password.
	guard, err := middleware.New(middleware.Config{
		Authenticator: auth.Map(auth.FirstOf(machines, s.tokens.accepted), s.people.load),
		Observer:      auth.NewLogObserver(logger),
		ErrorLog:      logger,
	})
	if err != nil {
		return nil, err
	}
	loginGuard, err := guard.With(func(c *middleware.Config) { c.Authenticator = login })
	if err != nil {
		return nil, err
	}

	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /health", middleware.Public(), health)
	mux.HandleFunc("GET /{$}", middleware.Optional(), welcome)
	mux.HandleFunc("POST /login", middleware.Authenticated().Via(loginGuard), s.tokens.login)
	mux.HandleFunc("POST /refresh", middleware.Public(), s.tokens.endpoints.Refresh) // the refresh token is the credential
	mux.HandleFunc("POST /logout", middleware.Public(), s.tokens.endpoints.Logout)
	mux.Handle("GET /jwks", middleware.Public(), s.tokens.keys.Handler())

	mux.HandleFunc("GET /notes", s.allows("note:list"), s.notes.list)
	mux.HandleFunc("GET /notes/{id}", s.allows("note:read"), s.notes.show)
	mux.HandleFunc("POST /notes", s.allows("note:write"), s.notes.add)
	mux.HandleFunc("DELETE /notes/{id}", s.allows("note:delete"), s.notes.remove)

	ownKeys := http.StripPrefix("/keys", s.keys.Handler())
	mux.Handle("/keys", middleware.Authenticated(), ownKeys)
	mux.Handle("/keys/", middleware.Authenticated(), ownKeys)

	mux.HandleFunc("GET /admin/notes", s.allows("admin:read").Conceal(), s.notes.listAll)

	document, err := openapi.New(openapi.Config{Title: "Notes", Version: "1.0.0", Routes: mux.Routes()})
	if err != nil {
		return nil, err
	}
	page, err := docs.New(docs.Config{Title: "Notes"})
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /openapi.json", middleware.Public(), document.JSONHandler())
	mux.Handle("GET /docs/", middleware.Public(), page)
	return mux.Build()
}

// allows is the access of a route that needs a permission of the policy.
func (s *service) allows(permission string) middleware.Access {
	return middleware.Require(s.policy.Require(permission))
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
