package htpasswd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/htpasswd"
	"github.com/cardea-go/auth/basic/password"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var cheap = password.Params{Memory: 64, Time: 1, Threads: 1}

// importing returns a hasher that verifies old hashes too.
func importing() *password.Hasher {
	return must(password.New(password.Config{Params: cheap, Schemes: htpasswd.WeakSchemes()}))
}

// vector is a hash that another implementation made; By says which, and how.
type vector struct{ By, Password, Hash string }

const leastVectors = 90

func vectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < leastVectors {
		t.Fatalf("got %d vectors, want %d or more", len(list), leastVectors)
	}
	return list
}

func TestWeakHashesOfOtherImplementations(t *testing.T) {
	ctx := context.Background()
	h := importing()
	plain := must(password.New(password.Config{Params: cheap}))
	for _, v := range vectors(t) {
		t.Run(strings.ReplaceAll(v.By, "/", "_"), func(t *testing.T) {
			got, err := h.Verify(ctx, v.Password, v.Hash)
			if err != nil || !got.OK || !got.NeedsRehash {
				t.Errorf("%s: got %+v, %v; want OK and a rehash", v.Hash, got, err)
			}
			if got, err := h.Verify(ctx, v.Password+"x", v.Hash); err != nil || got.OK {
				t.Errorf("%s, another password: got %+v, %v; want refused", v.Hash, got, err)
			}
			if err := plain.Valid(v.Hash); !errors.Is(err, password.ErrMalformed) {
				t.Errorf("%s, without WeakSchemes: got %v, want refused", v.Hash, err)
			}
			if v, err := h.Verify(ctx, v.Hash, v.Hash); err != nil || v.OK {
				t.Errorf("the hash as the password: got %+v, %v; want refused", v, err)
			}
			decoy := h.Decoy(h.NewMix(slices.Values([]string{v.Hash})), "nobody")
			if decoy == v.Hash || len(decoy) != len(v.Hash) || decoy[:3] != v.Hash[:3] || h.Valid(decoy) != nil {
				t.Errorf("%s: got the decoy %s, want another of its form", v.Hash, decoy)
			}
		})
	}
}

