package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/internal/wire"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// introspection is the answer of RFC 7662 §2.2. What is not active has no other member: unknown, expired, revoked and
// not for this caller look alike (§4).
type introspection struct {
	Active    bool          `json:"active"`
	Issuer    string        `json:"iss,omitempty"`
	Subject   string        `json:"sub,omitempty"`
	Audience  []string      `json:"aud,omitempty"`
	Client    string        `json:"client_id,omitempty"`
	Scope     string        `json:"scope,omitempty"`
	TokenType string        `json:"token_type,omitempty"`
	TokenUse  string        `json:"token_use,omitempty"` // not in the RFC: what tells a refresh token from an access token
	Expires   int64         `json:"exp,omitempty"`
	Issued    int64         `json:"iat,omitempty"`
	ID        string        `json:"jti,omitempty"`
	Session   string        `json:"sid,omitempty"`
	AuthTime  int64         `json:"auth_time,omitempty"`
	ACR       string        `json:"acr,omitempty"`
	Confirm   *confirmation `json:"cnf,omitempty"`
}

type confirmation struct {
	Thumbprint string `json:"jkt"`
}

func (s *Server) serveIntrospect(w http.ResponseWriter, r *http.Request) {
	out, err := s.introspect(r)
	if err != nil {
		s.report(r, "introspect", err)
		wire.Fail(w, answer(err))
		return
	}
	wire.JSON(w, http.StatusOK, out)
}

func (s *Server) introspect(r *http.Request) (introspection, error) {
	token, client, err := s.tokenOf(r)
	if err != nil {
		return introspection{}, err
	}
	if client.Public() { // RFC 7662 §2.1: "the endpoint MUST also require some form of authorization"
		return introspection{}, s.badClient(ReasonMethod)
	}
	var out introspection
	if strings.HasPrefix(token, refresh.Prefix) {
		out, err = s.introspectRefresh(r.Context(), client, token)
	} else {
		out, err = s.introspectAccess(r.Context(), client, token)
	}
	if auth.KindOf(err) == auth.KindUnavailable {
		return introspection{}, err
	}
	if err != nil {
		return introspection{}, nil //nolint:nilerr // not a token of ours that lives
	}
	return out, nil
}

// introspectAccess tells about an access token: to the services that it is for, and to its own client.
func (s *Server) introspectAccess(ctx context.Context, caller *Client, token string) (introspection, error) {
	c, err := s.access.read(ctx, token)
	if err != nil {
		return introspection{}, err
	}
	if c.Client != caller.ID() && !slices.ContainsFunc(c.Audience, func(name string) bool { return slices.Contains(caller.c.Serves, name) }) {
		return introspection{}, nil
	}
	if c.Session != "" {
		live, err := s.live(ctx, c.Session)
		if err != nil || !live {
			return introspection{}, err
		}
	}
	out := introspection{
		Active: true, Issuer: s.c.Issuer, Subject: c.Subject, Audience: c.Audience, Client: c.Client, Scope: c.Scope,
		TokenType: "Bearer", Expires: c.Expires, Issued: c.Issued, ID: c.ID, Session: c.Session, AuthTime: c.Authentic, ACR: c.ACR,
	}
	out.bind(c.Thumbprint)
	return out, nil
}

// introspectRefresh tells about a refresh token: to its own client. Where that is a service too, somebody may have sent it
// the refresh token as an access token, so that the answer says what it is, and names this server as the only audience.
func (s *Server) introspectRefresh(ctx context.Context, caller *Client, token string) (introspection, error) {
	session, err := s.sessions.Inspect(ctx, token)
	if err != nil || session.Client != caller.ID() {
		return introspection{}, err
	}
	out := introspection{
		Active: true, Issuer: s.c.Issuer, Subject: session.Subject, Audience: []string{s.c.Issuer}, Client: session.Client,
		Scope: session.Scopes.String(), TokenUse: "refresh_token", Expires: session.ExpiresAt.Unix(),
		Issued: session.LastUsedAt.Unix(), Session: session.ID.String(),
	}
	if session.JWKThumbprint != "" {
		out.Confirm = &confirmation{session.JWKThumbprint}
	}
	return out, nil
}

// bind says that an access token is bound (RFC 9449 §6.2).
func (i *introspection) bind(thumbprint string) {
	if thumbprint != "" {
		i.TokenType, i.Confirm = "DPoP", &confirmation{thumbprint}
	}
}

func (s *Server) live(ctx context.Context, session string) (bool, error) {
	id, err := refresh.ParseGrantID(session)
	if err != nil {
		return false, nil //nolint:nilerr // not a session of ours, so not a live one
	}
	return s.sessions.Live(ctx, id)
}

// tokenOf returns the token that a request asks about, and the client that asks.
func (s *Server) tokenOf(r *http.Request) (string, *Client, error) {
	form, refused := wire.ReadForm(r)
	if refused != nil {
		return "", nil, refusal(auth.KindMalformed, ReasonRequest, refused)
	}
	client, err := s.authenticate(r, form, "")
	if err != nil {
		return "", nil, err
	}
	token := form.Value("token") // token_type_hint is a hint: the token itself says what it is
	if token == "" {
		return "", nil, badRequest(ReasonRequest, wire.InvalidRequest, "token is missing")
	}
	return token, client, nil
}

func (s *Server) report(r *http.Request, route string, err error) {
	if s.c.Observer == nil {
		return
	}
	e := auth.AsError(err)
	s.c.Observer.Observe(r.Context(), auth.Event{
		Time: s.c.Clock(), Outcome: auth.OutcomeRefused, Kind: e.Kind, Reason: e.Reason, Status: answer(err).Status,
		Authenticator: "oauth2", Route: route,
	})
}
