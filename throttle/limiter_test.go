package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth/throttle"
)

func TestBucket(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	b := must(throttle.NewBucket(throttle.BucketConfig{Burst: 3, Every: 10 * time.Second, Clock: c.now}))
	steps := []struct {
		name  string
		pass  time.Duration
		cost  int
		want  bool
		retry time.Duration
	}{
		{"the burst is there at once", 0, 2, true, 0},
		{"what is left is less than the cost", 0, 2, false, 10 * time.Second},
		{"a refused call charged nothing", 0, 1, true, 0},
		{"an empty bucket refuses", 0, 1, false, 10 * time.Second},
		{"a moment before the interval it refuses still", 10*time.Second - 1, 1, false, 1},
		{"at the interval one is back", 1, 1, true, 0},
		{"a long rest fills it to the burst and not beyond", time.Hour, 3, true, 0},
		{"and not beyond", 0, 1, false, 10 * time.Second},
	}
	for _, s := range steps {
		c.add(s.pass)
		d, err := b.Reserve(ctx, "k", s.cost)
		if err != nil || d.Allowed != s.want || d.RetryAfter != s.retry {
			t.Fatalf("%s: got %+v, %v; want allowed %v after %v", s.name, d, err, s.want, s.retry)
		}
	}
	for _, cost := range []int{0, -1, 4} {
		if _, err := b.Reserve(ctx, "k", cost); err == nil {
			t.Errorf("cost %d: got no error", cost)
		}
	}
	for range 3 { // refunding more than was charged is no credit
		_ = b.Refund(ctx, "k", throttle.All)
	}
	_ = b.Refund(ctx, "k", -5)
	_ = b.Refund(ctx, "stranger", 1)
	if d, _ := b.Reserve(ctx, "k", 3); !d.Allowed {
		t.Errorf("after a refund of All: got %+v, want the whole burst", d)
	}
	if d, _ := b.Reserve(ctx, "k", 1); d.Allowed {
		t.Errorf("after a refund of All and the burst: got %+v, want refused", d)
	}
	_ = b.Refund(ctx, "k", 1)
	if d, _ := b.Reserve(ctx, "k", 1); !d.Allowed {
		t.Errorf("after a refund of 1: got %+v, want allowed", d)
	}
}

// The default clock is monotonic: in a bubble, time passes for it as for everybody.
func TestBucketOnTheRealClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := must(throttle.NewBucket(throttle.BucketConfig{Burst: 1, Every: time.Minute}))
		for i, want := range []bool{true, false} {
			if d, _ := b.Reserve(t.Context(), "k", 1); d.Allowed != want {
				t.Errorf("call %d: got %+v, want allowed %v", i+1, d, want)
			}
		}
		time.Sleep(time.Minute) // the bubble's time
		if d, _ := b.Reserve(t.Context(), "k", 1); !d.Allowed {
			t.Errorf("after a minute: got %+v, want allowed", d)
		}
	})
}

func TestFullTables(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	bucket := must(throttle.NewBucket(throttle.BucketConfig{Burst: 2, Every: time.Minute, MaxKeys: 4, Clock: c.now}))
	backoff := must(throttle.NewBackoff(throttle.BackoffConfig{Free: 2, First: time.Minute, MaxKeys: 4, Clock: c.now}))
	for name, l := range map[string]throttle.Limiter{"bucket": bucket, "backoff": backoff} {
		t.Run(name, func(t *testing.T) {
			reserve := func(key string) throttle.Decision { return must(l.Reserve(ctx, key, 1)) }
			for i := range 4 {
				reserve(fmt.Sprint(i))
				reserve(fmt.Sprint(i))
			}
			if d := reserve("new"); !d.Allowed || !d.Shared {
				t.Errorf("first new key: got %+v, want allowed in the shared bucket", d)
			}
			if d := reserve("newer"); !d.Allowed || !d.Shared {
				t.Errorf("second new key: got %+v, want allowed in the shared bucket", d)
			}
			if err := l.Refund(ctx, "newer", throttle.All); err != nil {
				t.Error(err)
			}
			if d := reserve("newest"); d.Allowed || !d.Shared || d.RetryAfter != time.Minute {
				t.Errorf("third new key: got %+v, want refused: the shared bucket is strict and is not refunded", d)
			}
			for i := range 4 {
				if d := reserve(fmt.Sprint(i)); d.Allowed || d.Shared {
					t.Errorf("key %d: got %+v, want its own refusal: it was never evicted", i, d)
				}
			}
			_ = l.Refund(ctx, "2", throttle.All)
			if d := reserve("lucky"); !d.Allowed || d.Shared {
				t.Errorf("after one key was refunded: got %+v, want allowed in a bucket of its own", d)
			}
			c.add(2 * time.Hour)
			if d := reserve("later"); !d.Allowed || d.Shared {
				t.Errorf("after all penalties ended: got %+v, want allowed in a bucket of its own", d)
			}
		})
	}
	if bucket.Len() != 4 || backoff.Len() != 4 {
		t.Errorf("got %d and %d keys, want 4 and 4", bucket.Len(), backoff.Len())
	}
}

