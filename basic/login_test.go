package basic_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/throttle"
)

var home = netip.MustParseAddr("192.0.2.1")

func verify(f *fixture, name, pw string, addr netip.Addr) auth.Kind {
	_, err := f.Verify(context.Background(), name, pw, addr)
	return auth.KindOf(err)
}

func throttled(c *basic.Config) { c.InsecureNoThrottle = false }

func cached(c *basic.Config) { c.Cache.Enable = true }

func TestGuessesAreThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, name := range []string{"anna", "nobody"} { // a name that does not exist is limited as one that does
			f := newFixture(t, throttled)
			do := func(pw string) (int, string) {
				r := request(credentials(name, pw))
				r.RemoteAddr = "192.0.2.1:1"
				w := httptest.NewRecorder()
				f.guard.HandlerFunc(nil).ServeHTTP(w, r)
				if w.Code == 429 && w.Header().Get("WWW-Authenticate") != "" {
					t.Error("a challenge with a 429")
				}
				return w.Code, w.Header().Get("Retry-After")
			}
			for i := range 5 {
				if code, _ := do("guess"); code != 401 {
					t.Fatalf("%s, guess %d: got %d, want 401", name, i+1, code)
				}
			}
			for _, wait := range []int{1, 2, 4, 8} {
				for _, pw := range []string{"guess", "secret"} { // the right password is answered as the wrong one
					if code, retry := do(pw); code != 429 || retry != strconv.Itoa(wait) {
						t.Fatalf("%s, %s: got %d after %q, want 429 after %d", name, pw, code, retry, wait)
					}
				}
				time.Sleep(time.Duration(wait) * time.Second)
				if code, _ := do("guess"); code != 401 {
					t.Fatalf("%s, after %d s: got %d, want 401", name, wait, code)
				}
			}
			if got := f.scheme.runs.Load(); got != 9 {
				t.Errorf("%s: got %d hashes, want 9", name, got)
			}
		}
	})
}

func TestParallelGuessesReachFiveHashes(t *testing.T) {
	for _, name := range []string{"anna", "nobody"} {
		f := newFixture(t, throttled)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if k := verify(f, name, fmt.Sprint("guess", i), home); k != auth.KindInvalid && k != auth.KindThrottled {
					t.Errorf("got %v", k)
				}
			})
		}
		wg.Wait()
		if got := f.scheme.runs.Load(); got > 5 {
			t.Errorf("%s: got %d hashes, want at most 5", name, got)
		}
	}
}

func TestSuccessForgetsThePairOnly(t *testing.T) {
	f := newFixture(t, throttled)
	for range 4 {
		verify(f, "anna", "guess", home)
	}
	if k := verify(f, "anna", "secret", home); k != 0 {
		t.Fatalf("got %v, want a success", k)
	}
	for i := range 5 {
		if k := verify(f, "anna", "guess", home); k != auth.KindInvalid {
			t.Errorf("guess %d: got %v, want invalid", i+1, k)
		}
	}
	for range 30 { // bert's own logins do not clean the network that he guesses from
		verify(f, "bert", "secret", home)
	}
	if k := verify(f, "anna", "secret", home); k != auth.KindThrottled {
		t.Errorf("got %v, want throttled", k)
	}
}

func TestOutagesAreNotFailures(t *testing.T) {
	f := newFixture(t, throttled)
	f.scheme.hook = func(string) { panic("broken") }
	for range 20 {
		if k := verify(f, "anna", "secret", home); k != auth.KindUnavailable {
			t.Fatalf("got %v, want unavailable", k)
		}
	}
	f.scheme.hook = nil
	if k := verify(f, "anna", "secret", home); k != 0 {
		t.Errorf("got %v, want a success", k)
	}
}

