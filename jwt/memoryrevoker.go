package jwt

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Limits of a [MemoryRevokerConfig].
const (
	DefaultRevocations = 100_000
	MaxRevocations     = 10_000_000
)

// ErrRevokerFull is what a [MemoryRevoker] returns where it has no room: nothing was revoked. It never forgets an entry
// to make room for another, since that would let a revoked token back in.
var ErrRevokerFull = errors.New("jwt: revoker: full")

// A MemoryRevokerConfig configures [NewMemoryRevoker]. The zero value is the usual choice.
type MemoryRevokerConfig struct {
	// MaxEntries limits the revocations that are kept at a time. 0 is 100,000; at most 10 million.
	MaxEntries int
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// A MemoryRevoker is a [Revoker] for one process. It knows tokens by jti, sessions by sid, and subjects by a time before
// which their tokens were issued, each for one issuer. It forgets an entry when the last token that it could concern has
// expired. It is safe for concurrent use.
type MemoryRevoker struct {
	max   int
	clock func() time.Time

	mu      sync.RWMutex
	entries map[revocation]*revocationEntry
	queue   revocationQueue
}

type revocationKind uint8

const (
	revokedToken revocationKind = iota
	revokedSession
	revokedSubject
)

// revocation names what is revoked. Its parts are apart, so that no two can be made to look alike.
type revocation struct {
	kind         revocationKind
	issuer, name string
}

type revocationEntry struct {
	revocation
	before time.Time // for a subject: tokens issued before
	until  time.Time // when the entry may be forgotten
	place  int       // in the queue
}

// revocationQueue is a [container/heap] of entries, the one to be forgotten first at its head.
type revocationQueue []*revocationEntry //nolint:recvcheck // as container/heap wants it

func (q revocationQueue) Len() int           { return len(q) }
func (q revocationQueue) Less(i, j int) bool { return q[i].until.Before(q[j].until) }
func (q revocationQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *revocationQueue) Push(e any) {
	entry, _ := e.(*revocationEntry)
	entry.place = len(*q)
	*q = append(*q, entry)
}

func (q *revocationQueue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}

// NewMemoryRevoker returns the revoker that c describes.
func NewMemoryRevoker(c MemoryRevokerConfig) (*MemoryRevoker, error) {
	if c.MaxEntries < 0 || c.MaxEntries > MaxRevocations {
		return nil, fmt.Errorf("jwt: MemoryRevokerConfig.MaxEntries is %d: use 0 for %d, or up to %d", c.MaxEntries, DefaultRevocations, MaxRevocations)
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = DefaultRevocations
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &MemoryRevoker{max: c.MaxEntries, clock: c.Clock, entries: make(map[revocation]*revocationEntry)}, nil
}

// RevokeToken revokes the token of that jti, which expires at expiresAt. The zero time is that of a token without exp: its
// revocation is never forgotten.
func (m *MemoryRevoker) RevokeToken(issuer, id string, expiresAt time.Time) error {
	return m.add(revocation{revokedToken, issuer, id}, time.Time{}, keepUntil(expiresAt))
}

// RevokeSession revokes every token of the session, the last of which expires at expiresAt. The zero time is that of
// tokens without exp: their revocation is never forgotten.
func (m *MemoryRevoker) RevokeSession(issuer, session string, expiresAt time.Time) error {
	return m.add(revocation{revokedSession, issuer, session}, time.Time{}, keepUntil(expiresAt))
}

// RevokeSubject revokes every token of the subject that was issued before the time given, as after a change of password.
// lifetime is the longest that a token of the issuer lives, and must be positive. iat has whole seconds: a token of the
// second in which before falls is revoked where it may have been issued earlier, so log in again a second later.
func (m *MemoryRevoker) RevokeSubject(issuer, subject string, before time.Time, lifetime time.Duration) error {
	if lifetime <= 0 {
		return errRevokeLifetime
	}
	return m.add(revocation{revokedSubject, issuer, subject}, before, before.Add(lifetime).Add(MaxLeeway))
}

// keepUntil returns when the revocation of what expires at the time given may be forgotten.
func keepUntil(expiresAt time.Time) time.Time {
	if expiresAt.IsZero() {
		return time.Unix(1<<60, 0)
	}
	return expiresAt.Add(MaxLeeway)
}

var (
	errRevokeNothing  = errors.New("jwt: revoker: an empty issuer or name revokes nothing: give both")
	errRevokeLifetime = errors.New("jwt: revoker: a lifetime that is not positive revokes nothing: give the longest of the issuer's tokens")
)

// forgetAtOnce limits how many entries are forgotten beside a new one, so that no verification waits for a sweep.
const forgetAtOnce = 128

func (m *MemoryRevoker) add(r revocation, before, until time.Time) error {
	if r.issuer == "" || r.name == "" {
		return errRevokeNothing
	}
	now := m.clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := 0; n < forgetAtOnce && len(m.queue) > 0 && !now.Before(m.queue[0].until); n++ {
		delete(m.entries, m.queue[0].revocation)
		heap.Pop(&m.queue)
	}
	if e, known := m.entries[r]; known { // a revocation is never taken back in part
		if before.After(e.before) {
			e.before = before
		}
		if until.After(e.until) {
			e.until = until
			heap.Fix(&m.queue, e.place)
		}
		return nil
	}
	if len(m.entries) >= m.max {
		return ErrRevokerFull
	}
	e := &revocationEntry{revocation: r, before: before, until: until}
	m.entries[r] = e
	heap.Push(&m.queue, e)
	return nil
}

// Len returns how many revocations are kept.
func (m *MemoryRevoker) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.entries)
}

// Revoked implements [Revoker].
func (m *MemoryRevoker) Revoked(_ context.Context, c *Claims) (bool, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if len(m.entries) == 0 {
		return false, nil
	}
	if _, ok := m.entries[revocation{revokedToken, c.issuer, c.id}]; ok && c.id != "" {
		return true, nil
	}
	if _, ok := m.entries[revocation{revokedSession, c.issuer, c.session}]; ok && c.session != "" {
		return true, nil
	}
	e, ok := m.entries[revocation{revokedSubject, c.issuer, c.subject}]
	return ok && c.IssuedAt().Before(e.before), nil
}
