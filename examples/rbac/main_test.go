package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/rbac"
)

func TestWhoMayDoWhat(t *testing.T) {
	var log strings.Builder
	s, err := newService(t.Context(), rbac.File("policy.yaml"), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := s.seed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct { // in order: invoices stay
		name, who, method, path string
		status                  int
	}{
		{"a stranger may not list", "", "GET", "/invoices", 401},
		{"a viewer lists", "vera", "GET", "/invoices", 200},
		{"a viewer does not create", "vera", "POST", "/invoices", 403},
		{"a viewer does not delete", "vera", "DELETE", "/invoices/1", 403},
		{"a clerk creates", "carl", "POST", "/invoices", 201},
		{"a clerk does not delete another's", "carl", "DELETE", "/invoices/1", 403},
		{"a clerk deletes their own", "carl", "DELETE", "/invoices/2", 204},
		{"once", "carl", "DELETE", "/invoices/2", 404},
		{"a key that only reads does not delete", "dora's dashboard", "DELETE", "/invoices/1", 403},
		{"a chief deletes anybody's", "dora", "DELETE", "/invoices/1", 204},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := authtest.Request(tt.method, tt.path)
			if tt.who != "" {
				r.Header.Set("X-API-Key", keys[tt.who].Reveal())
			}
			if resp := authtest.Do(s.handler, r); resp.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
	if !strings.Contains(log.String(), "clerk (policy.yaml:") {
		t.Errorf("the log does not explain: %s", log.String())
	}
}

func TestAPolicyThatFailsItsOwnTestIsRefused(t *testing.T) {
	good, err := os.ReadFile("policy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "policy.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(string(good))
	s, err := newService(t.Context(), rbac.File(path), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	before := s.authorizer.Policy().Version()
	// Somebody drops the condition: now every clerk deletes every invoice.
	write(strings.Replace(string(good), `{permission: "invoice:delete", when: [owner]}`, `"invoice:delete"`, 1))
	err = s.reloader.Reload(context.Background())
	if err == nil || !strings.Contains(err.Error(), "clerks delete nobody else's") {
		t.Errorf("got %v, want the test that fails", err)
	}
	if got := s.authorizer.Policy().Version(); got != before {
		t.Errorf("got policy %s in force, want %s", got, before)
	}
	// What passes is taken.
	write(strings.Replace(string(good), `allow: ["invoice:delete"]`, `allow: ["invoice:delete"]`+"\n  auditor: {inherits: [viewer]}", 1))
	if err := s.reloader.Reload(context.Background()); err != nil {
		t.Error(err)
	}
	if !s.authorizer.Policy().HasRole("auditor") {
		t.Error("the new policy is not in force")
	}
}
