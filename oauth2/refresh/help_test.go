package refresh_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// clock is a time that stands still until it is told to go on.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(start.UnixNano())
	return c
}

func (c *clock) now() time.Time      { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) add(d time.Duration) { c.ns.Add(int64(d)) }

// events collects what an observer is told.
type events struct {
	mu   sync.Mutex
	list []auth.Event
}

func (e *events) Observe(_ context.Context, event auth.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

func (e *events) count(reason auth.Reason) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, event := range e.list {
		if event.Reason == reason {
			n++
		}
	}
	return n
}

func (e *events) last() auth.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.list) == 0 {
		return auth.Event{}
	}
	return e.list[len(e.list)-1]
}

// access is an issuer of texts that name the session and a number.
func access(c *clock) refresh.AccessFunc {
	var n atomic.Int64
	return func(_ context.Context, a refresh.Access) (refresh.AccessToken, error) {
		n.Add(1)
		return refresh.AccessToken{Token: "at-" + a.Session + "-" + a.Scopes.String(), ExpiresAt: c.now().Add(10 * time.Minute)}, nil
	}
}

func key(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }

// world is an issuer with all that it stands on.
type world struct {
	t      testing.TB
	clock  *clock
	store  *faultyStore
	events *events
	issuer *refresh.Issuer
	jwts   *jwt.Issuer // of a jwtWorld
}

// sign makes a token that is not of a session.
func (w *world) sign(g jwt.Grant) string {
	w.t.Helper()
	issued, err := w.jwts.Issue(w.t.Context(), g)
	if err != nil {
		w.t.Fatal(err)
	}
	return issued.Token
}

func newWorld(t testing.TB, change func(*refresh.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: newClock(), events: &events{}}
	memory, err := refresh.NewMemoryStore(refresh.MemoryConfig{Clock: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	w.store = &faultyStore{MemoryStore: memory}
	c := refresh.Config{
		Store: w.store, Access: access(w.clock), Keys: [][]byte{key(1)}, Observer: w.events, Clock: w.clock.now,
	}
	if change != nil {
		change(&c)
	}
	if w.issuer, err = refresh.New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) login(l refresh.Login) refresh.Tokens {
	w.t.Helper()
	if l.Subject == "" {
		l.Subject = "alice"
	}
	tokens, err := w.issuer.Issue(w.t.Context(), l)
	if err != nil {
		w.t.Fatalf("Issue: %v", err)
	}
	return tokens
}

func (w *world) refresh(token string) (refresh.Tokens, error) {
	return w.issuer.Refresh(w.t.Context(), refresh.Request{Token: token})
}

func (w *world) mustRefresh(token string) refresh.Tokens {
	w.t.Helper()
	tokens, err := w.refresh(token)
	if err != nil {
		w.t.Fatalf("Refresh: %v (reason %s)", err, w.events.last().Reason)
	}
	return tokens
}

// refused checks that a token is refused as invalid_grant, for a reason.
func (w *world) refused(token string, reason auth.Reason) {
	w.t.Helper()
	tokens, err := w.refresh(token)
	if !errors.Is(err, refresh.ErrInvalid) || auth.KindOf(err) != auth.KindInvalid {
		w.t.Fatalf("got error %v, want ErrInvalid", err)
	}
	if tokens.RefreshToken != "" || tokens.AccessToken != "" {
		w.t.Fatal("got tokens together with an error")
	}
	if got := auth.AsError(err).Reason; got != reason {
		w.t.Fatalf("got reason %q, want %q", got, reason)
	}
}

// faultyStore is a memory store that counts its calls and fails where it is told to.
type faultyStore struct {
	*refresh.MemoryStore
	create, find, swap, once, list atomic.Int64
	failFind, failList, failOnce   atomic.Bool
	failBefore, failAfter          atomic.Bool // of Create and Swap
	delay                          time.Duration
}

var errDown = errors.New("store is down")

func (s *faultyStore) calls() int64 {
	return s.create.Load() + s.find.Load() + s.swap.Load() + s.once.Load() + s.list.Load()
}

func (s *faultyStore) wait() {
	if s.delay > 0 {
		<-time.After(s.delay)
	}
}

func (s *faultyStore) write(do func() error) error {
	if s.failBefore.Load() {
		return errDown
	}
	s.wait()
	err := do()
	if s.failAfter.Load() {
		return errDown
	}
	return err
}

func (s *faultyStore) Create(ctx context.Context, g refresh.Grant) error {
	s.create.Add(1)
	return s.write(func() error { return s.MemoryStore.Create(ctx, g) })
}

func (s *faultyStore) Find(ctx context.Context, id refresh.GrantID) (refresh.Grant, error) {
	s.find.Add(1)
	if s.failFind.Load() {
		return refresh.Grant{}, errDown
	}
	s.wait()
	return s.MemoryStore.Find(ctx, id)
}

func (s *faultyStore) Swap(ctx context.Context, old, next refresh.Grant) error {
	s.swap.Add(1)
	return s.write(func() error { return s.MemoryStore.Swap(ctx, old, next) })
}

func (s *faultyStore) List(ctx context.Context, q refresh.Query) ([]refresh.Grant, error) {
	s.list.Add(1)
	if s.failList.Load() {
		return nil, errDown
	}
	return s.MemoryStore.List(ctx, q)
}

// jwtWorld is a world whose access tokens are JWTs, with the verifier for them.
func jwtWorld(t testing.TB) (*world, *jwt.Verifier) {
	t.Helper()
	seed := sha256.Sum256([]byte("refresh test key"))
	signing, err := jwt.NewSigningKey("k1", jwt.EdDSA, ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	var issuer *jwt.Issuer
	w := newWorld(t, func(c *refresh.Config) {
		var err error
		issuer, err = jwt.NewIssuer(jwt.IssuerConfig{
			Issuer: "https://api.example.com", Keys: signing, Audience: []string{"https://api.example.com"}, Clock: c.Clock,
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Access = refresh.JWT(issuer)
	})
	w.jwts = issuer
	keys, err := jwt.NewKeySet(signing.Public())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: "https://api.example.com", Keys: keys, Audience: []string{"https://api.example.com"},
		Algorithms: []jwt.Algorithm{jwt.EdDSA}, Revoker: w.issuer, Clock: w.clock.now, Leeway: jwt.NoLeeway,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, verifier
}

func (s *faultyStore) Once(ctx context.Context, key string, until time.Time) (bool, error) {
	s.once.Add(1)
	if s.failOnce.Load() {
		return false, errDown
	}
	return s.MemoryStore.Once(ctx, key, until)
}
