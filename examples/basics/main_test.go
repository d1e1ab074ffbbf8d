package main

import (
	"io"
	"net/http"
	"testing"

	"github.com/cardea-go/auth/authtest"
)

func TestHello(t *testing.T) {
	handler, key, err := setup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		fields []string
		status int
		body   string
	}{
		{"with the key", []string{"X-API-Key", key.Reveal()}, 200, "hello alice\n"},
		{"with the key as a bearer token", []string{"Authorization", "Bearer " + key.Reveal()}, 200, "hello alice\n"},
		{"without", nil, 401, ""},
		{"with another", []string{"X-API-Key", "acme_live_no"}, 401, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := authtest.Do(handler, authtest.Request(http.MethodGet, "/hello", tt.fields...))
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || tt.body != "" && string(body) != tt.body {
				t.Errorf("got %d %q, want %d %q", resp.StatusCode, body, tt.status, tt.body)
			}
		})
	}
}
