package refresh_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/refresh"
)

func TestConfigNamesEveryMistake(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*refresh.Config)
		field  string
	}{
		{"no store", func(c *refresh.Config) { c.Store = nil }, "Store"},
		{"no access issuer", func(c *refresh.Config) { c.Access = nil }, "Access"},
		{"no key", func(c *refresh.Config) { c.Keys = nil }, "Keys"},
		{"a short key", func(c *refresh.Config) { c.Keys = [][]byte{key(1), make([]byte, 31)} }, "Keys[1]"},
		{"a key that was never filled", func(c *refresh.Config) { c.Keys = [][]byte{key(1), make([]byte, 32)} }, "Keys[1] is nothing but zeros"},
		{"five keys", func(c *refresh.Config) { c.Keys = [][]byte{key(1), key(2), key(3), key(4), key(5)} }, "Keys"},
		{"a client that is too long", func(c *refresh.Config) { c.Client = strings.Repeat("c", 256) }, "Client"},
		{"a negative lifetime", func(c *refresh.Config) { c.Lifetime = -1 }, "Lifetime"},
		{"a lifetime above the maximum", func(c *refresh.Config) { c.Lifetime = refresh.MaxLifetime + 1 }, "Lifetime"},
		{"an idle time above the lifetime", func(c *refresh.Config) { c.Idle, c.Lifetime = 2*time.Hour, time.Hour }, "Idle"},
		{"an idle time of a second", func(c *refresh.Config) { c.Idle = time.Second }, "Idle"},
		{"a negative grace", func(c *refresh.Config) { c.Grace = -1 }, "Grace"},
		{"a grace above the maximum", func(c *refresh.Config) { c.Grace = refresh.MaxGrace + 1 }, "Grace"},
		{"a grace and strict", func(c *refresh.Config) { c.Grace, c.Strict = time.Second, true }, "Grace"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			store, _ := refresh.NewMemoryStore(refresh.MemoryConfig{})
			c := refresh.Config{Store: store, Access: access(newClock()), Keys: [][]byte{key(1)}}
			tt.change(&c)
			if _, err := refresh.New(c); err == nil || !strings.Contains(err.Error(), "refresh: Config."+tt.field) {
				t.Errorf("got error %v, want one about %s", err, tt.field)
			}
		})
	}
	_, err := refresh.New(refresh.Config{})
	for _, field := range []string{"Store", "Access", "Keys"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("got %v, want %s in it too", err, field)
		}
	}
}

func TestLoginNamesItsMistakes(t *testing.T) {
	w := newWorld(t, nil)
	for name, l := range map[string]refresh.Login{
		"Subject":       {},
		"Client":        {Subject: "a", Client: strings.Repeat("c", 256)},
		"Scopes":        {Subject: "a", Scopes: auth.Unlimited()},
		"Audience":      {Subject: "a", Audience: []string{""}},
		"JWKThumbprint": {Subject: "a", JWKThumbprint: strings.Repeat("d", 201)},
		"ACR":           {Subject: "a", ACR: "\xff"},
		"more than":     {Subject: "a", Scopes: auth.MustScopeSet(strings.Repeat("s", 5000))},
	} {
		if _, err := w.issuer.Issue(t.Context(), l); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got error %v, want one about %s", err, name)
		}
	}
	if w.store.create.Load() != 0 {
		t.Error("something was stored")
	}
}

// Labels come from clients, such as the User-Agent: no login fails for one.
func TestDeviceLabelsAreCutToSize(t *testing.T) {
	for _, tt := range []struct{ name, device, want string }{
		{"a short one", "Firefox on Linux", "Firefox on Linux"},
		{"one of just the size", strings.Repeat("d", 200), strings.Repeat("d", 200)},
		{"a longer one", strings.Repeat("d", 100_000), strings.Repeat("d", 200)},
		{"one that would be cut within a letter", strings.Repeat("d", 199) + "é", strings.Repeat("d", 199)},
		{"no UTF-8", "a\xffb", "a\uFFFDb"},
		{"no UTF-8 at all", strings.Repeat("x\xff", 1000), strings.Repeat("x\uFFFD", 50)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.login(refresh.Login{Device: tt.device})
			list, err := w.issuer.Sessions(t.Context(), "alice")
			if err != nil || len(list) != 1 || list[0].Device != tt.want {
				t.Errorf("got %+v and error %v, want %q", list, err, tt.want)
			}
		})
	}
}

