package server

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// ErrUnknownClient is what a [ClientSource] returns where there is no client of an id. Any other error says that it is not
// known now.
var ErrUnknownClient = errors.New("server: unknown client")

// A ClientSource knows the clients. Client must be safe for concurrent use; what it returns must not change any more.
// The id comes from a request that nothing has authenticated.
type ClientSource interface {
	Client(ctx context.Context, id string) (*Client, error)
}

// ClientFunc is a [ClientSource] made of a function.
type ClientFunc func(ctx context.Context, id string) (*Client, error)

// Client implements [ClientSource].
func (f ClientFunc) Client(ctx context.Context, id string) (*Client, error) { return f(ctx, id) }

// NewClients returns the [ClientSource] of the clients given, whose ids must differ.
func NewClients(clients ...*Client) (ClientSource, error) {
	byID := make(map[string]*Client, len(clients))
	for _, c := range clients {
		if c == nil {
			return nil, errors.New("server: NewClients: a nil client: leave it out")
		}
		if byID[c.ID()] != nil {
			return nil, fmt.Errorf("server: NewClients: %q comes twice: give each client its own id", c.ID())
		}
		byID[c.ID()] = c
	}
	return ClientFunc(func(_ context.Context, id string) (*Client, error) {
		if c := byID[id]; c != nil {
			return c, nil
		}
		return nil, ErrUnknownClient
	}), nil
}

// A Grant is how a token is asked for, by the value of grant_type.
type Grant string

// The grants.
const (
	GrantClientCredentials Grant = "client_credentials" // RFC 6749 §4.4
	GrantRefresh           Grant = "refresh_token"      // RFC 6749 §6
	GrantLegacyPassword    Grant = "password"           // RFC 6749 §4.3; see Config.LegacyPassword

	// GrantLogin is what a policy sees of a session that the program itself starts; see [Server.Sessions]. No client
	// can ask for it.
	GrantLogin Grant = "login"
)

var knownGrants = []Grant{GrantClientCredentials, GrantRefresh, GrantLegacyPassword}

// A ClientConfig configures [NewClient]. ID and Grants (unless it only introspects) are required, and one of Secrets, Keys
// and Public.
type ClientConfig struct {
	// ID is client_id: 1 to 128 of A-Z a-z 0-9 _ - . : / so that every way to send it reads the same. Required.
	ID string

	// Secrets authenticate the client by client_secret_basic and client_secret_post. Each of them is valid, up to four,
	// so that one can be replaced without a pause.
	Secrets []SecretHash
	// Keys authenticate it by private_key_jwt (RFC 7523), with signatures of Algorithms, which are required with it.
	Keys       jwt.KeySource
	Algorithms []jwt.Algorithm
	// Public says that it can't authenticate: an application on somebody's device. It gets no client credentials and can
	// ask for no introspection.
	Public bool

	// Grants are those that it may use.
	Grants []Grant
	// Scopes is what it may ask for at most, DefaultScopes what it gets if it asks for none. The empty set is no scope.
	Scopes, DefaultScopes auth.ScopeSet
	// Resources are those that it may ask tokens for. The first is that of requests that name none. Required with
	// Grants.
	Resources []string
	// RequireDPoP refuses it tokens that are not bound to a key (RFC 9449).
	RequireDPoP bool
	// Serves are the resources that it is: it may introspect the access tokens that are for one of them. Nil: none but
	// its own tokens.
	Serves []string
}

// A Client is registered with the server. It is immutable and safe for concurrent use.
type Client struct{ c ClientConfig }

const maxSecrets = 4

// NewClient returns the client that c describes.
func NewClient(c ClientConfig) (*Client, error) {
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("server: ClientConfig."+format, args...))
	}
	if !isClientID(c.ID) {
		add("ID is %q: use 1 to %d of A-Z a-z 0-9 _ - . : /", c.ID, maxClientID)
	}
	ways := 0
	for _, is := range []bool{len(c.Secrets) > 0, c.Keys != nil, c.Public} {
		if is {
			ways++
		}
	}
	if ways != 1 {
		add("Secrets, Keys and Public: set exactly one of them")
	}
	if len(c.Secrets) > maxSecrets {
		add("Secrets has %d members: use up to %d", len(c.Secrets), maxSecrets)
	}
	for n, h := range c.Secrets {
		if _, err := h.digest(); err != nil {
			add("Secrets[%d]: %w", n, err)
		}
	}
	if (c.Keys == nil) != (len(c.Algorithms) == 0) {
		add("Keys and Algorithms: set both or neither")
	}
	if c.Keys != nil && len(c.Algorithms) > 0 && isClientID(c.ID) {
		if _, err := c.assertionVerifier("https://audience.example", nil); err != nil {
			add("Keys: %w", err)
		}
	}
	errs = append(errs, c.checkRights()...)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Secrets, c.Algorithms, c.Grants = slices.Clone(c.Secrets), slices.Clone(c.Algorithms), slices.Clone(c.Grants)
	c.Resources, c.Serves = slices.Clone(c.Resources), slices.Clone(c.Serves)
	return &Client{c}, nil
}

