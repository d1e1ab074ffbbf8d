package jwt_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth/jwt"
)

const day = 24 * time.Hour

func newRing(t *testing.T, clock *fakeClock, change func(*jwt.KeyRingConfig)) *jwt.KeyRing {
	t.Helper()
	c := jwt.KeyRingConfig{Clock: clock.Now}
	if change != nil {
		change(&c)
	}
	r, err := jwt.NewKeyRing(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// states returns the states of a ring's keys, oldest first.
func states(r *jwt.KeyRing) string {
	var s []string
	for _, k := range r.Keys() {
		s = append(s, string(k.State))
	}
	return strings.Join(s, " ")
}

func wantStates(t *testing.T, r *jwt.KeyRing, want string) {
	t.Helper()
	if got := states(r); got != want {
		t.Fatalf("got keys %q, want %q", got, want)
	}
}

func TestKeyRingSchedule(t *testing.T) {
	clock := newFakeClock()
	r := newRing(t, clock, nil)
	first := r.Keys()[0]
	if first.State != jwt.KeyActive || !first.RetireAt.Equal(testTime.Add(30*day)) || !first.RemoveAt.Equal(first.RetireAt.Add(day+5*time.Minute)) {
		t.Errorf("got the schedule %+v, want 30 days of signing and 24 h 5 min after it", first)
	}
	if first.Key.ID() != first.Key.Thumbprint() {
		t.Errorf("got the id %q, want the thumbprint %q", first.Key.ID(), first.Key.Thumbprint())
	}
	for _, step := range []struct {
		to   time.Duration // since the first key
		want string
	}{
		{29*day - time.Second, "active"},
		{29 * day, "active next"},
		{30*day - time.Second, "active next"},
		{30 * day, "retired active"},
		{31*day + 5*time.Minute - time.Second, "retired active"},
		{31*day + 5*time.Minute, "active"},
		{59 * day, "active next"},
		{60 * day, "retired active"},
	} {
		clock.now.Store(testTime.Add(step.to).UnixNano())
		if got := states(r); got != step.want {
			t.Errorf("after %v: got %q, want %q", step.to, got, step.want)
		}
	}
}

func TestKeyRingPublishesAheadAlsoAfterAPause(t *testing.T) {
	clock := newFakeClock()
	r := newRing(t, clock, nil)
	clock.advance(400 * day)
	keys := r.Keys()
	if states(r) != "active next" || keys[1].ActiveAt.Sub(keys[1].PublishedAt) != day {
		t.Errorf("got %q, want the old key to sign until its successor has been published for a day", states(r))
	}
}

func TestKeyRingSurvivesAClockThatIsSetBack(t *testing.T) {
	clock := newFakeClock()
	r := newRing(t, clock, nil)
	clock.advance(-time.Hour)
	restarted := newRing(t, clock, nil)
	wantStates(t, restarted, "active")
	i := must(jwt.NewIssuer(jwt.IssuerConfig{Issuer: testIssuer, Keys: r, Audience: []string{testAudience}, Clock: clock.Now}))
	if _, err := i.Issue(context.Background(), jwt.Grant{Subject: "alice", ClientID: "app"}); err != nil {
		t.Error(err)
	}
	if err := r.Rotate(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantStates(t, r, "active")
}

func TestKeyRingVerifiesWhatItSignedThroughoutItsLife(t *testing.T) {
	clock := newFakeClock()
	r := newRing(t, clock, func(c *jwt.KeyRingConfig) {
		c.Period, c.PublishAhead, c.KeepAfter = 2*time.Hour, 30*time.Minute, 15*time.Minute
	})
	i := must(jwt.NewIssuer(jwt.IssuerConfig{Issuer: testIssuer, Keys: r, Audience: []string{testAudience}, Clock: clock.Now}))
	v := newVerifier(func(c *jwt.Config) { c.Keys, c.Clock = r, clock.Now })
	kids := make(map[string]bool)
	for range 24 * 60 { // a day, minute by minute
		token := must(i.Issue(context.Background(), jwt.Grant{Subject: "alice", ClientID: "app"}))
		kids[token.KeyID] = true
		start := clock.now.Load()
		for _, age := range []time.Duration{0, 5 * time.Minute, 10*time.Minute - time.Second} {
			clock.now.Store(start + int64(age))
			if _, err := v.Verify(context.Background(), token.Token); err != nil {
				t.Fatalf("a token of age %v: %v", age, errors.Unwrap(err))
			}
		}
		clock.now.Store(start + int64(time.Minute))
	}
	if len(kids) != 12 {
		t.Errorf("got %d signing keys in a day of 2 h periods, want 12", len(kids))
	}
}

func TestKeyRingRotateAndRemove(t *testing.T) {
	ctx := context.Background()
	clock := newFakeClock()
	r := newRing(t, clock, nil)
	first := r.Keys()[0].Key.ID()
	for range 2 { // a second time changes nothing
		if err := r.Rotate(ctx); err != nil {
			t.Fatal(err)
		}
		wantStates(t, r, "active next")
	}
	if err := r.Remove(ctx, first); err != nil {
		t.Fatal(err)
	}
	wantStates(t, r, "active")
	if _, err := r.Key(ctx, first, jwt.EdDSA); !errors.Is(err, jwt.ErrUnknownKey) {
		t.Errorf("got %v for a removed key, want ErrUnknownKey", err)
	}
	second := r.Keys()[0].Key.ID()
	if err := r.Remove(ctx, second); err != nil {
		t.Fatal(err)
	}
	wantStates(t, r, "active")
	if third := r.Keys()[0].Key.ID(); third == second {
		t.Error("the only key was removed and is still there")
	}
	if err := r.Remove(ctx, second); !errors.Is(err, jwt.ErrNotInRing) {
		t.Errorf("got %v, want ErrNotInRing", err)
	}
}

func TestKeyRingNeverReactivatesARetiredKey(t *testing.T) {
	ctx := context.Background()
	clock := newFakeClock()
	r := newRing(t, clock, nil)
	clock.advance(29 * day)
	_ = r.Keys()
	clock.advance(day)
	wantStates(t, r, "retired active")
	if err := r.Remove(ctx, r.Keys()[1].Key.ID()); err != nil {
		t.Fatal(err)
	}
	wantStates(t, r, "retired active")
	if err := r.Remove(ctx, r.Keys()[0].Key.ID()); err != nil {
		t.Fatal(err)
	}
	wantStates(t, r, "active")
}

func secret(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// stored keeps a ring in a store.
func stored(store jwt.RingStore) func(*jwt.KeyRingConfig) {
	return func(c *jwt.KeyRingConfig) { c.Store, c.Secrets = store, [][]byte{secret(1)} }
}

func TestKeyRingStore(t *testing.T) {
	ctx := context.Background()
	clock := newFakeClock()
	store := &jwt.MemoryRingStore{}
	sealedBy := func(secrets ...[]byte) func(*jwt.KeyRingConfig) {
		return func(c *jwt.KeyRingConfig) { c.Store, c.Secrets = store, secrets }
	}
	a := newRing(t, clock, sealedBy(secret(1)))
	b := newRing(t, clock, sealedBy(secret(1)))
	if a.Keys()[0].Key.ID() != b.Keys()[0].Key.ID() {
		t.Fatal("two rings on one store have different keys")
	}
	if err := a.Rotate(ctx); err != nil {
		t.Fatal(err)
	}
	wantStates(t, b, "active")
	clock.advance(time.Minute)
	wantStates(t, b, "active next") // read again after a minute
	if err := b.Remove(ctx, b.Keys()[0].Key.ID()); err != nil {
		t.Fatal(err)
	}
	if err := a.Maintain(ctx); err != nil {
		t.Fatal(err)
	}
	wantStates(t, a, "active")

	if _, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{Store: store, Secrets: [][]byte{secret(2)}}); err == nil {
		t.Error("a ring was opened with another secret")
	}
	c := newRing(t, clock, sealedBy(secret(2), secret(1)))
	if err := c.Rotate(ctx); err != nil { // seals with the new secret
		t.Fatal(err)
	}
	newRing(t, clock, sealedBy(secret(2)))
}

func TestKeyRingStoresNoKeyInClear(t *testing.T) {
	store := &jwt.MemoryRingStore{}
	var encoded []byte
	newRing(t, newFakeClock(), func(c *jwt.KeyRingConfig) {
		c.Store, c.Secrets = store, [][]byte{secret(1)}
		c.Encode = func(crypto.Signer) ([]byte, error) {
			encoded = []byte("the private key")
			return encoded, nil
		}
		c.Decode = func(context.Context, []byte) (crypto.Signer, error) { return testKeys.ed(), nil }
	})
	sealed, version, err := store.Load(context.Background())
	if err != nil || version != 1 {
		t.Fatalf("got version %d, %v, want 1", version, err)
	}
	for _, text := range []string{string(encoded), b64(encoded), "alg", "EdDSA"} {
		if bytes.Contains(sealed, []byte(text)) {
			t.Errorf("the stored ring holds %q in clear", text)
		}
	}
}

// brokenStore fails on demand.
type brokenStore struct {
	jwt.MemoryRingStore
	err  error
	lie  func() ([]byte, uint64)
	hang atomic.Bool
}

func (s *brokenStore) Load(ctx context.Context) ([]byte, uint64, error) {
	if s.hang.Load() {
		<-ctx.Done()
		return nil, 0, ctx.Err()
	}
	if s.lie != nil {
		sealed, version := s.lie()
		return sealed, version, nil
	}
	if s.err != nil {
		return nil, 0, s.err
	}
	return s.MemoryRingStore.Load(ctx)
}

func TestKeyRingGoesOnWhileItsStoreFails(t *testing.T) {
	clock := newFakeClock()
	store := &brokenStore{}
	r := newRing(t, clock, func(c *jwt.KeyRingConfig) { c.Store, c.Secrets = store, [][]byte{secret(1)} })
	id := r.Keys()[0].Key.ID()
	store.err = io.ErrUnexpectedEOF
	clock.advance(60 * day)
	wantStates(t, r, "active")
	if r.Keys()[0].Key.ID() != id {
		t.Error("the key changed without the store")
	}
	if err := r.Maintain(context.Background()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want the store's error", err)
	}
	store.err = nil
	clock.advance(30 * time.Second)
	wantStates(t, r, "active next")
}

func TestKeyRingRefusesWhatIsNoRing(t *testing.T) {
	store := &jwt.MemoryRingStore{}
	if err := store.Save(context.Background(), []byte("garbage"), 0); err != nil {
		t.Fatal(err)
	}
	_, err := jwt.NewKeyRing(context.Background(), jwt.KeyRingConfig{Store: store, Secrets: [][]byte{secret(1)}})
	if err == nil {
		t.Error("got a ring from garbage, want an error")
	}
	if sealed, version, _ := store.Load(context.Background()); version != 1 || string(sealed) != "garbage" {
		t.Error("what could not be read was replaced")
	}
}

func TestKeyRingGenerate(t *testing.T) {
	boom := errors.New("the HSM is down")
	_, err := jwt.NewKeyRing(context.Background(), jwt.KeyRingConfig{
		Generate: func(context.Context) (crypto.Signer, error) { return nil, boom },
	})
	if !errors.Is(err, boom) {
		t.Errorf("got %v, want the error of Generate", err)
	}
	clock := newFakeClock()
	r := newRing(t, clock, func(c *jwt.KeyRingConfig) {
		c.Generate = func(context.Context) (crypto.Signer, error) { return testKeys.ed(), nil }
	})
	if err := r.Rotate(context.Background()); err == nil {
		t.Error("the same key twice: got no error, want one")
	}
	for _, alg := range []jwt.Algorithm{jwt.ES256, jwt.ES384, jwt.ES512, jwt.PS256} {
		r := newRing(t, clock, func(c *jwt.KeyRingConfig) { c.Algorithm = alg })
		if got := r.Keys()[0].Key.Algorithm(); got != alg {
			t.Errorf("got a key for %s, want %s", got, alg)
		}
	}
}

func TestKeyRingRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		r := must(jwt.NewKeyRing(ctx, jwt.KeyRingConfig{}))
		done := make(chan error)
		go func() { done <- r.Run(ctx, func(err error) { t.Error(err) }) }()
		time.Sleep(29*day + time.Hour) // of the bubble's own time
		synctest.Wait()
		wantStates(t, r, "active next")
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v from Run, want the context's error", err)
		}
	})
}

func TestKeyRingRunReportsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		store := &brokenStore{}
		r := must(jwt.NewKeyRing(ctx, jwt.KeyRingConfig{Store: store, Secrets: [][]byte{secret(1)}}))
		store.err = io.ErrUnexpectedEOF
		reported := make(chan error)
		go func() { _ = r.Run(ctx, func(err error) { reported <- err }) }()
		if err := <-reported; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v, want the store's error", err)
		}
		cancel()
	})
}

func TestKeyRingHandler(t *testing.T) {
	clock := newFakeClock()
	r := newRing(t, clock, nil)
	get := func(method, etag string) *http.Response {
		req := httptest.NewRequest(method, "/jwks", http.NoBody)
		req.Header.Set("If-None-Match", etag)
		w := httptest.NewRecorder()
		r.Handler().ServeHTTP(w, req)
		return w.Result()
	}
	res := get("GET", "")
	body := string(must(io.ReadAll(res.Body)))
	set, err := jwt.ParseKeySet([]byte(body), jwt.KeyOptions{})
	if err != nil || len(set.Keys()) != 1 || set.Keys()[0].ID() != r.Keys()[0].Key.ID() {
		t.Errorf("got the set %s, %v, want the ring's key", body, err)
	}
	if got := res.Header.Get("Cache-Control"); got != "public, max-age=600" {
		t.Errorf("got Cache-Control %q, want max-age=600", got)
	}
	etag := res.Header.Get("ETag")
	if res := get("GET", etag); res.StatusCode != http.StatusNotModified {
		t.Errorf("got %d for the ETag, want 304", res.StatusCode)
	}
	if res := get("HEAD", ""); res.StatusCode != http.StatusOK || res.ContentLength != int64(len(body)) {
		t.Errorf("HEAD: got %d and length %d, want 200 and %d", res.StatusCode, res.ContentLength, len(body))
	}
	if res := get("POST", ""); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: got %d, want 405", res.StatusCode)
	}
	clock.advance(29 * day)
	if res := get("GET", etag); res.StatusCode != http.StatusOK || res.Header.Get("ETag") == etag {
		t.Errorf("after a key was added: got %d and ETag %s, want 200 and another one", res.StatusCode, res.Header.Get("ETag"))
	}
}

