package jwt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-go/auth/internal/discovery"
	"github.com/cardea-go/auth/internal/jose"
)

// Limits and defaults of a [RemoteConfig].
const (
	DefaultRefresh = 15 * time.Minute
	DefaultExpire  = 24 * time.Hour
	MaxExpire      = 7 * 24 * time.Hour
	// JWKSBytes is how long a JWK Set or metadata document may be.
	JWKSBytes = 512 << 10

	defaultTimeout  = 5 * time.Second
	defaultCooldown = 30 * time.Second
	minRefresh      = time.Minute
	maxRefresh      = 24 * time.Hour
	clockSlack      = time.Minute // by which an answer may seem to come from the future
	minBackoff      = time.Second
	maxBackoff      = 5 * time.Minute
)

// A RemoteConfig configures [NewRemote]. URL or Issuer is required.
type RemoteConfig struct {
	// URL is the address of the JWK Set. https is required.
	URL string
	// Issuer finds the address instead, in the issuer's metadata: OpenID Connect Discovery 1.0 §4, else RFC 8414
	// §3. The metadata's issuer must be this one, byte for byte.
	Issuer string
	// Keys says how keys are read that leave something open.
	Keys KeyOptions

	// Refresh is how old the keys may be before they are fetched again, beside the verification that finds them
	// old. max-age of the response replaces it, between 1 min and 24 h or Expire. 0 is 15 min. It is jittered by a tenth.
	Refresh time.Duration
	// Expire is how old the keys may be before they are not trusted any more, while fetching fails. 0 is 24 h; at
	// most 7 days.
	Expire time.Duration
	// Cooldown is how long after a fetch an unknown kid does not cause another. 0 is 30 s; at least 1 s.
	Cooldown time.Duration
	// Timeout limits one fetch, metadata included. 0 is 5 s; at most 1 min.
	Timeout time.Duration

	// Transport makes the requests. Nil is a transport of its own, without cookies. To refuse private addresses, for
	// issuers that tenants name, give one whose dialer does.
	Transport http.RoundTripper
	// InsecureAllowHTTP allows http to a loopback address, for tests.
	InsecureAllowHTTP bool

	// OnRefresh is told of every fetch, one after another: nil where it succeeded. It must not block, nor call Close.
	OnRefresh func(err error)
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// A Remote is a [KeySource] that fetches an issuer's JWK Set over HTTP and keeps it.
//
// A verification reads an immutable snapshot and waits for nothing but the very first fetch, an unknown kid, or keys
// that have expired. A snapshot older than Refresh is replaced in the background; a failing endpoint leaves the last good
// one in place until it is older than Expire. An unknown kid makes one fetch, which all callers share, and at most
// one in every Cooldown, so that forged tokens can't cause a storm. Failures back off by themselves, from 1 s to 5 min,
// and never consume the cooldown. A bad signature never causes a fetch.
//
// A response counts only if it is 200, at most 512 KiB and has a key that can be used. Redirects are not followed. Keys
// that can't be used (unknown types, encryption keys, weak keys) are skipped and counted; private and symmetric keys
// are never taken.
//
// It is safe for concurrent use. Close it to stop the fetch that may be under way.
type Remote struct {
	c         RemoteConfig
	rsa       jose.Alg
	client    *http.Client
	transport *http.Transport // of our own, to be closed
	snapshot  atomic.Pointer[snapshot]

	fetches, failures atomic.Uint64

	retryAt atomic.Pointer[time.Time] // no fetch before, after failures; nil: at any time

	mu      sync.Mutex
	flight  *flight
	told    chan struct{} // closed when OnRefresh has been told of the last flight
	backoff time.Duration
	lastErr error
	closed  bool
	ctx     context.Context // of the fetches, ended by Close
	stop    context.CancelFunc
	running sync.WaitGroup
}

// snapshot is one good answer.
type snapshot struct {
	set       *KeySet
	skipped   int
	fetchedAt time.Time
	refreshAt time.Time
	location  string // where the set was
	etag      string // there
}

// age is how old a snapshot is. It is negative where the clock has been set back by more than clockSlack: then nobody
// knows.
func (s *snapshot) age(now time.Time) time.Duration {
	if age := now.Sub(s.fetchedAt); age < -clockSlack || age > 0 {
		return age
	}
	return 0
}

// flight is a fetch under way.
type flight struct {
	done         chan struct{}
	before, told chan struct{} // the turn of OnRefresh: after the one before
	err          error
}

// NewRemote returns the source that c describes. It fetches nothing yet: the first verification does, or [Remote.Warm].
func NewRemote(c RemoteConfig) (*Remote, error) {
	rsaAlg, err := c.check()
	if err != nil {
		return nil, err
	}
	r := &Remote{c: c, rsa: rsaAlg, told: make(chan struct{})}
	close(r.told)
	r.ctx, r.stop = context.WithCancel(context.Background())
	transport := c.Transport
	if transport == nil {
		r.transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 2, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: c.Timeout, MaxResponseHeaderBytes: 64 << 10,
		}
		transport = r.transport
	}
	r.client = &http.Client{
		Transport: transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return r, nil
}

// check reports every mistake in c and fills in its defaults.
func (c *RemoteConfig) check() (jose.Alg, error) {
	var errs []error
	if (c.URL == "") == (c.Issuer == "") {
		errs = append(errs, errors.New("jwt: RemoteConfig: set one of URL and Issuer"))
	}
	for _, address := range []string{c.URL, c.Issuer} {
		if address != "" {
			errs = append(errs, c.checkURL(address))
		}
	}
	if strings.ContainsAny(c.Issuer, "?#") {
		errs = append(errs, errors.New("jwt: RemoteConfig.Issuer has a query or fragment: RFC 8414 §2 has none"))
	}
	limit := func(name string, d *time.Duration, standard, least, most time.Duration) {
		if *d == 0 {
			*d = standard
		}
		if *d < least || *d > most {
			errs = append(errs, fmt.Errorf("jwt: RemoteConfig.%s is %v: use 0 for %v, or %v to %v", name, *d, standard, least, most))
		}
	}
	limit("Expire", &c.Expire, DefaultExpire, minRefresh, MaxExpire)
	limit("Refresh", &c.Refresh, min(DefaultRefresh, max(c.Expire, minRefresh)), minRefresh, max(c.Expire, minRefresh))
	limit("Cooldown", &c.Cooldown, defaultCooldown, time.Second, time.Hour)
	limit("Timeout", &c.Timeout, defaultTimeout, time.Millisecond, time.Minute)
	if c.Clock == nil {
		c.Clock = time.Now
	}
	rsaAlg, err := c.Keys.rsa()
	return rsaAlg, errors.Join(append(errs, err)...)
}

// checkURL refuses an address that keys must not come from.
func (c *RemoteConfig) checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("jwt: RemoteConfig: address %q: use https://host/path", redactURL(u))
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && c.InsecureAllowHTTP && discovery.IsLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("jwt: RemoteConfig: address %q: use https (http to a loopback address needs InsecureAllowHTTP)", redactURL(u))
}

