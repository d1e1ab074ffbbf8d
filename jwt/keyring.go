package jwt

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-go/auth/internal/jose"
)

// Defaults of a [KeyRingConfig].
const (
	DefaultPeriod       = 30 * 24 * time.Hour
	DefaultPublishAhead = 24 * time.Hour
	DefaultKeepAfter    = MaxLifetime + MaxLeeway
	DefaultJWKSMaxAge   = 10 * time.Minute

	minPeriod  = 10 * time.Minute
	maxPeriod  = 366 * 24 * time.Hour
	ringReload = time.Minute
	ringRetry  = 30 * time.Second
	ringWait   = 200 * time.Millisecond // of a call for maintenance
	ringTime   = 10 * time.Second       // of maintenance beside a call
)

// A KeyRingConfig configures [NewKeyRing]. Nothing is required: the zero value keeps Ed25519 keys in memory, which is
// right for tests and for nothing that restarts.
type KeyRingConfig struct { //nolint:recvcheck // its methods for printing must also be those of a value
	// Algorithm is what keys are made for. "" is EdDSA.
	Algorithm Algorithm
	// Period is how long a key signs. 0 is 30 days; 10 min to 366 days.
	Period time.Duration
	// PublishAhead is how long a key is published before it signs: longer than verifiers keep a set, so at least
	// MaxAge and a minute. It is at most Period. 0 is 24 h, or Period where that is shorter.
	PublishAhead time.Duration
	// KeepAfter is how long a key is published after its last signature: longer than its tokens live. [NewIssuer]
	// checks that. 0 is 24 h and 5 min.
	KeepAfter time.Duration
	// MaxAge is how long verifiers may keep the set, as Cache-Control says. 0 is 10 min; 1 min to 24 h.
	MaxAge time.Duration

	// Store persists the ring, so that it outlives the process and several instances share it. Nil keeps it in
	// memory.
	Store RingStore
	// Secrets seal the ring in Store: 32 random bytes each, the first for sealing, all of them for opening. They may be
	// those of package refresh too: each derives keys of its own. Required with Store.
	Secrets [][]byte

	// Generate makes a key for Algorithm, in a KMS or an HSM for one. Nil makes it in memory.
	Generate func(ctx context.Context) (crypto.Signer, error)
	// Encode and Decode turn a key into what Store holds, sealed, and back: a KMS's name for it, for one. Nil is
	// PKCS #8, for keys that Generate makes in memory. Set both or neither.
	Encode func(key crypto.Signer) ([]byte, error)
	Decode func(ctx context.Context, encoded []byte) (crypto.Signer, error)

	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// String returns "[redacted]", since Secrets are secret.
func (KeyRingConfig) String() string { return redacted }

// GoString returns "[redacted]".
func (KeyRingConfig) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (KeyRingConfig) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (KeyRingConfig) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (KeyRingConfig) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// A KeyState is where a key of a ring is in its life.
type KeyState string

// The states, in order. A key that is removed is not in the ring.
const (
	KeyNext    KeyState = "next"    // published, not signing yet
	KeyActive  KeyState = "active"  // published and signing
	KeyRetired KeyState = "retired" // published, not signing any more
)

// A RingKey is a key with its schedule, which depends on nothing but the configuration and the time.
type RingKey struct {
	Key   *PublicKey
	State KeyState
	// PublishedAt and ActiveAt are when it entered the ring and when it signs first.
	PublishedAt, ActiveAt time.Time
	// RetireAt is when its successor takes over, RemoveAt when it leaves the ring. Of a key without a successor
	// yet, they are what is planned; it never stops before its successor has been published for PublishAhead.
	RetireAt, RemoveAt time.Time
}

// A KeyRing holds the keys of an [Issuer], which follow each other: each is published, then signs for a period, then is
// published for as long as its tokens live. It is the [SigningSource] of an issuer and a [KeySource] for verifiers in the
// same process, and serves its public keys by [KeyRing.Handler].
//
// Nothing runs by itself. What is due is done by [KeyRing.Maintain], by [KeyRing.Run], or else beside the next call that
// uses the ring, which waits for it, 200 ms at most; it is given up after 10 s. While the store fails, the ring goes on
// with the keys it has. That is also so where the store holds an earlier version than it once did, or nothing any more: a
// key that has been removed does not come back while the process lives.
//
// It is safe for concurrent use, also by several processes on one store. It prints as "[redacted]".
type KeyRing struct {
	c     KeyRingConfig
	alg   jose.Alg
	box   *ringBox
	state atomic.Pointer[ringState]

	mu    sync.Mutex // of maintenance
	retry atomic.Int64
}

// ringState is an immutable state of a ring, oldest key first.
type ringState struct {
	keys    []ringEntry
	version uint64
	dueAt   time.Time
	stages  atomic.Pointer[ringStage]
}

type ringEntry struct {
	key               *SigningKey
	published, active time.Time
}

// ringStage is what a state means between two of its deadlines.
type ringStage struct {
	from     time.Time
	until    time.Time
	active   *SigningKey
	keys     []RingKey
	set      *KeySet
	document *jwksDocument
}

// NewKeyRing returns the ring that c describes, with what the store holds, or a first key that signs at once.
func NewKeyRing(ctx context.Context, c KeyRingConfig) (*KeyRing, error) {
	alg, err := c.check()
	if err != nil {
		return nil, err
	}
	r := &KeyRing{c: c, alg: alg}
	if c.Store != nil {
		if r.box, err = newRingBox(c.Secrets); err != nil {
			return nil, err
		}
		r.c.Secrets = nil
	}
	if err := r.Maintain(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// String returns "[redacted]".
func (r *KeyRing) String() string { return redacted }

// GoString returns "[redacted]".
func (r *KeyRing) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (r *KeyRing) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (r *KeyRing) LogValue() slog.Value { return slog.StringValue(redacted) }

// check reports every mistake in c and fills in its defaults.
func (c *KeyRingConfig) check() (jose.Alg, error) {
	if c.Algorithm == "" {
		c.Algorithm = EdDSA
	}
	alg, err := asymmetric(c.Algorithm)
	errs := []error{err}
	limit := func(name string, d *time.Duration, standard, least, most time.Duration) {
		if *d == 0 {
			*d = standard
		}
		if *d < least || *d > most {
			errs = append(errs, fmt.Errorf("jwt: KeyRingConfig.%s is %v: use 0 for %v, or %v to %v", name, *d, standard, least, most))
		}
	}
	limit("MaxAge", &c.MaxAge, DefaultJWKSMaxAge, time.Minute, 24*time.Hour)
	limit("Period", &c.Period, DefaultPeriod, minPeriod, maxPeriod)
	limit("PublishAhead", &c.PublishAhead, min(DefaultPublishAhead, c.Period), c.MaxAge+time.Minute, max(c.Period, c.MaxAge+time.Minute))
	limit("KeepAfter", &c.KeepAfter, DefaultKeepAfter, time.Minute, maxPeriod)
	if c.PublishAhead > c.Period {
		errs = append(errs, fmt.Errorf("jwt: KeyRingConfig.Period is %v: use more than PublishAhead, %v", c.Period, c.PublishAhead))
	}
	if c.Period > 0 && c.KeepAfter/c.Period > MaxKeys-5 { // beside them: next, active, and one that is kept for late clocks
		errs = append(errs, fmt.Errorf("jwt: KeyRingConfig.KeepAfter is %v: at a Period of %v that is more than %d keys", c.KeepAfter, c.Period, MaxKeys))
	}
	if (c.Store == nil) != (len(c.Secrets) == 0) {
		errs = append(errs, errors.New("jwt: KeyRingConfig: set Store and Secrets together: Secrets, of 32 random bytes each, seal what Store keeps"))
	}
	if (c.Encode == nil) != (c.Decode == nil) {
		errs = append(errs, errors.New("jwt: KeyRingConfig: set Encode and Decode together"))
	}
	if c.Generate == nil {
		c.Generate = func(context.Context) (crypto.Signer, error) { return generateKey(alg) }
	}
	if c.Encode == nil {
		c.Encode, c.Decode = encodePKCS8, decodePKCS8
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	c.Secrets = slices.Clone(c.Secrets)
	return alg, errors.Join(errs...)
}

// Keys returns the keys of now with their schedule, oldest first.
func (r *KeyRing) Keys() []RingKey {
	return slices.Clone(r.stage(context.Background(), r.c.Clock()).keys)
}

// Key implements [KeySource].
func (r *KeyRing) Key(ctx context.Context, id string, alg Algorithm) (*PublicKey, error) {
	a, _ := alg.parse()
	return r.stage(ctx, r.c.Clock()).set.find(id, a)
}

// signer implements SigningSource.
func (r *KeyRing) signer(ctx context.Context) *jose.Signer {
	return r.stage(ctx, r.c.Clock()).active.s
}

// keepAfter is found by NewIssuer, also where the ring is embedded in something else.
func (r *KeyRing) keepAfter() time.Duration { return r.c.KeepAfter }

// Handler serves the ring's public keys as a JWK Set, with an ETag and Cache-Control: max-age. It answers GET and HEAD.
func (r *KeyRing) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.stage(req.Context(), r.c.Clock()).document.ServeHTTP(w, req)
	})
}

// stage returns what the ring is at now, after doing what is due.
func (r *KeyRing) stage(ctx context.Context, now time.Time) *ringStage {
	state := r.state.Load()
	if !now.Before(state.dueAt) && now.UnixNano() >= r.retry.Load() && r.mu.TryLock() {
		r.maintainBeside(ctx)
		state = r.state.Load()
	}
	if s := state.stages.Load(); s != nil && !now.Before(s.from) && now.Before(s.until) {
		return s
	}
	s := r.newStage(state, now)
	state.stages.Store(s)
	return s
}

// maintainBeside maintains the ring and returns when that is done, or when it takes too long for a request. The caller
// holds the lock, which is let go when it is done.
func (r *KeyRing) maintainBeside(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ringTime)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer r.mu.Unlock()
		defer cancel()
		defer func() {
			if recover() != nil { // of the store or of Generate: a request would survive it, this goroutine would not
				r.backOff()
			}
		}()
		_ = r.maintain(ctx) // the keys that we have stay good; Maintain and Run report errors
	}()
	timer := time.NewTimer(ringWait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// backOff keeps requests from maintaining the ring again at once.
func (r *KeyRing) backOff() { r.retry.Store(r.c.Clock().Add(ringRetry).UnixNano()) }

// newStage computes what a state means at now.
func (r *KeyRing) newStage(state *ringState, now time.Time) *ringStage {
	s := &ringStage{from: now, until: now.Add(24 * time.Hour)}
	next := func(t time.Time) {
		if t.After(now) && t.Before(s.until) {
			s.until = t
		}
	}
	var keys []*PublicKey
	for i, e := range state.keys {
		k := RingKey{
			Key: e.key.public, State: KeyNext, PublishedAt: e.published, ActiveAt: e.active, RetireAt: e.active.Add(r.c.Period),
		}
		last := i == len(state.keys)-1
		if !last {
			k.RetireAt = state.keys[i+1].active
			next(k.RetireAt.Add(r.c.KeepAfter))
		}
		k.RemoveAt = k.RetireAt.Add(r.c.KeepAfter)
		next(e.active)
		switch {
		case !last && !now.Before(k.RemoveAt):
			continue
		case !last && !now.Before(k.RetireAt):
			k.State = KeyRetired
		case !now.Before(e.active):
			k.State = KeyActive
			s.active = e.key
		}
		s.keys = append(s.keys, k)
		keys = append(keys, e.key.public)
	}
	if s.active == nil { // the clock was set back, and this is the best we have
		s.active, s.keys[0].State = state.keys[0].key, KeyActive
	}
	s.set, _ = NewKeySet(keys...)                     // can't fail: addKey and load see to unique ids and a bounded number
	s.document, _ = newJWKSDocument(r.c.MaxAge, keys) // likewise, for keys of our own
	return s
}

// Maintain does what is due: it reads the store, removes keys that have had their time, and makes the next one. It returns
// the error of the store or of Generate; the ring then goes on with the keys it has.
func (r *KeyRing) Maintain(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.maintain(ctx)
}

// Run maintains the ring until the context ends, whose error it returns. report is told of every error; nil ignores them.
// After an error it waits for 30 s.
func (r *KeyRing) Run(ctx context.Context, report func(error)) error {
	for {
		least := time.Second
		if err := r.Maintain(ctx); err != nil {
			least = ringRetry
			if report != nil && ctx.Err() == nil {
				report(err)
			}
		}
		wait := max(min(r.state.Load().dueAt.Sub(r.c.Clock()), time.Hour), least)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
	}
}

// Rotate publishes a next key now, if there is none, which takes over after PublishAhead: for a key that is to be changed
// before its time, but not at once. A ring that is full of keys that still verify, [MaxKeys] of them, is an error.
func (r *KeyRing) Rotate(ctx context.Context) error {
	return r.change(ctx, func(s *ringState, now time.Time) error {
		if last := s.keys[len(s.keys)-1]; last.active.After(now) {
			return nil
		}
		return r.addKey(ctx, s, now, now.Add(r.c.PublishAhead))
	})
}

// ErrNotInRing is what [KeyRing.Remove] returns for an id that no key has.
var ErrNotInRing = errors.New("jwt: key ring: no key of that id")

// Remove removes a key at once: for one that has become known to others. Its tokens are refused from then on, here at
// once and elsewhere when the set is fetched again. If it was the one that signs, a new one takes its place without being
// published ahead.
func (r *KeyRing) Remove(ctx context.Context, id string) error {
	return r.change(ctx, func(s *ringState, now time.Time) error {
		r.prune(s, now, 0) // what is past its time would get its successor's, if that is removed
		i := slices.IndexFunc(s.keys, func(e ringEntry) bool { return e.key.public.ID() == id })
		if i < 0 {
			return ErrNotInRing
		}
		signing := !s.keys[i].active.After(now) && (i == len(s.keys)-1 || s.keys[i+1].active.After(now))
		s.keys = slices.Delete(s.keys, i, i+1)
		switch {
		case i < len(s.keys) && signing: // a next key is known to some verifiers already: it takes over
			s.keys[i].active = now
		case len(s.keys) == 0 || signing:
			return r.addKey(ctx, s, now, now)
		}
		return nil
	})
}

// addKey makes a key that signs from active on.
func (r *KeyRing) addKey(ctx context.Context, s *ringState, now, active time.Time) error {
	if len(s.keys) >= MaxKeys {
		r.prune(s, now, 0)
	}
	if len(s.keys) >= MaxKeys {
		return fmt.Errorf("jwt: key ring: it has %d keys, which is the most: rotate less often than KeepAfter lets them go", MaxKeys)
	}
	key, err := r.c.Generate(ctx)
	if err != nil {
		return fmt.Errorf("jwt: key ring: making a key: %w", err)
	}
	k, err := NewSigningKey("", r.c.Algorithm, key)
	if err != nil {
		return fmt.Errorf("jwt: key ring: %w", err)
	}
	if slices.ContainsFunc(s.keys, func(e ringEntry) bool { return e.key.public.ID() == k.public.ID() }) {
		return errors.New("jwt: key ring: KeyRingConfig.Generate returned a key that is in the ring already")
	}
	s.keys = append(s.keys, ringEntry{k, now, active})
	return nil
}