// A failure spends nothing and hands out nothing.
func TestFailures(t *testing.T) {
	var fail error
	var empty bool
	w := newWorld(t, nil)
	good := access(w.clock)
	w = newWorld(t, func(c *refresh.Config) {
		c.Access = refresh.AccessFunc(func(ctx context.Context, a refresh.Access) (refresh.AccessToken, error) {
			if fail != nil || empty {
				return refresh.AccessToken{}, fail
			}
			return good(ctx, a)
		})
	})
	first := w.login(refresh.Login{})
	expect := func(name string, err error, kind auth.Kind) {
		t.Helper()
		if auth.KindOf(err) != kind {
			t.Errorf("%s: got %v, want kind %v", name, err, kind)
		}
		if w.events.last().Kind != kind {
			t.Errorf("%s: got event %v", name, w.events.last())
		}
	}
	try := func(name string, kind auth.Kind) {
		t.Helper()
		_, err := w.refresh(first.RefreshToken)
		expect(name, err, kind)
		_, err = w.issuer.Issue(t.Context(), refresh.Login{Subject: "bob"})
		expect(name+", login", err, kind)
	}
	fail = errDown
	try("a signer that is down", auth.KindUnavailable)
	fail = auth.Forbidden(auth.ReasonNotAllowed, nil)
	try("a policy that refuses", auth.KindForbidden)
	fail, empty = nil, true
	try("an issuer that returns nothing", auth.KindUnavailable)
	empty = false
	w.store.failBefore.Store(true)
	try("a store that is down", auth.KindUnavailable)
	w.store.failBefore.Store(false)
	if sessions, err := w.issuer.Sessions(t.Context(), "bob"); err != nil || len(sessions) != 0 {
		t.Errorf("got %d sessions of a login that failed, error %v", len(sessions), err)
	}
	second := w.mustRefresh(first.RefreshToken)
	if second.Replayed {
		t.Error("a failure spent the token")
	}
	empty = true
	if _, err := w.refresh(first.RefreshToken); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v on a retry with an issuer that fails", err)
	}
	empty = false
	w.clock.add(time.Minute)
	w.store.failBefore.Store(true)
	_, err := w.refresh(first.RefreshToken)
	expect("reuse while the store is down", err, auth.KindUnavailable)
	w.store.failBefore.Store(false)
	w.refused(first.RefreshToken, refresh.ReasonReuse)
}

// A store whose grants were written by something else is not trusted.
func TestForeignGrants(t *testing.T) {
	w := newWorld(t, nil)
	for name, body := range map[string]string{
		"nothing": "", "another format": "\x02" + strings.Repeat("x", 100), "too short": "\x01AAAA", "garbage": "\x01" + strings.Repeat("\xff", 100),
	} {
		first := w.login(refresh.Login{})
		g, err := w.store.Find(t.Context(), first.Session)
		if err != nil {
			t.Fatal(err)
		}
		next := g
		next.Version++
		next.Body = []byte(body)
		if err := w.store.Swap(t.Context(), g, next); err != nil {
			t.Fatal(err)
		}
		_, err = w.refresh(first.RefreshToken)
		_, live := w.issuer.Live(t.Context(), first.Session)
		_, listed := w.issuer.Sessions(t.Context(), "alice")
		for _, err := range []error{err, live, listed, w.issuer.Revoke(t.Context(), first.RefreshToken, ""), w.issuer.RevokeSession(t.Context(), first.Session)} {
			if auth.KindOf(err) != auth.KindUnavailable {
				t.Errorf("%s: got %v, want unavailable", name, err)
			}
		}
	}
}