func TestALimiterThatIsDownDoesNotOpen(t *testing.T) {
	logins := must(throttle.NewLogins(throttle.LoginsConfig{Pair: down{}, Account: down{}, Slow: down{}, Key: make([]byte, 16)}))
	f := newFixture(t, func(c *basic.Config) { c.InsecureNoThrottle, c.Throttle = false, logins })
	for range 5 {
		verify(f, "anna", "guess", home)
	}
	if k := verify(f, "anna", "secret", home); k != auth.KindThrottled {
		t.Errorf("got %v, want throttled by the local limit", k)
	}
	if _, err := basic.New(basic.Config{Realm: "x", Users: f.store, Hasher: f.hasher, Throttle: logins, InsecureNoThrottle: true}); err == nil {
		t.Error("Throttle together with InsecureNoThrottle: got no error")
	}
}

type down struct{}

func (down) Reserve(context.Context, string, int) (throttle.Decision, error) {
	return throttle.Decision{}, errors.New("down")
}
func (down) Refund(context.Context, string, int) error { return errors.New("down") }

func TestCache(t *testing.T) {
	tests := []struct {
		name string
		run  func(t *testing.T, f *fixture, now *clock)
	}{
		{"the second right password costs no hash", func(t *testing.T, f *fixture, _ *clock) {
			want(t, f, "anna", "secret", 0, 0)
		}},
		{"a wrong password pays the full price each time", func(t *testing.T, f *fixture, _ *clock) {
			want(t, f, "anna", "guess", auth.KindInvalid, 1)
			want(t, f, "anna", "guess", auth.KindInvalid, 1)
			want(t, f, "anna", "secret", 0, 0)
		}},
		{"a changed password acts at once", func(t *testing.T, f *fixture, _ *clock) {
			f.store.set(basic.User{Name: "anna", PasswordHash: "count:other"})
			want(t, f, "anna", "secret", auth.KindInvalid, 1)
			want(t, f, "anna", "other", 0, 1)
			want(t, f, "anna", "other", 0, 0)
		}},
		{"a disabled user is out at once, after the work of a hash", func(t *testing.T, f *fixture, _ *clock) {
			f.store.set(basic.User{Name: "anna", PasswordHash: "count:secret", Disabled: true})
			want(t, f, "anna", "secret", auth.KindInvalid, 1)
		}},
		{"a removed user is out at once, after the work of a hash", func(t *testing.T, f *fixture, _ *clock) {
			delete(f.store.users, "anna")
			want(t, f, "anna", "secret", auth.KindInvalid, 1)
		}},
		{"a changed role acts at once", func(t *testing.T, f *fixture, _ *clock) {
			f.store.set(basic.User{Name: "anna", PasswordHash: "count:secret", Roles: []string{"new"}})
			p, err := f.Verify(context.Background(), "anna", "secret", home)
			if err != nil || !p.HasRole("new") || p.HasRole("admin") {
				t.Errorf("got %v, %v; want the new role", p, err)
			}
		}},
		{"characters do not move between name and password", func(t *testing.T, f *fixture, _ *clock) {
			f.store.set(basic.User{Name: "annas", PasswordHash: "count:secret"})
			want(t, f, "annas", "ecret", auth.KindInvalid, 1)
			want(t, f, "ann", "asecret", auth.KindInvalid, 1)
		}},
		{"nor between password and hash", func(t *testing.T, f *fixture, _ *clock) {
			want(t, f, "anna", "secretcount:secret", auth.KindInvalid, 1)
		}},
		{"another user's same password is another entry", func(t *testing.T, f *fixture, _ *clock) {
			want(t, f, "bert", "secret", 0, 1)
		}},
		{"it ends five minutes after the hash, used or not", func(t *testing.T, f *fixture, now *clock) {
			for range 4 {
				now.add(time.Minute)
				want(t, f, "anna", "secret", 0, 0)
			}
			now.add(time.Minute)
			want(t, f, "anna", "secret", 0, 1)
		}},
		{"a clock that jumps back ends it", func(t *testing.T, f *fixture, now *clock) {
			now.add(-time.Hour)
			want(t, f, "anna", "secret", 0, 1)
		}},
		{"purging forgets it", func(t *testing.T, f *fixture, _ *clock) {
			f.Purge()
			want(t, f, "anna", "secret", 0, 1)
		}},
		{"a hundred thousand wrong passwords push nothing out", func(t *testing.T, f *fixture, _ *clock) {
			for i := range 100_000 {
				if k := verify(f, "anna", fmt.Sprint("guess", i), home); k != auth.KindInvalid {
					t.Fatalf("got %v", k)
				}
			}
			want(t, f, "anna", "secret", 0, 0)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := &clock{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
			f := newFixture(t, func(c *basic.Config) { c.Cache.Enable, c.Clock = true, now.now })
			want(t, f, "anna", "secret", 0, 1)
			tt.run(t, f, now)
		})
	}
	f := newFixture(t, nil)
	want(t, f, "anna", "secret", 0, 1)
	want(t, f, "anna", "secret", 0, 1) // off by default
	f.Purge()
}

// want checks what a password comes to and how many hashes that costs.
func want(t *testing.T, f *fixture, name, pw string, kind auth.Kind, runs int32, from ...netip.Addr) {
	t.Helper()
	before := f.scheme.runs.Load()
	if k := verify(f, name, pw, append(from, home)[0]); k != kind {
		t.Errorf("%s with %q: got %v, want %v", name, pw, k, kind)
	}
	if got := f.scheme.runs.Load() - before; got != runs {
		t.Errorf("%s with %q: got %d hashes, want %d", name, pw, got, runs)
	}
}

type clock struct {
	mu sync.Mutex
	t  time.Time
}

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

func TestCacheIsBounded(t *testing.T) {
	now := &clock{}
	f := newFixture(t, func(c *basic.Config) {
		c.Cache, c.Clock = basic.CacheConfig{Enable: true, MaxEntries: 32}, now.now
	})
	for i := range 200 {
		f.store.set(basic.User{Name: fmt.Sprint("user", i), PasswordHash: "count:secret"})
		want(t, f, fmt.Sprint("user", i), "secret", 0, 1)
	}
	now.add(time.Hour) // all are over: the next ones make room by that
	for i := range 200 {
		want(t, f, fmt.Sprint("user", i), "secret", 0, 1)
	}
	hits := 0
	for i := range 200 {
		before := f.scheme.runs.Load()
		verify(f, fmt.Sprint("user", i), "secret", home)
		if f.scheme.runs.Load() == before {
			hits++
		}
	}
	if hits > 64 { // 32 entries, and those that came in while counting
		t.Errorf("got %d hits, want the cache bounded", hits)
	}
}

func TestCacheAnswersNobodyOverTheLimit(t *testing.T) {
	f := newFixture(t, func(c *basic.Config) { cached(c); throttled(c) })
	want(t, f, "anna", "secret", 0, 1)
	for range 5 {
		verify(f, "anna", "guess", home)
	}
	want(t, f, "anna", "secret", auth.KindThrottled, 0)
	want(t, f, "anna", "secret", 0, 0, netip.MustParseAddr("198.51.100.1"))
}

func TestEqualGuessesAtOnceShareAHash(t *testing.T) {
	for _, tt := range []struct {
		name, user, password string
		kind                 auth.Kind
	}{
		{"right", "anna", "secret", 0},
		{"wrong", "anna", "guess", auth.KindInvalid},
		{"unknown", "nobody", "guess", auth.KindInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, nil)
				f.scheme.hook = func(string) { time.Sleep(30 * time.Millisecond) }
				start := time.Now()
				var wg sync.WaitGroup
				for range 100 {
					wg.Go(func() {
						if k := verify(f, tt.user, tt.password, home); k != tt.kind {
							t.Errorf("got %v, want %v", k, tt.kind)
						}
						if got := time.Since(start); got != 30*time.Millisecond {
							t.Errorf("got an answer after %v, want 30ms for everybody", got)
						}
					})
				}
				wg.Wait()
				if got := f.scheme.runs.Load(); got != 1 {
					t.Errorf("got %d hashes, want 1", got)
				}
			})
		})
	}
}

func TestEqualGuessesOfTwoNetworksAreTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.scheme.hook = func(string) { time.Sleep(30 * time.Millisecond) }
		var wg sync.WaitGroup
		for _, from := range []string{"192.0.2.1", "198.51.100.1", "192.0.2.1"} {
			wg.Go(func() { verify(f, "anna", "guess", netip.MustParseAddr(from)) })
		}
		wg.Wait()
		if got := f.scheme.runs.Load(); got != 2 {
			t.Errorf("got %d hashes, want one for each network", got)
		}
	})
}

func TestFollowersOfOneOverTheLimitAreOverItToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		used := &usedUp{}
		logins := must(throttle.NewLogins(throttle.LoginsConfig{Pair: used, Key: make([]byte, 16)}))
		f := newFixture(t, func(c *basic.Config) { c.InsecureNoThrottle, c.Throttle = false, logins })
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := f.Verify(t.Context(), "anna", "secret", home)
				if e := auth.AsError(err); e.Kind != auth.KindThrottled || e.RetryAfter != 3*time.Second {
					t.Errorf("got %v, want throttled for 3s", err)
				}
			})
		}
		wg.Wait()
		if got := used.calls.Load(); got != 1 {
			t.Errorf("got %d charges, want 1: the others' passwords were not looked at", got)
		}
	})
}

