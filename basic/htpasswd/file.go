package htpasswd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
)

// Limits of a file.
const (
	MaxFileBytes = 16 << 20
	MaxLineBytes = 4 << 10
)

// An Entry is one user of a file. Its hash is left out wherever it is printed, logged or written as JSON.
type Entry struct {
	Name string
	Hash string `json:"-"`
}

// Format prints the user's name, under every verb.
func (e Entry) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "entry(%q)", e.Name) }

// LogValue returns the user's name.
func (e Entry) LogValue() slog.Value { return slog.GroupValue(slog.String("name", e.Name)) }

// Parse reads a file: a line name:hash for each user, blank lines and lines that start with # left out. A line ends
// with LF or CR LF; a byte order mark at the start is skipped. Everything else is an error, which names every bad line
// by its number and never by its content: a line without a colon, a name that can't be one or is not in normalization
// form C, a name that was there before, a hash that h can't verify, a line above [MaxLineBytes], a file above
// [MaxFileBytes], a last line without its end.
func Parse(r io.Reader, h *password.Hasher) ([]Entry, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("htpasswd: read: %w", err)
	}
	if len(data) > MaxFileBytes {
		return nil, errors.New("htpasswd: the file is above 16 MiB: use a database")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if len(data) > 0 && data[len(data)-1] != '\n' {
		return nil, errors.New("htpasswd: the last line does not end: it may be half-written")
	}
	p := parser{hasher: h, seen: make(map[string]int)}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, MaxFileBytes+1)
	for n := 1; lines.Scan(); n++ {
		if err := p.line(n, lines.Text()); err != nil && len(p.errs) < maxErrors {
			p.errs = append(p.errs, fmt.Errorf("htpasswd: line %d: %w", n, err))
		}
	}
	if err := errors.Join(append(p.errs, lines.Err())...); err != nil {
		return nil, err
	}
	return p.entries, nil
}

// maxErrors is how many bad lines are told.
const maxErrors = 20

type parser struct {
	hasher  *password.Hasher
	seen    map[string]int
	entries []Entry
	errs    []error
}

func (p *parser) line(n int, line string) error {
	if len(line) > MaxLineBytes {
		return errors.New("longer than 4096 bytes")
	}
	if strings.TrimLeft(line, " \t") == "" || line[0] == '#' {
		return nil
	}
	name, hash, ok := strings.Cut(line, ":")
	if !ok {
		return errors.New("no colon between name and hash")
	}
	if canonical, err := basic.CanonicalName(name); err != nil || canonical != name {
		return errors.New("the name can't be one, or is not in normalization form C")
	}
	if before, twice := p.seen[name]; twice {
		return fmt.Errorf("the name of line %d again", before)
	}
	p.seen[name] = n
	if err := p.hasher.Valid(hash); err != nil {
		return errors.New("a hash that the hasher does not verify: rehash it, or add WeakSchemes to import it")
	}
	p.entries = append(p.entries, Entry{Name: name, Hash: hash})
	return nil
}

// A Config configures [Open]. Path and Hasher are required.
type Config struct {
	// Path is the file's. Required.
	Path string
	// Hasher verifies the hashes. Required.
	Hasher *password.Hasher
	// Check is how often, at most, a look-up looks whether the file has changed. 0 is 1 s; the maximum is 1 h;
	// negative never does, which leaves it to Reload.
	Check time.Duration
	// Scopes of every user's principal. The zero set is no scope. For roles, wrap the authenticator in auth.Map.
	Scopes auth.ScopeSet
	// OnError is told why a changed file was not taken. The last good table stays. It must be safe for concurrent
	// use. Nil tells nobody.
	OnError func(error)
	// Clock tells the time. Nil is [time.Now].
	Clock func() time.Time
}

// A File is a basic.Users that reads an htpasswd file and follows its changes: a look-up at most once in Check asks
// whether the file has another time, size or identity, and if so reads it. A file that is gone, half-written, empty or
// wrong is not taken; the last good table stays. There is no goroutine. It is safe for concurrent use.
type File struct {
	c       Config
	table   atomic.Pointer[table]
	checked atomic.Int64 // nanoseconds since base
	base    time.Time
	loading sync.Mutex
	last    os.FileInfo // of the last file that was read, good or bad; under loading
}

