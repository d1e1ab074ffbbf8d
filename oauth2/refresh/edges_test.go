package refresh_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
)

func TestTokensOfAnotherForm(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{})
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(first.RefreshToken, refresh.Prefix))
	if err != nil {
		t.Fatal(err)
	}
	raw[0] = 'c' // a code, one day
	for _, token := range []string{
		refresh.Prefix + strings.Repeat("!", refresh.TokenBytes-len(refresh.Prefix)),
		refresh.Prefix + base64.RawURLEncoding.EncodeToString(raw),
		strings.ToUpper(first.RefreshToken[:4]) + first.RefreshToken[4:],
		first.RefreshToken + "AAAA",
		first.RefreshToken + strings.Repeat("A", 1<<20),
		first.RefreshToken[:len(first.RefreshToken)-4],
		refresh.Prefix,
	} {
		w.refused(token, auth.ReasonMalformed)
		if _, err := w.issuer.Inspect(t.Context(), token); !errors.Is(err, refresh.ErrInvalid) {
			t.Errorf("Inspect: got %v", err)
		}
	}
}

// A stored scope that can't be one is an outage, not an empty scope.
func TestStoredScopeIsChecked(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{Scopes: auth.MustScopeSet("read")})
	g, err := w.store.Find(t.Context(), first.Session)
	if err != nil {
		t.Fatal(err)
	}
	next := g
	next.Version++
	next.Body = bytes.Replace(g.Body, []byte("read"), []byte(`re"d`), 1)
	if err := w.store.Swap(t.Context(), g, next); err != nil {
		t.Fatal(err)
	}
	_, refreshed := w.refresh(first.RefreshToken)
	_, inspected := w.issuer.Inspect(t.Context(), first.RefreshToken)
	_, listed := w.issuer.Sessions(t.Context(), "alice")
	for _, err := range []error{refreshed, inspected, listed} {
		if auth.KindOf(err) != auth.KindUnavailable {
			t.Errorf("got %v, want unavailable", err)
		}
	}
}

func TestInspect(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{Client: "mobile", Device: "phone", JWKThumbprint: "key", Scopes: auth.MustScopeSet("read"), Audience: []string{"api"}})
	got, err := w.issuer.Inspect(t.Context(), first.RefreshToken)
	if err != nil || got.ID != first.Session || got.Client != "mobile" || got.Device != "phone" || got.JWKThumbprint != "key" ||
		got.Scopes.String() != "read" || got.Audience[0] != "api" {
		t.Errorf("got %+v, error %v", got, err)
	}
	if w.store.swap.Load() != 0 {
		t.Error("looking used the token")
	}
	if err := w.issuer.RevokeSession(t.Context(), first.Session); err != nil {
		t.Fatal(err)
	}
	if _, err := w.issuer.Inspect(t.Context(), first.RefreshToken); !errors.Is(err, refresh.ErrInvalid) {
		t.Errorf("got %v after a logout", err)
	}
	if list, err := w.issuer.Sessions(t.Context(), "alice"); err != nil || len(list) != 0 {
		t.Errorf("got %d sessions, error %v after a logout", len(list), err)
	}
	w.store.failFind.Store(true)
	if _, err := w.issuer.Inspect(t.Context(), first.RefreshToken); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v while the store is down", err)
	}
	if _, err := w.issuer.Live(t.Context(), first.Session); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v while the store is down", err)
	}
	other := w.issuer.Revoke(t.Context(), first.RefreshToken, "mobile")
	if auth.KindOf(other) != auth.KindUnavailable {
		t.Errorf("got %v while the store is down", other)
	}
}

