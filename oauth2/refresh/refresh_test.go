package refresh_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/refresh"
)

func TestRefreshRotates(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{Scopes: auth.MustScopeSet("notes:read", "notes:write")})
	second := w.mustRefresh(first.RefreshToken)
	if second.RefreshToken == first.RefreshToken {
		t.Error("got the same refresh token, want its successor")
	}
	if second.Session != first.Session {
		t.Errorf("got session %v, want %v", second.Session, first.Session)
	}
	if got, want := second.AccessToken, "at-"+first.Session.String()+"-notes:read notes:write"; got != want {
		t.Errorf("got access token %q, want %q", got, want)
	}
	third := w.mustRefresh(second.RefreshToken)
	if third.RefreshToken == second.RefreshToken || third.RefreshToken == first.RefreshToken {
		t.Error("got a refresh token twice")
	}
	if third.TokenType != "Bearer" || third.Replayed {
		t.Errorf("got type %q, replayed %v", third.TokenType, third.Replayed)
	}
}

// Statements 19, 36-39 and 41: what a token is worth, by what has happened to its grant.
func TestRefreshDecisions(t *testing.T) {
	foreign := newWorld(t, nil)
	for _, tt := range []struct {
		name   string
		change func(*refresh.Config)
		do     func(w *world, first refresh.Tokens) (token string)
		reason auth.Reason // "" accepts
		alive  bool        // whether the newest token still works afterwards
	}{
		{
			"a retry inside the grace window gets the same successor", nil,
			func(w *world, first refresh.Tokens) string {
				w.mustRefresh(first.RefreshToken)
				w.clock.add(refresh.DefaultGrace - time.Millisecond)
				return first.RefreshToken
			}, "", true,
		},
		{
			"a spent token at the end of the grace window ends the session", nil,
			func(w *world, first refresh.Tokens) string {
				w.mustRefresh(first.RefreshToken)
				w.clock.add(refresh.DefaultGrace)
				return first.RefreshToken
			}, refresh.ReasonReuse, false,
		},
		{
			"a spent token ends the session at once where it is strict", func(c *refresh.Config) { c.Strict = true },
			func(w *world, first refresh.Tokens) string {
				w.mustRefresh(first.RefreshToken)
				return first.RefreshToken
			}, refresh.ReasonReuse, false,
		},
		{
			"a spent token is reuse where it is strict, also to an instance whose clock is behind", func(c *refresh.Config) { c.Strict = true },
			func(w *world, first refresh.Tokens) string {
				w.mustRefresh(first.RefreshToken)
				w.clock.add(-time.Second)
				return first.RefreshToken
			}, refresh.ReasonReuse, false,
		},
		{
			"a retry at an instance whose clock is a little behind gets the same successor", nil,
			func(w *world, first refresh.Tokens) string {
				w.mustRefresh(first.RefreshToken)
				w.clock.add(-time.Second)
				return first.RefreshToken
			}, "", true,
		},
		{
			"a spent token at an instance whose clock is far behind ends the session", nil,
			func(w *world, first refresh.Tokens) string {
				w.mustRefresh(first.RefreshToken)
				w.clock.add(-time.Minute)
				return first.RefreshToken
			}, refresh.ReasonReuse, false,
		},
		{
			"a token two generations old ends the session, however young it is", nil,
			func(w *world, first refresh.Tokens) string {
				w.mustRefresh(w.mustRefresh(first.RefreshToken).RefreshToken)
				return first.RefreshToken
			}, refresh.ReasonReuse, false,
		},
		{
			"a forged token that names a live session changes nothing", nil,
			func(_ *world, first refresh.Tokens) string { return flip(first.RefreshToken, refresh.TokenBytes-8) },
			auth.ReasonMismatch, true,
		},
		{
			"a forged token with an old counter changes nothing", nil,
			func(w *world, first refresh.Tokens) string {
				return flip(w.mustRefresh(first.RefreshToken).RefreshToken, len(refresh.Prefix)+33)
			}, auth.ReasonMismatch, true,
		},
		{
			"a token of an unknown session is refused", nil,
			func(*world, refresh.Tokens) string { return foreign.login(refresh.Login{}).RefreshToken },
			auth.ReasonUnknown, true,
		},
		{
			"something else is refused without asking the store", nil,
			func(w *world, _ refresh.Tokens) string { w.store.failFind.Store(true); return "hello" },
			auth.ReasonMalformed, true,
		},
		{
			"a token that nobody used for the idle time is refused", nil,
			func(w *world, first refresh.Tokens) string {
				w.clock.add(refresh.DefaultIdle)
				return first.RefreshToken
			}, auth.ReasonUnknown, false, // the store has forgotten it
		},
		{
			"a token in its last second is refused", nil,
			func(w *world, first refresh.Tokens) string {
				w.clock.add(refresh.DefaultIdle - 500*time.Millisecond)
				return first.RefreshToken
			}, auth.ReasonExpired, false,
		},
		{
			"use does not extend the absolute end", func(c *refresh.Config) { c.Lifetime = time.Hour },
			func(w *world, first refresh.Tokens) string {
				w.clock.add(50 * time.Minute)
				next := w.mustRefresh(first.RefreshToken)
				w.clock.add(10*time.Minute - 500*time.Millisecond)
				return next.RefreshToken
			}, auth.ReasonExpired, false,
		},
		{
			"use extends the idle end", func(c *refresh.Config) { c.Lifetime, c.Idle = 24*time.Hour, time.Hour },
			func(w *world, first refresh.Tokens) string {
				w.clock.add(50 * time.Minute)
				next := w.mustRefresh(first.RefreshToken)
				w.clock.add(50 * time.Minute)
				return next.RefreshToken
			}, "", true,
		},
		{
			"a logged out session is refused, also inside the grace window", nil,
			func(w *world, first refresh.Tokens) string {
				next := w.mustRefresh(first.RefreshToken)
				if err := w.issuer.Revoke(context.Background(), next.RefreshToken, ""); err != nil {
					t.Fatal(err)
				}
				return first.RefreshToken
			}, auth.ReasonRevoked, false,
		},
		{
			"a logout with a spent token ends the session too", nil,
			func(w *world, first refresh.Tokens) string {
				next := w.mustRefresh(first.RefreshToken)
				if err := w.issuer.Revoke(context.Background(), first.RefreshToken, ""); err != nil {
					t.Fatal(err)
				}
				return next.RefreshToken
			}, auth.ReasonRevoked, false,
		},
		{
			"a logout with a forged token changes nothing", nil,
			func(w *world, first refresh.Tokens) string {
				if err := w.issuer.Revoke(context.Background(), flip(first.RefreshToken, 80-8), ""); err != nil {
					t.Fatal(err)
				}
				return first.RefreshToken
			}, "", true,
		},
		{
			"a logout by another client changes nothing", nil,
			func(w *world, first refresh.Tokens) string {
				if err := w.issuer.Revoke(context.Background(), first.RefreshToken, "other"); err != nil {
					t.Fatal(err)
				}
				return first.RefreshToken
			}, "", true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.change)
			first := w.login(refresh.Login{})
			token := tt.do(w, first)
			if tt.reason == "" {
				w.mustRefresh(token)
			} else {
				w.refused(token, tt.reason)
			}
			if got := w.events.last(); tt.reason != "" && (got.Reason != tt.reason || got.Outcome != auth.OutcomeRefused) {
				t.Errorf("got event %v, want a refusal with reason %s", got, tt.reason)
			}
			w.store.failFind.Store(false)
			live, err := w.issuer.Live(t.Context(), first.Session)
			if err != nil {
				t.Fatal(err)
			}
			if w.clock.now().Sub(start) >= 59*time.Minute && !tt.alive {
				return // it ended by itself, a moment before or after this question
			}
			if live != tt.alive {
				t.Errorf("got session live %v afterwards, want %v", live, tt.alive)
			}
		})
	}
}

