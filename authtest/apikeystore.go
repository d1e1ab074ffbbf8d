package authtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-go/auth/apikey"
)

// APIKeyStoreKit is what the conformance kit needs to know about a store of API keys.
type APIKeyStoreKit struct {
	// New returns an empty store, or one that the tests may fill as they like: they use subjects and ids of their
	// own. It is called once for each rule. Required.
	New func() (apikey.Store, error)
	// Workers is how many goroutines contend in the rules about atomicity. 0 is 16.
	Workers int
}

// TestAPIKeyStore checks an implementation of [apikey.Store] against its contract, one subtest a rule.
func TestAPIKeyStore(t *testing.T, kit APIKeyStoreKit) {
	t.Helper()
	run(t, kit, apiKeyStoreRules)
}

// CheckAPIKeyStore is [TestAPIKeyStore] without a test: it returns the broken rules, joined, or nil.
func CheckAPIKeyStore(kit APIKeyStoreKit) error { return all(kit, apiKeyStoreRules) }

var apiKeyStoreRules = []rule[APIKeyStoreKit]{
	{
		"what is created is found as it was",
		"every field counts: a digest, a scope or a time that comes back different refuses the key or lets too much pass",
		apiKeyRoundTrip,
	},
	{
		"no networks and an empty list of networks stay apart",
		"nil is anywhere, an empty list is nowhere: a store that mixes them up opens keys that were closed",
		apiKeyNilNetworks,
	},
	{
		"an unknown id is ErrNotFound",
		"any other answer reads as an outage, or lets the lookup of a key that is not there go on",
		func(k APIKeyStoreKit) error {
			return k.with(func(ctx context.Context, s apikey.Store) error {
				r, err := s.Find(ctx, "none")
				if r != nil {
					return fmt.Errorf("a record %v came with it", r)
				}
				return errors.Join(
					want("Find", err, apikey.ErrNotFound),
					want("Update", s.Update(ctx, apiKey("none", "s", 0)), apikey.ErrNotFound),
					want("Rotate", s.Rotate(ctx, apiKey("none", "s", 0), apiKey("next", "s", 0)), apikey.ErrNotFound),
				)
			})
		},
	},
	{
		"an id is created once",
		"two keys of one id would let one of them stand for the other",
		func(k APIKeyStoreKit) error {
			return k.with(func(ctx context.Context, s apikey.Store) error {
				first, second := apiKey("twice", "s", 0), apiKey("twice", "t", 0)
				if err := s.Create(ctx, first); err != nil {
					return err
				}
				if err := want("the second Create", s.Create(ctx, second), apikey.ErrExists); err != nil {
					return err
				}
				return found(ctx, s, first)
			})
		},
	},
	{
		"ids are compared byte by byte",
		"a store that folds letter case or trims spaces finds the key of somebody else",
		func(k APIKeyStoreKit) error {
			return k.with(func(ctx context.Context, s apikey.Store) error {
				if err := s.Create(ctx, apiKey("aBcDeFgHiJkL", "s", 0)); err != nil {
					return err
				}
				for _, id := range []string{"ABCDEFGHIJKL", "abcdefghijkl", "aBcDeFgHiJkL ", "aBcDeFgHiJk"} {
					if _, err := s.Find(ctx, id); !errors.Is(err, apikey.ErrNotFound) {
						return fmt.Errorf("Find(%q) got %v, want ErrNotFound", id, err)
					}
				}
				return nil
			})
		},
	},
	{
		"what was given may be changed afterwards",
		"the caller keeps its record and its slices: a store copies what it keeps",
		func(k APIKeyStoreKit) error {
			return k.with(func(ctx context.Context, s apikey.Store) error {
				r := apiKey("lent", "s", 0)
				if err := s.Create(ctx, r); err != nil {
					return err
				}
				kept := r.Clone()
				r.Scopes[0], r.Metadata["a"], r.Networks[0], r.Subject = "all", "changed", netip.MustParsePrefix("0.0.0.0/0"), "x"
				if err := found(ctx, s, kept); err != nil {
					return err
				}
				u := kept.Clone()
				u.Name = "new name"
				if err := s.Update(ctx, u); err != nil {
					return err
				}
				kept.Name, kept.Version = "new name", kept.Version+1
				u.Scopes[0] = "all"
				return found(ctx, s, kept)
			})
		},
	},
	{
		"Update needs the version that is stored",
		"without comparison, a revocation is lost to whoever read the record before it",
		apiKeyUpdate,
	},
	{
		"of concurrent Updates of one version, one wins",
		"comparison and replacement are one atomic step",
		func(k APIKeyStoreKit) error {
			return k.with(func(ctx context.Context, s apikey.Store) error {
				r := apiKey("race", "s", 0)
				if err := s.Create(ctx, r); err != nil {
					return err
				}
				return k.oneWins(apikey.ErrConflict, func(i int) error {
					u := r.Clone()
					u.Name = "writer " + strconv.Itoa(i)
					return s.Update(ctx, u)
				})
			})
		},
	},
	{
		"of concurrent Creates of one id, one wins",
		"the look before and the write are one atomic step",
		func(k APIKeyStoreKit) error {
			return k.with(func(ctx context.Context, s apikey.Store) error {
				return k.oneWins(apikey.ErrExists, func(int) error { return s.Create(ctx, apiKey("race", "s", 0)) })
			})
		},
	},
	{
		"Rotate changes the old key and creates the new one",
		"it is Update and Create in one",
		func(k APIKeyStoreKit) error {
			return k.with(func(ctx context.Context, s apikey.Store) error {
				old, next := apiKey("old", "s", 0), apiKey("next", "s", 1)
				if err := s.Create(ctx, old); err != nil {
					return err
				}
				old.RotatedTo, next.RotatedFrom = "next", "old"
				if err := s.Rotate(ctx, old, next); err != nil {
					return err
				}
				old.Version++
				return errors.Join(found(ctx, s, old), found(ctx, s, next))
			})
		},
	},
	{
		"Rotate does both or neither",
		"a new key beside an unchanged old one is a second key that nobody knows of; the other way, the owner has none",
		apiKeyRotateAtomic,
	},
	{
		"of concurrent Rotates of one key, one wins",
		"a key has one successor",
		func(k APIKeyStoreKit) error {
			return k.with(func(ctx context.Context, s apikey.Store) error {
				old := apiKey("old", "race", 0)
				if err := s.Create(ctx, old); err != nil {
					return err
				}
				err := k.oneWins(apikey.ErrConflict, func(i int) error {
					o, next := old.Clone(), apiKey("next"+strconv.Itoa(i), "race", 1)
					o.RotatedTo = next.ID
					return s.Rotate(ctx, o, next)
				})
				if err != nil {
					return err
				}
				list, err := s.List(ctx, apikey.Query{Issuer: "i", Subject: "race", Limit: 100})
				if err != nil || len(list) != 2 {
					return fmt.Errorf("got %d keys, %v after the race, want the old one and one successor", len(list), err)
				}
				return nil
			})
		},
	},
	{
		"a change is seen by whoever asks after it",
		"a key that was revoked stops at once: a cache in between needs to be told",
		func(k APIKeyStoreKit) error {
			return k.with(func(ctx context.Context, s apikey.Store) error {
				r := apiKey("seen", "s", 0)
				if err := s.Create(ctx, r); err != nil {
					return err
				}
				for range 20 {
					if err := found(ctx, s, r); err != nil {
						return err
					}
					r.RevokedAt = r.RevokedAt.Add(time.Hour)
					if err := s.Update(ctx, r); err != nil {
						return err
					}
					r.Version++
				}
				return found(ctx, s, r)
			})
		},
	},
	{
		"List pages through one party's keys, oldest first",
		"each key once, none of another issuer or subject, in the order of CreatedAt and then ID",
		apiKeyList,
	},
	{
		"Touch moves LastUsedAt forward only and leaves the version alone",
		"it runs beside updates: if it changed the version, a busy key could never be changed",
		apiKeyTouch,
	},
	{
		"DeleteExpired removes what ended before, and no more than the limit",
		"one second too far deletes a key that is in force",
		apiKeyDeleteExpired,
	},
	{
		"what is returned is not torn by concurrent writes",
		"readers share the records: a store replaces them and never writes into them (run with -race)",
		apiKeyConcurrentReads,
	},
}

