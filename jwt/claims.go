package jwt

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
)

// Claims are those of a token that a [Verifier] has verified; nothing else makes them. They are immutable and safe for
// concurrent use. They do not hold the token, and print without their content.
type Claims struct { //nolint:recvcheck // Format must also be that of a copy, which would print all of it
	payload string
	header  *jose.Header

	issuer, subject, id       string
	clientID, azp             string
	session, acr              string
	scope                     string
	audience                  []string
	oneAudience               [1]string
	scp                       jose.Value
	confirmation              jose.Value
	expires, notBefore        int64
	issued, authenticated     int64
	hasExpires, hasNotBefore  bool
	hasIssued, hasAuthTime    bool
	hasScope, hasConfirmation bool
	securityEvent             bool
}

// Issuer is iss: one of the verifier's issuers, byte for byte.
func (c *Claims) Issuer() string { return c.issuer }

// Subject is sub, or "". It names somebody only together with the issuer.
func (c *Claims) Subject() string { return c.subject }

// Audience is aud. At least one of them is the verifier's own.
func (c *Claims) Audience() []string { return slices.Clone(c.audience) }

// ID is jti, or "".
func (c *Claims) ID() string { return c.id }

// ClientID is client_id (RFC 9068 §2.2), else azp, or "".
func (c *Claims) ClientID() string { return cmp.Or(c.clientID, c.azp) }

// SessionID is sid (OpenID Connect Front-Channel Logout §3), or "".
func (c *Claims) SessionID() string { return c.session }

// ACR is acr, the authentication context class, or "".
func (c *Claims) ACR() string { return c.acr }

// ExpiresAt is exp in whole seconds, rounded down; zero where the token has none.
func (c *Claims) ExpiresAt() time.Time { return unix(c.expires, c.hasExpires) }

// NotBefore is nbf in whole seconds, rounded up; zero where the token has none.
func (c *Claims) NotBefore() time.Time { return unix(c.notBefore, c.hasNotBefore) }

// IssuedAt is iat in whole seconds, rounded down; zero where the token has none.
func (c *Claims) IssuedAt() time.Time { return unix(c.issued, c.hasIssued) }

// AuthenticatedAt is auth_time in whole seconds, rounded down; zero where the token has none.
func (c *Claims) AuthenticatedAt() time.Time { return unix(c.authenticated, c.hasAuthTime) }

func unix(seconds int64, ok bool) time.Time {
	if !ok {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// KeyID is the kid of the token's header, or "".
func (c *Claims) KeyID() string { return c.header.KeyID }

// Algorithm is the algorithm that the token is signed with.
func (c *Claims) Algorithm() Algorithm { return Algorithm(c.header.Alg.String()) }

// Type is the typ of the token's header as it was sent, or "".
func (c *Claims) Type() string { return c.header.Type }

// Scopes returns the scopes of the claim scope (a list separated by spaces, RFC 8693 §4.2), else of scp (such a list,
// or an array). A token without them has none. A malformed list is an error.
func (c *Claims) Scopes() (auth.ScopeSet, error) {
	if c.hasScope || c.scp.Raw == "" {
		return auth.ParseScopeSet(c.scope)
	}
	if text, ok := c.scp.String(); ok {
		return auth.ParseScopeSet(text)
	}
	names, ok := c.scp.Strings()
	if !ok {
		return auth.ScopeSet{}, errors.New("jwt: claim scp: neither a string nor an array of strings")
	}
	return auth.NewScopeSet(names...)
}

// HasScope reports whether the token carries the scope, as [Claims.Scopes] reads it, without building the set. A list
// that Scopes refuses for its spaces has none.
func (c *Claims) HasScope(scope string) bool {
	if !c.hasScope {
		set, err := c.Scopes()
		return err == nil && set.Has(scope)
	}
	if strings.HasPrefix(c.scope, " ") || strings.HasSuffix(c.scope, " ") || strings.Contains(c.scope, "  ") {
		return false
	}
	for rest := c.scope; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, " ")
		if name == scope {
			return scope != ""
		}
	}
	return false
}

