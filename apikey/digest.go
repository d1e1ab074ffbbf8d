package apikey

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/cardea-go/auth/internal/secret"
)

// A Pepper is a secret that digests are keyed with, so that a stolen table of digests can't even be tested against.
// It is kept apart from the store, and prints as its id.
type Pepper struct {
	// ID is in every digest made with the pepper: 1 to 16 of a-z, A-Z, 0-9, "." and "-".
	ID string
	// Key is 32 to 128 random bytes.
	Key []byte
}

// String returns the id.
func (p Pepper) String() string { return "pepper " + p.ID }

// GoString returns the same as String.
func (p Pepper) GoString() string { return p.String() }

// Format writes the same as String for every verb.
func (p Pepper) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// LogValue returns the same as String.
func (p Pepper) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText returns the same as String.
func (p Pepper) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

const (
	plainDigest = "s1$" // SHA-256
	keyedDigest = "h1$" // HMAC-SHA-256, followed by the pepper's id and "$"
	// digestContext goes before the key into every digest, so that no digest made for another purpose fits.
	digestContext = "apikey/1\x00"
)

// A digester makes and checks digests. A key has so much randomness that one pass of SHA-256 protects it; a password
// hash would only make every request slow (NIST SP 800-63B-4 §3.1.2.2 draws the line at 112 bits).
type digester struct {
	peppers []*pepper // the first makes new digests
	plain   bool      // digests that anybody can compute are accepted
	decoy   hexDigest
}

type pepper struct {
	id   string
	pool sync.Pool // of *keyed; a fresh HMAC costs three times a pooled one
}

// keyed is an HMAC and the room that one computation needs.
type keyed struct {
	mac hash.Hash
	in  [len(digestContext) + maxKeyBytes]byte
	sum [sha256.Size]byte
}

type hexDigest [2 * sha256.Size]byte

func newDigester(peppers []Pepper, allowPlain bool) (*digester, error) {
	var errs []error
	d := &digester{plain: allowPlain || len(peppers) == 0}
	if allowPlain && len(peppers) == 0 {
		errs = append(errs, errors.New("apikey: Config.AllowPlainDigests without Peppers: all digests are plain then: leave it out"))
	}
	for i, p := range peppers {
		if p.ID == "" || len(p.ID) > 16 || strings.Trim(p.ID, alphabet+".-") != "" {
			errs = append(errs, fmt.Errorf("apikey: Config.Peppers[%d].ID %q: use 1 to 16 of a-z, A-Z, 0-9, \".\" and \"-\"", i, p.ID))
		}
		if d.pepper(p.ID) != nil {
			errs = append(errs, fmt.Errorf("apikey: Config.Peppers[%d].ID %q: used twice: a pepper's id names it for ever", i, p.ID))
		}
		if len(p.Key) < 32 || len(p.Key) > 128 {
			errs = append(errs, fmt.Errorf("apikey: Config.Peppers[%d].Key: has %d bytes: use 32 to 128 random ones", i, len(p.Key)))
		} else if secret.Empty(p.Key) {
			errs = append(errs, fmt.Errorf("apikey: Config.Peppers[%d].Key "+secret.FillIt, i))
		}
		d.peppers = append(d.peppers, newPepper(p))
	}
	return d, errors.Join(errs...)
}

func newPepper(p Pepper) *pepper {
	key := append([]byte(nil), p.Key...)
	q := &pepper{id: p.ID}
	q.pool.New = func() any { return &keyed{mac: hmac.New(sha256.New, key)} }
	return q
}

func (d *digester) pepper(id string) *pepper {
	for _, p := range d.peppers {
		if p.id == id {
			return p
		}
	}
	return nil
}

func (d *digester) current() *pepper {
	if len(d.peppers) == 0 {
		return nil
	}
	return d.peppers[0]
}

// digest returns the text to store for a key.
func (d *digester) digest(key string) string {
	p := d.current()
	sum := p.sum(key)
	if p == nil {
		return plainDigest + string(sum[:])
	}
	return keyedDigest + p.id + "$" + string(sum[:])
}

// sum returns the digest's hexadecimal digits; without a pepper, those of the plain digest.
func (p *pepper) sum(key string) (out hexDigest) {
	if p == nil {
		var in [len(digestContext) + maxKeyBytes]byte
		n := copy(in[:], digestContext)
		n += copy(in[n:], key)
		sum := sha256.Sum256(in[:n])
		hex.Encode(out[:], sum[:])
		return out
	}
	k := p.pool.Get().(*keyed) //nolint:forcetypeassert // the pool holds nothing else
	n := copy(k.in[:], digestContext)
	n += copy(k.in[n:], key)
	k.mac.Reset()
	_, _ = k.mac.Write(k.in[:n])
	hex.Encode(out[:], k.mac.Sum(k.sum[:0]))
	clear(k.in[:n])
	p.pool.Put(k)
	return out
}

// verdict is what a stored digest says about a key.
type verdict uint8

const (
	digestUnusable verdict = iota // of no known form, or of a pepper that is gone
	digestMismatch                // of another key
	digestMatch                   // of this key
	digestMatchOld                // of this key, in a form that is to be replaced
)

// check compares in constant time. It computes exactly one digest whatever the stored one is. foreign is what another
// system's digest is made of, for a key of that system's; "" for one of ours.
func (d *digester) check(stored, key, foreign string) verdict {
	if foreign != "" && d.plain && strings.HasPrefix(stored, foreignPrefix) {
		return checkForeign(stored, foreign)
	}
	p, digits, ok := d.parse(stored)
	if !ok {
		d.work(key)
		return digestUnusable
	}
	got := p.sum(key)
	var want hexDigest
	copy(want[:], digits)
	switch {
	case subtle.ConstantTimeCompare(got[:], want[:]) != 1:
		return digestMismatch
	case p != d.current():
		return digestMatchOld
	}
	return digestMatch
}

// work does what check does for a digest that can't match, so that an unknown id takes as long as a wrong secret.
func (d *digester) work(key string) {
	got := d.current().sum(key)
	subtle.ConstantTimeCompare(got[:], d.decoy[:])
}

func (d *digester) parse(stored string) (p *pepper, digits string, ok bool) {
	if rest, found := strings.CutPrefix(stored, plainDigest); found && d.plain {
		digits = rest
	} else if rest, found := strings.CutPrefix(stored, keyedDigest); found {
		var id string
		id, digits, _ = strings.Cut(rest, "$")
		if p = d.pepper(id); p == nil {
			return nil, "", false
		}
	} else {
		return nil, "", false
	}
	return p, digits, len(digits) == len(hexDigest{})
}
