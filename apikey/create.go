package apikey

import (
	"context"
	"crypto/rand"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/cardea-go/auth"
)

// A Request says what a new key is to be. Subject is required. A key carries scopes and no roles: those are its owner's,
// and auth.Map adds them. The limits are in the package's documentation.
type Request struct {
	// Issuer and Subject name the party that the key speaks for; Issuer is "" for the service's own.
	Issuer, Subject string
	// Tenant is the tenant that the key acts in, if any.
	Tenant string
	// Name is what its owner calls the key.
	Name string
	// Kind is one of [Config.Kinds]; "" where there are none.
	Kind string
	// Scopes are what the key may do. The zero set is nothing at all; an unlimited set is refused.
	Scopes auth.ScopeSet
	// Networks are where the key may be used from. Nil is anywhere.
	Networks []netip.Prefix
	// Metadata is the owner's own.
	Metadata map[string]string
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

// Create makes a key as the service itself: it asks nobody's leave. For a key that a caller asks for, use [Keys.For].
// The errors are a [*RequestError], [ErrFull], and [auth.KindUnavailable].
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
	k.changed(ctx, ActionCreated, r, r.CreatedBy)
	return &Issued{secret, public(r)}, nil
}

// record checks req and returns the record that it asks for, without an id.
func (k *Keys) record(req Request) (*Record, error) {
	now := k.now()
	var e RequestError
	r := &Record{
		Issuer: req.Issuer, Subject: req.Subject, Tenant: req.Tenant, Name: req.Name,
		Kind: req.Kind, Environment: k.c.Environment, Scopes: slices.Collect(req.Scopes.All()),
		Networks: e.networks(req.Networks), Metadata: maps.Clone(req.Metadata),
		CreatedAt: now, CreatedBy: req.CreatedBy, NotBefore: wholeMicros(req.NotBefore), ExpiresAt: wholeMicros(req.ExpiresAt),
		Version: 1,
	}
	if r.ExpiresAt.IsZero() {
		r.ExpiresAt = now.Add(k.c.Lifetime)
	}
	if r.NotBefore.Unix() < 0 {
		r.NotBefore = time.Time{} // long over, and a year below 0 can't be written as JSON
	}
	if req.Subject == "" {
		e.add("Subject: name the party that the key speaks for")
	}
	e.text("Subject", req.Subject, maxSubjectBytes)
	e.text("Issuer", req.Issuer, maxSubjectBytes)
	e.text("Tenant", req.Tenant, maxSubjectBytes)
	e.text("CreatedBy", req.CreatedBy, 2*maxSubjectBytes+1)
	e.text("Name", req.Name, maxNameBytes)
	if req.Scopes.IsUnlimited() {
		e.add("Scopes: name those that the key needs; it can't have all")
	}
	e.scopes(r.Scopes)
	e.metadata(r.Metadata)
	if k.head(req.Kind) == nil {
		e.add("Kind: use one of the kinds that are configured")
	}
	if !r.ExpiresAt.After(now) || r.ExpiresAt.Sub(now) > k.c.MaxLifetime {
		e.add("ExpiresAt: use a time in the next %.4g days", k.c.MaxLifetime.Hours()/24)
	}
	if !r.NotBefore.IsZero() && !r.NotBefore.Before(r.ExpiresAt) {
		e.add("NotBefore: use a time before the key ends")
	}
	return r, e.or()
}

func wholeMicros(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func (k *Keys) head(kind string) *head {
	for i := range k.format.heads {
		if h := &k.format.heads[i]; h.kind == kind && !h.elsewhere {
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
