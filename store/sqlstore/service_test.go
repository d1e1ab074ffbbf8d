package sqlstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/store/sqlstore"
	"github.com/cardea-go/auth/store/sqlstore/sqlite"
)

// instance is one process of a service: it shares a database and two secrets with the others.
type instance struct {
	keys     *apikey.Keys
	sessions *refresh.Issuer
	handler  http.Handler
}

func newInstance(t *testing.T, s *sqlstore.Store, secret []byte) *instance {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: s.APIKeys()})
	must(err)
	t.Cleanup(func() { _ = keys.Close(context.WithoutCancel(t.Context())) })
	programs, err := keys.Authenticator(apikey.AuthenticatorConfig{})
	must(err)
	ring, err := jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{Store: s.Ring("main"), Secrets: [][]byte{secret}})
	must(err)
	access, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: "https://acme.example", Audience: []string{"https://acme.example"}, Keys: ring})
	must(err)
	sessions, err := refresh.New(refresh.Config{Store: s.Grants(), Access: refresh.JWT(access), Keys: [][]byte{secret}})
	must(err)
	people, err := sessions.Authenticator(jwt.AuthenticatorConfig{})
	must(err)
	guard, err := middleware.New(middleware.Config{Authenticator: auth.FirstOf(programs, people)})
	must(err)
	return &instance{keys, sessions, guard.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
}

func (i *instance) answers(credential string) int {
	r := authtest.Request("GET", "/")
	r.Header.Set("Authorization", "Bearer "+credential)
	return authtest.Do(i.handler, r).StatusCode
}

// TestInstancesShareADatabase has what one process did count in the other at once, and after a restart.
func TestInstancesShareADatabase(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		ctx := t.Context()
		store, twin := d.store(t, nil)
		secret := []byte(rand.Text() + rand.Text())[:32]
		a, b := newInstance(t, store, secret), newInstance(t, twin, secret)
		status := func(what string, i *instance, credential string, want int) {
			t.Helper()
			if got := i.answers(credential); got != want {
				t.Errorf("%s: got %d, want %d", what, got, want)
			}
		}

		issued, err := a.keys.Create(ctx, apikey.Request{Subject: "alice", Name: "laptop"})
		if err != nil {
			t.Fatal(err)
		}
		key := issued.Secret.Reveal()
		status("a key made by the other", b, key, 200)
		if err := b.keys.Revoke(ctx, issued.Record.ID, "lost"); err != nil {
			t.Fatal(err)
		}
		status("a key that the other revoked", a, key, 401)

		pair, err := a.sessions.Issue(ctx, refresh.Login{Subject: "alice", Scopes: auth.MustScopeSet("notes:read")})
		if err != nil {
			t.Fatal(err)
		}
		status("an access token of the other", b, pair.AccessToken, 200)
		next, err := b.sessions.Refresh(ctx, refresh.Request{Token: pair.RefreshToken})
		if err != nil {
			t.Fatal(err)
		}
		status("an access token that the other made from a refresh token", a, next.AccessToken, 200)
		restarted := newInstance(t, store, secret)
		status("an access token from before a restart", restarted, next.AccessToken, 200)
		if n, err := restarted.sessions.RevokeSubject(ctx, "alice"); err != nil || n != 1 {
			t.Fatalf("got %d sessions, %v, want 1", n, err)
		}
		status("an access token after the logout at another", a, next.AccessToken, 401)
	})
}

func TestADatabaseThatIsGoneIsAnOutage(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		store, _ := d.store(t, nil)
		i := newInstance(t, store, []byte(rand.Text() + rand.Text())[:32])
		issued, err := i.keys.Create(t.Context(), apikey.Request{Subject: "alice", Name: "laptop"})
		if err != nil {
			t.Fatal(err)
		}
		pair, err := i.sessions.Issue(t.Context(), refresh.Login{Subject: "alice", Scopes: auth.MustScopeSet("a")})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.db.Close(); err != nil {
			t.Fatal(err)
		}
		for name, credential := range map[string]string{"key": issued.Secret.Reveal(), "token": pair.AccessToken} {
			if got := i.answers(credential); got != http.StatusServiceUnavailable {
				t.Errorf("%s: got %d, want 503", name, got)
			}
		}
		if _, err := i.sessions.Refresh(t.Context(), refresh.Request{Token: pair.RefreshToken}); auth.KindOf(err) != auth.KindUnavailable {
			t.Errorf("refresh: got %v, want unavailable", err)
		}
		ctx := t.Context()
		all := everyCall(ctx, store)
		all["migrate"] = store.Migrate(ctx)
		for name, err := range all {
			if err == nil || errors.Is(err, apikey.ErrNotFound) || errors.Is(err, refresh.ErrNotFound) || errors.Is(err, jwt.ErrConflict) ||
				errors.Is(err, apikey.ErrExists) || errors.Is(err, refresh.ErrExists) || !strings.HasPrefix(err.Error(), "sqlstore: ") {
				t.Errorf("%s: got %v, want an error of sqlstore that is none of the contract", name, err)
			}
		}
	})
}

// everyCall returns the errors of every method but Migrate.
func everyCall(ctx context.Context, s *sqlstore.Store) map[string]error {
	keys, grants, ring, known := s.APIKeys(), s.Grants(), s.Ring("main"), s.Known()
	record, grant := &apikey.Record{ID: "a", Version: 1}, refresh.Grant{Version: 1, Expires: time.Now().Add(time.Hour), Subject: "s"}
	errs := map[string]error{
		"keys create": keys.Create(ctx, record), "keys update": keys.Update(ctx, record),
		"keys rotate": keys.Rotate(ctx, record, record), "keys touch": keys.Touch(ctx, map[string]time.Time{"a": time.Now()}),
		"grants create": grants.Create(ctx, grant), "grants swap": grants.Swap(ctx, grant, grant),
		"ring create": ring.Save(ctx, nil, 0), "ring save": ring.Save(ctx, nil, 1), "known add": known.Add(ctx, "k"),
	}
	_, errs["keys find"] = keys.Find(ctx, "a")
	_, errs["keys list"] = keys.List(ctx, apikey.Query{Subject: "s", Limit: 1})
	_, errs["keys delete"] = keys.DeleteExpired(ctx, time.Now(), 1)
	_, errs["grants find"] = grants.Find(ctx, grant.ID)
	_, errs["grants once"] = grants.Once(ctx, "k", time.Now().Add(time.Hour))
	_, errs["grants list"] = grants.List(ctx, refresh.Query{Subject: "s", Limit: 1})
	_, _, errs["ring load"] = ring.Load(ctx)
	_, errs["known has"] = known.Has(ctx, "k")
	return errs
}

func TestConfigIsChecked(t *testing.T) {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "auth.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for _, tt := range []struct {
		name   string
		config sqlstore.Config
		want   []string
	}{
		{"nothing is set", sqlstore.Config{}, []string{"Config.DB is nil", "Config.Dialect is 0"}},
		{"no dialect", sqlstore.Config{DB: db}, []string{"Config.Dialect is 0: set SQLite or PostgreSQL"}},
		{"a dialect that is none", sqlstore.Config{DB: db, Dialect: 3}, []string{"Config.Dialect is 3"}},
		{"a prefix that is SQL", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Prefix: "a; drop"}, []string{`Config.Prefix "a; drop"`}},
		{"a prefix that folds", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Prefix: "Auth_"}, []string{`Config.Prefix "Auth_"`}},
		{"a prefix too long", sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Prefix: strings.Repeat("a", 32)}, []string{"Config.Prefix"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sqlstore.New(tt.config)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
		})
	}
}
