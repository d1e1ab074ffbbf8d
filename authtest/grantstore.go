package authtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth/oauth2/refresh"
)

// GrantStoreKit is what the conformance kit needs to know about a store of grants.
type GrantStoreKit struct {
	// New returns a store, empty or one that the tests may fill as they like: ids, subjects, clients and keys of
	// theirs are random. It is called once for each rule. Required.
	New func() (refresh.Store, error)
	// Workers is how many goroutines contend for one grant. 0 is 50.
	Workers int
	// Rounds is how often each race is run, and SlowRounds how often the one with a store that waits for 2 ms at each
	// call. 0 is 20; 1,000 finds what 20 may miss.
	Rounds, SlowRounds int
	// Now is the store's clock. Nil is time.Now.
	Now func() time.Time
}

// TestGrantStore checks an implementation of [refresh.Store], and of [refresh.Lister] where it is one, against its
// contract, one subtest a rule. The last rules put an issuer of package refresh on the store, also with delays and
// failures in between, and let many clients use one refresh token at once.
func TestGrantStore(t *testing.T, kit GrantStoreKit) {
	t.Helper()
	run(t, kit.complete(), grantStoreRules)
}

// CheckGrantStore is [TestGrantStore] without a test: it returns the broken rules, joined, or nil.
func CheckGrantStore(kit GrantStoreKit) error { return all(kit.complete(), grantStoreRules) }

func (k GrantStoreKit) complete() GrantStoreKit {
	if k.Workers <= 0 {
		k.Workers = 50
	}
	if k.Rounds <= 0 {
		k.Rounds = 20
	}
	if k.SlowRounds <= 0 {
		k.SlowRounds = 20
	}
	if k.Now == nil {
		k.Now = time.Now
	}
	return k
}

var grantStoreRules = []rule[GrantStoreKit]{
	{
		"the kit is complete", "without a store there is nothing to check",
		func(k GrantStoreKit) error {
			if k.New == nil {
				return errors.New("set New")
			}
			_, err := k.New()
			return err
		},
	},
	onGrants("what is created is found as it was", "the body is the state that everything is decided by", checkGrantFound),
	onGrants("what is not there is ErrNotFound", "any other error is answered with 503, for ever", checkGrantAbsent),
	onGrants("an id is taken once", "a second grant under an id would replace somebody's session", checkGrantTaken),
	onGrants("an expired grant counts as absent", "its tombstone may be gone, and nothing may come back", checkGrantExpired),
	onGrants("Swap compares the version", "a late writer would undo a rotation or a revocation", checkGrantSwap),
	onGrants("Swap never adds a grant", "it would bring an ended session back", checkGrantSwapAdds),
	onGrants("grants are copied on the way in and out", "callers go on with the slices that they gave", checkGrantCopies),
	onGrants("Once is true once", "an assertion or a proof could be used again", checkGrantOnce),
	onGrants("a context that has ended hides nothing", "an outage must not look like a missing grant", checkGrantContext),
	onGrants("List returns pages in order of id", "logging out everywhere must reach every session", checkGrantList),
	onGrants("of many Creates of one id one succeeds", "creation is one atomic step", raceCreate),
	onGrants("of many Swaps of one version one succeeds", "all that happens once in OAuth rests on it", raceSwap),
	onGrants("of many Onces of one key one is true", "insertion is one atomic step", raceOnce),
	onGrants("many uses of one refresh token have one successor", "two successors are two sessions, one of them a thief's", raceRefresh),
	onGrants("the same with a slow store", "what holds by luck in memory breaks over a network", raceRefreshSlow),
	onGrants("the same with a store that fails before it writes", "a failure must not be answered with tokens", raceRefreshFailing(true)),
	onGrants("the same with a store that fails after it has written", "a failure must not fork the session", raceRefreshFailing(false)),
	onGrants("a revocation leaves no live token", "a refresh that was under way must not survive a logout", raceRevoke),
}

// onGrants makes a rule of a check of one store.
func onGrants(name, why string, check func(GrantStoreKit, refresh.Store) error) rule[GrantStoreKit] {
	return rule[GrantStoreKit]{name, why, func(k GrantStoreKit) error {
		s, err := k.New()
		if err != nil {
			return err
		}
		return check(k, s)
	}}
}

