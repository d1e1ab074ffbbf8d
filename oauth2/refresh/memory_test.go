package refresh_test

import (
	"errors"
	"flag"
	"strconv"
	"testing"
	"time"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// full runs every race 1,000 times, which takes some 7 s; without it the store that waits is tried 100 times, and all of
// them less often under the race detector.
var full = flag.Bool("full", false, "run every race 1,000 times")

func rounds(usual int) int {
	switch {
	case *full:
		return 1000
	case testing.Short():
		return 20
	}
	return max(20, usual/slowdown)
}

// Statements 17 and 41: of 50 parallel uses one wins, whatever the store does, and a revocation leaves nothing alive.
func TestMemoryStore(t *testing.T) {
	t.Parallel()
	authtest.TestGrantStore(t, authtest.GrantStoreKit{
		New:    func() (refresh.Store, error) { return refresh.NewMemoryStore(refresh.MemoryConfig{}) },
		Rounds: rounds(1000), SlowRounds: rounds(100),
	})
}

func TestMemoryStoreNeverDropsALiveGrant(t *testing.T) {
	c := newClock()
	s, err := refresh.NewMemoryStore(refresh.MemoryConfig{MaxGrants: 50, Clock: c.now})
	if err != nil {
		t.Fatal(err)
	}
	add := func(n int, life time.Duration) error {
		return s.Create(t.Context(), refresh.Grant{ID: refresh.GrantID{byte(n)}, Version: 1, Subject: "s", Expires: c.now().Add(life)})
	}
	for n := range 50 {
		life := time.Hour
		if n >= 25 {
			life = time.Minute
		}
		if err := add(n, life); err != nil {
			t.Fatal(err)
		}
		if first, err := s.Once(t.Context(), strconv.Itoa(n), c.now().Add(life)); err != nil || !first {
			t.Fatalf("Once: got %v, error %v", first, err)
		}
	}
	if err := add(50, time.Hour); !errors.Is(err, refresh.ErrFull) {
		t.Fatalf("got %v from a full store, want ErrFull", err)
	}
	if _, err := s.Once(t.Context(), "one more", c.now().Add(time.Hour)); !errors.Is(err, refresh.ErrFull) {
		t.Fatalf("got %v for one key more, want ErrFull", err)
	}
	if first, err := s.Once(t.Context(), "0", c.now().Add(time.Hour)); err != nil || first {
		t.Errorf("got %v, error %v for a key that a full store has", first, err)
	}
	c.add(time.Minute)
	for n := range 25 {
		if err := add(51+n, time.Hour); err != nil {
			t.Fatalf("got %v for grant %d after 25 have expired, want room", err, n)
		}
	}
	if err := add(76, time.Hour); !errors.Is(err, refresh.ErrFull) {
		t.Errorf("got %v from a store that is full again, want ErrFull", err)
	}
	for n := range 25 {
		if _, err := s.Find(t.Context(), refresh.GrantID{byte(n)}); err != nil {
			t.Errorf("got %v for live grant %d", err, n)
		}
	}
}

// What expires goes with later additions, without a full store or a goroutine.
func TestMemoryStoreForgets(t *testing.T) {
	c := newClock()
	s, err := refresh.NewMemoryStore(refresh.MemoryConfig{Clock: c.now})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 2000 {
		c.add(time.Second)
		g := refresh.Grant{ID: refresh.GrantID{byte(n >> 8), byte(n)}, Version: 1, Subject: strconv.Itoa(n), Expires: c.now().Add(10 * time.Second)}
		if err := s.Create(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Once(t.Context(), strconv.Itoa(n), g.Expires); err != nil {
			t.Fatal(err)
		}
	}
	if grants, keys := s.Len(); grants > 200 || keys > 200 {
		t.Errorf("got %d grants and %d keys, of which 10 are live", grants, keys)
	}
}

func TestMemoryStoreRefusesMisuse(t *testing.T) {
	for _, n := range []int{-1, refresh.MaxMaxGrants + 1} {
		if _, err := refresh.NewMemoryStore(refresh.MemoryConfig{MaxGrants: n}); err == nil {
			t.Errorf("MaxGrants %d: got no error", n)
		}
	}
	s, _ := refresh.NewMemoryStore(refresh.MemoryConfig{})
	if err := s.Swap(t.Context(), refresh.Grant{ID: refresh.GrantID{1}}, refresh.Grant{ID: refresh.GrantID{2}}); err == nil {
		t.Error("got no error for a Swap of two ids")
	}
}
