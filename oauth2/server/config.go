package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/dpop"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// Limits and defaults of a [Config].
const (
	DefaultAccessLifetime = 10 * time.Minute
	MaxAccessLifetime     = time.Hour

	minAccessLifetime = 10 * time.Second
	maxOpaqueKeys     = 4
	opaqueKeyBytes    = 32
)

// A Config configures [New]. Issuer, Clients, Resources, Sessions (its Store and Keys) and one of Keys and OpaqueKeys are
// required. It prints as "[redacted]".
type Config struct {
	// Issuer is the server's own URL: https, or http on a loopback address, without query and fragment (RFC 8414 §2).
	// The endpoints are below its path. Required.
	Issuer string
	// Clients knows the clients; see [NewClients]. Required.
	Clients ClientSource
	// Resources are the services that tokens are for, as absolute URIs without fragment (RFC 8707 §2). Required.
	Resources []string

	// Keys sign access tokens, which are then JWTs by RFC 9068, and are published as a JWK Set. Set Keys or OpaqueKeys.
	Keys *jwt.KeyRing
	// OpaqueKeys seal access tokens, which are then readable for this server alone: services ask it by introspection.
	// 32 random bytes each; the first seals, all of them, up to four, open.
	OpaqueKeys [][]byte
	// AccessLifetime is how long access tokens live. 0 is 10 min; 10 s to 1 h.
	AccessLifetime time.Duration

	// Sessions configures refresh tokens and everything that is kept. Store and Keys are required. Access and Client
	// must be left out: the server is the former, and every session names its client. Observer and Clock are those of
	// this Config where they are nil.
	Sessions refresh.Config

	// Policy is asked before every access token, whatever the grant. Nil allows what the client is registered for.
	Policy PolicyFunc
	// DPoP checks proofs and binds tokens to their keys (RFC 9449 §5). Nil does not, and clients that require it get no
	// tokens. Its ReplayStore may be Sessions.Store.
	DPoP *dpop.Verifier
	// LegacyPassword turns the password grant on, which RFC 9700 §2.4 forbids ("MUST NOT be used"). Nil leaves it off.
	LegacyPassword *LegacyPassword

	// Observer is told of every token request that is decided and every client that fails to authenticate. Nil tells
	// nobody.
	Observer auth.Observer
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// Format writes "[redacted]", whatever the verb, since OpaqueKeys and Sessions.Keys are secret.
func (Config) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (Config) LogValue() slog.Value { return slog.StringValue(redacted) }

// A PolicyFunc decides on a token that is about to be made. It returns what the token may do, at most ask.Scopes, or an
// error: an [*auth.Error] refuses (KindInvalid is answered as invalid_grant, KindForbidden as unauthorized_client,
// KindThrottled with 429), any other error says that it can't be decided now. It must be safe for concurrent use.
type PolicyFunc func(ctx context.Context, ask Ask) (auth.ScopeSet, error)

// An Ask is what a policy decides on. The client is authenticated, and scopes and resources are within what it is
// registered for.
type Ask struct {
	// Grant is how the token is asked for.
	Grant Grant
	// Client is who asks, Subject whom the token will stand for.
	Client  *Client
	Subject string
	// Scopes and Resources are what the token will be good for.
	Scopes    auth.ScopeSet
	Resources []string
}

// A Server is the token side of an authorization server. It is safe for concurrent use, and prints as "[redacted]".
type Server struct {
	c         Config
	path      string // of the issuer, without a slash at its end
	tokenURL  string
	sessions  *refresh.Issuer
	access    accessFormat
	grants    map[string]grant
	challenge string
	metadata  []byte
}

// Format writes "[redacted]", whatever the verb.
func (s *Server) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (s *Server) LogValue() slog.Value { return slog.StringValue(redacted) }

// New returns the server that c describes.
func New(c Config) (*Server, error) {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("server: Config."+format, args...)) }
	s := &Server{}
	var err error
	if s.path, err = issuerPath(c.Issuer); err != nil {
		errs = append(errs, err)
	}
	if c.Clients == nil {
		add("Clients is nil: set one, such as NewClients(…)")
	}
	errs = append(errs, checkResources("Config.Resources", c.Resources)...)
	if len(c.Resources) == 0 {
		add("Resources is empty: name the services that tokens are for")
	}
	c.AccessLifetime = cmp.Or(c.AccessLifetime, DefaultAccessLifetime)
	if c.AccessLifetime < minAccessLifetime || c.AccessLifetime > MaxAccessLifetime {
		add("AccessLifetime is %v: use 0 for %v, or %v to %v", c.AccessLifetime, DefaultAccessLifetime, minAccessLifetime, MaxAccessLifetime)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	c.Resources = slices.Clone(c.Resources)
	s.c = c
	if len(errs) == 0 { // what follows is built on it
		s.access, err = s.newAccess()
		errs = append(errs, err, s.useSessions(), s.usePassword())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.c.OpaqueKeys = nil
	s.tokenURL = s.endpoint("/token")
	s.challenge = "Basic realm=\"" + c.Issuer + "\", charset=\"UTF-8\""
	s.grants = s.table()
	s.metadata = s.document()
	return s, nil
}

// useSessions puts the issuer of sessions on the server.
func (s *Server) useSessions() error {
	c := s.c.Sessions
	if c.Access != nil || c.Client != "" {
		return errors.New("server: Config.Sessions: Access and Client must be left out: the server sets them")
	}
	c.Access = refresh.AccessFunc(s.issueToSession)
	if c.Observer == nil {
		c.Observer = s.c.Observer
	}
	if c.Clock == nil {
		c.Clock = s.c.Clock
	}
	var err error
	if s.sessions, err = refresh.New(c); err != nil {
		return fmt.Errorf("server: Config.Sessions: %w", err)
	}
	return nil
}

// issuerPath checks an issuer and returns the path that the endpoints are below.
func issuerPath(issuer string) (string, error) {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Opaque != "":
		return "", fmt.Errorf("server: Config.Issuer is %q: use a URL such as \"https://id.example.com\"", issuer)
	case strings.ContainsAny(issuer, "?#"):
		return "", fmt.Errorf("server: Config.Issuer is %q: leave query and fragment out (RFC 8414 §2)", issuer)
	case strings.ContainsAny(issuer, "{}%\"\\ ") || strings.ContainsFunc(issuer, isNotASCII) || !isClean(u.Path):
		return "", fmt.Errorf("server: Config.Issuer is %q: use letters, digits, '-', '_', '.' and single '/' in its path", issuer)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return "", fmt.Errorf("server: Config.Issuer is %q: use https, or http on a loopback address", issuer)
	}
	return strings.TrimSuffix(u.Path, "/"), nil
}

