package oauth2

import (
	"context"
	"log/slog"
	"time"

	"github.com/cardea-go/auth"
)

// A Verifier says what an access token stands for, without HTTP. Its errors are those of an [auth.Authenticator]:
//
//   - [auth.ErrUnrecognized]: the token is not of the kind that it knows, by its shape; a [Router] and a chain go on.
//   - an [*auth.Error] of [auth.KindInvalid]: the token is not accepted.
//   - any other error: the question can't be decided now, which is [auth.KindUnavailable].
//
// It checks that the token is genuine, in force, from the issuer and made for this service; that the sender may use it is
// the [Authenticator]'s to check. It must be safe for concurrent use and keep the token out of its errors.
type Verifier interface {
	Verify(ctx context.Context, token string) (*Token, error)
}

// VerifierFunc is a [Verifier] made of a function.
type VerifierFunc func(ctx context.Context, token string) (*Token, error)

// Verify implements [Verifier].
func (f VerifierFunc) Verify(ctx context.Context, token string) (*Token, error) { return f(ctx, token) }

// A Token is what a verified access token says. It does not hold the token itself. auth.Data[*oauth2.Token] returns that
// of a principal; it is shared and must not be changed.
type Token struct {
	// Issuer vouches for Subject. Subject is required.
	Issuer, Subject string
	// ClientID is the client that the token was issued to, ID the token's own name (jti).
	ClientID, ID string
	// Audience are those whom the token is for.
	Audience []string
	// Scopes are those granted, before any [ScopeHierarchy]. They can't be unlimited.
	Scopes auth.ScopeSet
	// Roles and Tenant are those of the subject, where the verifier was told where to find them.
	Roles  []string
	Tenant string
	// ACR is the class of the login, AuthenticatedAt its time.
	ACR             string
	AuthenticatedAt time.Time
	// IssuedAt and ExpiresAt; zero where they are not known.
	IssuedAt, ExpiresAt time.Time
	// Confirmation is cnf (RFC 7800 §3.1): what the sender has to prove. Nil is a bearer token.
	Confirmation *Confirmation
	// Data is what else the verifier knows: *jwt.Claims or *Introspection.
	Data any
}

// A Confirmation is what the sender of a token must prove to hold. Where both thumbprints are there, both are to be
// proved; where neither is, the token is bound in a way that nothing here can check, and is refused.
type Confirmation struct {
	// JWKThumbprint is jkt: that of the key which signs DPoP proofs (RFC 9449 §6.1).
	JWKThumbprint string
	// CertificateThumbprint is x5t#S256: the SHA-256 of the client's certificate (RFC 8705 §3.1).
	CertificateThumbprint string
}

// String returns a text without what the token says, which may be personal.
func (t *Token) String() string { return "access token" }

// GoString returns the same as String.
func (t *Token) GoString() string { return t.String() }

// LogValue returns issuer, subject, client and jti.
func (t *Token) LogValue() slog.Value {
	if t == nil {
		return slog.AnyValue(nil)
	}
	return slog.GroupValue(
		slog.String("issuer", t.Issuer),
		slog.String("subject", t.Subject),
		slog.String("client", t.ClientID),
		slog.String("jti", t.ID),
	)
}