// redactURL leaves out what may be secret: user, password and query.
func redactURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

var errClosed = errors.New("jwt: key source is closed")

// Key implements [KeySource].
func (r *Remote) Key(ctx context.Context, id string, alg Algorithm) (*PublicKey, error) {
	a, _ := alg.parse()
	now := r.c.Clock()
	s := r.snapshot.Load()
	if s == nil || s.age(now).Abs() >= r.c.Expire {
		return r.fetchAndFind(ctx, now, s, id, a)
	}
	age := s.age(now)
	if (age < 0 || !now.Before(s.refreshAt)) && !r.backsOff(now) && r.mu.TryLock() {
		_, _ = r.begin(now, s) //nolint:contextcheck // in the background: the keys that we have are good
		r.mu.Unlock()
	}
	k, err := s.set.find(id, a)
	if err == ErrUnknownKey && (age < 0 || age >= r.c.Cooldown) { //nolint:errorlint // our own, unwrapped
		return r.fetchAndFind(ctx, now, s, id, a)
	}
	return k, err
}

// fetchAndFind looks for a key in an answer newer than old. The failure to get one leaves the question open.
func (r *Remote) fetchAndFind(ctx context.Context, now time.Time, old *snapshot, id string, alg jose.Alg) (*PublicKey, error) {
	f, err := r.start(now, old) //nolint:contextcheck // the fetch is for all who wait, not for this request
	if err != nil {
		return nil, err
	}
	if f != nil {
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
	}
	return r.snapshot.Load().set.find(id, alg)
}

