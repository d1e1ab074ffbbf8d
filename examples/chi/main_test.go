package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

func TestRouter(t *testing.T) {
	handler, err := router(authtest.Tokens(map[string]*auth.Principal{
		"reader": authtest.Principal("alice", "notes:read"),
		"writer": authtest.Principal("bob", "notes:read", "notes:write"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, method, path, token string
		status                    int
		body                      string
	}{
		{"public", "GET", "/health", "", 200, "ok  for nobody\n"},
		{"no credential", "GET", "/notes/7", "", 401, ""},
		{"a reader reads, and the router's parameters are there", "GET", "/notes/7", "reader", 200, "a note 7 for alice\n"},
		{"a reader does not delete", "DELETE", "/notes/7", "reader", 403, ""},
		{"a writer does", "DELETE", "/notes/7", "writer", 200, "deleted 7 for bob\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := authtest.Request(tt.method, tt.path)
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			resp := authtest.Do(handler, r)
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || tt.body != "" && string(body) != tt.body {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, body, tt.status, tt.body)
			}
			if resp.StatusCode == http.StatusForbidden {
				authtest.AssertChallenge(t, resp, "Bearer", "scope", "notes:read notes:write")
			}
		})
	}
}
