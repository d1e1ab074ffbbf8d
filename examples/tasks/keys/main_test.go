package main

import (
	"net/http"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
)

func TestHello(t *testing.T) {
	store := apikey.NewMemoryStore(apikey.MemoryConfig{})
	keys := must(apikey.New(apikey.Config{Prefix: "acme", Store: store}))
	handler := newHandler(keys)

	reader := must(keys.Create(t.Context(), apikey.Request{Subject: "reader"})).Secret.Reveal()
	writer := must(keys.Create(t.Context(), apikey.Request{
		Subject: "writer", Scopes: auth.MustScopeSet("hello:write"),
	})).Secret.Reveal()
	revoked := must(keys.Create(t.Context(), apikey.Request{
		Subject: "mallory", Scopes: auth.MustScopeSet("hello:write"),
	}))
	if err := keys.Revoke(t.Context(), revoked.Record.ID, "leaked"); err != nil {
		t.Fatal(err)
	}
	elsewhere := must(apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}))
	stranger := must(elsewhere.Create(t.Context(), apikey.Request{Subject: "writer"})).Secret.Reveal()

	for _, tc := range []struct {
		name   string
		method string
		fields []string
		want   int
	}{
		{"a key without scopes may read", http.MethodGet, []string{"X-API-Key", reader}, http.StatusOK},
		{"a key may come as a bearer token", http.MethodGet, []string{"Authorization", "Bearer " + reader}, http.StatusOK},
		{"a key without scopes may not write", http.MethodPost, []string{"X-API-Key", reader}, http.StatusForbidden},
		{"a key with the scope may write", http.MethodPost, []string{"X-API-Key", writer}, http.StatusOK},
		{"reading without a key is refused", http.MethodGet, nil, http.StatusUnauthorized},
		{"writing without a key is refused", http.MethodPost, nil, http.StatusUnauthorized},
		{"a text that is no key is refused", http.MethodGet, []string{"X-API-Key", "wrong"}, http.StatusUnauthorized},
		{"a key of another store is refused", http.MethodGet, []string{"X-API-Key", stranger}, http.StatusUnauthorized},
		{"a revoked key is refused", http.MethodPost, []string{"X-API-Key", revoked.Secret.Reveal()}, http.StatusUnauthorized},
		{
			"a key in two places is a bad request", http.MethodGet,
			[]string{"X-API-Key", reader, "Authorization", "Bearer " + reader}, http.StatusBadRequest,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp := authtest.Do(handler, authtest.Request(tc.method, "/hello", tc.fields...))
			if resp.StatusCode != tc.want {
				t.Errorf("got %s, want %d", resp.Status, tc.want)
			}
			if tc.fields == nil {
				bearer := map[string]string{http.MethodGet: "Bearer", http.MethodPost: `Bearer scope="hello:write"`}
				authtest.AssertChallenges(t, resp, bearer[tc.method], `ApiKey header="X-API-Key"`)
			}
		})
	}
}
