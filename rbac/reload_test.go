package rbac_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

const (
	readers = "version: 1\npermissions: {invoice: [read, list]}\nroles: {viewer: {allow: ['invoice:read']}}\ntests: [{roles: [viewer], allow: ['invoice:read']}]\n"
	listers = "version: 1\npermissions: {invoice: [read, list]}\nroles: {viewer: {allow: ['invoice:list']}}\ntests: [{roles: [viewer], allow: ['invoice:list']}]\n"
	failing = "version: 1\npermissions: {invoice: [read, list]}\nroles: {viewer: {allow: ['invoice:list']}}\ntests: [{roles: [viewer], allow: ['invoice:read']}]\n"
)

type reloads struct {
	a    *rbac.Authorizer
	r    *rbac.Reloader
	told []rbac.Status
}

func newReloads(t *testing.T, source rbac.Source) *reloads {
	t.Helper()
	l := &reloads{a: authorizer(t, rbac.AuthorizerConfig{Policy: parse(t, readers, rbac.Config{})})}
	r, err := rbac.NewReloader(rbac.ReloaderConfig{Authorizer: l.a, Source: source, RequireTests: true,
		Report: func(_ context.Context, s rbac.Status) { l.told = append(l.told, s) }})
	if err != nil {
		t.Fatal(err)
	}
	l.r = r
	return l
}

func (l *reloads) allowed(permission string) bool {
	s := l.a.Policy().Resolve("", rbac.Everywhere("viewer"), auth.Unlimited())
	return s.Can(permission)
}

func TestABadPolicyKeepsTheLastGoodOne(t *testing.T) {
	text, failure := readers, error(nil)
	l := newReloads(t, rbac.SourceFunc(func(context.Context) (rbac.Text, error) {
		if text == "panic" {
			panic(text)
		}
		return rbac.Text{Name: "policy.yaml", Data: []byte(text)}, failure
	}))
	steps := []struct {
		name, text string
		failure    error
		want       string // in the error
		list       bool   // the policy of listers is in force
		generation uint64
		told       int
	}{
		{"the first look puts the policy in force", readers, nil, "", false, 2, 1},
		{"the same text is not compiled again", readers, nil, "", false, 2, 1},
		{"a new policy is put in force", listers, nil, "", true, 3, 2},
		{"one that fails its own tests is not", failing, nil, `policy.yaml:4:35: test 1: invoice:read with roles viewer: got denied, want allowed`, true, 3, 3},
		{"and is reported once", failing, nil, "test 1", true, 3, 3},
		{"one that does not load is not", "version: 1\nrolls: {}\n", nil, `did you mean "roles"?`, true, 3, 4},
		{"one that is empty is not", "", nil, "empty", true, 3, 5},
		{"one without tests is not", strings.Split(readers, "tests:")[0], nil, "has no tests", true, 3, 6},
		{"a source that fails changes nothing", readers, errors.New("down"), "down", true, 3, 7},
		{"and is reported once", readers, errors.New("down"), "down", true, 3, 7},
		{"a source that panics changes nothing", "panic", nil, "panicked", true, 3, 8},
		{"a source that says that nothing changed is believed", "", rbac.ErrUnchanged, "panicked", true, 3, 8},
		{"a good policy ends it", readers, nil, "", false, 4, 9},
	}
	for _, step := range steps {
		text, failure = step.text, step.failure
		err := l.r.Reload(t.Context())
		if step.want == "" && err != nil || step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)) {
			t.Errorf("%s: got %v, want %q", step.name, err, step.want)
		}
		if l.allowed("invoice:list") != step.list || l.allowed("invoice:read") == step.list {
			t.Errorf("%s: the wrong policy is in force", step.name)
		}
		status := l.r.Status()
		if status.Generation != step.generation || status.Version != l.a.Policy().Version() || status.Looked.IsZero() || l.a.Generation() != step.generation {
			t.Errorf("%s: got status %+v, want generation %d", step.name, status, step.generation)
		}
		if len(l.told) != step.told {
			t.Errorf("%s: told %d times, want %d", step.name, len(l.told), step.told)
		}
	}
}

func TestWatchStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		l := newReloads(t, rbac.SourceFunc(func(context.Context) (rbac.Text, error) {
			looks++
			return rbac.Text{Name: "policy.yaml", Data: []byte(readers)}, nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		if err := l.r.Watch(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if looks != 4 {
			t.Errorf("looked %d times in 35 seconds, want 4", looks)
		}
	})
}

func TestFileSource(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "policy.yaml")
	old := time.Now().Add(-time.Hour)
	write := func(text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	l := newReloads(t, rbac.File(path))
	check := func(name string, list, fails bool) {
		t.Helper()
		if err := l.r.Reload(t.Context()); (err != nil) != fails {
			t.Errorf("%s: got %v", name, err)
		}
		if l.allowed("invoice:list") != list {
			t.Errorf("%s: the wrong policy is in force", name)
		}
	}
	check("a file that is not there", false, true)
	write(readers, old)
	check("a file that appears", false, false)
	if _, err := rbac.File(path).Load(t.Context()); err != nil {
		t.Error(err)
	}
	now := time.Now()
	write(listers, now)
	check("a file that is written", true, false)
	write(readers, now)
	check("a file of the same size that is written again at once, which its time need not show", false, false)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	check("a file that is gone", false, true)
	write(listers, old)
	check("a file that comes back", true, false)
	next := filepath.Join(dir, "next")
	if err := os.WriteFile(next, []byte(readers), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(next, old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	check("another file of the same size and time in its place", false, false)
	write(listers, old)
	check("the same file, written in place and given its old size and time", true, false)
}

// TestHalfAPolicyHasNoTests cuts a policy that ends with its tests at every byte: whatever loads and has tests says all that
// decides.
func TestHalfAPolicyHasNoTests(t *testing.T) {
	whole, half := parse(t, books, (&state{}).config()), 0
	for i := range len(books) {
		p, err := rbac.Parse("policy.yaml", []byte(books[:i]), (&state{}).config())
		if err != nil {
			continue
		}
		half++
		if p.RunTests().Tests > 0 && p.Version() != whole.Version() {
			t.Errorf("%q has tests and says less", books[:i])
		}
	}
	if half == 0 {
		t.Error("no half loads: the rule is not needed")
	}
}

func TestAFileThatDidNotChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(readers), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	source := rbac.File(path)
	if _, err := source.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Load(t.Context()); !errors.Is(err, rbac.ErrUnchanged) {
		t.Errorf("got %v, want ErrUnchanged", err)
	}
}

// TestConfigMapSwap replaces a policy as Kubernetes replaces a mounted ConfigMap: the file is a link through ..data, and
// only ..data is swapped, by a rename.
func TestConfigMapSwap(t *testing.T) {
	dir := t.TempDir()
	mount := func(version, text string) {
		t.Helper()
		if err := errors.Join(os.Mkdir(filepath.Join(dir, version), 0o700),
			os.WriteFile(filepath.Join(dir, version, "policy.yaml"), []byte(text), 0o600),
			os.Symlink(version, filepath.Join(dir, "..data_tmp")),
			os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	mount("..2026_1", readers)
	path := filepath.Join(dir, "policy.yaml")
	if err := os.Symlink("..data/policy.yaml", path); err != nil {
		t.Fatal(err)
	}
	l := newReloads(t, rbac.File(path))
	for i, text := range []string{listers, readers, listers} {
		if err := l.r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		mount("..next_"+string(rune('a'+i)), text)
		if err := l.r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if l.allowed("invoice:list") != (text == listers) {
			t.Errorf("swap %d: the old policy is in force", i)
		}
	}
}

func TestBadReloaders(t *testing.T) {
	_, err := rbac.NewReloader(rbac.ReloaderConfig{Interval: time.Millisecond})
	for _, want := range []string{"Authorizer is nil", "Source is nil", "use a second or more"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{}); err == nil {
		t.Error("an authorizer without a policy was made")
	}
	a := authorizer(t, rbac.AuthorizerConfig{})
	before := a.Policy()
	if _, err := a.Swap(nil); err == nil || a.Policy() != before {
		t.Error("a nil policy was put in force")
	}
}

// TestReloadUnderLoad checks while the policy is swapped: every subject sees the whole of one policy and none of another.
func TestReloadUnderLoad(t *testing.T) {
	policies := []*rbac.Policy{parse(t, readers, rbac.Config{}), parse(t, listers, rbac.Config{})}
	read, _ := policies[0].Catalog().Permission("invoice:read")
	a := authorizer(t, rbac.AuthorizerConfig{Policy: policies[0]})
	who := principal(t, auth.PrincipalConfig{Roles: []string{"viewer"}, Scopes: auth.Unlimited()})
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s := a.Resolve(t.Context(), who)
				first := s.Policy() == policies[0]
				if s.Can("invoice:read") != first || s.Has(read) != first || s.Can("invoice:list") == first {
					t.Error("a subject sees two policies")
					return
				}
			}
		})
	}
	for i := range 10_000 {
		if _, err := a.Swap(policies[i%2]); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	group.Wait()
	if a.Generation() != 10_001 {
		t.Errorf("got generation %d", a.Generation())
	}
}
