package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// The service is its own issuer of tokens and the only audience of them.
const (
	issuer   = "https://notes.example"
	audience = "https://notes.example/api"
)

// tokens issues and accepts short-lived access tokens, signed with keys that change by themselves.
type tokens struct {
	keys     *jwt.KeyRing
	issuer   *jwt.Issuer
	accepted *jwt.Authenticator
	log      *slog.Logger
}

func newTokens(ctx context.Context, logger *slog.Logger) (*tokens, error) {
	t := &tokens{log: logger}
	var err error
	if t.keys, err = jwt.NewKeyRing(ctx, jwt.KeyRingConfig{}); err != nil { // in memory: a restart makes new keys
		return nil, err
	}
	if t.issuer, err = jwt.NewIssuer(jwt.IssuerConfig{Issuer: issuer, Audience: []string{audience}, Keys: t.keys, Lifetime: 10 * time.Minute}); err != nil {
		return nil, err
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, Keys: t.keys, Audience: []string{audience}, Algorithms: []jwt.Algorithm{jwt.EdDSA},
	})
	if err != nil {
		return nil, err
	}
	t.accepted, err = jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: verifier, Realm: "notes"})
	return t, err
}

// login answers with an access token for whoever the guard of the route let in by password.
func (t *tokens) login(w http.ResponseWriter, r *http.Request) {
	who := principal(r)
	issued, err := t.issuer.Issue(r.Context(), jwt.Grant{
		Subject: who.Subject(), ClientID: "notes-cli", Scopes: auth.MustScopeSet("notes:read", "notes:write"),
		AuthenticatedAt: who.AuthenticatedAt(),
	})
	if err != nil {
		t.log.ErrorContext(r.Context(), "login", "error", err)
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, map[string]any{ // RFC 6749 §5.1
		"access_token": issued.Token,
		"token_type":   "Bearer",
		"expires_in":   int(time.Until(issued.ExpiresAt).Seconds()),
	})
}
