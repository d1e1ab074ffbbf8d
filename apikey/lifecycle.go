package apikey

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-go/auth"
)

// ErrState says that a key is not in a state that allows what was asked: only a key in force is rotated, and only once;
// a revoked key stays revoked.
var ErrState = errors.New("apikey: the key's state does not allow this")

// Rotate replaces a key by a new one of the same owner, scopes, networks and family, which lives as long as the old key
// was meant to. The old key goes on for grace, up to [MaxGrace]. Grace has no default because both answers are common: 0
// after a leak, days for routine. It never makes a life longer. Only a key in force can be rotated, and once. Where it
// is itself the successor of a key in its grace, that one ends.
func (k *Keys) Rotate(ctx context.Context, id string, grace time.Duration) (*Issued, error) {
	return k.rotate(ctx, id, grace, "", func(*Record, *Record) error { return nil })
}

// rotate asks allow before it changes anything; allow may shorten the successor's life. A change by somebody else, such
// as the upgrade of a digest, is looked at anew.
func (k *Keys) rotate(ctx context.Context, id string, grace time.Duration, by string, allow func(old, next *Record) error) (*Issued, error) {
	if grace < 0 || grace > MaxGrace {
		return nil, &RequestError{[]string{fmt.Sprintf("Grace: use 0 to %s", MaxGrace)}}
	}
	for range changeTries {
		issued, err := k.rotateOnce(ctx, id, grace, by, allow)
		if !errors.Is(err, ErrConflict) {
			return issued, err
		}
	}
	return nil, auth.Unavailable(ErrConflict)
}

func (k *Keys) rotateOnce(ctx context.Context, id string, grace time.Duration, by string, allow func(old, next *Record) error) (*Issued, error) {
	found, err := k.find(ctx, id)
	if err != nil {
		return nil, err
	}
	next := k.successor(found, by)
	if err := allow(found, next); err != nil {
		return nil, err
	}
	if k.standing(found, k.now()) != nil || found.RotatedTo != "" || !k.issues(found) {
		return nil, ErrState
	}
	secret, err := k.generate(next)
	if err != nil {
		return nil, err
	}
	if err := k.endPredecessor(ctx, found, by); err != nil {
		return nil, err
	}
	old := found.Clone()
	old.RotatedTo = next.ID
	if end := k.now().Add(grace); end.Before(old.ExpiresAt) {
		old.ExpiresAt = end
	}
	if err := k.c.Store.Rotate(ctx, old, next); err != nil {
		return nil, changeError(err)
	}
	k.changed(ctx, ActionRotated, old, by)
	return &Issued{secret, public(next)}, nil
}

// issues reports whether a key of r's kind and environment can be made here. A store may be shared by environments: the
// successor of another's key would be refused there and here, and the key would be lost.
func (k *Keys) issues(r *Record) bool {
	return r.Environment == k.c.Environment && k.head(r.Kind) != nil
}

func (k *Keys) successor(old *Record, by string) *Record {
	next := old.Clone()
	next.CreatedAt = k.now()
	next.CreatedBy = by
	next.NotBefore, next.LastUsedAt = time.Time{}, time.Time{}
	next.ExpiresAt = next.CreatedAt.Add(min(old.ExpiresAt.Sub(old.CreatedAt), k.c.MaxLifetime))
	next.RotatedFrom, next.RotatedTo, next.Version = old.ID, "", 1
	return next
}