// usedUp is a limiter that other processes have used up, and that takes its time.
type usedUp struct {
	denying
	calls atomic.Int32
}

func (u *usedUp) Reserve(ctx context.Context, key string, cost int) (throttle.Decision, error) {
	u.calls.Add(1)
	time.Sleep(time.Millisecond) // in a bubble: the followers have joined
	return u.denying.Reserve(ctx, key, cost)
}

func TestEqualGuessesAtOnceAreAllCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := must(throttle.NewBucket(throttle.BucketConfig{Burst: 1000, Every: time.Hour / 1000}))
		pair := must(throttle.NewBackoff(throttle.BackoffConfig{Free: 100}))
		prefix := must(throttle.NewBucket(throttle.BucketConfig{Burst: 1000, Every: time.Second}))
		logins := must(throttle.NewLogins(throttle.LoginsConfig{
			LocalPair: pair, LocalAccount: account,
			Sources: must(throttle.NewSources(throttle.SourcesConfig{LocalPrefix: prefix})),
		}))
		f := newFixture(t, func(c *basic.Config) { c.InsecureNoThrottle, c.Throttle = false, logins })
		f.scheme.hook = func(string) { time.Sleep(30 * time.Millisecond) }
		guess := func(n int) (kinds [8]int) {
			var mu sync.Mutex
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					k := verify(f, "anna", "guess", home)
					mu.Lock()
					defer mu.Unlock()
					kinds[k]++
				})
			}
			wg.Wait()
			return kinds
		}
		if got := guess(100); got[auth.KindInvalid] != 100 || f.scheme.runs.Load() != 1 {
			t.Errorf("got %v and %d hashes, want 100 refusals of one hash", got, f.scheme.runs.Load())
		}
		if got := guess(10); got[auth.KindThrottled] != 10 {
			t.Errorf("afterwards: got %v, want 10 throttled: each of the hundred counts", got)
		}
	})
}

func TestManyRightPasswordsAtOnceAreNoFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, throttled)
		f.scheme.hook = func(string) { time.Sleep(30 * time.Millisecond) }
		var wg sync.WaitGroup
		for range 100 { // a client that opens a hundred connections
			wg.Go(func() {
				if k := verify(f, "anna", "secret", home); k != 0 {
					t.Errorf("got %v, want a success", k)
				}
			})
		}
		wg.Wait()
	})
}

func TestWhoComputesMayGoAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, throttled)
		f.hasher = must(password.New(password.Config{Params: cheap, Schemes: []password.Scheme{f.scheme}, Gate: password.GateConfig{CPUs: 1}}))
		f.Authenticator = must(basic.New(basic.Config{Realm: "x", Users: f.store, Hasher: f.hasher}))
		f.scheme.hook = func(string) { time.Sleep(100 * time.Millisecond) }
		var wg sync.WaitGroup
		wg.Go(func() { verify(f, "bert", "secret", home) }) // has the gate
		synctest.Wait()
		leader, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := f.Verify(leader, "anna", "secret", home); auth.KindOf(err) != auth.KindUnavailable {
				t.Errorf("who went away: got %v, want unavailable", err)
			}
		})
		synctest.Wait()
		for range 5 {
			wg.Go(func() {
				if k := verify(f, "anna", "secret", home); k != 0 {
					t.Errorf("who stayed: got %v, want a success", k)
				}
			})
		}
		follower, leave := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := f.Verify(follower, "anna", "secret", home); auth.AsError(err).Reason != auth.ReasonCancelled {
				t.Errorf("a follower who went away: got %v, want cancelled", err)
			}
		})
		synctest.Wait()
		leave()
		cancel()
		wg.Wait()
		if got := f.scheme.runs.Load(); got != 2 {
			t.Errorf("got %d hashes, want 2", got)
		}

		// One who goes away while it is computed: the others have their answer, and he has none.
		leader, cancel = context.WithCancel(t.Context())
		wg.Go(func() {
			if p, err := f.Verify(leader, "anna", "secret", home); p != nil || auth.KindOf(err) != auth.KindUnavailable {
				t.Errorf("who went away while it was computed: got %v, %v; want unavailable", p, err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if k := verify(f, "anna", "secret", home); k != 0 {
				t.Errorf("who stayed: got %v, want a success", k)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

func TestAPanicIsAnErrorForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		f.scheme.hook = func(p string) {
			time.Sleep(30 * time.Millisecond)
			panic(p)
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := f.Verify(t.Context(), "anna", "secret", home)
				if auth.KindOf(err) != auth.KindUnavailable || strings.Contains(fmt.Sprint(err, auth.AsError(err).Err), "secret") {
					t.Errorf("got %v, want unavailable without the password", err)
				}
			})
		}
		wg.Wait()
	})
}

func TestAPanicOutsideTheHashFreesTheFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logins := must(throttle.NewLogins(throttle.LoginsConfig{Pair: panicking{}, Key: make([]byte, 16)}))
		f := newFixture(t, func(c *basic.Config) { c.InsecureNoThrottle, c.Throttle = false, logins })
		var panics, unavailable atomic.Int32
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				defer func() {
					if recover() != nil {
						panics.Add(1)
					}
				}()
				if verify(f, "anna", "secret", home) == auth.KindUnavailable {
					unavailable.Add(1)
				}
			})
		}
		wg.Wait()
		if panics.Load() != 1 || unavailable.Load() != 2 {
			t.Errorf("got %d panics and %d unavailable, want 1 and 2", panics.Load(), unavailable.Load())
		}
	})
}

type panicking struct{ down }

func (panicking) Reserve(context.Context, string, int) (throttle.Decision, error) {
	time.Sleep(time.Millisecond) // in a bubble: the followers have joined
	panic("broken limiter")
}

func TestTwoUsersOfOnePasswordKeepTheirNames(t *testing.T) {
	f := newFixture(t, cached)
	var wg sync.WaitGroup
	for range 200 {
		for name, subject := range map[string]string{"anna": "anna", "bert": "user-2"} {
			wg.Go(func() {
				p, err := f.Verify(context.Background(), name, "secret", home)
				if err != nil || p.Subject() != subject {
					t.Errorf("%s: got %v, %v; want %s", name, p, err, subject)
				}
			})
		}
	}
	wg.Wait()
}

