package main

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-go/auth/authtest"
)

// meanwhile is a body during which something happens, as it can while a client sends one slowly.
type meanwhile struct {
	io.Reader
	once sync.Once
	do   func()
}

func (m *meanwhile) Read(p []byte) (int, error) {
	m.once.Do(m.do)
	return m.Reader.Read(p)
}

func (*meanwhile) Close() error { return nil }

// TestWhoIsOutStaysOut has somebody open a request, be put out, and end the request.
func TestWhoIsOutStaysOut(t *testing.T) {
	for _, tt := range []struct{ name, who, method, path, body string }{
		{"an owner makes herself one again", "alice", "PUT", "/api/teams/TEAM/members/alice", `{"role":"owner"}`},
		{"or leaves a program behind", "alice", "POST", "/api/teams/TEAM/programs", `{"name":"back door","role":"member"}`},
		{"or writes", "alice", "POST", "/api/teams/TEAM/notes", `{"text":"I was here"}`},
		{"a program writes", "importer", "POST", "/api/teams/TEAM/notes", `{"text":"I was here"}`},
	} {
		for name, end := range map[string]func(*service, seeded) error{
			"removed": func(s *service, c seeded) error {
				if tt.who == "importer" {
					return s.teams.removeProgram(t.Context(), c.team, c.program)
				}
				return s.teams.removeMember(t.Context(), c.team, "alice")
			},
			"with less to say": func(s *service, c seeded) error {
				if tt.who == "importer" {
					return changed(s.teams.db.ExecContext(t.Context(), "UPDATE programs SET role = 'reader' WHERE id = $1", c.program))
				}
				return s.teams.setMember(t.Context(), c.team, "alice", "reader")
			},
			"disabled": func(s *service, c seeded) error {
				if tt.who == "importer" {
					return s.teams.removeProgram(t.Context(), c.team, c.program)
				}
				return s.people.setDisabled(t.Context(), "alice", true)
			},
		} {
			t.Run(tt.name+", "+name, func(t *testing.T) {
				s, c := newTestService(t)
				who := caller(t, s, c, tt.who)
				if err := s.teams.setMember(t.Context(), c.team, "bob", "owner"); err != nil {
					t.Fatal(err)
				}
				r := authtest.Request(tt.method, strings.ReplaceAll(tt.path, "TEAM", c.team))
				who.present(r)
				r.Body = &meanwhile{Reader: strings.NewReader(tt.body), do: func() {
					if err := end(s, c); err != nil {
						t.Error(err)
					}
				}}
				if resp := authtest.Do(s.handler, r); resp.StatusCode != 403 {
					t.Errorf("got %d, want 403", resp.StatusCode)
				}
			})
		}
	}
}

// TestATokenThatIsLoggedOutMakesNoKey has the session of a stolen token end while it asks for a key.
func TestATokenThatIsLoggedOutMakesNoKey(t *testing.T) {
	s, c := newTestService(t)
	r := authtest.Request("POST", "/api/keys", "Content-Type", "application/json")
	caller(t, s, c, "alice").present(r)
	r.Body = &meanwhile{Reader: strings.NewReader(`{"name":"mine now"}`), do: func() {
		if _, err := s.tokens.sessions().RevokeSubject(t.Context(), "alice"); err != nil {
			t.Error(err)
		}
	}}
	if resp := authtest.Do(s.handler, r); resp.StatusCode != 401 {
		t.Errorf("got %d, want 401", resp.StatusCode)
	}
}

// TestNobodyWaitsForASlowReader looks whether the database is in use while an answer is written: rows that are still being
// read, a transaction that is still open.
func TestNobodyWaitsForASlowReader(t *testing.T) {
	s, c := newTestService(t)
	alice := caller(t, s, c, "alice")
	for _, path := range []string{"notes", "members", "programs"} {
		r := authtest.Request("GET", "/api/teams/"+c.team+"/"+path)
		alice.present(r)
		w := &slowReader{ResponseRecorder: httptest.NewRecorder(), db: s.teams.db}
		s.handler.ServeHTTP(w, r)
		if w.Code != 200 || w.inUse != 0 {
			t.Errorf("%s: got %d with %d connections in use, want 200 with none", path, w.Code, w.inUse)
		}
	}
}

type slowReader struct {
	*httptest.ResponseRecorder
	db    *sql.DB
	inUse int
}

func (w *slowReader) Write(p []byte) (int, error) {
	w.inUse += w.db.Stats().InUse
	return w.ResponseRecorder.Write(p)
}

// TestNobodyTakesTheRoomOfOthers has one person make as much as the service lets them.
func TestNobodyTakesTheRoomOfOthers(t *testing.T) {
	s, c := newTestService(t)
	alice := caller(t, s, c, "alice")
	for _, tt := range []struct{ name, path, body string }{
		{"teams", "/api/teams", `{"name":"more"}`},
		{"programs", "/api/teams/" + c.team + "/programs", `{"name":"more","role":"reader"}`},
	} {
		made := 0
		for ; made < 1000; made++ {
			if status, _ := alice.do("POST", tt.path, tt.body); status == http.StatusInsufficientStorage {
				break
			}
		}
		if made > 100 || made < 5 {
			t.Errorf("got %d %s of one person, want 5 to 100", made, tt.name)
		}
	}
	long := fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", maxNote+1))
	if status, _ := alice.do("POST", "/api/teams/"+c.team+"/notes", long); status != 422 {
		t.Errorf("got %d for a note that is too long, want 422", status)
	}
}

// TestAnswersAreKeptByNobody asks for what is about somebody, and for what holds a secret.
func TestAnswersAreKeptByNobody(t *testing.T) {
	s, c := newTestService(t)
	alice := caller(t, s, c, "alice's key")
	for _, tt := range []struct{ method, path, body string }{
		{"GET", "/api/me", ""},
		{"GET", "/api/hello", ""},
		{"POST", "/api/teams/" + c.team + "/programs", `{"name":"p","role":"reader"}`},
	} {
		r := authtest.Request(tt.method, tt.path)
		alice.present(r)
		r.Body = io.NopCloser(strings.NewReader(tt.body))
		if got := authtest.Do(s.handler, r).Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s %s: got Cache-Control %q, want no-store", tt.method, tt.path, got)
		}
	}
}

// TestPathsAreAboutOneTeam asks for a team of others by paths that another reader could take for one's own.
func TestPathsAreAboutOneTeam(t *testing.T) {
	s, c := newTestService(t)
	bobs := founded(t, s, "root")
	alice := caller(t, s, c, "alice")
	for _, path := range []string{
		"/api/teams/" + c.team + "%2F..%2F" + bobs + "/notes",
		"/api/teams/" + c.team + "/..%2F" + bobs + "/notes",
		"/api/teams/" + c.team + "/%2e%2e/" + bobs + "/notes",
		"/api/teams/" + c.team + "%00/notes",
		"/api/teams/" + c.team + "/notes/",
		"/api/teams/%2e/notes",
		"/api/teams/*/notes",
		"/api//teams/" + bobs + "/notes",
		"/API/teams/" + c.team + "/notes",
		"/api/teams/" + strings.ToUpper(c.team) + "/notes",
		"/api/teams/" + bobs + "/notes",
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "CONNECT", "POST"} {
			if status, body := alice.do(method, path, `{"text":"x"}`); status < 300 {
				t.Errorf("%s %s: got %d %s, want a refusal", method, path, status, body)
			}
		}
	}
}
