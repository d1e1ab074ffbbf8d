package jwt

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cardea-go/auth/internal/jose"
	"github.com/cardea-go/auth/internal/secret"
)

// A RingStore persists one [KeyRing]: one value, sealed, with a version that counts its changes.
//
// Load returns the value and its version; a store that holds none returns version 0. Save replaces the value if its
// version is still the one given, which 0 means that there is none, and makes the version one more; otherwise it changes
// nothing and returns [ErrConflict]. Save must be atomic, also between processes. Both must be safe for concurrent use.
// What is sealed is bound to its version: a value that moves to another store takes its version along.
// Package authtest has a suite for implementations; the module store/sqlstore has one on a database.
type RingStore interface {
	Load(ctx context.Context) (sealed []byte, version uint64, err error)
	Save(ctx context.Context, sealed []byte, version uint64) error
}

// ErrConflict is what [RingStore.Save] returns where the version is another one.
var ErrConflict = errors.New("jwt: key ring: stored version is another one")

// A MemoryRingStore is a [RingStore] in memory, for tests. The zero value is empty and ready for use.
type MemoryRingStore struct {
	mu      sync.Mutex
	sealed  []byte
	version uint64
}

// Load implements [RingStore].
func (s *MemoryRingStore) Load(context.Context) ([]byte, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sealed), s.version, nil
}

// Save implements [RingStore].
func (s *MemoryRingStore) Save(_ context.Context, sealed []byte, version uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if version != s.version {
		return ErrConflict
	}
	s.sealed = slices.Clone(sealed)
	s.version++
	return nil
}

// maintain reads the store and does what is due. The caller holds the lock.
func (r *KeyRing) maintain(ctx context.Context) error {
	return r.update(ctx, func(s *ringState, now time.Time) (changed bool, err error) {
		changed = r.prune(s, now, r.c.Period)
		switch last := len(s.keys) - 1; {
		case last < 0:
			return true, r.addKey(ctx, s, now, now)
		case !now.Before(s.keys[last].active.Add(r.c.Period - r.c.PublishAhead)):
			// Late, after a pause, it is still published ahead: its predecessor signs longer instead.
			active := s.keys[last].active.Add(r.c.Period)
			if earliest := now.Add(r.c.PublishAhead); earliest.After(active) {
				active = earliest
			}
			return true, r.addKey(ctx, s, now, active)
		}
		return changed, nil
	})
}

// removable is when the oldest key, which has a successor, may leave the store.
func (r *KeyRing) removable(s *ringState, grace time.Duration) time.Time {
	return s.keys[1].active.Add(r.c.KeepAfter + grace)
}

// prune removes the keys that have had their time and grace. They are not trusted during the grace either: it keeps one
// process, whose clock is ahead, from taking the key that the others sign with.
func (r *KeyRing) prune(s *ringState, now time.Time, grace time.Duration) (changed bool) {
	for len(s.keys) > 1 && !now.Before(r.removable(s, grace)) {
		s.keys, changed = s.keys[1:], true
	}
	return changed
}

// change applies what a user asks for.
func (r *KeyRing) change(ctx context.Context, f func(s *ringState, now time.Time) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.update(ctx, func(s *ringState, now time.Time) (bool, error) { return true, f(s, now) })
}

// update applies f to the newest state and saves it, again where another process was faster.
func (r *KeyRing) update(ctx context.Context, f func(s *ringState, now time.Time) (changed bool, err error)) error {
	var err error
	for range 5 {
		if err = r.tryUpdate(ctx, f); !errors.Is(err, ErrConflict) {
			break
		}
	}
	if err != nil {
		r.backOff()
	}
	return err
}

func (r *KeyRing) tryUpdate(ctx context.Context, f func(s *ringState, now time.Time) (bool, error)) error {
	s, err := r.load(ctx)
	if err != nil {
		return err
	}
	now := r.c.Clock()
	if old := r.state.Load(); len(s.keys) > 0 && (old == nil || old.version != s.version) {
		// What other processes did counts also where we fail below: they may have removed a key.
		r.state.Store(&ringState{keys: slices.Clone(s.keys), version: s.version, dueAt: r.due(s, now)})
	}
	changed, err := f(s, now)
	if err != nil {
		return err
	}
	if changed && r.c.Store != nil {
		if err := r.save(ctx, s); err != nil {
			return err
		}
	}
	s.dueAt = r.due(s, now)
	r.state.Store(s)
	return nil
}

// due returns when there is something to do next.
func (r *KeyRing) due(s *ringState, now time.Time) time.Time {
	due := s.keys[len(s.keys)-1].active.Add(r.c.Period - r.c.PublishAhead)
	if len(s.keys) > 1 {
		if remove := r.removable(s, r.c.Period); remove.Before(due) {
			due = remove
		}
	}
	if reload := now.Add(ringReload); r.c.Store != nil && reload.Before(due) {
		due = reload
	}
	return due
}

// storedRing is a ring in JSON, before it is sealed.
type storedRing struct {
	Keys []storedKey `json:"keys"`
}