func TestKeyRingIsBoundedUnderRotate(t *testing.T) {
	clock := newFakeClock()
	r := newRing(t, clock, func(c *jwt.KeyRingConfig) { c.PublishAhead, c.KeepAfter = 11*time.Minute, 30*day })
	refused := 0
	for range 110 {
		if err := r.Rotate(t.Context()); err != nil {
			refused++
		}
		clock.advance(12 * time.Minute)
	}
	keys := r.Keys()
	if refused != 11 || len(keys) != jwt.MaxKeys {
		t.Errorf("got %d rotations refused and %d keys, want 11 and %d", refused, len(keys), jwt.MaxKeys)
	}
	if _, err := r.Key(t.Context(), keys[0].Key.ID(), jwt.EdDSA); err != nil {
		t.Errorf("got %v, want the first key", err)
	}
	clock.advance(30 * day)
	if err := r.Rotate(t.Context()); err != nil {
		t.Errorf("after the old ones have had their time: got %v", err)
	}
}

func TestKeyRingPrintsNoSecret(t *testing.T) {
	config := jwt.KeyRingConfig{Store: &jwt.MemoryRingStore{}, Secrets: [][]byte{secret(1)}}
	for _, v := range []any{config, must(jwt.NewKeyRing(t.Context(), config))} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			if got := fmt.Sprintf(verb, v); got != "[redacted]" {
				t.Errorf("%s of %T: got %.50q, want [redacted]", verb, v, got)
			}
		}
		if got := slog.AnyValue(v).Resolve().String(); got != "[redacted]" {
			t.Errorf("%T in a log: got %.50q, want [redacted]", v, got)
		}
	}
	if text := string(must(json.Marshal(config))); text != `"[redacted]"` {
		t.Errorf("in JSON: got %s, want [redacted]", text)
	}
}