// grant returns a new grant that lives for an hour.
func (k GrantStoreKit) grant() refresh.Grant {
	g := refresh.Grant{
		Version: 1, Expires: k.Now().Add(time.Hour).Truncate(time.Millisecond), Subject: "s-" + rand.Text(), Client: "c-" + rand.Text(),
		Body: []byte("body \x00\xff " + rand.Text()),
	}
	_, _ = rand.Read(g.ID[:])
	return g
}

func (k GrantStoreKit) created(s refresh.Store) (refresh.Grant, error) {
	g := k.grant()
	if err := s.Create(context.Background(), g); err != nil {
		return g, fmt.Errorf("create: %w", err)
	}
	return g, nil
}

func sameGrant(got, want refresh.Grant) error {
	if got.ID != want.ID || got.Version != want.Version || !got.Expires.Equal(want.Expires) ||
		got.Subject != want.Subject || got.Client != want.Client || !bytes.Equal(got.Body, want.Body) {
		return fmt.Errorf("got %+v, want %+v", got, want)
	}
	return nil
}

func findsGrant(s refresh.Store, want refresh.Grant) error {
	got, err := s.Find(context.Background(), want.ID)
	if err != nil {
		return fmt.Errorf("find: %w", err)
	}
	return sameGrant(got, want)
}

func wantGrantError(what string, got error, want ...error) error {
	for _, w := range want {
		if errors.Is(got, w) {
			return nil
		}
	}
	return fmt.Errorf("%s: got error %v, want %v", what, got, want)
}

func checkGrantFound(k GrantStoreKit, s refresh.Store) error {
	g, err := k.created(s)
	if err != nil {
		return err
	}
	return findsGrant(s, g)
}

func checkGrantAbsent(k GrantStoreKit, s refresh.Store) error {
	_, err := s.Find(context.Background(), k.grant().ID)
	return wantGrantError("Find", err, refresh.ErrNotFound)
}

func checkGrantTaken(k GrantStoreKit, s refresh.Store) error {
	g, err := k.created(s)
	if err != nil {
		return err
	}
	other := k.grant()
	other.ID = g.ID
	return errors.Join(wantGrantError("Create", s.Create(context.Background(), other), refresh.ErrExists), findsGrant(s, g))
}

func checkGrantExpired(k GrantStoreKit, s refresh.Store) error {
	ctx := context.Background()
	g := k.grant()
	g.Expires = k.Now().Add(-time.Second)
	if err := s.Create(ctx, g); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	_, err := s.Find(ctx, g.ID)
	next := g
	next.Version, next.Expires = 2, k.Now().Add(time.Hour)
	errs := []error{
		wantGrantError("Find", err, refresh.ErrNotFound),
		wantGrantError("Swap", s.Swap(ctx, g, next), refresh.ErrNotFound, refresh.ErrConflict),
	}
	if l, ok := s.(refresh.Lister); ok {
		if list, err := l.List(ctx, refresh.Query{Subject: g.Subject, Limit: 10}); err != nil || len(list) != 0 {
			errs = append(errs, fmt.Errorf("list: got %d grants, error %v, want none", len(list), err))
		}
	}
	return errors.Join(errs...)
}

func checkGrantSwap(k GrantStoreKit, s refresh.Store) error {
	ctx := context.Background()
	g, err := k.created(s)
	if err != nil {
		return err
	}
	next := k.grant() // with another subject, client, body and end
	next.ID, next.Version = g.ID, 2
	next.Expires = g.Expires.Add(time.Minute)
	if err := s.Swap(ctx, g, next); err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	late := g
	late.Version = 2
	newer := next
	newer.Version = 3
	return errors.Join(
		findsGrant(s, next),
		wantGrantError("Swap of the old version", s.Swap(ctx, g, late), refresh.ErrConflict),
		wantGrantError("Swap of a version to come", s.Swap(ctx, newer, newer), refresh.ErrConflict),
		findsGrant(s, next),
	)
}

func checkGrantSwapAdds(k GrantStoreKit, s refresh.Store) error {
	ctx := context.Background()
	g := k.grant()
	next := g
	next.Version++
	err := s.Swap(ctx, g, next)
	_, found := s.Find(ctx, g.ID)
	return errors.Join(
		wantGrantError("Swap", err, refresh.ErrNotFound, refresh.ErrConflict),
		wantGrantError("Find", found, refresh.ErrNotFound),
	)
}

