package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth/throttle"
)

func TestLoginsGuesses(t *testing.T) {
	ctx := context.Background()
	office := netip.MustParseAddr("198.51.100.7")
	tests := []struct {
		name string
		run  func(t *testing.T, l *throttle.Logins, c *clock)
	}{
		{"fifty parallel guesses at a limit of five let five through", func(t *testing.T, l *throttle.Logins, _ *clock) {
			var allowed atomic.Int32
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					if _, d := l.Reserve(ctx, "anna", home); d.Allowed {
						allowed.Add(1)
					}
				})
			}
			wg.Wait()
			if got := allowed.Load(); got != 5 {
				t.Errorf("got %d guesses through, want 5", got)
			}
		}},
		{"a success forgets the failures of the account from that network", func(t *testing.T, l *throttle.Logins, _ *clock) {
			fail(t, l, "anna", home, 4)
			a, d := l.Reserve(ctx, "anna", home)
			if !d.Allowed {
				t.Fatalf("fifth try: got %+v, want allowed", d)
			}
			a.Succeed(ctx)
			fail(t, l, "anna", home, 5)
			refused(t, l, "anna", home)
		}},
		{"a guess that was not decided makes nobody wait anew", func(t *testing.T, l *throttle.Logins, c *clock) {
			fail(t, l, "anna", home, 5)
			c.add(time.Second)
			a, d := l.Reserve(ctx, "anna", home)
			if !d.Allowed {
				t.Fatalf("after the wait: got %+v, want allowed", d)
			}
			a.Cancel(ctx) // the server was busy
			fail(t, l, "anna", home, 1)
			if _, d := l.Reserve(ctx, "anna", home); d.RetryAfter != 2*time.Second {
				t.Errorf("got %+v, want the wait of the sixth failure, 2s", d)
			}
		}},
		{"a success elsewhere does not forget the failures here", func(t *testing.T, l *throttle.Logins, _ *clock) {
			fail(t, l, "anna", home, 5)
			a, _ := l.Reserve(ctx, "anna", office)
			a.Succeed(ctx)
			refused(t, l, "anna", home)
		}},
		{"an attacker's own login does not clean his network", func(t *testing.T, l *throttle.Logins, _ *clock) {
			for i := range 20 {
				fail(t, l, fmt.Sprint("victim", i), home, 1)
				if a, d := l.Reserve(ctx, "mallory", home); d.Allowed {
					a.Succeed(ctx)
				}
			}
			refused(t, l, "another victim", home)
			if _, d := l.Reserve(ctx, "mallory", home); d.Allowed {
				t.Error("the network's budget is used up: got allowed, want refused")
			}
		}},
		{"a cancelled guess is not counted", func(t *testing.T, l *throttle.Logins, _ *clock) {
			for range 30 {
				a, d := l.Reserve(ctx, "anna", home)
				if !d.Allowed {
					t.Fatalf("got %+v, want allowed", d)
				}
				a.Cancel(ctx)
			}
		}},
		{"a cancelled guess does not take back earlier failures, nor the wait for them", func(t *testing.T, l *throttle.Logins, c *clock) {
			fail(t, l, "anna", home, 4)
			a, _ := l.Reserve(ctx, "anna", home) // the fifth, whose wait is over before it is cancelled
			c.add(time.Second)
			fail(t, l, "anna", home, 1)
			c.add(2 * time.Second)
			fail(t, l, "anna", home, 1)
			a.Cancel(ctx)
			c.add(time.Second)
			fail(t, l, "anna", home, 1)
			if _, d := l.Reserve(ctx, "anna", home); d.RetryAfter != 4*time.Second {
				t.Errorf("got %+v, want the wait of the seventh failure, 4s", d)
			}
		}},
		{"a refused guess charges nothing else", func(t *testing.T, l *throttle.Logins, _ *clock) {
			fail(t, l, "anna", home, 5)
			for range 100 {
				refused(t, l, "anna", home)
			}
			fail(t, l, "bert", home, 5)
		}},
		{"failures are forgotten an hour after the wait", func(t *testing.T, l *throttle.Logins, c *clock) {
			fail(t, l, "anna", home, 5)
			c.add(time.Hour + 2*time.Second)
			fail(t, l, "anna", home, 5)
		}},
		{"rotating addresses within a /64 is one network", func(t *testing.T, l *throttle.Logins, _ *clock) {
			for i := range 20 {
				fail(t, l, fmt.Sprint("user", i), netip.MustParseAddr(fmt.Sprintf("2001:db8::%x", i+1)), 1)
			}
			refused(t, l, "user99", netip.MustParseAddr("2001:db8::ffff"))
		}},
		{"rotating /64s within a /48 is one site", func(t *testing.T, l *throttle.Logins, _ *clock) {
			for i := range 80 {
				fail(t, l, fmt.Sprint("user", i), netip.MustParseAddr(fmt.Sprintf("2001:db8:0:%x::1", i)), 1)
			}
			refused(t, l, "user99", netip.MustParseAddr("2001:db8:0:ffff::1"))
			fail(t, l, "user99", netip.MustParseAddr("2001:db8:1::1"), 1)
		}},
		{"rotating /48s puts the account in slow mode", func(t *testing.T, l *throttle.Logins, c *clock) {
			for i := range 101 {
				fail(t, l, "anna", netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::1", i)), 1)
			}
			refused(t, l, "anna", netip.MustParseAddr("2001:db8:ffff::1"))
			c.add(30 * time.Second)
			fail(t, l, "anna", netip.MustParseAddr("2001:db8:fffe::1"), 1)
			refused(t, l, "anna", netip.MustParseAddr("2001:db8:ffff::1"))
			fail(t, l, "bert", netip.MustParseAddr("2001:db8:ffff::1"), 1)
		}},
		{"in slow mode the owner's network keeps working and a new one waits", func(t *testing.T, l *throttle.Logins, c *clock) {
			a, _ := l.Reserve(ctx, "anna", home)
			a.Succeed(ctx)
			for i := range 101 {
				fail(t, l, "anna", netip.MustParseAddr(fmt.Sprintf("10.0.%d.1", i)), 1)
			}
			for range 20 {
				a, d := l.Reserve(ctx, "anna", home)
				if !d.Allowed {
					t.Fatalf("known network: got %+v, want allowed", d)
				}
				if d := l.Peek(ctx, "anna", home); !d.Allowed {
					t.Fatalf("peek from a known network: got %+v, want allowed", d)
				}
				a.Succeed(ctx)
			}
			refused(t, l, "anna", office)
			if d := l.Peek(ctx, "anna", office); d.Allowed {
				t.Errorf("peek from a new network: got %+v, want refused", d)
			}
			c.add(31 * 24 * time.Hour)
			for i := range 101 {
				fail(t, l, "anna", netip.MustParseAddr(fmt.Sprintf("10.0.%d.1", i)), 1)
			}
			refused(t, l, "anna", home)
		}},
		{"a success in slow mode gives its try back", func(t *testing.T, l *throttle.Logins, c *clock) {
			for i := range 101 {
				fail(t, l, "anna", netip.MustParseAddr(fmt.Sprintf("10.0.%d.1", i)), 1)
			}
			c.add(30 * time.Second)
			a, d := l.Reserve(ctx, "anna", office)
			if !d.Allowed {
				t.Fatalf("got %+v, want allowed", d)
			}
			a.Succeed(ctx)
			fail(t, l, "anna", home, 1)
			refused(t, l, "anna", netip.MustParseAddr("203.0.113.9"))
		}},
		{"an address that is not known is one network with its like", func(t *testing.T, l *throttle.Logins, _ *clock) {
			for i := range 20 {
				fail(t, l, fmt.Sprint("user", i), netip.Addr{}, 1)
			}
			refused(t, l, "user99", netip.Addr{})
		}},
		{"IPv4 in IPv6 and a zone change nothing", func(t *testing.T, l *throttle.Logins, _ *clock) {
			fail(t, l, "anna", home, 5)
			refused(t, l, "anna", netip.MustParseAddr("::ffff:192.0.2.1"))
			fail(t, l, "anna", netip.MustParseAddr("fe80::1"), 5)
			refused(t, l, "anna", netip.MustParseAddr("fe80::1%eth0"))
		}},
		{"peeking charges nothing and sees what is charged", func(t *testing.T, l *throttle.Logins, _ *clock) {
			for range 100 {
				if d := l.Peek(ctx, "anna", home); !d.Allowed {
					t.Fatalf("got %+v, want allowed", d)
				}
			}
			fail(t, l, "anna", home, 5)
			if d := l.Peek(ctx, "anna", home); d.Allowed || d.RetryAfter != time.Second {
				t.Errorf("got %+v, want a wait of 1s", d)
			}
			for i := range 15 {
				fail(t, l, fmt.Sprint("user", i), home, 1)
			}
			if d := l.Peek(ctx, "zoe", home); d.Allowed {
				t.Errorf("used-up network: got %+v, want refused", d)
			}
		}},
		{"a clock that jumps back stands still and one that jumps on counts", func(t *testing.T, l *throttle.Logins, c *clock) {
			fail(t, l, "anna", home, 5)
			c.add(-24 * time.Hour)
			if _, d := l.Reserve(ctx, "anna", home); d.Allowed || d.RetryAfter > time.Second {
				t.Errorf("after a jump back: got %+v, want a wait of 1s", d)
			}
			c.add(24*time.Hour + time.Second)
			fail(t, l, "anna", home, 1)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			tt.run(t, must(throttle.NewLogins(throttle.LoginsConfig{Clock: c.now})), c)
		})
	}
}

