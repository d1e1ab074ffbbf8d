package apikey_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
)

// downStore finds what is there and fails at everything else.
type downStore struct {
	apikey.Store
	err error
}

func (s downStore) Create(context.Context, *apikey.Record) error                 { return s.err }
func (s downStore) List(context.Context, apikey.Query) ([]*apikey.Record, error) { return nil, s.err }
func (s downStore) Update(context.Context, *apikey.Record) error                 { return s.err }
func (s downStore) Rotate(context.Context, *apikey.Record, *apikey.Record) error { return s.err }
func (s downStore) DeleteExpired(context.Context, time.Time, int) (int, error)   { return 0, s.err }

// listStore lists what it was not asked for.
type listStore struct {
	apikey.Store
	records []*apikey.Record
}

func (s listStore) List(context.Context, apikey.Query) ([]*apikey.Record, error) {
	return s.records, nil
}

func TestAListThatWasNotAskedForIsAnOutage(t *testing.T) {
	const id = "AAAAAAAAAAAA"
	for name, r := range map[string]*apikey.Record{
		"nil":                            nil,
		"a subject in other letter case": {ID: id, Issuer: "https://idp.example", Subject: "Alice"},
		"a subject of another issuer":    {ID: id, Subject: "alice"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeys(t, func(c *apikey.Config) { c.Store = listStore{c.Store, []*apikey.Record{r}} })
			_, err := k.List(t.Context(), "https://idp.example", "alice", "", 0)
			refused(t, err, auth.KindUnavailable, auth.ReasonUnavailable)
		})
	}
}

func TestEveryOperationOverAStoreThatFailsIsAnOutage(t *testing.T) {
	up := apikey.NewMemoryStore(apikey.MemoryConfig{})
	first := mustCreate(t, newKeys(t, func(c *apikey.Config) { c.Store = up }), nil)
	second, err := newKeys(t, func(c *apikey.Config) { c.Store = up }).Rotate(t.Context(), first.Record.ID, time.Hour)
	must(t, err)
	id := second.Record.ID
	k := newKeys(t, func(c *apikey.Config) { c.Store = downStore{up, errors.New("down")} })
	own := k.For(authtest.Principal("alice", "notes:read"))
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"Create":        func() error { _, err := k.Create(ctx, apikey.Request{Subject: "alice"}); return err },
		"List":          func() error { _, err := k.List(ctx, "", "alice", "", 0); return err },
		"Rotate":        func() error { _, err := k.Rotate(ctx, id, 0); return err },
		"Revoke":        func() error { return k.Revoke(ctx, id, "") },
		"RevokeLeaked":  func() error { _, err := k.RevokeLeaked(ctx, second.Secret.Reveal(), ""); return err },
		"Disable":       func() error { return k.Disable(ctx, id) },
		"DeleteExpired": func() error { _, err := k.DeleteExpired(ctx, time.Now().Add(-time.Hour)); return err },
		"own Create":    func() error { _, err := own.Create(ctx, apikey.Request{}); return err },
		"own List":      func() error { _, err := own.List(ctx, "", 0); return err },
		"own Rotate":    func() error { _, err := own.Rotate(ctx, id, 0); return err },
		"own Revoke":    func() error { return own.Revoke(ctx, id, "") },
	} {
		t.Run(name, func(t *testing.T) { refused(t, do(), auth.KindUnavailable, auth.ReasonUnavailable) })
	}
	t.Run("Rotate that never settles", func(t *testing.T) {
		k := newKeys(t, func(c *apikey.Config) { c.Store = downStore{up, apikey.ErrConflict} })
		issued := mustCreate(t, newKeys(t, func(c *apikey.Config) { c.Store = up }), nil)
		_, err := k.Rotate(ctx, issued.Record.ID, 0)
		refused(t, err, auth.KindUnavailable, auth.ReasonUnavailable)
	})
	t.Run("DeleteExpired that is cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		_, err := k.DeleteExpired(ctx, time.Now().Add(-time.Hour))
		refused(t, err, auth.KindUnavailable, auth.ReasonCancelled)
	})
	t.Run("own Rotate of a row whose scopes are corrupt", func(t *testing.T) {
		now := time.Now()
		must(t, up.Create(ctx, &apikey.Record{
			ID: "CCCCCCCCCCCC", Subject: "alice", Scopes: []string{"a b"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour), Version: 1,
		}))
		_, err := own.Rotate(ctx, "CCCCCCCCCCCC", 0)
		refused(t, err, auth.KindUnavailable, auth.ReasonUnavailable)
	})
	t.Run("Rotate of a key whose predecessor has ended", func(t *testing.T) {
		k := newKeys(t, func(c *apikey.Config) { c.Store = up })
		first := mustCreate(t, k, nil)
		second, err := k.Rotate(ctx, first.Record.ID, 0)
		must(t, err)
		before, err := k.Find(ctx, first.Record.ID)
		must(t, err)
		_, err = k.Rotate(ctx, second.Record.ID, 0)
		must(t, err)
		after, err := k.Find(ctx, first.Record.ID)
		must(t, err)
		if after.Version != before.Version {
			t.Error("a key that had ended was changed")
		}
	})
}