// endPredecessor ends the key that r replaced, if its grace still runs. A rotation that fails after this has cost the
// owner only that.
func (k *Keys) endPredecessor(ctx context.Context, r *Record, by string) error {
	if r.RotatedFrom == "" {
		return nil
	}
	err := k.change(ctx, r.RotatedFrom, ActionEnded, by, func(old *Record) error {
		now := k.now()
		if !now.Before(old.ExpiresAt) {
			return errUnchanged
		}
		old.ExpiresAt = now
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		return nil // deleted after it had expired
	}
	return err
}

// Revoke withdraws a key for good, at once. Revoking it again changes nothing and is no error. The reason is for the
// record: up to 200 bytes.
func (k *Keys) Revoke(ctx context.Context, id, reason string) error {
	return k.revoke(ctx, id, reason, "", func(*Record) error { return nil })
}

func (k *Keys) revoke(ctx context.Context, id, reason, by string, allow func(*Record) error) error {
	var e RequestError
	if e.text("Reason", reason, maxReasonBytes); e.or() != nil {
		return &e
	}
	return k.change(ctx, id, ActionRevoked, by, func(r *Record) error {
		if err := allow(r); err != nil {
			return err
		}
		if !r.RevokedAt.IsZero() {
			return errUnchanged
		}
		r.RevokedAt, r.RevokedReason = k.now(), reason
		return nil
	})
}

// RevokeLeaked revokes the key that text is, whatever its state, and returns its record: for a report of a leak, which
// anybody can write, with an id that anybody can know. A text that is no key of this service, or has a wrong secret, is
// refused as [Keys.Verify] refuses it and revokes nothing.
func (k *Keys) RevokeLeaked(ctx context.Context, text, reason string) (*Record, error) {
	p, err := k.recognize(text)
	if err != nil {
		return nil, err
	}
	r, _, err := k.prove(ctx, p, text)
	if err != nil {
		return nil, err
	}
	if err := k.Revoke(ctx, r.ID, reason); err != nil {
		return nil, err
	}
	return k.Find(ctx, r.ID)
}

// Disable switches a key off until [Keys.Enable]. A revoked key is [ErrState].
func (k *Keys) Disable(ctx context.Context, id string) error {
	return k.setDisabled(ctx, id, ActionDisabled, true)
}

// Enable switches a key on again. A revoked key is [ErrState].
func (k *Keys) Enable(ctx context.Context, id string) error {
	return k.setDisabled(ctx, id, ActionEnabled, false)
}

func (k *Keys) setDisabled(ctx context.Context, id string, action Action, disabled bool) error {
	return k.change(ctx, id, action, "", func(r *Record) error {
		switch {
		case !r.RevokedAt.IsZero():
			return ErrState
		case r.Disabled == disabled:
			return errUnchanged
		}
		r.Disabled = disabled
		return nil
	})
}

// Find returns the record of a key, without its digest, or [ErrNotFound].
func (k *Keys) Find(ctx context.Context, id string) (*Record, error) {
	r, err := k.find(ctx, id)
	if err != nil {
		return nil, err
	}
	shown := public(r)
	return &shown, nil
}

// A Page is a part of a list of keys.
type Page struct {
	Records []Record
	// Next asks for the page after this one; "" on the last.
	Next string
}

// MaxPage is the most keys that a page holds.
const MaxPage = 100

// List returns a page of a party's keys, oldest first, without digests: the first page for after "", then that of
// [Page.Next]. A limit of 0 or less, or above [MaxPage], is MaxPage.
func (k *Keys) List(ctx context.Context, issuer, subject, after string, limit int) (*Page, error) {
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	q := Query{Issuer: issuer, Subject: subject, Limit: limit}
	if after != "" {
		micros, id, _ := strings.Cut(after, ".")
		n, err := strconv.ParseInt(micros, 36, 64)
		if err != nil || !isID(id) {
			return nil, &RequestError{[]string{"After: use Next of the page before"}}
		}
		q.AfterTime, q.AfterID = time.UnixMicro(n).UTC(), id
	}
	found, err := k.c.Store.List(ctx, q)
	if err != nil {
		return nil, storeError(err)
	}
	page := &Page{Records: make([]Record, len(found))}
	for i, r := range found {
		// A database that compares text loosely takes Alice for alice.
		if r == nil || r.Issuer != issuer || r.Subject != subject {
			return nil, storeError(errWrongRecord)
		}
		page.Records[i] = public(r)
	}
	if len(found) >= limit {
		last := found[len(found)-1]
		page.Next = strconv.FormatInt(last.CreatedAt.UnixMicro(), 36) + "." + last.ID
	}
	return page, nil
}

// DeleteExpired removes records of keys that ended before the time given, which can't be in the future, and returns how
// many. Until then a key's record stays, also of one that was revoked: keep them as long as you answer questions about
// them. Call it now and then; it deletes in steps of 1000.
func (k *Keys) DeleteExpired(ctx context.Context, before time.Time) (int, error) {
	if before.After(k.now()) {
		return 0, errors.New("apikey: DeleteExpired: the time is in the future, where keys are still in force: use one in the past")
	}
	const step = 1000
	total := 0
	for {
		if err := ctx.Err(); err != nil {
			return total, auth.Unavailable(err)
		}
		n, err := k.c.Store.DeleteExpired(ctx, wholeMicros(before), step)
		total += n
		if err != nil {
			return total, storeError(err)
		}
		if n < step {
			return total, nil
		}
	}
}

var errUnchanged = errors.New("apikey: nothing to change")

// changeTries bounds how often a change is tried anew after somebody else's.
const changeTries = 8

// change reads a record, alters it and writes it back, anew where somebody else was faster.
func (k *Keys) change(ctx context.Context, id string, action Action, by string, alter func(*Record) error) error {
	for range changeTries {
		found, err := k.find(ctx, id)
		if err != nil {
			return err
		}
		r := found.Clone()
		if err := alter(r); errors.Is(err, errUnchanged) {
			return nil
		} else if err != nil {
			return err
		}
		err = k.c.Store.Update(ctx, r)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return changeError(err)
		}
		k.changed(ctx, action, r, by)
		return nil
	}
	return auth.Unavailable(ErrConflict)
}

// changeError passes the store's sentinels on and makes everything else an outage.
func changeError(err error) error {
	for _, known := range []error{ErrNotFound, ErrExists, ErrConflict, ErrFull} {
		if errors.Is(err, known) {
			return err
		}
	}
	return storeError(err)
}

// public is what may be shown of a record.
func public(r *Record) Record {
	c := r.Clone()
	c.Digest = ""
	return *c
}