func checkGrantCopies(k GrantStoreKit, s refresh.Store) error {
	ctx := context.Background()
	g := k.grant()
	want := g
	want.Body = bytes.Clone(g.Body)
	if err := s.Create(ctx, g); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	g.Body[0] = '!'
	got, err := s.Find(ctx, g.ID)
	if err != nil {
		return fmt.Errorf("find: %w", err)
	}
	if err := sameGrant(got, want); err != nil {
		return err
	}
	got.Body[0] = '!'
	if err := findsGrant(s, want); err != nil {
		return err
	}
	next := want
	next.Version, next.Body = 2, []byte("next")
	if err := s.Swap(ctx, want, next); err != nil {
		return fmt.Errorf("swap: %w", err)
	}
	next.Body[0] = '!'
	next.Body = []byte("next")
	return findsGrant(s, next)
}

func checkGrantOnce(k GrantStoreKit, s refresh.Store) error {
	ctx := context.Background()
	for _, step := range []struct {
		what, key string
		until     time.Duration
		want      bool
	}{
		{"a new key", "a", time.Hour, true},
		{"a key that was seen", "a", time.Hour, false},
		{"another key", "b", -time.Second, true},
		{"a key whose time is over", "b", time.Hour, true},
		{"a key that was seen again", "b", time.Hour, false},
	} {
		first, err := s.Once(ctx, step.key, k.Now().Add(step.until))
		if err != nil || first != step.want {
			return fmt.Errorf("%s: got %v, error %v, want %v", step.what, first, err, step.want)
		}
	}
	return nil
}

func checkGrantContext(k GrantStoreKit, s refresh.Store) error {
	g, err := k.created(s)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var errs []error
	if _, err := s.Find(ctx, g.ID); errors.Is(err, refresh.ErrNotFound) {
		errs = append(errs, errors.New("Find: got ErrNotFound for a grant that is there"))
	}
	next := g
	next.Version++
	if err := s.Swap(ctx, g, next); errors.Is(err, refresh.ErrNotFound) || errors.Is(err, refresh.ErrConflict) {
		errs = append(errs, fmt.Errorf("swap: got %w for the version that is there", err))
	}
	return errors.Join(errs...)
}

func checkGrantList(k GrantStoreKit, s refresh.Store) error {
	l, ok := s.(refresh.Lister)
	if !ok {
		return nil
	}
	ctx := context.Background()
	const n = 7
	mine := k.grant()
	for i := range n {
		g := k.grant()
		g.Subject = mine.Subject
		if i%2 == 0 {
			g.Client = mine.Client
		}
		if err := s.Create(ctx, g); err != nil {
			return fmt.Errorf("create: %w", err)
		}
	}
	if _, err := k.created(s); err != nil { // somebody else's
		return err
	}
	for _, step := range []struct {
		q    refresh.Query
		want int
	}{
		{refresh.Query{Subject: mine.Subject}, n},
		{refresh.Query{Client: mine.Client}, n/2 + 1},
		{refresh.Query{Subject: mine.Subject, Client: mine.Client}, n/2 + 1},
		{refresh.Query{Subject: "nobody " + mine.Subject}, 0},
	} {
		if err := listsGrants(ctx, l, step.q, step.want); err != nil {
			return fmt.Errorf("list(%+v): %w", step.q, err)
		}
	}
	return nil
}

// listsGrants reads pages of three.
func listsGrants(ctx context.Context, l refresh.Lister, q refresh.Query, want int) error {
	q.Limit = 3
	for n := 0; ; {
		list, err := l.List(ctx, q)
		if err != nil {
			return err
		}
		for _, g := range list {
			if bytes.Compare(g.ID[:], q.After[:]) <= 0 {
				return fmt.Errorf("got %v after %v", g.ID, q.After)
			}
			if q.Subject != "" && g.Subject != q.Subject || q.Client != "" && g.Client != q.Client {
				return errors.New("got somebody else's grant")
			}
			q.After = g.ID
			n++
		}
		if len(list) > q.Limit {
			return fmt.Errorf("got a page of %d", len(list))
		}
		if len(list) < q.Limit {
			if n != want {
				return fmt.Errorf("got %d grants, want %d", n, want)
			}
			return nil
		}
	}
}

// contend runs n calls at once.
func contend(n int, do func(i int)) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		wg.Go(func() { <-gate; do(i) })
	}
	close(gate)
	wg.Wait()
}
