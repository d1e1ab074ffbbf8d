package apikey

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/cardea-go/auth"
)

// ErrState says that a key is not in a state that allows what was asked: only a key in force can be rotated, and a
// revoked one stays revoked.
var ErrState = errors.New("apikey: the key's state does not allow this")

// A Request says what a new key is to be. Subject is required.
type Request struct {
	// Issuer and Subject name the party that the key speaks for. Required, Issuer where the party has one.
	Issuer, Subject string
	// Tenant is the tenant that the key acts in, if any.
	Tenant string
	// Name is what its owner calls the key.
	Name string
	// Kind is one of [Config.Kinds]; "" where there are none.
	Kind string
	// Scopes are what the key may do. The zero set is nothing at all; an unlimited set is refused.
	Scopes auth.ScopeSet
	// NotBefore is when the key begins to work. Zero is at once.
	NotBefore time.Time
	// ExpiresAt is when it ends. Zero is [Config.Lifetime] from now; the latest is [Config.MaxLifetime] from now.
	ExpiresAt time.Time
	// CreatedBy names who made the key, for the record. It is not checked.
	CreatedBy string
}

// Issued is a new key: its text, which can't be had again, and its record.
type Issued struct {
	Secret Secret
	Record Record
}

// Create makes a key as the service itself: it asks nobody's leave.
func (k *Keys) Create(ctx context.Context, req Request) (*Issued, error) {
	r, err := k.record(req)
	if err != nil {
		return nil, err
	}
	secret, err := k.generate(r)
	if err != nil {
		return nil, err
	}
	if err := k.c.Store.Create(ctx, r); err != nil {
		return nil, changeError(err)
	}
	return &Issued{secret, public(r)}, nil
}

// record checks req and returns the record that it asks for, without an id.
func (k *Keys) record(req Request) (*Record, error) {
	now := k.now()
	r := &Record{
		Issuer: req.Issuer, Subject: req.Subject, Tenant: req.Tenant, Name: req.Name,
		Kind: req.Kind, Environment: k.c.Environment,
		CreatedAt: now, CreatedBy: req.CreatedBy, NotBefore: wholeMicros(req.NotBefore), ExpiresAt: wholeMicros(req.ExpiresAt),
		Version: 1,
	}
	for s := range req.Scopes.All() {
		r.Scopes = append(r.Scopes, s)
	}
	if r.ExpiresAt.IsZero() {
		r.ExpiresAt = now.Add(k.c.Lifetime)
	}
	var errs []error
	if req.Subject == "" {
		errs = append(errs, errors.New("apikey: Request.Subject is empty: name the party that the key speaks for"))
	}
	if req.Scopes.IsUnlimited() {
		errs = append(errs, errors.New("apikey: Request.Scopes is unlimited: name the scopes that the key needs"))
	}
	if k.head(req.Kind) == nil {
		errs = append(errs, fmt.Errorf("apikey: Request.Kind %q: use one of Config.Kinds", req.Kind))
	}
	if !r.ExpiresAt.After(now) || r.ExpiresAt.Sub(now) > k.c.MaxLifetime {
		errs = append(errs, fmt.Errorf("apikey: Request.ExpiresAt: use a time in the next %s", k.c.MaxLifetime))
	}
	return r, errors.Join(errs...)
}

func wholeMicros(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func (k *Keys) head(kind string) *head {
	for i := range k.format.heads {
		if h := &k.format.heads[i]; h.kind == kind && h.env == k.c.Environment {
			return h
		}
	}
	return nil
}

// generate gives r a new key: its id, its digest and, where it has none yet, its family.
func (k *Keys) generate(r *Record) (Secret, error) {
	key, id, err := generate(rand.Reader, k.head(r.Kind).text)
	if err != nil {
		return Secret{}, err
	}
	r.ID, r.Digest = id, k.digests.digest(key)
	if r.Family == "" {
		r.Family = id
	}
	return newSecret(key), nil
}

// Rotate replaces a key by a new one of the same owner, scopes and family. The old key goes on for grace, which has no
// default because both answers are common: 0 after a leak, days for routine; it never lives longer than it would have.
// Only a key in force can be rotated, and once. Where it is itself the successor of a key in its grace, that one ends.
func (k *Keys) Rotate(ctx context.Context, id string, grace time.Duration) (*Issued, error) {
	if grace < 0 || grace > MaxGrace {
		return nil, fmt.Errorf("apikey: grace %s: use 0 to %s", grace, MaxGrace)
	}
	found, err := k.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if k.standing(found) != nil || found.RotatedTo != "" {
		return nil, ErrState
	}
	now := k.now()
	next := found.Clone()
	next.CreatedAt, next.ExpiresAt = now, now.Add(min(found.ExpiresAt.Sub(found.CreatedAt), k.c.MaxLifetime))
	next.RotatedFrom, next.LastUsedAt, next.Version = found.ID, time.Time{}, 1
	secret, err := k.generate(next)
	if err != nil {
		return nil, err
	}
	old := found.Clone()
	old.RotatedTo = next.ID
	if end := now.Add(grace); end.Before(old.ExpiresAt) {
		old.ExpiresAt = end
	}
	if err := k.c.Store.Rotate(ctx, old, next); err != nil {
		return nil, changeError(err)
	}
	return &Issued{secret, public(next)}, nil
}

// Revoke withdraws a key for good, at once. Revoking it again changes nothing and is no error. The reason is for the
// record.
func (k *Keys) Revoke(ctx context.Context, id, reason string) error {
	_, err := k.change(ctx, id, func(r *Record) error {
		if !r.RevokedAt.IsZero() {
			return errUnchanged
		}
		r.RevokedAt, r.RevokedReason = k.now(), reason
		return nil
	})
	return err
}

var errUnchanged = errors.New("apikey: nothing to change")

// changeTries bounds how often a change is tried anew after somebody else's.
const changeTries = 8

// change reads a record, alters it and writes it back, anew where somebody else was faster.
func (k *Keys) change(ctx context.Context, id string, alter func(*Record) error) (*Record, error) {
	for range changeTries {
		found, err := k.find(ctx, id)
		if err != nil {
			return nil, err
		}
		r := found.Clone()
		if err := alter(r); errors.Is(err, errUnchanged) {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		err = k.c.Store.Update(ctx, r)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return nil, changeError(err)
		}
		return r, nil
	}
	return nil, ErrConflict
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
