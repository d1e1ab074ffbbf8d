package authtest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/throttle"
)

func bucket() throttle.Limiter {
	b, err := throttle.NewBucket(throttle.BucketConfig{Burst: 5, Every: time.Hour})
	if err != nil {
		panic(err)
	}
	return b
}

func TestLimitersConform(t *testing.T) {
	for name, l := range map[string]func() throttle.Limiter{
		"bucket": bucket,
		"backoff": func() throttle.Limiter {
			b, err := throttle.NewBackoff(throttle.BackoffConfig{First: time.Hour, Max: 2 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
		"fallback": func() throttle.Limiter {
			f, err := throttle.NewFallback(throttle.FallbackConfig{Primary: bucket(), Local: bucket()})
			if err != nil {
				t.Fatal(err)
			}
			return f
		},
	} {
		t.Run(name, func(t *testing.T) { authtest.TestLimiter(t, authtest.LimiterKit{New: l, Burst: 5}) })
	}
}

// limiter is a bucket with a fault.
type limiter struct {
	throttle.Limiter
	reserve func(l throttle.Limiter, key string, cost int) (throttle.Decision, error)
	refund  func(l throttle.Limiter, key string, cost int) error
}

func (l limiter) Reserve(ctx context.Context, key string, cost int) (throttle.Decision, error) {
	if l.reserve != nil {
		return l.reserve(l.Limiter, key, cost)
	}
	return l.Limiter.Reserve(ctx, key, cost)
}

func (l limiter) Refund(ctx context.Context, key string, cost int) error {
	if l.refund != nil {
		return l.refund(l.Limiter, key, cost)
	}
	return l.Limiter.Refund(ctx, key, cost)
}

func TestBrokenLimitersAreCaught(t *testing.T) {
	ctx := context.Background()
	down := errors.New("down")
	reserve := func(f func(l throttle.Limiter, key string, cost int) (throttle.Decision, error)) func() throttle.Limiter {
		return func() throttle.Limiter { return limiter{Limiter: bucket(), reserve: f} }
	}
	refund := func(f func(l throttle.Limiter, key string, cost int) error) func() throttle.Limiter {
		return func() throttle.Limiter { return limiter{Limiter: bucket(), refund: f} }
	}
	for _, tt := range []struct {
		rule string
		new  func() throttle.Limiter
	}{
		{"the kit is complete", nil},
		{"a fresh key takes its burst", reserve(func(throttle.Limiter, string, int) (throttle.Decision, error) {
			return throttle.Decision{Allowed: true}, nil
		})},
		{"a fresh key takes its burst", reserve(func(l throttle.Limiter, key string, cost int) (throttle.Decision, error) {
			d, err := l.Reserve(ctx, key, cost)
			d.RetryAfter = 0
			return d, err
		})},
		{"a fresh key takes its burst", reserve(func(throttle.Limiter, string, int) (throttle.Decision, error) {
			return throttle.Decision{}, down
		})},
		{"keys are told apart", reserve(func(l throttle.Limiter, key string, cost int) (throttle.Decision, error) {
			return l.Reserve(ctx, strings.TrimSpace(key), cost)
		})},
		{"charges at once", func() throttle.Limiter { return &unlocked{left: make(map[string]int)} }},
		{"a refused charge costs nothing", func() throttle.Limiter { return &greedy{used: make(map[string]int)} }},
		{"a refund gives back", refund(func(l throttle.Limiter, key string, _ int) error { return l.Refund(ctx, key, throttle.All) })},
		{"a refund gives back", refund(func(throttle.Limiter, string, int) error { return down })},
		{"more than was charged", func() throttle.Limiter { return &greedy{used: make(map[string]int), credit: true} }},
		{"a charge of nothing", reserve(func(l throttle.Limiter, key string, cost int) (throttle.Decision, error) {
			return l.Reserve(ctx, key, max(cost, 1))
		})},
	} {
		synctest.Test(t, func(t *testing.T) {
			err := authtest.CheckLimiter(authtest.LimiterKit{New: tt.new, Burst: 5})
			if err == nil || !strings.Contains(err.Error(), tt.rule) {
				t.Errorf("got %v, want it to name the rule %q", err, tt.rule)
			}
		})
	}
}

// unlocked looks and charges in two steps.
type unlocked struct {
	mu   sync.Mutex
	left map[string]int
}

func (u *unlocked) Reserve(_ context.Context, key string, _ int) (throttle.Decision, error) {
	u.mu.Lock()
	used := u.left[key]
	u.mu.Unlock()
	time.Sleep(time.Millisecond) // in a bubble: all the others have looked
	if used >= 5 {
		return throttle.Decision{RetryAfter: time.Hour}, nil
	}
	u.mu.Lock()
	u.left[key]++
	u.mu.Unlock()
	return throttle.Decision{Allowed: true}, nil
}

func (u *unlocked) Refund(context.Context, string, int) error { return nil }

// greedy charges what it refuses, or keeps credit.
type greedy struct {
	mu     sync.Mutex
	used   map[string]int
	credit bool
}

func (g *greedy) Reserve(_ context.Context, key string, cost int) (throttle.Decision, error) {
	if cost < 1 {
		return throttle.Decision{}, errors.New("cost")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.used[key] >= 5 && g.credit {
		return throttle.Decision{RetryAfter: time.Hour}, nil
	}
	g.used[key] += cost
	return throttle.Decision{Allowed: g.used[key] <= 5, RetryAfter: time.Hour}, nil
}

func (g *greedy) Refund(_ context.Context, key string, cost int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used[key] -= cost
	if !g.credit {
		g.used[key] = max(0, g.used[key])
	}
	return nil
}

// table is a source of users with a fault, if change is set.
type table struct {
	mu     sync.Mutex
	users  map[string]string
	find   func(t *table, name string) (basic.User, bool, error)
	update func(t *table, name, oldHash, newHash string) (bool, error)
}

func (t *table) Find(_ context.Context, name string) (basic.User, bool, error) {
	if t.find != nil {
		return t.find(t, name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	hash, ok := t.users[name]
	return basic.User{Name: name, PasswordHash: hash}, ok, nil
}

func (t *table) UpdateHash(_ context.Context, name, oldHash, newHash string) (bool, error) {
	if t.update != nil {
		return t.update(t, name, oldHash, newHash)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if hash, ok := t.users[name]; !ok || hash != oldHash {
		return false, nil
	}
	t.users[name] = newHash
	return true, nil
}

func usersKit(change func(*table)) authtest.UsersKit {
	return authtest.UsersKit{Name: "anna", Hash: "hash", Unknown: "nobody", New: func() basic.Users {
		t := &table{users: map[string]string{"anna": "hash"}}
		change(t)
		return t
	}}
}

func TestUsersConform(t *testing.T) {
	authtest.TestUsers(t, usersKit(func(*table) {}))
	readOnly := usersKit(func(*table) {})
	readOnly.New = func() basic.Users {
		return basic.UsersFunc((&table{users: map[string]string{"anna": "hash"}}).Find)
	}
	authtest.TestUsers(t, readOnly)
}

func TestBrokenUsersAreCaught(t *testing.T) {
	down := errors.New("down")
	set := func(t *table, name, hash string) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.users[name] = hash
	}
	for _, tt := range []struct {
		rule   string
		change func(*table)
	}{
		{"it finds the user under the name", func(t *table) {
			t.find = func(*table, string) (basic.User, bool, error) {
				return basic.User{Name: "bert", PasswordHash: "hash"}, true, nil
			}
		}},
		{"it says of an unknown name", func(t *table) {
			t.find = func(t *table, name string) (basic.User, bool, error) {
				if name == "nobody" {
					return basic.User{}, false, down
				}
				return basic.User{Name: name, PasswordHash: t.users[name]}, name == "anna", nil
			}
		}},
		{"names are compared as they are", func(t *table) {
			t.find = func(t *table, name string) (basic.User, bool, error) {
				name = strings.TrimSpace(name)
				return basic.User{Name: name, PasswordHash: t.users[name]}, name == "anna", nil
			}
		}},
		{"only where it still is the old one", func(t *table) {
			t.update = func(t *table, name, _, newHash string) (bool, error) {
				set(t, name, newHash)
				return true, nil
			}
		}},
		{"only where it still is the old one", func(t *table) {
			t.update = func(t *table, _, oldHash, newHash string) (bool, error) {
				set(t, "anna", newHash)
				return false, nil
			}
		}},
		{"only where it still is the old one", func(t *table) {
			t.update = func(*table, string, string, string) (bool, error) { return false, nil }
		}},
		{"of two who replace a hash at once", func(t *table) {
			t.update = func(t *table, name, oldHash, newHash string) (bool, error) {
				t.mu.Lock()
				now := t.users[name]
				t.mu.Unlock()
				time.Sleep(time.Millisecond) // in a bubble: all the others have looked
				if now != oldHash || now == "" {
					return false, nil
				}
				set(t, name, newHash)
				return true, nil
			}
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			err := authtest.CheckUsers(usersKit(tt.change))
			if err == nil || !strings.Contains(err.Error(), tt.rule) {
				t.Errorf("got %v, want it to name the rule %q", err, tt.rule)
			}
		})
	}
	if err := authtest.CheckUsers(authtest.UsersKit{}); err == nil || !strings.Contains(err.Error(), "complete") {
		t.Errorf("an empty kit: got %v", err)
	}
}

func ExampleCheckLimiter() {
	err := authtest.CheckLimiter(authtest.LimiterKit{Burst: 5, New: func() throttle.Limiter {
		b, err := throttle.NewBucket(throttle.BucketConfig{Burst: 5, Every: time.Hour})
		if err != nil {
			panic(err)
		}
		return b
	}})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleCheckUsers() {
	err := authtest.CheckUsers(authtest.UsersKit{Name: "anna", Hash: "hash", Unknown: "nobody", New: func() basic.Users {
		return basic.UsersFunc(func(_ context.Context, name string) (basic.User, bool, error) {
			return basic.User{Name: name, PasswordHash: "hash"}, name == "anna", nil
		})
	}})
	fmt.Println(err)
	// Output: <nil>
}
