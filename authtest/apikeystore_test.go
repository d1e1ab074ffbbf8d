package authtest_test

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
)

// brokenKeys is a store with one rule broken, to see that the kit finds it.
type brokenKeys struct {
	apikey.Store
	faults
	mu   sync.Mutex
	lent map[string]*apikey.Record
}

// faults replace methods.
type faults struct {
	create func(s *brokenKeys, ctx context.Context, r *apikey.Record) error
	find   func(s *brokenKeys, ctx context.Context, id string) (*apikey.Record, error)
	update func(s *brokenKeys, ctx context.Context, r *apikey.Record) error
	rotate func(s *brokenKeys, ctx context.Context, old, next *apikey.Record) error
	touch  func(s *brokenKeys, ctx context.Context, used map[string]time.Time) error
	list   func(s *brokenKeys, ctx context.Context, q apikey.Query) ([]*apikey.Record, error)
	expire func(s *brokenKeys, ctx context.Context, before time.Time, limit int) (int, error)
}

func (s *brokenKeys) Create(ctx context.Context, r *apikey.Record) error {
	if s.create != nil {
		return s.create(s, ctx, r)
	}
	return s.Store.Create(ctx, r)
}

func (s *brokenKeys) Find(ctx context.Context, id string) (*apikey.Record, error) {
	if s.find != nil {
		return s.find(s, ctx, id)
	}
	return s.Store.Find(ctx, id)
}

func (s *brokenKeys) Update(ctx context.Context, r *apikey.Record) error {
	if s.update != nil {
		return s.update(s, ctx, r)
	}
	return s.Store.Update(ctx, r)
}

func (s *brokenKeys) Rotate(ctx context.Context, old, next *apikey.Record) error {
	if s.rotate != nil {
		return s.rotate(s, ctx, old, next)
	}
	return s.Store.Rotate(ctx, old, next)
}

func (s *brokenKeys) Touch(ctx context.Context, used map[string]time.Time) error {
	if s.touch != nil {
		return s.touch(s, ctx, used)
	}
	return s.Store.Touch(ctx, used)
}

func (s *brokenKeys) List(ctx context.Context, q apikey.Query) ([]*apikey.Record, error) {
	if s.list != nil {
		return s.list(s, ctx, q)
	}
	return s.Store.List(ctx, q)
}

func (s *brokenKeys) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	if s.expire != nil {
		return s.expire(s, ctx, before, limit)
	}
	return s.Store.DeleteExpired(ctx, before, limit)
}