func TestMemoryStoreEdges(t *testing.T) {
	c := newClock()
	s, err := refresh.NewMemoryStore(refresh.MemoryConfig{Clock: c.now})
	if err != nil {
		t.Fatal(err)
	}
	g := refresh.Grant{ID: refresh.GrantID{1}, Version: 1, Subject: "a", Expires: c.now().Add(time.Second)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Create(ctx, g); !errors.Is(err, context.Canceled) {
		t.Errorf("Create: got %v", err)
	}
	if _, err := s.Once(ctx, "k", c.now()); !errors.Is(err, context.Canceled) {
		t.Errorf("Once: got %v", err)
	}
	if _, err := s.List(ctx, refresh.Query{Subject: "a", Limit: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("List: got %v", err)
	}
	for n := range 20 { // over its predecessor, which has expired, whether it was swept or not
		g.Version = uint64(n + 1)
		g.Expires = c.now().Add(time.Second)
		if err := s.Create(t.Context(), g); err != nil {
			t.Fatalf("round %d: got %v", n, err)
		}
		c.add(time.Second)
	}
}

// A Revoker is asked about tokens that are not ours as well.
func TestRevokedAboutForeignTokens(t *testing.T) {
	w, verifier := jwtWorld(t)
	_ = w.login(refresh.Login{})
	for _, tt := range []struct {
		name, session string
		want          auth.Reason
	}{
		{"a token without a session", "", ""},
		{"a session that is not ours", "somebody else's", auth.ReasonRevoked},
		{"a session that is unknown", refresh.GrantID{9}.String(), auth.ReasonRevoked},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token := w.sign(jwt.Grant{Subject: "alice", ClientID: "app", SessionID: tt.session})
			_, err := verifier.Verify(t.Context(), token)
			if got := auth.AsError(err); err != nil && got.Reason != tt.want || err == nil && tt.want != "" {
				t.Errorf("got %v, want reason %q", err, tt.want)
			}
		})
	}
	if _, err := w.issuer.Issue(t.Context(), refresh.Login{Subject: "alice", Audience: []string{"a"}, Client: strings.Repeat("c", 200)}); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestLogoutRefusals(t *testing.T) {
	w := newWorld(t, nil)
	e := w.endpoints(refresh.EndpointsConfig{})
	if res, answer := call(t, e.Logout, "token=x", func(r *http.Request) { r.Method = "GET" }); res.StatusCode != 405 {
		t.Errorf("got %d %v", res.StatusCode, answer)
	}
	if res, answer := call(t, e.Logout, "token="); res.StatusCode != 400 {
		t.Errorf("got %d %v", res.StatusCode, answer)
	}
	if res, _ := call(t, e.Logout, "token=rt1_garbage"); res.StatusCode != 200 {
		t.Errorf("a refresh token that is none of ours: got %d", res.StatusCode)
	}
	first := w.login(refresh.Login{})
	if res, answer := call(t, e.Logout, "token="+first.AccessToken); res.StatusCode != 400 || answer["error"] != "unsupported_token_type" {
		t.Errorf("the access token, which ends nothing: got %d %v", res.StatusCode, answer)
	}
	if res, answer := call(t, e.Logout, "token="+first.RefreshToken+"&refresh_token="+first.RefreshToken); res.StatusCode != 400 || answer["error"] != "invalid_request" {
		t.Errorf("two at once: got %d %v", res.StatusCode, answer)
	}
	if live, err := w.issuer.Live(t.Context(), first.Session); !live || err != nil {
		t.Errorf("got a session that has ended, error %v", err)
	}
	if res, answer := call(t, e.Logout, "refresh_token="+first.RefreshToken); res.StatusCode != 200 {
		t.Errorf("by its other name: got %d %v", res.StatusCode, answer)
	}
	if live, err := w.issuer.Live(t.Context(), first.Session); live || err != nil {
		t.Errorf("got a session that lives on, error %v", err)
	}
}

// What a store returns is checked as well: the seed and the client are in the token's tag, the absolute end in the body.
func TestStoresThatAreAltered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		alter  func(*refresh.Grant)
		later  time.Duration
		client string
		reason auth.Reason
	}{
		{"another seed", func(g *refresh.Grant) { g.Body[1] ^= 1 }, 0, "", auth.ReasonMismatch},
		{"another client", func(g *refresh.Grant) { g.Client = "thief" }, 0, "thief", auth.ReasonMismatch},
		{"a later end", func(g *refresh.Grant) { g.Expires = g.Expires.Add(24 * time.Hour) }, time.Hour, "", auth.ReasonExpired},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(c *refresh.Config) { c.Lifetime = time.Hour })
			first := w.login(refresh.Login{})
			g, err := w.store.Find(t.Context(), first.Session)
			if err != nil {
				t.Fatal(err)
			}
			next := g
			next.Version++
			tt.alter(&next)
			if err := w.store.Swap(t.Context(), g, next); err != nil {
				t.Fatal(err)
			}
			w.clock.add(tt.later)
			_, err = w.issuer.Refresh(t.Context(), refresh.Request{Token: first.RefreshToken, Client: tt.client})
			if got := auth.AsError(err); err == nil || got.Reason != tt.reason {
				t.Errorf("got %v, want reason %s", err, tt.reason)
			}
		})
	}
}