// Statement 40, and logging out in every way there is.
func TestRevoke(t *testing.T) {
	w := newWorld(t, nil)
	phone := w.login(refresh.Login{Device: "phone", Client: "mobile"})
	laptop := w.login(refresh.Login{Device: "laptop"})
	bob := w.login(refresh.Login{Subject: "bob", Client: "mobile"})
	devices := func(subject string) string {
		t.Helper()
		sessions, err := w.issuer.Sessions(t.Context(), subject)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range sessions {
			names = append(names, s.Device)
			if s.Subject != subject || !s.StartedAt.Equal(start) || !s.EndsAt.Equal(start.Add(refresh.DefaultLifetime)) {
				t.Errorf("got session %+v", s)
			}
		}
		return strings.Join(names, " ")
	}
	if got := devices("alice"); got != "phone laptop" && got != "laptop phone" {
		t.Errorf("got sessions %q", got)
	}
	if err := w.issuer.RevokeSession(t.Context(), phone.Session); err != nil {
		t.Fatal(err)
	}
	if got := devices("alice"); got != "laptop" {
		t.Errorf("got sessions %q after one was ended", got)
	}
	for name, revoke := range map[string]func() (int, error){
		"client":  func() (int, error) { return w.issuer.RevokeClient(t.Context(), "mobile") },
		"subject": func() (int, error) { return w.issuer.RevokeSubject(t.Context(), "alice") },
	} {
		if n, err := revoke(); n != 1 || err != nil {
			t.Errorf("%s: got %d, error %v, want 1", name, n, err)
		}
		if n, err := revoke(); n != 0 || err != nil {
			t.Errorf("%s, again: got %d, error %v, want 0", name, n, err)
		}
	}
	for _, tokens := range []refresh.Tokens{phone, laptop, bob} {
		if live, err := w.issuer.Live(t.Context(), tokens.Session); live || err != nil {
			t.Errorf("got live %v, error %v", live, err)
		}
	}
	if n, err := w.issuer.RevokeSubject(t.Context(), ""); n != 0 || err != nil {
		t.Errorf("nobody: got %d, error %v", n, err)
	}
	if n := w.events.count(refresh.ReasonLogout); n != 3 {
		t.Errorf("got %d events, want 3", n)
	}
}

func TestRevokeManySessions(t *testing.T) {
	w := newWorld(t, nil)
	const n = 250 // more than two pages
	for range n {
		w.login(refresh.Login{})
	}
	if got, err := w.issuer.RevokeSubject(t.Context(), "alice"); got != n || err != nil {
		t.Errorf("got %d, error %v, want %d", got, err, n)
	}
}

// CVE-2020-15223 of a peer: a store that fails was reported as a revocation that succeeded.
func TestRevokeReportsOutages(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{})
	expect := func(name string, err error) {
		t.Helper()
		if auth.KindOf(err) != auth.KindUnavailable {
			t.Errorf("%s: got %v, want unavailable", name, err)
		}
	}
	w.store.failFind.Store(true)
	expect("Revoke", w.issuer.Revoke(t.Context(), first.RefreshToken, ""))
	expect("RevokeSession", w.issuer.RevokeSession(t.Context(), first.Session))
	w.store.failFind.Store(false)
	w.store.failBefore.Store(true)
	expect("Revoke", w.issuer.Revoke(t.Context(), first.RefreshToken, ""))
	_, err := w.issuer.RevokeSubject(t.Context(), "alice")
	expect("RevokeSubject", err)
	w.store.failList.Store(true)
	_, err = w.issuer.RevokeClient(t.Context(), "app")
	expect("RevokeClient", err)
	_, err = w.issuer.Sessions(t.Context(), "alice")
	expect("Sessions", err)
}

func TestRevokeUnknown(t *testing.T) {
	w := newWorld(t, nil)
	foreign := newWorld(t, nil).login(refresh.Login{})
	for _, token := range []string{"", "garbage", foreign.RefreshToken} {
		if err := w.issuer.Revoke(t.Context(), token, ""); err != nil {
			t.Errorf("got %v for a token that is not ours", err)
		}
	}
	if err := w.issuer.RevokeSession(t.Context(), refresh.GrantID{1}); err != nil {
		t.Errorf("got %v for an unknown session", err)
	}
}

// stubStore answers Find and Swap as it is told.
type stubStore struct {
	refresh.Store
	find func(refresh.Grant, error) (refresh.Grant, error)
	swap func() error
}

func (s stubStore) Find(ctx context.Context, id refresh.GrantID) (refresh.Grant, error) {
	g, err := s.Store.Find(ctx, id)
	if s.find != nil {
		return s.find(g, err)
	}
	return g, err
}

func (s stubStore) Swap(ctx context.Context, old, next refresh.Grant) error {
	if s.swap != nil {
		return s.swap()
	}
	return s.Store.Swap(ctx, old, next)
}

