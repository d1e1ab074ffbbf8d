package throttle

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/netip"
	"time"
)

// A LoginsConfig configures [NewLogins]. The zero value limits failures as recommended.
type LoginsConfig struct {
	// Sources limits failures by network, whatever the account. Nil is [NewSources] with its defaults.
	Sources *Sources
	// Pair limits failures of one account from one network, across processes. This process's own limit (5 free, then
	// waits of 1, 2, 4 … 900 s) holds beside it, and alone where it fails. Nil is the local limit only.
	Pair Limiter
	// Account limits failures of one account from everywhere. The local limit is 100 a day, the most that
	// NIST SP 800-63B-4 §3.2.2 allows in a row. Beyond it the account is in slow mode; it is not locked.
	Account Limiter
	// Slow limits tries in slow mode that come from networks without a success in 30 days. The local limit is
	// one each 30 s for the account.
	Slow Limiter
	// LocalPair, LocalAccount and LocalSlow replace the local limits. Nil is as above.
	LocalPair               *Backoff
	LocalAccount, LocalSlow *Bucket
	// Known remembers the networks that an account succeeded from. Nil is in memory, bounded by MaxKeys.
	Known KnownStore
	// Key keys the MAC under which accounts are counted, so that no table or log holds a name. It must be the same in
	// all processes that share a limiter: 16 bytes or more. Nil is a random key for this process.
	Key []byte
	// Timeout and OnError are those of [FallbackConfig], for Known too: a network that Known does not tell of in that
	// time is not known.
	Timeout time.Duration
	OnError func(error)
	// OnAlarm is told when more than half of a minute's guesses failed, and there were 100 or more: at the first guess
	// after that minute. It must be safe for concurrent use. Nil tells nobody.
	OnAlarm func(Alarm)
	// MaxKeys limits the keys that each local limit remembers. 0 is 65536; the maximum is 16777216.
	MaxKeys int
	// Clock tells the time. Nil is [time.Now].
	Clock func() time.Time
}

// Logins limits password guesses by network, by account and by the pair of both. Reserve before the password is looked
// at, and then say how it ended.
//
// An account that does not exist is counted as one that does. Success forgets the pair and nothing else: an attacker's
// own login cleans neither his network nor the account that he guesses at. There is no lockout, which would hand every
// stranger a switch to turn an account off with: over 100 failures a day the account is tried once in 30 s, while
// networks that it was used from keep working. It is safe for concurrent use.
type Logins struct {
	sources             *Sources
	pair, account, slow policy
	known               KnownStore
	timeout             time.Duration // of known; 0 where it is in memory
	onError             func(error)
	alarm               alarm
	salt                [32]byte
}

const (
	accountBurst = 100
	accountEvery = 24 * time.Hour / accountBurst
	slowEvery    = 30 * time.Second
	minLoginsKey = 16
)

// NewLogins returns the limiter that c describes.
func NewLogins(c LoginsConfig) (*Logins, error) {
	l := &Logins{sources: c.Sources, known: c.Known, onError: c.OnError}
	if l.onError == nil {
		l.onError = func(error) {}
	}
	l.alarm.tell, l.alarm.clock = c.OnAlarm, c.Clock
	if c.Clock == nil {
		l.alarm.clock = time.Now
	}
	errs := []error{l.setKey(c.Key)}
	if l.sources == nil {
		var err error
		l.sources, err = NewSources(SourcesConfig{Timeout: c.Timeout, OnError: c.OnError, MaxKeys: c.MaxKeys, Clock: c.Clock})
		errs = append(errs, err)
	}
	if l.known != nil {
		l.timeout = orDuration(c.Timeout, defaultTimeout)
		if c.Timeout < 0 || c.Timeout > maxTimeout {
			errs = append(errs, errors.New("throttle: LoginsConfig.Timeout: use 0 for 250 ms, or up to 10 s"))
		}
	} else {
		var err error
		l.known, err = NewKnown(KnownConfig{MaxKeys: c.MaxKeys, Clock: c.Clock})
		errs = append(errs, err)
	}
	if c.LocalPair == nil {
		var err error
		c.LocalPair, err = NewBackoff(BackoffConfig{MaxKeys: c.MaxKeys, Clock: c.Clock})
		errs = append(errs, err)
	}
	bucket := func(b *Bucket, burst int, every time.Duration) *Bucket {
		if b != nil {
			return b
		}
		b, err := NewBucket(BucketConfig{Burst: burst, Every: every, MaxKeys: c.MaxKeys, Clock: c.Clock})
		errs = append(errs, err)
		return b
	}
	build := func(shared Limiter, local inMemory) policy {
		p, err := newPolicy(shared, local, FallbackConfig{Timeout: c.Timeout, OnError: l.onError, Clock: c.Clock})
		errs = append(errs, err)
		return p
	}
	l.pair = build(c.Pair, c.LocalPair)
	l.account = build(c.Account, bucket(c.LocalAccount, accountBurst, accountEvery))
	l.slow = build(c.Slow, bucket(c.LocalSlow, 1, slowEvery))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Logins) setKey(key []byte) error {
	switch {
	case key == nil:
		_, _ = rand.Read(l.salt[:]) // does not fail: it ends the process where there is no randomness
	case len(key) < minLoginsKey:
		return errors.New("throttle: LoginsConfig.Key: use 16 random bytes or more, the same in every process, or nil")
	default:
		l.salt = sha256.Sum256(key)
	}
	return nil
}

