package apikey_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
)

func TestAKeyEndsAtItsExpiryToTheMicrosecond(t *testing.T) {
	v := newService(t, setup{})
	end := v.issued.Record.ExpiresAt
	v.clock.t = end.Add(-time.Second)
	v.want(v.send(v.key()), 200, "")
	v.clock.t = end.Add(-time.Microsecond)
	v.want(v.send(v.key()), 200, "")
	v.clock.t = end
	v.want(v.send(v.key()), 401, auth.ReasonExpired)
	v.clock.t = end.Add(time.Second)
	v.want(v.send(v.key()), 401, auth.ReasonExpired)
}

func TestAKeyOutOfForceIsAnsweredLikeAWrongOne(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*service)
		reason auth.Reason
		text   string
	}{
		{"revoked", func(v *service) { must(t, v.keys.Revoke(t.Context(), v.issued.Record.ID, "lost")) }, auth.ReasonRevoked, "revoked"},
		{"disabled", func(v *service) { must(t, v.keys.Disable(t.Context(), v.issued.Record.ID)) }, auth.ReasonDisabled, "disabled"},
		{"not yet valid", func(v *service) { v.clock.Add(-2 * time.Hour) }, auth.ReasonNotYetValid, "not valid yet"},
		{"expired", func(v *service) { v.clock.Add(91 * 24 * time.Hour) }, auth.ReasonExpired, "expired"},
		{"superseded", func(v *service) {
			_, err := v.keys.Rotate(t.Context(), v.issued.Record.ID, 0)
			must(t, err)
		}, apikey.ReasonSuperseded, "replaced"},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, explain := range []bool{false, true} {
				v := newService(t, setup{
					config: func(c *apikey.Config) { c.ExplainRefusals = explain },
					key:    func(r *apikey.Request) { r.NotBefore = newClock().Now().Add(-time.Hour) },
				})
				wrong := v.send(sealed("acme_live_" + v.issued.Record.ID + "_" + strings.Repeat("w", 32)))
				row.change(v)
				a := v.send(v.key())
				v.want(a, 401, row.reason)
				if a.event.CredentialID != v.issued.Record.ID {
					t.Errorf("the event names %q", a.event.CredentialID)
				}
				if told := a.body != wrong.body; told != explain {
					t.Errorf("explained: %t, want %t: %s", told, explain, a.body)
				}
				if explain && !strings.Contains(a.body, row.text) {
					t.Errorf("got %s, want the word %q", a.body, row.text)
				}
				stillWrong := v.send(sealed("acme_live_" + v.issued.Record.ID + "_" + strings.Repeat("w", 32)))
				if stillWrong.body != wrong.body {
					t.Errorf("without the secret somebody learns: %s", stillWrong.body)
				}
			}
		})
	}
}

func TestAKeyOfAnotherEnvironmentIsNotRotatedHere(t *testing.T) {
	v := newService(t, setup{})
	elsewhere := newKeys(t, func(c *apikey.Config) { c.Store, c.Clock, c.Environment = v.store, v.clock.Now, "test" })
	if _, err := elsewhere.Rotate(t.Context(), v.issued.Record.ID, 0); !errors.Is(err, apikey.ErrState) {
		t.Errorf("got %v, want ErrState", err)
	}
	v.want(v.send(v.key()), 200, "") // it has no successor that works nowhere
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEnableUndoesDisable(t *testing.T) {
	v := newService(t, setup{})
	id := v.issued.Record.ID
	must(t, v.keys.Disable(t.Context(), id))
	must(t, v.keys.Disable(t.Context(), id))
	v.want(v.send(v.key()), 401, auth.ReasonDisabled)
	must(t, v.keys.Enable(t.Context(), id))
	v.want(v.send(v.key()), 200, "")
}

func TestRevocationIsFinalIdempotentAndImmediate(t *testing.T) {
	v := newService(t, setup{})
	id := v.issued.Record.ID
	v.want(v.send(v.key()), 200, "")
	must(t, v.keys.Revoke(t.Context(), id, "first"))
	v.want(v.send(v.key()), 401, auth.ReasonRevoked)
	at := v.clock.Now()
	v.clock.Add(time.Hour)
	must(t, v.keys.Revoke(t.Context(), id, "second"))
	r, err := v.keys.Find(t.Context(), id)
	must(t, err)
	if r.RevokedReason != "first" || !r.RevokedAt.Equal(at) {
		t.Errorf("a second revocation changed the first: %q at %v", r.RevokedReason, r.RevokedAt)
	}
	for name, err := range map[string]error{"Enable": v.keys.Enable(t.Context(), id), "Disable": v.keys.Disable(t.Context(), id)} {
		if !errors.Is(err, apikey.ErrState) {
			t.Errorf("%s of a revoked key: got %v, want ErrState", name, err)
		}
	}
	if err := v.keys.Revoke(t.Context(), "AAAAAAAAAAAA", ""); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("got %v for an unknown id, want ErrNotFound", err)
	}
	if err := v.keys.Revoke(t.Context(), id, "line\nbreak"); err == nil {
		t.Error("a reason with a line break was taken")
	}
}

