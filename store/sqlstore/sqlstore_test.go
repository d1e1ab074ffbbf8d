package sqlstore_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/store/sqlstore"
)

// clock is one that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (d database) rows(t *testing.T, table string) (n int) {
	t.Helper()
	if err := d.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// prefixed returns a store whose tables the test knows.
func (d database) prefixed(t *testing.T, now func() time.Time) (*sqlstore.Store, string) {
	t.Helper()
	prefix := "t" + strings.ToLower(rand.Text()) + "_"
	s, err := sqlstore.New(sqlstore.Config{DB: d.db, Dialect: d.dialect, Prefix: prefix, Clock: now})
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, prefix
}

// TestTheDeadDoNotPileUp adds for a long time what soon expires.
func TestTheDeadDoNotPileUp(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		s, prefix := d.prefixed(t, c.Now)
		keep := refresh.Grant{ID: refresh.GrantID{255}, Version: 1, Expires: c.now.Add(24 * time.Hour), Subject: "keep"}
		if err := s.Grants().Create(ctx, keep); err != nil {
			t.Fatal(err)
		}
		if first, err := s.Grants().Once(ctx, "keep", keep.Expires); !first || err != nil {
			t.Fatal(first, err)
		}
		const each = 400
		for i := range each {
			g := refresh.Grant{Version: 1, Expires: c.Now().Add(time.Second), Subject: "s"}
			_, _ = rand.Read(g.ID[:])
			if err := errors.Join(s.Grants().Create(ctx, g), s.Known().Add(ctx, fmt.Sprint("known", i))); err != nil {
				t.Fatal(err)
			}
			if first, err := s.Grants().Once(ctx, fmt.Sprint("key", i), g.Expires); !first || err != nil {
				t.Fatal(first, err)
			}
			c.add(12 * time.Hour / each)
		}
		for _, table := range []string{"grants", "once"} {
			if n := d.rows(t, prefix+table); n > each/2 {
				t.Errorf("%s: %d rows are left of %d that are dead", table, n, each)
			}
		}
		if n := d.rows(t, prefix+"known"); n != each {
			t.Errorf("known: got %d rows, want %d: none is 30 days old", n, each)
		}
		if _, err := s.Grants().Find(ctx, keep.ID); err != nil {
			t.Errorf("a live grant: got %v", err)
		}
		if first, err := s.Grants().Once(ctx, "keep", keep.Expires); first || err != nil {
			t.Errorf("a live key: got %v, %v, want false", first, err)
		}
	})
}

func TestKnown(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		s, twin := d.store(t, c.Now)
		has := func(what, key string, want bool) {
			t.Helper()
			if got, err := twin.Known().Has(ctx, key); err != nil || got != want {
				t.Errorf("%s: got %v, %v, want %v", what, got, err, want)
			}
		}
		has("a key that was never added", "a", false)
		if err := s.Known().Add(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		has("a key that another instance added", "a", true)
		has("another key", "A", false)
		c.add(20 * 24 * time.Hour)
		if err := s.Known().Add(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		c.add(30*24*time.Hour - time.Microsecond)
		has("30 days after it was last added, all but a moment", "a", true)
		c.add(time.Microsecond)
		has("30 days after", "a", false)
	})
}

func TestWhatIsUsedOnceIsRememberedToTheNanosecond(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		s, _ := d.store(t, c.Now)
		until := c.now.Add(time.Minute + 500*time.Nanosecond)
		if first, err := s.Grants().Once(t.Context(), "k", until); !first || err != nil {
			t.Fatal(first, err)
		}
		c.add(time.Minute + 100*time.Nanosecond)
		if first, err := s.Grants().Once(t.Context(), "k", until); first || err != nil {
			t.Errorf("got %v, %v before its time, want false", first, err)
		}
	})
}

func TestKeysOfOnceAreBytes(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		s, _ := d.store(t, nil)
		for _, key := range []string{"", "a", "A", "a ", "a\x00", "a\x00b", "\xff\xfe", "é", "e\u0301", strings.Repeat("k", 256)} {
			for i, want := range []bool{true, false} {
				if first, err := s.Grants().Once(t.Context(), key, time.Now().Add(time.Hour)); err != nil || first != want {
					t.Errorf("%q, call %d: got %v, %v, want %v", key, i+1, first, err, want)
				}
			}
		}
	})
}

