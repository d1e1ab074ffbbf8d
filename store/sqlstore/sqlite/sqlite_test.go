package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/cardea-go/auth/store/sqlstore/sqlite"
)

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a file of 100% ?mode=memory&x#y.db")
	db, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (a)"); err != nil {
		t.Fatal(err)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000", "foreign_keys": "1"} {
		var got string
		if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", pragma, got, err, want)
		}
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 && runtime.GOOS != "windows" {
			t.Errorf("file%s: got mode %o, want 600", suffix, got)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("this is no database, and long enough to be one of a hundred bytes or more, as their header has that many."), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"no path":                "",
		"a database in memory":   ":memory:",
		"a URI":                  "file:x?mode=memory",
		"a directory":            dir,
		"a directory not there":  filepath.Join(dir, "none", "x.db"),
		"a file that is no data": text,
	} {
		t.Run(name, func(t *testing.T) {
			if db, err := sqlite.Open(path); err == nil {
				_ = db.Close()
				t.Error("got no error")
			}
		})
	}
}

func TestOpenAFileThatMayNotBeWritten(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("modes keep nobody out here")
	}
	path := filepath.Join(t.TempDir(), "auth.db")
	db, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (a)"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), os.Chmod(path, 0o400)); err != nil {
		t.Fatal(err)
	}
	if db, err := sqlite.Open(path); err == nil {
		_ = db.Close()
		t.Error("got no error")
	}
}

// TestOpenLeavesAFileAsItIs has neither its mode nor its version, which may be that of an application, change.
func TestOpenLeavesAFileAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.db")
	db, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 7"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), os.Chmod(path, 0o640)); err != nil {
		t.Fatal(err)
	}
	if db, err = sqlite.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var version int
	if err := db.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&version); err != nil || version != 7 {
		t.Errorf("got version %d, %v, want 7", version, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 && runtime.GOOS != "windows" {
		t.Errorf("got %v, %v, want mode 640", info, err)
	}
}

// TestTransactionsLockFromTheStart has a transaction that reads before it writes never find that others have written since.
func TestTransactionsLockFromTheStart(t *testing.T) {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, readOnly := range []bool{true, false} {
		tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err = db.ExecContext(ctx, "PRAGMA user_version = 1")
		cancel()
		if (err == nil) != readOnly {
			t.Errorf("writing beside a transaction that reads only (%v): got %v", readOnly, err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}
