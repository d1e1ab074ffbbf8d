// Package sqlite opens SQLite files as sqlstore needs them, with the driver modernc.org/sqlite, which is Go alone.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver
)

// Open opens the file at path, which is made for its owner alone (0600) where it is not there, as are the two files that
// SQLite keeps beside it. Its directory has to be there and on a local disk: a write-ahead log does not work on network file
// systems.
//
// A write that was acknowledged outlives a power cut (synchronous=FULL). A writer that finds another one waits up to 5
// seconds, and readers wait for nobody. Transactions begin by taking the lock for writing: start those that only read with
// sql.TxOptions.ReadOnly.
func Open(path string) (*sql.DB, error) {
	if path == "" || strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:") {
		return nil, errors.New("sqlite: Open: give the path of a file: a database in memory is one for each connection")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: Open: %w", err)
	}
	f, err := os.OpenFile(abs, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller's own path
	if err != nil {
		return nil, fmt.Errorf("sqlite: Open: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("sqlite: Open: %w", err)
	}
	name := filepath.ToSlash(abs)
	if !strings.HasPrefix(name, "/") {
		name = "/" + name // of a drive
	}
	// The timeout comes first: changing the journal waits for others too.
	pragmas := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: name, RawQuery: pragmas.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("sqlite: Open: %w", err)
	}
	if err := db.PingContext(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: Open: %w", err), db.Close())
	}
	return db, nil
}
