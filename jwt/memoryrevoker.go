package jwt

import (
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
	entries map[revocation]revocationEntry
	sweepAt int // sweep when there are that many
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
	before time.Time // for a subject: tokens issued before
	until  time.Time // when the entry may be forgotten
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
	return &MemoryRevoker{max: c.MaxEntries, clock: c.Clock, entries: make(map[revocation]revocationEntry)}, nil
}

// RevokeToken revokes the token of that jti, which expires at expiresAt.
func (m *MemoryRevoker) RevokeToken(issuer, id string, expiresAt time.Time) error {
	return m.add(revocation{revokedToken, issuer, id}, revocationEntry{until: expiresAt.Add(MaxLeeway)})
}

// RevokeSession revokes every token of the session, the last of which expires at expiresAt.
func (m *MemoryRevoker) RevokeSession(issuer, session string, expiresAt time.Time) error {
	return m.add(revocation{revokedSession, issuer, session}, revocationEntry{until: expiresAt.Add(MaxLeeway)})
}

// RevokeSubject revokes every token of the subject that was issued before the time given, as after a change of password.
// lifetime is the longest that a token of the issuer lives. iat has whole seconds: a token of the second in which before
// falls is revoked where it may have been issued earlier, so log in again a second later.
func (m *MemoryRevoker) RevokeSubject(issuer, subject string, before time.Time, lifetime time.Duration) error {
	return m.add(revocation{revokedSubject, issuer, subject}, revocationEntry{before: before, until: before.Add(lifetime + MaxLeeway)})
}

var errRevokeNothing = errors.New("jwt: revoker: an empty issuer or name revokes nothing: give both")

func (m *MemoryRevoker) add(r revocation, e revocationEntry) error {
	if r.issuer == "" || r.name == "" {
		return errRevokeNothing
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, known := m.entries[r]
	if !known && len(m.entries) >= max(m.sweepAt, 64) || len(m.entries) >= m.max {
		m.sweep()
	}
	if !known && len(m.entries) >= m.max {
		return ErrRevokerFull
	}
	if old.before.After(e.before) { // a revocation is never taken back in part
		e.before = old.before
	}
	if old.until.After(e.until) {
		e.until = old.until
	}
	m.entries[r] = e
	return nil
}

// sweep forgets what has had its time. It is called again when there are twice as many entries as it left, so that its
// cost is spread over them.
func (m *MemoryRevoker) sweep() {
	now := m.clock()
	for r, e := range m.entries {
		if !now.Before(e.until) {
			delete(m.entries, r)
		}
	}
	m.sweepAt = min(2*len(m.entries), m.max)
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
