package throttle

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"
)

// sum stands for a key in a table: fixed in size whatever a stranger sends, and keyed so that nobody can compute
// another name that falls on it.
type sum [16]byte

// entry is a key's state. What at, n and last mean is the limiter's matter; times are nanoseconds since the limiter was
// made.
type entry struct {
	key     sum
	at      int64
	n, last int32
}

// table is a map of at most max entries. When it is full, a hand goes round it like a clock's and makes room where
// keep allows that.
type table struct {
	mu    sync.Mutex
	index map[sum]int32
	slots []entry
	max   int
	hand  int
	salt  [32]byte
	clock func() time.Time
	base  time.Time
	last  int64
	// keep says what an entry is worth: negative is not for sale, and among the others the lowest goes first.
	keep func(e *entry, now int64) int64
}

const (
	defaultMaxKeys = 1 << 16
	maxMaxKeys     = 1 << 24
	handReach      = 16 // slots that are looked at to make room for one
)

func newTable(maxKeys int, clock func() time.Time, keep func(*entry, int64) int64) (*table, error) {
	if maxKeys < 0 || maxKeys > maxMaxKeys {
		return nil, errors.New("throttle: MaxKeys: use 0 for 65536, or 1 to 16777216")
	}
	if maxKeys == 0 {
		maxKeys = defaultMaxKeys
	}
	if clock == nil {
		clock = time.Now
	}
	t := &table{index: make(map[sum]int32), max: maxKeys, clock: clock, base: clock(), keep: keep}
	_, _ = rand.Read(t.salt[:]) // does not fail: it ends the process where there is no randomness
	return t, nil
}

// hash returns what stands for key in this table.
func (t *table) hash(key string) sum { return hashKey(&t.salt, key) }

func hashKey(salt *[32]byte, key string) sum {
	var buf [128]byte
	b := append(buf[:0], salt[:]...)
	full := sha256.Sum256(append(b, key...))
	return sum(full[:len(sum{})])
}

// now is monotonic: [time.Time.Sub] uses the monotonic reading where there is one, and a clock without one that jumps
// back stands still here. The caller holds t.mu.
func (t *table) now() int64 {
	t.last = max(t.last, int64(t.clock().Sub(t.base)))
	return t.last
}

func (t *table) find(key sum) *entry {
	if i, ok := t.index[key]; ok {
		return &t.slots[i]
	}
	return nil
}

// add returns a fresh entry for a key that is not there, or nil where the table is full of entries that must stay.
func (t *table) add(key sum, now int64) *entry {
	if len(t.slots) < t.max {
		t.slots = append(t.slots, entry{key: key})
		t.index[key] = int32(len(t.slots) - 1) //nolint:gosec // below maxMaxKeys
		return &t.slots[len(t.slots)-1]
	}
	i := t.victim(now)
	if i < 0 {
		return nil
	}
	delete(t.index, t.slots[i].key)
	t.slots[i] = entry{key: key}
	t.index[key] = int32(i) //nolint:gosec // below maxMaxKeys
	return &t.slots[i]
}

func (t *table) victim(now int64) int {
	best, lowest := -1, int64(0)
	for range min(handReach, len(t.slots)) {
		i := t.hand
		t.hand = (t.hand + 1) % len(t.slots)
		worth := t.keep(&t.slots[i], now)
		if worth == 0 {
			return i
		}
		if worth > 0 && (best < 0 || worth < lowest) {
			best, lowest = i, worth
		}
	}
	return best
}
