package client

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// failurePause is how long a failure stands, so that callers who waited do not try one after another.
	failurePause = time.Second
	// forgetPause is how long after a value was dropped no other is: whoever refuses every one has none fetched for each use.
	forgetPause = 10 * time.Second
)

// A cell keeps a value that is fetched when it is needed, by one caller at a time while the others wait.
type cell[T any] struct {
	clock func() time.Time
	turn  chan struct{} // room for one
	value atomic.Pointer[T]
	drop  atomic.Pointer[time.Time] // when a value was dropped last

	failure error // under turn, as is until
	until   time.Time
}

func newCell[T any](clock func() time.Time) *cell[T] {
	return &cell[T]{clock: clock, turn: make(chan struct{}, 1)}
}

// get returns the value where it is good, else what fetch returns.
func (c *cell[T]) get(ctx context.Context, good func(*T) bool, fetch func(context.Context) (*T, error)) (*T, error) {
	if v := c.value.Load(); v != nil && good(v) {
		return v, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if v := c.value.Load(); v != nil && good(v) { // fetched meanwhile
		return v, nil
	}
	if c.failure != nil && c.clock().Before(c.until) {
		return nil, c.failure
	}
	v, err := fetch(ctx)
	if err != nil {
		if ctx.Err() == nil { // else it is this caller's affair
			c.failure, c.until = err, c.clock().Add(failurePause)
		}
		return nil, err
	}
	c.failure = nil
	c.value.Store(v)
	return v, nil
}

// forget drops the value, if it is still that one, and none was dropped shortly before.
func (c *cell[T]) forget(v *T) {
	now := c.clock()
	if last := c.drop.Load(); last != nil && now.Sub(*last).Abs() < forgetPause { // a clock may be set back
		return
	}
	if c.value.CompareAndSwap(v, nil) {
		c.drop.Store(&now)
	}
}
