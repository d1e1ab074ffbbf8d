package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/internal/wire"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// A grant makes tokens of a request whose client is authenticated and registered for it. Whatever it does, its access
// token is made by [exchange.IssueAccess], behind the one policy that all grants share.
type grant func(ctx context.Context, x *exchange) (wire.Tokens, error)

// table is what the token endpoint serves.
func (s *Server) table() map[string]grant {
	t := map[string]grant{
		string(GrantClientCredentials): clientCredentials,
		string(GrantRefresh):           refreshToken,
	}
	if s.c.LegacyPassword != nil {
		t[string(GrantLegacyPassword)] = legacyPassword
	}
	return t
}

// An exchange is one token request.
type exchange struct {
	s       *Server
	r       *http.Request
	form    wire.Form
	grant   Grant
	client  *Client
	subject string // where one is proved

	scopes      auth.ScopeSet // asked for
	scopesAsked bool
	resources   []string // asked for; nil is none
	thumbprint  string   // of the key that the request proves

	decided bool
	granted auth.ScopeSet // what the policy allowed
	expires time.Time     // of the access token
}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	x := &exchange{s: s, r: r}
	tokens, err := x.run(r.Context(), w)
	x.report(r.Context(), err)
	if err != nil {
		wire.Fail(w, answer(err))
		return
	}
	wire.JSON(w, http.StatusOK, tokens)
}

// run takes a request through what all grants have in common: form, client, grant, proof, scope and resource.
func (x *exchange) run(ctx context.Context, w http.ResponseWriter) (wire.Tokens, error) {
	form, refused := wire.ReadForm(x.r, "resource") // RFC 8707 §2: may be repeated
	if refused != nil {
		return wire.Tokens{}, refusal(auth.KindMalformed, ReasonRequest, refused)
	}
	x.form = form
	if err := x.identify(); err != nil {
		return wire.Tokens{}, err
	}
	var reason auth.Reason
	if x.thumbprint, reason, refused = wire.Proof(w, x.r, x.s.c.DPoP, x.s.tokenURL); refused != nil {
		if refused.Status == http.StatusServiceUnavailable {
			return wire.Tokens{}, refusal(auth.KindUnavailable, reason, refused)
		}
		return wire.Tokens{}, refusal(auth.KindInvalid, reason, refused)
	}
	if err := x.ask(); err != nil {
		return wire.Tokens{}, err
	}
	return x.s.grants[string(x.grant)](ctx, x)
}

// identify finds the grant and the client, and whether they go together.
func (x *exchange) identify() error {
	name := x.form.Value("grant_type")
	if name == "" {
		return badRequest(ReasonRequest, wire.InvalidRequest, "grant_type is missing")
	}
	if x.s.grants[name] == nil {
		return badRequest(ReasonGrant, wire.UnsupportedGrantType, "")
	}
	x.grant = Grant(name)
	fallback := ""
	if x.grant == GrantLegacyPassword {
		fallback = x.s.c.LegacyPassword.Client
	}
	var err error
	if x.client, err = x.s.authenticate(x.r, x.form, fallback); err != nil {
		return err
	}
	if !x.client.Allows(x.grant) || x.client.c.Public && x.grant == GrantClientCredentials {
		return forbidden(ReasonGrant, wire.UnauthorizedClient, "the client may not use this grant")
	}
	return nil
}

// ask reads what the token is to be good for.
func (x *exchange) ask() error {
	scope := x.form.Value("scope")
	var err error
	if x.scopes, err = auth.ParseScopeSet(scope); err != nil {
		return badRequest(ReasonScope, wire.InvalidScope, "the scope is malformed")
	}
	x.scopesAsked = scope != ""
	x.resources = x.form.Values("resource")
	if len(x.resources) > maxResources {
		return badRequest(ReasonTarget, wire.InvalidTarget, "too many resources")
	}
	for _, name := range x.resources {
		if !isResource(name) {
			return badRequest(ReasonTarget, wire.InvalidTarget, "a resource is not an absolute URI without fragment")
		}
	}
	return nil
}

const maxResources = 16

// answer is RFC 6749 §5.1, for tokens without a session where t is zero.
func (x *exchange) answer(access string, t refresh.Tokens) wire.Tokens {
	kind := "Bearer"
	if x.thumbprint != "" {
		kind = "DPoP"
	}
	return wire.Tokens{
		AccessToken: access, TokenType: kind, RefreshToken: t.RefreshToken, Scope: x.granted.String(),
		ExpiresIn: max(0, int64(x.expires.Sub(x.s.c.Clock())/time.Second)),
	}
}

// report tells the observer how the request ended.
func (x *exchange) report(ctx context.Context, err error) {
	if x.s.c.Observer == nil {
		return
	}
	e := auth.Event{Time: x.s.c.Clock(), Outcome: auth.OutcomeAllowed, Authenticator: "oauth2", Scheme: string(x.grant), Subject: x.subject, Route: "token"}
	if x.client != nil {
		e.CredentialID = x.client.ID()
	}
	if err != nil {
		refused := auth.AsError(err)
		e.Outcome, e.Kind, e.Reason, e.Status = auth.OutcomeRefused, refused.Kind, refused.Reason, answer(err).Status
	}
	x.s.c.Observer.Observe(ctx, e)
}

