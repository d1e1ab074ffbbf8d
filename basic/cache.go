package basic

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
	"time"
)

// CacheConfig turns the cache of verified passwords on. It remembers that one comparison of a password with one stored
// hash was true, and nothing else: the user is read from the store on every request, so that a disabled user, a role
// and a changed password act at once. Failures are never remembered.
type CacheConfig struct {
	// Enable turns it on.
	Enable bool
	// TTL is how long a comparison is remembered, from when it was made. 0 is 5 min; the maximum is 1 h.
	TTL time.Duration
	// MaxEntries limits how many. 0 is 10000; the maximum is 1000000.
	MaxEntries int
}

const (
	defaultTTL        = 5 * time.Minute
	maxTTL            = time.Hour
	defaultMaxEntries = 10_000
	maxMaxEntries     = 1_000_000
	cacheShards       = 16
)

// proof stands for "this password has this stored hash, for this user in this realm".
type proof [sha256.Size]byte

// prover makes proofs under a key that lives as long as the process.
type prover struct{ pool sync.Pool }

// proverState is one caller's at a time. buf is overwritten before it goes back.
type proverState struct {
	mac hash.Hash
	buf []byte
	sum []byte
}

func newProver() *prover {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // does not fail: it ends the process where there is no randomness
	return &prover{pool: sync.Pool{New: func() any { return &proverState{mac: hmac.New(sha256.New, key)} }}}
}

// prove returns the MAC of the parts, each with its length before it, so that no two lists of parts are written the
// same.
func (p *prover) prove(parts ...string) proof {
	s := p.pool.Get().(*proverState) //nolint:forcetypeassert // the pool holds nothing else
	for _, part := range parts {
		s.buf = binary.BigEndian.AppendUint64(s.buf, uint64(len(part)))
		s.buf = append(s.buf, part...)
	}
	s.mac.Write(s.buf)
	s.sum = s.mac.Sum(s.sum[:0])
	out := proof(s.sum)
	clear(s.buf[:cap(s.buf)])
	s.buf = s.buf[:0]
	s.mac.Reset()
	p.pool.Put(s)
	return out
}

// cache is a set of proofs that end.
type cache struct {
	ttl    time.Duration
	each   int // entries a shard
	clock  func() time.Time
	base   time.Time
	shards [cacheShards]shard
}

type shard struct {
	mu   sync.Mutex
	ends map[proof]time.Duration // since base
}

func newCache(c CacheConfig, clock func() time.Time) *cache {
	if !c.Enable {
		return nil
	}
	if c.TTL == 0 {
		c.TTL = defaultTTL
	}
	if c.MaxEntries == 0 {
		c.MaxEntries = defaultMaxEntries
	}
	k := &cache{ttl: c.TTL, each: max(1, c.MaxEntries/cacheShards), clock: clock, base: clock()}
	k.purge()
	return k
}

func (k *cache) purge() {
	if k == nil {
		return
	}
	for i := range k.shards {
		s := &k.shards[i]
		s.mu.Lock()
		s.ends = make(map[proof]time.Duration)
		s.mu.Unlock()
	}
}

// now is monotonic where the clock is.
func (k *cache) now() time.Duration { return k.clock().Sub(k.base) }

func (k *cache) has(p proof) bool {
	if k == nil {
		return false
	}
	s := &k.shards[p[0]%cacheShards]
	now := k.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok := s.ends[p]
	if ok && (now >= end || now < end-k.ttl) { // over, or the clock jumped back to before it began
		delete(s.ends, p)
		return false
	}
	return ok
}

// add remembers p. Only right passwords come here, so that a flood of wrong ones pushes nothing out.
func (k *cache) add(p proof) {
	if k == nil {
		return
	}
	s := &k.shards[p[0]%cacheShards]
	now := k.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ends) >= k.each {
		s.shrink(now, k.each)
	}
	s.ends[p] = now + k.ttl
}

// shrink drops what is over, and then any until there is room for one.
func (s *shard) shrink(now time.Duration, each int) {
	for p, end := range s.ends {
		if now >= end {
			delete(s.ends, p)
		}
	}
	for p := range s.ends {
		if len(s.ends) < each {
			return
		}
		delete(s.ends, p)
	}
}
