package throttle_test

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth/throttle"
)

// clock is a clock that tests turn by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var home = netip.MustParseAddr("192.0.2.1")

func TestLoginsWaitsGrow(t *testing.T) {
	c := newClock()
	l := must(throttle.NewLogins(throttle.LoginsConfig{Clock: c.now}))
	ctx := context.Background()
	for i := range 5 {
		if _, d := l.Reserve(ctx, "anna", home); !d.Allowed {
			t.Fatalf("free failure %d: got %+v, want allowed", i+1, d)
		}
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900} {
		want *= time.Second
		if _, d := l.Reserve(ctx, "anna", home); d.Allowed || d.RetryAfter != want {
			t.Fatalf("wait %d: got %+v, want %v", i+1, d, want)
		}
		c.add(want)
		if _, d := l.Reserve(ctx, "anna", home); !d.Allowed {
			t.Fatalf("after wait %d: got %+v, want allowed", i+1, d)
		}
	}
}
