package sqlstore_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

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