func TestFullTableLosesTheKeyThatMattersLeast(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	b := must(throttle.NewBackoff(throttle.BackoffConfig{MaxKeys: 4, Clock: c.now}))
	for i, failures := range []int{4, 3, 1, 4} {
		for range failures {
			must(b.Reserve(ctx, fmt.Sprint(i), 1))
		}
	}
	must(b.Reserve(ctx, "new", 1))
	for _, i := range []string{"0", "3"} { // the fifth failure starts the wait
		must(b.Reserve(ctx, i, 1))
		if d := must(b.Reserve(ctx, i, 1)); d.Allowed {
			t.Errorf("key %s: got allowed, want a wait: its four failures were forgotten", i)
		}
	}
}

func TestBackoffCosts(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	b := must(throttle.NewBackoff(throttle.BackoffConfig{Free: 1, First: time.Hour, Clock: c.now})) // Max follows First
	if _, err := b.Reserve(ctx, "k", 0); err == nil {
		t.Error("cost 0: got no error")
	}
	must(b.Reserve(ctx, "k", throttle.All))
	if d := must(b.Reserve(ctx, "k", 1)); d.RetryAfter != time.Hour {
		t.Errorf("got %+v, want the longest wait, 1h", d)
	}
	c.add(time.Hour)
	must(b.Reserve(ctx, "k", throttle.All)) // no overflow
	if d := must(b.Reserve(ctx, "k", 1)); d.Allowed {
		t.Errorf("got %+v, want refused", d)
	}
	_ = b.Refund(ctx, "k", 0)
	_ = b.Refund(ctx, "stranger", 1)
	if d := must(b.Reserve(ctx, "k", 1)); d.Allowed {
		t.Errorf("after refunds of nothing: got %+v, want refused", d)
	}
	_ = b.Refund(ctx, "k", throttle.All)
	if d := must(b.Reserve(ctx, "k", 1)); !d.Allowed {
		t.Errorf("after a refund of All: got %+v, want allowed", d)
	}
}

