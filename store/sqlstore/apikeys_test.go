package sqlstore_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// TestRecordsComeBackAsTheyWere has what JSON does not keep be refused: it would come back as the key of somebody else, or
// not at all, and its owner's whole list with it.
func TestRecordsComeBackAsTheyWere(t *testing.T) {
	record := func(id string) *apikey.Record {
		at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		return &apikey.Record{ID: id, Subject: "s", CreatedAt: at, ExpiresAt: at, Version: 1}
	}
	changes := map[string]func(*apikey.Record){
		"an invalid network": func(r *apikey.Record) {
			r.Networks = []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("10.0.0.0"), 33)}
		},
		"a scope":          func(r *apikey.Record) { r.Scopes = []string{"a", "\xff"} },
		"a name of data":   func(r *apikey.Record) { r.Metadata = map[string]string{"\xff": "a"} },
		"a value of data":  func(r *apikey.Record) { r.Metadata = map[string]string{"a": "\xff"} },
		"a year after all": func(r *apikey.Record) { r.NotBefore = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) },
	}
	for field := range reflect.TypeFor[apikey.Record]().Fields() {
		if field.Type.Kind() == reflect.String {
			changes[field.Name] = func(r *apikey.Record) { reflect.ValueOf(r).Elem().FieldByIndex(field.Index).SetString("\xff") }
		}
	}
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, _ := d.store(t, nil)
		i := 0
		for name, change := range changes {
			i++
			stored, r := record(fmt.Sprint("stored", i)), record(fmt.Sprint("new", i))
			if err := s.APIKeys().Create(ctx, stored); err != nil {
				t.Fatal(err)
			}
			change(r)
			if err := s.APIKeys().Create(ctx, r); err == nil {
				t.Errorf("%s: Create: got no error", name)
			}
			changed := stored.Clone()
			change(changed)
			changed.ID = stored.ID
			if err := s.APIKeys().Update(ctx, changed); err == nil && name != "ID" {
				t.Errorf("%s: Update: got no error", name)
			}
		}
		if list, err := s.APIKeys().List(ctx, apikey.Query{Subject: "s", Limit: 100}); err != nil || len(list) != i {
			t.Errorf("got %d keys, %v, want %d", len(list), err, i)
		}
		for _, text := range []string{"\ufffd", "<&>\u2028", "'; --", "$1", "\U0001F600"} {
			r := record("text " + text)
			r.Subject, r.Name, r.Scopes, r.Metadata = text, text, []string{text}, map[string]string{text: text}
			if err := s.APIKeys().Create(ctx, r); err != nil {
				t.Fatal(err)
			}
			r.LastUsedAt = r.LastUsedAt.UTC()
			if list, err := s.APIKeys().List(ctx, apikey.Query{Subject: text, Limit: 2}); err != nil || len(list) != 1 || !reflect.DeepEqual(list[0], r) {
				t.Errorf("%q: got %v, %v, want %v", text, list, err, r)
			}
		}
	})
}

