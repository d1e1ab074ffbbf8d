package refresh

import (
	"context"
	"encoding/base64"
	"errors"
	"time"
)

// Errors of a [Store]. Test for them with [errors.Is].
var (
	// ErrExists says that a grant of that id is there already.
	ErrExists = errors.New("refresh: a grant of that id exists")
	// ErrNotFound says that there is no grant of that id, or that it has expired.
	ErrNotFound = errors.New("refresh: no such grant")
	// ErrConflict says that the grant is not the version that was read: somebody else changed it.
	ErrConflict = errors.New("refresh: the grant was changed by somebody else")
	// ErrFull says that no more fits.
	ErrFull = errors.New("refresh: the store is full")
)

// A GrantID names a grant: 128 bits, random where this package makes it. It is no secret: it is the sid of access
// tokens, and who knows it can do nothing with it.
type GrantID [16]byte

// String returns the id in base64url, 22 characters.
func (id GrantID) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// ParseGrantID is the inverse of [GrantID.String]. It takes no other spelling.
func ParseGrantID(s string) (GrantID, error) {
	var id GrantID
	if len(s) != base64.RawURLEncoding.EncodedLen(len(id)) {
		return GrantID{}, errGrantID
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(id[:], []byte(s)); err != nil {
		return GrantID{}, errGrantID
	}
	return id, nil
}

var errGrantID = errors.New("refresh: not a grant id: use what GrantID.String returned")

// A Grant is what a store keeps: one record for all that was handed out after one login. It holds no token, nor the hash
// of one.
type Grant struct {
	// ID names the record.
	ID GrantID
	// Version counts its changes. The first is 1.
	Version uint64
	// Expires is when the record may be forgotten. From then on it counts as absent.
	Expires time.Time
	// Subject and Client are whose it is, for a [Lister]. The rest is in Body.
	Subject, Client string
	// Body is opaque to the store, at most 64 KiB.
	Body []byte
}

// A Store keeps grants. All that must happen once in OAuth rests on Swap and Once: each is one atomic step, also between
// processes that share the store.
//
// What a store is given it copies, and what it returns the caller may change. A call whose context has ended returns an
// error and need not have done nothing: callers treat every error but those named as "not known", and answer 503.
// Times are kept to the millisecond or better. It must be safe for concurrent use. The kit in package authtest checks an
// implementation.
type Store interface {
	// Create adds g as it is, with the version that it has. It returns ErrExists where the id is taken, and ErrFull
	// where there is no room; a live grant is never dropped to make room. Of two calls with one id, one succeeds.
	Create(ctx context.Context, g Grant) error

	// Find returns the grant of an id, or ErrNotFound. It sees every change that was acknowledged before: a revoked
	// grant stops at once, so a replica that lags won't do.
	Find(ctx context.Context, id GrantID) (Grant, error)

	// Swap replaces the grant old.ID by next, which has the same id, where the stored version is old.Version. It
	// returns ErrConflict where it is not, and ErrConflict or ErrNotFound where there is none: it never adds one.
	// Comparison and replacement are one atomic step.
	Swap(ctx context.Context, old, next Grant) error

	// Once reports whether key is seen for the first time, and remembers it until the time given. Of any number of
	// calls with one key, one is told true. Keys are at most 256 bytes.
	Once(ctx context.Context, key string, until time.Time) (first bool, err error)
}

// A Lister is a [Store] that can find the grants of a subject or client, which [Issuer.Sessions], [Issuer.RevokeSubject]
// and [Issuer.RevokeClient] need.
type Lister interface {
	// List returns the grants that q asks for, in the order of their ids, byte by byte; none is no error, and says that
	// there are no more. A page may be shorter than q.Limit.
	List(ctx context.Context, q Query) ([]Grant, error)
}

// A Query asks a [Lister] for a page of grants: those that have all of Subject and Client that are set. At least one is.
type Query struct {
	Subject, Client string
	// After is the last id of the page before; zero for the first page.
	After GrantID
	// Limit is the most that may be returned, 1 or more.
	Limit int
}