// clientCredentials is RFC 6749 §4.4. It keeps nothing.
func clientCredentials(ctx context.Context, x *exchange) (wire.Tokens, error) {
	x.subject = ClientSubject(x.client.ID())
	x.useDefaults()
	access, err := x.IssueAccess(ctx, refresh.Access{
		Subject: x.subject, Client: x.client.ID(), Audience: x.resources, Scopes: x.scopes, Now: x.s.c.Clock(),
	})
	if err != nil {
		return wire.Tokens{}, err
	}
	return x.answer(access.Token, refresh.Tokens{}), nil // §4.4.3: "A refresh token SHOULD NOT be included."
}

// refreshToken is RFC 6749 §6.
func refreshToken(ctx context.Context, x *exchange) (wire.Tokens, error) {
	token := x.form.Value("refresh_token")
	if token == "" {
		return wire.Tokens{}, badRequest(ReasonRequest, wire.InvalidRequest, "refresh_token is missing")
	}
	t, err := x.s.sessions.Refresh(ctx, refresh.Request{
		Token: token, Client: x.client.ID(), Scopes: x.scopes, Audience: x.resources, JWKThumbprint: x.thumbprint, Access: x,
	})
	if err != nil {
		return wire.Tokens{}, err
	}
	return x.answer(t.AccessToken, t), nil
}

// useDefaults fills in what the request leaves open.
func (x *exchange) useDefaults() {
	if !x.scopesAsked {
		x.scopes = x.client.c.DefaultScopes
	}
	if len(x.resources) == 0 {
		x.resources = x.client.c.Resources[:1]
	}
}

// ClientSubject is the subject of tokens that a client gets for itself. No user's subject may start with its prefix
// (RFC 9700 §4.15), which the server sees to.
func ClientSubject(id string) string { return clientSubjectPrefix + id }

const clientSubjectPrefix = "client:"

// IssueAccess implements [refresh.AccessIssuer]. Every access token of this server is made here.
func (x *exchange) IssueAccess(ctx context.Context, a refresh.Access) (refresh.AccessToken, error) {
	if !x.decided {
		x.subject = a.Subject
		if err := x.decide(ctx, a.Scopes, a.Audience); err != nil {
			return refresh.AccessToken{}, err
		}
	}
	a.Scopes, a.JWKThumbprint = x.granted, x.thumbprint
	token, err := x.s.makeAccess(ctx, a)
	x.expires, token.Narrowed, token.Audience = token.ExpiresAt, &x.granted, a.Audience
	return token, err
}

// decide is the policy that all grants share.
func (x *exchange) decide(ctx context.Context, scopes auth.ScopeSet, resources []string) error {
	own := x.client.c
	if !own.Scopes.Covers(scopes) {
		if x.grant != GrantRefresh || x.scopesAsked {
			return forbidden(ReasonScope, wire.InvalidScope, "the client may not ask for this scope")
		}
		scopes = intersect(scopes, own.Scopes) // it was allowed more when the session began
	}
	for _, name := range resources {
		if !slices.Contains(own.Resources, name) || !slices.Contains(x.s.c.Resources, name) {
			return forbidden(ReasonTarget, wire.InvalidTarget, "the client may not ask for this resource")
		}
	}
	if len(resources) == 0 {
		return forbidden(ReasonTarget, wire.InvalidTarget, "no resource")
	}
	if isClient := x.grant == GrantClientCredentials; isClient != isClientSubject(x.subject) {
		return forbidden(ReasonSubject, wire.InvalidGrant, "")
	}
	if own.RequireDPoP && x.thumbprint == "" {
		return forbidden(ReasonBinding, wire.InvalidDPoPProof, "the client's tokens must be bound to a key")
	}
	x.granted = scopes
	if x.s.c.Policy != nil {
		granted, err := x.s.c.Policy(ctx, Ask{
			Grant: x.grant, Client: x.client, Subject: x.subject, Scopes: scopes, Resources: slices.Clone(resources),
		})
		if err != nil {
			return auth.AsError(err)
		}
		if !scopes.Covers(granted) {
			return auth.Unavailable(errWidened)
		}
		x.granted = granted
	}
	x.decided = true
	return nil
}

var errWidened = errors.New("server: Config.Policy returned more scopes than it was asked about")

func intersect(a, b auth.ScopeSet) auth.ScopeSet {
	var names []string
	for name := range a.All() {
		if b.Has(name) {
			names = append(names, name)
		}
	}
	set, _ := auth.NewScopeSet(names...) // of names that are valid
	return set
}

func isClientSubject(s string) bool {
	return len(s) >= len(clientSubjectPrefix) && s[:len(clientSubjectPrefix)] == clientSubjectPrefix
}

// issueToSession makes the access token of a session that the program itself starts: see [Server.Sessions].
func (s *Server) issueToSession(ctx context.Context, a refresh.Access) (refresh.AccessToken, error) {
	client, err := s.c.Clients.Client(ctx, a.Client)
	switch {
	case errors.Is(err, ErrUnknownClient):
		return refresh.AccessToken{}, forbidden(ReasonClient, wire.InvalidClient, "")
	case err != nil:
		return refresh.AccessToken{}, auth.Unavailable(err)
	case client == nil || client.ID() != a.Client || !client.Allows(GrantRefresh):
		return refresh.AccessToken{}, forbidden(ReasonGrant, wire.UnauthorizedClient, "")
	}
	if len(a.Audience) == 0 {
		a.Audience = client.c.Resources[:1]
	}
	x := &exchange{s: s, client: client, grant: GrantLogin, scopesAsked: true, thumbprint: a.JWKThumbprint}
	return x.IssueAccess(ctx, a)
}
