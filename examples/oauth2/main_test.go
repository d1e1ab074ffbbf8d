package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The whole flow, as the curl lines of main do it.
func TestFlow(t *testing.T) {
	s, err := newService(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	post := func(path, body, client string) (int, map[string]any) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if client != "" {
			r.SetBasicAuth(client, s.secrets[client].Reveal())
		}
		rec := httptest.NewRecorder()
		s.handler.ServeHTTP(rec, r)
		answer := map[string]any{}
		if rec.Body.Len() > 0 {
			if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
				t.Fatal(err)
			}
		}
		return rec.Code, answer
	}
	get := func(url, token string) (int, string) {
		r := httptest.NewRequest(http.MethodGet, url, nil)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		rec := httptest.NewRecorder()
		s.handler.ServeHTTP(rec, r)
		return rec.Code, rec.Body.String()
	}

	status, answer := post("/token", "grant_type=client_credentials&scope=notes:read", "worker")
	token, _ := answer["access_token"].(string)
	if status != 200 || token == "" {
		t.Fatalf("client credentials: got %d %v", status, answer)
	}
	if status, body := get(api+"/notes", token); status != 200 || body != "notes for client:worker\n" {
		t.Errorf("notes: got %d %q", status, body)
	}
	if status, _ := get(api+"/notes", ""); status != 401 {
		t.Errorf("notes without a token: got %d", status)
	}
	_, answer = post("/token", "grant_type=client_credentials&scope=notes:write", "worker")
	other, _ := answer["access_token"].(string)
	if status, _ := get(api+"/notes", other); status != 403 {
		t.Errorf("notes with another scope: got %d", status)
	}
	if _, answer := post("/introspect", "token="+token, "gateway"); answer["active"] != true || answer["client_id"] != "worker" {
		t.Errorf("introspection: got %v", answer)
	}

	status, answer = post("/token", "client_id=app&grant_type=refresh_token&refresh_token="+s.alice, "")
	next, _ := answer["refresh_token"].(string)
	alice, _ := answer["access_token"].(string)
	if status != 200 || next == s.alice {
		t.Fatalf("refresh: got %d %v", status, answer)
	}
	if status, body := get(api+"/notes", alice); status != 200 || body != "notes for alice\n" {
		t.Errorf("alice's notes: got %d %q", status, body)
	}
	if status, _ := post("/revoke", "client_id=app&token="+next, ""); status != 200 {
		t.Errorf("revocation: got %d", status)
	}
	if _, answer := post("/introspect", "token="+alice, "gateway"); answer["active"] != false {
		t.Errorf("after revocation: got %v", answer)
	}
	for _, path := range []string{"/.well-known/oauth-authorization-server/oauth", "/oauth/jwks"} {
		if status, body := get(base+path, ""); status != 200 || !json.Valid([]byte(body)) {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
}
