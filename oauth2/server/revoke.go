package server

import (
	"context"
	"net/http"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/internal/wire"
	"github.com/cardea-go/auth/oauth2/refresh"
)

func (s *Server) serveRevoke(w http.ResponseWriter, r *http.Request) {
	if err := s.revoke(r); err != nil {
		s.report(r, "revoke", err)
		wire.Fail(w, answer(err))
		return
	}
	wire.NoStore(w.Header())
	w.WriteHeader(http.StatusOK)
}

// revoke is RFC 7009. A 200 means that no token of the session works any more, or that there was none of this client's:
// "invalid tokens do not cause an error response" (§2.2).
func (s *Server) revoke(r *http.Request) error {
	token, client, err := s.tokenOf(r)
	if err != nil {
		return err
	}
	if strings.HasPrefix(token, refresh.Prefix) {
		return s.sessions.Revoke(r.Context(), token, client.ID())
	}
	return s.revokeAccess(r.Context(), client, token)
}

// revokeAccess ends the session of an access token.
func (s *Server) revokeAccess(ctx context.Context, client *Client, token string) error {
	c, err := s.access.read(ctx, token)
	switch {
	case auth.KindOf(err) == auth.KindUnavailable:
		return err
	case err != nil || c.Client != client.ID():
		return nil //nolint:nilerr // not a token that this client could have revoked
	case c.Session == "":
		// Nothing is kept about it, so it lives until it expires: a 200 would be a lie.
		return badRequest(ReasonNoGrant, wire.UnsupportedTokenType, "the token can't be revoked; it expires soon")
	}
	id, err := refresh.ParseGrantID(c.Session)
	if err != nil {
		return nil //nolint:nilerr // not a session of ours
	}
	return s.sessions.RevokeSession(ctx, id)
}
