package sqlstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/store/sqlstore"
)

// TestEachTableIsSwept adds to two tables by turns, as logins that use a code and begin a session do.
func TestEachTableIsSwept(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		s, prefix := d.prefixed(t, c.Now)
		const each = 256
		for i := range each {
			g := refresh.Grant{Version: 1, Expires: c.Now().Add(time.Second), Subject: "s"}
			_, _ = rand.Read(g.ID[:])
			if first, err := s.Grants().Once(ctx, fmt.Sprint("code", i), g.Expires); !first || err != nil {
				t.Fatal(first, err)
			}
			if err := s.Grants().Create(ctx, g); err != nil {
				t.Fatal(err)
			}
			c.add(time.Minute)
		}
		for _, table := range []string{"grants", "once"} {
			if n := d.rows(t, prefix+table); n > each/2 {
				t.Errorf("%s: %d rows are left of %d that are dead", table, n, each)
			}
		}
	})
}

// TestProcessesThatEndSoonSweepToo has each process add less than what a sweep waits for.
func TestProcessesThatEndSoonSweepToo(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
		_, prefix := d.prefixed(t, c.Now)
		const processes, each = 60, 20
		for i := range processes {
			s, err := sqlstore.New(sqlstore.Config{DB: d.db, Dialect: d.dialect, Prefix: prefix, Clock: c.Now})
			if err != nil {
				t.Fatal(err)
			}
			for j := range each {
				if first, err := s.Grants().Once(ctx, fmt.Sprint(i, " ", j), c.Now().Add(time.Second)); !first || err != nil {
					t.Fatal(first, err)
				}
				c.add(time.Minute)
			}
		}
		if n := d.rows(t, prefix+"once"); n > processes*each/2 { // by chance it happens once in 10^6 runs
			t.Errorf("%d rows are left of %d that are dead", n, processes*each)
		}
	})
}

// TestSweepsLeaveAloneWhatIsBeingChanged has another process bring back, in a transaction that goes on, what has expired. A
// sweep that waited for it would then delete what is alive.
func TestSweepsLeaveAloneWhatIsBeingChanged(t *testing.T) {
	d := postgres(t, nil, pgx.QueryExecModeCacheStatement)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	s, prefix := d.prefixed(t, c.Now)
	end := c.now.Add(time.Minute)
	dead := refresh.Grant{ID: refresh.GrantID{1}, Version: 1, Expires: end}
	if _, err := s.Grants().Once(ctx, "dead", end); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Grants().Create(ctx, dead), s.Known().Add(ctx, "dead"),
		s.APIKeys().Create(ctx, &apikey.Record{ID: "dead", CreatedAt: c.now, ExpiresAt: end, Version: 1})); err != nil {
		t.Fatal(err)
	}
	c.add(365 * 24 * time.Hour)
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it was committed
	for _, table := range []string{"api_keys", "grants", "once", "known"} {
		if _, err := tx.ExecContext(ctx, "UPDATE "+prefix+table+" SET expires_at = $1", c.Now().Add(time.Hour).UnixMicro()); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.APIKeys().DeleteExpired(ctx, c.Now(), 10); n != 0 || err != nil {
		t.Errorf("keys: got %d, %v, want 0", n, err)
	}
	for i := range 64 {
		if _, err := s.Grants().Once(ctx, fmt.Sprint(i), c.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		g := refresh.Grant{ID: refresh.GrantID{2, byte(i)}, Version: 1, Expires: c.Now().Add(time.Hour)}
		if err := errors.Join(s.Grants().Create(ctx, g), s.Known().Add(ctx, fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]int{"api_keys": 1, "grants": 65, "once": 65, "known": 65} {
		if n := d.rows(t, prefix+table); n != want {
			t.Errorf("%s: got %d rows, want %d", table, n, want)
		}
	}
}
