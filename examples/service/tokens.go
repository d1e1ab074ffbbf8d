package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

// allScopes is what a session of a person may do. What a person may do is a matter of roles; scopes can only take away.
var allScopes = auth.MustScopeSet("notes:read", "notes:write", "teams", "account", "admin")

// tokens issues tokens and accepts them. Sessions and the keys that sign are in the database, and what both rest on is in a
// secret: a restart logs nobody out.
type tokens struct {
	api      string // the resource that tokens are for
	server   *server.Server
	web      *refresh.Endpoints // for the pages: the refresh token is in a cookie that no script sees
	accepted *oauth2.Authenticator
}

func (t *tokens) sessions() *refresh.Issuer { return t.server.Sessions() }

func newTokens(ctx context.Context, base string, db *database, people *people, teams *teams, logger *slog.Logger) (*tokens, error) {
	t := &tokens{api: base + "/api"}
	secrets := [][]byte{db.secret} // a new one goes in front, and the old one stays until nothing rests on it
	keys, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{Store: db.credentials.Ring("access"), Secrets: secrets})
	if err != nil {
		return nil, err
	}
	clients, err := t.clients(teams)
	if err != nil {
		return nil, err
	}
	t.server, err = server.New(server.Config{
		Issuer: base + "/oauth", Clients: clients, Resources: []string{t.api}, Keys: keys,
		Sessions: refresh.Config{Store: db.credentials.Grants(), Keys: secrets},
		// For the Authorize button of the page at /docs/. Applications of your own log in as the pages do.
		LegacyPassword: &server.LegacyPassword{Verify: people.verify, Logins: people.logins, Client: "docs"},
		Observer:       auth.NewLogObserver(logger),
	})
	if err != nil {
		return nil, err
	}
	if t.web, err = t.sessions().Endpoints(refresh.EndpointsConfig{Client: "web", Scopes: allScopes, Cookie: &refresh.CookieConfig{}}); err != nil {
		return nil, err
	}
	t.accepted, err = t.accept(base, keys)
	return t, err
}

// clients are two applications of our own, and whatever programs teams have.
func (t *tokens) clients(teams *teams) (server.ClientSource, error) {
	var own []*server.Client
	for _, c := range []server.ClientConfig{
		{ID: "web", Public: true, Grants: []server.Grant{server.GrantRefresh}},
		{ID: "docs", Public: true, Grants: []server.Grant{server.GrantLegacyPassword, server.GrantRefresh}, DefaultScopes: allScopes},
	} {
		c.Scopes, c.Resources = allScopes, []string{t.api}
		client, err := server.NewClient(c)
		if err != nil {
			return nil, err
		}
		own = append(own, client)
	}
	ours, err := server.NewClients(own...)
	if err != nil {
		return nil, err
	}
	return server.ClientFunc(func(ctx context.Context, id string) (*server.Client, error) {
		if client, err := ours.Client(ctx, id); err == nil {
			return client, nil
		}
		p, known, err := teams.program(ctx, id)
		switch {
		case err != nil:
			return nil, err // which is 503, and must not be "unknown"
		case !known:
			return nil, server.ErrUnknownClient
		}
		return t.client(p)
	}), nil
}

// client is a program as the token endpoint knows it: it gets tokens for itself, with its id and secret.
func (t *tokens) client(p program) (*server.Client, error) {
	scopes := auth.MustScopeSet("notes:read", "notes:write")
	return server.NewClient(server.ClientConfig{
		ID: p.ID, Secrets: []server.SecretHash{p.secret}, Grants: []server.Grant{server.GrantClientCredentials},
		Scopes: scopes, DefaultScopes: scopes, Resources: []string{t.api},
	})
}

// accept is what the API takes: our tokens, for this API, until their session ends.
func (t *tokens) accept(base string, keys jwt.KeySource) (*oauth2.Authenticator, error) {
	verifier, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: jwt.Config{
		Issuer: base + "/oauth", Keys: keys, Audience: []string{t.api}, Algorithms: []jwt.Algorithm{jwt.EdDSA},
		Revoker: t.sessions(), // asked on every request, so that a logout acts at once
	}})
	if err != nil {
		return nil, err
	}
	scopes := []auth.Param{
		{Name: "notes:read", Value: "read notes"}, {Name: "notes:write", Value: "write and delete notes"},
		{Name: "teams", Value: "manage teams"}, {Name: "account", Value: "manage keys and sessions"}, {Name: "admin", Value: "manage people"},
	}
	return oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{
		Verifier: verifier, Realm: "notes", Name: "oauth",
		Resource: &oauth2.Resource{URL: t.api, AuthorizationServers: []string{base + "/oauth"}, Name: "Notes"},
		Flows: []auth.Flow{
			{Grant: "password", TokenURL: "/oauth/token", Scopes: scopes},              //nolint:gosec // no credential
			{Grant: "clientCredentials", TokenURL: "/oauth/token", Scopes: scopes[:2]}, //nolint:gosec // no credential
		},
		Description: "Sign in, or get a token as a program of a team.",
	})
}

type sessionJSON struct {
	ID         string    `json:"id"`
	Client     string    `json:"client"`
	Device     string    `json:"device,omitempty"`
	StartedAt  time.Time `json:"started_at"`
	LastUsedAt time.Time `json:"last_used_at"`
	Current    bool      `json:"current"`
}

func (s *service) listSessions(w http.ResponseWriter, r *http.Request) {
	sessions, err := s.tokens.sessions().Sessions(r.Context(), principal(r).Subject())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	current := "" // for whoever comes with a key
	if token, ok := auth.Data[*oauth2.Token](principal(r)); ok {
		current = token.Data.(*jwt.Claims).SessionID()
	}
	list := []sessionJSON{}
	for _, one := range sessions {
		list = append(list, sessionJSON{one.ID.String(), one.Client, one.Device, one.StartedAt, one.LastUsedAt, one.ID.String() == current})
	}
	writeJSON(w, http.StatusOK, list)
}

// endSession ends one of the caller's own: somebody else's looks like none.
func (s *service) endSession(w http.ResponseWriter, r *http.Request) {
	sessions, err := s.tokens.sessions().Sessions(r.Context(), principal(r).Subject())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, one := range sessions {
		if one.ID.String() == r.PathValue("id") {
			s.done(w, r, s.tokens.sessions().RevokeSession(r.Context(), one.ID))
			return
		}
	}
	http.NotFound(w, r)
}
