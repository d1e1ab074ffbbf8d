package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The budgets of the harness: a fresh request and a recorder each time, which are some 25 of the allocations.
func TestAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates too")
	}
	w := newWorld(t, nil)
	o := newWorld(t, opaque)
	session := o.login("web").text("refresh_token")
	for _, tt := range []struct {
		name string
		most float64
		do   func()
	}{
		{"client credentials, JWT", 60, func() { w.serve("/token", "grant_type=client_credentials&scope=read", "worker") }},
		{"client credentials, opaque", 70, func() { o.serve("/token", "grant_type=client_credentials&scope=read", "worker") }},
		{"introspection, JWT", 54, introspection(w)},
		{"introspection, opaque", 64, introspection(o)},
		{"refresh, opaque", 90, func() { session = o.rotate(session) }},
	} {
		if got := testing.AllocsPerRun(100, tt.do); got > tt.most {
			t.Errorf("%s: got %v allocations, want at most %v", tt.name, got, tt.most)
		} else {
			t.Logf("%s: %v allocations", tt.name, got)
		}
	}
}

func introspection(w *world) func() {
	body := form("token", w.login("web").text("access_token"))
	return func() { w.serve("/introspect", body, "gateway") }
}

// rotate uses a refresh token of web's and returns its successor.
func (w *world) rotate(token string) string {
	r := httptest.NewRequest(http.MethodPost, issuer+"/token", strings.NewReader("grant_type=refresh_token&refresh_token="+token))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("web", w.secret["web"])
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	_, rest, _ := strings.Cut(rec.Body.String(), `"refresh_token":"`)
	next, _, ok := strings.Cut(rest, `"`)
	if !ok {
		w.t.Fatalf("got %d %s", rec.Code, rec.Body)
	}
	return next
}