// flip changes one character of a token to another one.
func flip(token string, at int) string {
	b := []byte(token)
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// Statement 38: a retry is answered with the very same refresh token, and there is one chain.
func TestRefreshRetryIsIdempotent(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{})
	second := w.mustRefresh(first.RefreshToken)
	again := w.mustRefresh(first.RefreshToken)
	if again.RefreshToken != second.RefreshToken || !again.Replayed {
		t.Fatal("got another successor on a retry")
	}
	if n := w.store.swap.Load(); n != 1 {
		t.Errorf("got %d swaps, want 1: a retry changes nothing", n)
	}
	third := w.mustRefresh(again.RefreshToken)
	w.clock.add(refresh.DefaultGrace)
	w.refused(second.RefreshToken, refresh.ReasonReuse)
	w.refused(third.RefreshToken, auth.ReasonRevoked)
	if n := w.events.count(refresh.ReasonReuse); n != 1 {
		t.Errorf("got %d events of reuse, want 1", n)
	}
}

// Statement 34: narrower applies to that access token only; wider is refused and spends nothing.
func TestRefreshScopes(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{Scopes: auth.MustScopeSet("read", "write")})
	ask := func(token string, scopes auth.ScopeSet) (refresh.Tokens, error) {
		return w.issuer.Refresh(t.Context(), refresh.Request{Token: token, Scopes: scopes})
	}
	for _, wider := range []auth.ScopeSet{auth.MustScopeSet("read", "admin"), auth.Unlimited()} {
		if _, err := ask(first.RefreshToken, wider); !errors.Is(err, refresh.ErrScope) {
			t.Fatalf("got %v for a wider scope, want ErrScope", err)
		}
	}
	second, err := ask(first.RefreshToken, auth.MustScopeSet("read"))
	if err != nil {
		t.Fatal(err)
	}
	if got := second.Scopes.String(); got != "read" {
		t.Errorf("got scope %q, want %q", got, "read")
	}
	if _, err := ask(first.RefreshToken, auth.MustScopeSet("admin")); !errors.Is(err, refresh.ErrScope) {
		t.Errorf("got %v for a wider scope on a retry, want ErrScope", err)
	}
	if third := w.mustRefresh(second.RefreshToken); third.Scopes.String() != "read write" {
		t.Errorf("got scope %q after a narrower one, want what the session was granted", third.Scopes)
	}
}

