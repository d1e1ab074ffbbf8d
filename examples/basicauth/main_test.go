package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/basic/password"
)

const good = "correct horse battery staple"

// fixture is the program with a file of one user, alice, at a time of the test's own.
type fixture struct {
	t      *testing.T
	hasher *password.Hasher
	path   string
	now    time.Time
	url    string
}

func start(t *testing.T, cache bool) *fixture {
	t.Helper()
	hasher, err := password.New(password.Config{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, hasher: hasher, path: filepath.Join(t.TempDir(), "htpasswd"), now: time.Now()}
	f.write(f.line("alice", good))
	handler, err := newHandler(hasher, f.path, cache, func() time.Time { return f.now })
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *fixture) line(name, pw string) string {
	f.t.Helper()
	line, err := newLine(f.t.Context(), f.hasher, name, pw)
	if err != nil {
		f.t.Fatal(err)
	}
	return line
}

// write replaces the file as it should be: by renaming a whole one over it.
func (f *fixture) write(text string) {
	f.t.Helper()
	if err := os.WriteFile(f.path+".new", []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.path+".new", f.path); err != nil {
		f.t.Fatal(err)
	}
	f.now = f.now.Add(time.Minute) // the next request looks at the file
}

// get asks for the reports; no name sends no credential.
func (f *fixture) get(name, pw string) *http.Response {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.url+"/reports", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if name != "" {
		r.SetBasicAuth(name, pw)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func (f *fixture) want(name, pw string, status int) {
	f.t.Helper()
	if resp := f.get(name, pw); resp.StatusCode != status {
		f.t.Errorf("%q: got status %d, want %d", name, resp.StatusCode, status)
	}
}

func TestAPasswordGetsIn(t *testing.T) {
	f := start(t, false)
	f.want("alice", good, 200)
	f.want("alice", "guess", 401)
	f.want("nobody", good, 401)
	authtest.AssertChallenges(t, f.get("", ""), `Basic realm="reports", charset="UTF-8"`)
}

func TestAChangedFileIsTakenWholeOrNotAtAll(t *testing.T) {
	f := start(t, false)
	f.write(f.line("bob", good))
	f.want("bob", good, 200)
	f.want("alice", good, 401)
	f.write("alice:in plain text\n")
	f.want("bob", good, 200)
}

func TestTheCacheKeepsNoOldPasswordAlive(t *testing.T) {
	f := start(t, true)
	f.want("alice", good, 200)
	f.want("alice", good, 200) // from the cache
	f.write(f.line("alice", "another horse, another staple"))
	f.want("alice", good, 401)
}

func TestGuessesAreLimited(t *testing.T) {
	f := start(t, false)
	for range 5 {
		f.want("alice", "guess", 401)
	}
	resp := f.get("alice", good) // the right one is not even looked at
	if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "1" {
		t.Fatalf("got %d, Retry-After %q, want 429 and a second", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	f.want("bob", "guess", 401) // others are not in the way
	f.now = f.now.Add(time.Second)
	f.want("alice", good, 200)
}

func TestShortPasswordsAreNotSet(t *testing.T) {
	f := start(t, false)
	if _, err := newLine(t.Context(), f.hasher, "alice", "hunter2"); !errors.Is(err, password.ErrTooShort) {
		t.Errorf("got %v, want %v", err, password.ErrTooShort)
	}
}
