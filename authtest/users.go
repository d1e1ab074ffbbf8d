package authtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cardea-go/auth/basic"
)

// UsersKit is what the conformance kit needs to know about a source of users.
type UsersKit struct {
	// New returns a source in which the user Name exists, with the hash Hash. Where the source is a basic.Rehasher,
	// a rule may replace the hash. Required.
	New func() basic.Users
	// Name and Hash are that user's, Unknown is a name that nobody has. Required.
	Name, Hash, Unknown string
}

// TestUsers checks kit's source against the contracts of [basic.Users] and, where it is one, [basic.Rehasher].
func TestUsers(t *testing.T, kit UsersKit) {
	t.Helper()
	run(t, kit, usersRules)
}

// CheckUsers is [TestUsers] without a test: it returns the broken rules, joined, or nil.
func CheckUsers(kit UsersKit) error { return all(kit, usersRules) }

var usersRules = []rule[UsersKit]{
	{
		"the kit is complete",
		"without a user who is there and one who is not the other rules prove nothing",
		func(k UsersKit) error {
			if k.New == nil || k.Name == "" || k.Hash == "" || k.Unknown == "" {
				return errors.New("set New, Name, Hash and Unknown")
			}
			return nil
		},
	},
	{
		"it finds the user under the name that it was asked for",
		"a user of another name is answered with 503: it could be somebody else's account",
		func(k UsersKit) error { return wantHash(k.New(), k.Name, k.Hash) },
	},
	{
		"it says of an unknown name that nobody has it, and not that it failed",
		"an error is an outage: unknown names would be told by their 503",
		func(k UsersKit) error {
			_, ok, err := k.New().Find(context.Background(), k.Unknown)
			if ok || err != nil {
				return fmt.Errorf("got %v, %w; want false and no error", ok, err)
			}
			return nil
		},
	},
	{
		"names are compared as they are",
		"throttling and the cache know the name that was asked for; a store that folds it has two names for one account",
		func(k UsersKit) error {
			u := k.New()
			for _, name := range []string{k.Name + " ", " " + k.Name, k.Name + "\x00", k.Name + "%", ""} {
				if _, ok, _ := u.Find(context.Background(), name); ok {
					return fmt.Errorf("%q finds the user %q", name, k.Name)
				}
			}
			return nil
		},
	},
	{
		"a hash is replaced only where it still is the old one",
		"a password that was changed while a login rehashed the old one must stay changed",
		func(k UsersKit) error {
			u := k.New()
			r, ok := u.(basic.Rehasher)
			if !ok {
				return nil
			}
			ctx := context.Background()
			for _, try := range [][2]string{{k.Name, "another"}, {k.Name, ""}, {k.Unknown, k.Hash}, {k.Unknown, ""}} {
				if done, err := r.UpdateHash(ctx, try[0], try[1], "replaced"); done || err != nil {
					return fmt.Errorf("UpdateHash(%q, old %q): got %v, %w; want false and no error", try[0], try[1], done, err)
				}
			}
			if err := wantHash(u, k.Name, k.Hash); err != nil {
				return err
			}
			if done, err := r.UpdateHash(ctx, k.Name, k.Hash, "replaced"); !done || err != nil {
				return fmt.Errorf("UpdateHash with the right old hash: got %v, %w; want true", done, err)
			}
			return wantHash(u, k.Name, "replaced")
		},
	},
	{
		"of two who replace a hash at once one does",
		"the step is atomic, or the second overwrites what the first has set",
		func(k UsersKit) error {
			r, ok := k.New().(basic.Rehasher)
			if !ok {
				return nil
			}
			var done atomic.Int32
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					if ok, err := r.UpdateHash(context.Background(), k.Name, k.Hash, fmt.Sprint("replaced", i)); ok && err == nil {
						done.Add(1)
					}
				})
			}
			wg.Wait()
			if got := done.Load(); got != 1 {
				return fmt.Errorf("got %d of 16 done, want 1", got)
			}
			return nil
		},
	},
}

func wantHash(u basic.Users, name, hash string) error {
	user, ok, err := u.Find(context.Background(), name)
	if err != nil || !ok || user.Name != name || user.PasswordHash != hash {
		return fmt.Errorf("got the name %q, %v, %w, and the hash right %v; want %q", user.Name, ok, err, user.PasswordHash == hash, name)
	}
	return nil
}