func apiKeyRoundTrip(k APIKeyStoreKit) error {
	return k.with(func(ctx context.Context, s apikey.Store) error {
		full := apiKey("full", "s", 0)
		full.Tenant, full.Kind, full.Environment = "t", "pat", "live"
		full.Name = "a name with ünicode, \"quotes\", 'quotes' and %"
		full.CreatedBy, full.Family, full.RotatedFrom, full.RotatedTo = "admin", "f", "before", "after"
		full.NotBefore, full.LastUsedAt = keyTime(1), keyTime(2)
		full.RevokedAt, full.RevokedReason, full.Disabled = keyTime(3), "why", true
		full.Scopes = []string{"b", "a", "notes:read/*"}
		full.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"), {}}
		bare := &apikey.Record{
			ID: "bare", Subject: "s", Digest: "s1$" + strings.Repeat("0", 64), CreatedAt: keyTime(0), ExpiresAt: keyTime(9), Version: 1,
		}
		return errors.Join(s.Create(ctx, full), s.Create(ctx, bare), found(ctx, s, full), found(ctx, s, bare))
	})
}

func apiKeyNilNetworks(k APIKeyStoreKit) error {
	return k.with(func(ctx context.Context, s apikey.Store) error {
		anywhere, nowhere := apiKey("anywhere", "s", 0), apiKey("nowhere", "s", 0)
		anywhere.Networks, nowhere.Networks = nil, []netip.Prefix{}
		if err := errors.Join(s.Create(ctx, anywhere), s.Create(ctx, nowhere)); err != nil {
			return err
		}
		if r, err := s.Find(ctx, "anywhere"); err != nil || r.Networks != nil {
			return fmt.Errorf("nil came back as %v, %v", r, err)
		}
		if r, err := s.Find(ctx, "nowhere"); err != nil || r.Networks == nil || len(r.Networks) != 0 {
			return fmt.Errorf("an empty list came back as nil or full: %v, %v", r, err)
		}
		return nil
	})
}