func TestRefreshAudience(t *testing.T) {
	w := newWorld(t, func(c *refresh.Config) {
		c.Access = refresh.AccessFunc(func(_ context.Context, a refresh.Access) (refresh.AccessToken, error) {
			return refresh.AccessToken{Token: strings.Join(a.Audience, " ")}, nil
		})
	})
	first := w.login(refresh.Login{Audience: []string{"https://a", "https://b"}})
	if first.AccessToken != "https://a https://b" {
		t.Errorf("got audience %q", first.AccessToken)
	}
	_, err := w.issuer.Refresh(t.Context(), refresh.Request{Token: first.RefreshToken, Audience: []string{"https://c"}})
	if !errors.Is(err, refresh.ErrTarget) {
		t.Fatalf("got %v, want ErrTarget", err)
	}
	second, err := w.issuer.Refresh(t.Context(), refresh.Request{Token: first.RefreshToken, Audience: []string{"https://b"}})
	if err != nil || second.AccessToken != "https://b" {
		t.Fatalf("got audience %q, error %v", second.AccessToken, err)
	}
	// Not that of the access issuer, which may be wider.
	if third := w.mustRefresh(second.RefreshToken); third.AccessToken != "https://a https://b" {
		t.Errorf("got audience %q for a request without one, want the session's", third.AccessToken)
	}
}

// Statements 21 and 19: another client can't use a token, and does no harm by trying.
func TestRefreshBelongsToItsClient(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{Client: "mobile"})
	second, err := w.issuer.Refresh(t.Context(), refresh.Request{Token: first.RefreshToken, Client: "mobile"})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.add(time.Minute)
	for _, token := range []string{first.RefreshToken, second.RefreshToken} {
		w.refused(token, refresh.ReasonClient)
	}
	if _, err := w.issuer.Refresh(t.Context(), refresh.Request{Token: second.RefreshToken, Client: "mobile"}); err != nil {
		t.Errorf("got %v after another client's tries, want it to work", err)
	}
}

// Statement 54: a session that is bound to a key is used with that key only.
func TestRefreshBinding(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{JWKThumbprint: "key-1"})
	if first.TokenType != "DPoP" {
		t.Errorf("got type %q, want DPoP", first.TokenType)
	}
	w.refused(first.RefreshToken, refresh.ReasonBinding)
	_, err := w.issuer.Refresh(t.Context(), refresh.Request{Token: first.RefreshToken, JWKThumbprint: "key-2"})
	if auth.AsError(err).Reason != refresh.ReasonBinding {
		t.Errorf("got %v with another key", err)
	}
	second, err := w.issuer.Refresh(t.Context(), refresh.Request{Token: first.RefreshToken, JWKThumbprint: "key-1"})
	if err != nil || second.TokenType != "DPoP" {
		t.Errorf("got type %q, error %v", second.TokenType, err)
	}
	free := w.login(refresh.Login{})
	bound, err := w.issuer.Refresh(t.Context(), refresh.Request{Token: free.RefreshToken, JWKThumbprint: "key-1"})
	if err != nil || bound.TokenType != "DPoP" {
		t.Errorf("a proof for a session that is bound to nothing: got type %q, error %v", bound.TokenType, err)
	}
}

