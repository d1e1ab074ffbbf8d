package throttle

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"
)

// A Limiter holds one policy and applies it to many keys. It is safe for concurrent use.
//
// The charge comes first and is given back where it was not deserved, so that a burst can't slip in before its first
// failure is recorded. A caller that forgets to refund has counted a failure.
type Limiter interface {
	// Reserve charges cost, at least 1, to key and reports whether the caller may go on. Where it may not, nothing
	// is charged. An error means that nothing is known: the caller then asks a local limiter (see [Fallback]) or
	// refuses, and never goes on.
	Reserve(ctx context.Context, key string, cost int) (Decision, error)
	// Refund gives cost back to key. More than was charged is no credit: it forgets the key, which is what
	// [All] is for.
	Refund(ctx context.Context, key string, cost int) error
}

// All is the cost whose refund forgets a key.
const All = math.MaxInt32

// A Decision is what a limiter answers.
type Decision struct {
	// Allowed says that the caller may go on and has been charged.
	Allowed bool
	// RetryAfter is how long to wait before the same call could be allowed. It is zero where Allowed.
	RetryAfter time.Duration
	// Shared says that the table is full and that this key was counted in the bucket that all new keys share.
	Shared bool
}

// Seconds returns RetryAfter in whole seconds, rounded up, at least 1: the value of a Retry-After header
// (RFC 9110 §10.2.3).
func (d Decision) Seconds() int {
	s := d.RetryAfter / time.Second
	if d.RetryAfter%time.Second > 0 {
		s++
	}
	return int(min(max(s, 1), math.MaxInt32))
}

var errCost = errors.New("throttle: cost out of range: charge 1 or more, and no more than the limiter's burst")

// A FallbackConfig configures [NewFallback].
type FallbackConfig struct {
	// Primary is the limiter that processes share. Required.
	Primary Limiter
	// Local is a limiter in this process with the same policy: a [Bucket] or a [Backoff]. Required.
	Local Limiter
	// Timeout limits each call of Primary. 0 is 250 ms; the maximum is 10 s.
	Timeout time.Duration
	// Rest is how long Primary is left alone after an error, so that one that hangs delays few. 0 is 1 s; the
	// maximum is 1 min. A refund that falls into it counts as a failure there.
	Rest time.Duration
	// OnError is told of each error of Primary. It must be safe for concurrent use. Nil tells nobody.
	OnError func(error)
	// Clock tells the time. Nil is [time.Now].
	Clock func() time.Time
}

// A Fallback is a [Limiter] that survives the loss of the limiter that processes share. Every charge goes to the local
// limiter first, which spares the shared one a flood and is always up to date about this process; then to the shared
// one. The stricter answer counts, and where the shared one fails the local one's answer stands: never open, and never
// closed for everybody.
type Fallback struct {
	c     FallbackConfig
	base  time.Time
	until atomic.Int64 // Primary rests until then, in nanoseconds since base
}

const (
	defaultTimeout = 250 * time.Millisecond
	maxTimeout     = 10 * time.Second
	defaultRest    = time.Second
	maxRest        = time.Minute
)

// NewFallback returns the limiter that c describes.
func NewFallback(c FallbackConfig) (*Fallback, error) {
	var errs []error
	if c.Primary == nil {
		errs = append(errs, errors.New("throttle: FallbackConfig.Primary is nil: set the limiter that processes share"))
	}
	if c.Local == nil {
		errs = append(errs, errors.New("throttle: FallbackConfig.Local is nil: set a Bucket or Backoff of the same policy"))
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		errs = append(errs, errors.New("throttle: FallbackConfig.Timeout: use 0 for 250 ms, or up to 10 s"))
	}
	if c.Rest < 0 || c.Rest > maxRest {
		errs = append(errs, errors.New("throttle: FallbackConfig.Rest: use 0 for 1 s, or up to 1 min"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Timeout = orDuration(c.Timeout, defaultTimeout)
	c.Rest = orDuration(c.Rest, defaultRest)
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Fallback{c: c, base: c.Clock()}, nil
}

// Reserve implements [Limiter]. It returns an error only where the local limiter does.
func (f *Fallback) Reserve(ctx context.Context, key string, cost int) (Decision, error) {
	local, err := f.c.Local.Reserve(ctx, key, cost)
	if err != nil || !local.Allowed || f.rests() {
		return local, err
	}
	shared, err := f.primary(ctx, key, cost)
	if err != nil {
		f.failed(ctx, err)
		return local, nil
	}
	if !shared.Allowed {
		return shared, f.c.Local.Refund(context.WithoutCancel(ctx), key, cost)
	}
	return local, nil
}

func (f *Fallback) primary(ctx context.Context, key string, cost int) (Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, f.c.Timeout)
	defer cancel()
	return f.c.Primary.Reserve(ctx, key, cost)
}

// Refund implements [Limiter]. An error of the shared limiter goes to OnError: what was not given back there counts as
// a failure until it ages.
func (f *Fallback) Refund(ctx context.Context, key string, cost int) error {
	err := f.c.Local.Refund(ctx, key, cost)
	if f.rests() {
		return err
	}
	within, cancel := context.WithTimeout(ctx, f.c.Timeout)
	defer cancel()
	if shared := f.c.Primary.Refund(within, key, cost); shared != nil {
		f.failed(ctx, shared)
	}
	return err
}

func (f *Fallback) now() int64 { return max(0, int64(f.c.Clock().Sub(f.base))) }

func (f *Fallback) rests() bool { return f.now() < f.until.Load() }

// failed lets the shared limiter rest, unless it was the caller who went away.
func (f *Fallback) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		f.until.Store(f.now() + int64(f.c.Rest))
	}
	f.c.OnError(err)
}