func fail(t *testing.T, l *throttle.Logins, account string, a netip.Addr, times int) {
	t.Helper()
	for i := range times {
		if _, d := l.Reserve(context.Background(), account, a); !d.Allowed {
			t.Fatalf("guess %d at %s from %v: got %+v, want allowed", i+1, account, a, d)
		}
	}
}

func refused(t *testing.T, l *throttle.Logins, account string, a netip.Addr) {
	t.Helper()
	if _, d := l.Reserve(context.Background(), account, a); d.Allowed || d.RetryAfter <= 0 {
		t.Fatalf("guess at %s from %v: got %+v, want refused with a wait", account, a, d)
	}
}

func TestLoginsAMillionNamesDoNotWashAPenaltyOff(t *testing.T) {
	const keys = 1 << 12
	c := newClock()
	pair := must(throttle.NewBackoff(throttle.BackoffConfig{MaxKeys: keys, Clock: c.now}))
	account := must(throttle.NewBucket(throttle.BucketConfig{Burst: 100, Every: 864 * time.Second, MaxKeys: keys, Clock: c.now}))
	l := must(throttle.NewLogins(throttle.LoginsConfig{LocalPair: pair, LocalAccount: account, MaxKeys: keys, Clock: c.now}))
	ctx := context.Background()
	for i := range 10 { // the victim's pair waits 32 s, then
		fail(t, l, "victim", home, 1)
		if i >= 4 {
			c.add(time.Second << (i - 4))
		}
	}
	fail(t, l, "victim", home, 1)
	n := 1_000_000
	if testing.Short() || raceEnabled {
		n = 100_000
	}
	for i := range n {
		l.Reserve(ctx, fmt.Sprint("nobody", i), netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if _, d := l.Reserve(ctx, "victim", home); d.Allowed || d.RetryAfter != 64*time.Second {
		t.Errorf("after %d names: got %+v, want the victim's wait of 64s", n, d)
	}
	if got := max(pair.Len(), account.Len()); got > keys {
		t.Errorf("got %d keys remembered, want at most %d", got, keys)
	}
}

// store is a limiter that processes share, with a switch.
type store struct {
	throttle.Limiter
	down  atomic.Bool
	calls atomic.Int32
}

var errDown = errors.New("store is down")

func (s *store) Reserve(ctx context.Context, key string, cost int) (throttle.Decision, error) {
	s.calls.Add(1)
	if s.down.Load() {
		return throttle.Decision{}, errDown
	}
	return s.Limiter.Reserve(ctx, key, cost)
}

func (s *store) Refund(ctx context.Context, key string, cost int) error {
	if s.down.Load() {
		return errDown
	}
	return s.Limiter.Refund(ctx, key, cost)
}

func TestLoginsOverASharedLimiter(t *testing.T) {
	c := newClock()
	ctx := context.Background()
	key := []byte("0123456789abcdef")
	shared := &store{Limiter: must(throttle.NewBackoff(throttle.BackoffConfig{Clock: c.now}))}
	var told atomic.Int32
	process := func() *throttle.Logins {
		return must(throttle.NewLogins(throttle.LoginsConfig{Pair: shared, Key: key, Clock: c.now, OnError: func(error) { told.Add(1) }}))
	}

	fail(t, process(), "anna", home, 5)
	restarted := process()
	refused(t, restarted, "anna", home) // the penalty outlives the process
	c.add(time.Second)
	a, d := restarted.Reserve(ctx, "anna", home)
	if !d.Allowed {
		t.Fatalf("after the wait: got %+v, want allowed", d)
	}
	a.Succeed(ctx)
	fail(t, process(), "anna", home, 5)

	shared.down.Store(true)
	p := process()
	fail(t, p, "bert", home, 5)
	refused(t, p, "bert", home)
	if told.Load() != 1 {
		t.Errorf("got %d errors told, want 1: the shared limiter rests for a second", told.Load())
	}
	c.add(time.Second)
	a, d = p.Reserve(ctx, "bert", home)
	if !d.Allowed {
		t.Fatalf("with the store down, after the wait: got %+v, want allowed", d)
	}
	a.Succeed(ctx)
	fail(t, p, "bert", home, 5)
}

// badKnown is a KnownStore that is down.
type badKnown struct{}

func (badKnown) Add(context.Context, string) error         { return errDown }
func (badKnown) Has(context.Context, string) (bool, error) { return true, errDown }

// slowKnown is a KnownStore that answers when nobody waits any more.
type slowKnown struct{}

func (slowKnown) Add(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s slowKnown) Has(ctx context.Context, key string) (bool, error) { return true, s.Add(ctx, key) }

func TestLoginsWaitForNoKnownStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Int32
		l := must(throttle.NewLogins(throttle.LoginsConfig{Known: slowKnown{}, Timeout: time.Second, OnError: func(error) { told.Add(1) }}))
		start := time.Now()
		a, _ := l.Reserve(t.Context(), "anna", home)
		a.Succeed(t.Context())
		if d := time.Since(start); d != time.Second || told.Load() != 1 {
			t.Errorf("a success: got %v and %d errors, want a second and one", d, told.Load())
		}
		for i := range 101 { // the last one in slow mode, which asks for the network
			l.Reserve(t.Context(), "anna", netip.MustParseAddr(fmt.Sprintf("10.0.%d.1", i)))
		}
		if d := time.Since(start); d != 2*time.Second || told.Load() != 2 {
			t.Errorf("slow mode: got %v and %d errors, want two seconds and two", d, told.Load())
		}
	})
}

