package oauth2

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/discovery"
)

// Limits and defaults of an [IntrospectorConfig].
const (
	DefaultIntrospectionTimeout = 5 * time.Second
	MaxIntrospectionTimeout     = time.Minute
	DefaultCacheFor             = 30 * time.Second
	MaxCacheFor                 = 10 * time.Minute
	DefaultCacheInactiveFor     = 5 * time.Second
	MaxCacheInactiveFor         = time.Minute
	DefaultCacheEntries         = 10_000
	MaxCacheEntries             = 1_000_000
	DefaultCalls                = 64
	MaxCalls                    = 4096
	DefaultResponseBytes        = 64 << 10
	MaxResponseBytes            = 1 << 20
	// NoCache keeps nothing, for [IntrospectorConfig.CacheFor] and CacheInactiveFor: every request costs a call.
	NoCache = time.Nanosecond
)

// introspectionLeeway is how far the issuer's clock may differ from ours.
const introspectionLeeway = 30 * time.Second

// An IntrospectorConfig configures [NewIntrospector]. Endpoint, Issuer, Client and Audience are required.
type IntrospectorConfig struct {
	// Endpoint is the introspection endpoint (RFC 7662 §2): an https URL; http is for loopback addresses only.
	Endpoint string
	// Issuer is who vouches for the subjects: the iss of every principal. An answer that names another is refused.
	Issuer string
	// Client says who we are at the endpoint. Required.
	Client ClientAuthentication

	// Audience are our own names: the answer's aud must hold one of them.
	Audience []string
	// InsecureAnyAudience takes tokens that were made for somebody else, and answers without aud. Audience must then be
	// empty.
	InsecureAnyAudience bool
	// ClientAsSubject takes the client for the subject where the answer names none, as for client credentials at some
	// servers. A client that may choose its own client_id could then pass for a user (RFC 9700 §4.15). Without it such
	// tokens are refused.
	ClientAsSubject bool

	// Recognize reports whether a token is one of the issuer's, by its shape alone. Nil recognises every token.
	Recognize func(token string) bool

	// CacheFor is how long an answer is good for further requests: how late a revocation is noticed. It never outlives
	// the token. 0 is 30 s; at most 10 min; see [NoCache].
	CacheFor time.Duration
	// CacheInactiveFor is the same for tokens that are refused. 0 is 5 s; at most 1 min; see [NoCache].
	CacheInactiveFor time.Duration
	// CacheEntries limits the answers that are kept, of each sort. 0 is 10,000; at most 1 million.
	CacheEntries int

	// HTTPClient makes the calls. Nil is one of our own. Redirects are never followed: they would carry our secret and
	// the token elsewhere.
	HTTPClient *http.Client
	// Timeout limits a call, answer included. 0 is 5 s; at most 1 min.
	Timeout time.Duration
	// MaxCalls limits the calls under way; more are refused as unavailable at once. 0 is 64; at most 4096.
	MaxCalls int
	// MaxResponseBytes limits an answer. 0 is 64 KiB; at most 1 MiB.
	MaxResponseBytes int

	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// An Introspector verifies tokens by asking their issuer (RFC 7662). The token's data are the [*Introspection]. It is safe
// for concurrent use.
//
// Requests for one token that come together make one call. What is kept is found by the token's SHA-256 and belongs to
// this Introspector alone, which has one endpoint, one client and one set of demands: an answer for others never counts.
// Failures are not kept; they are [auth.KindUnavailable].
type Introspector struct {
	c       IntrospectorConfig
	client  *http.Client
	good    *answers
	bad     *answers
	flights flights
	calls   chan struct{}
}

// NewIntrospector returns the introspector that c describes.
func NewIntrospector(c IntrospectorConfig) (*Introspector, error) {
	if err := errors.Join(c.check(), c.limits()); err != nil {
		return nil, err
	}
	c.Audience = slices.Clone(c.Audience)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	i := &Introspector{c: c, calls: make(chan struct{}, c.MaxCalls)}
	i.good, i.bad = newAnswers(c.CacheEntries), newAnswers(c.CacheEntries)
	i.client = introspectionClient(c.HTTPClient)
	return i, nil
}

func introspectionClient(given *http.Client) *http.Client {
	client := &http.Client{}
	if given != nil {
		*client = *given
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConnsPerHost = 16
		client.Transport = t
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client
}

func (c *IntrospectorConfig) check() error {
	var errs []error
	add := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("oauth2: IntrospectorConfig."+format, args...))
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case c.Endpoint == "":
		add("Endpoint is empty: set the introspection_endpoint of your issuer's metadata")
	case err != nil || !isHTTP(u):
		add("Endpoint is not an absolute URL without user information and fragment: use one such as https://as.example.com/introspect")
	case u.Scheme != "https" && !discovery.IsLoopback(u.Hostname()):
		add("Endpoint %q: use https; http is for loopback addresses only", c.Endpoint)
	}
	if c.Issuer == "" {
		add("Issuer is empty: set who vouches for the subjects of these tokens")
	}
	if isNil(c.Client) {
		add("Client is nil: the endpoint wants to know who asks (RFC 7662 §2.1); use ClientSecretBasic, ClientSecretPost or PrivateKeyJWT")
	} else if c.Client, err = c.Client.prepare(c.Issuer); err != nil {
		errs = append(errs, err)
	}
	switch {
	case c.InsecureAnyAudience && len(c.Audience) > 0:
		add("InsecureAnyAudience beside Audience: set one of them")
	case !c.InsecureAnyAudience && len(c.Audience) == 0:
		add("Audience is empty: set the name that tokens for you have in aud")
	case slices.Contains(c.Audience, ""):
		add("Audience holds an empty name: remove it")
	}
	return errors.Join(errs...)
}

