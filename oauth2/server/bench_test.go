package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// serve answers one request, as the harness beside the peers does: a fresh request and a recorder each time.
func (w *world) serve(path, body, client string) int {
	r := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(client, w.secret[client])
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	_, _ = io.Copy(io.Discard, rec.Body)
	return rec.Code
}

func (w *world) bench(b *testing.B, path, body, client string) {
	b.ReportAllocs()
	for b.Loop() {
		if got := w.serve(path, body, client); got != http.StatusOK {
			b.Fatalf("got %d", got)
		}
	}
}

func BenchmarkClientCredentials(b *testing.B) {
	body := form("grant_type", "client_credentials", "scope", "read")
	b.Run("JWT EdDSA", func(b *testing.B) { newWorld(b, nil).bench(b, "/token", body, "worker") })
	b.Run("opaque", func(b *testing.B) { newWorld(b, opaque).bench(b, "/token", body, "worker") })
}

func BenchmarkIntrospect(b *testing.B) {
	w := newWorld(b, nil)
	b.Run("JWT EdDSA", func(b *testing.B) {
		w.bench(b, "/introspect", form("token", w.login("web").text("access_token")), "gateway")
	})
	o := newWorld(b, opaque)
	b.Run("opaque", func(b *testing.B) {
		o.bench(b, "/introspect", form("token", o.login("web").text("access_token")), "gateway")
	})
}

func BenchmarkRefresh(b *testing.B) {
	w := newWorld(b, opaque)
	token := w.login("web").text("refresh_token")
	b.ReportAllocs()
	for b.Loop() {
		token = w.rotate(token)
	}
}
