package authtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cardea-go/auth/jwt"
)

// TestRingStore checks a [jwt.RingStore] against its contract. newStore returns an empty store; what it returns for
// the second time must not share anything with the first.
func TestRingStore(t *testing.T, newStore func(t *testing.T) jwt.RingStore) {
	t.Helper()
	ctx := t.Context()
	load := func(t *testing.T, s jwt.RingStore, want string, wantVersion uint64) {
		t.Helper()
		got, version, err := s.Load(ctx)
		if err != nil || string(got) != want || version != wantVersion {
			t.Errorf("Load: got %q, version %d, %v, want %q, version %d", got, version, err, want, wantVersion)
		}
	}
	save := func(t *testing.T, s jwt.RingStore, value string, version uint64, want error) {
		t.Helper()
		if err := s.Save(ctx, []byte(value), version); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("Save with version %d: got %v, want %v", version, err, want)
		}
	}
	t.Run("an empty store has version 0 and no error", func(t *testing.T) { load(t, newStore(t), "", 0) })
	t.Run("each save makes the version one more", func(t *testing.T) {
		s := newStore(t)
		save(t, s, "a", 0, nil)
		load(t, s, "a", 1)
		save(t, s, "b\x00\xff", 1, nil)
		load(t, s, "b\x00\xff", 2)
	})
	t.Run("a save with another version changes nothing and is a conflict", func(t *testing.T) {
		s := newStore(t)
		save(t, s, "a", 1, jwt.ErrConflict)
		load(t, s, "", 0)
		save(t, s, "a", 0, nil)
		for _, version := range []uint64{0, 2, 1 << 40} {
			save(t, s, "b", version, jwt.ErrConflict)
		}
		load(t, s, "a", 1)
	})
	t.Run("the store keeps nothing that it was lent and lends nothing that it keeps", func(t *testing.T) {
		s := newStore(t)
		value := []byte("a")
		if err := s.Save(ctx, value, 0); err != nil {
			t.Fatal(err)
		}
		value[0] = 'x'
		load(t, s, "a", 1)
		if lent, _, err := s.Load(ctx); err == nil && len(lent) > 0 {
			lent[0] = 'y'
		}
		load(t, s, "a", 1)
	})
	t.Run("a value of 64 KiB is kept", func(t *testing.T) {
		s := newStore(t)
		save(t, s, string(bytes.Repeat([]byte{7}, 64<<10)), 0, nil)
		load(t, s, string(bytes.Repeat([]byte{7}, 64<<10)), 1)
	})
	t.Run("of many saves at once with one version, one succeeds and is kept", func(t *testing.T) {
		s := newStore(t)
		for version := range uint64(20) {
			var saved atomic.Int64
			var winner atomic.Value
			var wg sync.WaitGroup
			for i := range 16 {
				value := fmt.Sprintf("value %d of %d", i, version)
				wg.Go(func() {
					switch err := s.Save(context.WithoutCancel(ctx), []byte(value), version); {
					case err == nil:
						saved.Add(1)
						winner.Store(value)
					case !errors.Is(err, jwt.ErrConflict):
						t.Errorf("got %v, want ErrConflict", err)
					}
				})
			}
			wg.Wait()
			if n := saved.Load(); n != 1 {
				t.Fatalf("%d saves with version %d succeeded, want 1", n, version)
			}
			if got, _, err := s.Load(ctx); err != nil || string(got) != winner.Load() {
				t.Fatalf("Load: got %q, %v, want %q, whose save succeeded", got, err, winner.Load())
			}
		}
	})
}
