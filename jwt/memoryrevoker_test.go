package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

const maxDuration = time.Duration(1<<63 - 1)

func newRevoker(clock func() time.Time) *jwt.MemoryRevoker {
	return must(jwt.NewMemoryRevoker(jwt.MemoryRevokerConfig{Clock: clock}))
}

// revokeOthers makes a revoker forget what may be forgotten.
func revokeOthers(t *testing.T, m *jwt.MemoryRevoker, clock func() time.Time) {
	t.Helper()
	for i := range 100 {
		if err := m.RevokeToken(testIssuer, fmt.Sprint("other", i), clock().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRevocationsOfWhatDoesNotExpireAreNotForgotten(t *testing.T) {
	forever := func(c *jwt.Config) { c.Profile, c.InsecureNoExpiry = jwt.ProfileLegacy, true }
	for _, tt := range []struct {
		name   string
		revoke func(*jwt.MemoryRevoker) error
	}{
		{"a token", func(m *jwt.MemoryRevoker) error { return m.RevokeToken(testIssuer, "t1", time.Time{}) }},
		{"a session", func(m *jwt.MemoryRevoker) error { return m.RevokeSession(testIssuer, "s1", time.Time{}) }},
		{"a subject", func(m *jwt.MemoryRevoker) error {
			return m.RevokeSubject(testIssuer, "alice", testTime.Add(time.Second), maxDuration)
		}},
	} {
		clock := newFakeClock()
		m := newRevoker(clock.Now)
		if err := tt.revoke(m); err != nil {
			t.Fatal(err)
		}
		clock.advance(100 * 365 * day)
		revokeOthers(t, m, clock.Now)
		err := verifyGood(t, func(c *jwt.Config) { forever(c); c.Revoker = m }, object{"exp": nil, "sid": "s1"})
		if !errors.Is(err, jwt.ErrRevoked) {
			t.Errorf("%s: got %v, want ErrRevoked", tt.name, err)
		}
	}
}

func TestASubjectIsNotRevokedForNoTime(t *testing.T) {
	m := newRevoker(testClock)
	for _, lifetime := range []time.Duration{0, -time.Hour} {
		if err := m.RevokeSubject(testIssuer, "alice", testTime, lifetime); err == nil || m.Len() != 0 {
			t.Errorf("a lifetime of %v: got %v and %d entries, want an error", lifetime, err, m.Len())
		}
	}
}

// However many entries have had their time at once, a revocation forgets a bounded number of them, and all of them leave
// before long.
func TestMemoryRevokerForgetsByAndBy(t *testing.T) {
	clock := newFakeClock()
	m := newRevoker(clock.Now)
	for i := range 1000 {
		if err := m.RevokeToken(testIssuer, fmt.Sprint(i), testTime.Add(time.Duration(i%7)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	clock.advance(day)
	revoke := func() {
		if err := m.RevokeToken(testIssuer, "last", clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	revoke()
	if n := m.Len(); n < 500 || n > 900 {
		t.Errorf("got %d entries after one more revocation, want some of 1000 forgotten, and not all at once", n)
	}
	for range 10 {
		revoke()
	}
	if n := m.Len(); n != 1 {
		t.Errorf("got %d entries, want 1", n)
	}
}

type contextRevoker func(ctx context.Context) (bool, error)

func (f contextRevoker) Revoked(ctx context.Context, _ *jwt.Claims) (bool, error) { return f(ctx) }

func TestIgnoredRevokerErrorsDoNotSkipARevocation(t *testing.T) {
	verify := func(ctx context.Context, r jwt.Revoker) error {
		v := newVerifier(func(c *jwt.Config) { c.Revoker, c.InsecureIgnoreRevokerErrors = r, true })
		_, err := v.Verify(ctx, sign(goodHeader, goodClaims(nil)))
		return err
	}
	err := verify(t.Context(), contextRevoker(func(context.Context) (bool, error) { return true, errors.New("cache write failed") }))
	if auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("revoked with an error beside it: got %v, want unavailable", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel() // the client hung up: its doing, not the store's failure
	err = verify(ended, contextRevoker(func(ctx context.Context) (bool, error) { return false, ctx.Err() }))
	if auth.KindOf(err) != auth.KindUnavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that hung up: got %v, want unavailable", err)
	}
}
