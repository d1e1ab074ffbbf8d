package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

// signIn logs in as the page does, and returns a client that has the cookie.
func signIn(t *testing.T, s *service, name, password string) client {
	t.Helper()
	r := authtest.Request("POST", "/session/login")
	r.SetBasicAuth(name, password)
	resp := authtest.Do(s.handler, r)
	if resp.StatusCode != 200 || len(resp.Cookies()) != 1 {
		t.Fatalf("got %d and %d cookies, want 200 and one", resp.StatusCode, len(resp.Cookies()))
	}
	return client{t, s.handler, func(r *http.Request) { r.AddCookie(resp.Cookies()[0]) }}
}

func withPassword(t *testing.T, s *service, name, password string) client {
	t.Helper()
	return client{t, s.handler, func(r *http.Request) { r.SetBasicAuth(name, password) }}
}

func TestARestartForgetsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	s, end := openService(t, path)
	c, err := s.seed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := callers(t, s, c)
	all["alice's page"], all["a page that is signed out"] = signIn(t, s, "alice", c.password), signIn(t, s, "alice", c.password)
	all["alice's password"] = withPassword(t, s, "alice", c.password)
	all["the program's secret"] = withPassword(t, s, c.program, c.programSecret)
	reading, _, _ := strings.Cut(strings.TrimPrefix(c.reading.Reveal(), "notes_live_"), "_")
	check := func(who, method, path, body string, want int, text string) {
		t.Helper()
		all[who] = client{t, s.handler, all[who].present}
		status, answer := all[who].do(method, strings.NewReplacer("TEAM", c.team, "PROGRAM", c.program).Replace(path), body)
		if status != want || !strings.Contains(answer, text) {
			t.Errorf("%s, %s %s: got %d %s, want %d %s", who, method, path, status, answer, want, text)
		}
	}
	check("nobody", "POST", "/signup", `{"name":"carol","password":"correct horse battery"}`, 201, "")
	check("alice", "PUT", "/api/teams/TEAM/members/carol", `{"role":"reader"}`, 204, "")
	check("alice's key", "POST", "/api/teams/TEAM/notes", `{"text":"milk"}`, 201, `"id":1`)
	check("importer", "POST", "/api/teams/TEAM/notes", `{"text":"bread"}`, 201, `"id":2`)
	check("importer", "DELETE", "/api/teams/TEAM/notes/2", "", 204, "")
	check("reading key", "GET", "/api/me", "", 200, "alice")
	check("alice", "DELETE", "/api/keys/"+reading, "", 204, "")
	check("a page that is signed out", "POST", "/session/logout", "", 200, "")
	check("root", "POST", "/api/admin/people/bob/disable", "", 204, "")

	if err := end(); err != nil {
		t.Fatal(err)
	}
	s, _ = openService(t, path)
	check("alice's password", "POST", "/session/login", "", 200, "access_token")
	check("alice's key", "GET", "/api/teams/TEAM/notes", "", 200, "milk")
	check("alice's key", "GET", "/api/keys", "", 200, `"last_used_at"`)
	check("alice", "GET", "/api/teams/TEAM/members", "", 200, `{"name":"carol","role":"reader"}`)
	check("alice's page", "POST", "/session/refresh", "", 200, "access_token")
	check("importer", "POST", "/api/teams/TEAM/notes", `{"text":"eggs"}`, 201, `"id":3`)
	check("the program's secret", "POST", "/oauth/token", "grant_type=client_credentials", 200, "access_token")
	check("root", "GET", "/api/admin/people", "", 200, `{"name":"bob","admin":false,"disabled":true}`)
	check("reading key", "GET", "/api/me", "", 401, "")
	check("bob", "GET", "/api/me", "", 401, "")
	check("a page that is signed out", "POST", "/session/refresh", "", 400, "invalid_grant")
	check("alice", "DELETE", "/api/teams/TEAM/programs/PROGRAM", "", 204, "")
	check("importer", "GET", "/api/teams/TEAM/notes", "", 403, "")
	check("the program's secret", "POST", "/oauth/token", "grant_type=client_credentials", 401, "invalid_client")
}

// stopAtFirst ends the service when it has said something.
type stopAtFirst struct {
	bytes.Buffer
	stop func()
}

func (s *stopAtFirst) Write(p []byte) (int, error) {
	s.stop()
	return s.Buffer.Write(p)
}