func TestKeyRingDoesNotGoBack(t *testing.T) {
	for _, tt := range []struct {
		name    string
		version uint64 // that the store says it has
		lost    bool
	}{
		{"to an old ring with its own version", 1, false},
		{"to an old ring with a newer version", 9, false},
		{"to nothing", 0, true},
	} {
		store, clock := &brokenStore{}, newFakeClock()
		r := newRing(t, clock, stored(store))
		stolen := r.Keys()[0].Key.ID()
		old, _, _ := store.Load(t.Context())
		if err := r.Remove(t.Context(), stolen); err != nil {
			t.Fatal(err)
		}
		signing := r.Keys()[0].Key.ID()
		if tt.lost {
			old = nil
		}
		store.lie = func() ([]byte, uint64) { return old, tt.version }
		if err := r.Maintain(t.Context()); err == nil {
			t.Errorf("%s: got no error, want one", tt.name)
		}
		if _, err := r.Key(t.Context(), stolen, jwt.EdDSA); !errors.Is(err, jwt.ErrUnknownKey) {
			t.Errorf("%s: got %v for the key that was removed, want ErrUnknownKey", tt.name, err)
		}
		if _, err := r.Key(t.Context(), signing, jwt.EdDSA); err != nil {
			t.Errorf("%s: got %v for the key that signs, want it", tt.name, err)
		}
	}
}

