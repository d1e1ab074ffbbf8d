package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/cardea-go/auth/apikey"
)

// APIKeys is an [apikey.Store]. [Store.APIKeys] returns one. Find is one look-up by primary key. Create, Update and Rotate
// refuse text that is not UTF-8, networks that are invalid and not zero, and years beyond 9999: JSON would not give them back.
type APIKeys struct {
	s                                                        *Store
	create, find, exists, list, update, touch, deleteExpired string
}

func newAPIKeys(s *Store) APIKeys {
	const columns = "record, version, last_used_at"
	return APIKeys{
		s: s,
		create: s.names.Replace(`INSERT INTO {keys} (id, issuer, subject, created_at, expires_at, last_used_at, version, record)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`),
		find:   s.names.Replace(`SELECT ` + columns + ` FROM {keys} WHERE id = $1`),
		exists: s.names.Replace(`SELECT 1 FROM {keys} WHERE id = $1`),
		list: s.names.Replace(`SELECT ` + columns + ` FROM {keys}
			WHERE issuer = $1 AND subject = $2 AND (created_at, id) > ($3, $4) ORDER BY created_at, id LIMIT $5`),
		update: s.names.Replace(`UPDATE {keys} SET issuer = $1, subject = $2, created_at = $3, expires_at = $4, record = $5, version = version + 1
			WHERE id = $6 AND version = $7`),
		touch: s.names.Replace(`UPDATE {keys} SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1`),
		deleteExpired: s.names.Replace(`DELETE FROM {keys} WHERE id IN
			(SELECT id FROM {keys} WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 {skip})`),
	}
}

// Create implements [apikey.Store]. It never returns [apikey.ErrFull].
func (k *APIKeys) Create(ctx context.Context, r *apikey.Record) error {
	return keyError("create", k.createIn(ctx, k.s.db, r))
}

func (k *APIKeys) createIn(ctx context.Context, in runner, r *apikey.Record) error {
	record, err := encode(r)
	if err != nil {
		return err
	}
	n, err := exec(ctx, in, k.create, r.ID, r.Issuer, r.Subject,
		micros(r.CreatedAt), micros(r.ExpiresAt), micros(r.LastUsedAt), r.Version, record)
	if err == nil && n == 0 {
		return apikey.ErrExists
	}
	return err
}

// Find implements [apikey.Store].
func (k *APIKeys) Find(ctx context.Context, id string) (*apikey.Record, error) {
	r, err := scanRecord(k.s.db.QueryRowContext(ctx, k.find, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, apikey.ErrNotFound
	}
	return r, keyError("find", err)
}

// List implements [apikey.Store].
func (k *APIKeys) List(ctx context.Context, q apikey.Query) ([]*apikey.Record, error) {
	rows, err := k.s.db.QueryContext(ctx, k.list, q.Issuer, q.Subject, micros(q.AfterTime), q.AfterID, max(q.Limit, 0))
	if err != nil {
		return nil, keyError("list", err)
	}
	defer rows.Close() //nolint:errcheck // Err has what ended the loop
	var list []*apikey.Record
	for rows.Next() {
		r, err := scanRecord(rows)
		if err != nil {
			return nil, keyError("list", err)
		}
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, keyError("list", err)
	}
	return list, nil
}

// Update implements [apikey.Store].
func (k *APIKeys) Update(ctx context.Context, r *apikey.Record) error {
	return keyError("update", k.updateIn(ctx, k.s.db, r))
}

func (k *APIKeys) updateIn(ctx context.Context, in runner, r *apikey.Record) error {
	record, err := encode(r)
	if err != nil {
		return err
	}
	n, err := exec(ctx, in, k.update,
		r.Issuer, r.Subject, micros(r.CreatedAt), micros(r.ExpiresAt), record, r.ID, r.Version)
	if err == nil && n == 0 {
		return missed(ctx, in, apikey.ErrNotFound, apikey.ErrConflict, k.exists, r.ID)
	}
	return err
}

// Rotate implements [apikey.Store].
func (k *APIKeys) Rotate(ctx context.Context, old, next *apikey.Record) error {
	return keyError("rotate", k.s.within(ctx, func(tx *sql.Tx) error {
		if err := k.updateIn(ctx, tx, old); err != nil {
			return err
		}
		return k.createIn(ctx, tx, next)
	}))
}

// touchBatch is how many rows one transaction of Touch locks.
const touchBatch = 256

// Touch implements [apikey.Store]. It takes one transaction for every 256 ids.
func (k *APIKeys) Touch(ctx context.Context, used map[string]time.Time) error {
	// Sorted, so that two processes lock rows in one order and neither waits for the other for ever.
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(used)), touchBatch) {
		err := k.s.within(ctx, func(tx *sql.Tx) error {
			touch, err := tx.PrepareContext(ctx, k.touch)
			if err != nil {
				return err
			}
			defer touch.Close() //nolint:errcheck // the transaction's end closes it
			for _, id := range ids {
				if _, err := touch.ExecContext(ctx, micros(used[id]), id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return keyError("touch", err)
		}
	}
	return nil
}

// DeleteExpired implements [apikey.Store]. Those that expired first go first. It may delete fewer where others change or
// delete at the same time.
func (k *APIKeys) DeleteExpired(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := exec(ctx, k.s.db, k.deleteExpired, micros(before), max(limit, 0))
	return int(n), keyError("delete expired", err)
}

var (
	errText    = errors.New("a text that is not UTF-8")
	errNetwork = errors.New("a network that is neither valid nor the zero value")
)

// encode refuses what JSON turns into something else, another party's name even, or into what can't be read back.
func encode(r *apikey.Record) (string, error) {
	texts := slices.Concat([]string{
		r.ID, r.Issuer, r.Subject, r.Tenant, r.Name, r.Kind, r.Environment, r.Digest, r.CreatedBy, r.RevokedReason,
		r.Family, r.RotatedFrom, r.RotatedTo,
	}, r.Scopes, slices.Collect(maps.Keys(r.Metadata)), slices.Collect(maps.Values(r.Metadata)))
	if slices.ContainsFunc(texts, func(s string) bool { return !utf8.ValidString(s) }) {
		return "", errText
	}
	if slices.ContainsFunc(r.Networks, func(n netip.Prefix) bool { return !n.IsValid() && n != netip.Prefix{} }) {
		return "", errNetwork
	}
	record, err := json.Marshal(r)
	return string(record), err
}

func scanRecord(row interface{ Scan(dest ...any) error }) (*apikey.Record, error) {
	var record []byte
	var version, lastUsed int64
	if err := row.Scan(&record, &version, &lastUsed); err != nil {
		return nil, err
	}
	r := new(apikey.Record)
	if err := json.Unmarshal(record, r); err != nil {
		return nil, errors.New("a record that is no JSON of apikey.Record")
	}
	r.Version, r.LastUsedAt = version, moment(lastUsed)
	return r, nil
}

func keyError(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlstore: API keys: %s: %w%s", what, err, remedy(err))
}
