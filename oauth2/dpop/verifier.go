package dpop

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
	"github.com/cardea-go/auth/jwt"
)

// Limits and defaults of a [Config].
const (
	DefaultLifetime = time.Minute
	MaxLifetime     = time.Hour
	DefaultLeeway   = 10 * time.Second
	MaxLeeway       = 5 * time.Minute
	DefaultMaxBytes = 4 << 10
	MaxMaxBytes     = 64 << 10
)

// A Config configures [NewVerifier]. Only Replays is required.
type Config struct {
	// Replays remembers which proofs were used. Every instance of a service must share one. Required.
	Replays ReplayStore
	// Nonces makes and knows the nonces that proofs must carry (RFC 9449 §8, §9). Nil demands none.
	Nonces *Nonces
	// Algorithms are those that proofs may be signed with. Nil is ES256, EdDSA, ES384, ES512 and PS256. HMACs are
	// an error.
	Algorithms []jwt.Algorithm
	// Lifetime is how long after iat a proof is good. 0 is 1 min; at most 1 h.
	Lifetime time.Duration
	// Leeway is how far clocks may differ. 0 is 10 s; at most 5 min.
	Leeway time.Duration
	// MaxBytes limits a proof's length. 0 is 4 KiB; at most 64 KiB.
	MaxBytes int
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// A Verifier checks proofs. It is immutable, but for a bounded memory of keys, and safe for concurrent use.
type Verifier struct {
	c     Config
	algs  jose.Set
	known knownKeys
}

// NewVerifier returns the verifier that c describes.
func NewVerifier(c Config) (*Verifier, error) {
	var errs []error
	if c.Replays == nil {
		errs = append(errs, errors.New("dpop: Config.Replays is nil: set a store that all instances share, or NewMemoryReplays for a single one"))
	}
	if c.Algorithms == nil {
		c.Algorithms = []jwt.Algorithm{jwt.ES256, jwt.EdDSA, jwt.ES384, jwt.ES512, jwt.PS256}
	}
	algs, err := algorithms(c.Algorithms)
	errs = append(errs, err)
	if c.Lifetime < 0 || c.Lifetime > MaxLifetime {
		errs = append(errs, fmt.Errorf("dpop: Config.Lifetime is %v: use 0 for %v, or up to %v", c.Lifetime, DefaultLifetime, MaxLifetime))
	}
	if c.Leeway < 0 || c.Leeway > MaxLeeway {
		errs = append(errs, fmt.Errorf("dpop: Config.Leeway is %v: use 0 for %v, or up to %v", c.Leeway, DefaultLeeway, MaxLeeway))
	}
	if c.MaxBytes < 0 || c.MaxBytes > MaxMaxBytes {
		errs = append(errs, fmt.Errorf("dpop: Config.MaxBytes is %d: use 0 for %d, or up to %d", c.MaxBytes, DefaultMaxBytes, MaxMaxBytes))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Algorithms = slices.Clone(c.Algorithms)
	if c.Lifetime == 0 {
		c.Lifetime = DefaultLifetime
	}
	if c.Leeway == 0 {
		c.Leeway = DefaultLeeway
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Verifier{c: c, algs: algs}, nil
}

func algorithms(names []jwt.Algorithm) (jose.Set, error) {
	var set jose.Set
	var errs []error
	if len(names) == 0 {
		errs = append(errs, errors.New("dpop: Config.Algorithms is empty: leave it nil for the usual ones, or list some"))
	}
	for _, name := range names {
		a, ok := jose.ParseAlg(string(name))
		if !ok || a.Symmetric() { // RFC 9449 §4.2: "MUST NOT be none or an identifier for a symmetric algorithm"
			errs = append(errs, fmt.Errorf("dpop: Config.Algorithms: %q: use EdDSA, or an ES, PS or RS algorithm", name))
			continue
		}
		set = set.Add(a)
	}
	return set, errors.Join(errs...)
}

// Algorithms returns those that proofs may be signed with, in order.
func (v *Verifier) Algorithms() []jwt.Algorithm { return slices.Clone(v.c.Algorithms) }

// Nonce returns the nonce that the next proof should carry, for the DPoP-Nonce header of a refusal; "" where none is
// demanded.
func (v *Verifier) Nonce() string {
	if v.c.Nonces == nil {
		return ""
	}
	return v.c.Nonces.Current()
}

// A Request is what a proof must be about.
type Request struct {
	// Method is the request's HTTP method.
	Method string
	// URL is the absolute URL that the client sent the request to, as the client sees it. Query and fragment do not
	// count. Take it from configuration: who guesses it from the Host header lets the client choose.
	URL string
	// AccessToken is the token that came with the proof, whose hash must be in ath. "" asks for no ath: at a token
	// endpoint there is no access token yet. It is left out wherever a Request is printed, logged or written as JSON.
	AccessToken string `json:"-"`
	// Thumbprint is that of the key which the access token, refresh token or code is bound to (jkt). "" takes any key.
	Thumbprint string
}

// Format prints method and URL, under every verb.
func (r Request) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "request(%q, %q)", r.Method, r.URL)
}

// LogValue returns method and URL.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("method", r.Method), slog.String("url", r.URL))
}

