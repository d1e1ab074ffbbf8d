package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// The service is its own issuer of tokens and the only audience of them.
const (
	issuer   = "https://notes.example"
	audience = "https://notes.example/api"
)

// tokens keeps sessions: a login hands out an access token for ten minutes, signed with keys that change by themselves, and
// a refresh token for the next one. All is in memory here; with a RingStore, a refresh.Store and a secret from the
// configuration, a restart logs nobody out.
type tokens struct {
	keys      *jwt.KeyRing
	sessions  *refresh.Issuer
	endpoints *refresh.Endpoints
	accepted  *jwt.Authenticator
	log       *slog.Logger
}

func newTokens(ctx context.Context, logger *slog.Logger) (*tokens, error) {
	t := &tokens{log: logger}
	var err error
	if t.keys, err = jwt.NewKeyRing(ctx, jwt.KeyRingConfig{}); err != nil {
		return nil, err
	}
	access, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: issuer, Audience: []string{audience}, Keys: t.keys})
	if err != nil {
		return nil, err
	}
	if err := t.startSessions(access); err != nil {
		return nil, err
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, Keys: t.keys, Audience: []string{audience}, Algorithms: []jwt.Algorithm{jwt.EdDSA},
		Revoker: t.sessions, // asked on every request, so that a logout acts at once
	})
	if err != nil {
		return nil, err
	}
	t.accepted, err = jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: verifier, Realm: "notes"})
	return t, err
}

func (t *tokens) startSessions(access *jwt.Issuer) error {
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	if err != nil {
		return err
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	t.sessions, err = refresh.New(refresh.Config{
		Store: store, Access: refresh.JWT(access), Keys: [][]byte{secret}, Observer: auth.NewLogObserver(t.log),
	})
	if err != nil {
		return err
	}
	t.endpoints, err = t.sessions.Endpoints(refresh.EndpointsConfig{}) // for pages in a browser, set Cookie
	return err
}

// login starts a session for whoever the guard of the route let in by password.
func (t *tokens) login(w http.ResponseWriter, r *http.Request) {
	started, err := t.sessions.Issue(r.Context(), refresh.Login{
		Subject: principal(r).Subject(), Scopes: auth.MustScopeSet("notes:read", "notes:write"),
	})
	if err != nil {
		t.log.ErrorContext(r.Context(), "login", "error", err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	t.endpoints.Answer(w, started)
}