func TestTheKitFindsBrokenStoresOfAPIKeys(t *testing.T) {
	for _, row := range []struct {
		name, rule string
		faults     faults
	}{
		{"Update without comparison", "Update needs the version", faults{
			update: func(s *brokenKeys, ctx context.Context, r *apikey.Record) error {
				now, err := s.Store.Find(ctx, r.ID)
				if err != nil {
					return err
				}
				r = r.Clone()
				r.Version = now.Version
				return s.Store.Update(ctx, r)
			},
		}},
		{"Find answers nothing for unknown ids", "an unknown id is ErrNotFound", faults{
			find: func(s *brokenKeys, ctx context.Context, id string) (*apikey.Record, error) {
				r, err := s.Store.Find(ctx, id)
				if errors.Is(err, apikey.ErrNotFound) {
					return nil, nil
				}
				return r, err
			},
		}},
		{"List in the order of ids", "oldest first", faults{
			list: func(s *brokenKeys, ctx context.Context, q apikey.Query) ([]*apikey.Record, error) {
				all, err := s.Store.List(ctx, apikey.Query{Issuer: q.Issuer, Subject: q.Subject, Limit: 100})
				slices.SortFunc(all, func(a, b *apikey.Record) int { return strings.Compare(a.ID, b.ID) })
				all = slices.DeleteFunc(all, func(r *apikey.Record) bool { return r.ID <= q.AfterID })
				return all[:min(len(all), q.Limit)], err
			},
		}},
		{"List folds letter case", "oldest first", faults{
			list: func(s *brokenKeys, ctx context.Context, q apikey.Query) ([]*apikey.Record, error) {
				all, err := s.Store.List(ctx, q)
				slices.SortStableFunc(all, func(a, b *apikey.Record) int {
					return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID)))
				})
				return all, err
			},
		}},
		{"Find folds letter case", "byte by byte", faults{
			find: func(s *brokenKeys, ctx context.Context, id string) (*apikey.Record, error) {
				if r, err := s.Store.Find(ctx, id); err == nil {
					return r, nil
				}
				if strings.EqualFold(id, "aBcDeFgHiJkL") {
					id = "aBcDeFgHiJkL"
				}
				return s.Store.Find(ctx, id)
			},
		}},
		{"an empty list of networks becomes none", "stay apart", faults{
			create: func(s *brokenKeys, ctx context.Context, r *apikey.Record) error {
				r = r.Clone()
				r.Networks = append([]netip.Prefix(nil), r.Networks...)
				return s.Store.Create(ctx, r)
			},
		}},
		{"times lose their fractions", "found as it was", faults{
			create: func(s *brokenKeys, ctx context.Context, r *apikey.Record) error {
				r = r.Clone()
				r.ExpiresAt = r.ExpiresAt.Truncate(time.Second)
				return s.Store.Create(ctx, r)
			},
		}},
		{"the record that was lent is kept", "may be changed afterwards", faults{
			create: func(s *brokenKeys, ctx context.Context, r *apikey.Record) error {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.lent = map[string]*apikey.Record{r.ID: r}
				return s.Store.Create(ctx, r)
			},
			find: func(s *brokenKeys, ctx context.Context, id string) (*apikey.Record, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if id == "lent" && s.lent[id] != nil {
					return s.lent[id], nil
				}
				return s.Store.Find(ctx, id)
			},
		}},
		{"Rotate in two steps", "does both or neither", faults{
			rotate: func(s *brokenKeys, ctx context.Context, old, next *apikey.Record) error {
				if err := s.Store.Create(ctx, next); err != nil {
					return err
				}
				return s.Store.Update(ctx, old)
			},
		}},
		{"Touch changes the version", "Touch moves LastUsedAt", faults{
			touch: func(s *brokenKeys, ctx context.Context, used map[string]time.Time) error {
				for id := range used {
					if r, err := s.Store.Find(ctx, id); err == nil {
						if err := s.Store.Update(ctx, r.Clone()); err != nil {
							return err
						}
					}
				}
				return s.Store.Touch(ctx, used)
			},
		}},
		{"List forgets the issuer", "List pages", faults{
			list: func(s *brokenKeys, ctx context.Context, q apikey.Query) ([]*apikey.Record, error) {
				strange := q
				strange.Issuer = "elsewhere"
				more, err := s.Store.List(ctx, strange)
				if err != nil {
					return nil, err
				}
				own, err := s.Store.List(ctx, q)
				return append(own, more...), err
			},
		}},
		{"DeleteExpired deletes what ends at that moment", "DeleteExpired removes", faults{
			expire: func(s *brokenKeys, ctx context.Context, before time.Time, limit int) (int, error) {
				return s.Store.DeleteExpired(ctx, before.Add(time.Microsecond), limit)
			},
		}},
		{"Create replaces", "an id is created once", faults{
			create: func(s *brokenKeys, ctx context.Context, r *apikey.Record) error {
				if err := s.Store.Create(ctx, r); !errors.Is(err, apikey.ErrExists) {
					return err
				}
				return s.Store.Update(ctx, r)
			},
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := authtest.CheckAPIKeyStore(authtest.APIKeyStoreKit{Workers: 4, New: func() (apikey.Store, error) {
				s := &brokenKeys{Store: apikey.NewMemoryStore(apikey.MemoryConfig{}), faults: row.faults}
				return s, nil
			}})
			if err == nil || !strings.Contains(err.Error(), row.rule) {
				t.Errorf("got %v, want the rule %q to be broken", err, row.rule)
			}
		})
	}
	if err := authtest.CheckAPIKeyStore(authtest.APIKeyStoreKit{}); err == nil {
		t.Error("a kit without a store was taken")
	}
	failing := authtest.APIKeyStoreKit{New: func() (apikey.Store, error) { return nil, errors.New("no database") }}
	if err := authtest.CheckAPIKeyStore(failing); err == nil {
		t.Error("a store that can't be made was taken")
	}
}
