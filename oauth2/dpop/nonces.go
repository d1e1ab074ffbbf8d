package dpop

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cardea-go/auth/internal/jose"
	"github.com/cardea-go/auth/internal/secret"
)

// Limits and defaults of a [NoncesConfig].
const (
	DefaultNonceLifetime = 5 * time.Minute
	MinNonceLifetime     = 10 * time.Second
	MaxNonceLifetime     = time.Hour
	MinNonceKeyBytes     = 32
	MaxNonceKeys         = 4
)

// A NoncesConfig configures [NewNonces]. The zero value is right for a service of one process. It prints as "[redacted]".
type NoncesConfig struct {
	// Keys are secrets of at least 32 random bytes that every instance shares. The first makes nonces, all of them are
	// accepted; at most 4. Nil is a random key: other instances, and this one after a restart, ask their clients once
	// more.
	Keys [][]byte
	// Lifetime is how long a nonce is accepted at least; at most it is twice that. 0 is 5 min; 10 s to 1 h.
	Lifetime time.Duration
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// Format writes "[redacted]", whatever the verb, since Keys are secret.
func (NoncesConfig) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (NoncesConfig) LogValue() slog.Value { return slog.StringValue(redacted) }

// Nonces makes and knows nonces without storing any: each is a MAC over a span of time. It is safe for concurrent use.
type Nonces struct {
	keys     [][]byte
	lifetime int64 // seconds
	clock    func() time.Time
	now      atomic.Pointer[nonceSpan]
}

// nonceSpan is what one span of time makes and takes.
type nonceSpan struct {
	number   int64
	current  string
	accepted []string
}

// NewNonces returns the nonces that c describes.
func NewNonces(c NoncesConfig) (*Nonces, error) {
	var errs []error
	if len(c.Keys) > MaxNonceKeys {
		errs = append(errs, fmt.Errorf("dpop: NoncesConfig.Keys: %d keys: use at most %d", len(c.Keys), MaxNonceKeys))
	}
	for i, k := range c.Keys {
		if len(k) < MinNonceKeyBytes {
			errs = append(errs, fmt.Errorf("dpop: NoncesConfig.Keys: key %d is %d bytes long: use at least %d random ones", i+1, len(k), MinNonceKeyBytes))
		} else if secret.Empty(k) {
			errs = append(errs, fmt.Errorf("dpop: NoncesConfig.Keys: key %d "+secret.FillIt, i+1))
		}
	}
	if c.Lifetime == 0 {
		c.Lifetime = DefaultNonceLifetime
	}
	if c.Lifetime < MinNonceLifetime || c.Lifetime > MaxNonceLifetime {
		errs = append(errs, fmt.Errorf("dpop: NoncesConfig.Lifetime is %v: use 0 for %v, or %v to %v", c.Lifetime, DefaultNonceLifetime, MinNonceLifetime, MaxNonceLifetime))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	n := &Nonces{lifetime: int64(c.Lifetime / time.Second), clock: c.Clock}
	for _, k := range c.Keys {
		n.keys = append(n.keys, slices.Clone(k))
	}
	if len(n.keys) == 0 {
		key := make([]byte, MinNonceKeyBytes)
		_, _ = rand.Read(key) // never fails: crypto/rand
		n.keys = [][]byte{key}
	}
	if n.clock == nil {
		n.clock = time.Now
	}
	return n, nil
}

// Current returns the nonce to send.
func (n *Nonces) Current() string { return n.span().current }

// Accepts reports whether a nonce is one of ours and fresh.
func (n *Nonces) Accepts(nonce string) bool {
	ok := false
	for _, known := range n.span().accepted {
		ok = equal(known, nonce) || ok
	}
	return ok
}

// span returns that of now. Two goroutines that meet at its end make the same.
func (n *Nonces) span() *nonceSpan {
	number := n.clock().Unix() / n.lifetime
	if s := n.now.Load(); s != nil && s.number == number {
		return s
	}
	s := &nonceSpan{number: number, current: mac(n.keys[0], number)}
	for _, k := range n.keys {
		// The next span's too: another instance's clock may be ahead of ours.
		s.accepted = append(s.accepted, mac(k, number), mac(k, number-1), mac(k, number+1))
	}
	n.now.Store(s)
	return s
}

func mac(key []byte, number int64) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte("cardea dpop nonce "))
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(number)) //nolint:gosec // the bits are what counts
	m.Write(b[:])
	return jose.Encode(m.Sum(nil)[:18])
}

// String returns "[redacted]".
func (n *Nonces) String() string { return redacted }

// GoString returns "[redacted]".
func (n *Nonces) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (n *Nonces) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (n *Nonces) LogValue() slog.Value { return slog.StringValue(redacted) }

const redacted = "[redacted]"
