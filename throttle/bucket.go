package throttle

import (
	"context"
	"errors"
	"time"
)

// A BucketConfig configures [NewBucket].
type BucketConfig struct {
	// Burst is how many can be charged at once, 1 to 1000000. Required.
	Burst int
	// Every is the time in which one comes back. Required; Burst × Every is at most 366 days.
	Every time.Duration
	// MaxKeys limits the keys that are remembered. 0 is 65536, about 6 MB when full; the maximum is 16777216.
	MaxKeys int
	// Clock tells the time. Nil is [time.Now], whose monotonic reading is used.
	Clock func() time.Time
}

const (
	maxBurst  = 1_000_000
	maxWindow = 366 * 24 * time.Hour
)

// A Bucket is a [Limiter] in memory with one policy for every key: a burst, and one more after each interval. It is the
// generic cell rate algorithm: one timestamp a key, no goroutine.
//
// Its table has a fixed bound. A key whose bucket is empty is never forgotten to make room: with the table full of such
// keys, all new ones share one bucket, which is charged and not refunded.
type Bucket struct {
	t        *table
	every    int64
	window   int64
	overflow entry
}

// NewBucket returns the limiter that c describes.
func NewBucket(c BucketConfig) (*Bucket, error) {
	var errs []error
	if c.Burst < 1 || c.Burst > maxBurst {
		errs = append(errs, errors.New("throttle: BucketConfig.Burst: use 1 to 1000000"))
	}
	if c.Every <= 0 {
		errs = append(errs, errors.New("throttle: BucketConfig.Every: set the time in which one charge comes back"))
	} else if c.Burst > 0 && c.Every > maxWindow/time.Duration(c.Burst) {
		errs = append(errs, errors.New("throttle: BucketConfig: Burst × Every is more than 366 days: lower one"))
	}
	b := &Bucket{every: int64(c.Every), window: int64(c.Every) * int64(c.Burst)}
	var err error
	b.t, err = newTable(c.MaxKeys, c.Clock, b.keep)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return b, nil
}

// keep: entry.at is the time at which the bucket is full again.
func (b *Bucket) keep(e *entry, now int64) int64 {
	debt := max(0, e.at-now)
	if debt+b.every > b.window {
		return -1
	}
	return debt
}

// Reserve implements [Limiter]. The error is that of a cost below 1 or above Burst.
func (b *Bucket) Reserve(_ context.Context, key string, cost int) (Decision, error) {
	if cost < 1 || int64(cost) > b.window/b.every {
		return Decision{}, errCost
	}
	return b.reserve(b.t.hash(key), cost), nil
}

func (b *Bucket) reserve(key sum, cost int) Decision {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	now := b.t.now()
	e := b.t.find(key)
	if e == nil {
		e = b.t.add(key, now)
	}
	shared := e == nil
	if shared {
		e = &b.overflow
	}
	d := b.take(e, now, int64(cost)*b.every)
	d.Shared = shared
	return d
}

func (b *Bucket) take(e *entry, now, charge int64) Decision {
	full := max(e.at, now) + charge
	if wait := full - now - b.window; wait > 0 {
		return Decision{RetryAfter: time.Duration(wait)}
	}
	e.at = full
	return Decision{Allowed: true}
}

// Refund implements [Limiter]. It never fails.
func (b *Bucket) Refund(_ context.Context, key string, cost int) error {
	b.refund(b.t.hash(key), cost)
	return nil
}

func (b *Bucket) refund(key sum, cost int) {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	if e := b.t.find(key); e != nil && cost > 0 {
		back := b.window
		if int64(cost) < b.window/b.every {
			back = int64(cost) * b.every
		}
		e.at = max(0, e.at-back)
	}
}

func (b *Bucket) peek(key sum) Decision {
	b.t.mu.Lock()
	defer b.t.mu.Unlock()
	e := b.t.find(key)
	if e == nil {
		return Decision{Allowed: true}
	}
	probe := *e
	return b.take(&probe, b.t.now(), b.every)
}

// Len returns the number of keys that are remembered, which is never above MaxKeys.
func (b *Bucket) Len() int { return b.t.len() }

func (t *table) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.slots)
}