func TestAnOverloadedGateIs503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, throttled)
		f.hasher = must(password.New(password.Config{Params: cheap, Schemes: []password.Scheme{f.scheme}, Gate: password.GateConfig{CPUs: 1, Queue: 1}}))
		f.Authenticator = must(basic.New(basic.Config{Realm: "x", Users: f.store, Hasher: f.hasher}))
		f.scheme.hook = func(string) { time.Sleep(100 * time.Millisecond) }
		var busy atomic.Int32
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				_, err := f.Verify(t.Context(), "anna", fmt.Sprint("guess", i), home)
				if e := auth.AsError(err); e.Kind == auth.KindUnavailable && e.Reason == basic.ReasonOverloaded && e.RetryAfter == time.Second {
					busy.Add(1)
				} else if e.Kind != auth.KindInvalid {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Wait()
		if busy.Load() != 2 {
			t.Errorf("got %d refused by the gate, want 2", busy.Load())
		}
		for i := range 3 { // those were no failures: with the two that were hashed, five are free
			if k := verify(f, "anna", fmt.Sprint("another", i), home); k != auth.KindInvalid {
				t.Errorf("guess %d: got %v, want invalid", i+1, k)
			}
		}
	})
}

// hangingRehash is a store that takes no new hash and does not say so.
type hangingRehash struct{ basic.Users }

func (hangingRehash) UpdateHash(ctx context.Context, _, _, _ string) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func TestRehash(t *testing.T) {
	ctx := context.Background()
	old := string(must(bcrypt.GenerateFromPassword([]byte("secret"), 4)))
	rehash := func(t *testing.T, onError func(error)) *fixture {
		f := newFixture(t, nil)
		f.Authenticator = must(basic.New(basic.Config{
			Realm: "x", Users: rehashing{f.store}, Hasher: f.hasher, InsecureNoThrottle: true, OnError: onError,
		}))
		return f
	}
	t.Run("a weak hash is replaced at a login", func(t *testing.T) {
		f := rehash(t, nil)
		f.store.set(basic.User{Name: "old", PasswordHash: old})
		if k := verify(f, "old", "guess", home); k != auth.KindInvalid || f.store.updates != 0 {
			t.Errorf("wrong password: got %v and %d updates, want none", k, f.store.updates)
		}
		if k := verify(f, "old", "secret", home); k != 0 {
			t.Fatalf("got %v, want a success", k)
		}
		now := f.store.get("old").PasswordHash
		if !strings.HasPrefix(now, "$argon2id$") {
			t.Errorf("got %s, want argon2id", now)
		}
		if v, err := f.hasher.Verify(ctx, "secret", now); err != nil || !v.OK {
			t.Errorf("new hash: got %+v, %v; want OK", v, err)
		}
		if k := verify(f, "old", "secret", home); k != 0 || f.store.updates != 1 {
			t.Errorf("again: got %v and %d updates, want 1", k, f.store.updates)
		}
	})
	t.Run("a store that can't write does not spoil the login", func(t *testing.T) {
		var told []error
		f := rehash(t, func(err error) { told = append(told, err) })
		f.store.noWrite = true
		f.store.set(basic.User{Name: "old", PasswordHash: old})
		if k := verify(f, "old", "secret", home); k != 0 || len(told) != 1 || !errors.Is(told[0], errReadOnly) {
			t.Errorf("got %v and the errors %v, want a success and one error", k, told)
		}
	})
	t.Run("a store that hangs holds the login up for a second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var told []error
			f := newFixture(t, nil)
			f.store.set(basic.User{Name: "old", PasswordHash: old})
			a := must(basic.New(basic.Config{
				Realm: "x", Users: hangingRehash{f.store}, Hasher: f.hasher, InsecureNoThrottle: true,
				OnError: func(err error) { told = append(told, err) },
			}))
			start := time.Now()
			_, err := a.Verify(t.Context(), "old", "secret", home)
			if d := time.Since(start); err != nil || d != time.Second || len(told) != 1 {
				t.Errorf("got %v after %v and the errors %v, want a success after a second and one error", err, d, told)
			}
		})
	})
	t.Run("a password that was changed meanwhile stays", func(t *testing.T) {
		f := rehash(t, nil)
		f.scheme.hook = func(string) { f.store.set(basic.User{Name: "anna", PasswordHash: "count:changed"}) }
		if k := verify(f, "anna", "secret", home); k != 0 || f.store.updates != 1 {
			t.Fatalf("got %v and %d updates, want a success and one try", k, f.store.updates)
		}
		if got := f.store.get("anna").PasswordHash; got != "count:changed" {
			t.Errorf("got %s, want the changed password", got)
		}
	})
	t.Run("a user whose password bcrypt cut gets a hash of the whole", func(t *testing.T) {
		f := newFixture(t, nil)
		long := strings.Repeat("a", 72)
		f.store.set(basic.User{Name: "old", PasswordHash: string(must(bcrypt.GenerateFromPassword([]byte(long), 4)))})
		if _, err := f.Verify(ctx, "old", long+"junk", home); auth.AsError(err).Reason != basic.ReasonTruncated {
			t.Errorf("without AllowTruncated: got %v", err)
		}
		h := must(password.New(password.Config{Params: cheap, AllowTruncated: true}))
		a := must(basic.New(basic.Config{Realm: "x", Users: rehashing{f.store}, Hasher: h, InsecureNoThrottle: true}))
		if _, err := a.Verify(ctx, "old", long+"rest", home); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Verify(ctx, "old", long+"junk", home); auth.KindOf(err) != auth.KindInvalid {
			t.Errorf("another rest after the rehash: got %v, want invalid", err)
		}
	})
}