func TestLoginsCountEachAccountForItselfInASharedLimiter(t *testing.T) {
	ctx := t.Context()
	keys := map[string]bool{}
	for range 2 { // two processes with one key
		shared := &keyLimiter{keys: keys}
		l := must(throttle.NewLogins(throttle.LoginsConfig{
			Account: shared, Pair: shared, Key: []byte("0123456789abcdef"),
		}))
		for _, name := range []string{"anna", "bert"} {
			if _, d := l.Reserve(ctx, name, home); !d.Allowed {
				t.Fatalf("%s: got %+v, want allowed", name, d)
			}
		}
	}
	if len(keys) != 4 {
		t.Errorf("got the keys %v, want one for each account and each pair", keys)
	}
	for key := range keys {
		if len(key) != 32 || strings.Trim(key, "0123456789abcdef") != "" {
			t.Errorf("got the key %q, want a MAC in hexadecimal", key)
		}
	}
}

// keyLimiter allows everything and remembers its keys.
type keyLimiter struct{ keys map[string]bool }

func (l *keyLimiter) Reserve(_ context.Context, key string, _ int) (throttle.Decision, error) {
	l.keys[key] = true
	return throttle.Decision{Allowed: true}, nil
}

func (l *keyLimiter) Refund(context.Context, string, int) error { return nil }

