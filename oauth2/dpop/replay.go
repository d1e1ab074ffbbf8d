package dpop

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cardea-go/auth/internal/jose"
)

// A ReplayStore remembers keys that may be used once.
//
// Once reports whether key is used for the first time, and remembers it until the time given. Asking and remembering are
// one step: of any number of calls with one key, in all processes that share the store, exactly one gets true, until that
// time has passed. An error means that this is not known; the proof is then refused as unavailable. A store that has no
// room returns an error: it must not forget a key before its time to make room for another. Keys are 48 printable ASCII
// characters. Once must be safe for concurrent use. The kit in package authtest checks an implementation.
type ReplayStore interface {
	Once(ctx context.Context, key string, until time.Time) (first bool, err error)
}

// replayKey names a proof: RFC 9449 §11.1 wants jti remembered "in the context of the target URI", and with the key's
// thumbprint in it, nobody can use up the identifiers of somebody else. Its parts are kept apart by their lengths.
func replayKey(thumbprint, url, id string) string {
	b := make([]byte, 0, 256)
	for _, part := range [...]string{thumbprint, url, id} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) //nolint:gosec // limited in scan
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	return "dpop:" + jose.Encode(sum[:])
}

// Limits of a [MemoryReplaysConfig].
const (
	DefaultReplays = 200_000
	MaxReplays     = 10_000_000
)

// ErrReplaysFull is what a [MemoryReplays] returns where it has no room.
var ErrReplaysFull = errors.New("dpop: replay store: full")

// A MemoryReplaysConfig configures [NewMemoryReplays]. The zero value is the usual choice.
type MemoryReplaysConfig struct {
	// MaxEntries limits the keys that are kept at a time: about as many as proofs come in a minute. 0 is 200,000, some
	// 30 MB; at most 10 million. Where it is reached, proofs are refused as unavailable.
	MaxEntries int
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// MemoryReplays is a [ReplayStore] for one process. It is safe for concurrent use.
type MemoryReplays struct {
	max   int
	clock func() time.Time

	mu      sync.Mutex
	until   map[string]time.Time
	seconds map[int64][]string // keys by the second in which they end
	swept   int64
}

// NewMemoryReplays returns the store that c describes.
func NewMemoryReplays(c MemoryReplaysConfig) (*MemoryReplays, error) {
	if c.MaxEntries < 0 || c.MaxEntries > MaxReplays {
		return nil, fmt.Errorf("dpop: MemoryReplaysConfig.MaxEntries is %d: use 0 for %d, or up to %d", c.MaxEntries, DefaultReplays, MaxReplays)
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = DefaultReplays
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &MemoryReplays{max: c.MaxEntries, clock: c.Clock, until: make(map[string]time.Time), seconds: make(map[int64][]string)}, nil
}

// Once implements [ReplayStore].
func (m *MemoryReplays) Once(ctx context.Context, key string, until time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	now := m.clock()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now)
	if end, used := m.until[key]; used && now.Before(end) {
		return false, nil
	} else if !used && len(m.until) >= m.max {
		return false, ErrReplaysFull
	}
	m.until[key] = until
	m.seconds[until.Unix()] = append(m.seconds[until.Unix()], key)
	return true, nil
}

// sweep forgets what has had its time, at most once a second and one second's keys at once: nobody can make it go
// through all of them.
func (m *MemoryReplays) sweep(now time.Time) {
	second := now.Unix()
	if second <= m.swept {
		return
	}
	m.swept = second
	for s, keys := range m.seconds {
		if s >= second {
			continue
		}
		for _, key := range keys {
			if m.until[key].Unix() == s { // not one that was used again since
				delete(m.until, key)
			}
		}
		delete(m.seconds, s)
	}
}

// Len returns how many keys are kept.
func (m *MemoryReplays) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.until)
}