func TestWeakHashesThatAreRefused(t *testing.T) {
	h := importing()
	tests := []struct{ name, stored string }{
		{"apr1 without a salt", "$apr1$$HqJZimcKQFAMYayBlzkrA/"},
		{"apr1 with a long salt", "$apr1$123456789$HqJZimcKQFAMYayBlzkrA/"},
		{"apr1 cut short", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA"},
		{"apr1 with a newline", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA\n"},
		{"apr1 without a result", "$apr1$r31....."},
		{"SHA of another length", "{SHA}aGVsbG8="},
		{"SHA without padding", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g"},
		{"SHA with a newline inside", "{SHA}W6ph5Mm5Pz8G\ngiULbPgzG37mj9g="},
		{"SSHA without a salt", "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="},
		{"SSHA that is not base64", "{SSHA}!"},
		{"SHA-crypt with few rounds", "$5$rounds=999$salt$" + strings.Repeat("a", 43)},
		{"SHA-crypt with many rounds", "$5$rounds=999999999$salt$" + strings.Repeat("a", 43)},
		{"SHA-crypt with rounds of a sign", "$5$rounds=+5000$salt$" + strings.Repeat("a", 43)},
		{"SHA-crypt with rounds of a leading zero", "$5$rounds=05000$salt$" + strings.Repeat("a", 43)},
		{"SHA-crypt with rounds without an end", "$5$rounds=5000"},
		{"SHA-crypt without a salt", "$6$$" + strings.Repeat("a", 86)},
		{"SHA-crypt with a long salt", "$6$12345678901234567$" + strings.Repeat("a", 86)},
		{"SHA-crypt cut short", "$6$salt$" + strings.Repeat("a", 85)},
		{"SHA-crypt and junk", "$6$salt$" + strings.Repeat("a", 86) + "$"},
		{"DES crypt", "rl.3StKT.4T8M"},
		{"plain text", "secret"},
		{"{PLAIN}", "{PLAIN}secret"},
		{"a star", "*"},
		{"an exclamation mark", "!"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := h.Valid(tt.stored); !errors.Is(err, password.ErrMalformed) {
				t.Errorf("got %v, want ErrMalformed", err)
			}
		})
	}
}

const (
	bcryptSecret = "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"
	apr1Secret   = "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/"
)

func TestParse(t *testing.T) {
	plain := must(password.New(password.Config{Params: cheap}))
	tests := []struct {
		name, file string
		entries    int
		err        string
	}{
		{"two users", "anna:" + bcryptSecret + "\nbert:" + bcryptSecret + "\n", 2, ""},
		{"comments and blank lines", "# users\n\n  \nanna:" + bcryptSecret + "\n", 1, ""},
		{"CR LF", "anna:" + bcryptSecret + "\r\nbert:" + bcryptSecret + "\r\n", 2, ""},
		{"a byte order mark", "\ufeffanna:" + bcryptSecret + "\n", 1, ""},
		{"nothing", "", 0, ""},
		{"no colon", "anna:" + bcryptSecret + "\nbert\n", 0, "line 2: no colon"},
		{"a name twice", "anna:" + bcryptSecret + "\n\nanna:" + bcryptSecret + "\n", 0, "line 3: the name of line 1 again"},
		{"an empty name", ":" + bcryptSecret + "\n", 0, "line 1: the name"},
		{"a name that is not composed", "u\u0308:" + bcryptSecret + "\n", 0, "line 1: the name"},
		{"a name with a control character", "an\x01na:" + bcryptSecret + "\n", 0, "line 1: the name"},
		{"a name of Latin-1", "Tsch\xfc\xdf:" + bcryptSecret + "\n", 0, "line 1: the name"},
		{"a plain password", "anna:hunter2secret\n", 0, "line 1: a hash"},
		{"an empty hash", "anna:\n", 0, "line 1: a hash"},
		{"a weak hash without WeakSchemes", "anna:" + apr1Secret + "\n", 0, "WeakSchemes"},
		{"a third field", "anna:" + bcryptSecret + ":x\n", 0, "line 1: a hash"},
		{"a space after the hash", "anna:" + bcryptSecret + " \n", 0, "line 1: a hash"},
		{"every bad line is told", "hunter2secret\nanna:x\n", 0, "line 2: a hash"},
		{"a line of 64 KiB", strings.Repeat("x", 64<<10) + ":" + bcryptSecret + "\n", 0, "line 1: longer"},
		{"a last line without an end", "anna:" + bcryptSecret + "\nbert:" + bcryptSecret[:20], 0, "half-written"},
		{"above 16 MiB", strings.Repeat("#\n", 8<<20) + "\n", 0, "16 MiB"},
		{"a thousand bad lines", strings.Repeat("hunter2secret\n", 1000), 0, "line 20:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := htpasswd.Parse(strings.NewReader(tt.file), plain)
			if len(got) != tt.entries || (err != nil) != (tt.err != "") {
				t.Fatalf("got %d entries, %v; want %d and an error about %q", len(got), err, tt.entries, tt.err)
			}
			if err == nil {
				return
			}
			if text := err.Error(); !strings.Contains(text, tt.err) || strings.Contains(text, "hunter2") || strings.Contains(text, "$2b$") || len(text) > 4000 {
				t.Errorf("got %q, want it about %q and without content", text, tt.err)
			}
		})
	}
	if _, err := htpasswd.Parse(failing{}, plain); !errors.Is(err, errRead) {
		t.Errorf("a reader that fails: got %v", err)
	}
}

type failing struct{}

var errRead = errors.New("read failed")

func (failing) Read([]byte) (int, error) { return 0, errRead }

// file is a file under test, with a clock that passes a second before each look.
type file struct {
	t    *testing.T
	path string
	mu   sync.Mutex
	now  time.Time
	errs []error
	*htpasswd.File
}

func open(t *testing.T, content string) *file {
	t.Helper()
	f := &file{t: t, path: filepath.Join(t.TempDir(), "users"), now: time.Now().Add(time.Hour)}
	f.write(content)
	h := importing()
	f.File = must(htpasswd.Open(htpasswd.Config{
		Path: f.path, Hasher: h, Scopes: auth.MustScopeSet("read"),
		OnError: func(err error) { f.errs = append(f.errs, err) },
		Clock: func() time.Time {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.now
		},
	}))
	return f
}

// write replaces the file as one should.
func (f *file) write(content string) {
	f.t.Helper()
	if err := os.WriteFile(f.path+".new", []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(f.path+".new", f.path); err != nil {
		f.t.Fatal(err)
	}
}

func (f *file) has(name string) bool {
	f.t.Helper()
	f.mu.Lock()
	f.now = f.now.Add(time.Second)
	f.mu.Unlock()
	_, ok, err := f.Find(context.Background(), name)
	if err != nil {
		f.t.Fatal(err)
	}
	return ok
}

func TestFileFollowsChanges(t *testing.T) {
	anna, bert := "anna:"+bcryptSecret+"\n", "bert:"+apr1Secret+"\n"
	tests := []struct {
		name   string
		change func(f *file)
		bert   bool // is there afterwards, instead of anna
		errs   int
	}{
		{"nothing changes", func(*file) {}, false, 0},
		{"another file", func(f *file) { f.write(bert) }, true, 0},
		{"a file with a bad line", func(f *file) { f.write(bert + "junk\n") }, false, 1},
		{"a half-written file", func(f *file) { f.write(bert + "anna:$2b$0") }, false, 1},
		{"an empty file", func(f *file) { f.write("") }, false, 1},
		{"no file", func(f *file) { _ = os.Remove(f.path) }, false, 1},
		{"a directory", func(f *file) { _ = os.Remove(f.path); _ = os.Mkdir(f.path, 0o700) }, false, 1},
		{"no file, then another one", func(f *file) {
			_ = os.Remove(f.path)
			f.has("anna")
			f.write(bert)
		}, true, 1},
		{"a bad file, then a good one", func(f *file) {
			f.write("junk\n")
			f.has("anna")
			f.write(bert)
		}, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := open(t, anna)
			if !f.has("anna") || f.has("bert") {
				t.Fatal("got another table than the file's")
			}
			tt.change(f)
			if f.has("bert") != tt.bert || f.has("anna") == tt.bert || f.Len() != 1 {
				t.Errorf("got the wrong table, want bert %v", tt.bert)
			}
			if got := min(len(f.errs), 1); got != tt.errs {
				t.Errorf("got the errors %v, want %d or more", f.errs, tt.errs)
			}
		})
	}
	t.Run("a bad file is told once", func(t *testing.T) {
		f := open(t, anna)
		f.write("junk\n")
		for range 5 {
			f.has("anna")
		}
		if len(f.errs) != 1 {
			t.Errorf("got %d errors, want 1", len(f.errs))
		}
	})
	t.Run("it looks once in a second", func(t *testing.T) {
		f := open(t, anna)
		f.has("anna")
		f.write(bert)
		if _, ok, _ := f.Find(context.Background(), "anna"); !ok {
			t.Error("within the second: got the new table")
		}
		if !f.has("bert") {
			t.Error("after a second: got the old table")
		}
	})
	t.Run("a bad file that was just written is read again, for it may be mended in the same moment", func(t *testing.T) {
		f := open(t, anna)
		f.write(strings.Replace(bert, "bert:", "bert;", 1))
		info := must(os.Stat(f.path))
		f.now = info.ModTime()
		f.has("anna")
		if err := os.WriteFile(f.path, []byte(bert), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(f.path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		f.now = info.ModTime().Add(time.Hour)
		if !f.has("bert") || len(f.errs) != 1 {
			t.Errorf("got the old table and the errors %v", f.errs)
		}
	})
	t.Run("a file that was just written is read again, for its time proves nothing", func(t *testing.T) {
		f := open(t, anna)
		f.now = time.Now()
		if err := f.Reload(); err != nil {
			t.Fatal(err)
		}
		info := must(os.Stat(f.path))
		if err := os.WriteFile(f.path, []byte(strings.Replace(anna, "anna", "bert", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(f.path, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
		if !f.has("bert") {
			t.Error("got the old table")
		}
	})
}

func TestFileReload(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte("anna:"+bcryptSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := must(htpasswd.Open(htpasswd.Config{Path: path, Hasher: importing(), Check: -1}))
	if err := os.WriteFile(path, []byte("bert:"+bcryptSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := f.Find(context.Background(), "anna"); !ok {
		t.Error("without looking: got the new table")
	}
	if err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := f.Find(context.Background(), "bert"); !ok {
		t.Error("after Reload: got the old table")
	}
	_ = os.Remove(path)
	if err := f.Reload(); !errors.Is(err, os.ErrNotExist) || f.Len() != 1 {
		t.Errorf("without the file: got %v and %d users", err, f.Len())
	}
}

func TestOpenSaysEveryMistake(t *testing.T) {
	if _, err := htpasswd.Open(htpasswd.Config{Check: 2 * time.Hour}); err == nil ||
		!strings.Contains(err.Error(), "Path") || !strings.Contains(err.Error(), "Hasher") || !strings.Contains(err.Error(), "Check") {
		t.Errorf("got %v, want it to name Path, Hasher and Check", err)
	}
	path := filepath.Join(t.TempDir(), "users")
	if f, err := htpasswd.Open(htpasswd.Config{Path: path, Hasher: importing()}); f != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v, %v", f, err)
	}
	if err := os.WriteFile(path, []byte("junk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := htpasswd.Open(htpasswd.Config{Path: path, Hasher: importing()}); f != nil || err == nil {
		t.Errorf("a bad file: got %v, %v", f, err)
	}
}

func TestFileUsersLogIn(t *testing.T) {
	f := open(t, "anna:"+apr1Secret+"\n")
	a := must(basic.New(basic.Config{Realm: "x", Users: f.File, Hasher: importing()}))
	p, err := a.Verify(context.Background(), "anna", "myPassword", netip.Addr{})
	if err != nil || p.Subject() != "anna" || !p.Scopes().Has("read") {
		t.Errorf("got %v, %v; want anna with her scope", p, err)
	}
	if d := importing().Decoy(f.Mix(), "nobody"); !strings.HasPrefix(d, "$apr1$") {
		t.Errorf("got the decoy %s, want one like the file's", d)
	}
	// A line that was never verified: its text is not its password.
	if _, err := a.Verify(context.Background(), "anna", apr1Secret, netip.Addr{}); auth.KindOf(err) != auth.KindInvalid {
		t.Errorf("the hash as the password: got %v, want invalid", err)
	}
}

func TestFileUnderConcurrentUse(t *testing.T) {
	f := open(t, "anna:"+bcryptSecret+"\n")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if !f.has("anna") {
					t.Error("anna is gone")
				}
			}
		})
	}
	for i := range 50 {
		f.write(strings.Repeat("#\n", i) + "anna:" + bcryptSecret + "\n")
	}
	wg.Wait()
}

// FuzzParse: what is read has usable names, each once, and hashes that can be verified; errors hold no content.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"anna:" + bcryptSecret + "\n", "a:b\n", "", "\ufeff", "#\n", ":\n", "a\n", "a:" + apr1Secret + "\r\n", "\x00:\n",
		"anna:" + bcryptSecret + "\nanna:" + bcryptSecret + "\n", "a:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n", "marker-7f3a:marker-7f3a\n",
	} {
		f.Add(s)
	}
	h := importing()
	f.Fuzz(func(t *testing.T, s string) {
		entries, err := htpasswd.Parse(strings.NewReader(s), h)
		if err != nil {
			if len(entries) > 0 || strings.Contains(err.Error(), "marker-7f3a") || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' && r != '\n' }) {
				t.Fatalf("%q: got %v, %q", s, entries, err)
			}
			return
		}
		seen := make(map[string]bool)
		for _, e := range entries {
			if name, err := basic.CanonicalName(e.Name); err != nil || name != e.Name || seen[name] || h.Valid(e.Hash) != nil {
				t.Fatalf("%q: got the entry %q", s, e)
			}
			seen[e.Name] = true
		}
	})
}

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "users")
	if err := os.WriteFile(path, []byte("anna:"+bcryptSecret+"\n"), 0o600); err != nil {
		panic(err)
	}
	hasher, err := password.New(password.Config{})
	if err != nil {
		panic(err)
	}
	users, err := htpasswd.Open(htpasswd.Config{Path: path, Hasher: hasher})
	if err != nil {
		panic(err)
	}
	_, ok, err := users.Find(context.Background(), "anna")
	fmt.Println(users.Len(), ok, err)
	// Output: 1 true <nil>
}

func ExampleWeakSchemes() {
	h, err := password.New(password.Config{Schemes: htpasswd.WeakSchemes()})
	if err != nil {
		panic(err)
	}
	v, err := h.Verify(context.Background(), "myPassword", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/")
	fmt.Println(v.OK, v.NeedsRehash, err)
	// Output: true true <nil>
}

func ExampleParse() {
	hasher, err := password.New(password.Config{})
	if err != nil {
		panic(err)
	}
	_, err = htpasswd.Parse(strings.NewReader("# staff\nanna:"+bcryptSecret+"\nbert\n"), hasher)
	fmt.Println(err)
	// Output: htpasswd: line 3: no colon between name and hash
}