func TestAnAddressThatIsNotKnownIsLimitedToo(t *testing.T) {
	f := newFixture(t, throttled)
	codes := make(map[int]int)
	for i := range 30 {
		r := request(credentials(fmt.Sprint("user", i), "guess"))
		r.RemoteAddr = "nonsense"
		w := httptest.NewRecorder()
		f.guard.HandlerFunc(nil).ServeHTTP(w, r)
		codes[w.Code]++
	}
	if codes[401] != 20 || codes[429] != 10 {
		t.Errorf("got %v, want 20 × 401 and 10 × 429", codes)
	}
}

func TestAMillionNamesAreBounded(t *testing.T) {
	n := 1_000_000
	if testing.Short() || raceEnabled {
		n = 20_000
	}
	c := &clock{}
	pair := must(throttle.NewBackoff(throttle.BackoffConfig{MaxKeys: 4096, Clock: c.now}))
	account := must(throttle.NewBucket(throttle.BucketConfig{Burst: 100, Every: time.Minute, MaxKeys: 4096, Clock: c.now}))
	logins := must(throttle.NewLogins(throttle.LoginsConfig{LocalPair: pair, LocalAccount: account, MaxKeys: 4096, Clock: c.now}))
	f := newFixture(t, func(c *basic.Config) { c.InsecureNoThrottle, c.Throttle = false, logins })
	f.store.find = func(string) (basic.User, bool, error) { return basic.User{}, false, nil }
	for range 5 {
		verify(f, "victim", "guess", home)
	}
	for i := range n {
		f.store.asked = nil
		verify(f, "nobody"+strconv.Itoa(i), "guess", netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if k := verify(f, "victim", "guess", home); k != auth.KindThrottled {
		t.Errorf("got %v, want the victim's wait still there", k)
	}
	if pair.Len() > 4096 || account.Len() > 4096 {
		t.Errorf("got %d and %d keys, want at most 4096", pair.Len(), account.Len())
	}
}

// denying is a limiter that other processes have used up.
type denying struct{ down }

func (denying) Reserve(context.Context, string, int) (throttle.Decision, error) {
	return throttle.Decision{RetryAfter: 3 * time.Second}, nil
}

func TestALimitThatOtherProcessesUsedUpCosts429AndNoHash(t *testing.T) {
	logins := must(throttle.NewLogins(throttle.LoginsConfig{Pair: denying{}, Key: make([]byte, 16)}))
	f := newFixture(t, func(c *basic.Config) { c.InsecureNoThrottle, c.Throttle = false, logins })
	_, err := f.Verify(context.Background(), "anna", "secret", home)
	if e := auth.AsError(err); e.Kind != auth.KindThrottled || e.RetryAfter != 3*time.Second || f.scheme.runs.Load() != 0 {
		t.Errorf("got %v after %v and %d hashes, want throttled after 3s and none", e, e.RetryAfter, f.scheme.runs.Load())
	}
}