func TestARotatedKeyGoesOnForItsGrace(t *testing.T) {
	v := newService(t, setup{key: func(r *apikey.Request) { r.Metadata = map[string]string{"team": "a"} }})
	v.clock.Add(time.Hour)
	next, err := v.keys.Rotate(t.Context(), v.issued.Record.ID, 24*time.Hour)
	must(t, err)
	old := v.issued.Record
	if next.Record.ID == old.ID || next.Record.Family != old.Family || next.Record.RotatedFrom != old.ID ||
		next.Record.Name != old.Name || !slices.Equal(next.Record.Scopes, old.Scopes) || next.Record.Metadata["team"] != "a" {
		t.Errorf("got successor %+v of %+v", next.Record, old)
	}
	if got, want := next.Record.ExpiresAt.Sub(next.Record.CreatedAt), old.ExpiresAt.Sub(old.CreatedAt); got != want {
		t.Errorf("the successor lives %v, want %v", got, want)
	}
	v.want(v.send(v.key()), 200, "")
	v.want(v.send(next.Secret.Reveal()), 200, "")
	v.clock.Add(24 * time.Hour)
	v.want(v.send(v.key()), 401, apikey.ReasonSuperseded)
	v.want(v.send(next.Secret.Reveal()), 200, "")
}

func TestGraceNeverLengthensALife(t *testing.T) {
	v := newService(t, setup{key: func(r *apikey.Request) { r.ExpiresAt = newClock().Now().Add(time.Hour) }})
	_, err := v.keys.Rotate(t.Context(), v.issued.Record.ID, 24*time.Hour)
	must(t, err)
	r, err := v.keys.Find(t.Context(), v.issued.Record.ID)
	must(t, err)
	if !r.ExpiresAt.Equal(v.issued.Record.ExpiresAt) {
		t.Errorf("the old key ends %v, want %v", r.ExpiresAt, v.issued.Record.ExpiresAt)
	}
}

func TestOnlyAKeyInForceIsRotatedAndOnlyOnce(t *testing.T) {
	for name, change := range map[string]func(*service) error{
		"revoked":  func(v *service) error { return v.keys.Revoke(t.Context(), v.issued.Record.ID, "") },
		"disabled": func(v *service) error { return v.keys.Disable(t.Context(), v.issued.Record.ID) },
		"expired":  func(v *service) error { v.clock.Add(91 * 24 * time.Hour); return nil },
		"rotated": func(v *service) error {
			_, err := v.keys.Rotate(t.Context(), v.issued.Record.ID, time.Hour)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newService(t, setup{})
			must(t, change(v))
			before, err := v.keys.List(t.Context(), "", "alice", "", 0)
			must(t, err)
			if _, err := v.keys.Rotate(t.Context(), v.issued.Record.ID, time.Hour); !errors.Is(err, apikey.ErrState) {
				t.Errorf("got %v, want ErrState", err)
			}
			after, err := v.keys.List(t.Context(), "", "alice", "", 0)
			must(t, err)
			if len(after.Records) != len(before.Records) {
				t.Errorf("%d keys became %d", len(before.Records), len(after.Records))
			}
		})
	}
	v := newService(t, setup{})
	for _, grace := range []time.Duration{-1, apikey.MaxGrace + 1} {
		if _, err := v.keys.Rotate(t.Context(), v.issued.Record.ID, grace); !isRequestError(err) {
			t.Errorf("grace %v: got %v, want a RequestError", grace, err)
		}
	}
}

func isRequestError(err error) bool {
	var e *apikey.RequestError
	return errors.As(err, &e)
}

func TestASecondRotationEndsTheFirstPredecessor(t *testing.T) {
	v := newService(t, setup{})
	second, err := v.keys.Rotate(t.Context(), v.issued.Record.ID, 24*time.Hour)
	must(t, err)
	third, err := v.keys.Rotate(t.Context(), second.Record.ID, 24*time.Hour)
	must(t, err)
	v.want(v.send(v.key()), 401, apikey.ReasonSuperseded)
	v.want(v.send(second.Secret.Reveal()), 200, "")
	v.want(v.send(third.Secret.Reveal()), 200, "")
	if third.Record.Family != v.issued.Record.ID {
		t.Errorf("the family is %q, want %q", third.Record.Family, v.issued.Record.ID)
	}
	v.clock.Add(25 * time.Hour) // the predecessor may be deleted by then
	_, err = v.keys.DeleteExpired(t.Context(), v.clock.Now())
	must(t, err)
	_, err = v.keys.Rotate(t.Context(), third.Record.ID, 0)
	must(t, err)
}

func TestOfTwoRotationsOneWins(t *testing.T) {
	v := newService(t, setup{})
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() { _, errs[i] = v.keys.Rotate(t.Context(), v.issued.Record.ID, time.Hour) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, apikey.ErrState) {
			t.Errorf("a loser got %v, want ErrState", err)
		}
	}
	page, err := v.keys.List(t.Context(), "", "alice", "", 0)
	must(t, err)
	if won != 1 || len(page.Records) != 2 {
		t.Errorf("%d rotations won and there are %d keys, want 1 and 2", won, len(page.Records))
	}
}

