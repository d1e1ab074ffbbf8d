package apikey

import (
	"context"
	"errors"
	"time"
)

// Errors of a [Store]. Test for them with [errors.Is].
var (
	// ErrNotFound says that there is no key of that id, or none that the caller may see.
	ErrNotFound = errors.New("apikey: no such key")
	// ErrExists says that a key of that id is there already.
	ErrExists = errors.New("apikey: a key of that id exists")
	// ErrConflict says that the record changed since it was read.
	ErrConflict = errors.New("apikey: the key was changed by somebody else")
	// ErrFull says that no more keys fit.
	ErrFull = errors.New("apikey: the store is full")
)

// A Store keeps key records. It must be safe for concurrent use, also by several processes where it is shared. What it
// is given it copies; the records that it returns are shared and must not be changed. Any error but those named means
// that the store can't answer, and the request is answered with 503. The kit in package authtest checks an implementation.
type Store interface {
	// Create adds r as it is. It returns ErrExists where the id is taken, ErrFull where there is no room. Of two
	// calls with one id, one succeeds.
	Create(ctx context.Context, r *Record) error

	// Find returns the record of an id, or ErrNotFound. It must see every change that was acknowledged before:
	// a revoked key stops at once.
	Find(ctx context.Context, id string) (*Record, error)

	// List returns the records that q asks for, oldest first; none is no error.
	List(ctx context.Context, q Query) ([]*Record, error)

	// Update replaces the record of r.ID where the stored Version is r.Version, and stores it with Version+1.
	// It returns ErrConflict where it is not, and ErrNotFound where there is none. LastUsedAt stays as stored.
	// Comparison and replacement are one atomic step.
	Update(ctx context.Context, r *Record) error

	// Rotate does Update of old and Create of next in one atomic step: both happen, or neither does.
	Rotate(ctx context.Context, old, next *Record) error

	// Touch sets LastUsedAt of each id to the time given, where that is later. It leaves Version alone and skips
	// ids that are gone.
	Touch(ctx context.Context, used map[string]time.Time) error

	// DeleteExpired removes up to limit records whose ExpiresAt is before the time given and returns how many.
	DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error)
}

// A Query asks a [Store] for a page of one party's keys: those of Issuer and Subject, exactly, in the order of CreatedAt
// and, where that is equal, ID (byte by byte).
type Query struct {
	Issuer, Subject string
	// AfterTime and AfterID are CreatedAt and ID of the last record of the page before; zero for the first page.
	AfterTime time.Time
	AfterID   string
	// Limit is the most that may be returned, 1 or more.
	Limit int
}
