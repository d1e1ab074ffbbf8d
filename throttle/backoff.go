package throttle

import (
	"context"
	"errors"
	"math"
	"time"
)

// A BackoffConfig configures [NewBackoff].
type BackoffConfig struct {
	// Free is how many failures cost nothing. 0 is 5; the maximum is 100.
	Free int
	// First is the wait after the last free failure; each further one doubles it. 0 is 1 s.
	First time.Duration
	// Max is the longest wait. 0 is 900 s; the maximum is 24 h.
	Max time.Duration
	// Forget is how long after the end of its last wait a key is remembered. 0 is 1 h; the maximum is 31 days.
	Forget time.Duration
	// MaxKeys limits the keys that are remembered. 0 is 65536, about 6 MB when full; the maximum is 16777216.
	MaxKeys int
	// Clock tells the time. Nil is [time.Now], whose monotonic reading is used.
	Clock func() time.Time
}

// A Backoff is a [Limiter] in memory whose waits grow: some failures are free, then each doubles the wait until the
// next try. There is no lockout: the longest wait ends, and a refund of [All] forgets the key.
//
// Its table has a fixed bound. A key that has used up its free failures is never forgotten to make room: with the table
// full of such keys, all new ones share one bucket of Free tries and one more each First, which is charged and not
// refunded.
type Backoff struct {
	t        *table
	c        BackoffConfig
	overflow Bucket
	shared   entry
}

const (
	defaultFree   = 5
	maxFree       = 100
	defaultFirst  = time.Second
	defaultMax    = 900 * time.Second
	maxMax        = 24 * time.Hour
	defaultForget = time.Hour
	maxForget     = 31 * 24 * time.Hour
)

// NewBackoff returns the limiter that c describes.
func NewBackoff(c BackoffConfig) (*Backoff, error) {
	c.Free = orInt(c.Free, defaultFree)
	c.First = orDuration(c.First, defaultFirst)
	c.Max = orDuration(c.Max, max(defaultMax, min(c.First, maxMax)))
	c.Forget = orDuration(c.Forget, defaultForget)
	var errs []error
	if c.Free < 0 || c.Free > maxFree {
		errs = append(errs, errors.New("throttle: BackoffConfig.Free: use 0 for 5, or 1 to 100"))
	}
	if c.First < 0 || c.Max < c.First || c.Max > maxMax {
		errs = append(errs, errors.New("throttle: BackoffConfig: use First up to Max, and Max up to 24 h"))
	}
	if c.Forget < 0 || c.Forget > maxForget {
		errs = append(errs, errors.New("throttle: BackoffConfig.Forget: use 0 for 1 h, or up to 31 days"))
	}
	b := &Backoff{c: c}
	b.overflow = Bucket{every: int64(c.First), window: int64(c.First) * int64(c.Free)}
	var err error
	b.t, err = newTable(c.MaxKeys, c.Clock, b.keep)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return b, nil
}

// keep: entry.n counts failures, entry.last those of the last charge, entry.at is when the wait after that ends. Few
// failures go before many.
func (b *Backoff) keep(e *entry, now int64) int64 {
	forget := int64(b.c.Forget)
	switch {
	case e.n == 0 || now-e.at > forget:
		return 0
	case int(e.n) >= b.c.Free:
		return -1
	}
	return int64(e.n)*forget - (now - e.at)
}

// wait returns the wait that follows the nth failure, and 0 for a free one.
func (b *Backoff) wait(n int32) int64 {
	over := int(n) - b.c.Free
	switch {
	case over < 0:
		return 0
	case over >= 62 || int64(b.c.First) > int64(b.c.Max)>>over:
		return int64(b.c.Max)
	}
	return int64(b.c.First) << over
}

// Reserve implements [Limiter]: it counts cost failures before they happen. The error is that of a cost below 1.
func (b *Backoff) Reserve(_ context.Context, key string, cost int) (Decision, error) {
	if cost < 1 {
		return Decision{}, errCost
	}
	return b.reserve(b.t.hash(key), cost), nil
}

func (b *Backoff) reserve(key sum, cost int) Decision {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	now := b.t.now()
	e := b.t.find(key)
	if e == nil {
		e = b.t.add(key, now)
	}
	if e == nil {
		d := b.overflow.take(&b.shared, now, b.overflow.every)
		d.Shared = true
		return d
	}
	if now < e.at {
		return Decision{RetryAfter: time.Duration(e.at - now)}
	}
	if now-e.at > int64(b.c.Forget) {
		e.n = 0
	}
	e.n = int32(min(int64(e.n)+int64(cost), math.MaxInt32)) //nolint:gosec // bounded by min
	e.last = int32(min(int64(cost), math.MaxInt32))         //nolint:gosec // bounded by min
	e.at = now + b.wait(e.n)
	return Decision{Allowed: true}
}

// Refund implements [Limiter]. It never fails. Fewer than [All] take back as many failures and what they added to the
// wait. Where that is the whole of the last charge, nothing of its wait is left: that for earlier ones was over before.
func (b *Backoff) Refund(_ context.Context, key string, cost int) error {
	b.refund(b.t.hash(key), cost)
	return nil
}

func (b *Backoff) refund(key sum, cost int) {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	e := b.t.find(key)
	if e == nil || cost < 1 {
		return
	}
	now := b.t.now()
	n := int32(max(0, int64(e.n)-int64(cost))) //nolint:gosec // between 0 and e.n
	left := e.at - b.wait(e.n)
	if int64(cost) != int64(e.last) {
		left += b.wait(n)
	}
	if n == 0 {
		left = now
	}
	e.at = max(left, min(e.at, now)) // what was refunded before has taken its wait along
	e.n, e.last = n, 0
}

func (b *Backoff) peek(key sum) Decision {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	e := b.t.find(key)
	if e == nil {
		return Decision{Allowed: true}
	}
	if now := b.t.now(); now < e.at {
		return Decision{RetryAfter: time.Duration(e.at - now)}
	}
	return Decision{Allowed: true}
}

// Len returns the number of keys that are remembered, which is never above MaxKeys.
func (b *Backoff) Len() int { return b.t.len() }

func orInt(n, zero int) int {
	if n == 0 {
		return zero
	}
	return n
}

func orDuration(d, zero time.Duration) time.Duration {
	if d == 0 {
		return zero
	}
	return d
}
