package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

func TestScopes(t *testing.T) {
	handler, err := newHandler(authtest.Tokens(map[string]*auth.Principal{
		"nothing": authtest.Principal("alice"),
		"reader":  authtest.Principal("alice", "notes:read"),
		"writer":  authtest.Principal("alice", "notes:write"), // writes and does not read
		"editor":  authtest.Principal("alice", "notes:read", "notes:write", "drafts:read"),
		"janitor": authtest.Principal("alice", "notes:read", "notes:write", "notes:delete"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	for _, tt := range []struct {
		name, token, method, path string
		status                    int
		want                      string // the body of a 200, the scope of a 403
	}{
		{"nothing sent", "", "GET", "/notes/7", 401, ""},
		{"a wrong token", "guess", "GET", "/notes/7", 401, "invalid_token"},
		{"no scope at all", "nothing", "GET", "/notes/7", 403, "notes:read"},
		{"a reader reads", "reader", "GET", "/notes/7", 200, "a note for alice\n"},
		{"an editor reads more", "editor", "GET", "/notes/7", 200, "a note for alice\nand drafts\n"},
		{"a reader does not write: both scopes are named", "reader", "PUT", "/notes/7", 403, "notes:read notes:write"},
		{"a writer who does not read is stopped outside", "writer", "PUT", "/notes/7", 403, "notes:read"},
		{"an editor writes", "editor", "PUT", "/notes/7", 200, "a note for alice\nand drafts\n"},
		{"an editor does not delete: all three add up", "editor", "DELETE", "/notes/7", 403, "notes:read notes:write notes:delete"},
		{"a janitor does", "janitor", "DELETE", "/notes/7", 200, "a note for alice\n"},

		{"the mux knows all of it at once", "nothing", "DELETE", "/v2/notes/7", 403, "notes:read notes:write notes:delete"},
		{"groups in groups let in whom they should", "janitor", "DELETE", "/v2/notes/7", 200, "a note for alice\n"},
		{"the second of two will do", "janitor", "GET", "/v2/export", 200, "a note for alice\n"},
		{"of two, the first is asked for", "reader", "GET", "/v2/export", 403, "notes:read export"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+tt.path, nil)
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
			if resp.StatusCode != tt.status {
				t.Fatalf("got %d %s, want %d", resp.StatusCode, body, tt.status)
			}
			switch tt.status {
			case http.StatusOK:
				if string(body) != tt.want {
					t.Errorf("got %q, want %q", body, tt.want)
				}
			case http.StatusUnauthorized:
				authtest.AssertChallenge(t, resp, "Bearer", "error", tt.want, "scope", "notes:read")
			default:
				authtest.AssertChallenge(t, resp, "Bearer", "error", "insufficient_scope", "scope", tt.want)
			}
		})
	}
}
