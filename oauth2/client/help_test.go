package client_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/client"
)

// clock is one that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// site is an application with a login.
type site struct {
	provider *authtest.Provider
	clock    *clock
	handler  http.Handler
	events   authtest.Recorder
	log      bytes.Buffer

	identities []*client.Identity
	failures   []error
	nonce      string
}

const redirectURL = "https://app.example/login/callback"

// newSite makes an application whose provider signs with Ed25519, which is quicker than what is usual.
func newSite(t *testing.T, change func(*client.LoginConfig)) *site {
	t.Helper()
	s := &site{clock: newClock()}
	s.provider = authtest.NewProvider(t, authtest.ProviderConfig{
		ClientID: "app", ClientSecret: "s3cret", RedirectURL: redirectURL,
		Issuer: authtest.IssuerConfig{Algorithm: jwt.EdDSA, Clock: s.clock.Now},
	})
	s.handler = s.login(t, change)
	return s
}

// login returns the handlers of another login of the same provider.
func (s *site) login(t *testing.T, change func(*client.LoginConfig)) http.Handler {
	t.Helper()
	c := client.LoginConfig{
		Issuer: s.provider.URL, ClientID: "app", Client: oauth2.ClientSecretBasic("app", "s3cret"), RedirectURL: redirectURL,
		Keys: [][]byte{key(1)}, Algorithms: []jwt.Algorithm{jwt.EdDSA}, Clock: s.clock.Now, Observer: &s.events,
		ErrorLog: slog.New(slog.NewTextHandler(&s.log, nil)),
		Done: func(w http.ResponseWriter, r *http.Request, who *client.Identity) {
			s.identities = append(s.identities, who)
			http.Redirect(w, r, who.ReturnTo, http.StatusSeeOther)
		},
	}
	if change != nil {
		change(&c)
	}
	l, err := client.NewLogin(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", l.Start)
	mux.HandleFunc("GET /login/callback", l.Callback)
	return mux
}

func key(n byte) []byte { return bytes.Repeat([]byte{n}, 32) }

// begin follows the link to the login and returns where it leads to, and the browser's cookies.
func (s *site) begin(t *testing.T, h http.Handler, link string) (location string, jar map[string]string) {
	t.Helper()
	resp := authtest.Do(h, authtest.Request(http.MethodGet, link))
	if resp.StatusCode != http.StatusSeeOther {
		t.Fatalf("start: got status %d, want 303; %s", resp.StatusCode, s.log.String())
	}
	jar = map[string]string{}
	for _, c := range resp.Cookies() {
		jar[c.Name] = c.Value
	}
	return resp.Header.Get("Location"), jar
}

// back comes back with a query.
func back(h http.Handler, query string, jar map[string]string) *http.Response {
	r := authtest.Request(http.MethodGet, redirectURL+"?"+query)
	for name, value := range jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return authtest.Do(h, r)
}

// wantFailure checks the answer, the event, and that nobody was let in.
func (s *site) wantFailure(t *testing.T, resp *http.Response, status int, reason auth.Reason) {
	t.Helper()
	if resp.StatusCode != status {
		t.Errorf("got status %d, want %d; %s", resp.StatusCode, status, s.log.String())
	}
	if e := s.events.Last(); e.Reason != reason || e.Outcome != auth.OutcomeRefused || e.Status != status {
		t.Errorf("got event %+v, want a refusal for %q", e, reason)
	}
	if len(s.identities) > 0 {
		t.Errorf("got %d identities, want none", len(s.identities))
	}
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("got Cache-Control %q, want no-store", got)
	}
	if (status == http.StatusServiceUnavailable) != (resp.Header.Get("Retry-After") != "") {
		t.Errorf("status %d with Retry-After %q", status, resp.Header.Get("Retry-After"))
	}
}

// wantSilent checks that a log or text has no secret of a login in it.
func wantSilent(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, secret := range append(secrets, "s3cret", "access-") {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("%q is in %q", secret, text)
		}
	}
}
