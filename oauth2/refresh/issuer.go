package refresh

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/secret"
)

// Limits and defaults of a [Config].
const (
	DefaultIdle     = 14 * 24 * time.Hour
	DefaultLifetime = 90 * 24 * time.Hour
	MaxLifetime     = 400 * 24 * time.Hour
	DefaultGrace    = 10 * time.Second
	MaxGrace        = 10 * time.Minute
	DefaultClient   = "app"

	minIdle     = time.Minute
	minKeyBytes = 32
	maxKeys     = 4
)

// A Config configures [New]. Store, Access and Keys are required. It prints as "[redacted]".
type Config struct { //nolint:recvcheck // its methods for printing must also be those of a value
	// Store keeps the grants. Required.
	Store Store
	// Access makes the access tokens; see [JWT]. Required.
	Access AccessIssuer
	// Keys authenticate refresh tokens: secrets of 32 random bytes or more, kept apart from the store. The first makes
	// tokens, all of them, up to four, are accepted: put a new one in front, and take the old one out when its tokens
	// have been rotated. Required.
	Keys [][]byte

	// Client is the client of logins and requests that name none: your own application. "" is "app".
	Client string
	// Idle is how long a grant lives without a refresh. 0 is 14 days; 1 min up to Lifetime.
	Idle time.Duration
	// Lifetime is how long a grant lives in all. No refresh extends it. 0 is 90 days; at most 400 days.
	Lifetime time.Duration
	// Grace is how long after a refresh the same request is answered once more, with the same refresh token: for
	// answers that were lost on the way and clients that refresh twice at once. 0 is 10 s; at most 10 min. For none
	// set Strict.
	Grace time.Duration
	// Strict has no grace window: the second use of a token ends its grant, also where the client did not get the first
	// answer. Grace must then be 0.
	Strict bool

	// Observer is told of each login, refresh, refusal and revocation; a reused token has [ReasonReuse]. Nil tells
	// nobody.
	Observer auth.Observer
	// ErrorLog gets the causes of what could not be decided (503), which clients and the Observer are not told. Nil drops
	// them.
	ErrorLog *slog.Logger
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// Format writes "[redacted]", whatever the verb, since Keys are secret.
func (Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (Config) LogValue() slog.Value { return slog.StringValue(redacted) }

// An Issuer starts sessions after logins, and refreshes and revokes them. It is safe for concurrent use, and prints as
// "[redacted]".
type Issuer struct {
	c     Config
	keys  [][]byte
	grace time.Duration
}

// Format writes "[redacted]", whatever the verb.
func (i *Issuer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (i *Issuer) LogValue() slog.Value { return slog.StringValue(redacted) }

// New returns the issuer that c describes.
func New(c Config) (*Issuer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	i := &Issuer{c: c, grace: c.Grace}
	for _, key := range c.Keys {
		i.keys = append(i.keys, slices.Clone(key))
	}
	i.c.Keys = nil
	return i, nil
}

// check reports every mistake in c and fills in its defaults.
func (c *Config) check() error {
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("refresh: Config."+format, args...))
	}
	if c.Store == nil {
		add("Store is nil: set one, such as a MemoryStore")
	}
	if c.Access == nil {
		add("Access is nil: set one, such as JWT(issuer)")
	}
	if len(c.Keys) == 0 || len(c.Keys) > maxKeys {
		add("Keys has %d members: set 1 to %d secrets", len(c.Keys), maxKeys)
	}
	for n, key := range c.Keys {
		if len(key) < minKeyBytes {
			add("Keys[%d] has %d bytes: use %d random bytes or more", n, len(key), minKeyBytes)
		} else if secret.Empty(key) {
			add("Keys[%d] "+secret.FillIt, n)
		}
	}
	if c.Client == "" {
		c.Client = DefaultClient
	}
	if err := checkName(c.Client); err != nil {
		add("Client: %w", err)
	}
	c.checkTimes(add)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return errors.Join(errs...)
}

func (c *Config) checkTimes(add func(string, ...any)) {
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if c.Lifetime < minIdle || c.Lifetime > MaxLifetime {
		add("Lifetime is %v: use 0 for %v, or %v up to %v", c.Lifetime, DefaultLifetime, minIdle, MaxLifetime)
	}
	if c.Idle == 0 {
		c.Idle = min(DefaultIdle, c.Lifetime)
	}
	if c.Idle < minIdle || c.Idle > c.Lifetime {
		add("Idle is %v: use 0 for %v, or %v up to Lifetime, which is %v", c.Idle, DefaultIdle, minIdle, c.Lifetime)
	}
	switch {
	case c.Strict && c.Grace != 0:
		add("Grace is %v and Strict is set: leave one of them out", c.Grace)
	case c.Grace < 0 || c.Grace > MaxGrace:
		add("Grace is %v: use 0 for %v, up to %v, or Strict for none", c.Grace, DefaultGrace, MaxGrace)
	case c.Grace == 0 && !c.Strict:
		c.Grace = DefaultGrace
	}
}

// A Login is what a session starts from, once you have found out who it is.
type Login struct {
	// Subject is who logged in. Required; at most 255 bytes.
	Subject string
	// Client is the application that it is for. "" is [Config.Client].
	Client string
	// Scopes is what the session may do; each refresh may ask for less. The empty set is no scope at all; an unlimited
	// one can't be written down and is an error.
	Scopes auth.ScopeSet
	// Audience is who may accept the access tokens. Nil is the access issuer's default.
	Audience []string
	// Device is a label for people, such as "Firefox on Linux" or the User-Agent. Of a longer one, 200 bytes are kept, and
	// what is no UTF-8 is replaced.
	Device string
	// JWKThumbprint binds the session to a key (RFC 9449 §5), whose possession the caller must have checked. "" does
	// not.
	JWKThumbprint string
	// AuthenticatedAt and ACR are when and how the subject logged in. Zero AuthenticatedAt is now.
	AuthenticatedAt time.Time
	ACR             string
	// Access replaces [Config.Access] for this login. Nil does not.
	Access AccessIssuer
}

// Tokens are what a client gets. They print as "[redacted]".
type Tokens struct {
	// AccessToken and RefreshToken are the credentials.
	AccessToken, RefreshToken string
	// TokenType is "Bearer", or "DPoP" where the access token is bound to a key.
	TokenType string
	// ExpiresAt is when the access token ends, RefreshExpiresAt when the refresh token does if nothing uses it.
	ExpiresAt, RefreshExpiresAt time.Time
	// Scopes is what the access token allows.
	Scopes auth.ScopeSet
	// Session is the grant's id.
	Session GrantID
	// Replayed says that this is the answer to a request that was answered before; see [Config.Grace].
	Replayed bool
	now      time.Time // when the answer was made
	audience []string  // which the access issuer chose
}

const redacted = "[redacted]"

// String returns "[redacted]".
func (Tokens) String() string { return redacted }

// GoString returns "[redacted]".
func (Tokens) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (Tokens) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns the session's id.
func (t Tokens) LogValue() slog.Value { return slog.StringValue(t.Session.String()) }

// Issue starts a session: it makes a grant and the first pair of tokens. It must be called by the login alone, after
// the subject has been authenticated. A mistake in l is an error of the caller's; an [*auth.Error] says that it can't be
// done now, or what the access issuer refused.
func (i *Issuer) Issue(ctx context.Context, l Login) (Tokens, error) {
	if l.Client == "" {
		l.Client = i.c.Client
	}
	if err := l.check(); err != nil {
		return Tokens{}, err
	}
	l.Device = shorten(l.Device)
	now := i.c.Clock()
	g := Grant{Version: 1, Subject: l.Subject, Client: l.Client}
	_, _ = rand.Read(g.ID[:]) // never fails
	st := &state{
		Seed: newSeed(), Counter: 1, Client: l.Client, Scope: l.Scopes.String(),
		Aud: slices.Clone(l.Audience), Device: l.Device, JKT: l.JWKThumbprint, ACR: l.ACR,
		Created: millis(now), AuthAt: millis(l.AuthenticatedAt), Rotated: millis(now), Ends: millis(now.Add(i.c.Lifetime)),
	}
	if st.AuthAt == 0 {
		st.AuthAt = st.Created
	}
	g.Expires = i.expires(st, now)
	q := Request{Client: l.Client, Scopes: l.Scopes, Audience: l.Audience, JWKThumbprint: l.JWKThumbprint, Access: l.Access}
	tokens, err := i.tokens(ctx, g, st, &q, now)
	if err != nil {
		return Tokens{}, i.report(ctx, g, err)
	}
	if len(st.Aud) == 0 {
		st.Aud = slices.Clone(tokens.audience)
	}
	g.Body = st.encode()
	if err := i.c.Store.Create(ctx, g); err != nil {
		return Tokens{}, i.report(ctx, g, auth.Unavailable(err))
	}
	i.tell(ctx, g, ReasonIssued)
	return tokens, nil
}

// expires is the end of a grant that was used now: of its idle time, or its absolute end.
func (i *Issuer) expires(st *state, now time.Time) time.Time {
	idle, end := now.Add(i.c.Idle), fromMillis(st.Ends)
	if idle.After(end) {
		return end
	}
	return fromMillis(millis(idle))
}

// tokens makes the access token and the refresh token of g as it will be stored.
func (i *Issuer) tokens(ctx context.Context, g Grant, st *state, q *Request, now time.Time) (Tokens, error) {
	issuer := i.c.Access
	if q.Access != nil {
		issuer = q.Access
	}
	a := Access{
		Subject: g.Subject, Client: g.Client, Audience: q.Audience, Scopes: q.Scopes, Session: g.ID.String(),
		JWKThumbprint: q.JWKThumbprint, AuthenticatedAt: fromMillis(st.AuthAt), ACR: st.ACR, Now: now, NotAfter: g.Expires,
	}
	access, err := issuer.IssueAccess(ctx, a)
	if err != nil {
		return Tokens{}, auth.AsError(err)
	}
	if access.Token == "" {
		return Tokens{}, auth.Unavailable(errNoAccess)
	}
	t := Tokens{
		AccessToken: access.Token, RefreshToken: makeToken(i.keys[0], g.ID, st.Counter, st), TokenType: "Bearer",
		ExpiresAt: access.ExpiresAt, RefreshExpiresAt: g.Expires, Scopes: q.Scopes, Session: g.ID, now: now, audience: access.Audience,
	}
	if access.Narrowed != nil {
		t.Scopes = *access.Narrowed
	}
	if q.JWKThumbprint != "" {
		t.TokenType = "DPoP"
	}
	return t, nil
}

var errNoAccess = errors.New("refresh: the access issuer returned neither a token nor an error")

func (l *Login) check() error {
	var errs []error
	add := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("refresh: Login.%s: %w", field, err))
		}
	}
	add("Subject", checkName(l.Subject))
	add("Client", checkName(l.Client))
	if l.Scopes.IsUnlimited() {
		add("Scopes", errors.New("unlimited: name the scopes"))
	}
	if len(l.Scopes.String()) > maxScopeBytes {
		add("Scopes", fmt.Errorf("more than %d bytes: name fewer", maxScopeBytes))
	}
	if len(l.Audience) > maxAudience || slices.Contains(l.Audience, "") {
		add("Audience", fmt.Errorf("an empty name, or more than %d: say who may accept the tokens", maxAudience))
	}
	for _, text := range []struct {
		field, value string
	}{{"JWKThumbprint", l.JWKThumbprint}, {"ACR", l.ACR}} {
		if len(text.value) > maxLabelBytes || !utf8.ValidString(text.value) {
			add(text.field, fmt.Errorf("longer than %d bytes, or not UTF-8: shorten it", maxLabelBytes))
		}
	}
	return errors.Join(errs...)
}

// Limits of a [Login].
const (
	maxNameBytes  = 255
	maxLabelBytes = 200
	maxScopeBytes = 4 << 10
	maxAudience   = 16
)

// shorten cuts a text that is for people alone. It often comes from a client, whose login must not fail for it.
func shorten(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), 2*maxLabelBytes)], "\uFFFD")
	for len(s) > maxLabelBytes {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

var errName = fmt.Errorf("empty, longer than %d bytes or not UTF-8: use a stable id", maxNameBytes)

func checkName(s string) error {
	if s == "" || len(s) > maxNameBytes || !utf8.ValidString(s) {
		return errName
	}
	return nil
}
