package apikey

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// A MemoryConfig configures [NewMemoryStore].
type MemoryConfig struct {
	// MaxKeys is how many keys fit. 0 or less is 100,000.
	MaxKeys int
}

const defaultMemoryKeys = 100_000

// A MemoryStore is a [Store] in memory, for tests and single processes that may forget; the module store/sqlstore has one that
// does not. Find costs one map look-up, however many keys there are.
type MemoryStore struct {
	max    int
	mu     sync.RWMutex
	byID   map[string]*Record // what it points to is never written again
	owners map[owner][]*Record
}

// owner is the party whose keys are listed together; its list is in the order of pages.
type owner struct{ issuer, subject string }

// NewMemoryStore returns an empty store.
func NewMemoryStore(c MemoryConfig) *MemoryStore {
	if c.MaxKeys <= 0 {
		c.MaxKeys = defaultMemoryKeys
	}
	return &MemoryStore{max: c.MaxKeys, byID: make(map[string]*Record), owners: make(map[owner][]*Record)}
}

// Create implements [Store].
func (s *MemoryStore) Create(_ context.Context, r *Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(r)
}

func (s *MemoryStore) create(r *Record) error {
	if _, ok := s.byID[r.ID]; ok {
		return ErrExists
	}
	if len(s.byID) >= s.max {
		return ErrFull
	}
	s.put(nil, r.Clone())
	return nil
}

// Find implements [Store].
func (s *MemoryStore) Find(_ context.Context, id string) (*Record, error) {
	s.mu.RLock()
	r := s.byID[id]
	s.mu.RUnlock()
	if r == nil {
		return nil, ErrNotFound
	}
	return r, nil
}

// List implements [Store].
func (s *MemoryStore) List(_ context.Context, q Query) ([]*Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := s.owners[owner{q.Issuer, q.Subject}]
	if !q.AfterTime.IsZero() || q.AfterID != "" {
		i, found := slices.BinarySearchFunc(all, &Record{CreatedAt: q.AfterTime, ID: q.AfterID}, byAge)
		if found {
			i++
		}
		all = all[i:]
	}
	return slices.Clone(all[:min(len(all), max(q.Limit, 0))]), nil
}

func byAge(a, b *Record) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
}

// Update implements [Store].
func (s *MemoryStore) Update(_ context.Context, r *Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.update(r)
}

func (s *MemoryStore) update(r *Record) error {
	old := s.byID[r.ID]
	switch {
	case old == nil:
		return ErrNotFound
	case old.Version != r.Version:
		return ErrConflict
	}
	r = r.Clone()
	r.Version++
	r.LastUsedAt = old.LastUsedAt
	s.put(old, r)
	return nil
}

// Rotate implements [Store].
func (s *MemoryStore) Rotate(_ context.Context, old, next *Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored := s.byID[old.ID]; stored == nil {
		return ErrNotFound
	} else if stored.Version != old.Version {
		return ErrConflict
	}
	if err := s.create(next); err != nil {
		return err
	}
	return s.update(old)
}

// Touch implements [Store].
func (s *MemoryStore) Touch(_ context.Context, used map[string]time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, at := range used {
		if old := s.byID[id]; old != nil && at.After(old.LastUsedAt) {
			r := *old // shares what is never written again
			r.LastUsedAt = at
			s.put(old, &r)
		}
	}
	return nil
}

// DeleteExpired implements [Store]. It looks at every key.
func (s *MemoryStore) DeleteExpired(_ context.Context, before time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.byID {
		if n >= limit {
			break
		}
		if r.ExpiresAt.Before(before) {
			s.put(r, nil)
			n++
		}
	}
	return n, nil
}

// put replaces old by r in both tables; nil is none.
func (s *MemoryStore) put(old, r *Record) {
	if old != nil && r != nil && old.ID == r.ID && old.CreatedAt.Equal(r.CreatedAt) && ownerOf(old) == ownerOf(r) {
		list := s.owners[ownerOf(r)]
		i, _ := slices.BinarySearchFunc(list, r, byAge)
		list[i], s.byID[r.ID] = r, r
		return
	}
	if old != nil {
		delete(s.byID, old.ID)
		list := s.owners[ownerOf(old)]
		i, _ := slices.BinarySearchFunc(list, old, byAge)
		if list = slices.Delete(list, i, i+1); len(list) == 0 {
			delete(s.owners, ownerOf(old))
		} else {
			s.owners[ownerOf(old)] = list
		}
	}
	if r != nil {
		s.byID[r.ID] = r
		list := s.owners[ownerOf(r)]
		i, _ := slices.BinarySearchFunc(list, r, byAge)
		s.owners[ownerOf(r)] = slices.Insert(list, i, r)
	}
}

func ownerOf(r *Record) owner { return owner{r.Issuer, r.Subject} }