// TestListsAreInOrder has neither time nor id tell the order of the other, and ids that a language sorts differently.
func TestListsAreInOrder(t *testing.T) {
	test := func(t *testing.T, d database) {
		ctx := t.Context()
		s, _ := d.store(t, nil)
		at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		want := []string{"z", "y", "A", "B", "Z", "_", "a", "a b", "ab", "b", "z\u0301", "é"}
		for i, id := range slices.Backward(want) {
			r := &apikey.Record{ID: id, Subject: "s", CreatedAt: at.Add(time.Duration(min(i, 2)) * time.Hour), ExpiresAt: at, Version: 1}
			if err := s.APIKeys().Create(ctx, r); err != nil {
				t.Fatal(err)
			}
			g := refresh.Grant{ID: refresh.GrantID{byte(i), 1}, Version: 1, Expires: time.Now().Add(time.Hour), Subject: "s"}
			if err := s.Grants().Create(ctx, g); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for q := (apikey.Query{Subject: "s", Limit: 2}); ; {
			page, err := s.APIKeys().List(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range page {
				got = append(got, r.ID)
				q.AfterTime, q.AfterID = r.CreatedAt, r.ID
			}
			if len(page) < q.Limit {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		list, err := s.Grants().List(ctx, refresh.Query{Subject: "s", Limit: 5})
		if err != nil || len(list) != 5 {
			t.Fatalf("got %d grants, %v, want 5", len(list), err)
		}
		for i, g := range list {
			if g.ID[0] != byte(i) {
				t.Errorf("grant %d: got %v", i, g.ID)
			}
		}
	}
	onEach(t, test)
	t.Run("PostgreSQL without indices", func(t *testing.T) {
		off := map[string]string{"enable_indexscan": "off", "enable_indexonlyscan": "off", "enable_bitmapscan": "off"}
		test(t, postgres(t, off, pgx.QueryExecModeCacheStatement))
	})
}

func TestAnUpdateMovesAKey(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, _ := d.store(t, nil)
		at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		r := &apikey.Record{ID: "moved", Issuer: "i", Subject: "s", CreatedAt: at, ExpiresAt: at, Version: 1}
		if err := s.APIKeys().Create(ctx, r); err != nil {
			t.Fatal(err)
		}
		r.Issuer, r.Subject, r.CreatedAt, r.ExpiresAt = "i2", "s2", at.Add(time.Hour), at.Add(2*time.Hour)
		if err := s.APIKeys().Update(ctx, r); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			issuer, subject string
			after           time.Time
			want            int
		}{{"i", "s", time.Time{}, 0}, {"i2", "s", time.Time{}, 0}, {"i2", "s2", at.Add(30 * time.Minute), 1}, {"i2", "s2", at.Add(2 * time.Hour), 0}} {
			list, err := s.APIKeys().List(ctx, apikey.Query{Issuer: tt.issuer, Subject: tt.subject, AfterTime: tt.after, Limit: 2})
			if err != nil || len(list) != tt.want {
				t.Errorf("%+v: got %d keys, %v", tt, len(list), err)
			}
		}
		for want, before := range []time.Time{at.Add(2 * time.Hour), at.Add(3 * time.Hour)} {
			if n, err := s.APIKeys().DeleteExpired(ctx, before, 1); n != want || err != nil {
				t.Errorf("before %v: got %d, %v, want %d", before, n, err, want)
			}
		}
	})
}

// TestTouchTakesRowsInOneOrder has a touch wait for the first of its keys while it holds no other: two that took them in
// different orders would wait for each other.
func TestTouchTakesRowsInOneOrder(t *testing.T) {
	ctx := t.Context()
	d := postgres(t, nil, pgx.QueryExecModeCacheStatement)
	s, prefix := d.prefixed(t, nil)
	at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	used := make(map[string]time.Time)
	for i := range 100 {
		id := fmt.Sprintf("key%09d", i)
		used[id] = at
		if err := s.APIKeys().Create(ctx, &apikey.Record{ID: id, Subject: "s", CreatedAt: at, ExpiresAt: at, Version: 1}); err != nil {
			t.Fatal(err)
		}
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	lock := "SELECT COUNT(*) FROM (SELECT 1 FROM " + prefix + "api_keys WHERE id LIKE $1 FOR UPDATE SKIP LOCKED) AS k"
	var n int
	if err := tx.QueryRowContext(ctx, lock, "key000000000").Scan(&n); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	touched := make(chan error, 1)
	go func() { touched <- s.APIKeys().Touch(ctx, used) }()
	const waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'"
	for n = 0; n == 0; {
		if err := d.db.QueryRowContext(ctx, waiting, prefix+"api_keys").Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.QueryRowContext(ctx, lock, "%").Scan(&n); err != nil || n != 100 {
		t.Errorf("got %d of 100 keys that the touch does not hold, %v", n, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-touched; err != nil {
		t.Error(err)
	}
}

// TestWhatExpiredFirstIsDeletedFirst matters where more expires than one call deletes.
func TestWhatExpiredFirstIsDeletedFirst(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, _ := d.store(t, nil)
		at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		for i, hours := range []time.Duration{3, 1, 2} {
			r := &apikey.Record{ID: fmt.Sprint(i), Subject: "s", CreatedAt: at, ExpiresAt: at.Add(hours * time.Hour), Version: 1}
			if err := s.APIKeys().Create(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.APIKeys().DeleteExpired(ctx, at.Add(9*time.Hour), 2); n != 2 || err != nil {
			t.Fatalf("got %d, %v, want 2", n, err)
		}
		if _, err := s.APIKeys().Find(ctx, "0"); err != nil {
			t.Errorf("the one that expired last: got %v", err)
		}
	})
}