type storedKey struct {
	Algorithm Algorithm `json:"alg"`
	Published time.Time `json:"published"`
	Active    time.Time `json:"active"`
	Key       []byte    `json:"key"`
}

// load returns a new state of what the store holds. Keys that we have already are not decoded again.
func (r *KeyRing) load(ctx context.Context) (*ringState, error) {
	old := r.state.Load()
	s := &ringState{}
	if r.c.Store == nil {
		if old != nil {
			s.keys = slices.Clone(old.keys)
		}
		return s, nil
	}
	sealed, version, err := r.c.Store.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("jwt: key ring: loading: %w", err)
	}
	s.version = version
	if old != nil && version < old.version {
		return nil, fmt.Errorf("jwt: key ring: the store holds version %d, and held %d before: restore it, or start again to trust what it holds", version, old.version)
	}
	if old != nil && version == old.version {
		s.keys = slices.Clone(old.keys)
		return s, nil
	}
	if version == 0 {
		return s, nil
	}
	text, err := r.box.open(sealed, version)
	if err != nil {
		return nil, err
	}
	var stored storedRing
	if err := json.Unmarshal(text, &stored); err != nil || len(stored.Keys) == 0 {
		return nil, errors.New("jwt: key ring: what is stored is no key ring")
	}
	var public []*PublicKey
	for _, k := range stored.Keys {
		key, err := r.c.Decode(ctx, k.Key)
		if err != nil {
			return nil, fmt.Errorf("jwt: key ring: decoding a key: %w", err)
		}
		signing, err := NewSigningKey("", k.Algorithm, key)
		if err != nil {
			return nil, fmt.Errorf("jwt: key ring: %w", err)
		}
		s.keys = append(s.keys, ringEntry{signing, k.Published, k.Active})
		public = append(public, signing.public)
	}
	if _, err := NewKeySet(public...); err != nil {
		return nil, err
	}
	return s, nil
}

func (r *KeyRing) save(ctx context.Context, s *ringState) error {
	var stored storedRing
	for _, e := range s.keys {
		encoded, err := r.c.Encode(e.key.s.Private())
		if err != nil {
			return fmt.Errorf("jwt: key ring: encoding a key: %w", err)
		}
		stored.Keys = append(stored.Keys, storedKey{e.key.public.Algorithm(), e.published, e.active, encoded})
	}
	text, err := json.Marshal(stored)
	if err != nil {
		return fmt.Errorf("jwt: key ring: %w", err)
	}
	if err := r.c.Store.Save(ctx, r.box.seal(text, s.version+1), s.version); err != nil {
		return fmt.Errorf("jwt: key ring: saving: %w", err)
	}
	s.version++
	return nil
}

const ringKeyLabel = "cardea-go/auth/jwt key ring 1, sealing key"

// A ringBox seals with AES-256-GCM.
type ringBox struct{ aeads []cipher.AEAD }

// ringLabel is authenticated with the state, so that nothing else that the same secret sealed can be taken for one, and no
// earlier state for a later one.
func ringLabel(version uint64) []byte {
	return fmt.Appendf(nil, "cardea-go/auth/jwt key ring 1, version %d", version)
}

func newRingBox(secrets [][]byte) (*ringBox, error) {
	b := &ringBox{}
	for i, key := range secrets {
		if len(key) != 32 {
			return nil, fmt.Errorf("jwt: KeyRingConfig.Secrets: secret %d has %d bytes: use 32 random ones", i, len(key))
		}
		if secret.Empty(key) {
			return nil, fmt.Errorf("jwt: KeyRingConfig.Secrets: secret %d "+secret.FillIt, i)
		}
		h := hmac.New(sha256.New, key) // a key of its own: the program may use the secret elsewhere
		h.Write([]byte(ringKeyLabel))
		block, err := aes.NewCipher(h.Sum(nil))
		if err != nil {
			return nil, fmt.Errorf("jwt: KeyRingConfig.Secrets: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("jwt: KeyRingConfig.Secrets: %w", err)
		}
		b.aeads = append(b.aeads, aead)
	}
	return b, nil
}

func (b *ringBox) seal(text []byte, version uint64) []byte {
	return b.aeads[0].Seal(nil, nil, text, ringLabel(version)) //nolint:gosec // NewGCMWithRandomNonce makes the nonce itself
}

func (b *ringBox) open(sealed []byte, version uint64) ([]byte, error) {
	for _, aead := range b.aeads {
		if text, err := aead.Open(nil, nil, sealed, ringLabel(version)); err == nil {
			return text, nil
		}
	}
	return nil, errors.New("jwt: key ring: what is stored can't be opened: is the secret that sealed it among KeyRingConfig.Secrets, and the version its own?")
}

func generateKey(alg jose.Alg) (crypto.Signer, error) {
	switch alg {
	case jose.EdDSA:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case jose.ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jose.ES512:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	default:
		return rsa.GenerateKey(rand.Reader, 3072)
	}
}

func encodePKCS8(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("a key that is not in memory: set KeyRingConfig.Encode and Decode")
	}
	return der, nil
}

func decodePKCS8(_ context.Context, der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("not a PKCS #8 key")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("a PKCS #8 key that does not sign")
	}
	return signer, nil
}
