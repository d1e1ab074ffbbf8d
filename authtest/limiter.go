package authtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cardea-go/auth/throttle"
)

// LimiterKit is what the conformance kit needs to know about a limiter.
type LimiterKit struct {
	// New returns a limiter without memory of earlier ones. Required.
	New func() throttle.Limiter
	// Burst is how many charges of 1 a fresh key takes at once: 2 to 1000. The next one must be refused for so long
	// that it still is at the end of a rule. Required.
	Burst int
}

// TestLimiter checks kit's limiter against the contract of [throttle.Limiter], one subtest a rule.
func TestLimiter(t *testing.T, kit LimiterKit) {
	t.Helper()
	run(t, kit, limiterRules)
}

// CheckLimiter is [TestLimiter] without a test: it returns the broken rules, joined, or nil.
func CheckLimiter(kit LimiterKit) error { return all(kit, limiterRules) }

var limiterRules = []rule[LimiterKit]{
	{
		"the kit is complete",
		"without a limiter and its burst the other rules prove nothing",
		func(k LimiterKit) error {
			if k.New == nil || k.Burst < 2 || k.Burst > 1000 {
				return errors.New("set New, and Burst to 2 to 1000")
			}
			return nil
		},
	},
	{
		"a fresh key takes its burst, and is refused after it with a wait",
		"a refusal without a wait is answered with a Retry-After that invites the next try at once",
		func(k LimiterKit) error {
			l := k.New()
			if err := wantBudget(l, "key", k.Burst); err != nil {
				return err
			}
			if d, err := reserve(l, "key"); err != nil || d.Allowed || d.RetryAfter <= 0 {
				return fmt.Errorf("after the burst: got %+v, %w; want refused with a wait", d, err)
			}
			return nil
		},
	},
	{
		"keys are told apart, whatever is in them",
		"keys are made of what strangers send: one that falls on another charges somebody else",
		func(k LimiterKit) error {
			l := k.New()
			for _, key := range []string{"a", "A", "a ", "a:", "a*", "a\x00", "{a}", "ä", strings.Repeat("a", 4096), strings.Repeat("a", 4095) + "b", ""} {
				if err := wantBudget(l, key, k.Burst); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		"charges at once are charges one after another",
		"a burst of guesses must not slip in before the first one is recorded",
		func(k LimiterKit) error {
			l := k.New()
			var allowed atomic.Int32
			var wg sync.WaitGroup
			for range 2 * k.Burst {
				wg.Go(func() {
					if d, err := reserve(l, "key"); err == nil && d.Allowed {
						allowed.Add(1)
					}
				})
			}
			wg.Wait()
			if got := int(allowed.Load()); got != k.Burst {
				return fmt.Errorf("got %d of %d parallel charges allowed, want %d", got, 2*k.Burst, k.Burst)
			}
			return nil
		},
	},
	{
		"a refused charge costs nothing",
		"the caller does not refund what was not allowed",
		func(k LimiterKit) error {
			l := k.New()
			if err := wantBudget(l, "key", k.Burst); err != nil {
				return err
			}
			for range 10 {
				if _, err := reserve(l, "key"); err != nil {
					return err
				}
			}
			if err := l.Refund(context.Background(), "key", k.Burst); err != nil {
				return err
			}
			return wantBudget(l, "key", k.Burst)
		},
	},
	{
		"a refund gives back as much as it says",
		"an attempt that was no failure is given back, and the failures before it stay",
		func(k LimiterKit) error {
			l := k.New()
			if err := wantBudget(l, "key", k.Burst); err != nil {
				return err
			}
			if err := l.Refund(context.Background(), "key", 1); err != nil {
				return err
			}
			return wantBudget(l, "key", 1)
		},
	},
	{
		"more than was charged is no credit",
		"throttle.All forgets a key; it must not hand out a budget without end",
		func(k LimiterKit) error {
			l := k.New()
			for range 3 {
				if err := l.Refund(context.Background(), "key", throttle.All); err != nil {
					return err
				}
				if err := wantBudget(l, "key", k.Burst); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		"a charge of nothing, or of less, is refused",
		"a negative cost would be a credit",
		func(k LimiterKit) error {
			l := k.New()
			for _, cost := range []int{0, -1} {
				if d, err := l.Reserve(context.Background(), "key", cost); err == nil || d.Allowed {
					return fmt.Errorf("cost %d: got %+v without an error", cost, d)
				}
			}
			return wantBudget(l, "key", k.Burst)
		},
	},
}

func reserve(l throttle.Limiter, key string) (throttle.Decision, error) {
	return l.Reserve(context.Background(), key, 1)
}

// wantBudget uses up what key has left and reports where that is not n.
func wantBudget(l throttle.Limiter, key string, n int) error {
	for i := range n + 1 {
		d, err := reserve(l, key)
		if err != nil {
			return fmt.Errorf("charge %d of %.20q: %w", i+1, key, err)
		}
		if d.Allowed != (i < n) {
			return fmt.Errorf("charge %d of %.20q: got allowed %v, want a budget of %d", i+1, key, d.Allowed, n)
		}
	}
	return nil
}
