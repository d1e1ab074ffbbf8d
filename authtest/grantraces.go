package authtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// oneWinner runs a step in all workers at once, and counts who succeeded.
func (k GrantStoreKit) oneWinner(lost error, do func(i int) error) error {
	var won atomic.Int64
	errs := make([]error, k.Workers)
	contend(k.Workers, func(i int) {
		switch err := do(i); {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, lost):
			errs[i] = err
		}
	})
	if n := won.Load(); n != 1 {
		return errors.Join(fmt.Errorf("got %d of %d that succeeded, want 1", n, k.Workers), errors.Join(errs...))
	}
	return errors.Join(errs...)
}

func (k GrantStoreKit) eachRound(do func() error) error {
	for round := range k.Rounds {
		if err := do(); err != nil {
			return fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	return nil
}

func raceCreate(k GrantStoreKit, s refresh.Store) error {
	return k.eachRound(func() error {
		g := k.grant()
		return k.oneWinner(refresh.ErrExists, func(int) error { return s.Create(context.Background(), g) })
	})
}

func raceSwap(k GrantStoreKit, s refresh.Store) error {
	return k.eachRound(func() error {
		g, err := k.created(s)
		if err != nil {
			return err
		}
		return k.oneWinner(refresh.ErrConflict, func(i int) error {
			next := g
			next.Version, next.Body = 2, []byte(strconv.Itoa(i))
			return s.Swap(context.Background(), g, next)
		})
	})
}

var errSeen = errors.New("seen before")

func raceOnce(k GrantStoreKit, s refresh.Store) error {
	return k.eachRound(func() error {
		key := k.grant().Subject
		return k.oneWinner(errSeen, func(int) error {
			first, err := s.Once(context.Background(), key, k.Now().Add(time.Minute))
			if err == nil && !first {
				return errSeen
			}
			return err
		})
	})
}

// hookedStore is a store with something before and after each write and before each read.
type hookedStore struct {
	refresh.Store
	before, after func() error
}

func (s hookedStore) Find(ctx context.Context, id refresh.GrantID) (refresh.Grant, error) {
	if s.before == nil {
		_ = s.after()
	}
	return s.Store.Find(ctx, id)
}

func (s hookedStore) Swap(ctx context.Context, old, next refresh.Grant) error {
	if s.before != nil {
		if err := s.before(); err != nil {
			return err
		}
	}
	err := s.Store.Swap(ctx, old, next)
	if s.after != nil {
		if e := s.after(); e != nil {
			return e
		}
	}
	return err
}

// issuer puts an issuer on a store.
func (k GrantStoreKit) issuer(s refresh.Store) (*refresh.Issuer, error) {
	access := func(_ context.Context, a refresh.Access) (refresh.AccessToken, error) {
		return refresh.AccessToken{Token: a.Session, ExpiresAt: a.Now.Add(time.Minute)}, nil
	}
	return refresh.New(refresh.Config{
		Store: s, Access: refresh.AccessFunc(access), Keys: [][]byte{bytes.Repeat([]byte("k"), 32)},
		Clock: k.Now, Grace: refresh.MaxGrace,
	})
}

func raceRefresh(k GrantStoreKit, s refresh.Store) error { return k.redeem(s, s) }

const storeDelay = 2 * time.Millisecond

func raceRefreshSlow(k GrantStoreKit, s refresh.Store) error {
	k.Rounds = k.SlowRounds
	return k.redeem(s, hookedStore{Store: s, after: func() error { <-time.After(storeDelay); return nil }})
}

var errInjected = errors.New("a failure made by the test")

// raceRefreshFailing fails two writes of three.
func raceRefreshFailing(before bool) func(GrantStoreKit, refresh.Store) error {
	return func(k GrantStoreKit, s refresh.Store) error {
		var n atomic.Int64
		fail := func() error {
			if n.Add(1)%3 != 0 {
				return errInjected
			}
			return nil
		}
		none := func() error { return nil }
		if before {
			return k.redeem(s, hookedStore{Store: s, before: fail, after: none})
		}
		return k.redeem(s, hookedStore{Store: s, before: none, after: fail})
	}
}

// redeem lets all workers use one refresh token of a session on a store with disturbances. Whatever happens to whom,
// the token has one successor, which works.
func (k GrantStoreKit) redeem(plain, disturbed refresh.Store) error {
	ctx := context.Background()
	calm, err := k.issuer(plain)
	if err != nil {
		return err
	}
	issuer, err := k.issuer(disturbed)
	if err != nil {
		return err
	}
	return k.eachRound(func() error {
		first, err := calm.Issue(ctx, refresh.Login{Subject: "s"})
		if err != nil {
			return err
		}
		results := make([]string, k.Workers)
		errs := make([]error, k.Workers)
		contend(k.Workers, func(i int) {
			tokens, err := issuer.Refresh(ctx, refresh.Request{Token: first.RefreshToken})
			results[i] = tokens.RefreshToken
			if err != nil && (!errors.Is(err, errInjected) || auth.KindOf(err) != auth.KindUnavailable) {
				errs[i] = err
			}
		})
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("refresh: %w", err)
		}
		// The client tries again, and goes on with what it gets.
		again, err := calm.Refresh(ctx, refresh.Request{Token: first.RefreshToken})
		if err != nil {
			return fmt.Errorf("refresh, again: %w", err)
		}
		for _, token := range results {
			if token != "" && token != again.RefreshToken {
				return errors.New("got two successors of one refresh token")
			}
		}
		if _, err := calm.Refresh(ctx, refresh.Request{Token: again.RefreshToken}); err != nil {
			return fmt.Errorf("refresh of the successor: %w", err)
		}
		return nil
	})
}

// raceRevoke lets workers refresh a session, one after the other's token, while it is revoked.
func raceRevoke(k GrantStoreKit, s refresh.Store) error {
	const workers = 8
	ctx := context.Background()
	issuer, err := k.issuer(s)
	if err != nil {
		return err
	}
	return k.eachRound(func() error {
		first, err := issuer.Issue(ctx, refresh.Login{Subject: "s"})
		if err != nil {
			return err
		}
		last := make([]string, workers+1)
		errs := make([]error, workers+1)
		contend(workers+1, func(i int) {
			if i == workers {
				errs[i], last[i] = issuer.RevokeSession(ctx, first.Session), first.RefreshToken
				return
			}
			last[i] = first.RefreshToken
			for range 200 { // far more than a revocation takes
				tokens, err := issuer.Refresh(ctx, refresh.Request{Token: last[i]})
				if err != nil {
					if !errors.Is(err, refresh.ErrInvalid) && !errors.Is(err, refresh.ErrConflict) {
						errs[i] = err
					}
					return
				}
				last[i] = tokens.RefreshToken
			}
		})
		if err := errors.Join(errs...); err != nil {
			return err
		}
		if live, err := issuer.Live(ctx, first.Session); err != nil || live {
			return fmt.Errorf("live: got %v, error %v, want false", live, err)
		}
		for _, token := range last {
			if _, err := issuer.Refresh(ctx, refresh.Request{Token: token}); !errors.Is(err, refresh.ErrInvalid) {
				return fmt.Errorf("refresh after the revocation: got error %v, want ErrInvalid", err)
			}
		}
		return nil
	})
}
