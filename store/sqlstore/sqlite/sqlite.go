// Package sqlite opens SQLite files as sqlstore needs them, with the driver modernc.org/sqlite, which is Go alone.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver
)

// Open opens the file at path for reading and writing. Where it is not there it is made for its owner alone (0600); one that
// is there keeps its mode. The two files that SQLite keeps beside it have the same mode. Its directory has to be there and on
// a local disk: a write-ahead log does not work on network file systems.
//
// A write that was acknowledged outlives a power cut (synchronous=FULL). A writer that finds another one waits for it until
// its context ends, and 5 seconds at most; readers wait for nobody. Transactions begin by taking the lock for writing: start
// those that only read with sql.TxOptions.ReadOnly.
//
// A process may open a file more than once, but never by other means, to copy it for example: who closes the file gives up
// the locks that SQLite has on it, and loses what is written from then on. Copy it with VACUUM INTO.
func Open(path string) (*sql.DB, error) {
	if path == "" || strings.HasPrefix(path, ":") || strings.HasPrefix(path, "file:") {
		return nil, errors.New("sqlite: Open: give the path of a file: a database in memory is one for each connection")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: Open: %w", err)
	}
	if err := create(abs); err != nil {
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
	if err := writable(context.Background(), db); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: Open: %w", err), db.Close())
	}
	return db, nil
}

// writable changes something and takes it back: SQLite opens what it may not write to, and fails much later.
func writable(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "PRAGMA user_version = 0")
	return errors.Join(err, tx.Rollback())
}

// creating keeps calls of Open apart while one of them has a new file open.
var creating sync.Mutex

// create makes the file where it is not there. One that is there it does not open: who closes any descriptor of a file gives
// up all the POSIX locks that the process has on it, also those of a database that was opened before
// (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
func create(path string) error {
	creating.Lock()
	defer creating.Unlock()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller's own path
	if err != nil {
		return err
	}
	return f.Close()
}
