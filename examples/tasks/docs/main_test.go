package main

import (
	"net/http"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/openapi"
	"github.com/cardea-go/auth/openapi/openapitest"
)

const secret = "correct horse battery"

// newTestHandler returns the API for ann, who may do everything, and bob, who may do nothing, with a key for each.
func newTestHandler(t *testing.T) (handler http.Handler, document *openapi.Document, annsKey, bobsKey string) {
	t.Helper()
	keys := must(apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}))
	hasher := must(password.New(password.Config{}))
	hash := must(hasher.Hash(t.Context(), secret))
	users := must(basic.NewStatic(hasher,
		basic.User{Name: "ann", PasswordHash: hash, Scopes: auth.Unlimited()},
		basic.User{Name: "bob", PasswordHash: hash},
	))
	handler, document = newHandler(keys, hasher, users)
	scopes := auth.MustScopeSet("notes:read")
	annsKey = must(keys.Create(t.Context(), apikey.Request{Subject: "ann", Scopes: scopes})).Secret.Reveal()
	bobsKey = must(keys.Create(t.Context(), apikey.Request{Subject: "bob"})).Secret.Reveal()
	return handler, document, annsKey, bobsKey
}

func TestDocumentAndHandlerAgree(t *testing.T) {
	handler, document, annsKey, bobsKey := newTestHandler(t)
	if err := openapitest.Check(openapitest.Config{
		Document: document,
		Handler:  handler,
		Credentials: map[string]openapitest.Credential{
			"apikey": {Enough: annsKey, Little: bobsKey},
			"basic":  {Enough: "ann:" + secret, Little: "bob:" + secret},
		},
	}); err != nil {
		t.Error(err)
	}
}

func TestNotes(t *testing.T) {
	handler, _, annsKey, bobsKey := newTestHandler(t)
	for _, tc := range []struct {
		name, key, user, password string
		want                      int
	}{
		{"a key with the scope may read", annsKey, "", "", http.StatusOK},
		{"a person may read", "", "ann", secret, http.StatusOK},
		{"a key without the scope may not read", bobsKey, "", "", http.StatusForbidden},
		{"a person without the scope may not read", "", "bob", secret, http.StatusForbidden},
		{"a text that is no key is refused", "wrong", "", "", http.StatusUnauthorized},
		{"a changed key is refused", annsKey[:len(annsKey)-1], "", "", http.StatusUnauthorized},
		{"a wrong password is refused", "", "ann", "wrong", http.StatusUnauthorized},
		{"no credential is refused", "", "", "", http.StatusUnauthorized},
		{"a key beside a password is a bad request", annsKey, "ann", secret, http.StatusBadRequest},
		{"a wrong key beside a right password is a bad request", "wrong", "ann", secret, http.StatusBadRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, path := range []string{"/notes", "/notes/7"} {
				r := authtest.Request(http.MethodGet, path)
				if tc.key != "" {
					r.Header.Set("X-API-Key", tc.key)
				}
				if tc.user != "" {
					r.SetBasicAuth(tc.user, tc.password)
				}
				if resp := authtest.Do(handler, r); resp.StatusCode != tc.want {
					t.Errorf("%s: got %s, want %d", path, resp.Status, tc.want)
				}
			}
		})
	}
}

func TestDocumentation(t *testing.T) {
	handler, _, _, _ := newTestHandler(t)
	for _, path := range []string{"/openapi.json", "/docs/"} {
		t.Run(path+" needs no credential", func(t *testing.T) {
			resp := authtest.Do(handler, authtest.Request(http.MethodGet, path))
			if resp.StatusCode != http.StatusOK {
				t.Errorf("got %s, want 200", resp.Status)
			}
		})
	}
}