// A Proof is one that was verified and used up.
type Proof struct {
	// Thumbprint is the RFC 7638 thumbprint of the key that signed it: the jkt to bind a token to.
	Thumbprint string
	// ID is jti, IssuedAt is iat.
	ID       string
	IssuedAt time.Time
	// NextNonce is to be sent in DPoP-Nonce with the answer; "" where the client knows the newest, or needs none.
	NextNonce string
}

// Verify checks a proof by RFC 9449 §4.3 and uses it up. It returns a proof if and only if the error is nil; the error is
// an [*auth.Error] that wraps one of this package's errors, or has [auth.KindUnavailable] where the replay store or the
// context do not let it decide.
//
// Nothing is remembered before everything else was found right, so that nobody but the key's holder can fill the store.
func (v *Verifier) Verify(ctx context.Context, proof string, r Request) (*Proof, error) {
	key, claims, err := v.open(proof)
	if err != nil {
		return nil, refuse(err)
	}
	if err := v.check(claims, key.thumbprint, r); err != nil {
		return nil, refuse(err)
	}
	if err := ctx.Err(); err != nil {
		return nil, auth.Unavailable(err)
	}
	// An instance whose clock is behind takes the proof for that much longer.
	until := time.Unix(claims.issued, 0).Add(v.c.Lifetime + 2*v.c.Leeway)
	first, err := v.c.Replays.Once(ctx, replayKey(key.thumbprint, claims.url, claims.id), until)
	switch {
	case err != nil:
		return nil, auth.Unavailable(err)
	case !first:
		return nil, refuse(ErrReplay)
	}
	v.known.add(key)
	p := &Proof{Thumbprint: key.thumbprint, ID: claims.id, IssuedAt: time.Unix(claims.issued, 0).UTC()}
	if next := v.Nonce(); next != claims.nonce {
		p.NextNonce = next
	}
	return p, nil
}

// check compares what the proof says with the request.
func (v *Verifier) check(c *claims, thumbprint string, r Request) error {
	switch {
	case c.method != r.Method:
		return ErrMethod
	case !sameTarget(c.url, r.URL):
		return ErrURL
	case r.AccessToken != "" && !equal(c.tokenHash, Hash(r.AccessToken)):
		return ErrToken
	case r.Thumbprint != "" && !equal(thumbprint, r.Thumbprint):
		return ErrThumbprint
	case v.c.Nonces != nil && !v.c.Nonces.Accepts(c.nonce):
		return ErrNonce
	}
	now, issued := v.c.Clock(), time.Unix(c.issued, 0)
	if now.Add(v.c.Leeway).Before(issued) || !now.Before(issued.Add(v.c.Lifetime+v.c.Leeway)) {
		return ErrTime
	}
	return nil
}

// Hash returns what ath must be for an access token: its SHA-256 as base64url text (RFC 9449 §4.2).
func Hash(accessToken string) string {
	sum := sha256.Sum256([]byte(accessToken))
	return jose.Encode(sum[:])
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