func apiKeyUpdate(k APIKeyStoreKit) error {
	return k.with(func(ctx context.Context, s apikey.Store) error {
		r := apiKey("versions", "s", 0)
		if err := s.Create(ctx, r); err != nil {
			return err
		}
		if err := s.Touch(ctx, map[string]time.Time{r.ID: keyTime(5)}); err != nil {
			return err
		}
		u := r.Clone()
		u.Disabled, u.Digest, u.ExpiresAt, u.Scopes, u.LastUsedAt = true, "h1$k$00", keyTime(7), []string{"z"}, keyTime(1)
		if err := s.Update(ctx, u); err != nil {
			return err
		}
		for _, version := range []int64{r.Version, r.Version + 2, 0} {
			stale := r.Clone()
			stale.Version = version
			if err := want(fmt.Sprintf("Update of version %d", version), s.Update(ctx, stale), apikey.ErrConflict); err != nil {
				return err
			}
		}
		u.Version, u.LastUsedAt = r.Version+1, keyTime(5)
		return found(ctx, s, u)
	})
}

func apiKeyRotateAtomic(k APIKeyStoreKit) error {
	return k.with(func(ctx context.Context, s apikey.Store) error {
		old, taken := apiKey("old", "s", 0), apiKey("taken", "s", 0)
		if err := errors.Join(s.Create(ctx, old), s.Create(ctx, taken)); err != nil {
			return err
		}
		changed := old.Clone()
		changed.RotatedTo = "next"
		if err := want("Rotate onto an id that is taken", s.Rotate(ctx, changed, taken), apikey.ErrExists); err != nil {
			return err
		}
		changed.Version += 7
		if err := want("Rotate of another version", s.Rotate(ctx, changed, apiKey("next", "s", 0)), apikey.ErrConflict); err != nil {
			return err
		}
		if _, err := s.Find(ctx, "next"); !errors.Is(err, apikey.ErrNotFound) {
			return fmt.Errorf("the new key of a failed Rotate: got %v, want ErrNotFound", err)
		}
		return errors.Join(found(ctx, s, old), found(ctx, s, taken))
	})
}

