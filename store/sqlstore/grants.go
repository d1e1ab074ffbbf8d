package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/cardea-go/auth/oauth2/refresh"
)

// Grants is a [refresh.Store], a [refresh.Lister] and a dpop.ReplayStore. [Store.Grants] returns one. Each call but List is
// one statement about one primary key, and one more to tell why Swap changed nothing.
type Grants struct {
	s                                      *Store
	create, find, exists, swap, list, once string
	sweep, sweepOnce                       sweeper
}

func (g *Grants) init(s *Store) {
	const columns = "id, version, expires_at, subject, client, body"
	g.s = s
	g.create = s.names.Replace(`INSERT INTO {grants} (` + columns + `) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, expires_at = excluded.expires_at, subject = excluded.subject,
			client = excluded.client, body = excluded.body WHERE {grants}.expires_at <= $7`)
	g.find = s.names.Replace(`SELECT ` + columns + ` FROM {grants} WHERE id = $1 AND expires_at > $2`)
	g.exists = s.names.Replace(`SELECT 1 FROM {grants} WHERE id = $1 AND expires_at > $2`)
	g.swap = s.names.Replace(`UPDATE {grants} SET version = $1, expires_at = $2, subject = $3, client = $4, body = $5
		WHERE id = $6 AND version = $7 AND expires_at > $8`)
	g.list = s.names.Replace(`SELECT ` + columns + ` FROM {grants} WHERE id > $1 AND expires_at > $2`)
	g.once = s.names.Replace(`INSERT INTO {once} (id, expires_at) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at WHERE {once}.expires_at <= $3`)
	g.sweep.start(s.names.Replace(`DELETE FROM {grants} WHERE id IN
		(SELECT id FROM {grants} WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {skip})`))
	g.sweepOnce.start(s.names.Replace(`DELETE FROM {once} WHERE id IN
		(SELECT id FROM {once} WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 {skip})`))
}

// Create implements [refresh.Store]. It never returns [refresh.ErrFull].
func (g *Grants) Create(ctx context.Context, grant refresh.Grant) error {
	n, err := exec(ctx, g.s.db, g.create, grant.ID[:], grant.Version, micros(grant.Expires), grant.Subject, grant.Client,
		notNull(grant.Body), g.s.now())
	if err == nil && n == 0 {
		err = refresh.ErrExists
	}
	if err != nil {
		return grantError("create", err)
	}
	g.sweep.added(ctx, g.s)
	return nil
}

// Find implements [refresh.Store].
func (g *Grants) Find(ctx context.Context, id refresh.GrantID) (refresh.Grant, error) {
	grant, err := scanGrant(g.s.db.QueryRowContext(ctx, g.find, id[:], g.s.now()))
	if errors.Is(err, sql.ErrNoRows) {
		return refresh.Grant{}, refresh.ErrNotFound
	}
	return grant, grantError("find", err)
}

var errSwap = errors.New("two grants with different ids")

// Swap implements [refresh.Store].
func (g *Grants) Swap(ctx context.Context, old, next refresh.Grant) error {
	if old.ID != next.ID {
		return grantError("swap", errSwap)
	}
	if old.Version > math.MaxInt64 { // more than a column holds, so it is none that is there
		return grantError("swap", refresh.ErrConflict)
	}
	now := g.s.now()
	n, err := exec(ctx, g.s.db, g.swap, next.Version, micros(next.Expires), next.Subject, next.Client, notNull(next.Body),
		old.ID[:], old.Version, now)
	if err == nil && n == 0 {
		err = missed(ctx, g.s.db, refresh.ErrNotFound, refresh.ErrConflict, g.exists, old.ID[:], now)
	}
	return grantError("swap", err)
}

// Once implements [refresh.Store] and dpop.ReplayStore.
func (g *Grants) Once(ctx context.Context, key string, until time.Time) (bool, error) {
	n, err := exec(ctx, g.s.db, g.once, []byte(key), ceil(until), g.s.now())
	if err != nil {
		return false, grantError("once", err)
	}
	if n == 1 {
		g.sweepOnce.added(ctx, g.s)
	}
	return n == 1, nil
}

var errQuery = errors.New("a query of neither subject nor client")

// List implements [refresh.Lister].
func (g *Grants) List(ctx context.Context, q refresh.Query) ([]refresh.Grant, error) {
	query, args := g.list, []any{q.After[:], g.s.now()}
	for _, by := range [...]struct{ column, value string }{{"subject", q.Subject}, {"client", q.Client}} {
		if by.value != "" {
			args = append(args, by.value)
			query += fmt.Sprintf(" AND %s = $%d", by.column, len(args))
		}
	}
	if len(args) == 2 {
		return nil, grantError("list", errQuery)
	}
	args = append(args, max(q.Limit, 0))
	rows, err := g.s.db.QueryContext(ctx, query+fmt.Sprintf(" ORDER BY id LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, grantError("list", err)
	}
	defer rows.Close() //nolint:errcheck // Err has what ended the loop
	var list []refresh.Grant
	for rows.Next() {
		grant, err := scanGrant(rows)
		if err != nil {
			return nil, grantError("list", err)
		}
		list = append(list, grant)
	}
	if err := rows.Err(); err != nil {
		return nil, grantError("list", err)
	}
	return list, nil
}

func scanGrant(row interface{ Scan(dest ...any) error }) (refresh.Grant, error) {
	var g refresh.Grant
	var id []byte
	var expires int64
	if err := row.Scan(&id, &g.Version, &expires, &g.Subject, &g.Client, &g.Body); err != nil {
		return refresh.Grant{}, err
	}
	if copy(g.ID[:], id) != len(id) || len(id) != len(g.ID) {
		return refresh.Grant{}, errors.New("a grant whose id is not 16 bytes")
	}
	g.Expires = moment(expires)
	return g, nil
}

func grantError(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlstore: grants: %s: %w%s", what, err, remedy(err))
}
