//go:build linux || darwin

package sqlite_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cardea-go/auth/store/sqlstore/sqlite"
)

const visit = "AUTH_TEST_SQLITE_VISIT"

// TestMain is another process where the environment names a file: its exit status is 3 where nobody has that file open.
func TestMain(m *testing.M) {
	path := os.Getenv(visit)
	if path == "" {
		os.Exit(m.Run())
	}
	f, err := os.Open(path)
	if err != nil {
		os.Exit(1)
	}
	// The bytes that every SQLite holds a shared lock on while it has a database open (see its os.h).
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart, Start: 0x40000002, Len: 510}
	if syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock) != nil {
		os.Exit(1)
	}
	if lock.Type == syscall.F_UNLCK {
		os.Exit(3)
	}
	os.Exit(0)
}

// TestOpenAgainKeepsTheLocks has a process open a file that it has open already. Whoever closes any descriptor of a file
// gives up all the POSIX locks that his process has on it, and then the next program that is done with the file deletes the
// log that this process still writes to: all that it commits is lost.
func TestOpenAgainKeepsTheLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.db")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		db, err := sqlite.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		if i == 0 {
			if _, err := db.ExecContext(t.Context(), "CREATE TABLE t (a)"); err != nil {
				t.Fatal(err)
			}
		}
		other := exec.CommandContext(t.Context(), exe)
		other.Env = append(os.Environ(), visit+"="+path)
		if err := other.Run(); err != nil {
			t.Fatalf("after call %d of Open: %v, want a lock on the file", i+1, err)
		}
	}
}
