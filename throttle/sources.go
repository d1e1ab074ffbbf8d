package throttle

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"time"
)

// PrefixKey returns the key of the network that a client address stands for: the address itself for IPv4, and the /64
// for IPv6, which is the least that one subscriber gets. Addresses that are not valid share one key.
func PrefixKey(a netip.Addr) string { return prefixOf(a, 64).String() }

// SiteKey returns the key of the /48 around an IPv6 address, which one customer may hold as a whole, and of the address
// itself for IPv4.
func SiteKey(a netip.Addr) string { return prefixOf(a, 48).String() }

func prefixOf(a netip.Addr, bits int) netip.Prefix {
	a = a.WithZone("").Unmap()
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // the zero Prefix where a is not valid
	return p
}

// A SourcesConfig configures [NewSources]. The zero value limits failures as recommended.
type SourcesConfig struct {
	// Prefix limits failures from an IPv4 address or an IPv6 /64, across processes, with [PrefixKey]s.
	// This process's own limit (20 at once, one more each 6 s) holds beside it, and alone where it fails.
	// Nil is the local limit only.
	Prefix Limiter
	// Site is the same for an IPv6 /48 with [SiteKey]s. The local limit is 80, one more each 1.5 s.
	Site Limiter
	// LocalPrefix and LocalSite replace the local limits. Nil is as above.
	LocalPrefix, LocalSite *Bucket
	// Timeout and OnError are those of [FallbackConfig].
	Timeout time.Duration
	OnError func(error)
	// MaxKeys limits the networks that each local limit remembers. 0 is 65536; the maximum is 16777216.
	MaxKeys int
	// Clock tells the time. Nil is [time.Now].
	Clock func() time.Time
}

// Sources limits failed attempts by where they come from: IPv4 /32, IPv6 /64 and, around it, /48. It suits whatever a
// stranger can guess at: passwords, unknown API keys. It is safe for concurrent use.
type Sources struct{ prefix, site policy }

// The local limits. Twenty failures at once let a mistyping office in; one each six seconds is 14400 guesses a day. A
// /48 may be one customer with 65536 networks, or a small provider: it gets four times as much.
const (
	prefixBurst = 20
	prefixEvery = 6 * time.Second
	siteBurst   = 80
	siteEvery   = 1500 * time.Millisecond
)

// NewSources returns the limiter that c describes.
func NewSources(c SourcesConfig) (*Sources, error) {
	var errs []error
	build := func(shared Limiter, local *Bucket, burst int, every time.Duration) policy {
		if local == nil {
			var err error
			local, err = NewBucket(BucketConfig{Burst: burst, Every: every, MaxKeys: c.MaxKeys, Clock: c.Clock})
			errs = append(errs, err)
		}
		p, err := newPolicy(shared, local, FallbackConfig{Timeout: c.Timeout, OnError: c.OnError, Clock: c.Clock})
		errs = append(errs, err)
		return p
	}
	s := &Sources{
		prefix: build(c.Prefix, c.LocalPrefix, prefixBurst, prefixEvery),
		site:   build(c.Site, c.LocalSite, siteBurst, siteEvery),
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return s, nil
}

// Reserve charges one attempt to the networks of a. Where it is not allowed, nothing is charged. An address that is not
// valid shares its budget with all others like it.
func (s *Sources) Reserve(ctx context.Context, a netip.Addr) Decision {
	near, far := sourceKeys(a)
	d := s.prefix.reserve(ctx, near)
	if !d.Allowed || !isWide(a) {
		return d
	}
	if wide := s.site.reserve(ctx, far); !wide.Allowed {
		s.prefix.refund(ctx, near, 1)
		return wide
	}
	return d
}

// Refund gives one attempt back: it was no failure.
func (s *Sources) Refund(ctx context.Context, a netip.Addr) {
	near, far := sourceKeys(a)
	s.prefix.refund(ctx, near, 1)
	if isWide(a) {
		s.site.refund(ctx, far, 1)
	}
}

// Peek reports what Reserve would answer from what this process knows, and charges nothing.
func (s *Sources) Peek(a netip.Addr) Decision {
	near, far := sourceKeys(a)
	d := s.prefix.peek(near)
	if !d.Allowed || !isWide(a) {
		return d
	}
	return s.site.peek(far)
}

func isWide(a netip.Addr) bool { return a.Is6() && !a.Is4In6() }

// policyKey is a key in both forms: for the table in this process, and for a limiter that processes share.
type policyKey struct {
	local  sum
	shared netip.Prefix // for networks
	secret bool         // local is a MAC, to be written in hex
}

func (k policyKey) String() string {
	if k.secret {
		return hex.EncodeToString(k.local[:])
	}
	return k.shared.String()
}

// sourceKeys: an address prefix is its own 16-byte key, for it holds no secret and no text of a stranger's.
func sourceKeys(a netip.Addr) (near, far policyKey) {
	n, f := prefixOf(a, 64), prefixOf(a, 48)
	return policyKey{local: prefixSum(n), shared: n}, policyKey{local: prefixSum(f), shared: f}
}

func prefixSum(p netip.Prefix) sum {
	if !p.IsValid() {
		return sum{}
	}
	return p.Addr().As16()
}

// inMemory is what the limiters of this package have beside [Limiter].
type inMemory interface {
	reserve(key sum, cost int) Decision
	refund(key sum, cost int)
	peek(key sum) Decision
}

// policy is one limit: in this process, and across processes where there is a shared limiter. It is a [Fallback] whose
// local keys are ready-made.
type policy struct {
	local    inMemory
	fallback *Fallback
}

func newPolicy(shared Limiter, local inMemory, c FallbackConfig) (policy, error) {
	p := policy{local: local}
	if shared == nil {
		return p, nil
	}
	var err error
	c.Primary, c.Local = shared, blank{}
	p.fallback, err = NewFallback(c)
	return p, err
}

// blank is the local limiter of a policy's Fallback: the policy has asked its own before.
type blank struct{}

func (blank) Reserve(context.Context, string, int) (Decision, error) {
	return Decision{Allowed: true}, nil
}
func (blank) Refund(context.Context, string, int) error { return nil }

func (p policy) reserve(ctx context.Context, k policyKey) Decision {
	d := p.local.reserve(k.local, 1)
	if !d.Allowed || p.fallback == nil {
		return d
	}
	shared, err := p.fallback.Reserve(ctx, k.String(), 1)
	if err != nil || shared.Allowed {
		return d
	}
	p.local.refund(k.local, 1)
	return shared
}

func (p policy) refund(ctx context.Context, k policyKey, cost int) {
	p.local.refund(k.local, cost)
	if p.fallback != nil {
		_ = p.fallback.Refund(context.WithoutCancel(ctx), k.String(), cost) // OnError has been told
	}
}

func (p policy) peek(k policyKey) Decision { return p.local.peek(k.local) }
