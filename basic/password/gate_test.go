package password_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth/basic/password"
)

// slow is a scheme whose hashes need memory and the bubble's time.
type slow struct {
	memory       uint32
	threads      uint8
	takes        time.Duration
	running, top atomic.Int32
	runs         atomic.Int32
}

func (s *slow) Parse(stored string) (*password.Record, error) {
	threads := s.threads
	if stored == "wide" {
		threads = 2
	}
	return &password.Record{
		Shape: "slow", Memory: s.memory, Threads: threads,
		Verify: func(string) bool {
			s.runs.Add(1)
			s.top.Store(max(s.top.Load(), s.running.Add(1)))
			time.Sleep(s.takes) // in a bubble
			s.running.Add(-1)
			return true
		},
		Decoy: func() string { return "slow" },
	}, nil
}

func TestGateLimitsWhatRunsAtOnce(t *testing.T) {
	tests := []struct {
		name   string
		scheme *slow
		gate   password.GateConfig
		calls  int
		top    int32
		ok     int
	}{
		{"as many as there are CPUs", &slow{takes: 100 * time.Millisecond}, password.GateConfig{CPUs: 2}, 10, 2, 10},
		{"as much as the budget holds, twice counted", &slow{memory: 1024, takes: 100 * time.Millisecond}, password.GateConfig{CPUs: 8, Memory: 6144}, 12, 3, 12},
		{"two threads are two CPUs", &slow{threads: 2, takes: 100 * time.Millisecond}, password.GateConfig{CPUs: 4}, 8, 2, 8},
		{"more threads than CPUs run alone", &slow{threads: 9, takes: 100 * time.Millisecond}, password.GateConfig{CPUs: 4}, 4, 1, 4},
		{"one that needs more than the budget runs alone", &slow{memory: 1 << 20, takes: 100 * time.Millisecond}, password.GateConfig{CPUs: 4, Memory: 1024}, 4, 1, 4},
		{"a full queue refuses", &slow{takes: 100 * time.Millisecond}, password.GateConfig{CPUs: 2, Queue: 3}, 10, 2, 5},
		{"a long wait refuses", &slow{takes: 400 * time.Millisecond}, password.GateConfig{CPUs: 1, Queue: 20}, 10, 1, 3},
		{"a longer wait is configured", &slow{takes: 400 * time.Millisecond}, password.GateConfig{CPUs: 1, Queue: 20, Wait: time.Minute}, 10, 1, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := must(password.New(password.Config{Params: cheap, Gate: tt.gate, Schemes: []password.Scheme{tt.scheme}}))
				var ok, busy atomic.Int32
				var wg sync.WaitGroup
				for range tt.calls {
					wg.Go(func() {
						switch v, err := h.Verify(t.Context(), "x", "slow"); {
						case err == nil && v.OK:
							ok.Add(1)
						case errors.Is(err, password.ErrBusy):
							busy.Add(1)
						default:
							t.Errorf("got %+v, %v", v, err)
						}
					})
				}
				wg.Wait()
				if got := tt.scheme.top.Load(); got != tt.top {
					t.Errorf("got %d at once, want %d", got, tt.top)
				}
				if int(ok.Load()) != tt.ok || int(busy.Load()) != tt.calls-tt.ok {
					t.Errorf("got %d verified and %d refused, want %d and %d", ok.Load(), busy.Load(), tt.ok, tt.calls-tt.ok)
				}
			})
		})
	}
}

func TestGateWhenCallersGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{takes: 100 * time.Millisecond}
		h := must(password.New(password.Config{Params: cheap, Gate: password.GateConfig{CPUs: 2, Queue: 200, Wait: time.Minute}, Schemes: []password.Scheme{s}}))
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Duration(i)*7*time.Millisecond, cancel) // while hashing, or while waiting
				if v, err := h.Verify(ctx, "x", "slow"); err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("got %+v, %v", v, err)
				}
			})
		}
		wg.Wait()
		if got := s.top.Load(); got != 2 {
			t.Errorf("got %d at once, want 2: permits end with the hashing", got)
		}
		s.top.Store(0)
		for range 2 { // and all permits are back
			wg.Go(func() { must(h.Verify(t.Context(), "x", "slow")) })
		}
		wg.Wait()
		if got := s.top.Load(); got != 2 {
			t.Errorf("afterwards: got %d at once, want 2", got)
		}
	})
}

func TestGateIsFirstComeFirstServed(t *testing.T) {
	tests := []struct {
		name  string
		leave bool // the wide one does, after 50 ms
		ends  time.Duration
	}{
		{"a narrow one does not overtake a wide one that waits", false, 300 * time.Millisecond},
		{"a narrow one goes on when the wide one before it leaves", true, 150 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slow{takes: 100 * time.Millisecond}
				h := must(password.New(password.Config{Params: cheap, Gate: password.GateConfig{CPUs: 2}, Schemes: []password.Scheme{s}}))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				start := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { must(h.Verify(t.Context(), "x", "slow")) })
				synctest.Wait()
				wg.Go(func() {
					if _, err := h.Verify(ctx, "x", "wide"); (err != nil) != tt.leave {
						t.Errorf("the wide one: got %v", err)
					}
				})
				synctest.Wait()
				wg.Go(func() {
					must(h.Verify(t.Context(), "x", "slow"))
					if got := time.Since(start); got != tt.ends {
						t.Errorf("the narrow one: got an answer after %v, want %v", got, tt.ends)
					}
				})
				if tt.leave {
					time.Sleep(50 * time.Millisecond)
					cancel()
				}
				wg.Wait()
			})
		})
	}
}

// The permit may come in the moment in which the wait ends: it is used or given back, and never lost.
func TestGateLosesNoPermit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{takes: time.Second}
		h := must(password.New(password.Config{Params: cheap, Gate: password.GateConfig{CPUs: 1}, Schemes: []password.Scheme{s}}))
		for range 300 {
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if _, err := h.Verify(t.Context(), "x", "slow"); err != nil && !errors.Is(err, password.ErrBusy) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if _, err := h.Verify(t.Context(), "x", "slow"); err != nil {
				t.Fatalf("with nobody else there: got %v", err)
			}
		}
	})
}

func TestDeadlineShorterThanAHashIsNotBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{takes: 100 * time.Millisecond}
		h := must(password.New(password.Config{Params: cheap, Gate: password.GateConfig{CPUs: 1}, Schemes: []password.Scheme{s}}))
		must(h.Verify(t.Context(), "x", "slow")) // now it knows how long one takes

		ctx, cancel := context.WithTimeout(t.Context(), 99*time.Millisecond)
		defer cancel()
		if _, err := h.Verify(ctx, "x", "slow"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { must(h.Verify(t.Context(), "x", "slow")) })
		synctest.Wait()
		ctx, cancel = context.WithTimeout(t.Context(), 150*time.Millisecond) // enough, were it not for the queue
		defer cancel()
		if _, err := h.Verify(ctx, "x", "slow"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the queue: got %v, want the deadline", err)
		}
		wg.Wait()
		if got := s.runs.Load(); got != 2 {
			t.Errorf("got %d hashes, want 2", got)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.Verify(cancelled, "x", "slow"); !errors.Is(err, context.Canceled) || s.runs.Load() != 2 {
			t.Errorf("cancelled before: got %v and %d hashes", err, s.runs.Load())
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		must(h.Verify(ctx, "x", "slow"))
	})
}
