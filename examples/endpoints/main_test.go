package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

// monday is the day of these tests.
var monday = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newTest(t *testing.T, now time.Time) (http.Handler, *strings.Builder) {
	t.Helper()
	log := &strings.Builder{}
	handler, err := newHandler(bearer(demoTokens(now)), slog.New(slog.NewTextHandler(log, nil)), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return handler, log
}

func TestRoutes(t *testing.T) {
	handler, _ := newTest(t, monday)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	for _, tt := range []struct {
		name, token, route string
		status             int
		want               string // a part of the body, or of the challenge
	}{
		{"public", "", "GET /health", 200, "ok"},
		{"public, whatever is sent", "guess", "GET /health", 200, "ok"},
		{"optional, nobody", "", "GET /", 200, "welcome\n"},
		{"optional, somebody", "alice", "GET /", 200, "welcome back, alice"},
		{"a wrong token is not nobody", "guess", "GET /", 401, `error="invalid_token"`},
		{"nothing sent", "", "GET /account", 401, `Bearer realm="bank"`},
		{"any principal", "root", "GET /account", 200, "your account"},
		{"the group's scope is asked for", "root", "GET /transfers/7", 403, `scope="account"`},
		{"an old login", "alice", "GET /transfers/7", 401, `max_age="300"`},
		{"a fresh one", "alice-fresh", "GET /transfers/7", 200, "a transfer"},
		{"fresh, not strong", "alice-fresh", "GET /limits", 401, `acr_values="phr"`},
		{"fresh and strong", "alice-phone", "GET /limits", 200, "your limits"},
		{"a rule of one's own", "alice", "POST /transfers", 200, "transferred"},
		{"hidden from others", "alice", "GET /admin", 404, ""},
		{"hidden from nobody", "", "GET /admin", 404, ""},
		{"there for the administrator", "root", "GET /admin", 200, "administration"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method, path, _ := strings.Cut(tt.route, " ")
			r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close() //nolint:errcheck // was read
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			got := string(body)
			if tt.status != http.StatusOK {
				got = strings.Join(resp.Header.Values("WWW-Authenticate"), "\n")
			}
			if resp.StatusCode != tt.status || !strings.Contains(got, tt.want) {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, got, tt.status, tt.want)
			}
		})
	}
}

// TestAs calls handlers as somebody without a token: what a test of your own handlers does. The guards stay in place, so
// that requirements are tested as well.
func TestAs(t *testing.T) {
	saturday := monday.AddDate(0, 0, 5)
	handler, log := newTest(t, saturday)
	alice := authtest.Principal("alice", "account")

	resp := authtest.Do(handler, authtest.As(authtest.Request("GET", "/account"), alice))
	if resp.StatusCode != http.StatusOK {
		t.Errorf("got status %d, want 200", resp.StatusCode)
	}
	resp = authtest.Do(handler, authtest.As(authtest.Request("POST", "/transfers"), alice))
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "the bank is closed") {
		t.Errorf("got %d %s, want 403 and why", resp.StatusCode, body)
	}
	// The helper makes principals with scopes; whatever else there is to one comes from NewPrincipal.
	strong, err := auth.NewPrincipal(auth.PrincipalConfig{
		Subject: "alice", Scopes: auth.MustScopeSet("account"), AuthenticatedAt: saturday, ACR: "phr",
	})
	if err != nil {
		t.Fatal(err)
	}
	if resp = authtest.Do(handler, authtest.As(authtest.Request("GET", "/limits"), strong)); resp.StatusCode != http.StatusOK {
		t.Errorf("got status %d, want 200", resp.StatusCode)
	}
	// What is concealed is in the log.
	if resp = authtest.Do(handler, authtest.As(authtest.Request("GET", "/admin"), alice)); resp.StatusCode != http.StatusNotFound {
		t.Errorf("got status %d, want 404", resp.StatusCode)
	}
	if !strings.Contains(log.String(), "missing_role") {
		t.Errorf("the log does not say why: %s", log)
	}
}
