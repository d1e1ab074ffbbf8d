package sqlstore_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
)

func TestTimesFarAway(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, _ := d.store(t, nil)
		for i, far := range []time.Time{time.Unix(math.MaxInt64/1_000_000, 0), time.Unix(1<<50, 0), time.Unix(1<<62, 1)} {
			for j, want := range []bool{true, false} {
				if first, err := s.Grants().Once(ctx, fmt.Sprint("far", i), far); first != want || err != nil {
					t.Errorf("%v, call %d: got %v, %v, want %v", far.Unix(), j+1, first, err, want)
				}
			}
			if err := s.Grants().Create(ctx, refresh.Grant{ID: refresh.GrantID{byte(i)}, Version: 1, Expires: far}); err != nil {
				t.Fatal(err)
			}
			if g, err := s.Grants().Find(ctx, refresh.GrantID{byte(i)}); err != nil || g.Expires.Year() < 10_000 {
				t.Errorf("a grant until %d: got %v, %v", far.Unix(), g.Expires, err)
			}
		}
		for i, past := range []time.Time{{}, time.Unix(-1, 1), time.Unix(-1<<50, 0), time.Unix(-math.MaxInt64/1_000_000-10, 0)} {
			for range 2 {
				if first, err := s.Grants().Once(ctx, fmt.Sprint("past", i), past); !first || err != nil {
					t.Errorf("%v: got %v, %v, want true", past, first, err)
				}
			}
			g := refresh.Grant{ID: refresh.GrantID{byte(i), 1}, Version: 1, Expires: past}
			if err := s.Grants().Create(ctx, g); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Grants().Find(ctx, g.ID); !errors.Is(err, refresh.ErrNotFound) {
				t.Errorf("a grant until %v: got %v, want ErrNotFound", past, err)
			}
		}
	})
}

// TestTheMomentOfAnEnd asks at the very moment when things expire.
func TestTheMomentOfAnEnd(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		s, _ := d.store(t, c.Now)
		end := c.now.Add(time.Minute)
		g := refresh.Grant{ID: refresh.GrantID{1}, Version: 5, Expires: end, Subject: "s", Client: "c", Body: []byte("old")}
		next := refresh.Grant{ID: g.ID, Version: 6, Expires: end.Add(time.Hour), Subject: "s"}
		if err := s.Grants().Create(ctx, g); err != nil {
			t.Fatal(err)
		}
		if first, err := s.Grants().Once(ctx, "k", end); !first || err != nil {
			t.Fatal(first, err)
		}
		c.add(time.Minute - time.Microsecond)
		if _, err := s.Grants().Find(ctx, g.ID); err != nil {
			t.Errorf("before: got %v", err)
		}
		if err := s.Grants().Create(ctx, next); !errors.Is(err, refresh.ErrExists) {
			t.Errorf("before: got %v, want ErrExists", err)
		}
		if first, err := s.Grants().Once(ctx, "k", end.Add(time.Hour)); first || err != nil {
			t.Errorf("before: got %v, %v, want false", first, err)
		}
		c.add(time.Microsecond)
		if _, err := s.Grants().Find(ctx, g.ID); !errors.Is(err, refresh.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		if list, err := s.Grants().List(ctx, refresh.Query{Subject: "s", Limit: 1}); len(list) != 0 || err != nil {
			t.Errorf("got %d grants, %v, want none", len(list), err)
		}
		if err := s.Grants().Swap(ctx, g, next); !errors.Is(err, refresh.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		if first, err := s.Grants().Once(ctx, "k", end.Add(time.Hour)); !first || err != nil {
			t.Errorf("got %v, %v, want true", first, err)
		}
		fresh := refresh.Grant{ID: g.ID, Version: 1, Expires: end.Add(2 * time.Hour), Subject: "s2", Client: "c2", Body: []byte("new")}
		if err := s.Grants().Create(ctx, fresh); err != nil {
			t.Errorf("got %v", err)
		}
		if got, err := s.Grants().Find(ctx, g.ID); err != nil || !reflect.DeepEqual(got, fresh) {
			t.Errorf("got %+v, %v, want %+v", got, err, fresh)
		}
	})
}

func TestVersionsThatNoDatabaseHolds(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, _ := d.store(t, nil)
		if err := s.Ring("main").Save(ctx, nil, 0); err != nil {
			t.Fatal(err)
		}
		g := refresh.Grant{Version: 1, Expires: time.Now().Add(time.Hour)}
		if err := s.Grants().Create(ctx, g); err != nil {
			t.Fatal(err)
		}
		for _, version := range []uint64{1<<63 - 1, 1 << 63, math.MaxUint64} {
			if err := s.Ring("main").Save(ctx, nil, version); !errors.Is(err, jwt.ErrConflict) {
				t.Errorf("ring, %d: got %v, want ErrConflict", version, err)
			}
			old, next := g, g
			old.Version, next.Version = version, 2
			if err := s.Grants().Swap(ctx, old, next); !errors.Is(err, refresh.ErrConflict) {
				t.Errorf("grant, %d: got %v, want ErrConflict", version, err)
			}
		}
		if sealed, version, err := s.Ring("main").Load(ctx); len(sealed) != 0 || version != 1 || err != nil {
			t.Errorf("got %q, %d, %v, want an empty value of version 1", sealed, version, err)
		}
		if err := s.Ring("main").Save(ctx, nil, 1); err != nil {
			t.Error(err)
		}
	})
}