// TestAFileIsFilledOnce runs the service twice on one file.
func TestAFileIsFilledOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	said := func() string {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		out := &stopAtFirst{stop: cancel}
		if err := run(ctx, "localhost:0", path, out, new(bytes.Buffer)); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if first := said(); !strings.Contains(first, "sign in there as alice, bob or root with the password ") {
		t.Errorf("got %q for a file that is new, want the tour", first)
	}
	secret, err := os.ReadFile(path + ".secret")
	if err != nil {
		t.Fatal(err)
	}
	second := said()
	if !strings.Contains(second, "sign in there with an account that is in "+path+"\n") || strings.Contains(second, "password") {
		t.Errorf("got %q for a file with people, want to be sent to them", second)
	}
	s, _ := openService(t, path)
	all, err := s.people.all(t.Context())
	if err != nil || len(all) != 3 {
		t.Errorf("got %d people and error %v, want 3", len(all), err)
	}
	if again, err := os.ReadFile(path + ".secret"); err != nil || !bytes.Equal(secret, again) {
		t.Errorf("got another secret, error %v", err)
	}
}

func TestTheSecretIsOfOneSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.db")
	if _, end := openService(t, path); end() != nil {
		t.Fatal("got an error at the end")
	}
	file := path + ".secret"
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("got mode %o, want 600", got)
	}
	for _, size := range []int{0, 31, 33} {
		if err := os.WriteFile(file, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := openDatabase(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s has %d bytes", file, size)) || strings.Contains(err.Error(), "xx") {
			t.Errorf("%d bytes: got error %v, want one that names the file", size, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := openDatabase(t.Context(), path); err == nil || !strings.Contains(err.Error(), "put the secret back") {
		t.Errorf("without the secret of a database that is there: got error %v, want one that says what to do", err)
	}
	if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 32), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := openDatabase(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := newService(t.Context(), "http://localhost", db, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("got a service with another secret than the one that sealed its keys")
	}
}

// TestADatabaseThatFailsIsAnOutage asks with every kind of credential, of those who were let in a moment ago.
func TestADatabaseThatFailsIsAnOutage(t *testing.T) {
	s, c := newTestService(t)
	var logs lockedBuffer
	s.log = slog.New(slog.NewTextHandler(&logs, nil))
	if err := s.build(); err != nil { // with that log
		t.Fatal(err)
	}
	all := callers(t, s, c)
	all["alice's page"] = signIn(t, s, "alice", c.password)
	all["alice's password"] = withPassword(t, s, "alice", c.password)
	all["the program's secret"] = withPassword(t, s, c.program, c.programSecret)
	if err := s.teams.db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		who, method, path, body string
		status                  int
	}{
		{"alice's key", "GET", "/api/me", "", 503},
		{"alice's key", "GET", "/api/hello", "", 503}, // optional, and yet nobody's stranger
		{"alice's key", "DELETE", "/api/keys/x", "", 503},
		{"alice", "GET", "/api/me", "", 503},
		{"alice", "DELETE", "/api/teams/TEAM/notes/1", "", 503},
		{"alice", "DELETE", "/api/sessions/AAAAAAAAAAAAAAAAAAAAAA", "", 503},
		{"importer", "GET", "/api/teams/TEAM/notes", "", 503},
		{"importer", "POST", "/api/teams/TEAM/notes", `{"text":"x"}`, 503},
		{"alice's password", "POST", "/session/login", "", 503},
		{"alice's page", "POST", "/session/refresh", "", 503},
		{"the program's secret", "POST", "/oauth/token", "grant_type=client_credentials", 503},
		{"nobody", "POST", "/oauth/token", passwordGrant("alice", c.password).Encode(), 503},
		{"nobody", "POST", "/oauth/token", passwordGrant("eve", c.password).Encode(), 503},
		{"nobody", "POST", "/signup", `{"name":"carol","password":"correct horse battery"}`, 503},
		{"root", "GET", "/api/admin/people", "", 404}, // by the guard: a concealed route is not told from none by an outage
		{"nobody", "GET", "/health", "", 200},
	} {
		t.Run(tt.who+" "+tt.method+" "+tt.path, func(t *testing.T) {
			status, body := all[tt.who].do(tt.method, strings.ReplaceAll(tt.path, "TEAM", c.team), tt.body)
			if status != tt.status || strings.Contains(body, "closed") {
				t.Errorf("got %d %s, want %d and no cause", status, body, tt.status)
			}
		})
	}
	if !strings.Contains(logs.String(), "database is closed") {
		t.Error("got a log without the cause")
	}
	for _, secret := range []string{c.password, c.programSecret, c.alice.Reveal(), "correct horse", "eyJ"} {
		if strings.Contains(logs.String(), secret) {
			t.Error("got a secret in the log")
		}
	}
}

// TestWhatFailsBehindTheGuard breaks what handlers need and guards do not. "Not found" would be untrue, also where the route
// is concealed from others.
func TestWhatFailsBehindTheGuard(t *testing.T) {
	s, c := newTestService(t)
	all := callers(t, s, c)
	for _, tt := range []struct {
		name, broken, mended, who string
		requests                  []string
	}{
		{"notes", "ALTER TABLE notes RENAME TO gone", "ALTER TABLE gone RENAME TO notes", "alice", []string{
			"GET /api/teams/TEAM/notes", `POST /api/teams/TEAM/notes {"text":"x"}`, "DELETE /api/teams/TEAM/notes/1",
		}},
		{"programs", "ALTER TABLE programs RENAME TO gone", "ALTER TABLE gone RENAME TO programs", "alice", []string{
			"GET /api/teams/TEAM/programs", `POST /api/teams/TEAM/programs {"name":"x","role":"reader"}`, "DELETE /api/teams/TEAM/programs/PROGRAM",
		}},
		{"teams", "ALTER TABLE teams RENAME TO gone", "ALTER TABLE gone RENAME TO teams", "alice", []string{
			"GET /api/teams", `POST /api/teams {"name":"x"}`,
		}},
		{"sessions", "ALTER TABLE auth_grants RENAME TO gone", "ALTER TABLE gone RENAME TO auth_grants", "alice's key", []string{
			"GET /api/sessions", "DELETE /api/sessions/AAAAAAAAAAAAAAAAAAAAAA",
		}},
		{"changes of people", "CREATE TRIGGER t BEFORE UPDATE ON people BEGIN SELECT RAISE(ABORT, 'broken'); END", "DROP TRIGGER t", "root", []string{
			"POST /api/admin/people/bob/disable", "POST /api/admin/people/bob/enable",
		}},
		{"new members", "CREATE TRIGGER t BEFORE INSERT ON members BEGIN SELECT RAISE(ABORT, 'broken'); END", "DROP TRIGGER t", "alice", []string{
			`PUT /api/teams/TEAM/members/root {"role":"reader"}`, `POST /api/teams {"name":"x"}`,
		}},
		{"members that leave", "CREATE TRIGGER t BEFORE DELETE ON members BEGIN SELECT RAISE(ABORT, 'broken'); END", "DROP TRIGGER t", "alice", []string{
			"DELETE /api/teams/TEAM/members/bob",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			change(t, s, tt.broken)
			defer change(t, s, tt.mended)
			for _, request := range tt.requests {
				part := strings.SplitN(strings.NewReplacer("TEAM", c.team, "PROGRAM", c.program).Replace(request)+" ", " ", 3)
				if status, body := all[tt.who].do(part[0], part[1], part[2]); status != 503 || strings.Contains(body, "broken") {
					t.Errorf("%s: got %d %s, want 503 and no cause", request, status, body)
				}
			}
		})
	}
	if err := s.teams.db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, handler := range map[string]http.HandlerFunc{"members": s.listMembers, "people": s.listPeople} { // whom guards ask for, too
		if resp := authtest.Do(handler, authtest.As(authtest.Request("GET", "/"), authtest.Principal("root"))); resp.StatusCode != 503 {
			t.Errorf("%s: got %d, want 503", name, resp.StatusCode)
		}
	}
}

func change(t *testing.T, s *service, statement string, args ...any) {
	t.Helper()
	if _, err := s.teams.db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// TestQueriesThatFailSayNothing calls what handlers call.
func TestQueriesThatFailSayNothing(t *testing.T) {
	s, c := newTestService(t)
	if err := s.teams.db.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	errs := map[string]error{
		"set disabled":   s.people.setDisabled(ctx, "bob", true),
		"set member":     s.teams.setMember(ctx, c.team, "bob", "owner"),
		"remove member":  s.teams.removeMember(ctx, c.team, "bob"),
		"remove program": s.teams.removeProgram(ctx, c.team, c.program),
		"remove note":    s.teams.removeNote(ctx, c.team, 1, func(note) error { return errNoSuch }),
	}
	_, errs["add person"] = s.people.add(ctx, "carol", "correct horse battery", false)
	_, errs["verify"] = s.people.verify(ctx, "alice", c.password)
	_, errs["any"] = s.people.any(ctx)
	_, errs["all"] = s.people.all(ctx)
	_, _, errs["find"] = s.people.find(ctx, "alice")
	_, _, errs["find for basic"] = s.people.Find(ctx, "alice")
	_, _, errs["program"] = s.teams.program(ctx, c.program)
	_, _, errs["add program"] = s.teams.addProgram(ctx, "p", "reader", c.team)
	_, errs["add team"] = s.teams.add(ctx, "more", "alice")
	_, errs["add note"] = s.teams.addNote(ctx, c.team, note{Text: "x"})
	_, errs["bindings"] = s.teams.bindings(ctx, "alice")
	for name, err := range errs {
		if err == nil || auth.KindOf(err) != auth.KindUnavailable || strings.Contains(err.Error(), "alice") {
			t.Errorf("%s: got %v, want an outage", name, err)
		}
		for _, answer := range []error{errNoSuch, errNoRoom, errLastOwner, errTaken, errFull} {
			if errors.Is(err, answer) {
				t.Errorf("%s: got %v, which says what nobody looked up", name, err)
			}
		}
	}
}
