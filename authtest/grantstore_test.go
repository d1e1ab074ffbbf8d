package authtest_test

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// brokenStore is a memory store with one fault.
type brokenStore struct {
	*refresh.MemoryStore
	find func(refresh.Grant, error) (refresh.Grant, error)
	swap func(s *refresh.MemoryStore, old, next refresh.Grant) error
	once func(bool, error) (bool, error)
	list func([]refresh.Grant) []refresh.Grant
	make func(s *refresh.MemoryStore, g refresh.Grant, err error) error
}

func (s *brokenStore) Create(ctx context.Context, g refresh.Grant) error {
	err := s.MemoryStore.Create(ctx, g)
	if s.make != nil {
		return s.make(s.MemoryStore, g, err)
	}
	return err
}

func (s *brokenStore) Find(ctx context.Context, id refresh.GrantID) (refresh.Grant, error) {
	g, err := s.MemoryStore.Find(ctx, id)
	if s.find != nil {
		return s.find(g, err)
	}
	return g, err
}

func (s *brokenStore) Swap(ctx context.Context, old, next refresh.Grant) error {
	if s.swap != nil {
		return s.swap(s.MemoryStore, old, next)
	}
	return s.MemoryStore.Swap(ctx, old, next)
}

func (s *brokenStore) Once(ctx context.Context, key string, until time.Time) (bool, error) {
	first, err := s.MemoryStore.Once(ctx, key, until)
	if s.once != nil {
		return s.once(first, err)
	}
	return first, err
}

func (s *brokenStore) List(ctx context.Context, q refresh.Query) ([]refresh.Grant, error) {
	list, err := s.MemoryStore.List(ctx, q)
	if s.list != nil {
		list = s.list(list)
	}
	return list, err
}

// forceSwap writes whatever the version is.
func forceSwap(s *refresh.MemoryStore, next refresh.Grant) error {
	for {
		now, err := s.Find(context.Background(), next.ID)
		if err != nil {
			return err
		}
		if s.Swap(context.Background(), now, next) == nil {
			return nil
		}
	}
}

func TestGrantStoreKitFindsBrokenStores(t *testing.T) {
	var mu sync.Mutex
	shared := make(map[refresh.GrantID][]byte)
	for _, tt := range []struct {
		name, rule string
		break_     func(*brokenStore)
	}{
		{"a store that forgets the client", "found as it was", func(s *brokenStore) {
			s.find = func(g refresh.Grant, err error) (refresh.Grant, error) { g.Client = ""; return g, err }
		}},
		{"a store that finds an empty grant", "not there", func(s *brokenStore) {
			s.find = func(g refresh.Grant, _ error) (refresh.Grant, error) { return g, nil }
		}},
		{"a store that overwrites", "an id is taken once", func(s *brokenStore) {
			s.make = func(m *refresh.MemoryStore, g refresh.Grant, err error) error {
				if err != nil {
					return forceSwap(m, g)
				}
				return nil
			}
		}},
		{"a store whose last writer wins", "Swap compares", func(s *brokenStore) {
			s.swap = func(m *refresh.MemoryStore, _, next refresh.Grant) error { return forceSwap(m, next) }
		}},
		{"a store that adds in Swap", "never adds", func(s *brokenStore) {
			s.swap = func(m *refresh.MemoryStore, old, next refresh.Grant) error {
				_ = m.Create(context.Background(), old)
				return m.Swap(context.Background(), old, next)
			}
		}},
		{"a store that reads and then writes", "of many Swaps", func(s *brokenStore) {
			s.swap = func(m *refresh.MemoryStore, old, next refresh.Grant) error {
				now, err := m.Find(context.Background(), old.ID)
				if err != nil {
					return err
				}
				if now.Version != old.Version {
					return refresh.ErrConflict
				}
				runtime.Gosched()
				return forceSwap(m, next)
			}
		}},
		{"a store that shares its bodies", "copied", func(s *brokenStore) {
			s.find = func(g refresh.Grant, err error) (refresh.Grant, error) {
				mu.Lock()
				defer mu.Unlock()
				if body, ok := shared[g.ID]; ok && bytes.HasPrefix(body, []byte("!")) {
					g.Body = body
				} else {
					shared[g.ID] = g.Body
				}
				return g, err
			}
		}},
		{"a store that says yes to every key", "Once is true once", func(s *brokenStore) {
			s.once = func(bool, error) (bool, error) { return true, nil }
		}},
		{"a store that hides an outage", "hides nothing", func(s *brokenStore) {
			s.find = func(g refresh.Grant, err error) (refresh.Grant, error) {
				if err != nil {
					err = refresh.ErrNotFound
				}
				return g, err
			}
		}},
		{"a store that lists no second page", "List returns pages", func(s *brokenStore) {
			s.list = func(list []refresh.Grant) []refresh.Grant { return list[:min(len(list), 2)] }
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := authtest.CheckGrantStore(authtest.GrantStoreKit{New: func() (refresh.Store, error) {
				memory, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
				s := &brokenStore{MemoryStore: memory}
				if tt.name == "a store that shares its bodies" {
					clear(shared)
				}
				tt.break_(s)
				return s, err
			}, Workers: 8})
			if err == nil || !strings.Contains(err.Error(), tt.rule) {
				t.Errorf("got %v, want the rule %q to be broken", err, tt.rule)
			}
		})
	}
}

func TestGrantStoreKitNeedsAStore(t *testing.T) {
	if err := authtest.CheckGrantStore(authtest.GrantStoreKit{}); err == nil || !strings.Contains(err.Error(), "set New") {
		t.Errorf("got %v, want the kit to be incomplete", err)
	}
}