func TestKeyRingSeesARemovalWhileGenerateFails(t *testing.T) {
	clock := newFakeClock()
	var down atomic.Bool
	store := &jwt.MemoryRingStore{}
	change := func(c *jwt.KeyRingConfig) {
		stored(store)(c)
		c.KeepAfter = 60 * day
		c.Generate = func(context.Context) (crypto.Signer, error) {
			if down.Load() {
				return nil, io.ErrUnexpectedEOF
			}
			return newEd25519(), nil
		}
	}
	a, b := newRing(t, clock, change), newRing(t, clock, change)
	stolen := a.Keys()[0].Key.ID()
	clock.advance(29*day + time.Hour)
	if err := errors.Join(a.Maintain(t.Context()), b.Maintain(t.Context())); err != nil { // a next key
		t.Fatal(err)
	}
	clock.advance(30 * day) // which signs now, and it is time for another
	down.Store(true)
	if err := a.Remove(t.Context(), stolen); err != nil {
		t.Fatal(err)
	}
	if err := b.Maintain(t.Context()); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want the error of Generate", err)
	}
	if _, err := b.Key(t.Context(), stolen, jwt.EdDSA); !errors.Is(err, jwt.ErrUnknownKey) {
		t.Errorf("got %v for a key that another process has removed, want ErrUnknownKey", err)
	}
}

func TestKeyRingRemoveBringsNoKeyBack(t *testing.T) {
	clock := newFakeClock()
	r := newRing(t, clock, nil)
	first := r.Keys()[0].Key.ID()
	for range 2 { // to the third key, by its schedule
		clock.advance(29 * day)
		_ = r.Keys()
		clock.advance(day)
		_ = r.Keys()
	}
	clock.advance(time.Hour)
	wantStates(t, r, "retired active")
	if err := r.Remove(t.Context(), r.Keys()[0].Key.ID()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Key(t.Context(), first, jwt.EdDSA); !errors.Is(err, jwt.ErrUnknownKey) {
		t.Errorf("got %v for a key that had had its time, want ErrUnknownKey", err)
	}
}

func TestOneClockAheadDoesNotEndTheKeyOfOthers(t *testing.T) {
	store := &jwt.MemoryRingStore{}
	right, ahead := newFakeClock(), newFakeClock()
	r := newRing(t, right, stored(store))
	right.advance(29*day + 12*time.Hour)
	if err := r.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	active := r.Keys()[0].Key.ID()
	ahead.advance(32*day + 12*time.Hour)
	newRing(t, ahead, stored(store))
	if err := r.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Key(t.Context(), active, jwt.EdDSA); err != nil {
		t.Errorf("got %v for the key that signs", err)
	}
}

// While the store hangs, one request in 30 s waits for it, and not for long; the ring goes on afterwards.
func TestAHangingStoreDoesNotDelayVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &brokenStore{}
		r := must(jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{Store: store, Secrets: [][]byte{secret(1)}}))
		id := r.Keys()[0].Key.ID()
		store.hang.Store(true)
		time.Sleep(2 * time.Minute) // of the bubble's own time
		start := time.Now()
		for range 100 {
			if _, err := r.Key(t.Context(), id, jwt.EdDSA); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d > 200*time.Millisecond {
			t.Errorf("100 verifications took %v, want 200 ms at most", d)
		}
		time.Sleep(10 * time.Second)
		store.hang.Store(false)
		if err := r.Maintain(t.Context()); err != nil {
			t.Errorf("after the store has recovered: got %v", err)
		}
	})
}