func TestGrantsWithoutBodyOrWithTheLargest(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		s, _ := d.store(t, nil)
		for i, body := range [][]byte{nil, {}, make([]byte, 64<<10)} {
			g := refresh.Grant{ID: refresh.GrantID{byte(i)}, Version: 1, Expires: time.Now().Add(time.Hour), Body: body}
			if err := s.Grants().Create(t.Context(), g); err != nil {
				t.Fatal(err)
			}
			g.Version++
			old := g
			old.Version--
			if err := s.Grants().Swap(t.Context(), old, g); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Grants().Find(t.Context(), g.ID); err != nil || len(got.Body) != len(body) || got.Version != 2 {
				t.Errorf("got %d bytes of version %d, %v, want %d bytes of version 2", len(got.Body), got.Version, err, len(body))
			}
		}
	})
}

func TestCallsThatMakeNoSense(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, _ := d.store(t, nil)
		if list, err := s.Grants().List(ctx, refresh.Query{Limit: 10}); err == nil {
			t.Errorf("a query of nobody: got %d grants, want an error", len(list))
		}
		a, b := refresh.Grant{ID: refresh.GrantID{1}}, refresh.Grant{ID: refresh.GrantID{2}}
		if err := s.Grants().Swap(ctx, a, b); err == nil || errors.Is(err, refresh.ErrConflict) || errors.Is(err, refresh.ErrNotFound) {
			t.Errorf("a swap of two ids: got %v, want another error", err)
		}
		if err := s.Grants().Create(ctx, refresh.Grant{Version: 1 << 63, Expires: time.Now().Add(time.Hour)}); err == nil {
			t.Error("a version of 2^63: got no error")
		}
		if n, err := s.APIKeys().DeleteExpired(ctx, time.Now(), -1); n != 0 || err != nil {
			t.Errorf("deleting -1 keys: got %d, %v", n, err)
		}
		if list, err := s.APIKeys().List(ctx, apikey.Query{Subject: "s", Limit: -1}); len(list) != 0 || err != nil {
			t.Errorf("listing -1 keys: got %d, %v", len(list), err)
		}
		if err := s.Grants().Create(ctx, refresh.Grant{Version: 1, ID: a.ID, Subject: "s", Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if list, err := s.Grants().List(ctx, refresh.Query{Subject: "s", Limit: -1}); len(list) != 0 || err != nil {
			t.Errorf("listing -1 grants: got %d, %v", len(list), err)
		}
		if err := s.APIKeys().Touch(ctx, nil); err != nil {
			t.Errorf("touching nothing: got %v", err)
		}
	})
}

func TestTouchTakesMoreThanOneBatch(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, twin := d.store(t, nil)
		used := make(map[string]time.Time)
		at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		for i := range 300 {
			r := &apikey.Record{ID: fmt.Sprintf("key%09d", i), Subject: "s", CreatedAt: at, ExpiresAt: at, Version: 1}
			if err := s.APIKeys().Create(ctx, r); err != nil {
				t.Fatal(err)
			}
			used[r.ID] = at.Add(time.Duration(i) * time.Second)
		}
		var wg sync.WaitGroup
		for _, store := range []*sqlstore.Store{s, twin, s, twin} { // neither waits for the other for ever
			wg.Go(func() {
				if err := store.APIKeys().Touch(context.WithoutCancel(ctx), used); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		list, err := s.APIKeys().List(ctx, apikey.Query{Subject: "s", Limit: 1000})
		if err != nil || len(list) != 300 {
			t.Fatalf("got %d keys, %v", len(list), err)
		}
		for _, r := range list {
			if !r.LastUsedAt.Equal(used[r.ID]) || r.Version != 1 {
				t.Fatalf("%s: got last use %v of version %d, want %v of version 1", r.ID, r.LastUsedAt, r.Version, used[r.ID])
			}
		}
	})
}

func TestRingsOfTwoNamesAreTwo(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, twin := d.store(t, nil)
		if err := errors.Join(s.Ring("a").Save(ctx, []byte("of a"), 0), s.Ring("b").Save(ctx, []byte("of b"), 0)); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			if got, version, err := twin.Ring(name).Load(ctx); err != nil || string(got) != "of "+name || version != 1 {
				t.Errorf("got %q, version %d, %v, want %q", got, version, err, "of "+name)
			}
		}
		if err := twin.Ring("a").Save(ctx, []byte("late"), 0); !errors.Is(err, jwt.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	})
}

