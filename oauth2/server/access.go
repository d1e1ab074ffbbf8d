package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// accessFormat makes access tokens of one kind, and reads them again.
type accessFormat interface {
	make(ctx context.Context, a refresh.Access) (refresh.AccessToken, error)
	// read returns what an access token of ours says. The error is auth.KindInvalid where it is none, or has expired.
	read(ctx context.Context, token string) (accessClaims, error)
}

// accessClaims are those of an access token, for introspection. Times are Unix seconds, 0 for unknown.
type accessClaims struct {
	Subject, Client            string
	Audience                   []string
	Scope, ID                  string
	Session, Thumbprint, ACR   string
	Issued, Expires, Authentic int64
}

func (s *Server) newAccess() (accessFormat, error) {
	switch {
	case (s.c.Keys == nil) == (len(s.c.OpaqueKeys) == 0):
		return nil, errors.New("server: Config.Keys and OpaqueKeys: set one of them")
	case s.c.Keys == nil:
		return newOpaque(s.c.Issuer, s.c.OpaqueKeys, s.c.Clock)
	}
	return s.newJWT()
}

// makeAccess limits the token's life to the server's and to the session's.
func (s *Server) makeAccess(ctx context.Context, a refresh.Access) (refresh.AccessToken, error) {
	if end := a.Now.Add(s.c.AccessLifetime); a.NotAfter.IsZero() || a.NotAfter.After(end) {
		a.NotAfter = end
	}
	return s.access.make(ctx, a)
}

// jwtFormat makes JWTs by RFC 9068.
type jwtFormat struct {
	issuer   *jwt.Issuer
	verifier *jwt.Verifier
}

func (s *Server) newJWT() (accessFormat, error) {
	issuer, err := jwt.NewIssuer(jwt.IssuerConfig{
		Issuer: s.c.Issuer, Keys: s.c.Keys, Lifetime: s.c.AccessLifetime, Clock: s.c.Clock,
	})
	if err != nil {
		return nil, fmt.Errorf("server: Config.Keys: %w", err)
	}
	// The ring says which algorithm each key is for, and may come to hold keys of others than those of today.
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: s.c.Issuer, Keys: s.c.Keys, Audience: s.c.Resources, Algorithms: algorithms(), Leeway: jwt.NoLeeway, Clock: s.c.Clock,
	})
	if err != nil {
		return nil, fmt.Errorf("server: Config.Keys: %w", err)
	}
	return &jwtFormat{issuer, verifier}, nil
}

func (f *jwtFormat) make(ctx context.Context, a refresh.Access) (refresh.AccessToken, error) {
	issued, err := f.issuer.Issue(ctx, jwt.Grant{
		Subject: a.Subject, Audience: a.Audience, ClientID: a.Client, Scopes: a.Scopes, SessionID: a.Session,
		Lifetime: a.NotAfter.Sub(a.Now), AuthenticatedAt: a.AuthenticatedAt, ACR: a.ACR,
		Confirmation: jwt.Confirmation{JWKThumbprint: a.JWKThumbprint},
	})
	if err != nil {
		return refresh.AccessToken{}, err
	}
	return refresh.AccessToken{Token: issued.Token, ExpiresAt: issued.ExpiresAt}, nil
}

func (f *jwtFormat) read(ctx context.Context, token string) (accessClaims, error) {
	if strings.Count(token, ".") != 2 {
		return accessClaims{}, auth.Invalid(auth.ReasonMalformed, nil)
	}
	c, err := f.verifier.Verify(ctx, token)
	if err != nil {
		return accessClaims{}, err
	}
	scopes, err := c.Scopes()
	if err != nil {
		return accessClaims{}, auth.Invalid(auth.ReasonMalformed, err)
	}
	cnf, _ := c.Confirmation()
	return accessClaims{
		Subject: c.Subject(), Client: c.ClientID(), Audience: c.Audience(), Scope: scopes.String(), ID: c.ID(),
		Session: c.SessionID(), Thumbprint: cnf.JWKThumbprint, Issued: c.IssuedAt().Unix(), Expires: c.ExpiresAt().Unix(),
		Authentic: unixOrZero(c.AuthenticatedAt()), ACR: c.ACR(),
	}, nil
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