func TestLoginsKnownStoreDownKnowsNobody(t *testing.T) {
	c := newClock()
	var told atomic.Int32
	l := must(throttle.NewLogins(throttle.LoginsConfig{Clock: c.now, Known: badKnown{}, OnError: func(error) { told.Add(1) }}))
	a, _ := l.Reserve(context.Background(), "anna", home)
	a.Succeed(context.Background())
	for i := range 101 {
		fail(t, l, "anna", netip.MustParseAddr(fmt.Sprintf("10.0.%d.1", i)), 1)
	}
	refused(t, l, "anna", home)
	if told.Load() < 2 {
		t.Errorf("got %d errors told, want one for Add and one for Has", told.Load())
	}
}

func TestLoginsAlarm(t *testing.T) {
	ctx := context.Background()
	tests := []struct {
		name                    string
		guesses, good, returned int
		want                    []throttle.Alarm
	}{
		{"most guesses failed", 100, 40, 5, []throttle.Alarm{{Guesses: 100, Failures: 55, Window: time.Minute}}},
		{"half of them failed", 100, 40, 10, nil},
		{"too few to tell", 99, 0, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			var got []throttle.Alarm
			l := must(throttle.NewLogins(throttle.LoginsConfig{Clock: c.now, OnAlarm: func(a throttle.Alarm) { got = append(got, a) }}))
			guess := func(i int) throttle.Attempt {
				a, d := l.Reserve(ctx, fmt.Sprint("user", i), netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
				if !d.Allowed {
					t.Fatalf("guess %d: got %+v, want allowed", i, d)
				}
				return a
			}
			for i := range tt.guesses {
				switch a := guess(i); {
				case i < tt.good:
					a.Succeed(ctx)
				case i < tt.good+tt.returned:
					a.Cancel(ctx)
				}
			}
			c.add(time.Minute)
			guess(200) // the first one after the minute
			guess(201)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestLoginsZeroAttemptDoesNothing(t *testing.T) {
	var a throttle.Attempt
	a.Succeed(context.Background())
	a.Cancel(context.Background())
}

func TestLoginsReserveAllocatesNothing(t *testing.T) {
	l := must(throttle.NewLogins(throttle.LoginsConfig{}))
	ctx := context.Background()
	got := testing.AllocsPerRun(100, func() {
		if d := l.Peek(ctx, "anna", home); !d.Allowed {
			t.Fatal("refused")
		}
	})
	if got != 0 {
		t.Errorf("peek: got %v allocations, want 0", got)
	}
}

func BenchmarkLoginsPeek(b *testing.B) {
	l := must(throttle.NewLogins(throttle.LoginsConfig{}))
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		l.Peek(ctx, "anna", home)
	}
}

func BenchmarkLoginsReserveAndSucceed(b *testing.B) {
	l := must(throttle.NewLogins(throttle.LoginsConfig{}))
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		a, _ := l.Reserve(ctx, "anna", home)
		a.Succeed(ctx)
	}
}

func ExampleLogins() {
	logins, err := throttle.NewLogins(throttle.LoginsConfig{})
	if err != nil {
		panic(err)
	}
	ctx, addr := context.Background(), netip.MustParseAddr("192.0.2.1")
	for range 6 {
		attempt, d := logins.Reserve(ctx, "anna", addr)
		if !d.Allowed {
			fmt.Println("wait", d.Seconds(), "s")
			continue
		}
		_ = attempt // the password was wrong: nothing to do
		fmt.Println("wrong password")
	}
	// Output:
	// wrong password
	// wrong password
	// wrong password
	// wrong password
	// wrong password
	// wait 1 s
}

func TestAnAttemptEndsOnce(t *testing.T) {
	l := must(throttle.NewLogins(throttle.LoginsConfig{LocalAccount: must(throttle.NewBucket(throttle.BucketConfig{Burst: 3, Every: time.Hour})),
		LocalPair: must(throttle.NewBackoff(throttle.BackoffConfig{Free: 100}))}))
	ctx, a := context.Background(), netip.MustParseAddr("192.0.2.1")
	for range 2 {
		l.Reserve(ctx, "ann", a)
	}
	at, _ := l.Reserve(ctx, "ann", a)
	at.Cancel(ctx)
	at.Cancel(ctx) // defer Cancel beside an explicit one
	at.Cancel(ctx)
	n := 0
	for range 3 {
		if _, d := l.Reserve(ctx, "ann", netip.MustParseAddr("192.0.2.2")); d.Allowed {
			n++
		}
	}
	if n > 2 { // one left, and one in slow mode
		t.Errorf("%d guesses allowed: ending an attempt again gives back other people's failures", n)
	}
}