// A Confirmation is the claim cnf (RFC 7800): what the sender of the token must prove to hold. This package hands it on
// and checks no proof; package oauth2 does.
type Confirmation struct {
	JWKThumbprint         string          `json:"jkt,omitempty"`      // DPoP, RFC 9449 §6.1
	CertificateThumbprint string          `json:"x5t#S256,omitempty"` // mutual TLS, RFC 8705 §3.1
	KeyID                 string          `json:"kid,omitempty"`      // RFC 7800 §3.4
	JWK                   json.RawMessage `json:"jwk,omitempty"`      // RFC 7800 §3.2
}

// Confirmation returns cnf, and whether the token has one. It may have members that [Confirmation] does not: a token
// with a cnf that you can't check must not pass as a bearer token. Where a member has the wrong type, it is zero.
func (c *Claims) Confirmation() (Confirmation, bool) {
	if !c.hasConfirmation {
		return Confirmation{}, false
	}
	var cnf Confirmation
	ok := true
	for o := jose.NewObject(c.confirmation.Raw, false); ok && o.Next(); { // encoding/json would take JKT for jkt
		switch o.Name {
		case "jkt":
			cnf.JWKThumbprint, ok = o.Value.String()
		case "x5t#S256":
			cnf.CertificateThumbprint, ok = o.Value.String()
		case "kid":
			cnf.KeyID, ok = o.Value.String()
		case "jwk":
			cnf.JWK = json.RawMessage(o.Value.Raw)
		}
	}
	if !ok {
		return Confirmation{}, true
	}
	return cnf, true
}

// Raw returns a copy of the claims' JSON text, exactly as it was signed.
func (c *Claims) Raw() json.RawMessage { return json.RawMessage(c.payload) }

// Into decodes all claims into v with encoding/json. Names of claims were found to be unique, also where only their case
// differs; in nested objects they are unique as they are written, and encoding/json takes one case for another.
func (c *Claims) Into(v any) error { return json.Unmarshal([]byte(c.payload), v) }

// As decodes all claims into a new T; see [Claims.Into].
func As[T any](c *Claims) (T, error) {
	var v T
	err := c.Into(&v)
	return v, err
}

// ErrNoClaim is what [Claim] returns where there is no such claim.
var ErrNoClaim = errors.New("jwt: no such claim")

// Claim decodes one claim. Further names lead into objects: Claim[[]string](c, "realm_access", "roles"). It returns an
// error that errors.Is [ErrNoClaim] where there is no claim at that path.
func Claim[T any](c *Claims, path ...string) (T, error) {
	var v T
	value, ok := c.lookup(path)
	if !ok {
		return v, fmt.Errorf("%w: %q", ErrNoClaim, strings.Join(path, "."))
	}
	if err := json.Unmarshal([]byte(value.Raw), &v); err != nil {
		return *new(T), fmt.Errorf("jwt: claim %q: %w", strings.Join(path, "."), err)
	}
	return v, nil
}

// Has reports whether the token has a claim of that exact name, null included.
func (c *Claims) Has(name string) bool {
	_, ok := c.lookup([]string{name})
	return ok
}

func (c *Claims) lookup(path []string) (jose.Value, bool) {
	return jose.Value{Raw: c.payload, Kind: '{'}.Lookup(path...)
}

// String returns a text without the claims, which may be personal.
func (c *Claims) String() string { return claimsText }

// GoString returns the same as String.
func (c *Claims) GoString() string { return claimsText }

const claimsText = "claims"

// Format writes the same as String, whatever the verb, also for a copy.
func (c Claims) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(claimsText)) }

// LogValue returns issuer, subject, jti and kid.
func (c *Claims) LogValue() slog.Value {
	if c == nil || c.header == nil {
		return slog.StringValue(claimsText)
	}
	return slog.GroupValue(
		slog.String("issuer", c.issuer),
		slog.String("subject", c.subject),
		slog.String("jti", c.id),
		slog.String("kid", c.header.KeyID),
	)
}