// table is a snapshot and never changes.
type table struct {
	users map[string]string
	mix   *password.Mix
}

const (
	defaultCheck = time.Second
	maxCheck     = time.Hour
	// settle is how old a file's time must be for an unchanged time to mean an unchanged file.
	settle = 2 * time.Second
)

// Open reads the file. Here a wrong file is an error; later it is one for OnError.
func Open(c Config) (*File, error) {
	var errs []error
	if c.Path == "" {
		errs = append(errs, errors.New("htpasswd: Config.Path is empty: name the file"))
	}
	if c.Hasher == nil {
		errs = append(errs, errors.New("htpasswd: Config.Hasher is nil: set the one of basic.Config"))
	}
	if c.Check > maxCheck {
		errs = append(errs, errors.New("htpasswd: Config.Check: use 0 for 1 s, or up to 1 h"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Check == 0 {
		c.Check = defaultCheck
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	f := &File{c: c, base: c.Clock()}
	if err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Find implements basic.Users.
func (f *File) Find(_ context.Context, name string) (basic.User, bool, error) {
	f.follow()
	hash, ok := f.table.Load().users[name]
	if !ok {
		return basic.User{}, false, nil
	}
	return basic.User{Name: name, PasswordHash: hash, Scopes: f.c.Scopes}, true, nil
}

// Mix implements basic.Mixer.
func (f *File) Mix() *password.Mix { return f.table.Load().mix }

// Len returns the number of users.
func (f *File) Len() int { return len(f.table.Load().users) }

// follow reads the file again where it is time to look and the file has changed. One caller does that; the others go on
// with the table that is there.
func (f *File) follow() {
	if f.c.Check < 0 {
		return
	}
	now, last := int64(f.c.Clock().Sub(f.base)), f.checked.Load()
	if now >= last && now-last < int64(f.c.Check) || !f.loading.TryLock() {
		return
	}
	defer f.loading.Unlock()
	f.checked.Store(now)
	if info, err := os.Stat(f.c.Path); err == nil && f.last != nil && sameFile(info, f.last) {
		return
	}
	if err := f.load(); err != nil {
		f.c.OnError(err)
	}
}

// Reload reads the file now. On an error the last good table stays.
func (f *File) Reload() error {
	f.loading.Lock()
	defer f.loading.Unlock()
	return f.load()
}

// load is called under f.loading. A file that changes while it is read is not taken, and is looked at again next time.
func (f *File) load() error {
	file, err := os.Open(f.c.Path)
	if err != nil {
		return f.reread(err)
	}
	defer func() { _ = file.Close() }() // it was only read
	before, err := file.Stat()
	if err != nil {
		return f.reread(err)
	}
	entries, err := Parse(file, f.c.Hasher)
	if err != nil {
		f.seen(before)
		return err
	}
	after, err := os.Stat(f.c.Path)
	if err != nil || !sameFile(before, after) {
		return f.reread(errors.New("htpasswd: the file changed while it was read"))
	}
	f.seen(before)
	if len(entries) == 0 && f.table.Load() != nil {
		return errors.New("htpasswd: the file has no user any more: the last table stays; call Open again if that is meant")
	}
	t := &table{users: make(map[string]string, len(entries))}
	hashes := make([]string, 0, len(entries))
	for _, e := range entries {
		t.users[e.Name] = e.Hash
		hashes = append(hashes, e.Hash)
	}
	t.mix = f.c.Hasher.NewMix(slices.Values(hashes))
	f.table.Store(t)
	return nil
}

// seen keeps the next look from reading the same file again, good or bad.
func (f *File) seen(info os.FileInfo) {
	f.last = info
	if f.c.Clock().Sub(info.ModTime()) < settle {
		f.last = nil // another change could carry the same time
	}
}

// reread makes the next look read the file whatever it looks like.
func (f *File) reread(err error) error {
	f.last = nil
	return fmt.Errorf("htpasswd: %w", err)
}

func sameFile(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}