// checkRights reports mistakes in what a client may do.
func (c *ClientConfig) checkRights() []error {
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("server: ClientConfig."+format, args...))
	}
	for _, g := range c.Grants {
		switch {
		case !slices.Contains(knownGrants, g):
			add("Grants: %q is unknown: use one of the Grant constants", g)
		case g == GrantClientCredentials && c.Public: // RFC 6749 §4.4: "MUST only be used by confidential clients"
			add("Grants: %q is not for public clients: leave it out, or give the client secrets or keys", g)
		}
	}
	if c.Scopes.IsUnlimited() || c.DefaultScopes.IsUnlimited() {
		add("Scopes: unlimited: name the scopes")
	}
	if !c.Scopes.Covers(c.DefaultScopes) {
		add("DefaultScopes: exceed Scopes: leave out what is not in both")
	}
	if len(c.Grants) > 0 && len(c.Resources) == 0 {
		add("Resources is empty: name the services that it may ask tokens for")
	}
	if c.Public && len(c.Serves) > 0 {
		add("Serves: a public client can't introspect: give it secrets or keys")
	}
	errs = append(errs, checkResources("ClientConfig.Resources", c.Resources)...)
	return append(errs, checkResources("ClientConfig.Serves", c.Serves)...)
}

const maxClientID = 128

func isClientID(s string) bool {
	for _, c := range []byte(s) {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/", rune(c)) {
			return false
		}
	}
	return s != "" && len(s) <= maxClientID
}

// ID is client_id.
func (c *Client) ID() string { return c.c.ID }

// Public reports whether the client can't authenticate.
func (c *Client) Public() bool { return c.c.Public }

// Allows reports whether the client may use a grant.
func (c *Client) Allows(g Grant) bool { return slices.Contains(c.c.Grants, g) }

// Scopes is what it may ask for.
func (c *Client) Scopes() auth.ScopeSet { return c.c.Scopes }

// Resources are those that it may ask tokens for.
func (c *Client) Resources() []string { return slices.Clone(c.c.Resources) }

// A SecretHash is what is kept of a client's secret: its SHA-256, as "sha256:" and base64url text. That is enough for
// secrets of 256 random bits, and only for those: a slow hash would cost every token request what only guessable secrets
// need.
type SecretHash string

const secretHashPrefix = "sha256:"

// SecretPrefix is what every secret of [NewSecret] starts with, so that secret scanners and people know one.
const SecretPrefix = "cs1_"

// A Secret is a client's secret, to be shown once. It prints as "[redacted]"; see [Secret.Reveal].
type Secret struct {
	_    [0]func()
	text string
}

// NewSecret returns a new secret, 256 random bits in letters, digits, '-' and '_', and what to keep of it.
func NewSecret() (Secret, SecretHash) {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	text := SecretPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
	return Secret{text: text}, hashSecret(text)
}

// HashSecret returns what to keep of a secret that was made elsewhere: 32 to 256 of A-Z a-z 0-9 _ - . ~, and random. It
// can't tell whether somebody thought it up: such a secret must be replaced.
func HashSecret(secret string) (SecretHash, error) {
	const least, most = 32, 256
	for _, c := range []byte(secret) {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~", rune(c)) {
			return "", errors.New("server: HashSecret: use A-Z a-z 0-9 _ - . ~, which every client sends alike")
		}
	}
	if len(secret) < least || len(secret) > most {
		return "", fmt.Errorf("server: HashSecret: %d characters: use %d to %d, at random", len(secret), least, most)
	}
	return hashSecret(secret), nil
}

func hashSecret(secret string) SecretHash {
	sum := sha256.Sum256([]byte(secret))
	return SecretHash(secretHashPrefix + base64.RawURLEncoding.EncodeToString(sum[:]))
}

var errSecretHash = errors.New("not a hash: use what NewSecret or HashSecret returned")

func (h SecretHash) digest() (sum [sha256.Size]byte, err error) {
	text, ok := strings.CutPrefix(string(h), secretHashPrefix)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(len(sum)) {
		return sum, errSecretHash
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(sum[:], []byte(text)); err != nil {
		return sum, errSecretHash
	}
	return sum, nil
}

// matches compares in constant time, whatever the hash is.
func (h SecretHash) matches(presented [sha256.Size]byte) bool {
	sum, err := h.digest()
	return subtle.ConstantTimeCompare(sum[:], presented[:]) == 1 && err == nil
}

const redacted = "[redacted]"

// Reveal returns the secret, to hand it to its client.
func (s Secret) Reveal() string { return s.text }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
