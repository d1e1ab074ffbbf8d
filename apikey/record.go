package apikey

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// A Record is what a [Store] keeps about a key. It holds a digest and never the key. Times are in UTC and whole
// microseconds, so that databases keep them as they are. A Record encodes to JSON and back without loss, for stores;
// to show one to people or log it, use its String and LogValue, which leave the digest out.
type Record struct {
	// ID is the key's public identifier: it is in the key, in logs and in lists. 12 base-62 digits; a key imported
	// from elsewhere has its format's name, "-" and the id that it had there.
	ID string
	// Issuer and Subject name the party that the key speaks for; see [auth.PrincipalConfig].
	Issuer, Subject string
	// Tenant is the tenant that the key acts in, or "".
	Tenant string
	// Name is what its owner calls the key.
	Name string
	// Kind and Environment are as in the key's text.
	Kind, Environment string
	// Digest stands for the whole key: its scheme, "$", for a keyed digest the pepper's id and "$", and hexadecimal
	// digits.
	Digest string
	// Scopes are what the key may do. None is nothing.
	Scopes []string
	// Networks are where the key may be used from. Nil is anywhere; a list that is there but empty, or has an
	// invalid member, is nowhere: a store keeps nil and empty apart.
	Networks []netip.Prefix
	// Metadata is the owner's own.
	Metadata map[string]string
	// CreatedAt and CreatedBy tell when the key was made and by whom; CreatedBy is "" for the service itself.
	CreatedAt time.Time
	CreatedBy string
	// NotBefore is when the key begins to work; zero is at once. ExpiresAt is the first moment when it no longer
	// does: it is always set, and a zero value is in the past.
	NotBefore, ExpiresAt time.Time
	// Disabled switches the key off until it is switched on again.
	Disabled bool
	// RevokedAt is when the key was withdrawn for good, and RevokedReason why; zero where it was not.
	RevokedAt     time.Time
	RevokedReason string
	// Family is the id of the first key of a line of rotated keys: limits and statistics belong to the family.
	// RotatedFrom and RotatedTo are the neighbours in that line.
	Family, RotatedFrom, RotatedTo string
	// LastUsedAt is about when the key was last accepted, or zero. It decides nothing.
	LastUsedAt time.Time
	// Version counts the changes, from 1. LastUsedAt changes without it.
	Version int64
}

// Clone returns a copy that shares nothing with r.
func (r Record) Clone() *Record {
	r.Scopes = slices.Clone(r.Scopes)
	r.Networks = slices.Clone(r.Networks)
	r.Metadata = maps.Clone(r.Metadata)
	return &r
}

// String returns the id, the subject and the name, for people.
func (r Record) String() string {
	return fmt.Sprintf("key(id=%q subject=%q name=%q)", r.ID, r.Subject, r.Name)
}

// GoString returns the same as String, so that %#v prints no digest.
func (r Record) GoString() string { return r.String() }

// LogValue returns the id, subject, name and family.
func (r Record) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", r.ID),
		slog.String("subject", r.Subject),
		slog.String("name", r.Name),
		slog.String("family", r.Family),
	)
}

// A Key describes a key that was verified; [auth.Data] finds it in the principal. It can't be changed.
type Key struct {
	r *Record // alone in the struct, so that it goes into an interface without an allocation
}

// ID is the key's public identifier.
func (k Key) ID() string { return k.r.ID }

// Name is what its owner calls the key.
func (k Key) Name() string { return k.r.Name }

// Kind is the key's kind, or "".
func (k Key) Kind() string { return k.r.Kind }

// Environment is the environment that the key is for.
func (k Key) Environment() string { return k.r.Environment }

// Family is the id of the first key in the line of rotations that this one belongs to.
func (k Key) Family() string { return k.r.Family }

// Metadata returns the value under name, and whether there is one.
func (k Key) Metadata(name string) (string, bool) {
	v, ok := k.r.Metadata[name]
	return v, ok
}

// Record returns a copy of the key's record, without its digest.
func (k Key) Record() Record {
	c := k.r.Clone()
	c.Digest = ""
	return *c
}

// String returns the id, the subject and the name, for people.
func (k Key) String() string { return k.r.String() }

// GoString returns the same as String.
func (k Key) GoString() string { return k.r.String() }

// LogValue returns what the record's does.
func (k Key) LogValue() slog.Value { return k.r.LogValue() }
