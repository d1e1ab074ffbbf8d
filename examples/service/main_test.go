package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-go/auth/authtest"
)

func newTestService(t *testing.T) (*service, credentials) {
	t.Helper()
	s, err := newService(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.seed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestRoutes(t *testing.T) {
	s, c := newTestService(t)
	alice, bob, root := c.alice.Reveal(), c.bob.Reveal(), c.root.Reveal()
	for _, tt := range []struct { // in order: the notebook remembers
		name, method, path, key, body string
		status                        int
		want                          string
	}{
		{"health is public", "GET", "/health", "", "", 200, "ok"},
		{"strangers are welcome", "GET", "/", "", "", 200, "welcome, stranger"},
		{"friends by name", "GET", "/", alice, "", 200, "welcome, alice"},
		{"a wrong key is no stranger", "GET", "/", "notes_live_x", "", 401, ""},
		{"notes need a credential", "GET", "/notes", "", "", 401, ""},
		{"alice writes", "POST", "/notes", alice, `{"text":"milk"}`, 201, `"id":1`},
		{"bob's key only reads", "POST", "/notes", bob, `{"text":"milk"}`, 403, ""},
		{"alice reads hers", "GET", "/notes/1", alice, "", 200, "milk"},
		{"bob does not", "GET", "/notes/1", bob, "", 404, ""},
		{"bob has none", "GET", "/notes", bob, "", 200, "[]"},
		{"bob can't remove it", "DELETE", "/notes/1", bob, "", 403, ""},
		{"text is required", "POST", "/notes", alice, `{}`, 400, ""},
		{"the administrator sees all", "GET", "/admin/notes", root, "", 200, "milk"},
		{"others see no such route", "GET", "/admin/notes", alice, "", 404, ""},
		{"the document is public", "GET", "/openapi.json", "", "", 200, `"securitySchemes"`},
		{"so is the page to try it", "GET", "/docs/", "", "", 200, "swagger-ui"},
		{"alice lists her keys", "GET", "/keys", alice, "", 200, "first key"},
		{"strangers list none", "GET", "/keys/", "", "", 401, ""},
		{"alice removes it", "DELETE", "/notes/1", alice, "", 204, ""},
		{"it is gone", "GET", "/notes/1", alice, "", 404, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := authtest.Request(tt.method, tt.path)
			r.Body = io.NopCloser(strings.NewReader(tt.body))
			if tt.key != "" {
				r.Header.Set("X-API-Key", tt.key)
			}
			resp := authtest.Do(s.handler, r)
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
				t.Errorf("got %d %s, want %d %s", resp.StatusCode, body, tt.status, tt.want)
			}
		})
	}
}

// TestTour runs the service as main does, pastes every line that it prints into a shell, compares the status with what the
// line says, and ends it.
func TestTour(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		skip(t, "curl is not installed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var logs lockedBuffer
	out, printed := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, "localhost:0", printed, &logs)
		_ = printed.Close()
		ended <- err
	}()
	tour := make([]byte, 0, 8<<10)
	for buf := make([]byte, 1<<10); !bytes.Contains(tour, []byte("/keys\n\n")); {
		n, err := out.Read(buf)
		if err != nil {
			t.Fatalf("got %v after %q", err, tour)
		}
		tour = append(tour, buf[:n]...)
	}
	lines := regexp.MustCompile(`(?m)^# (\d{3}): .*\n(curl .*)$`).FindAllSubmatch(tour, -1)
	if len(lines) < 14 {
		t.Fatalf("got %d lines to paste in %q, want at least 14", len(lines), tour)
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
	log := logs.String()
	for _, part := range []string{"outcome=allowed", "outcome=refused", "reason=missing_scope", "concealed=true", "shutting down"} {
		if !strings.Contains(log, part) {
			t.Errorf("got a log without %q", part)
		}
	}
	for _, secret := range regexp.MustCompile(`notes_live_\w+|alice:\w+`).FindAllString(string(tour), -1) {
		secret = strings.TrimPrefix(secret, "alice:")
		if strings.Contains(log, secret) {
			t.Error("got a key in the log")
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
	if err := run(ctx, "256.0.0.1:0", io.Discard, io.Discard); err == nil {
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