func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start returns the fetch under way, or begins one to replace old. It returns nil where old has been replaced meanwhile,
// and begins none while failures back off: then the error is the last failure.
func (r *Remote) start(now time.Time, old *snapshot) (*flight, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begin(now, old)
}

// backsOff reports whether failures keep a fetch from being made. It does not wait for one of them that a clock set back
// has put into the far future.
func (r *Remote) backsOff(now time.Time) bool {
	at := r.retryAt.Load()
	return at != nil && now.Before(*at) && at.Sub(now) <= 2*maxBackoff
}

// begin is start. The caller holds the lock.
func (r *Remote) begin(now time.Time, old *snapshot) (*flight, error) {
	switch {
	case r.closed:
		return nil, errClosed
	case r.flight != nil:
		return r.flight, nil
	case r.snapshot.Load() != old:
		return nil, nil //nolint:nilnil // nothing to wait for, as the comment says
	case r.backsOff(now):
		return nil, r.lastErr
	}
	f := &flight{done: make(chan struct{}), before: r.told, told: make(chan struct{})}
	r.flight, r.told = f, f.told
	r.running.Add(1)
	go r.run(f)
	return f, nil
}

// run makes one fetch. It belongs to no request: whoever caused it may go away, and others wait for it.
func (r *Remote) run(f *flight) {
	defer r.running.Done()
	ctx, cancel := context.WithTimeout(r.ctx, r.c.Timeout)
	defer cancel()
	s, err := r.safeFetch(ctx)
	now := r.c.Clock()
	r.fetches.Add(1)

	r.mu.Lock()
	if err == nil {
		s.fetchedAt = now
		r.snapshot.Store(s)
		r.backoff, r.lastErr = 0, nil
		r.retryAt.Store(nil)
	} else {
		r.failures.Add(1)
		r.backoff = min(max(2*r.backoff, minBackoff), maxBackoff)
		at := now.Add(jitter(r.backoff))
		r.retryAt.Store(&at)
		r.lastErr = err
	}
	r.flight = nil
	r.mu.Unlock()
	f.err = err
	close(f.done)
	defer close(f.told)
	<-f.before
	if r.c.OnRefresh != nil {
		r.c.OnRefresh(err)
	}
}

// safeFetch is fetch. A panic of the transport or of a parser is a failed fetch: net/http would save a request from it,
// and nobody saves this goroutine.
func (r *Remote) safeFetch(ctx context.Context) (s *snapshot, err error) {
	defer func() {
		if recover() != nil {
			s, err = nil, errPanic
		}
	}()
	return r.fetch(ctx, r.snapshot.Load())
}

// Warm fetches the keys now and waits for them, for a start-up that is to fail early.
func (r *Remote) Warm(ctx context.Context) error {
	f, err := r.start(r.c.Clock(), r.snapshot.Load()) //nolint:contextcheck // the fetch is for all who wait
	if err != nil || f == nil {
		return err
	}
	return f.wait(ctx)
}

// Close stops the fetch that may be under way and waits for its end. A source that is closed has no keys to fetch; the
// ones it has stay good until they expire. It returns nil.
func (r *Remote) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.running.Wait()
	if r.transport != nil {
		r.transport.CloseIdleConnections()
	}
	return nil
}

// RemoteStats are figures for health checks and metrics.
type RemoteStats struct {
	Keys              int       // that can be used
	Skipped           int       // in the last good answer, that can't
	FetchedAt         time.Time // of the last good answer; zero: none yet
	Fetches, Failures uint64
	LastError         error // of the last fetch; nil where it succeeded
}

// Stats returns the figures of now.
func (r *Remote) Stats() RemoteStats {
	st := RemoteStats{Fetches: r.fetches.Load(), Failures: r.failures.Load()}
	if s := r.snapshot.Load(); s != nil {
		st.Keys, st.Skipped, st.FetchedAt = len(s.set.keys), s.skipped, s.fetchedAt
	}
	r.mu.Lock()
	st.LastError = r.lastErr
	r.mu.Unlock()
	return st
}
