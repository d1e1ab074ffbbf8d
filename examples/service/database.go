package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cardea-go/auth/store/sqlstore"
	"github.com/cardea-go/auth/store/sqlstore/sqlite"
)

// database is the one file of the service.
type database struct {
	*sql.DB                     // tables of our own: people, teams, members, programs, notes
	credentials *sqlstore.Store // API keys, sessions and signing keys
	secret      []byte          // seals the signing keys and makes refresh tokens
}

//go:embed schema.sql
var schema string

// openDatabase opens the file at path, and the secret beside it. What is not there yet is made.
func openDatabase(ctx context.Context, path string) (*database, error) {
	_, missing := os.Stat(path)
	secret, err := loadSecret(path+".secret", errors.Is(missing, fs.ErrNotExist))
	if err != nil {
		return nil, err
	}
	db, err := sqlite.Open(path) //nolint:contextcheck // it takes none
	if err != nil {
		return nil, err
	}
	d := &database{DB: db, secret: secret}
	if err := d.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return d, nil
}

func (d *database) prepare(ctx context.Context) (err error) {
	if d.credentials, err = sqlstore.New(sqlstore.Config{DB: d.DB, Dialect: sqlstore.SQLite}); err != nil {
		return err
	}
	if err := d.credentials.Migrate(ctx); err != nil {
		return err
	}
	return within(ctx, d.DB, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, schema)
		return err
	})
}

const secretSize = 32 // bytes

// loadSecret stands for the place where you keep secrets. A real service takes its secret from there: beside the database,
// whoever copies the directory has both. It is made where there is no database yet that needs the one that was.
func loadSecret(path string, isNew bool) ([]byte, error) {
	secret, err := os.ReadFile(path) //nolint:gosec // the operator's own path
	if isNew && errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, secretSize)
		_, _ = rand.Read(secret) // never fails
		err = os.WriteFile(path, secret, 0o600)
	}
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(secret) != secretSize {
		return nil, fmt.Errorf("service: %s has %d bytes, want %d: put the secret back that the database was made with, or begin "+
			"anew without both files", path, len(secret), secretSize)
	}
	if err != nil {
		return nil, err
	}
	return secret, nil
}

// within runs f in a transaction, and undoes all of it where f returns an error. One transaction at a time writes, from its
// beginning, so what f has counted is still so when it is done. On PostgreSQL that takes sql.LevelSerializable, and another
// try where it says so.
func within(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit there is nothing to undo
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// list returns all rows of a query. into says where the columns of one go.
func list[T any](ctx context.Context, db *sql.DB, into func(*T) []any, query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err has what ended the loop
	all := []T{}       // [] in JSON
	for rows.Next() {
		var one T
		if err := rows.Scan(into(&one)...); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// changed makes it an error that a statement concerned no row.
func changed(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); n > 0 || err != nil {
		return err
	}
	return errNoSuch
}
