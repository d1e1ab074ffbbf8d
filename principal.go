package auth

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"
)

// A Principal is the authenticated party behind a request: a person, a service, a device. It is immutable and
// safe for concurrent use. Two principals are the same party by issuer and subject together; see [Principal.Same].
type Principal struct {
	c    PrincipalConfig
	name string     // the authenticator instance, where it has a name of its own
	prev *Principal // the principal this one was derived from, for its data
}

// A PrincipalConfig is what a [Principal] is made of. Only Subject is required.
type PrincipalConfig struct {
	// Subject names the party. It is unique only together with Issuer (RFC 7519 §4.1.2). Required.
	Subject string
	// Issuer is who vouches for the subject, such as a token issuer's URL. "" is the service itself.
	Issuer string
	// Scheme names the scheme that proved it, such as "apikey". "" lets the authenticator fill it in.
	Scheme string
	// CredentialID identifies the credential, such as a key id or a token's jti. It is logged: never a secret.
	CredentialID string
	// ClientID is the OAuth client that acts for the subject, if any (RFC 9068 §2.2).
	ClientID string
	// Scopes the credential carries. The zero set is no scope at all.
	Scopes ScopeSet
	// Roles of the subject, within Tenant.
	Roles []string
	// Tenant the subject acts in, if any.
	Tenant string
	// ACR is the authentication context class (OpenID Connect Core §2), if known.
	ACR string
	// IssuedAt is when the credential was made. Zero: unknown.
	IssuedAt time.Time
	// AuthenticatedAt is when the subject itself last logged in. Zero: unknown, which no requirement of
	// recency accepts.
	AuthenticatedAt time.Time
	// ExpiresAt is when the credential ends. Zero: it does not, or it is not known.
	ExpiresAt time.Time
	// Data is the scheme's own verified data, such as claims or a key record; see the function [Data].
	// It must be safe for concurrent reading.
	Data any
}

var errNoSubject = errors.New("auth: principal without a subject: set PrincipalConfig.Subject")

// NewPrincipal returns the principal that c describes. Slices are copied. The only error is a missing subject.
func NewPrincipal(c PrincipalConfig) (*Principal, error) {
	if c.Subject == "" {
		return nil, errNoSubject
	}
	c.Roles = slices.Clone(c.Roles)
	return &Principal{c: c}, nil
}

// Subject names the party; it is unique only together with [Principal.Issuer].
func (p *Principal) Subject() string { return p.c.Subject }

// Issuer is who vouches for the subject; "" is the service itself.
func (p *Principal) Issuer() string { return p.c.Issuer }

// Scheme names the scheme that proved the principal, such as "apikey".
func (p *Principal) Scheme() string { return p.c.Scheme }

// Authenticator names the authenticator instance that proved the principal: what [Named] gave it, else the scheme.
func (p *Principal) Authenticator() string {
	if p.name != "" {
		return p.name
	}
	return p.c.Scheme
}

// CredentialID identifies the credential (a key id, a token's jti); "" where it has none. It is not a secret.
func (p *Principal) CredentialID() string { return p.c.CredentialID }

// ClientID is the OAuth client that acts for the subject, or "".
func (p *Principal) ClientID() string { return p.c.ClientID }

// Scopes returns what the credential is limited to.
func (p *Principal) Scopes() ScopeSet { return p.c.Scopes }

// Roles returns a copy of the subject's roles.
func (p *Principal) Roles() []string { return slices.Clone(p.c.Roles) }

// AllRoles iterates over the subject's roles without copying them.
func (p *Principal) AllRoles() iter.Seq[string] { return slices.Values(p.c.Roles) }

// HasRole reports whether the subject has the role.
func (p *Principal) HasRole(role string) bool { return slices.Contains(p.c.Roles, role) }

// Tenant is the tenant that the subject acts in, or "".
func (p *Principal) Tenant() string { return p.c.Tenant }

// ACR is the authentication context class, or "".
func (p *Principal) ACR() string { return p.c.ACR }

// IssuedAt is when the credential was made; zero if unknown.
func (p *Principal) IssuedAt() time.Time { return p.c.IssuedAt }

// AuthenticatedAt is when the subject last logged in; zero if unknown.
func (p *Principal) AuthenticatedAt() time.Time { return p.c.AuthenticatedAt }

// ExpiresAt is when the credential ends; zero if it does not or that is not known.
func (p *Principal) ExpiresAt() time.Time { return p.c.ExpiresAt }

// Same reports whether p and q are the same party: equal issuer and equal subject. A nil principal is no party.
func (p *Principal) Same(q *Principal) bool {
	return p != nil && q != nil && p.c.Subject == q.c.Subject && p.c.Issuer == q.c.Issuer
}

// Derive returns a copy of p with what change alters, for an authenticator or [Map] that adds roles, a tenant or
// data. In the configuration that change receives, Data is nil: a value set there is added, and what p held stays
// reachable through the function [Data]. p is not changed.
func (p *Principal) Derive(change func(*PrincipalConfig)) (*Principal, error) {
	c := p.c
	c.Roles = slices.Clone(c.Roles)
	c.Data = nil
	change(&c)
	q, err := NewPrincipal(c)
	if err != nil {
		return nil, err
	}
	q.name, q.prev = p.name, p
	return q, nil
}

// Data returns the value of type T that the scheme, or a [Map] after it, attached to p, the newest first.
func Data[T any](p *Principal) (T, bool) {
	for ; p != nil; p = p.prev {
		if v, ok := p.c.Data.(T); ok {
			return v, true
		}
	}
	var zero T
	return zero, false
}

// String returns issuer, subject and scheme, for people. It holds no secret and is no stable format.
func (p *Principal) String() string {
	if p == nil {
		return "no principal"
	}
	return fmt.Sprintf("principal(issuer=%q subject=%q by=%q)", p.c.Issuer, p.c.Subject, p.Authenticator())
}

// GoString returns the same as String, so that %#v prints no data.
func (p *Principal) GoString() string { return p.String() }

// LogValue returns issuer, subject, authenticator and credential id.
func (p *Principal) LogValue() slog.Value {
	if p == nil {
		return slog.AnyValue(nil)
	}
	return slog.GroupValue(
		slog.String("issuer", p.c.Issuer),
		slog.String("subject", p.c.Subject),
		slog.String("authenticator", p.Authenticator()),
		slog.String("credential", p.c.CredentialID),
	)
}

// named returns p as proved by scheme and, where name is set, by the instance of that name.
func (p *Principal) as(scheme, name string) *Principal {
	if (p.c.Scheme != "" || scheme == "") && (name == "" || p.name == name) {
		return p
	}
	q := *p
	if q.c.Scheme == "" {
		q.c.Scheme = scheme
	}
	if name != "" {
		q.name = name
	}
	return &q
}
