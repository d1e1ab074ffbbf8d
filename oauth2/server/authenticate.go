package server

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/internal/wire"
)

// presented is what a request says about its client.
type presented struct {
	id        string
	secret    string
	assertion string
	method    method
}

// method is how a client authenticates (RFC 8414 §2).
type method uint8

const (
	methodNone method = iota
	methodSecret
	methodAssertion
)

const (
	maxBasicBytes  = 2 << 10
	assertionType  = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" // RFC 7523 §2.2
	maxAssertion   = 10 * time.Minute
	assertionSkew  = jwt.DefaultLeeway
	oncePrefix     = "assertion:"
	dummySecret    = SecretHash("sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	manyMethods    = "more than one way to authenticate the client"
	clientMismatch = "client_id names another client"
)

// authenticate returns the client behind a request. fallback is the id of requests that name none; "" is none.
func (s *Server) authenticate(r *http.Request, form wire.Form, fallback string) (*Client, error) {
	p, err := s.presented(r, form)
	if err != nil {
		return nil, err
	}
	if p.id == "" {
		if p.id = fallback; p.id == "" {
			return nil, s.badClient(auth.ReasonAbsent)
		}
	}
	if !isClientID(p.id) {
		return nil, s.badClient(auth.ReasonUnknown)
	}
	client, err := s.c.Clients.Client(r.Context(), p.id)
	known := err == nil && client != nil && client.ID() == p.id
	if err != nil && !errors.Is(err, ErrUnknownClient) {
		return nil, auth.Unavailable(err)
	}
	switch p.method {
	case methodSecret:
		// An unknown client costs what a known one does, and is answered alike.
		if !checkSecret(client, known, p.secret) {
			return nil, s.badClient(ReasonClient)
		}
	case methodAssertion:
		if !known || client.c.Keys == nil {
			return nil, s.badClient(ReasonClient)
		}
		if err := s.checkAssertion(r.Context(), client, p.assertion); err != nil {
			return nil, err
		}
	default:
		if !known || !client.c.Public {
			return nil, s.badClient(ReasonMethod)
		}
	}
	return client, nil
}

// checkSecret compares with every secret of the client.
func checkSecret(client *Client, known bool, secret string) bool {
	sum := sha256.Sum256([]byte(secret))
	hashes := []SecretHash{dummySecret}
	if known && len(client.c.Secrets) > 0 {
		hashes = client.c.Secrets
	} else {
		known = false
	}
	ok := false
	for _, h := range hashes {
		ok = h.matches(sum) || ok
	}
	return ok && known
}

// presented finds the one way in which the client authenticates. RFC 6749 §2.3: "The client MUST NOT use more than one
// authentication method in each request."
func (s *Server) presented(r *http.Request, form wire.Form) (presented, error) {
	p := presented{id: form.Value("client_id")}
	if secret := form.Value("client_secret"); secret != "" {
		p.secret, p.method = secret, methodSecret
	}
	if form.Value("client_assertion") != "" || form.Value("client_assertion_type") != "" {
		if p.method != methodNone {
			return p, badRequest(auth.ReasonMultiple, wire.InvalidRequest, manyMethods)
		}
		if err := p.readAssertion(form); err != nil {
			return p, err
		}
		p.method = methodAssertion
	}
	id, secret, err := s.basic(r)
	if err != nil || id == "" && secret == "" {
		return p, err
	}
	if p.method != methodNone {
		return p, badRequest(auth.ReasonMultiple, wire.InvalidRequest, manyMethods)
	}
	if p.id != "" && p.id != id {
		return p, badRequest(auth.ReasonMultiple, wire.InvalidRequest, clientMismatch)
	}
	p.id = id
	// RFC 6749 §2.3.1: "The client MAY omit the parameter if the client secret is an empty string." Forms that have a field
	// for it send it empty for public clients; a client that has a secret is refused without one.
	if p.secret = secret; secret != "" {
		p.method = methodSecret
	}
	return p, nil
}

// basic reads client_secret_basic. Both are empty where there is none, or one that says nothing: forms that were left
// empty send "Og==".
func (s *Server) basic(r *http.Request) (id, secret string, err error) {
	text, err := auth.Credentials(r, "Basic", maxBasicBytes)
	switch {
	case errors.Is(err, auth.ErrNoCredential):
		return "", "", nil
	case errors.Is(err, auth.ErrUnrecognized), auth.KindOf(err) == auth.KindMalformed:
		return "", "", badRequest(auth.ReasonMalformed, wire.InvalidRequest, "the Authorization header is malformed")
	case err != nil:
		return "", "", s.badClient(auth.ReasonMalformed)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", "", s.badClient(auth.ReasonMalformed)
	}
	id, secret, ok := strings.Cut(string(raw), ":")
	if !ok {
		return "", "", s.badClient(auth.ReasonMalformed)
	}
	// RFC 6749 §2.3.1: both "are encoded using the 'application/x-www-form-urlencoded' encoding algorithm". Many clients
	// send them as they are; ids and secrets are of an alphabet that reads the same in both ways.
	if id, err = url.QueryUnescape(id); err != nil {
		return "", "", s.badClient(auth.ReasonMalformed)
	}
	if secret, err = url.QueryUnescape(secret); err != nil {
		return "", "", s.badClient(auth.ReasonMalformed)
	}
	if id == "" && secret != "" {
		return "", "", s.badClient(auth.ReasonMalformed)
	}
	return id, secret, nil
}

// readAssertion takes the client's name from the assertion, unverified, to find the keys that verify it.
func (p *presented) readAssertion(form wire.Form) error {
	p.assertion = form.Value("client_assertion")
	if form.Value("client_assertion_type") != assertionType || p.assertion == "" {
		return badRequest(auth.ReasonMalformed, wire.InvalidRequest, "client_assertion is missing, or of an unknown type")
	}
	id := unverifiedSubject(p.assertion)
	if p.id != "" && id != "" && p.id != id {
		return badRequest(auth.ReasonMultiple, wire.InvalidRequest, clientMismatch)
	}
	if p.id == "" {
		p.id = id
	}
	return nil
}

func unverifiedSubject(assertion string) string {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Subject
}

// assertionVerifier verifies the assertions of one client: iss is the client, and aud is this server.
func (c *ClientConfig) assertionVerifier(audience string, clock func() time.Time) (*jwt.Verifier, error) {
	return jwt.NewVerifier(jwt.Config{
		Issuer: c.ID, Keys: c.Keys, Audience: []string{audience}, Algorithms: c.Algorithms,
		Profile: jwt.ProfileLegacy, Require: []string{"sub", "jti"}, Leeway: assertionSkew, Clock: clock,
	})
}

// checkAssertion verifies an assertion (RFC 7523 §3) and uses it up.
func (s *Server) checkAssertion(ctx context.Context, client *Client, assertion string) error {
	v, err := client.c.assertionVerifier(s.c.Issuer, s.c.Clock)
	if err != nil {
		return auth.Unavailable(err)
	}
	claims, err := v.Verify(ctx, assertion)
	if err != nil {
		if auth.KindOf(err) == auth.KindUnavailable {
			return err
		}
		return s.badClient(auth.AsError(err).Reason)
	}
	now := s.c.Clock()
	switch {
	case claims.Subject() != client.ID():
		return s.badClient(ReasonClient)
	case strings.HasPrefix(strings.ToLower(claims.Type()), "at+") || strings.HasPrefix(strings.ToLower(claims.Type()), "application/at+"):
		return s.badClient(jwt.ReasonType) // an access token is no assertion
	case len(claims.Audience()) != 1: // one that is made for several servers can be used by each of them at the others
		return s.badClient(jwt.ReasonAudience)
	case claims.ExpiresAt().Sub(now) > maxAssertion+assertionSkew:
		return s.badClient(auth.ReasonTooLong)
	}
	sum := sha256.Sum256([]byte(client.ID() + "\x00" + claims.ID()))
	key := oncePrefix + base64.RawURLEncoding.EncodeToString(sum[:])
	// The store's clock may be ahead of ours, and another instance, whose clock is behind, takes the assertion for longer.
	first, err := s.c.Sessions.Store.Once(ctx, key, claims.ExpiresAt().Add(2*assertionSkew))
	if err != nil {
		return auth.Unavailable(err)
	}
	if !first {
		return s.badClient(ReasonReplay)
	}
	return nil
}