// An Attempt is one guess that was charged. Its owner, one goroutine, says how it ended; where nobody does, it stays a
// failure. Only the first word counts, so that a deferred Cancel gives nothing back after Succeed.
type Attempt struct {
	l                   *Logins
	addr                netip.Addr
	pair, account, slow policyKey
	chargedAccount      bool
	chargedSlow         bool
	ended               bool
}

// attempt computes the keys. The account is hashed under the process's key, with the network's 16 bytes behind it for
// the pair: both parts have a fixed length, so no two pairs are written the same.
func (l *Logins) attempt(account string, a netip.Addr) Attempt {
	name := hashKey(&l.salt, account)
	near := prefixSum(prefixOf(a, 64))
	var buf [64]byte
	b := append(append(append(buf[:0], l.salt[:]...), name[:]...), near[:]...)
	full := sha256.Sum256(b)
	k := policyKey{local: name, secret: true}
	return Attempt{l: l, addr: a, account: k, slow: k, pair: policyKey{local: sum(full[:len(sum{})]), secret: true}}
}

// Reserve charges one guess at account, in its canonical form, from a. Where it is not allowed, nothing is charged, and
// the password must not be looked at: the right one is answered as the wrong one.
func (l *Logins) Reserve(ctx context.Context, account string, a netip.Addr) (Attempt, Decision) {
	t := l.attempt(account, a)
	if d := l.sources.Reserve(ctx, a); !d.Allowed {
		return Attempt{}, d
	}
	if d := l.reserveAccount(ctx, &t); !d.Allowed {
		l.sources.Refund(ctx, a)
		return Attempt{}, d
	}
	d := l.pair.reserve(ctx, t.pair)
	if !d.Allowed {
		l.sources.Refund(ctx, a)
		t.refundAccount(ctx)
		return Attempt{}, d
	}
	l.alarm.count()
	return t, d
}

func (l *Logins) reserveAccount(ctx context.Context, t *Attempt) Decision {
	d := l.account.reserve(ctx, t.account)
	if d.Allowed {
		t.chargedAccount = true
		return d
	}
	if l.isKnown(ctx, t.pair) {
		return Decision{Allowed: true}
	}
	d = l.slow.reserve(ctx, t.slow)
	t.chargedSlow = d.Allowed
	return d
}

func (l *Logins) isKnown(ctx context.Context, pair policyKey) bool {
	ctx, cancel := l.within(ctx)
	defer cancel()
	known, err := l.known.Has(ctx, pair.String())
	if err != nil {
		l.onError(err)
		return false
	}
	return known
}

// within bounds a call of a store of known networks, which no caller may have to wait for.
func (l *Logins) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.timeout == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, l.timeout)
}

// Peek reports whether a guess would be looked at, from what this process knows, and charges nothing. It is for answers
// that cost no hashing, such as a password that was verified a moment ago: ask before you compare.
func (l *Logins) Peek(ctx context.Context, account string, a netip.Addr) Decision {
	if d := l.sources.Peek(a); !d.Allowed {
		return d
	}
	t := l.attempt(account, a)
	if d := l.pair.peek(t.pair); !d.Allowed {
		return d
	}
	d := l.account.peek(t.account)
	if d.Allowed || l.isKnown(ctx, t.pair) {
		return Decision{Allowed: true}
	}
	return l.slow.peek(t.slow)
}

// Succeed records that the password was right: the pair's failures are forgotten, this guess is given back everywhere
// else, and the network is known.
func (t *Attempt) Succeed(ctx context.Context) {
	if !t.end() {
		return
	}
	ctx = context.WithoutCancel(ctx)
	t.l.alarm.giveBack()
	t.l.pair.refund(ctx, t.pair, All)
	t.l.sources.Refund(ctx, t.addr)
	t.refundAccount(ctx)
	ctx, cancel := t.l.within(ctx)
	defer cancel()
	if err := t.l.known.Add(ctx, t.pair.String()); err != nil {
		t.l.onError(err)
	}
}

// Cancel records that nothing was decided: the guess is given back.
func (t *Attempt) Cancel(ctx context.Context) {
	if !t.end() {
		return
	}
	ctx = context.WithoutCancel(ctx)
	t.l.alarm.giveBack()
	t.l.pair.refund(ctx, t.pair, 1)
	t.l.sources.Refund(ctx, t.addr)
	t.refundAccount(ctx)
}

// end reports whether there is a charge to give back, once.
func (t *Attempt) end() bool {
	first := t.l != nil && !t.ended
	t.ended = true
	return first
}

func (t *Attempt) refundAccount(ctx context.Context) {
	if t.chargedAccount {
		t.l.account.refund(ctx, t.account, 1)
	}
	if t.chargedSlow {
		t.l.slow.refund(ctx, t.slow, 1)
	}
}
