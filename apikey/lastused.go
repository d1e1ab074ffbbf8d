package apikey

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultLastUsed = time.Minute
	maxPendingUses  = 4096
	flushDelay      = 5 * time.Second
	flushTimeout    = 10 * time.Second
)

// uses gathers when keys were last used and writes them in batches: at most once per key and interval, from a table of
// fixed size that drops what does not fit. Nothing is decided by these times. There is no goroutine but that of a timer,
// which is set only while something waits.
type uses struct {
	store    Store
	interval time.Duration
	onError  func(error)

	// recent spares most uses the lock: it holds the hashes of keys that wait since the last flush. A slot that is
	// overwritten costs one look under the lock.
	seed   maphash.Seed
	round  atomic.Uint64
	recent [1024]atomic.Uint64

	mu      sync.Mutex
	pending map[string]time.Time
	timer   *time.Timer
	closed  bool

	flushing chan struct{} // holds an element while a batch is written
}

var errUsesDropped = errors.New("apikey: last-used times were dropped: more keys were in use than wait at once")

// note takes down that r was used at now.
func (u *uses) note(r *Record, now time.Time) {
	if now.Sub(r.LastUsedAt) < u.interval {
		return
	}
	hash := maphash.String(u.seed, r.ID) + u.round.Load()
	slot := &u.recent[hash%uint64(len(u.recent))]
	if slot.Load() == hash {
		return
	}
	slot.Store(hash)
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, waits := u.pending[r.ID]; waits || u.closed || len(u.pending) >= maxPendingUses {
		return
	}
	if u.pending == nil {
		u.pending = make(map[string]time.Time)
	}
	u.pending[r.ID] = now
	if u.timer == nil {
		u.timer = time.AfterFunc(flushDelay, u.flushLater)
	}
}

func (u *uses) flushLater() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := u.flush(ctx); err != nil {
		u.onError(err)
	}
}

// flush writes what waits. What the store does not take is dropped: the next use of the key notes it again.
func (u *uses) flush(ctx context.Context) error {
	select {
	case u.flushing <- struct{}{}:
		defer func() { <-u.flushing }()
	case <-ctx.Done():
		return fmt.Errorf("apikey: last-used times: another batch is being written: %w", ctx.Err())
	}
	u.mu.Lock()
	batch, full := u.pending, len(u.pending) >= maxPendingUses
	u.pending, u.timer = nil, nil
	u.round.Add(1)
	u.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	var errs []error
	if err := u.store.Touch(ctx, batch); err != nil {
		errs = append(errs, fmt.Errorf("apikey: last-used times: %w", err))
	}
	if full {
		errs = append(errs, errUsesDropped)
	}
	return errors.Join(errs...)
}

func (u *uses) close(ctx context.Context) error {
	u.mu.Lock()
	u.closed = true
	if u.timer != nil {
		u.timer.Stop()
	}
	u.mu.Unlock()
	return u.flush(ctx)
}
