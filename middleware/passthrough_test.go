package middleware_test

import (
	"bufio"
	"bytes"
	"crypto/sha1" // RFC 6455 §4.2.2 asks for it
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

func TestResponseWriterIsTheServersOwn(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t)})
	server := httptest.NewServer(g.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, flusher := w.(http.Flusher)
		_, hijacker := w.(http.Hijacker)
		_, readerFrom := w.(io.ReaderFrom)
		if !flusher || !hijacker || !readerFrom {
			t.Errorf("got Flusher %v, Hijacker %v, ReaderFrom %v; want all", flusher, hijacker, readerFrom)
		}
	}))
	defer server.Close()
	if resp := get(t, server, "/", "Bearer t-alice"); resp.StatusCode != 200 {
		t.Errorf("got status %d", resp.StatusCode)
	}
}

func get(t *testing.T, server *httptest.Server, path, authorization string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestServerSentEventsBehindAGuard(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t)})
	release := make(chan struct{})
	server := httptest.NewServer(g.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: one\n\n")
		w.(http.Flusher).Flush()
		<-release
	}))
	defer server.Close()
	defer close(release)
	resp := get(t, server, "/", "Bearer t-alice")
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	if err != nil || line != "data: one\n" {
		t.Errorf("got %q and %v while the handler runs, want the first event", line, err)
	}
}

// TestWebSocketUpgradeBehindAGuard does the handshake of RFC 6455 §4 by hand, with a credential and without.
func TestWebSocketUpgradeBehindAGuard(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t)})
	server := httptest.NewServer(g.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		p, _ := auth.FromContext(r.Context())
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n\x81" + string(rune(len(p.Subject()))) + p.Subject())
		_ = rw.Flush()
	}))
	defer server.Close()
	dial := func(authorization string) (*http.Response, *bufio.Reader) {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+authorization+"\r\n")
		br := bufio.NewReader(conn)
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp, br
	}
	resp, br := dial("Authorization: Bearer t-alice\r\n")
	frame := make([]byte, 7)
	if _, err := io.ReadFull(br, frame); err != nil || resp.StatusCode != 101 ||
		resp.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" || !bytes.Equal(frame, []byte("\x81\x05alice")) {
		t.Errorf("got status %d, frame %q, error %v; want 101 and alice", resp.StatusCode, frame, err)
	}
	if resp, _ := dial(""); resp.StatusCode != 401 {
		t.Errorf("got status %d without a credential, want 401", resp.StatusCode)
	}
}

func queryAuthenticator() *authtest.Fake {
	return &authtest.Fake{
		Scheme: auth.Scheme{Name: "query", Type: "apiKey", In: auth.InQuery, Parameter: "api_key", AuthScheme: "ApiKey"},
		Func: func(r *http.Request) (*auth.Principal, error) {
			switch key := r.URL.Query().Get("api_key"); key {
			case "":
				return nil, auth.ErrNoCredential
			case "k":
				return alice, nil
			}
			return nil, auth.Invalid(auth.ReasonUnknown, nil)
		},
	}
}

func TestQueryCredentialIsCutOutOfTheURL(t *testing.T) {
	var events authtest.Recorder
	g := newGuard(t, middleware.Config{Authenticator: queryAuthenticator(), Observer: &events})
	for _, tt := range []struct{ name, target, want string }{
		{"alone", "/x?api_key=k", "/x"},
		{"first", "/x?api_key=k&a=1", "/x?a=1"},
		{"last, the others byte for byte", "/x?a=%20&b=+&api_key=k", "/x?a=%20&b=+"},
		{"twice", "/x?api_key=k&a=1&api_key=k2", "/x?a=1"},
		{"with an escaped name", "/x?api%5Fkey=k", "/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := authtest.Request(http.MethodGet, tt.target)
			before := r.URL.String()
			_ = r.ParseForm()
			var got *http.Request
			g.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }).ServeHTTP(httptest.NewRecorder(), r)
			if got == nil {
				t.Fatal("the request was refused")
			}
			if got.URL.String() != tt.want || got.RequestURI != tt.want || got.Form.Has("api_key") {
				t.Errorf("got URL %s, RequestURI %s, form %v; want %s", got.URL, got.RequestURI, got.Form, tt.want)
			}
			if r.URL.String() != before {
				t.Errorf("the caller's request was changed to %s", r.URL)
			}
			if !events.Last().InURL {
				t.Error("the event does not say that the credential was in the URL")
			}
		})
	}
}

