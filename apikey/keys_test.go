package apikey_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
)

// clock is a time that tests move by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func newKeys(t testing.TB, change func(*apikey.Config)) *apikey.Keys {
	t.Helper()
	c := apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}
	if change != nil {
		change(&c)
	}
	k, err := apikey.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustCreate(t testing.TB, k *apikey.Keys, change func(*apikey.Request)) *apikey.Issued {
	t.Helper()
	req := apikey.Request{Subject: "alice", Name: "laptop", Scopes: auth.MustScopeSet("notes:read")}
	if change != nil {
		change(&req)
	}
	issued, err := k.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

func refused(t testing.TB, err error, kind auth.Kind, reason auth.Reason) {
	t.Helper()
	e := auth.AsError(err)
	if e == nil || e.Kind != kind || e.Reason != reason {
		t.Fatalf("got %v (%+v), want kind %s, reason %s", err, e, kind, reason)
	}
}

func TestAKeyGoesFromCreationToRevocation(t *testing.T) {
	clk := newClock()
	k := newKeys(t, func(c *apikey.Config) { c.Clock = clk.Now })
	issued := mustCreate(t, k, nil)
	p, err := k.Verify(t.Context(), issued.Secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if p.Subject() != "alice" || p.CredentialID() != issued.Record.ID || !p.Scopes().Has("notes:read") {
		t.Fatalf("got %v", p)
	}
	if err := k.Revoke(t.Context(), issued.Record.ID, "lost"); err != nil {
		t.Fatal(err)
	}
	_, err = k.Verify(t.Context(), issued.Secret.Reveal())
	refused(t, err, auth.KindInvalid, auth.ReasonRevoked)
}

func TestBothDefaultPlacementsAreServed(t *testing.T) {
	k := newKeys(t, nil)
	issued := mustCreate(t, k, nil)
	a, err := k.Authenticator(apikey.AuthenticatorConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := auth.ValidateAuthenticator(a); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(context.Background(), "GET", "/", nil)
	r.Header.Set("X-API-Key", issued.Secret.Reveal())
	if _, err := a.Authenticate(r); err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+issued.Secret.Reveal())
	_, err = a.Authenticate(r)
	refused(t, err, auth.KindMalformed, auth.ReasonMultiple)
	r.Header.Del("X-API-Key")
	if _, err := a.Authenticate(r); err != nil {
		t.Fatal(err)
	}
}