func TestStoresThatMisbehave(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login(refresh.Login{})
	on := func(s stubStore) *refresh.Issuer {
		s.Store = w.store.MemoryStore
		i, err := refresh.New(refresh.Config{Store: s, Access: access(w.clock), Keys: [][]byte{key(1)}, Clock: w.clock.now})
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	refreshOn := func(i *refresh.Issuer) error {
		_, err := i.Refresh(t.Context(), refresh.Request{Token: first.RefreshToken})
		return err
	}
	conflict := on(stubStore{swap: func() error { return refresh.ErrConflict }})
	if err := refreshOn(conflict); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("endless conflicts: got %v from Refresh", err)
	}
	if err := conflict.RevokeSession(t.Context(), first.Session); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("endless conflicts: got %v from RevokeSession", err)
	}
	gone := on(stubStore{swap: func() error { return refresh.ErrNotFound }})
	if err := refreshOn(gone); !errors.Is(err, refresh.ErrInvalid) {
		t.Errorf("gone meanwhile: got %v from Refresh", err)
	}
	if err := gone.RevokeSession(t.Context(), first.Session); err != nil {
		t.Errorf("gone meanwhile: got %v from RevokeSession", err)
	}
	other := on(stubStore{find: func(g refresh.Grant, err error) (refresh.Grant, error) { g.ID[0]++; return g, err }})
	if err := refreshOn(other); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("another grant: got %v", err)
	}
	if _, err := other.Sessions(t.Context(), "alice"); !errors.Is(err, refresh.ErrNoLister) {
		t.Errorf("no lister: got %v", err)
	}
	if _, err := other.RevokeSubject(t.Context(), "alice"); !errors.Is(err, refresh.ErrNoLister) {
		t.Errorf("no lister: got %v", err)
	}
}

// stubLister is a memory store that lists as it is told.
type stubLister struct {
	*refresh.MemoryStore
	list func(refresh.Query) ([]refresh.Grant, error)
}

func (s stubLister) List(_ context.Context, q refresh.Query) ([]refresh.Grant, error) {
	return s.list(q)
}

// Whoever changes a password wants all sessions ended, and nobody else's: also with stores that filter what they have read,
// that forget half of the question, or that never come to an end.
func TestListersThatMisbehave(t *testing.T) {
	for _, tt := range []struct {
		name  string
		list  func(w *world, q refresh.Query) ([]refresh.Grant, error)
		ended int
		fails bool
	}{
		{"pages that are not full", func(w *world, q refresh.Query) ([]refresh.Grant, error) {
			q.Limit = 1
			return w.store.MemoryStore.List(w.t.Context(), q)
		}, 3, false},
		{"the same page again and again", func(w *world, q refresh.Query) ([]refresh.Grant, error) {
			q.After = refresh.GrantID{}
			return w.store.MemoryStore.List(w.t.Context(), q)
		}, 3, true},
		{"somebody else's", func(w *world, q refresh.Query) ([]refresh.Grant, error) {
			q.Subject, q.Client = "bob", ""
			return w.store.MemoryStore.List(w.t.Context(), q)
		}, 0, true},
		{"another client's", func(w *world, q refresh.Query) ([]refresh.Grant, error) {
			q.Subject, q.Client = "", "other"
			return w.store.MemoryStore.List(w.t.Context(), q)
		}, 0, true},
		{"one that can't be read, among others", func(w *world, q refresh.Query) ([]refresh.Grant, error) {
			list, err := w.store.MemoryStore.List(w.t.Context(), q)
			for n := range list {
				if q.After == (refresh.GrantID{}) && n == 0 {
					list[n].Body = []byte{99}
				}
			}
			return list, err
		}, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			i, err := refresh.New(refresh.Config{
				Store:  stubLister{w.store.MemoryStore, func(q refresh.Query) ([]refresh.Grant, error) { return tt.list(w, q) }},
				Access: access(w.clock), Keys: [][]byte{key(1)}, Clock: w.clock.now,
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				w.login(refresh.Login{Subject: "alice"})
			}
			bob := w.login(refresh.Login{Subject: "bob", Client: "other"})
			n, err := i.RevokeSubject(t.Context(), "alice")
			if n != tt.ended || (auth.KindOf(err) == auth.KindUnavailable) != tt.fails {
				t.Errorf("got %d ended, error %v, want %d", n, err, tt.ended)
			}
			if _, err := i.Sessions(t.Context(), "alice"); (err != nil) != tt.fails {
				t.Errorf("Sessions: got error %v", err)
			}
			if live, err := i.Live(t.Context(), bob.Session); err != nil || !live {
				t.Errorf("got live %v, error %v for somebody else's session", live, err)
			}
			if n, err := i.RevokeClient(t.Context(), "app"); tt.ended == 0 && (n != 0 || err == nil) {
				t.Errorf("RevokeClient: got %d ended, error %v", n, err)
			}
		})
	}
}