func TestRemoveCredentials(t *testing.T) {
	cookie := &authtest.Fake{
		Scheme: auth.Scheme{Name: "c", Type: "apiKey", In: auth.InCookie, Parameter: "sid", AuthScheme: "Session"},
		Func: func(r *http.Request) (*auth.Principal, error) {
			if c, err := r.Cookie("sid"); err == nil && c.Value == "good" {
				return alice, nil
			}
			return nil, auth.ErrNoCredential
		},
	}
	chain := auth.FirstOf(tokens(t), cookie)
	for _, tt := range []struct {
		name   string
		remove bool
		fields []string
		want   http.Header
	}{
		{"the header stays by default", false, []string{"Authorization", "Bearer t-alice"}, http.Header{"Authorization": {"Bearer t-alice"}}},
		{"the header goes where told", true, []string{"Authorization", "Bearer t-alice", "X-Other", "1"}, http.Header{"X-Other": {"1"}}},
		{"the cookie goes and its neighbours stay", true, []string{"Cookie", "a=1; sid=good; b=2"}, http.Header{"Cookie": {"a=1; b=2"}}},
		{"the only cookie leaves no header", true, []string{"Cookie", "sid=good"}, http.Header{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuard(t, middleware.Config{Authenticator: chain, RemoveCredentials: tt.remove})
			r := authtest.Request(http.MethodGet, "/", tt.fields...)
			before := r.Header.Clone()
			var got http.Header
			g.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }).ServeHTTP(httptest.NewRecorder(), r)
			if !equalHeaders(got, tt.want) {
				t.Errorf("got headers %v, want %v", got, tt.want)
			}
			if !equalHeaders(r.Header, before) {
				t.Errorf("the caller's headers were changed to %v", r.Header)
			}
		})
	}
}

func FuzzQueryCut(f *testing.F) {
	for _, q := range []string{"", "api_key=k", "a=1&api_key=k", "api%5Fkey=k&b", "api_key=%zz", "a;api_key=k", "&&&", "%61pi_key=k"} {
		f.Add(q)
	}
	a := queryAuthenticator()
	a.Func = func(*http.Request) (*auth.Principal, error) { return alice, nil }
	g, err := middleware.New(middleware.Config{Authenticator: a})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = query
		next := g.Check(r).Request
		values, _ := url.ParseQuery(next.URL.RawQuery)
		if values.Has("api_key") {
			t.Errorf("got query %q from %q, want no api_key in it", next.URL.RawQuery, query)
		}
		before, _ := url.ParseQuery(query)
		if delete(before, "api_key"); before.Encode() != values.Encode() {
			t.Errorf("got %q from %q, want the other parameters as they were", next.URL.RawQuery, query)
		}
	})
}

func TestHandlerChainsOfTheUsualShape(t *testing.T) {
	g := newGuard(t, middleware.Config{Authenticator: tokens(t)})
	wrap := []func(http.Handler) http.Handler{g.Handler}
	var order []string
	logged := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			order = append(order, "log")
			next.ServeHTTP(w, r)
		})
	}
	resp := authtest.Do(logged(wrap[0](logged(whoami))), authtest.Request(http.MethodGet, "/", "Authorization", "Bearer t-alice"))
	if got := body(t, resp); got != "alice" || strings.Join(order, " ") != "log log" {
		t.Errorf("got %q through %v", got, order)
	}
}
