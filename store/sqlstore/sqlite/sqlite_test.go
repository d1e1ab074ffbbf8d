package sqlite_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

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