func TestARefundLeavesTheKeyAsItWas(t *testing.T) {
	ctx := context.Background()
	failed := func(n int) (*throttle.Backoff, *clock) {
		c := newClock()
		b := must(throttle.NewBackoff(throttle.BackoffConfig{Free: 1, Forget: 24 * time.Hour, Clock: c.now}))
		for range n {
			must(b.Reserve(ctx, "k", 1))
			c.add(15 * time.Minute)
		}
		return b, c
	}
	wait := func(b *throttle.Backoff) time.Duration { return must(b.Reserve(ctx, "k", 1)).RetryAfter }
	tests := []struct {
		name string
		run  func(b *throttle.Backoff, c *clock)
		want time.Duration
	}{
		{"a charge given back makes no new wait", func(b *throttle.Backoff, _ *clock) {
			must(b.Reserve(ctx, "k", 1))
			_ = b.Refund(ctx, "k", 1)
		}, 0},
		{"a charge of two given back makes no new wait", func(b *throttle.Backoff, _ *clock) {
			must(b.Reserve(ctx, "k", 2))
			_ = b.Refund(ctx, "k", 2)
		}, 0},
		{"one of two given back leaves the wait of the other", func(b *throttle.Backoff, _ *clock) {
			must(b.Reserve(ctx, "k", 2))
			_ = b.Refund(ctx, "k", 1)
		}, 16 * time.Second},
		{"the earlier ones count still", func(b *throttle.Backoff, _ *clock) {
			must(b.Reserve(ctx, "k", 1))
			_ = b.Refund(ctx, "k", 1)
			must(b.Reserve(ctx, "k", 1))
		}, 16 * time.Second},
		{"a second refund takes the wait of a failure before, and no more", func(b *throttle.Backoff, c *clock) {
			must(b.Reserve(ctx, "k", 1))
			_ = b.Refund(ctx, "k", 1)
			_ = b.Refund(ctx, "k", 1)
			c.add(24*time.Hour - time.Second) // it is not forgotten the sooner
			must(b.Reserve(ctx, "k", 1))
		}, 8 * time.Second},
		{"a refund within the wait takes away what it added", func(b *throttle.Backoff, c *clock) {
			must(b.Reserve(ctx, "k", 1))
			c.add(16 * time.Second)
			must(b.Reserve(ctx, "k", 1)) // while the one before is under way
			_ = b.Refund(ctx, "k", 1)
			_ = b.Refund(ctx, "k", 1)
		}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, c := failed(4)
			tt.run(b, c)
			if got := wait(b); got != tt.want {
				t.Errorf("got a wait of %v, want %v", got, tt.want)
			}
		})
	}
}

func TestFallback(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	bucket := func(burst int) *throttle.Bucket {
		return must(throttle.NewBucket(throttle.BucketConfig{Burst: burst, Every: time.Minute, Clock: c.now}))
	}
	t.Run("the shared limiter decides where it is stricter, and the local one is not charged", func(t *testing.T) {
		local, shared := bucket(2), bucket(2)
		f := must(throttle.NewFallback(throttle.FallbackConfig{Primary: shared, Local: local}))
		must(shared.Reserve(ctx, "k", 2)) // another process
		if d := must(f.Reserve(ctx, "k", 1)); d.Allowed {
			t.Errorf("got %+v, want refused", d)
		}
		if d := must(local.Reserve(ctx, "k", 2)); !d.Allowed {
			t.Errorf("local limiter: got %+v, want untouched", d)
		}
	})
	t.Run("the shared limiter is not asked where the local one refuses", func(t *testing.T) {
		shared := &store{Limiter: bucket(9)}
		f := must(throttle.NewFallback(throttle.FallbackConfig{Primary: shared, Local: bucket(2)}))
		for range 10 {
			must(f.Reserve(ctx, "k", 1))
		}
		if got := shared.calls.Load(); got != 2 {
			t.Errorf("got %d calls, want 2", got)
		}
	})
	t.Run("the local limiter answers where the shared one is down", func(t *testing.T) {
		shared := &store{Limiter: bucket(9)}
		shared.down.Store(true)
		var told []error
		f := must(throttle.NewFallback(throttle.FallbackConfig{
			Primary: shared, Local: bucket(2), Clock: c.now, OnError: func(err error) { told = append(told, err) },
		}))
		for i, want := range []bool{true, true, false} {
			if d, err := f.Reserve(ctx, "k", 1); err != nil || d.Allowed != want {
				t.Errorf("call %d: got %+v, %v; want allowed %v", i+1, d, err, want)
			}
		}
		if err := f.Refund(ctx, "k", 1); err != nil {
			t.Error(err)
		}
		if d := must(f.Reserve(ctx, "k", 1)); !d.Allowed {
			t.Errorf("after a refund: got %+v, want allowed", d)
		}
		if len(told) != 1 || !errors.Is(told[0], errDown) {
			t.Errorf("got the errors %v told, want one: it rests", told)
		}
	})
	t.Run("a shared limiter that hangs is given up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := must(throttle.NewFallback(throttle.FallbackConfig{Primary: hanging{}, Local: bucket(2)}))
			start := time.Now()
			if d, err := f.Reserve(t.Context(), "k", 1); err != nil || !d.Allowed {
				t.Errorf("got %+v, %v; want the local answer", d, err)
			}
			_ = f.Refund(t.Context(), "k", 1)
			if got := time.Since(start); got != 250*time.Millisecond {
				t.Errorf("got %v, want 250ms: it rests after the first call", got)
			}
			time.Sleep(time.Second) // the bubble's time
			_ = f.Refund(t.Context(), "k", 1)
			if got := time.Since(start); got != 1500*time.Millisecond {
				t.Errorf("got %v, want it asked again after a second", got)
			}
		})
	})
	t.Run("a caller who goes away does not put the shared limiter to rest", func(t *testing.T) {
		shared := &store{Limiter: bucket(9)}
		f := must(throttle.NewFallback(throttle.FallbackConfig{Primary: shared, Local: bucket(5), Clock: c.now}))
		gone, cancel := context.WithCancel(ctx)
		cancel()
		shared.down.Store(true)
		must(f.Reserve(gone, "k", 1))
		shared.down.Store(false)
		must(f.Reserve(ctx, "k", 1))
		if got := shared.calls.Load(); got != 2 {
			t.Errorf("got %d calls, want 2", got)
		}
	})
	t.Run("an error of the local limiter is an error", func(t *testing.T) {
		shared := &store{Limiter: bucket(9)}
		shared.down.Store(true)
		f := must(throttle.NewFallback(throttle.FallbackConfig{Primary: bucket(2), Local: shared}))
		if d, err := f.Reserve(ctx, "k", 1); err == nil || d.Allowed {
			t.Errorf("got %+v, %v; want an error", d, err)
		}
	})
}

