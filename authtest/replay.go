package authtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ReplayStore is the contract that the kit checks; dpop.ReplayStore is the same.
type ReplayStore interface {
	Once(ctx context.Context, key string, until time.Time) (first bool, err error)
}

// ReplayStoreKit is what the conformance kit needs to know about a replay store.
type ReplayStoreKit struct {
	// New returns an empty store whose time is clock's. Required.
	New func(clock func() time.Time) ReplayStore
	// Twin returns another instance over the data of s, as a second process has it. Nil is s itself.
	Twin func(s ReplayStore) ReplayStore
	// NewBounded returns an empty store with room for n keys. Nil where the store has no bound of its own.
	NewBounded func(clock func() time.Time, n int) ReplayStore
}

// TestReplayStore checks kit's store against the contract of dpop.ReplayStore, one subtest a rule. Run it with -race.
func TestReplayStore(t *testing.T, kit ReplayStoreKit) {
	t.Helper()
	run(t, kit, replayRules)
}

// CheckReplayStore is [TestReplayStore] without a test: it returns the broken rules, joined, or nil.
func CheckReplayStore(kit ReplayStoreKit) error { return all(kit, replayRules) }

var replayRules = []rule[ReplayStoreKit]{
	{
		"the kit is complete",
		"without a new store for each rule the rules disturb each other",
		func(k ReplayStoreKit) error {
			if k.New == nil || k.New(newFakeClock().Now) == nil {
				return errors.New("set New, and let it return a store")
			}
			return nil
		},
	},
	{
		"a key is first once",
		"the first call gets true, every later one false, and other keys are not concerned",
		func(k ReplayStoreKit) error {
			clock := newFakeClock()
			s := k.New(clock.Now)
			return firstly(
				wantOnce(s, "a", clock.in(time.Minute), true), wantOnce(s, "a", clock.in(time.Minute), false),
				wantOnce(s, "b", clock.in(time.Minute), true), wantOnce(s, "a", clock.in(time.Hour), false),
			)
		},
	},
	{
		"keys are told apart by every character",
		"a store that cuts keys, or ignores their case, refuses proofs that nobody used",
		func(k ReplayStoreKit) error {
			clock := newFakeClock()
			s := k.New(clock.Now)
			key := "dpop:" + strings.Repeat("k", 42)
			return firstly(
				wantOnce(s, key+"a", clock.in(time.Minute), true), wantOnce(s, key+"A", clock.in(time.Minute), true),
				wantOnce(s, key+"_", clock.in(time.Minute), true), wantOnce(s, key+"-", clock.in(time.Minute), true),
			)
		},
	},
	{
		"a key is remembered until its time",
		"to forget it a moment earlier lets the proof in again while it is still good",
		func(k ReplayStoreKit) error {
			clock := newFakeClock()
			s := k.New(clock.Now)
			if err := wantOnce(s, "a", clock.in(time.Minute), true)(); err != nil {
				return err
			}
			clock.Advance(time.Minute - time.Millisecond)
			return wantOnce(s, "a", clock.in(time.Minute), false)()
		},
	},
	{
		"a key is free again after its time",
		"a store that never forgets grows for ever",
		func(k ReplayStoreKit) error {
			clock := newFakeClock()
			s := k.New(clock.Now)
			if err := wantOnce(s, "a", clock.in(time.Minute), true)(); err != nil {
				return err
			}
			clock.Advance(time.Minute + 2*time.Second)
			return firstly(wantOnce(s, "a", clock.in(time.Minute), true), wantOnce(s, "a", clock.in(time.Minute), false))
		},
	},
	{
		"instances share what is remembered",
		"a proof that one process took must be refused by the next",
		func(k ReplayStoreKit) error {
			clock := newFakeClock()
			s := k.New(clock.Now)
			twin := s
			if k.Twin != nil {
				twin = k.Twin(s)
			}
			return firstly(
				wantOnce(s, "a", clock.in(time.Minute), true), wantOnce(twin, "a", clock.in(time.Minute), false),
				wantOnce(twin, "b", clock.in(time.Minute), true), wantOnce(s, "b", clock.in(time.Minute), false),
			)
		},
	},
	{
		"of parallel calls with one key exactly one is first",
		"asking and remembering must be one step: two steps let a proof in twice when its copies arrive together",
		checkReplayRace,
	},
	{
		"a full store refuses and forgets nothing",
		"to make room by forgetting a key that still counts lets a proof in again: return an error instead",
		checkReplayBound,
	},
	{
		"a cancelled call is not a first use",
		"return the context's error; whatever happens, never true and an error",
		func(k ReplayStoreKit) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			clock := newFakeClock()
			if first, err := k.New(clock.Now).Once(ctx, "a", clock.in(time.Minute)); first || err == nil {
				return fmt.Errorf("got %v and error %v", first, err)
			}
			return nil
		},
	},
}

func checkReplayRace(k ReplayStoreKit) error {
	clock := newFakeClock()
	s := k.New(clock.Now)
	twin := s
	if k.Twin != nil {
		twin = k.Twin(s)
	}
	for round := range 100 {
		var wg sync.WaitGroup
		var winners, failures atomic.Int64
		start := make(chan struct{})
		for i := range 50 {
			wg.Go(func() {
				<-start
				store := s
				if i%2 == 1 {
					store = twin
				}
				first, err := store.Once(context.Background(), fmt.Sprint("key", round), clock.in(time.Minute))
				if err != nil {
					failures.Add(1)
				} else if first {
					winners.Add(1)
				}
			})
		}
		close(start)
		wg.Wait()
		if winners.Load() != 1 || failures.Load() != 0 {
			return fmt.Errorf("round %d: got %d first uses and %d errors in 50 calls, want 1 and 0", round, winners.Load(), failures.Load())
		}
	}
	return nil
}

func checkReplayBound(k ReplayStoreKit) error {
	if k.NewBounded == nil {
		return nil
	}
	clock := newFakeClock()
	s := k.NewBounded(clock.Now, 3)
	for i := range 3 {
		if err := wantOnce(s, fmt.Sprint(i), clock.in(time.Minute), true)(); err != nil {
			return err
		}
	}
	if first, err := s.Once(context.Background(), "one more", clock.in(time.Minute)); first || err == nil {
		return fmt.Errorf("one key too many: got %v and error %v, want an error", first, err)
	}
	for i := range 3 {
		if err := wantOnce(s, fmt.Sprint(i), clock.in(time.Minute), false)(); err != nil {
			return err
		}
	}
	clock.Advance(2 * time.Minute)
	return wantOnce(s, "later", clock.in(time.Minute), true)()
}

func wantOnce(s ReplayStore, key string, until time.Time, want bool) func() error {
	return func() error {
		first, err := s.Once(context.Background(), key, until)
		if err != nil {
			return fmt.Errorf("got error %w", err)
		}
		if first != want {
			return fmt.Errorf("got %v, want %v", first, want)
		}
		return nil
	}
}

func firstly(checks ...func() error) error {
	for i, check := range checks {
		if err := check(); err != nil {
			return fmt.Errorf("call %d: %w", i+1, err)
		}
	}
	return nil
}

// fakeClock stands still until it is told to move.
type fakeClock struct {
	mu  sync.Mutex
	now time.Time
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *fakeClock) in(d time.Duration) time.Time { return c.Now().Add(d) }
