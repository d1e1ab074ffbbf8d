package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/discovery"
	"github.com/cardea-go/auth/internal/problem"
	"github.com/cardea-go/auth/internal/sitepath"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
)

// A LoginConfig configures [NewLogin]. Issuer, ClientID, RedirectURL, Keys and Done are required. It prints as "[redacted]".
type LoginConfig struct { //nolint:recvcheck // its methods for printing must also be those of a value
	// Issuer is the provider, such as "https://accounts.google.com": the issuer of its OpenID Connect metadata, to the
	// letter; see the package comment for that of others.
	Issuer string
	// ClientID is our name at the provider, the aud of its ID tokens.
	ClientID string
	// Client authenticates us at the token endpoint, as the provider registered us: oauth2.ClientSecretBasic,
	// ClientSecretPost or PrivateKeyJWT. Nil is a public client, which PKCE alone protects.
	Client oauth2.ClientAuthentication
	// RedirectURL is where [Login.Callback] is reached, as registered at the provider: https, or http on loopback. Each
	// Login needs one of its own (RFC 9700 §4.4).
	RedirectURL string
	// Scopes are asked for beside openid, such as "email" and "profile". Nil is openid alone: who it is, and no more.
	Scopes []string
	// Keys seal the cookie of a login under way: 1 to 4 of 32 random bytes, the first for sealing, all for opening. They must
	// be the same in every process that serves the two paths.
	Keys [][]byte
	// Done ends a login: it finds the user by the claims' issuer and subject, starts a session and redirects to
	// [Identity.ReturnTo]. Nothing has been written yet but headers. Required.
	Done func(w http.ResponseWriter, r *http.Request, who *Identity)
	// Failed answers a login that failed, with an [*auth.Error] whose text may be shown: malformed (400), invalid (401),
	// forbidden (403: the person or the provider said no, see [DeniedError]) or unavailable (503). Nil shows that text alone,
	// with that status: set it to show a page with a way back.
	Failed func(w http.ResponseWriter, r *http.Request, err error)

	// Algorithms are those of ID tokens. Nil is RS256, what providers take where nothing else was registered. An RSA key of the
	// provider that names no algorithm, as those of Microsoft, is for RS256.
	Algorithms []jwt.Algorithm
	// MaxAge asks for a login at the provider that is not older, and refuses older ones (auth_time). 0 asks for nothing.
	MaxAge time.Duration
	// Prompt is the parameter of that name: "login", "consent", "select_account", or "none" for a login without a page.
	// "" leaves it to the provider.
	Prompt string
	// Params are further parameters of the way to the provider, such as "hd" and "access_type" of Google, "login_hint" or
	// "acr_values". They ask, and prove nothing: what counts is what the claims say, in Done. They must be none of those that
	// are set here.
	Params map[string]string
	// AllowUnadvertisedPKCE takes a provider whose metadata do not say that it checks PKCE with S256, as those of
	// Microsoft do not. It is sent nevertheless. What then keeps a stolen code from being put into another login is the
	// nonce alone.
	AllowUnadvertisedPKCE bool

	// Timeout limits each request to the provider. 0 is 10 s; at most 1 min.
	Timeout time.Duration
	// Transport makes the requests. Nil is one of our own.
	Transport http.RoundTripper
	// Observer is told of each login that ended, well or not. Nil tells nobody.
	Observer auth.Observer
	// ErrorLog gets the causes of failures, which clients are not told. They hold no token, code or secret. Nil drops them.
	ErrorLog *slog.Logger
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// Format writes "[redacted]", whatever the verb, since Keys are secret.
func (LoginConfig) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (LoginConfig) LogValue() slog.Value { return slog.StringValue(redacted) }

const (
	defaultTimeout = 10 * time.Second
	maxTimeout     = time.Minute
	maxMaxAge      = 366 * 24 * time.Hour
	loginLeeway    = 30 * time.Second
)

// A Login logs people in with their account at one provider. It is safe for concurrent use, and prints as "[redacted]".
type Login struct {
	c            LoginConfig
	provider     *provider
	client       *http.Client
	keys         *jwt.Remote
	verifier     *jwt.Verifier
	sealer       *sealer
	authenticate oauth2.ClientAuthenticationFunc
	scopes       auth.ScopeSet
}

// Format writes "[redacted]", whatever the verb.
func (l *Login) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (l *Login) LogValue() slog.Value { return slog.StringValue(redacted) }

// NewLogin returns the login that c describes. It asks the provider for nothing yet: see [Login.Warm].
func NewLogin(c LoginConfig) (*Login, error) {
	sealer, err := newSealer(c.Keys, c.Issuer, c.ClientID, c.RedirectURL, c.MaxAge.String())
	if err := errors.Join(c.check(), err); err != nil {
		return nil, err
	}
	l := &Login{c: c, client: newHTTPClient(c.Transport, c.Timeout), sealer: sealer}
	l.provider = newProvider(c.Issuer, l.client, c.Clock)
	issuer, _ := url.Parse(c.Issuer) // was checked
	var errs []error
	keep := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	l.scopes, err = auth.NewScopeSet(slices.Concat([]string{"openid"}, c.Scopes)...)
	keep(err)
	l.authenticate = func(_ context.Context, _ http.Header, form url.Values) error {
		form.Set("client_id", c.ClientID) // RFC 6749 §4.1.3: of a public client
		return nil
	}
	if c.Client != nil {
		l.authenticate, err = oauth2.PrepareClientAuthentication(c.Client, c.Issuer)
		keep(err)
	}
	l.keys, err = jwt.NewRemote(jwt.RemoteConfig{
		Issuer: c.Issuer, Transport: c.Transport, Timeout: c.Timeout, Clock: c.Clock, InsecureAllowHTTP: discovery.IsLoopback(issuer.Hostname()),
	})
	keep(err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	l.verifier, err = jwt.NewVerifier(jwt.Config{
		Issuer: c.Issuer, Keys: l.keys, Audience: []string{c.ClientID}, Algorithms: c.Algorithms, Profile: jwt.ProfileIDToken,
		MaxBytes: 64 << 10, Clock: c.Clock,
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// check reports every mistake in c and fills in its defaults.
func (c *LoginConfig) check() error {
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("client: LoginConfig."+format, args...))
	}
	for _, address := range []struct{ name, value, example string }{
		{"Issuer", c.Issuer, "https://accounts.google.com"}, {"RedirectURL", c.RedirectURL, "https://app.example.com/login/callback"},
	} {
		if address.value == "" {
			add("%s is empty: set a URL such as %s", address.name, address.example)
		} else if err := checkURL(address.value); err != nil {
			add("%s is %q: %w", address.name, address.value, err)
		}
	}
	if strings.Contains(c.Issuer, "?") {
		add("Issuer is %q: an issuer has no query", c.Issuer)
	}
	if c.ClientID == "" {
		add("ClientID is empty: set the client id that the provider gave you")
	}
	if c.Done == nil {
		add("Done is nil: set what starts a session for whoever has logged in")
	}
	for _, name := range []string{
		"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
		"max_age", "prompt", "request", "request_uri",
	} {
		if _, ok := c.Params[name]; ok {
			add("Params has %s: use the field for it, if there is one", name)
		}
	}
	if c.MaxAge < 0 || c.MaxAge > maxMaxAge {
		add("MaxAge is %v: use 0 for any age, or up to 366 days", c.MaxAge)
	}
	if !slices.Contains([]string{"", "none", "login", "consent", "select_account"}, c.Prompt) {
		add("Prompt is %q: use none, login, consent or select_account, or leave it empty", c.Prompt)
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		add("Timeout is %v: use 0 for %v, or up to %v", c.Timeout, defaultTimeout, maxTimeout)
	} else if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Failed == nil {
		c.Failed = func(w http.ResponseWriter, _ *http.Request, err error) {
			e := auth.AsError(err)
			http.Error(w, e.Error(), e.Kind.Status())
		}
	}
	if c.Algorithms == nil {
		c.Algorithms = []jwt.Algorithm{jwt.RS256}
	}
	c.Scopes, c.Algorithms, c.Params = slices.Clone(c.Scopes), slices.Clone(c.Algorithms), maps.Clone(c.Params)
	return errors.Join(errs...)
}

// Warm asks the provider for its metadata and keys, for a start-up that is to fail early.
func (l *Login) Warm(ctx context.Context) error {
	m, err := l.provider.metadata(ctx)
	if err != nil {
		return err
	}
	return errors.Join(l.usable(m), l.keys.Warm(ctx))
}

// Close stops what fetches keys in the background.
func (l *Login) Close() error { return l.keys.Close() }

var (
	errNoAuthorization = errors.New("client: metadata: without an authorization_endpoint: the provider logs nobody in")
	errNoPKCE          = errors.New("client: metadata: code_challenge_methods_supported has no S256: see LoginConfig.AllowUnadvertisedPKCE")
)

func (l *Login) usable(m *metadata) error {
	switch {
	case m.authorization == "":
		return errNoAuthorization
	case !m.s256 && !l.c.AllowUnadvertisedPKCE:
		return errNoPKCE
	}
	return nil
}

// Start sends the browser to the provider (RFC 6749 §4.1.1). It serves GET, as a link or a redirect, and takes one parameter:
// return_to, a path of this site that [Identity.ReturnTo] then has. What is no such path is answered with 400.
func (l *Login) Start(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	to, ok := returnPath(r.URL.Query()["return_to"])
	if !ok {
		l.fail(w, r, auth.Malformed(ReasonReturn, errReturn))
		return
	}
	m, err := l.provider.metadata(r.Context())
	if err == nil {
		err = l.usable(m)
	}
	if err != nil {
		l.fail(w, r, auth.Unavailable(err))
		return
	}
	a := attempt{State: random(), Nonce: random(), Verifier: random(), ReturnTo: to, Began: l.c.Clock()}
	name := cookieName(a.State)
	clearAttempts(w, r)
	setAttempt(w, name, l.sealer.seal(name, a))
	http.Redirect(w, r, l.authorizationURL(m, a), http.StatusSeeOther)
}

// random returns 256 bits in base64url: 43 characters, as RFC 7636 §4.1 wants a verifier.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (l *Login) authorizationURL(m *metadata, a attempt) string {
	u, _ := url.Parse(m.authorization) // was checked
	challenge := sha256.Sum256([]byte(a.Verifier))
	q := u.Query() // RFC 6749 §3.1: a query that is there is kept
	for name, value := range l.c.Params {
		q.Set(name, value)
	}
	for name, value := range map[string]string{
		"response_type": "code", "client_id": l.c.ClientID, "redirect_uri": l.c.RedirectURL, "scope": l.scopes.String(),
		"state": a.State, "nonce": a.Nonce, "code_challenge": base64.RawURLEncoding.EncodeToString(challenge[:]), "code_challenge_method": "S256",
	} {
		q.Set(name, value)
	}
	if l.c.MaxAge > 0 {
		q.Set("max_age", strconv.FormatInt(int64(l.c.MaxAge/time.Second), 10))
	}
	if l.c.Prompt != "" {
		q.Set("prompt", l.c.Prompt)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

var errReturn = errors.New("client: return_to is no path of this site: send one such as /notes")

// returnPath takes a path of this site, and "/" where none is given.
func returnPath(values []string) (path string, ok bool) {
	switch len(values) {
	case 0:
		return "/", true
	case 1:
		return values[0], len(values[0]) <= maxReturnPath && sitepath.Is(values[0])
	}
	return "", false
}

// fail reports a login that failed and answers it.
func (l *Login) fail(w http.ResponseWriter, r *http.Request, e *auth.Error) {
	l.observe(r, auth.Event{Outcome: auth.OutcomeRefused, Kind: e.Kind, Reason: e.Reason, Status: e.Kind.Status()})
	if l.c.ErrorLog != nil {
		l.c.ErrorLog.LogAttrs(r.Context(), slog.LevelWarn, "auth: login failed", slog.String("provider", l.c.Issuer), slog.Any("error", e))
	}
	if e.Kind == auth.KindUnavailable {
		w.Header().Set("Retry-After", problem.RetryAfter(e.RetryAfter))
	}
	l.c.Failed(w, r, e)
}

func (l *Login) observe(r *http.Request, e auth.Event) {
	if l.c.Observer == nil {
		return
	}
	e.Time, e.Authenticator, e.Scheme, e.Issuer = l.c.Clock(), "login", "openid", l.c.Issuer
	e.Remote, e.Method, e.Route = r.RemoteAddr, r.Method, r.Pattern
	l.c.Observer.Observe(r.Context(), e)
}
