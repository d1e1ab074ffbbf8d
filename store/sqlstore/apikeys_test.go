package sqlstore_test

import (
	"context"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/store/sqlstore"
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
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		s, _ := d.store(t, nil)
		at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		want := []string{"z", "y", "A", "B", "Z", "_", "a", "a b", "ab", "b", "z\u0301", "é"}
		for i, id := range want {
			r := &apikey.Record{ID: id, Subject: "s", CreatedAt: at.Add(time.Duration(min(i, 2)) * time.Hour), ExpiresAt: at, Version: 1}
			if err := s.APIKeys().Create(ctx, r); err != nil {
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

func TestTouchesOfManyProcessesDoNotLockEachOtherOut(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := context.WithoutCancel(t.Context())
		s, twin := d.store(t, nil)
		at := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
		ids := make([]string, 100)
		for i := range ids {
			ids[i] = fmt.Sprint("key", i)
			if err := s.APIKeys().Create(ctx, &apikey.Record{ID: ids[i], Subject: "s", CreatedAt: at, ExpiresAt: at, Version: 1}); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for i, store := range []*sqlstore.Store{s, twin, s, twin} {
			wg.Go(func() {
				for round := range 10 {
					used := make(map[string]time.Time)
					for _, id := range ids {
						used[id] = at.Add(time.Duration(4*round+i) * time.Second)
					}
					if err := store.APIKeys().Touch(ctx, used); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
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
