package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/openapi/openapitest"
)

func newTestService(t *testing.T) (*service, seeded) {
	t.Helper()
	s, _ := openService(t, filepath.Join(t.TempDir(), "notes.db"))
	c, err := s.seed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// openService makes the service whose file is at path. end closes both, as the end of the test does.
func openService(t *testing.T, path string) (s *service, end func() error) {
	t.Helper()
	db, err := openDatabase(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if s, err = newService(t.Context(), "http://localhost", db, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	end = sync.OnceValue(func() error { return errors.Join(s.keys.Close(context.WithoutCancel(t.Context())), db.Close()) })
	t.Cleanup(func() { _ = end() })
	return s, end
}

// founded returns the first team of somebody.
func founded(t *testing.T, s *service, name string) (team string) {
	t.Helper()
	if err := s.teams.db.QueryRowContext(t.Context(), "SELECT id FROM teams WHERE founder = $1 ORDER BY rowid", name).Scan(&team); err != nil {
		t.Fatal(err)
	}
	return team
}

// client calls the service with one credential.
type client struct {
	t       *testing.T
	handler http.Handler
	present func(*http.Request)
}

func (c client) do(method, path, body string) (int, string) {
	c.t.Helper()
	r := authtest.Request(method, path)
	r.Body = io.NopCloser(strings.NewReader(body))
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	} else {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	c.present(r)
	resp := authtest.Do(c.handler, r)
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// token asks for one at the token endpoint.
func token(t *testing.T, s *service, form url.Values, present func(*http.Request)) string {
	t.Helper()
	status, body := client{t, s.handler, present}.do("POST", "/oauth/token", form.Encode())
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || answer.Token == "" {
		t.Fatalf("got %d %s", status, body)
	}
	return answer.Token
}

func nothing(*http.Request) {}

func passwordGrant(name, password string) url.Values {
	return url.Values{"grant_type": {"password"}, "username": {name}, "password": {password}}
}

// caller is a client of somebody who may call.
func caller(t *testing.T, s *service, c seeded, who string) client {
	t.Helper()
	field, value := "X-API-Key", ""
	switch who {
	case "nobody":
		return client{t, s.handler, nothing}
	case "alice's key":
		value = c.alice.Reveal()
	case "reading key":
		value = c.reading.Reveal()
	case "wrong key":
		value = "notes_live_x"
	case "importer":
		program := func(r *http.Request) { r.SetBasicAuth(c.program, c.programSecret) }
		field, value = "Authorization", "Bearer "+token(t, s, url.Values{"grant_type": {"client_credentials"}}, program)
	default:
		field, value = "Authorization", "Bearer "+token(t, s, passwordGrant(who, c.password), nothing)
	}
	return client{t, s.handler, func(r *http.Request) { r.Header.Set(field, value) }}
}

// callers are clients of all of them, by name.
func callers(t *testing.T, s *service, c seeded) map[string]client {
	t.Helper()
	all := map[string]client{}
	for _, who := range []string{"nobody", "alice's key", "reading key", "wrong key", "importer", "alice", "bob", "root"} {
		all[who] = caller(t, s, c, who)
	}
	return all
}

func TestRoutes(t *testing.T) {
	s, c := newTestService(t)
	all := callers(t, s, c)
	for _, tt := range []struct { // in order: the service remembers
		name, who, method, path, body string
		status                        int
		want                          string
	}{
		{"health is public", "nobody", "GET", "/health", "", 200, "ok"},
		{"strangers are greeted", "nobody", "GET", "/api/hello", "", 200, "stranger"},
		{"friends by name", "alice", "GET", "/api/hello", "", 200, "alice"},
		{"a wrong key is no stranger", "wrong key", "GET", "/api/hello", "", 401, ""},
		{"notes need a credential", "nobody", "GET", "/api/teams/TEAM/notes", "", 401, ""},
		{"alice writes with her key", "alice's key", "POST", "/api/teams/TEAM/notes", `{"text":"milk"}`, 201, `"id":1,"author":"alice"`},
		{"a key for reading reads", "reading key", "GET", "/api/teams/TEAM/notes", "", 200, "milk"},
		{"and does not write", "reading key", "POST", "/api/teams/TEAM/notes", `{"text":"milk"}`, 403, ""},
		{"nor make keys", "reading key", "POST", "/api/keys", `{"name":"more"}`, 403, ""},
		{"bob is a member and writes", "bob", "POST", "/api/teams/TEAM/notes", `{"text":"bread"}`, 201, `"id":2`},
		{"so does the program of the team", "importer", "POST", "/api/teams/TEAM/notes", `{"text":"imported"}`, 201, `"author":"client:program-`},
		{"text is required", "bob", "POST", "/api/teams/TEAM/notes", `{}`, 422, ""},
		{"bob does not delete what alice wrote", "bob", "DELETE", "/api/teams/TEAM/notes/1", "", 403, ""},
		{"nor learns which notes there are not", "bob", "DELETE", "/api/teams/TEAM/notes/99", "", 403, ""},
		{"alice owns the team and deletes what bob wrote", "alice", "DELETE", "/api/teams/TEAM/notes/2", "", 204, ""},
		{"it is gone", "alice", "DELETE", "/api/teams/TEAM/notes/2", "", 404, ""},
		{"the program deletes its own", "importer", "DELETE", "/api/teams/TEAM/notes/3", "", 204, ""},
		{"root is in no team and sees no notes", "root", "GET", "/api/teams/TEAM/notes", "", 403, ""},
		{"a team that is not there looks like one of others", "alice", "GET", "/api/teams/team-none/notes", "", 403, ""},
		{"a path that is cleaned is about the same team", "root", "GET", "/api/teams/x/../TEAM/notes", "", 307, ""},
		{"bob lists the members", "bob", "GET", "/api/teams/TEAM/members", "", 200, `{"name":"bob","role":"member"}`},
		{"bob makes nobody an owner", "bob", "PUT", "/api/teams/TEAM/members/bob", `{"role":"owner"}`, 403, ""},
		{"the program neither", "importer", "PUT", "/api/teams/TEAM/members/bob", `{"role":"owner"}`, 403, ""},
		{"alice does", "alice", "PUT", "/api/teams/TEAM/members/bob", `{"role":"owner"}`, 204, ""},
		{"bob is one with his next request", "bob", "GET", "/api/teams/TEAM/programs", "", 200, "importer"},
		{"no role that does not exist", "alice", "PUT", "/api/teams/TEAM/members/bob", `{"role":"admin"}`, 422, ""},
		{"nobody who does not exist", "alice", "PUT", "/api/teams/TEAM/members/eve", `{"role":"reader"}`, 404, ""},
		{"bob leaves", "bob", "DELETE", "/api/teams/TEAM/members/bob", "", 204, ""},
		{"and is out with his next request", "bob", "GET", "/api/teams/TEAM/notes", "", 403, ""},
		{"a team keeps an owner", "alice", "DELETE", "/api/teams/TEAM/members/alice", "", 409, ""},
		{"programs own nothing", "alice", "POST", "/api/teams/TEAM/programs", `{"name":"p","role":"owner"}`, 422, ""},
		{"nobody deletes the notes of others", "bob", "DELETE", "/api/teams/BOBS/notes/1", "", 404, ""},
		{"nobody removes the programs of others", "bob", "DELETE", "/api/teams/BOBS/programs/PROGRAM", "", 404, ""},
		{"alice removes hers", "alice", "DELETE", "/api/teams/TEAM/programs/PROGRAM", "", 204, ""},
		{"its token is worth nothing then", "importer", "GET", "/api/teams/TEAM/notes", "", 403, ""},
		{"alice lists her keys", "alice", "GET", "/api/keys", "", 200, "dashboard"},
		{"strangers list none", "nobody", "GET", "/api/keys", "", 401, ""},
		{"alice sees her sessions", "alice", "GET", "/api/sessions", "", 200, `"client":"docs"`},
		{"she ends nobody else's", "alice", "DELETE", "/api/sessions/AAAAAAAAAAAAAAAAAAAAAA", "", 404, ""},
		{"the administrator lists people", "root", "GET", "/api/admin/people", "", 200, "bob"},
		{"to others there is no such route", "alice", "GET", "/api/admin/people", "", 404, ""},
		{"root does not disable root", "root", "POST", "/api/admin/people/root/disable", "", 409, ""},
		{"but bob", "root", "POST", "/api/admin/people/bob/disable", "", 204, ""},
		{"whose token stops at once", "bob", "GET", "/api/me", "", 401, ""},
		{"who can't log in", "nobody", "POST", "/oauth/token", passwordGrant("bob", c.password).Encode(), 400, "invalid_grant"},
		{"until he is enabled", "root", "POST", "/api/admin/people/bob/enable", "", 204, ""},
		{"and then can", "nobody", "POST", "/oauth/token", passwordGrant("bob", c.password).Encode(), 200, "refresh_token"},
		{"the page is public", "nobody", "GET", "/", "", 200, "<title>Notes</title>"},
		{"so is the document", "nobody", "GET", "/openapi.json", "", 200, `"securitySchemes"`},
		{"and the page to try it", "nobody", "GET", "/docs/", "", 200, "swagger-ui"},
		{"the resource says who issues its tokens", "nobody", "GET", "/.well-known/oauth-protected-resource/api", "", 200, `"http://localhost/oauth"`},
		{"and the issuer what it can do", "nobody", "GET", "/.well-known/oauth-authorization-server/oauth", "", 200, "client_credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := strings.NewReplacer("TEAM", c.team, "PROGRAM", c.program, "BOBS", founded(t, s, "bob")).Replace(tt.path)
			status, body := all[tt.who].do(tt.method, path, tt.body)
			if status != tt.status || !strings.Contains(body, tt.want) {
				t.Errorf("got %d %s, want %d %s", status, body, tt.status, tt.want)
			}
		})
	}
}

func TestSignUp(t *testing.T) {
	s, _ := newTestService(t)
	for _, tt := range []struct {
		name, body string
		status     int
	}{
		{"a new name and a long password", `{"name":"carol","password":"correct horse battery"}`, 201},
		{"a name that is taken", `{"name":"carol","password":"correct horse battery"}`, 409},
		{"a short password", `{"name":"dave","password":"dave"}`, 422},
		{"the name of a program", `{"name":"client:x","password":"correct horse battery"}`, 422},
		{"members that are not known", `{"name":"erin","password":"correct horse battery","admin":true}`, 400},
		{"no JSON", `name=erin`, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if status, body := (client{t, s.handler, nothing}).do("POST", "/signup", tt.body); status != tt.status {
				t.Errorf("got %d %s, want %d", status, body, tt.status)
			}
		})
	}
	for range 10 {
		(client{t, s.handler, nothing}).do("POST", "/signup", `{}`)
	}
	if status, _ := (client{t, s.handler, nothing}).do("POST", "/signup", `{}`); status != 429 {
		t.Errorf("got %d after many, want 429", status)
	}
}

// TestEveryRouteDoesWhatItsDescriptionSays asks each route without a credential, with wrong ones, with too little and with
// enough, for each scheme of the document.
func TestEveryRouteDoesWhatItsDescriptionSays(t *testing.T) {
	s, c := newTestService(t)
	powerless, err := s.keys.Create(t.Context(), apikey.Request{Subject: "root", Name: "powerless"})
	if err != nil {
		t.Fatal(err)
	}
	key := openapitest.Credential{Enough: c.alice.Reveal(), Little: powerless.Secret.Reveal()}
	narrow := passwordGrant("root", c.password)
	narrow.Set("scope", "admin")
	err = openapitest.Check(openapitest.Config{
		Document: s.document, Handler: s.handler, Routes: s.routes, Undocumented: undocumented(s.routes),
		Credentials: map[string]openapitest.Credential{
			"apikey": key, "apikey-header": key,
			"oauth": {Enough: token(t, s, passwordGrant("alice", c.password), nothing), Little: token(t, s, narrow, nothing)},
			"basic": {Enough: "alice:" + c.password},
		},
		PathValues: map[string]string{"team": c.team},
	})
	if err != nil {
		t.Error(err)
	}
}

// TestTour runs the service as main does, pastes every line that it prints into a shell, compares the status with what the
// line says, and ends it.
func TestTour(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		skip(t, "curl is not installed")
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var logs lockedBuffer
	out, printed := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, "localhost:0", "", printed, &logs)
		_ = printed.Close()
		ended <- err
	}()
	tour := make([]byte, 0, 8<<10)
	for buf := make([]byte, 1<<10); !bytes.HasSuffix(tour, []byte("/api/admin/people\n\n")); {
		n, err := out.Read(buf)
		if err != nil {
			t.Fatalf("got %v after %q", err, tour)
		}
		tour = append(tour, buf[:n]...)
	}
	lines := regexp.MustCompile(`(?m)^# (\d{3}): .*\n(curl .*)$`).FindAllSubmatch(tour, -1)
	if len(lines) < 16 {
		t.Fatalf("got %d lines to paste in %q, want at least 16", len(lines), tour)
	}
	for _, line := range lines {
		want, command := string(line[1]), string(line[2])
		got, err := exec.CommandContext(ctx, "sh", "-c", strings.Replace(command, "curl -i", "curl -s -o /dev/null -w '%{http_code}'", 1)).Output()
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s and error %v, want %s", command, got, err, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("got %v at the end, want a clean one", err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("got %v left behind and error %v, want nothing", left, err)
	}
	log := logs.String()
	for _, part := range []string{"outcome=allowed", "outcome=refused", "reason=missing_scope", "concealed=true", "shutting down"} {
		if !strings.Contains(log, part) {
			t.Errorf("got a log without %q", part)
		}
	}
	for _, secret := range regexp.MustCompile(`notes_live_[\w-]+|alice:\w{20,}|program-\w+:[\w-]+`).FindAllString(string(tour), -1) {
		secret = secret[strings.LastIndex(secret, ":")+1:]
		if strings.Contains(log, secret) {
			t.Error("got a secret in the log")
		}
	}
}

// skip skips a test that needs a program which is not there, and fails it where everything is demanded.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("AUTH_TEST_REQUIRE_ALL") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func TestRunReportsAnAddressThatIsTaken(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, "256.0.0.1:0", "", io.Discard, io.Discard); err == nil {
		t.Error("got no error")
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
