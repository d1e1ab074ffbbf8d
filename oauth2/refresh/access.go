package refresh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// Access is what an access token is to say.
type Access struct {
	// Subject and Client are whose the token is and who uses it.
	Subject, Client string
	// Audience is who may accept it. Nil is the issuer's default.
	Audience []string
	// Scopes is what it allows; the empty set is no scope at all.
	Scopes auth.ScopeSet
	// Session is the grant's id, sid in a JWT, or "" for a token without a grant.
	Session string
	// JWKThumbprint binds it to a key (DPoP, RFC 9449 §6). "" does not.
	JWKThumbprint string
	// AuthenticatedAt and ACR are when and how the subject logged in. Zero: unknown.
	AuthenticatedAt time.Time
	ACR             string
	// Now is the time at which the token is made, and NotAfter the end of the grant, which the token must not outlive.
	// Zero NotAfter: there is none.
	Now, NotAfter time.Time
}

// An AccessToken is what an [AccessIssuer] made. It prints as "[redacted]".
type AccessToken struct {
	Token     string
	ExpiresAt time.Time
	// Narrowed is what the token allows, where the issuer allows less than it was asked for. Nil: what it was asked for.
	Narrowed *auth.ScopeSet
	// Audience is who may accept it, where the issuer chose that because nobody was asked for. A session keeps it from
	// its login on. Nil: what it was asked for, or an audience that sessions need not know.
	Audience []string
}

// String returns "[redacted]".
func (AccessToken) String() string { return redacted }

// GoString returns "[redacted]".
func (AccessToken) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (AccessToken) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (AccessToken) LogValue() slog.Value { return slog.StringValue(redacted) }

// An AccessIssuer makes access tokens. An error of type [*auth.Error] is a refusal, which changes nothing and is passed
// on; any other says that it can't, now. It must be safe for concurrent use.
type AccessIssuer interface {
	IssueAccess(ctx context.Context, a Access) (AccessToken, error)
}

// AccessFunc is an [AccessIssuer] made of a function.
type AccessFunc func(ctx context.Context, a Access) (AccessToken, error)

// IssueAccess implements [AccessIssuer].
func (f AccessFunc) IssueAccess(ctx context.Context, a Access) (AccessToken, error) { return f(ctx, a) }

// JWT returns the [AccessIssuer] that makes JWTs (RFC 9068) by an issuer of package jwt, which must not be nil.
func JWT(issuer *jwt.Issuer) AccessIssuer { return jwtAccess{issuer} }

type jwtAccess struct{ issuer *jwt.Issuer }

var errNilJWT = errors.New("refresh: JWT was given a nil issuer")

// IssueAccess implements [AccessIssuer].
func (j jwtAccess) IssueAccess(ctx context.Context, a Access) (AccessToken, error) {
	if j.issuer == nil {
		return AccessToken{}, errNilJWT
	}
	g := jwt.Grant{
		Subject: a.Subject, Audience: a.Audience, ClientID: a.Client, Scopes: a.Scopes, SessionID: a.Session,
		AuthenticatedAt: a.AuthenticatedAt, ACR: a.ACR, Confirmation: jwt.Confirmation{JWKThumbprint: a.JWKThumbprint},
	}
	issued, err := j.issuer.Issue(ctx, g)
	if err != nil {
		return AccessToken{}, err
	}
	if !a.NotAfter.IsZero() && issued.ExpiresAt.After(a.NotAfter) {
		// The grant's last minutes: once more, with the time that is left. The issuer alone knows its usual lifetime.
		g.Lifetime = a.NotAfter.Sub(a.Now)
		if issued, err = j.issuer.Issue(ctx, g); err != nil {
			return AccessToken{}, err
		}
	}
	return AccessToken{Token: issued.Token, ExpiresAt: issued.ExpiresAt}, nil
}
