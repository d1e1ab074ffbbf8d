package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

type user struct{ name string }

func TestPrincipal(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	roles := []string{"editor"}
	c := auth.PrincipalConfig{
		Subject: "alice", Issuer: "https://i.example", Scheme: "jwt", CredentialID: "k1", ClientID: "app", Scopes: auth.MustScopeSet("a"),
		Roles: roles, Tenant: "t1", ACR: "phr", IssuedAt: now, AuthenticatedAt: now.Add(-time.Hour), ExpiresAt: now.Add(time.Hour), Data: user{"Alice"},
	}
	p, err := auth.NewPrincipal(c)
	if err != nil {
		t.Fatal(err)
	}
	if p.Subject() != c.Subject || p.Issuer() != c.Issuer || p.Scheme() != c.Scheme || p.Authenticator() != c.Scheme || p.CredentialID() != c.CredentialID ||
		p.ClientID() != c.ClientID || !p.Scopes().Has("a") || p.Tenant() != c.Tenant || p.ACR() != c.ACR ||
		!p.IssuedAt().Equal(c.IssuedAt) || !p.AuthenticatedAt().Equal(c.AuthenticatedAt) || !p.ExpiresAt().Equal(c.ExpiresAt) {
		t.Errorf("got %+v from %+v", p, c)
	}
	roles[0] = "admin"
	p.Roles()[0] = "admin"
	if p.HasRole("admin") || !p.HasRole("editor") {
		t.Error("a role was changed from outside")
	}
	q, err := p.Derive(func(c *auth.PrincipalConfig) {
		c.Roles = append(c.Roles, "admin")
		c.Data = 7
	})
	if err != nil {
		t.Fatal(err)
	}
	if p.HasRole("admin") || !q.HasRole("admin") || !q.Same(p) {
		t.Error("Derive changed the wrong principal")
	}
	number, ok := auth.Data[int](q)
	u, also := auth.Data[user](q)
	if _, not := auth.Data[int](p); number != 7 || !ok || u.name != "Alice" || !also || not {
		t.Errorf("got data %v and %v, want the new one and the old one", number, u)
	}
	if _, err := p.Derive(func(c *auth.PrincipalConfig) { c.Subject = "" }); err == nil {
		t.Error("got no error for a principal without a subject")
	}
	var nobody *auth.Principal
	other := authtest.Principal("alice")
	if p.Same(other) || p.Same(nil) || nobody.Same(p) || nobody.Same(nil) {
		t.Error("two parties with one subject, or none, are the same")
	}
	for _, s := range []string{p.String(), fmt.Sprintf("%#v", p), fmt.Sprintf("%+v", q), nobody.String(), p.LogValue().String(), nobody.LogValue().String()} {
		if strings.Contains(s, "Alice") || s == "" {
			t.Errorf("got %q, want no data in it", s)
		}
	}
}

func TestContext(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(context.Background(), key{}, "kept")
	if p, ok := auth.FromContext(ctx); ok || p != nil {
		t.Errorf("got %v from an empty context", p)
	}
	ctx = auth.NewContext(ctx, alice)
	if p, ok := auth.FromContext(ctx); !ok || p != alice {
		t.Errorf("got %v, want alice", p)
	}
	if got := ctx.Value(key{}); got != "kept" {
		t.Errorf("got %v, want what was there before", got)
	}
	if p, ok := auth.FromContext(auth.Without(ctx)); ok || p != nil {
		t.Errorf("got %v after Without", p)
	}
}

func TestDeriveDoesNotShowTheDataToBeChanged(t *testing.T) {
	p, err := auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice", Data: 1})
	if err != nil {
		t.Fatal(err)
	}
	q, err := p.Derive(func(c *auth.PrincipalConfig) {
		if c.Data != nil {
			t.Errorf("got data %v, want none", c.Data)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, ok := auth.Data[int](q); n != 1 || !ok {
		t.Errorf("got %v, want what p held", n)
	}
}