// limits checks the numbers and fills in their defaults.
func (c *IntrospectorConfig) limits() error {
	var errs []error
	for _, d := range []struct {
		name        string
		value       *time.Duration
		zero, limit time.Duration
	}{
		{"Timeout", &c.Timeout, DefaultIntrospectionTimeout, MaxIntrospectionTimeout},
		{"CacheFor", &c.CacheFor, DefaultCacheFor, MaxCacheFor},
		{"CacheInactiveFor", &c.CacheInactiveFor, DefaultCacheInactiveFor, MaxCacheInactiveFor},
	} {
		if *d.value < 0 || *d.value > d.limit {
			errs = append(errs, fmt.Errorf("oauth2: IntrospectorConfig.%s is %v: use 0 for %v, or up to %v", d.name, *d.value, d.zero, d.limit))
		}
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	for _, n := range []struct {
		name        string
		value       *int
		zero, limit int
	}{
		{"CacheEntries", &c.CacheEntries, DefaultCacheEntries, MaxCacheEntries},
		{"MaxCalls", &c.MaxCalls, DefaultCalls, MaxCalls},
		{"MaxResponseBytes", &c.MaxResponseBytes, DefaultResponseBytes, MaxResponseBytes},
	} {
		if *n.value < 0 || *n.value > n.limit {
			errs = append(errs, fmt.Errorf("oauth2: IntrospectorConfig.%s is %d: use 0 for %d, or up to %d", n.name, *n.value, n.zero, n.limit))
		}
		if *n.value == 0 {
			*n.value = n.zero
		}
	}
	return errors.Join(errs...)
}

// Verify implements [Verifier].
func (i *Introspector) Verify(ctx context.Context, token string) (*Token, error) {
	if i.c.Recognize != nil && !i.c.Recognize(token) {
		return nil, auth.ErrUnrecognized
	}
	key := digest(sha256.Sum256([]byte(token)))
	if a, ok := i.known(key); ok {
		return a.token, a.err
	}
	return i.flights.join(ctx, key, i.c.Timeout, func(ctx context.Context) (*Token, error) {
		return i.ask(ctx, key, token)
	})
}

func (i *Introspector) known(key digest) (answer, bool) {
	now := i.c.Clock()
	if a, ok := i.good.find(key, now); ok {
		return a, true
	}
	return i.bad.find(key, now)
}

// ask calls the endpoint and keeps what it learns.
func (i *Introspector) ask(ctx context.Context, key digest, token string) (*Token, error) {
	if a, ok := i.known(key); ok { // another call has ended since this one was asked for
		return a.token, a.err
	}
	select {
	case i.calls <- struct{}{}:
		defer func() { <-i.calls }()
	default:
		return nil, auth.Unavailable(errCalls)
	}
	body, err := i.call(ctx, token)
	if err != nil {
		return nil, auth.Unavailable(err)
	}
	now := i.c.Clock()
	t, err := i.c.judge(body, now)
	switch auth.KindOf(err) {
	case 0:
		until := now.Add(i.c.CacheFor)
		if !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(until) {
			until = t.ExpiresAt
		}
		i.good.add(key, answer{token: t, until: until}, now, i.c.CacheFor)
	case auth.KindInvalid:
		i.bad.add(key, answer{err: err, until: now.Add(i.c.CacheInactiveFor)}, now, i.c.CacheInactiveFor)
	default: // a failure is not kept: the next request asks again
	}
	return t, err
}

var errCalls = errors.New("oauth2: introspection: too many calls under way")
