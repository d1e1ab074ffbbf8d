package apikey_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

// spyStore counts what reaches the store, and misbehaves on demand.
type spyStore struct {
	apikey.Store
	finds, updates, touches atomic.Int64
	find                    func(ctx context.Context, id string) (*apikey.Record, error)
	update                  func(ctx context.Context, r *apikey.Record) error
}

func (s *spyStore) Find(ctx context.Context, id string) (*apikey.Record, error) {
	s.finds.Add(1)
	if s.find != nil {
		return s.find(ctx, id)
	}
	return s.Store.Find(ctx, id)
}

func (s *spyStore) Update(ctx context.Context, r *apikey.Record) error {
	s.updates.Add(1)
	if s.update != nil {
		return s.update(ctx, r)
	}
	return s.Store.Update(ctx, r)
}

func (s *spyStore) Touch(ctx context.Context, used map[string]time.Time) error {
	s.touches.Add(1)
	return s.Store.Touch(ctx, used)
}

// service is keys behind a guard, with everything that can be looked at.
type service struct {
	t      testing.TB
	clock  *clock
	store  *spyStore
	keys   *apikey.Keys
	authn  *apikey.Authenticator
	guard  *middleware.Guard
	events *authtest.Recorder
	log    *bytes.Buffer
	next   *http.Request // what the handler behind the guard saw last
	issued *apikey.Issued
}

type setup struct {
	config func(*apikey.Config)
	authn  apikey.AuthenticatorConfig
	guard  func(*middleware.Config)
	key    func(*apikey.Request)
}

func newService(t testing.TB, s setup) *service {
	t.Helper()
	v := &service{
		t: t, clock: newClock(), events: &authtest.Recorder{}, log: &bytes.Buffer{},
		store: &spyStore{Store: apikey.NewMemoryStore(apikey.MemoryConfig{})},
	}
	v.keys = newKeys(t, func(c *apikey.Config) {
		c.Clock, c.Store = v.clock.Now, v.store
		if s.config != nil {
			s.config(c)
		}
	})
	var err error
	if v.authn, err = v.keys.Authenticator(s.authn); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(v.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := middleware.Config{
		Authenticator: v.authn, ErrorLog: logger,
		Observer: auth.Observers(v.events, auth.NewLogObserver(logger)),
	}
	if s.guard != nil {
		s.guard(&c)
	}
	if v.guard, err = middleware.New(c); err != nil {
		t.Fatal(err)
	}
	v.issued = mustCreate(t, v.keys, s.key)
	return v
}

func (v *service) key() string { return v.issued.Secret.Reveal() }

// answer is what a client and an observer got.
type answer struct {
	status     int
	reason     auth.Reason
	challenges []string
	header     http.Header
	body       string
	event      auth.Event
}

// do sends r through the guard and checks what holds for every refusal.
func (v *service) do(r *http.Request, secrets ...string) answer {
	v.t.Helper()
	v.next = nil
	resp := authtest.Do(v.guard.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.next = r
		_, _ = io.WriteString(w, "ok")
	}), r)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body), event: v.events.Last()}
	a.reason = a.event.Reason
	for _, c := range authtest.Challenges(v.t, resp) {
		a.challenges = append(a.challenges, c.String())
	}
	if (a.status == http.StatusOK) != (v.next != nil) {
		v.t.Errorf("status %d, and the handler ran: %t", a.status, v.next != nil)
	}
	if a.status != http.StatusOK && a.header.Get("Cache-Control") != "no-store" {
		v.t.Errorf("Cache-Control of a refusal is %q, want no-store", a.header.Get("Cache-Control"))
	}
	var seen strings.Builder
	_ = resp.Header.Write(&seen)
	seen.WriteString(a.body + v.log.String())
	for _, s := range append(secrets, v.key(), v.key()[len(v.key())-38:]) {
		if len(s) > 6 && strings.Contains(seen.String(), s) {
			v.t.Errorf("a secret is in the answer or the log: %s", seen.String())
		}
	}
	return a
}

func (v *service) want(a answer, status int, reason auth.Reason) {
	v.t.Helper()
	if a.status != status || a.reason != reason {
		v.t.Errorf("got %d %q, want %d %q", a.status, a.reason, status, reason)
	}
	challenged := len(a.challenges) > 0
	if want := status == http.StatusUnauthorized; challenged != want && status != http.StatusForbidden && status != http.StatusBadRequest {
		v.t.Errorf("got challenges %q with status %d", a.challenges, status)
	}
}

// send is a GET with the key in X-API-Key.
func (v *service) send(key string) answer {
	v.t.Helper()
	return v.do(v.request(key), key)
}

func (v *service) request(key string) *http.Request {
	r := authtest.Request("GET", "/notes")
	r.Header["X-Api-Key"] = []string{key}
	return r
}

// sealed returns body with its right checksum: a key that only the store can refuse.
func sealed(body string) string { return body + apikey.Checksum(body) }

// mistyped returns a key with its last letter wrong.
func mistyped(key string) string {
	last := "0"
	if strings.HasSuffix(key, last) {
		last = "1"
	}
	return key[:len(key)-1] + last
}
