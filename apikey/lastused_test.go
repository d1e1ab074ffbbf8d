package apikey_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth/apikey"
)

func TestLastUsedIsWrittenOncePerKeyAndInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}
		k := newKeys(t, func(c *apikey.Config) { c.Store = store })
		issued := mustCreate(t, k, nil)
		used := func() time.Time {
			r, err := k.Find(t.Context(), issued.Record.ID)
			must(t, err)
			return r.LastUsedAt
		}
		start := time.Now()
		for range 90 { // a use each second
			_, err := k.Verify(t.Context(), issued.Secret.Reveal())
			must(t, err)
			time.Sleep(time.Second) // of the bubble's clock
			synctest.Wait()
		}
		if n := store.touches.Load(); n != 2 {
			t.Errorf("%d writes in 90 seconds, want 2", n)
		}
		if d := used().Sub(start); d < time.Minute || d > 90*time.Second {
			t.Errorf("last used %v after the start", d)
		}
		time.Sleep(time.Hour)
		if n := store.touches.Load(); n != 2 {
			t.Errorf("%d writes although nobody came", n)
		}
		_, err := k.Verify(t.Context(), issued.Secret.Reveal())
		must(t, err)
		now := time.Now()
		must(t, k.Close(t.Context()))
		if !used().Equal(now) || store.touches.Load() != 3 {
			t.Errorf("closing wrote %v, want %v", used(), now)
		}
		time.Sleep(time.Hour)
		_, err = k.Verify(t.Context(), issued.Secret.Reveal()) // after closing, keys are still verified
		must(t, err)
		must(t, k.Close(t.Context()))
		if store.touches.Load() != 3 {
			t.Error("a use was written after closing")
		}
	})
}

func TestLastUsedTimesAreBoundedAndNeverDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const extra = 100
		store := apikey.NewMemoryStore(apikey.MemoryConfig{})
		batches := &touchStore{Store: store}
		var reported []error
		k := newKeys(t, func(c *apikey.Config) {
			c.Store = batches
			c.OnError = func(err error) { reported = append(reported, err) }
		})
		for i := range apikey.MaxPendingUses + extra {
			issued := mustCreate(t, k, func(r *apikey.Request) { r.Subject = fmt.Sprint("s", i%50) })
			_, err := k.Verify(t.Context(), issued.Secret.Reveal())
			must(t, err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(batches.sizes) != 1 || batches.sizes[0] != apikey.MaxPendingUses {
			t.Errorf("got batches of %v, want one of %d", batches.sizes, apikey.MaxPendingUses)
		}
		if len(reported) != 1 || !strings.Contains(reported[0].Error(), "dropped") {
			t.Errorf("reported %v", reported)
		}
		batches.err = errors.New("read-only")
		issued := mustCreate(t, k, nil)
		_, err := k.Verify(t.Context(), issued.Secret.Reveal())
		must(t, err)
		if err := k.Close(t.Context()); !errors.Is(err, batches.err) {
			t.Errorf("Close got %v", err)
		}
	})
}

func TestClosingWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeys(t, func(c *apikey.Config) { c.Store = slowStore{apikey.NewMemoryStore(apikey.MemoryConfig{})} })
		_, err := k.Verify(t.Context(), mustCreate(t, k, nil).Secret.Reveal())
		must(t, err)
		time.Sleep(6 * time.Second) // the batch is on its way, and waits for the store
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := k.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want the end of the context after a second", err, time.Since(start))
		}
		time.Sleep(time.Minute)
		must(t, k.Close(t.Context()))
	})
}

// slowStore writes nothing before its time is over.
type slowStore struct{ apikey.Store }

func (s slowStore) Touch(ctx context.Context, _ map[string]time.Time) error {
	<-ctx.Done()
	return ctx.Err()
}

type touchStore struct {
	apikey.Store
	sizes []int
	err   error
}

func (s *touchStore) Touch(_ context.Context, used map[string]time.Time) error {
	s.sizes = append(s.sizes, len(used))
	return s.err
}