type hanging struct{}

func (hanging) Reserve(ctx context.Context, _ string, _ int) (throttle.Decision, error) {
	<-ctx.Done()
	return throttle.Decision{}, ctx.Err()
}

func (hanging) Refund(ctx context.Context, _ string, _ int) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestSources(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	shared := must(throttle.NewBucket(throttle.BucketConfig{Burst: 2, Every: time.Hour, Clock: c.now}))
	s := must(throttle.NewSources(throttle.SourcesConfig{Prefix: shared, Clock: c.now}))
	a := netip.MustParseAddr("2001:db8::1")
	for i, want := range []bool{true, true, false} {
		if d := s.Reserve(ctx, a); d.Allowed != want {
			t.Errorf("call %d: got %+v, want allowed %v", i+1, d, want)
		}
	}
	s.Refund(ctx, a)
	if d := s.Reserve(ctx, a); !d.Allowed {
		t.Errorf("after a refund: got %+v, want allowed", d)
	}
	if d := must(shared.Reserve(ctx, throttle.PrefixKey(a), 1)); d.Allowed {
		t.Errorf("shared limiter under PrefixKey: got %+v, want used up", d)
	}
	if d := s.Peek(a); !d.Allowed {
		t.Errorf("peek knows this process only: got %+v, want allowed", d)
	}
}

func TestPeekSeesTheSiteAroundAnAddress(t *testing.T) {
	s := must(throttle.NewSources(throttle.SourcesConfig{Clock: newClock().now}))
	addr := func(subnet, i int) netip.Addr {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:1:%x::%x", subnet, i+1))
	}
	for subnet := range 4 {
		for i := range 20 {
			if d := s.Reserve(t.Context(), addr(subnet, i)); !d.Allowed {
				t.Fatalf("subnet %d, failure %d: got %+v, want allowed", subnet, i, d)
			}
		}
	}
	if d := s.Peek(addr(4, 0)); d.Allowed {
		t.Errorf("a fresh /64 of a /48 that used up its budget: got %+v, want refused", d)
	}
	if d := s.Peek(netip.MustParseAddr("2001:db8:2::1")); !d.Allowed {
		t.Errorf("another /48: got %+v, want allowed", d)
	}
}

