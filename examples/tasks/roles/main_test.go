package main

import (
	"net/http"
	"sync"
	"testing"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/rbac"
)

const secret = "correct horse battery"

func TestPolicy(t *testing.T) {
	must(rbac.Parse("policy.yaml", policyYAML, rbac.Config{})).Test(t)
}

func TestDocuments(t *testing.T) {
	for _, tc := range []struct {
		name, method, id, user, password string
		want                             int
	}{
		{"a viewer reads", http.MethodGet, "editors", "viewer", secret, http.StatusOK},
		{"an editor reads", http.MethodGet, "admins", "editor", secret, http.StatusOK},
		{"an admin reads", http.MethodGet, "editors", "admin", secret, http.StatusOK},
		{"a viewer deletes nothing", http.MethodDelete, "editors", "viewer", secret, http.StatusForbidden},
		{"a viewer does not even delete what is theirs", http.MethodDelete, "viewers", "viewer", secret, http.StatusForbidden},
		{"an editor deletes their own document", http.MethodDelete, "editors", "editor", secret, http.StatusNoContent},
		{"an editor does not delete somebody else's", http.MethodDelete, "admins", "editor", secret, http.StatusForbidden},
		{"an editor does not own a document that is not there", http.MethodDelete, "missing", "editor", secret, http.StatusForbidden},
		{"an admin deletes any document", http.MethodDelete, "editors", "admin", secret, http.StatusNoContent},
		{"reading without a login is refused", http.MethodGet, "editors", "", "", http.StatusUnauthorized},
		{"deleting without a login is refused", http.MethodDelete, "editors", "", "", http.StatusUnauthorized},
		{"a wrong password is refused", http.MethodDelete, "editors", "admin", "wrong", http.StatusUnauthorized},
		{"an unknown name is refused", http.MethodGet, "editors", "mallory", secret, http.StatusUnauthorized},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var owners sync.Map
			for id, owner := range map[string]string{"viewers": "viewer", "editors": "editor", "admins": "admin"} {
				owners.Store(id, owner)
			}
			r := authtest.Request(tc.method, "/docs/"+tc.id)
			if tc.user != "" {
				r.SetBasicAuth(tc.user, tc.password)
			}
			resp := authtest.Do(newHandler(&owners, secret), r)
			if resp.StatusCode != tc.want {
				t.Errorf("got %s, want %d", resp.Status, tc.want)
			}
			if tc.want == http.StatusUnauthorized {
				authtest.AssertChallenge(t, resp, "Basic", "realm", "docs")
			}
			if _, found := owners.Load(tc.id); found == (tc.want == http.StatusNoContent || tc.id == "missing") {
				t.Errorf("after %s, the document is there: %t", resp.Status, found)
			}
		})
	}
}
