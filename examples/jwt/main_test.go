package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-go/auth/jwt"
)

// clock is moved by the test, while requests read it.
type clock struct{ now atomic.Int64 }

func (c *clock) Now() time.Time { return time.Unix(c.now.Load(), 0) }

func start(t *testing.T) (*service, *httptest.Server, *clock) {
	t.Helper()
	c := &clock{}
	c.now.Store(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).Unix())
	s, err := newService(context.Background(), c.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	return s, server, c
}

func do(t *testing.T, server *httptest.Server, method, path string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, server.URL+path, http.NoBody)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	change(r)
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}

func login(t *testing.T, server *httptest.Server) string {
	t.Helper()
	status, token := do(t, server, "POST", "/login", func(r *http.Request) { r.SetBasicAuth("alice", "correct horse") })
	if status != http.StatusOK {
		t.Errorf("login: got %d", status)
	}
	return token
}

func withToken(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func TestLoginAndUse(t *testing.T) {
	_, server, c := start(t)
	token := login(t, server)
	if status, body := do(t, server, "GET", "/notes", withToken(token)); status != http.StatusOK || body != "the notes of alice" {
		t.Errorf("got %d %q, want alice's notes", status, body)
	}
	if status, _ := do(t, server, "GET", "/notes", func(*http.Request) {}); status != http.StatusUnauthorized {
		t.Errorf("without a token: got %d, want 401", status)
	}
	if status, _ := do(t, server, "POST", "/login", func(r *http.Request) { r.SetBasicAuth("alice", "wrong") }); status != http.StatusUnauthorized {
		t.Errorf("wrong password: got %d, want 401", status)
	}
	status, body := do(t, server, "GET", "/jwks", func(*http.Request) {})
	if set, err := jwt.ParseKeySet([]byte(body), jwt.KeyOptions{}); status != http.StatusOK || err != nil || len(set.Keys()) != 1 {
		t.Errorf("got %d, %v, want the public key", status, err)
	}
	c.now.Add(11 * 60)
	if status, _ := do(t, server, "GET", "/notes", withToken(token)); status != http.StatusUnauthorized {
		t.Errorf("after 11 minutes: got %d, want 401", status)
	}
}

// Clients log in every few minutes and use their tokens to their end, for three days in which the key changes every day.
// Not one request is refused.
func TestRotationRefusesNoRequest(t *testing.T) {
	s, server, c := start(t)
	const step = 3 * 60 // seconds
	seen := make(map[string]bool)
	tokens := make([]string, 0, 3) // of the last nine minutes
	for range 3 * 24 * 60 / 3 {
		tokens = append(tokens, login(t, server))
		if len(tokens) > 3 {
			tokens = tokens[1:]
		}
		var wg sync.WaitGroup
		for _, token := range tokens {
			wg.Go(func() {
				if status, _ := do(t, server, "GET", "/notes", withToken(token)); status != http.StatusOK {
					t.Errorf("at %v: got %d, want 200", c.Now().UTC(), status)
				}
			})
		}
		c.now.Add(1) // while they run
		wg.Wait()
		c.now.Add(step - 1)
		for _, k := range s.keys.Keys() {
			seen[k.Key.ID()] = true
		}
		if t.Failed() {
			return
		}
	}
	if len(seen) < 3 {
		t.Errorf("saw %d keys, want 3 at least: nothing was tested", len(seen))
	}
}
