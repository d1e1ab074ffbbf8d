package refresh

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Limits of a [MemoryConfig].
const (
	DefaultMaxGrants = 100_000
	MaxMaxGrants     = 10_000_000
)

// A MemoryConfig configures [NewMemoryStore]. The zero value is the usual choice.
type MemoryConfig struct {
	// MaxGrants is how many grants fit, and how many keys of Once beside them. 0 is 100,000, some 60 MB when full; the
	// maximum is 10 million. A store that is full refuses new ones until some expire; it never drops a live one,
	// which would log somebody out, and never forgets a live key of Once, which would let it be used again.
	MaxGrants int
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// A MemoryStore is a [Store] and [Lister] in memory, for tests and single processes that may forget; the module store/sqlstore
// has one that does not. It runs nothing in the background: what has expired is dropped a little with each addition, and all of
// it when the store is full.
type MemoryStore struct {
	max   int
	clock func() time.Time

	mu       sync.Mutex
	grants   map[GrantID]Grant // bodies are never written again
	subjects map[string]map[GrantID]struct{}
	once     map[string]time.Time
	sweptAt  time.Time // the last sweep of everything
}

// sweepStep is how many entries each addition looks at: more than it adds, so that the dead can't pile up.
const sweepStep = 4

// sweepAgain is the least time between sweeps of everything, so that additions to a full store stay cheap.
const sweepAgain = time.Second

// NewMemoryStore returns an empty store.
func NewMemoryStore(c MemoryConfig) (*MemoryStore, error) {
	if c.MaxGrants < 0 || c.MaxGrants > MaxMaxGrants {
		return nil, fmt.Errorf("refresh: MemoryConfig.MaxGrants is %d: use 0 for %d, or up to %d", c.MaxGrants, DefaultMaxGrants, MaxMaxGrants)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &MemoryStore{
		max: cmp.Or(c.MaxGrants, DefaultMaxGrants), clock: c.Clock,
		grants: make(map[GrantID]Grant), subjects: make(map[string]map[GrantID]struct{}), once: make(map[string]time.Time),
	}, nil
}

// Create implements [Store].
func (s *MemoryStore) Create(ctx context.Context, g Grant) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.Body = bytes.Clone(g.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.sweepSome(now)
	if old, ok := s.grants[g.ID]; ok {
		if now.Before(old.Expires) {
			return ErrExists
		}
		s.drop(old)
	}
	if len(s.grants) >= s.max && !s.sweepAll(now, func() bool { return len(s.grants) < s.max }) {
		return ErrFull
	}
	s.put(g)
	return nil
}

// Find implements [Store].
func (s *MemoryStore) Find(ctx context.Context, id GrantID) (Grant, error) {
	if err := ctx.Err(); err != nil {
		return Grant{}, err
	}
	s.mu.Lock()
	g, ok := s.grants[id]
	now := s.clock()
	s.mu.Unlock()
	if !ok || !now.Before(g.Expires) {
		return Grant{}, ErrNotFound
	}
	g.Body = bytes.Clone(g.Body)
	return g, nil
}

var errSwap = errors.New("refresh: Swap of two grants with different ids")

// Swap implements [Store].
func (s *MemoryStore) Swap(ctx context.Context, old, next Grant) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if old.ID != next.ID {
		return errSwap
	}
	next.Body = bytes.Clone(next.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.grants[old.ID]
	switch {
	case !ok || !s.clock().Before(stored.Expires):
		return ErrNotFound
	case stored.Version != old.Version:
		return ErrConflict
	case stored.Subject != next.Subject:
		s.drop(stored)
		s.put(next)
	default:
		s.grants[next.ID] = next
	}
	return nil
}

// Once implements [Store].
func (s *MemoryStore) Once(ctx context.Context, key string, until time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.sweepSome(now)
	end, seen := s.once[key]
	switch {
	case seen && now.Before(end):
		return false, nil
	case !seen && len(s.once) >= s.max && !s.sweepAll(now, func() bool { return len(s.once) < s.max }):
		return false, ErrFull
	}
	s.once[key] = until
	return true, nil
}

// List implements [Lister]. By subject it costs what the subject has; by client alone it looks at every grant.
func (s *MemoryStore) List(ctx context.Context, q Query) ([]Grant, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	var list []Grant
	consider := func(g Grant) {
		if now.Before(g.Expires) && (q.Client == "" || g.Client == q.Client) && bytes.Compare(g.ID[:], q.After[:]) > 0 {
			list = append(list, g)
		}
	}
	if q.Subject != "" {
		for id := range s.subjects[q.Subject] {
			consider(s.grants[id])
		}
	} else {
		for _, g := range s.grants {
			consider(g)
		}
	}
	slices.SortFunc(list, func(a, b Grant) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	list = list[:min(len(list), max(q.Limit, 0))]
	for i := range list {
		list[i].Body = bytes.Clone(list[i].Body)
	}
	return list, nil
}

// Len returns the number of grants and of keys that are held, some of which may have expired.
func (s *MemoryStore) Len() (grants, keys int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.grants), len(s.once)
}

func (s *MemoryStore) put(g Grant) {
	s.grants[g.ID] = g
	ids := s.subjects[g.Subject]
	if ids == nil {
		ids = make(map[GrantID]struct{}, 1)
		s.subjects[g.Subject] = ids
	}
	ids[g.ID] = struct{}{}
}

func (s *MemoryStore) drop(g Grant) {
	delete(s.grants, g.ID)
	ids := s.subjects[g.Subject]
	delete(ids, g.ID)
	if len(ids) == 0 {
		delete(s.subjects, g.Subject)
	}
}

// sweepSome looks at a few entries; a map's iteration starts anywhere.
func (s *MemoryStore) sweepSome(now time.Time) { s.sweep(now, sweepStep) }

// sweepAll drops everything that has expired, if it did not just do so, and then reports whether there is room.
func (s *MemoryStore) sweepAll(now time.Time, room func() bool) bool {
	if since := now.Sub(s.sweptAt); since < 0 || since >= sweepAgain {
		s.sweptAt = now
		s.sweep(now, max(len(s.grants), len(s.once)))
	}
	return room()
}

// sweep looks at up to n grants and n keys.
func (s *MemoryStore) sweep(now time.Time, n int) {
	left := n
	for _, g := range s.grants {
		if left--; left < 0 {
			break
		}
		if !now.Before(g.Expires) {
			s.drop(g)
		}
	}
	left = n
	for key, end := range s.once {
		if left--; left < 0 {
			break
		}
		if !now.Before(end) {
			delete(s.once, key)
		}
	}
}