func TestRefreshKeysRotate(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{})
	with := func(keys ...[]byte) *refresh.Issuer {
		i, err := refresh.New(refresh.Config{Store: w.store, Access: access(w.clock), Keys: keys, Clock: w.clock.now})
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	second, err := with(key(2), key(1)).Refresh(t.Context(), refresh.Request{Token: first.RefreshToken})
	if err != nil {
		t.Fatalf("got %v with the old key in second place", err)
	}
	if _, err := with(key(3), key(2)).Refresh(t.Context(), refresh.Request{Token: second.RefreshToken}); err != nil {
		t.Errorf("got %v, want the token to be made with the new key", err)
	}
	if _, err := with(key(2), key(5)).Inspect(t.Context(), second.RefreshToken); err != nil {
		t.Errorf("got %v with the key in first place of two", err)
	}
	if _, err := with(key(4)).Refresh(t.Context(), refresh.Request{Token: second.RefreshToken}); !errors.Is(err, refresh.ErrInvalid) {
		t.Errorf("got %v without its key, want ErrInvalid", err)
	}
}

// A store that goes back in time has grants that are older than their tokens.
func TestRefreshAfterRollback(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{})
	old, err := w.store.Find(t.Context(), first.Session)
	if err != nil {
		t.Fatal(err)
	}
	second := w.mustRefresh(w.mustRefresh(first.RefreshToken).RefreshToken)
	now, _ := w.store.Find(t.Context(), first.Session)
	if err := w.store.Swap(t.Context(), now, old); err != nil {
		t.Fatal(err)
	}
	w.refused(second.RefreshToken, refresh.ReasonFuture)
}

// Statement 55 and data at rest: nothing that is stored is a token, or lets one be made without the key.
func TestNoTokenAtRest(t *testing.T) {
	w := newWorld(t, nil)
	tokens := w.login(refresh.Login{})
	g, err := w.store.Find(t.Context(), tokens.Session)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(tokens.RefreshToken, refresh.Prefix))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{tokens.RefreshToken, tokens.AccessToken, string(raw[25:]), base64.RawURLEncoding.EncodeToString(raw[25:])} {
		if strings.Contains(string(g.Body), secret) {
			t.Errorf("the stored body holds a credential")
		}
	}
	for _, e := range w.events.list {
		if text := e.LogValue().String(); strings.Contains(text, refresh.Prefix) || strings.Contains(text, "at-") {
			t.Errorf("got a credential in an event")
		}
	}
	access := refresh.AccessToken{Token: tokens.AccessToken}
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s", tokens, tokens, tokens, tokens), tokens.LogValue().String(),
		fmt.Sprintf("%v %+v %#v %s", access, access, access, access), access.LogValue().String(),
	} {
		if strings.Contains(text, refresh.Prefix) || strings.Contains(text, "at-") {
			t.Errorf("tokens print as %q", text)
		}
	}
}

// A refresh is two calls of the store, a login one, a question one.
func TestStoreCalls(t *testing.T) {
	w := newWorld(t, nil)
	count := func(name string, want int64, do func()) {
		t.Helper()
		before := w.store.calls()
		do()
		if got := w.store.calls() - before; got != want {
			t.Errorf("%s: got %d calls of the store, want %d", name, got, want)
		}
	}
	var tokens refresh.Tokens
	count("login", 1, func() { tokens = w.login(refresh.Login{}) })
	count("refresh", 2, func() { w.mustRefresh(tokens.RefreshToken) })
	count("retry", 1, func() { w.mustRefresh(tokens.RefreshToken) })
	count("live", 1, func() { _, _ = w.issuer.Live(t.Context(), tokens.Session) })
	count("forged", 0, func() { _, _ = w.refresh("rt1_" + strings.Repeat("A", 75)) })
}

// hangUp is a store whose caller goes away as soon as the grant has been read.
type hangUp struct {
	refresh.Store
	gone context.CancelFunc
}

func (s hangUp) Find(ctx context.Context, id refresh.GrantID) (refresh.Grant, error) {
	g, err := s.Store.Find(ctx, id)
	s.gone()
	return g, err
}

// A client that does not wait for the answer has still shown that two parties hold the token.
func TestReuseIsNoticedThoughTheClientHangsUp(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{})
	second := w.mustRefresh(first.RefreshToken)
	w.clock.add(time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	impatient, err := refresh.New(refresh.Config{
		Store: hangUp{w.store, cancel}, Access: access(w.clock), Keys: [][]byte{key(1)}, Observer: w.events, Clock: w.clock.now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := impatient.Refresh(ctx, refresh.Request{Token: first.RefreshToken}); !errors.Is(err, refresh.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
	w.refused(second.RefreshToken, auth.ReasonRevoked)
}
