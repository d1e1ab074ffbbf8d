package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// From login to logout, as the curl lines of main do it.
func TestSession(t *testing.T) {
	const pw = "correct horse"
	s, err := newService(t.Context(), pw)
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, path string, form url.Values, change func(*http.Request)) (int, map[string]string) {
		t.Helper()
		r := httptest.NewRequest(method, base+path, strings.NewReader(form.Encode()))
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Header.Set("User-Agent", "curl/8")
		if change != nil {
			change(r)
		}
		rec := httptest.NewRecorder()
		s.handler.ServeHTTP(rec, r)
		body := map[string]string{}
		text, _ := io.ReadAll(rec.Body)
		values := map[string]any{}
		if json.Unmarshal(text, &values) == nil {
			for name, value := range values {
				if v, ok := value.(string); ok {
					body[name] = v
				}
			}
		}
		return rec.Code, body
	}
	as := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	expect := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Fatalf("%s: got %d, want %d", what, got, want)
		}
	}

	status, _ := send("POST", "/login", nil, func(r *http.Request) { r.SetBasicAuth("alice", "guess") })
	expect("a wrong password", status, 401)
	status, first := send("POST", "/login", nil, func(r *http.Request) { r.SetBasicAuth("alice", pw) })
	expect("login", status, 200)
	status, _ = send("GET", "/notes", nil, as(first["access_token"]))
	expect("notes", status, 200)
	status, _ = send("GET", "/notes", nil, as(first["refresh_token"]))
	expect("notes with the refresh token", status, 401)

	again := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {first["refresh_token"]}}
	status, second := send("POST", "/refresh", again, nil)
	expect("refresh", status, 200)
	status, retry := send("POST", "/refresh", again, nil)
	expect("the same again", status, 200)
	if retry["refresh_token"] != second["refresh_token"] || second["refresh_token"] == first["refresh_token"] {
		t.Error("got no successor, or two")
	}
	status, session := send("GET", "/sessions", nil, as(second["access_token"]))
	expect("sessions", status, 200)
	if session["device"] != "curl/8" {
		t.Errorf("got sessions %v", session)
	}

	status, _ = send("POST", "/logout", url.Values{"token": {second["refresh_token"]}}, nil)
	expect("logout", status, 200)
	status, _ = send("GET", "/notes", nil, as(second["access_token"]))
	expect("notes after logout", status, 401)
	status, answer := send("POST", "/refresh", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {second["refresh_token"]}}, nil)
	expect("refresh after logout", status, 400)
	if answer["error"] != "invalid_grant" {
		t.Errorf("got %v, want invalid_grant", answer)
	}
}
