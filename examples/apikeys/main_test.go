package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
)

// client calls the service over a real connection.
type client struct {
	t   *testing.T
	url string
}

func (c client) do(key, method, path, body string, want int) []byte {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("X-API-Key", key)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // was read
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != want {
		c.t.Fatalf("%s %s: got %d %s, want %d", method, path, resp.StatusCode, text, want)
	}
	return text
}

// issued calls like do and returns the key that is in the answer, and its id.
func (c client) issued(key, path, body string) (secret, id string) {
	c.t.Helper()
	var answer struct{ Key, ID string }
	text := c.do(key, "POST", path, body, 201)
	if err := json.Unmarshal(text, &answer); err != nil || answer.Key == "" || answer.ID == "" {
		c.t.Fatalf("got %s, want a key and its id", text)
	}
	return answer.Key, answer.ID
}

func start(t *testing.T, clock func() time.Time) (*service, client, string) {
	t.Helper()
	s, err := newService(clock)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.handler)
	t.Cleanup(server.Close)
	issued, err := s.keys.Create(t.Context(), apikey.Request{Subject: "alice", Name: "laptop", Scopes: auth.MustScopeSet("notes:read")})
	if err != nil {
		t.Fatal(err)
	}
	return s, client{t, server.URL}, issued.Secret.Reveal()
}

func TestCallersManageTheirOwnKeys(t *testing.T) {
	now := time.Now()
	_, c, laptop := start(t, func() time.Time { return now })
	c.do(laptop, "GET", "/notes", "", 200)
	c.do("", "GET", "/notes", "", 401)
	c.do("", "GET", "/keys", "", 401)
	c.do(laptop, "POST", "/keys", `{"name":"more","scopes":["notes:write"]}`, 403) // more than the laptop's own
	dashboard, id := c.issued(laptop, "/keys", `{"name":"dashboard","scopes":["notes:read"]}`)
	if list := string(c.do(laptop, "GET", "/keys", "", 200)); !strings.Contains(list, id) || strings.Contains(list, dashboard) {
		t.Errorf("got list %s, want the id and not the key", list)
	}

	next, _ := c.issued(dashboard, "/keys/"+id+"/rotate", `{"grace_seconds":3600}`)
	c.do(dashboard, "GET", "/notes", "", 200) // both work …
	c.do(next, "GET", "/notes", "", 200)
	now = now.Add(time.Hour)
	c.do(dashboard, "GET", "/notes", "", 401) // … until the overlap is over
	c.do(next, "GET", "/notes", "", 200)

	_, id = c.issued(next, "/keys", `{"name":"third","scopes":["notes:read"]}`)
	c.do(next, "DELETE", "/keys/"+id, "", 204)
	c.do(next, "DELETE", "/keys/"+id, "", 204) // again is no error
}

func TestTheServiceRotatesEveryKeyOfASubject(t *testing.T) {
	now := time.Now()
	s, c, laptop := start(t, func() time.Time { return now })
	for range apikey.MaxPage { // more than a page
		now = now.Add(time.Second)
		if _, err := s.keys.Create(t.Context(), apikey.Request{Subject: "alice"}); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Second)
	successors, err := s.rotateAll(t.Context(), "alice")
	if err != nil || len(successors) != apikey.MaxPage+1 {
		t.Fatalf("got %d successors, %v, want %d", len(successors), err, apikey.MaxPage+1)
	}
	c.do(laptop, "GET", "/notes", "", 200)
	now = now.Add(24 * time.Hour)
	c.do(laptop, "GET", "/notes", "", 401)
}

func TestALeakedKeyIsRevoked(t *testing.T) {
	_, c, laptop := start(t, time.Now)
	forged := laptop[:len(laptop)-10] + "0000000000"
	for _, tt := range []struct {
		name, text, want string
		after            int
	}{
		{"nothing is found in prose", "nothing to see", "revoked 0\n", 200},
		{"a look-alike revokes nothing", "key: " + forged, "revoked 0\n", 200},
		{"a key in a text is revoked", fmt.Sprintf("log line\nexport KEY=%s\n", laptop), "revoked 1\n", 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := client{t, c.url}
			if got := string(c.do("", "POST", "/leaks", tt.text, 200)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			c.do(laptop, "GET", "/notes", "", tt.after)
		})
	}
	if pattern := string(c.do("", "GET", "/leaks/pattern", "", 200)); !strings.Contains(pattern, "acme") {
		t.Errorf("got pattern %q", pattern)
	}
}