func TestWithoutTablesAnErrorSaysWhatToDo(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		s, err := sqlstore.New(sqlstore.Config{DB: d.db, Dialect: d.dialect, Prefix: "none_"})
		if err != nil {
			t.Fatal(err)
		}
		for name, err := range everyCall(t.Context(), s) {
			if err == nil || !strings.HasSuffix(err.Error(), ": call Store.Migrate first") {
				t.Errorf("%s: got %v, want an error that says to migrate", name, err)
			}
		}
	})
}

// TestWhatIsNoRecord has a row that somebody else wrote be an outage, and never a key.
func TestWhatIsNoRecord(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, prefix := d.prefixed(t, nil)
		if err := s.APIKeys().Create(ctx, &apikey.Record{ID: "a", Subject: "s", Version: 1}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.db.ExecContext(ctx, "UPDATE "+prefix+"api_keys SET record = 'no JSON'"); err != nil {
			t.Fatal(err)
		}
		if r, err := s.APIKeys().Find(ctx, "a"); r != nil || err == nil || errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("got %v, %v, want an error that is not ErrNotFound", r, err)
		}
		if list, err := s.APIKeys().List(ctx, apikey.Query{Subject: "s", Limit: 1}); list != nil || err == nil {
			t.Errorf("got %v, %v, want an error", list, err)
		}
	})
}

// TestWhatIsNoGrant has an id that somebody else wrote be an outage, and never another grant's.
func TestWhatIsNoGrant(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, prefix := d.prefixed(t, nil)
		g := refresh.Grant{ID: refresh.GrantID{1}, Version: 1, Subject: "s", Expires: time.Now().Add(time.Hour)}
		for _, id := range [][]byte{make([]byte, 17), {1, 2, 3}} {
			if err := s.Grants().Create(ctx, g); err != nil {
				t.Fatal(err)
			}
			if _, err := d.db.ExecContext(ctx, "UPDATE "+prefix+"grants SET id = $1", id); err != nil {
				t.Fatal(err)
			}
			if list, err := s.Grants().List(ctx, refresh.Query{Subject: "s", Limit: 1}); list != nil || err == nil {
				t.Errorf("%x: got %v, %v, want an error", id, list, err)
			}
			if _, err := d.db.ExecContext(ctx, "DELETE FROM "+prefix+"grants"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestManyProcessesMigrateAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		s, err := sqlstore.New(sqlstore.Config{DB: d.db, Dialect: d.dialect, Prefix: "t" + strings.ToLower(rand.Text()) + "_"})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.WithoutCancel(t.Context())
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := s.Migrate(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// TestMigrateOfAUserWhoMayNotCreate has a service start whose user may read and write alone.
func TestMigrateOfAUserWhoMayNotCreate(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		if d.dialect != sqlstore.PostgreSQL {
			return // SQLite has no users
		}
		ctx := t.Context()
		s, prefix := d.prefixed(t, nil)
		user := "u" + strings.ToLower(rand.Text())
		for _, statement := range []string{
			"CREATE ROLE " + user + " LOGIN",
			"GRANT SELECT, INSERT, UPDATE, DELETE ON " + prefix + "api_keys, " + prefix + "grants, " + prefix + "once, " + prefix + "key_rings, " + prefix + "known TO " + user,
		} {
			if _, err := d.db.ExecContext(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		db, err := sql.Open("pgx", os.Getenv("AUTH_TEST_POSTGRES")+" user="+user)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = db.Close()
			_, _ = d.db.ExecContext(context.WithoutCancel(ctx), "DROP OWNED BY "+user+"; DROP ROLE "+user)
		})
		few, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: d.dialect, Prefix: prefix})
		if err != nil {
			t.Fatal(err)
		}
		if err := few.Migrate(ctx); err != nil {
			t.Errorf("where all is there: got %v", err)
		}
		if err := few.APIKeys().Create(ctx, &apikey.Record{ID: "a", Subject: "s", Version: 1}); err != nil {
			t.Errorf("create: got %v", err)
		}
		if r, err := s.APIKeys().Find(ctx, "a"); err != nil || r.Subject != "s" {
			t.Errorf("got %v, %v", r, err)
		}
		if _, err := d.db.ExecContext(ctx, "DROP INDEX "+prefix+"known_expires"); err != nil {
			t.Fatal(err)
		}
		if err := few.Migrate(ctx); err == nil {
			t.Error("where an index is missing: got no error of a user who may not create")
		}
		if err := s.Migrate(ctx); err != nil {
			t.Errorf("the owner: got %v", err)
		}
	})
}