func TestAPanicOfTheStoreDoesNotEndTheProcess(t *testing.T) {
	clock := newFakeClock()
	store := &brokenStore{}
	r := newRing(t, clock, stored(store))
	store.lie = func() ([]byte, uint64) { panic("broken") }
	clock.advance(time.Hour)
	wantStates(t, r, "active")
	store.lie = nil
	if err := r.Maintain(t.Context()); err != nil {
		t.Errorf("after the store has recovered: got %v", err)
	}
}

func TestKeyRingRunBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &brokenStore{}
		r := must(jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{Store: store, Secrets: [][]byte{secret(1)}}))
		store.err = io.ErrUnexpectedEOF
		time.Sleep(2 * time.Minute)                                    // of the bubble's own time
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // likewise
		defer cancel()
		failures := 0
		_ = r.Run(ctx, func(error) { failures++ })
		if failures < 8 || failures > 11 {
			t.Errorf("a store that is down was asked %d times in 5 min, want once in 30 s", failures)
		}
	})
}

func TestNewKeyRingRefuses(t *testing.T) {
	store := &jwt.MemoryRingStore{}
	for _, tt := range []struct {
		name string
		c    jwt.KeyRingConfig
	}{
		{"an HMAC", jwt.KeyRingConfig{Algorithm: jwt.HS256}},
		{"an unknown algorithm", jwt.KeyRingConfig{Algorithm: "none"}},
		{"a short period", jwt.KeyRingConfig{Period: time.Minute}},
		{"to publish for less than verifiers keep the set", jwt.KeyRingConfig{PublishAhead: 10 * time.Minute}},
		{"to publish for longer than the period", jwt.KeyRingConfig{Period: time.Hour, PublishAhead: 2 * time.Hour}},
		{"a negative time after", jwt.KeyRingConfig{KeepAfter: -1}},
		{"more keys than fit in a set", jwt.KeyRingConfig{Period: 20 * time.Minute, KeepAfter: 10 * day}},
		{"a long max-age", jwt.KeyRingConfig{MaxAge: 48 * time.Hour}},
		{"a store without a secret", jwt.KeyRingConfig{Store: store}},
		{"a secret without a store", jwt.KeyRingConfig{Secrets: [][]byte{secret(1)}}},
		{"a secret of zeros", jwt.KeyRingConfig{Store: store, Secrets: [][]byte{make([]byte, 32)}}},
		{"a short secret", jwt.KeyRingConfig{Store: store, Secrets: [][]byte{[]byte("short")}}},
		{"Encode without Decode", jwt.KeyRingConfig{Encode: func(crypto.Signer) ([]byte, error) { return nil, nil }}},
	} {
		if r, err := jwt.NewKeyRing(context.Background(), tt.c); err == nil || r != nil || !strings.HasPrefix(err.Error(), "jwt: ") {
			t.Errorf("%s: got %v, want an error of jwt", tt.name, err)
		}
	}
	ring := newRing(t, newFakeClock(), func(c *jwt.KeyRingConfig) { c.KeepAfter = time.Minute })
	for _, keys := range []jwt.SigningSource{ring, struct{ *jwt.KeyRing }{ring}} {
		if _, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: testIssuer, Keys: keys}); err == nil {
			t.Errorf("%T: an issuer whose tokens outlive the ring's keys was made, want an error", keys)
		}
	}
}

func ExampleKeyRing() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ring, err := jwt.NewKeyRing(context.Background(), jwt.KeyRingConfig{Clock: func() time.Time { return now }})
	if err != nil {
		panic(err)
	}
	show := func() {
		for _, k := range ring.Keys() {
			fmt.Printf("%s: %s, signs from %s to %s, is gone on %s\n", now.Format(time.DateOnly), k.State,
				k.ActiveAt.Format(time.DateOnly), k.RetireAt.Format(time.DateOnly), k.RemoveAt.Format(time.DateOnly))
		}
	}
	show()
	now = now.AddDate(0, 0, 29)
	show()
	now = now.AddDate(0, 0, 1)
	show()
	// Output:
	// 2026-01-01: active, signs from 2026-01-01 to 2026-01-31, is gone on 2026-02-01
	// 2026-01-30: active, signs from 2026-01-01 to 2026-01-31, is gone on 2026-02-01
	// 2026-01-30: next, signs from 2026-01-31 to 2026-03-02, is gone on 2026-03-03
	// 2026-01-31: retired, signs from 2026-01-01 to 2026-01-31, is gone on 2026-02-01
	// 2026-01-31: active, signs from 2026-01-31 to 2026-03-02, is gone on 2026-03-03
}