func TestConcurrentChangesAreAllApplied(t *testing.T) {
	v := newService(t, setup{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _ = v.keys.Disable(t.Context(), v.issued.Record.ID) })
		wg.Go(func() { _ = v.keys.Enable(t.Context(), v.issued.Record.ID) })
	}
	wg.Go(func() {
		if err := v.keys.Revoke(t.Context(), v.issued.Record.ID, "lost"); err != nil {
			t.Errorf("got %v, want the revocation to find its turn", err)
		}
	})
	wg.Wait()
	r, err := v.keys.Find(t.Context(), v.issued.Record.ID)
	must(t, err)
	if r.RevokedAt.IsZero() {
		t.Error("the revocation was lost")
	}
}

func TestARecordThatNeverSettlesIsAnOutage(t *testing.T) {
	v := newService(t, setup{})
	v.store.update = func(_ context.Context, _ *apikey.Record) error { return apikey.ErrConflict }
	refused(t, v.keys.Disable(t.Context(), v.issued.Record.ID), auth.KindUnavailable, auth.ReasonUnavailable)
}

func TestListsArePaged(t *testing.T) {
	v := newService(t, setup{})
	want := []string{v.issued.Record.ID}
	for range 6 {
		v.clock.Add(time.Second)
		want = append(want, mustCreate(t, v.keys, nil).Record.ID)
	}
	mustCreate(t, v.keys, func(r *apikey.Request) { r.Subject = "bob" })
	mustCreate(t, v.keys, func(r *apikey.Request) { r.Issuer = "https://idp.example" })
	var got []string
	for after, pages := "", 0; ; pages++ {
		page, err := v.keys.List(t.Context(), "", "alice", after, 3)
		must(t, err)
		for _, r := range page.Records {
			if r.Digest != "" {
				t.Error("a digest is in the list")
			}
			got = append(got, r.ID)
		}
		if after = page.Next; after == "" || pages > 5 {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, after := range []string{"x", "!.AAAAAAAAAAAA", "1." + strings.Repeat("A", 100), "1.'--"} {
		if _, err := v.keys.List(t.Context(), "", "alice", after, 3); !isRequestError(err) {
			t.Errorf("after %q: got %v, want a RequestError", after, err)
		}
	}
}

func TestExpiredKeysAreDeletedAndNoOthers(t *testing.T) {
	v := newService(t, setup{})
	for range 3 {
		mustCreate(t, v.keys, func(r *apikey.Request) { r.ExpiresAt = v.clock.Now().Add(time.Hour) })
	}
	if _, err := v.keys.DeleteExpired(t.Context(), v.clock.Now().Add(time.Second)); err == nil {
		t.Error("a time in the future was taken")
	}
	v.clock.Add(2 * time.Hour)
	if n, err := v.keys.DeleteExpired(t.Context(), v.clock.Now()); n != 3 || err != nil {
		t.Errorf("got %d, %v, want 3", n, err)
	}
	v.want(v.send(v.key()), 200, "")
}

func TestEveryChangeIsReported(t *testing.T) {
	var got []string
	v := newService(t, setup{config: func(c *apikey.Config) {
		c.OnChange = func(_ context.Context, c apikey.Change) {
			got = append(got, string(c.Action)+" "+c.Reason+c.LogValue().String()[:1])
		}
	}})
	id := v.issued.Record.ID
	must(t, v.keys.Disable(t.Context(), id))
	must(t, v.keys.Enable(t.Context(), id))
	second, err := v.keys.Rotate(t.Context(), id, time.Hour)
	must(t, err)
	_, err = v.keys.Rotate(t.Context(), second.Record.ID, time.Hour)
	must(t, err)
	must(t, v.keys.Revoke(t.Context(), second.Record.ID, "lost"))
	want := "created [,disabled [,enabled [,rotated [,ended [,rotated [,revoked lost["
	if s := strings.Join(got, ","); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestALeakedKeyIsRevokedOnlyByWhoHasIt(t *testing.T) {
	v := newService(t, setup{})
	forged := sealed("acme_live_" + v.issued.Record.ID + "_" + strings.Repeat("w", 32))
	_, err := v.keys.RevokeLeaked(t.Context(), forged, "leaked")
	refused(t, err, auth.KindInvalid, auth.ReasonMismatch)
	_, err = v.keys.RevokeLeaked(t.Context(), "garbage", "leaked")
	refused(t, err, auth.KindInvalid, auth.ReasonUnrecognized)
	v.want(v.send(v.key()), 200, "")
	must(t, v.keys.Disable(t.Context(), v.issued.Record.ID)) // whatever its state
	r, err := v.keys.RevokeLeaked(t.Context(), v.key(), "leaked")
	must(t, err)
	if r.RevokedReason != "leaked" {
		t.Errorf("got reason %q", r.RevokedReason)
	}
	v.want(v.send(v.key()), 401, auth.ReasonRevoked)
	if _, err := v.keys.RevokeLeaked(t.Context(), v.key(), "bad\nreason"); !isRequestError(err) {
		t.Errorf("got %v for a bad reason", err)
	}
}
