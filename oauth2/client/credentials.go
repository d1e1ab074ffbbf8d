package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2"
)

// A CredentialsConfig configures [NewCredentials]. Client and one of Issuer and TokenURL are required. It prints as
// "[redacted]".
type CredentialsConfig struct {
	// Issuer is the authorization server, whose metadata say where its token endpoint is.
	Issuer string
	// TokenURL is the token endpoint, for servers without metadata: https, or http on loopback. It is also the audience of
	// an assertion then, where oauth2.PrivateKeyJWTConfig names none (RFC 7523 §3).
	TokenURL string
	// Client authenticates us, as the server registered us: oauth2.ClientSecretBasic, ClientSecretPost or PrivateKeyJWT.
	Client oauth2.ClientAuthentication
	// Scopes are asked for. Nil leaves them to the server.
	Scopes []string
	// Resources are what the tokens are for (RFC 8707 §2). Nil leaves it to the server.
	Resources []string
	// Params are further parameters, such as Auth0's "audience". They must be none of OAuth's that are set here.
	Params map[string]string

	// Timeout limits each request to the server. 0 is 10 s; at most 1 min.
	Timeout time.Duration
	// Transport makes the requests. Nil is one of our own.
	Transport http.RoundTripper
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// Format writes "[redacted]", whatever the verb, since Params may be secret.
func (CredentialsConfig) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (CredentialsConfig) LogValue() slog.Value { return slog.StringValue(redacted) }

const (
	renewAhead    = 30 * time.Second // or a tenth of the lifetime, where that is less
	unknownExpiry = 5 * time.Minute  // of a token whose end the server did not say
)

// Credentials get tokens for the service itself, by the client credentials grant (RFC 6749 §4.4), and keep each until shortly
// before its end. However many ask at once, one request is made. It is safe for concurrent use, and prints as "[redacted]".
type Credentials struct {
	c            CredentialsConfig
	client       *http.Client
	provider     *provider // nil where the endpoint was given
	authenticate oauth2.ClientAuthenticationFunc
	scopes       auth.ScopeSet
	tokens       *cell[kept]
}

// Format writes "[redacted]", whatever the verb.
func (s *Credentials) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (s *Credentials) LogValue() slog.Value { return slog.StringValue(redacted) }

// kept is a token with the time from which it is renewed.
type kept struct {
	tokens Tokens
	renew  time.Time
}

// NewCredentials returns the source that c describes. It asks for nothing yet.
func NewCredentials(c CredentialsConfig) (*Credentials, error) {
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("client: CredentialsConfig."+format, args...))
	}
	if (c.Issuer == "") == (c.TokenURL == "") {
		add("Issuer and TokenURL: set one of them")
	}
	for name, address := range map[string]string{"Issuer": c.Issuer, "TokenURL": c.TokenURL} {
		if address == "" {
			continue
		}
		if err := checkURL(address); err != nil {
			add("%s is %q: %w", name, address, err)
		}
	}
	if strings.Contains(c.Issuer, "?") {
		add("Issuer is %q: an issuer has no query", c.Issuer)
	}
	for _, name := range []string{"grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type", "scope", "resource"} {
		if _, ok := c.Params[name]; ok {
			add("Params has %s: use the field for it", name)
		}
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		add("Timeout is %v: use 0 for %v, or up to %v", c.Timeout, defaultTimeout, maxTimeout)
	} else if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	c.Scopes, c.Resources, c.Params = slices.Clone(c.Scopes), slices.Clone(c.Resources), maps.Clone(c.Params)
	s := &Credentials{c: c, client: newHTTPClient(c.Transport, c.Timeout), tokens: newCell[kept](c.Clock)}
	var err error
	if s.scopes, err = auth.NewScopeSet(c.Scopes...); err != nil {
		errs = append(errs, err)
	}
	if s.authenticate, err = oauth2.PrepareClientAuthentication(c.Client, cmp.Or(c.Issuer, c.TokenURL)); err != nil {
		errs = append(errs, err)
	}
	if c.Issuer != "" {
		s.provider = newProvider(c.Issuer, s.client, c.Clock)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// Token returns a token that is good for some time yet. An error wraps a [*TokenError] where the server refused; after a
// failure the server is left alone for a second.
func (s *Credentials) Token(ctx context.Context) (Tokens, error) {
	k, err := s.get(ctx)
	if err != nil {
		return Tokens{}, err
	}
	return k.tokens, nil
}

func (s *Credentials) get(ctx context.Context) (*kept, error) {
	return s.tokens.get(ctx, func(k *kept) bool { return s.c.Clock().Before(k.renew) }, s.ask)
}

func (s *Credentials) ask(ctx context.Context) (*kept, error) {
	endpoint := s.c.TokenURL
	if s.provider != nil {
		m, err := s.provider.metadata(ctx)
		if err != nil {
			return nil, err
		}
		endpoint = m.token
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	for name, value := range s.c.Params {
		form.Set(name, value)
	}
	if scope := s.scopes.String(); scope != "" {
		form.Set("scope", scope)
	}
	if len(s.c.Resources) > 0 {
		form["resource"] = slices.Clone(s.c.Resources)
	}
	asked := s.c.Clock()
	tokens, err := askForTokens(ctx, s.client, endpoint, s.authenticate, form, s.scopes, s.c.Clock)
	if err != nil {
		return nil, err
	}
	if tokens.ExpiresAt.IsZero() {
		return &kept{tokens, asked.Add(unknownExpiry)}, nil
	}
	return &kept{tokens, tokens.ExpiresAt.Add(-min(renewAhead, tokens.ExpiresAt.Sub(asked)/10))}, nil
}

// Transport returns a transport that sends the token along with requests to the origins named, such as
// "https://api.example.com", and refuses requests to others: a token goes where it is meant to go, also after a redirect (RFC
// 9700 §4.9.1). A token that is answered with 401 is forgotten, so that the next request has a new one; one in 10 s, as another
// token does not help against a server that refuses them all. base makes the requests; nil is [http.DefaultTransport].
func (s *Credentials) Transport(base http.RoundTripper, origins ...string) (http.RoundTripper, error) {
	t := &transport{source: s, base: base, origins: make(map[string]bool, len(origins))}
	if base == nil {
		t.base = http.DefaultTransport
	}
	if len(origins) == 0 {
		return nil, errors.New("client: Credentials.Transport without an origin: name those that get the token, such as https://api.example.com")
	}
	for _, text := range origins {
		u, err := url.Parse(text)
		if err != nil || checkURL(text) != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
			return nil, fmt.Errorf("client: Credentials.Transport: origin %q: use scheme and host alone, such as https://api.example.com (http is for loopback addresses only)", text)
		}
		t.origins[originOf(u)] = true
	}
	return t, nil
}

type transport struct {
	source  *Credentials
	base    http.RoundTripper
	origins map[string]bool
}

// originOf spells an origin in one way (RFC 6454 §6.2).
func originOf(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return u.Scheme + "://" + strings.Map(lower, u.Hostname()) + ":" + port
}

// lower knows the letters of ASCII alone, as DNS does (RFC 4343): that of "İ" would be "i", which is another host's.
func lower(c rune) rune {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

var errOrigin = errors.New("client: a request to an origin that does not get the token: name it in Credentials.Transport, or use another client")

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.origins[originOf(r.URL)] {
		return nil, refuseBody(r, errOrigin)
	}
	k, err := t.source.get(r.Context())
	if err != nil {
		return nil, refuseBody(r, err)
	}
	r = r.Clone(r.Context()) // a RoundTripper must not change what it was given
	r.Header.Set("Authorization", "Bearer "+k.tokens.AccessToken)
	resp, err := t.base.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		t.source.tokens.forget(k)
	}
	return resp, err
}

// refuseBody closes the body, as a RoundTripper must also where it fails.
func refuseBody(r *http.Request, err error) error {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return err
}
