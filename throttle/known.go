package throttle

import (
	"context"
	"errors"
	"time"
)

// A KnownStore remembers for some time from which networks an account has succeeded. Its keys tell nothing about
// either. It must be safe for concurrent use and may forget early.
type KnownStore interface {
	Add(ctx context.Context, key string) error
	Has(ctx context.Context, key string) (bool, error)
}

// A KnownConfig configures [NewKnown].
type KnownConfig struct {
	// For is how long a success counts. 0 is 30 days; the maximum is 366 days.
	For time.Duration
	// MaxKeys limits the keys that are remembered; beyond it an older one goes. 0 is 65536; the maximum is 16777216.
	MaxKeys int
	// Clock tells the time. Nil is [time.Now].
	Clock func() time.Time
}

// Known is the [KnownStore] in memory.
type Known struct {
	t     *table
	lasts int64
}

const defaultKnownFor = 30 * 24 * time.Hour

// NewKnown returns the store that c describes.
func NewKnown(c KnownConfig) (*Known, error) {
	c.For = orDuration(c.For, defaultKnownFor)
	var errs []error
	if c.For < 0 || c.For > maxWindow {
		errs = append(errs, errors.New("throttle: KnownConfig.For: use 0 for 30 days, or up to 366 days"))
	}
	t, err := newTable(c.MaxKeys, c.Clock, func(e *entry, _ int64) int64 { return e.at })
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return &Known{t: t, lasts: int64(c.For)}, nil
}

// Add implements [KnownStore].
func (k *Known) Add(_ context.Context, key string) error {
	h := k.t.hash(key)
	k.t.mu.Lock()
	defer k.t.mu.Unlock()
	now := k.t.now()
	e := k.t.find(h)
	if e == nil {
		e = k.t.add(h, now)
	}
	e.at = now
	return nil
}

// Has implements [KnownStore].
func (k *Known) Has(_ context.Context, key string) (bool, error) {
	h := k.t.hash(key)
	k.t.mu.Lock()
	defer k.t.mu.Unlock()
	e := k.t.find(h)
	return e != nil && k.t.now()-e.at <= k.lasts, nil
}
