package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/cardea-go/auth/jwt"
)

// Ring is a [jwt.RingStore]. [Store.Ring] returns one.
type Ring struct {
	s    *Store
	name string
}

type ringQueries struct{ load, create, save string }

func newRingQueries(s *Store) ringQueries {
	return ringQueries{
		load:   s.names.Replace(`SELECT sealed, version FROM {rings} WHERE id = $1`),
		create: s.names.Replace(`INSERT INTO {rings} (id, version, sealed) VALUES ($1, 1, $2) ON CONFLICT (id) DO NOTHING`),
		save:   s.names.Replace(`UPDATE {rings} SET sealed = $1, version = version + 1 WHERE id = $2 AND version = $3`),
	}
}

// Ring returns the store of the key ring of that name, which may be any, also "". Each [jwt.KeyRing] that signs for another
// purpose needs a name of its own.
func (s *Store) Ring(name string) *Ring { return &Ring{s, name} }

// Load implements [jwt.RingStore].
func (r *Ring) Load(ctx context.Context) (sealed []byte, version uint64, err error) {
	err = r.s.db.QueryRowContext(ctx, r.s.ringQ.load, r.name).Scan(&sealed, &version)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, 0, nil
	case err != nil:
		return nil, 0, fmt.Errorf("sqlstore: key ring: load: %w%s", err, remedy(err))
	}
	return sealed, version, nil
}

// Save implements [jwt.RingStore].
func (r *Ring) Save(ctx context.Context, sealed []byte, version uint64) error {
	if version > math.MaxInt64 { // more than a column holds, so it is none that is there
		return jwt.ErrConflict
	}
	query, args := r.s.ringQ.create, []any{r.name, notNull(sealed)}
	if version > 0 {
		query, args = r.s.ringQ.save, []any{notNull(sealed), r.name, version}
	}
	n, err := exec(ctx, r.s.db, query, args...)
	if err == nil && n == 0 {
		return jwt.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("sqlstore: key ring: save: %w%s", err, remedy(err))
	}
	return nil
}