func apiKeyList(k APIKeyStoreKit) error {
	return k.with(func(ctx context.Context, s apikey.Store) error {
		var wantIDs []string
		for i := range 25 { // five share each moment, and later ones have smaller ids
			wantIDs = append(wantIDs, fmt.Sprintf("list%d%c", 9-i/5, "ABCab"[i%5]))
		}
		for i, id := range slices.Backward(wantIDs) {
			if err := s.Create(ctx, apiKey(id, "lister", i/5)); err != nil {
				return err
			}
		}
		stranger, other := apiKey("stranger", "lister", 0), apiKey("other", "Lister", 0)
		stranger.Issuer = "elsewhere"
		if err := errors.Join(s.Create(ctx, stranger), s.Create(ctx, other)); err != nil {
			return err
		}
		var got []string
		q := apikey.Query{Issuer: "i", Subject: "lister", Limit: 4}
		for {
			page, err := s.List(ctx, q)
			if err != nil {
				return err
			}
			if len(page) > q.Limit {
				return fmt.Errorf("a page of %d for a limit of %d", len(page), q.Limit)
			}
			for _, r := range page {
				got = append(got, r.ID)
				q.AfterTime, q.AfterID = r.CreatedAt, r.ID
			}
			if len(page) < q.Limit || len(got) > 2*len(wantIDs) {
				break
			}
		}
		if !slices.Equal(got, wantIDs) {
			return fmt.Errorf("got %v, want %v", got, wantIDs)
		}
		none, err := s.List(ctx, apikey.Query{Subject: "nobody", Limit: 4})
		if err != nil || len(none) != 0 {
			return fmt.Errorf("a party without keys: got %v, %v, want an empty page", none, err)
		}
		return nil
	})
}

func apiKeyTouch(k APIKeyStoreKit) error {
	return k.with(func(ctx context.Context, s apikey.Store) error {
		r := apiKey("touched", "s", 0)
		if err := s.Create(ctx, r); err != nil {
			return err
		}
		for _, minute := range []int{5, 3, 8, 7} {
			if err := s.Touch(ctx, map[string]time.Time{r.ID: keyTime(minute), "gone": keyTime(1)}); err != nil {
				return err
			}
		}
		if _, err := s.Find(ctx, "gone"); !errors.Is(err, apikey.ErrNotFound) {
			return fmt.Errorf("touching an unknown id made it: %v", err)
		}
		if err := s.Touch(ctx, nil); err != nil {
			return fmt.Errorf("touching nothing: %w", err)
		}
		r.LastUsedAt = keyTime(8)
		return found(ctx, s, r)
	})
}

func apiKeyDeleteExpired(k APIKeyStoreKit) error {
	return k.with(func(ctx context.Context, s apikey.Store) error {
		for i := range 6 {
			r := apiKey("end"+strconv.Itoa(i), "s", 0)
			r.ExpiresAt = keyTime(i)
			if err := s.Create(ctx, r); err != nil {
				return err
			}
		}
		for _, step := range []struct{ limit, want int }{{2, 2}, {10, 1}, {10, 0}} {
			n, err := s.DeleteExpired(ctx, keyTime(3), step.limit)
			if err != nil || n != step.want {
				return fmt.Errorf("DeleteExpired with limit %d: got %d, %v, want %d", step.limit, n, err, step.want)
			}
		}
		for i := range 6 {
			_, err := s.Find(ctx, "end"+strconv.Itoa(i))
			if gone := errors.Is(err, apikey.ErrNotFound); gone != (i < 3) {
				return fmt.Errorf("the key that ended %d minutes from the time given: got %v", i-3, err)
			}
		}
		list, err := s.List(ctx, apikey.Query{Issuer: "i", Subject: "s", Limit: 10})
		if err != nil || len(list) != 3 {
			return fmt.Errorf("got %d keys, %v in the list, want the 3 that are left", len(list), err)
		}
		return nil
	})
}

func apiKeyConcurrentReads(k APIKeyStoreKit) error {
	return k.with(func(ctx context.Context, s apikey.Store) error {
		r := apiKey("busy", "busy", 0)
		if err := s.Create(ctx, r); err != nil {
			return err
		}
		var failed atomic.Pointer[error]
		var readers, writer sync.WaitGroup
		done := make(chan struct{})
		for range k.workers() {
			readers.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					if err := untorn(ctx, s); err != nil {
						failed.CompareAndSwap(nil, &err)
						return
					}
				}
			})
		}
		writer.Go(func() {
			for i := range 50 {
				text := strconv.Itoa(i)
				r.Name, r.Scopes, r.Metadata = text, []string{text}, map[string]string{"a": text}
				if err := errors.Join(s.Update(ctx, r), s.Touch(ctx, map[string]time.Time{r.ID: keyTime(i)})); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
				r.Version++
			}
		})
		writer.Wait()
		close(done)
		readers.Wait()
		if err := failed.Load(); err != nil {
			return *err
		}
		return nil
	})
}