func TestSourcesRefusalsChargeNothing(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	budget := func(s *throttle.Sources, a netip.Addr) (n int) {
		for s.Reserve(ctx, a).Allowed {
			n++
		}
		return n
	}
	t.Run("by the site", func(t *testing.T) {
		s := must(throttle.NewSources(throttle.SourcesConfig{Clock: c.now}))
		for i := range 80 {
			s.Reserve(ctx, netip.MustParseAddr(fmt.Sprintf("2001:db8:0:%x::1", i)))
		}
		fresh := netip.MustParseAddr("2001:db8:0:ffff::1")
		for range 30 {
			if d := s.Reserve(ctx, fresh); d.Allowed {
				t.Fatal("got allowed, want refused by the site")
			}
		}
		c.add(30 * time.Second)
		if got := budget(s, fresh); got != 20 {
			t.Errorf("got a budget of %d, want 20", got)
		}
	})
	t.Run("by the shared limiter", func(t *testing.T) {
		shared := must(throttle.NewBucket(throttle.BucketConfig{Burst: 100, Every: time.Hour, Clock: c.now}))
		s := must(throttle.NewSources(throttle.SourcesConfig{Prefix: shared, Clock: c.now}))
		must(shared.Reserve(ctx, throttle.PrefixKey(home), 100))
		for range 30 {
			if d := s.Reserve(ctx, home); d.Allowed {
				t.Fatal("got allowed, want refused by the shared limiter")
			}
		}
		_ = shared.Refund(ctx, throttle.PrefixKey(home), throttle.All)
		if got := budget(s, home); got != 20 {
			t.Errorf("got a budget of %d, want 20", got)
		}
	})
}

func TestKeys(t *testing.T) {
	for _, tt := range []struct{ addr, prefix, site string }{
		{"192.0.2.1", "192.0.2.1/32", "192.0.2.1/32"},
		{"::ffff:192.0.2.1", "192.0.2.1/32", "192.0.2.1/32"},
		{"2001:db8:1:2:3::4%eth0", "2001:db8:1:2::/64", "2001:db8:1::/48"},
	} {
		a := netip.MustParseAddr(tt.addr)
		if p, s := throttle.PrefixKey(a), throttle.SiteKey(a); p != tt.prefix || s != tt.site {
			t.Errorf("%s: got %s and %s, want %s and %s", tt.addr, p, s, tt.prefix, tt.site)
		}
	}
}

func TestKnownForgetsTheOldest(t *testing.T) {
	ctx := context.Background()
	c := newClock()
	k := must(throttle.NewKnown(throttle.KnownConfig{For: time.Hour, MaxKeys: 2, Clock: c.now}))
	for _, key := range []string{"a", "b", "a", "c"} {
		c.add(time.Minute)
		_ = k.Add(ctx, key)
	}
	for key, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if got, _ := k.Has(ctx, key); got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	c.add(time.Hour + 1)
	if got, _ := k.Has(ctx, "c"); got {
		t.Error("after an hour: got known, want forgotten")
	}
}

func TestConfigurationsSayEveryMistake(t *testing.T) {
	tests := []struct {
		name string
		err  func() error
		want []string
	}{
		{"bucket", func() error {
			_, err := throttle.NewBucket(throttle.BucketConfig{MaxKeys: -1})
			return err
		}, []string{"Burst", "Every", "MaxKeys"}},
		{"bucket too wide", func() error {
			_, err := throttle.NewBucket(throttle.BucketConfig{Burst: 1_000_000, Every: 24 * time.Hour, MaxKeys: 1 << 25})
			return err
		}, []string{"Burst × Every", "MaxKeys"}},
		{"backoff", func() error {
			_, err := throttle.NewBackoff(throttle.BackoffConfig{Free: -1, First: time.Hour, Max: time.Minute, Forget: -1, MaxKeys: -1})
			return err
		}, []string{"Free", "First", "Forget", "MaxKeys"}},
		{"fallback", func() error {
			_, err := throttle.NewFallback(throttle.FallbackConfig{Timeout: time.Minute, Rest: time.Hour})
			return err
		}, []string{"Primary", "Local", "Timeout", "Rest"}},
		{"known", func() error {
			_, err := throttle.NewKnown(throttle.KnownConfig{For: -1, MaxKeys: -1})
			return err
		}, []string{"For", "MaxKeys"}},
		{"sources", func() error {
			_, err := throttle.NewSources(throttle.SourcesConfig{Site: hanging{}, Timeout: -1, MaxKeys: -1})
			return err
		}, []string{"MaxKeys", "Timeout"}},
		{"logins", func() error {
			_, err := throttle.NewLogins(throttle.LoginsConfig{Key: []byte("short"), Pair: hanging{}, Timeout: -1, MaxKeys: -1})
			return err
		}, []string{"Key", "MaxKeys", "Timeout"}},
		{"logins with known networks of one's own", func() error {
			_, err := throttle.NewLogins(throttle.LoginsConfig{Known: badKnown{}, Timeout: time.Minute})
			return err
		}, []string{"Timeout"}},
		{"middleware", func() error {
			_, err := throttle.NewMiddleware(throttle.MiddlewareConfig{})
			return err
		}, []string{"Limiter", "Key"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.err()
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to name %s", err, want)
				}
			}
		})
	}
}

func TestSecondsAreRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]int{0: 1, -5: 1, 1: 1, time.Second: 1, time.Second + 1: 2, 15 * time.Minute: 900} {
		if got := (throttle.Decision{RetryAfter: d}).Seconds(); got != want {
			t.Errorf("%v: got %d, want %d", d, got, want)
		}
	}
}

func peer(r *http.Request) (netip.Addr, error) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr(), err
}

func TestMiddleware(t *testing.T) {
	limit := func(l throttle.Limiter) http.Handler {
		m := must(throttle.NewMiddleware(throttle.MiddlewareConfig{Limiter: l, Key: throttle.ByAddr(peer)}))
		return m(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	}
	ask := func(h http.Handler, addr string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = addr
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	c := newClock()
	h := limit(must(throttle.NewBucket(throttle.BucketConfig{Burst: 1, Every: 1500 * time.Millisecond, Clock: c.now})))

	for _, addr := range []string{"192.0.2.1:1", "[2001:db8::1]:1", "nonsense"} {
		if got := ask(h, addr).StatusCode; got != http.StatusNoContent {
			t.Errorf("%s, first: got %d, want 204", addr, got)
		}
	}
	for _, addr := range []string{"192.0.2.1:2", "[2001:db8::2]:1", "other nonsense"} {
		res := ask(h, addr)
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "2" {
			t.Errorf("%s, second: got %d, Retry-After %q; want 429, 2", addr, res.StatusCode, res.Header.Get("Retry-After"))
		}
		if ct, cc := res.Header.Get("Content-Type"), res.Header.Get("Cache-Control"); ct != "application/problem+json" || cc != "no-store" {
			t.Errorf("got Content-Type %q, Cache-Control %q", ct, cc)
		}
	}
	down := &store{}
	down.down.Store(true)
	if res := ask(limit(down), "192.0.2.1:1"); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "1" {
		t.Errorf("limiter down: got %d, Retry-After %q; want 503, 1", res.StatusCode, res.Header.Get("Retry-After"))
	}
}

func ExampleNewMiddleware() {
	bucket, err := throttle.NewBucket(throttle.BucketConfig{Burst: 1, Every: time.Minute})
	if err != nil {
		panic(err)
	}
	limit, err := throttle.NewMiddleware(throttle.MiddlewareConfig{Limiter: bucket, Key: throttle.ByAddr(peer)})
	if err != nil {
		panic(err)
	}
	h := limit(http.NotFoundHandler())
	for range 2 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/report", nil))
		fmt.Println(w.Code, w.Header().Get("Content-Type"))
	}
	// Output:
	// 404 text/plain; charset=utf-8
	// 429 application/problem+json
}

func ExampleBucket() {
	bucket, err := throttle.NewBucket(throttle.BucketConfig{Burst: 2, Every: time.Minute})
	if err != nil {
		panic(err)
	}
	for range 3 {
		d, err := bucket.Reserve(context.Background(), "report", 1)
		fmt.Println(d.Allowed, err)
	}
	// Output:
	// true <nil>
	// true <nil>
	// false <nil>
}