func isNotASCII(r rune) bool { return r >= utf8.RuneSelf }

// isClean reports whether endpoints below a path can be reached: no handler is asked for a path with empty segments or dots.
func isClean(issuerPath string) bool {
	below := strings.TrimSuffix(issuerPath, "/") + "/x"
	return path.Clean(below) == below
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

// checkResources reports every name that is no resource indicator.
func checkResources(field string, list []string) []error {
	var errs []error
	for _, name := range list {
		if !isResource(name) {
			errs = append(errs, fmt.Errorf("server: %s: %q: use an absolute URI without fragment (RFC 8707 §2)", field, name))
		}
	}
	return errs
}

const maxResourceBytes = 512

func isResource(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.IsAbs() && !strings.Contains(s, "#") && len(s) <= maxResourceBytes
}

// endpoint returns the URL of an endpoint.
func (s *Server) endpoint(path string) string { return strings.TrimSuffix(s.c.Issuer, "/") + path }

// Sessions returns the sessions that refresh tokens stand for: a login of your own starts one by its Issue, for a client
// of this server that may use [GrantRefresh]; a change of password ends them by its RevokeSubject. The audience of a
// login that names none is the client's first resource.
func (s *Server) Sessions() *refresh.Issuer { return s.sessions }

// Handler serves all endpoints, by their full paths: mount it at "/", or at the issuer's path and at "/.well-known/".
//
//	{issuer}/token       RFC 6749 §3.2
//	{issuer}/revoke      RFC 7009
//	{issuer}/introspect  RFC 7662
//	{issuer}/jwks        RFC 7517, where access tokens are JWTs
//	/.well-known/oauth-authorization-server{path} and, for clients that look for it there, the two places of OpenID
//	Connect Discovery: RFC 8414
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(s.path+"/token", s.serveToken)
	mux.HandleFunc(s.path+"/revoke", s.serveRevoke)
	mux.HandleFunc(s.path+"/introspect", s.serveIntrospect)
	if s.c.Keys != nil {
		mux.Handle(s.path+"/jwks", s.c.Keys.Handler())
	}
	mux.HandleFunc("/.well-known/oauth-authorization-server"+s.path, s.serveMetadata)
	mux.HandleFunc("/.well-known/openid-configuration"+s.path, s.serveMetadata)
	if s.path != "" {
		mux.HandleFunc(s.path+"/.well-known/openid-configuration", s.serveMetadata)
	}
	return mux
}