// untorn reads the busy key once by id and once in its list: its parts were written together.
func untorn(ctx context.Context, s apikey.Store) error {
	one, err := s.Find(ctx, "busy")
	if err != nil {
		return err
	}
	list, err := s.List(ctx, apikey.Query{Issuer: "i", Subject: "busy", Limit: 2})
	if err != nil || len(list) != 1 {
		return fmt.Errorf("got %d keys, %v in the list, want 1", len(list), err)
	}
	for _, r := range []*apikey.Record{one, list[0]} {
		if r.Version > 1 && (r.Scopes[0] != r.Name || r.Metadata["a"] != r.Name) {
			return fmt.Errorf("name %q, scope %q and metadata %q were never written together", r.Name, r.Scopes[0], r.Metadata["a"])
		}
	}
	return nil
}

func (k APIKeyStoreKit) workers() int {
	if k.Workers > 0 {
		return k.Workers
	}
	return 16
}

// with runs check on a fresh store, within a time that no working store needs.
func (k APIKeyStoreKit) with(check func(context.Context, apikey.Store) error) error {
	if k.New == nil {
		return errors.New("set New")
	}
	s, err := k.New()
	if err != nil {
		return fmt.Errorf("making a store: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return check(ctx, s)
}

// oneWins runs attempt in parallel and wants one success and otherwise the error given.
func (k APIKeyStoreKit) oneWins(loser error, attempt func(i int) error) error {
	errs := make([]error, k.workers())
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = attempt(i)
		})
	}
	close(start)
	wg.Wait()
	won := 0
	for i, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, loser):
			return fmt.Errorf("attempt %d: got %w, want success or %w", i, err, loser)
		}
	}
	if won != 1 {
		return fmt.Errorf("%d of %d succeeded, want 1", won, len(errs))
	}
	return nil
}

func apiKey(id, subject string, minute int) *apikey.Record {
	return &apikey.Record{
		ID: id, Issuer: "i", Subject: subject, Name: "name", Environment: "live",
		Digest: "s1$" + strings.Repeat("ab", 32), Scopes: []string{"a"},
		Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Metadata: map[string]string{"a": "b"},
		CreatedAt: keyTime(minute), ExpiresAt: keyTime(1000), Family: id, Version: 1,
	}
}

// keyTime has microseconds, which records have and stores keep.
func keyTime(minute int) time.Time {
	return time.Date(2026, 1, 2, 3, minute, 4, 567_891_000, time.UTC)
}

func want(what string, got, target error) error {
	if !errors.Is(got, target) {
		return fmt.Errorf("%s: got %v, want %w", what, got, target)
	}
	return nil
}

// found wants the stored record of r.ID to be r.
func found(ctx context.Context, s apikey.Store, r *apikey.Record) error {
	got, err := s.Find(ctx, r.ID)
	if err != nil {
		return fmt.Errorf("Find(%q): %w", r.ID, err)
	}
	a, b := reflect.ValueOf(evened(got)), reflect.ValueOf(evened(r))
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); !reflect.DeepEqual(x, y) {
			return fmt.Errorf("Find(%q): field %s is %v, want %v", r.ID, a.Type().Field(i).Name, x, y)
		}
	}
	return nil
}

// evened evens out what may differ: a nil and an empty list of scopes or map, and the name of the zone of UTC.
func evened(r *apikey.Record) apikey.Record {
	c := *r
	if len(c.Scopes) == 0 {
		c.Scopes = nil
	}
	if len(c.Metadata) == 0 {
		c.Metadata = nil
	}
	c.Metadata = maps.Clone(c.Metadata)
	for _, t := range []*time.Time{&c.CreatedAt, &c.NotBefore, &c.ExpiresAt, &c.RevokedAt, &c.LastUsedAt} {
		if !t.IsZero() {
			*t = t.UTC().Round(0)
		}
	}
	return c
}
