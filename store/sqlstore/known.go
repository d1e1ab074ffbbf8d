package sqlstore

import (
	"context"
	"fmt"
	"time"
)

// Known is a throttle.KnownStore: it remembers for 30 days from which networks an account has succeeded, so that limits of one
// process know what another has seen. [Store.Known] returns one.
type Known struct {
	s        *Store
	add, has string
	sweep    sweeper
}

const knownFor = 30 * 24 * time.Hour

func (k *Known) init(s *Store) {
	k.s = s
	k.add = s.names.Replace(`INSERT INTO {known} (id, expires_at) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at`)
	k.has = s.names.Replace(`SELECT COUNT(*) FROM {known} WHERE id = $1 AND expires_at > $2`)
	k.sweep.start(s.names.Replace(`DELETE FROM {known} WHERE id IN
		(SELECT id FROM {known} WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {skip})`))
}

// Add implements throttle.KnownStore.
func (k *Known) Add(ctx context.Context, key string) error {
	if _, err := exec(ctx, k.s.db, k.add, key, micros(k.s.c.Clock().Add(knownFor))); err != nil {
		return fmt.Errorf("sqlstore: known: add: %w%s", err, remedy(err))
	}
	k.sweep.added(ctx, k.s)
	return nil
}

// Has implements throttle.KnownStore.
func (k *Known) Has(ctx context.Context, key string) (bool, error) {
	var n int
	if err := k.s.db.QueryRowContext(ctx, k.has, key, k.s.now()).Scan(&n); err != nil {
		return false, fmt.Errorf("sqlstore: known: has: %w%s", err, remedy(err))
	}
	return n > 0, nil
}