func TestGrantIDText(t *testing.T) {
	id := refresh.GrantID{1, 2, 3}
	if got, err := refresh.ParseGrantID(id.String()); err != nil || got != id {
		t.Errorf("got %v, error %v", got, err)
	}
	for _, s := range []string{"", id.String() + "A", strings.Repeat("!", 22), strings.Repeat("A", 21) + "B"} {
		if _, err := refresh.ParseGrantID(s); err == nil {
			t.Errorf("got no error for %q", s)
		}
	}
}

// JWTs end with their session, and stop with it where the verifier asks.
func TestJWTAccess(t *testing.T) {
	w, verifier := jwtWorld(t)
	first := w.login(refresh.Login{Scopes: auth.MustScopeSet("read"), JWKThumbprint: "thumb", ACR: "aal2"})
	claims, err := verifier.Verify(t.Context(), first.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	cnf, _ := claims.Confirmation()
	if claims.Subject() != "alice" || claims.ClientID() != "app" || claims.SessionID() != first.Session.String() ||
		!claims.HasScope("read") || cnf.JWKThumbprint != "thumb" || claims.ACR() != "aal2" || !claims.AuthenticatedAt().Equal(start) {
		t.Errorf("got claims %s", claims.Raw())
	}
	if err := w.issuer.RevokeSession(t.Context(), first.Session); err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(t.Context(), first.AccessToken); auth.AsError(err).Reason != auth.ReasonRevoked {
		t.Errorf("got %v after a logout, want revoked", err)
	}
	w.store.failFind.Store(true)
	if _, err := verifier.Verify(t.Context(), first.AccessToken); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v while the store is down, want unavailable", err)
	}
	if _, err := refresh.JWT(nil).IssueAccess(t.Context(), refresh.Access{}); err == nil {
		t.Error("got no error from a nil issuer")
	}
	if got := (refresh.AccessToken{Token: "secret"}); got.String() != "[redacted]" || got.GoString() != "[redacted]" {
		t.Error("an access token prints")
	}
}

func TestJWTDoesNotOutliveItsSession(t *testing.T) {
	w, verifier := jwtWorld(t)
	tokens := w.login(refresh.Login{Subject: "carol"})
	for w.clock.now().Before(start.Add(refresh.DefaultLifetime - 13*24*time.Hour)) {
		w.clock.add(13 * 24 * time.Hour)
		tokens = w.mustRefresh(tokens.RefreshToken)
	}
	w.clock.add(start.Add(refresh.DefaultLifetime - 3*time.Minute).Sub(w.clock.now()))
	tokens = w.mustRefresh(tokens.RefreshToken)
	claims, err := verifier.Verify(t.Context(), tokens.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if want := start.Add(refresh.DefaultLifetime); !claims.ExpiresAt().Equal(want) || !tokens.ExpiresAt.Equal(want) {
		t.Errorf("got exp %v, want the end of the session %v", claims.ExpiresAt(), want)
	}
}

func FuzzRefreshToken(f *testing.F) {
	w := newWorld(f, nil)
	first := w.login(refresh.Login{Subject: "alice"})
	for _, seed := range []string{first.RefreshToken, "", refresh.Prefix, flip(first.RefreshToken, 60), first.RefreshToken + "A", strings.ToUpper(first.RefreshToken)} {
		f.Add(seed)
	}
	// No text but the token itself is accepted.
	f.Fuzz(func(t *testing.T, s string) {
		_, err := w.issuer.Refresh(t.Context(), refresh.Request{Token: s})
		if (err == nil) != (s == first.RefreshToken) {
			t.Errorf("%q: got %v", s, err)
		}
	})
}
