package apikey_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
)

func forbidden(t *testing.T, err error) {
	t.Helper()
	refused(t, err, auth.KindForbidden, apikey.ReasonAuthority)
}

func request(scopes ...string) apikey.Request {
	return apikey.Request{Scopes: auth.MustScopeSet(scopes...)}
}

func TestWithoutACallerNothingIsOwn(t *testing.T) {
	v := newService(t, setup{})
	own := v.keys.For(nil)
	id := v.issued.Record.ID
	_, created := own.Create(t.Context(), request())
	_, listed := own.List(t.Context(), "", 0)
	_, found := own.Find(t.Context(), id)
	_, rotated := own.Rotate(t.Context(), id, 0)
	for _, err := range []error{created, listed, found, rotated, own.Revoke(t.Context(), id, "")} {
		refused(t, err, auth.KindNoCredential, auth.ReasonAbsent)
	}
}

func TestACreatorGrantsOnlyWhatItHolds(t *testing.T) {
	v := newService(t, setup{})
	alice := v.keys.For(authtest.Principal("alice", "notes:read", "notes:write"))
	issued, err := alice.Create(t.Context(), request("notes:read"))
	must(t, err)
	if issued.Record.Subject != "alice" || issued.Record.CreatedBy != "alice" {
		t.Errorf("got %+v", issued.Record)
	}
	for name, change := range map[string]func(*apikey.Request){
		"a scope that it lacks": func(r *apikey.Request) { r.Scopes = auth.MustScopeSet("notes:read", "admin") },
		"another subject":       func(r *apikey.Request) { r.Subject = "bob" },
		"another issuer":        func(r *apikey.Request) { r.Subject, r.Issuer = "alice", "https://idp.example" },
		"another tenant":        func(r *apikey.Request) { r.Tenant = "t2" },
		"an issuer alone":       func(r *apikey.Request) { r.Issuer = "https://idp.example" },
		"a life beyond the cap": func(r *apikey.Request) { r.ExpiresAt = v.clock.Now().Add(367 * 24 * time.Hour) },
		"a life without an end": func(r *apikey.Request) { r.ExpiresAt = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			req := request("notes:read")
			change(&req)
			_, err := alice.Create(t.Context(), req)
			forbidden(t, err)
		})
	}
	if _, err := alice.Create(t.Context(), apikey.Request{Scopes: auth.Unlimited()}); !isRequestError(err) {
		t.Errorf("an unlimited key: got %v, want a RequestError", err)
	}
	first := unlimited(t, "alice")
	_, err = v.keys.For(first).Create(t.Context(), request("anything"))
	must(t, err)
	if _, err := v.keys.For(first).Create(t.Context(), apikey.Request{Scopes: auth.Unlimited()}); !isRequestError(err) {
		t.Errorf("an unlimited key of an unlimited login: got %v, want a RequestError", err)
	}
	req := request("notes:read")
	req.Subject = "bob"
	_, err = v.keys.For(first).Create(t.Context(), req)
	forbidden(t, err) // holding every scope is not being an administrator
}

func unlimited(t *testing.T, subject string) *auth.Principal {
	t.Helper()
	p, err := auth.NewPrincipal(auth.PrincipalConfig{Subject: subject, Scopes: auth.Unlimited()})
	must(t, err)
	return p
}

func TestAKeyMakesNoKeyThatIsMoreThanItself(t *testing.T) {
	inside, outside := netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("0.0.0.0/0")
	kinds := func(c *apikey.Config) { c.Kinds = []string{"pat", "srv"} }
	v := newService(t, setup{config: kinds, key: func(r *apikey.Request) {
		r.Kind, r.Networks = "pat", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		r.ExpiresAt = newClock().Now().Add(24 * time.Hour)
	}})
	p, err := v.keys.VerifyFrom(t.Context(), v.key(), netip.MustParseAddr("10.0.0.1"))
	must(t, err)
	own := v.keys.For(p)
	child, err := own.Create(t.Context(), request("notes:read"))
	must(t, err)
	if child.Record.Kind != "pat" || len(child.Record.Networks) != 1 || !child.Record.ExpiresAt.Equal(v.issued.Record.ExpiresAt) {
		t.Errorf("a key that was asked for without limits got %+v, want those of its maker", child.Record)
	}
	narrower := request()
	narrower.Networks, narrower.ExpiresAt = []netip.Prefix{inside}, v.clock.Now().Add(time.Hour)
	_, err = own.Create(t.Context(), narrower)
	must(t, err)
	for name, change := range map[string]func(*apikey.Request){
		"more scopes":              func(r *apikey.Request) { r.Scopes = auth.MustScopeSet("notes:write") },
		"more networks":            func(r *apikey.Request) { r.Networks = []netip.Prefix{inside, outside} },
		"a network around its own": func(r *apikey.Request) { r.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/7")} },
		"a longer life":            func(r *apikey.Request) { r.ExpiresAt = v.clock.Now().Add(25 * time.Hour) },
		"another kind":             func(r *apikey.Request) { r.Kind = "srv" },
	} {
		t.Run(name, func(t *testing.T) {
			req := request()
			change(&req)
			_, err := own.Create(t.Context(), req)
			forbidden(t, err)
		})
	}
	for name, change := range map[string]func(*apikey.Request){
		"more scopes": func(r *apikey.Request) { r.Scopes = auth.MustScopeSet("notes:read", "admin") },
		"anywhere":    func(r *apikey.Request) { r.Networks = nil },
		"elsewhere":   func(r *apikey.Request) { r.Networks = []netip.Prefix{outside} },
	} {
		t.Run("rotating a key with "+name, func(t *testing.T) {
			strong := mustCreate(t, v.keys, func(r *apikey.Request) {
				r.Kind, r.Networks = "pat", []netip.Prefix{inside}
				change(r)
			})
			_, err := own.Rotate(t.Context(), strong.Record.ID, 0)
			forbidden(t, err)
			must(t, own.Revoke(t.Context(), strong.Record.ID, "not needed")) // that takes power away
		})
	}
	long := mustCreate(t, v.keys, func(r *apikey.Request) { r.Kind, r.Networks = "pat", []netip.Prefix{inside} })
	rotated, err := own.Rotate(t.Context(), long.Record.ID, 0)
	must(t, err)
	if rotated.Record.ExpiresAt.After(v.issued.Record.ExpiresAt) {
		t.Error("the successor of another key outlives the key that asked for it")
	}
	v.clock.Add(time.Hour)
	self, err := own.Rotate(t.Context(), v.issued.Record.ID, 0)
	must(t, err)
	if !self.Record.ExpiresAt.After(v.issued.Record.ExpiresAt) {
		t.Error("a key that rotates itself gets no new life")
	}
}

// TestAKeyThatEndsWhileItAsksMakesNoKey has the caller's key end between the guard and the end of the body.
func TestAKeyThatEndsWhileItAsksMakesNoKey(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    func(context.Context, *service) error
		reason auth.Reason
	}{
		{"revoked", func(ctx context.Context, v *service) error { return v.keys.Revoke(ctx, v.issued.Record.ID, "stolen") }, auth.ReasonRevoked},
		{"disabled", func(ctx context.Context, v *service) error { return v.keys.Disable(ctx, v.issued.Record.ID) }, auth.ReasonDisabled},
		{"deleted", func(_ context.Context, v *service) error {
			v.store.find = func(ctx context.Context, id string) (*apikey.Record, error) {
				if id == v.issued.Record.ID {
					return nil, apikey.ErrNotFound
				}
				return v.store.Store.Find(ctx, id)
			}
			return nil
		}, auth.ReasonUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newService(t, setup{})
			other := mustCreate(t, v.keys, nil)
			p, err := v.keys.Verify(t.Context(), v.key())
			must(t, err)
			own := v.keys.For(p)
			must(t, tt.end(t.Context(), v))
			_, err = own.Create(t.Context(), request())
			refused(t, err, auth.KindInvalid, tt.reason)
			_, err = own.Rotate(t.Context(), other.Record.ID, 0)
			refused(t, err, auth.KindInvalid, tt.reason)
		})
	}
	t.Run("a store that does not say", func(t *testing.T) {
		v := newService(t, setup{})
		p, err := v.keys.Verify(t.Context(), v.key())
		must(t, err)
		v.store.find = func(context.Context, string) (*apikey.Record, error) { return nil, errors.New("down") }
		if _, err := v.keys.For(p).Create(t.Context(), request()); auth.KindOf(err) != auth.KindUnavailable {
			t.Errorf("got error %v, want an outage", err)
		}
	})
}

func TestKeysOfOthersAreNotFound(t *testing.T) {
	v := newService(t, setup{})
	var others []string
	for _, change := range []func(*apikey.Request){
		func(r *apikey.Request) { r.Subject = "bob" },
		func(r *apikey.Request) { r.Issuer = "https://idp.example" },
		func(r *apikey.Request) { r.Tenant = "t2" },
	} {
		others = append(others, mustCreate(t, v.keys, change).Record.ID)
	}
	own := v.keys.For(authtest.Principal("alice", "notes:read"))
	for _, id := range append(others, "AAAAAAAAAAAA", "", "../x") {
		_, found := own.Find(t.Context(), id)
		_, rotated := own.Rotate(t.Context(), id, 0)
		for _, err := range []error{found, rotated, own.Revoke(t.Context(), id, "")} {
			if !errors.Is(err, apikey.ErrNotFound) {
				t.Errorf("%q: got %v, want ErrNotFound", id, err)
			}
		}
	}
	page, err := own.List(t.Context(), "", 0)
	must(t, err)
	if len(page.Records) != 1 || page.Records[0].ID != v.issued.Record.ID {
		t.Errorf("got %v, want the one key of its own", page.Records)
	}
	r, err := own.Find(t.Context(), v.issued.Record.ID)
	if err != nil || r.Digest != "" {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestAnAdministratorManagesKeysOfOthers(t *testing.T) {
	v := newService(t, setup{config: func(c *apikey.Config) { c.Admin = auth.Roles("admin") }})
	root, err := auth.NewPrincipal(auth.PrincipalConfig{
		Subject: "root", Issuer: "https://idp.example", Roles: []string{"admin"}, Scopes: auth.MustScopeSet("notes:read"),
	})
	must(t, err)
	own := v.keys.For(root)
	req := request("notes:read")
	req.Subject = "carol"
	issued, err := own.Create(t.Context(), req)
	must(t, err)
	if issued.Record.CreatedBy != "https://idp.example|root" {
		t.Errorf("created by %q", issued.Record.CreatedBy)
	}
	req.Scopes = auth.MustScopeSet("notes:write")
	_, err = own.Create(t.Context(), req)
	forbidden(t, err)
	_, err = own.Find(t.Context(), v.issued.Record.ID)
	must(t, err)
	must(t, own.Revoke(t.Context(), v.issued.Record.ID, "left the company"))
	user := v.keys.For(authtest.Principal("user"))
	_, err = user.Create(t.Context(), apikey.Request{Subject: "carol"})
	forbidden(t, err)
	if _, err := user.Find(t.Context(), issued.Record.ID); !errors.Is(err, apikey.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
}

func TestAnAdministratorOfATenantManagesThatTenantOnly(t *testing.T) {
	v := newService(t, setup{
		config: func(c *apikey.Config) { c.Admin = auth.Roles("admin") },
		key:    func(r *apikey.Request) { r.Tenant = "t1" },
	})
	id := v.issued.Record.ID
	of := func(tenant string) *apikey.OwnKeys {
		p, err := auth.NewPrincipal(auth.PrincipalConfig{
			Subject: "root", Tenant: tenant, Roles: []string{"admin"}, Scopes: auth.MustScopeSet("notes:read"),
		})
		must(t, err)
		return v.keys.For(p)
	}
	req := request("notes:read")
	req.Subject, req.Tenant = "carol", "t1"
	other := of("t2")
	_, err := other.Create(t.Context(), req)
	forbidden(t, err)
	_, found := other.Find(t.Context(), id)
	_, rotated := other.Rotate(t.Context(), id, 0)
	for _, err := range []error{found, rotated, other.Revoke(t.Context(), id, "")} {
		if !errors.Is(err, apikey.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	}
	for _, tenant := range []string{"t1", ""} {
		_, err = of(tenant).Create(t.Context(), req)
		must(t, err)
		_, err = of(tenant).Find(t.Context(), id)
		must(t, err)
	}
	req.Tenant = ""
	_, err = of("t1").Create(t.Context(), req) // no tenant is not its tenant
	forbidden(t, err)
}

func TestAnAdministratorCheckThatFailsIsAnOutage(t *testing.T) {
	v := newService(t, setup{config: func(c *apikey.Config) {
		c.Admin = auth.RequirementFunc(func(context.Context, *auth.Principal) error { return errors.New("ldap") })
	}})
	own := v.keys.For(authtest.Principal("mallory"))
	_, err := own.Create(t.Context(), apikey.Request{Subject: "alice"})
	refused(t, err, auth.KindUnavailable, auth.ReasonUnavailable)
	_, err = own.Find(t.Context(), v.issued.Record.ID)
	refused(t, err, auth.KindUnavailable, auth.ReasonUnavailable)
}

func TestASubjectHasABoundedNumberOfKeys(t *testing.T) {
	v := newService(t, setup{config: func(c *apikey.Config) { c.MaxPerSubject = 3 }})
	own := v.keys.For(authtest.Principal("bob"))
	var last string
	for range 3 {
		issued, err := own.Create(t.Context(), request())
		must(t, err)
		last = issued.Record.ID
	}
	_, err := own.Create(t.Context(), request())
	forbidden(t, err)
	for range 27 { // keys that are no longer in force make room, up to ten times as many
		must(t, own.Revoke(t.Context(), last, ""))
		issued, err := own.Create(t.Context(), request())
		must(t, err)
		last = issued.Record.ID
	}
	must(t, own.Revoke(t.Context(), last, ""))
	_, err = own.Create(t.Context(), request())
	forbidden(t, err)
}

func TestRotatingKeysIsBoundedToo(t *testing.T) {
	v := newService(t, setup{config: func(c *apikey.Config) { c.MaxPerSubject = 2 }})
	own := v.keys.For(authtest.Principal("bob"))
	_, err := own.Create(t.Context(), request())
	must(t, err)
	last, err := own.Create(t.Context(), request())
	must(t, err)
	for range 18 { // also of a subject with all the keys in force that it may have
		last, err = own.Rotate(t.Context(), last.Record.ID, 0)
		must(t, err)
	}
	_, err = own.Rotate(t.Context(), last.Record.ID, 0)
	forbidden(t, err) // or a loop of rotations would fill the store
	_, err = v.keys.Verify(t.Context(), last.Secret.Reveal())
	must(t, err)
	_, err = v.keys.Rotate(t.Context(), last.Record.ID, 0) // the service itself asks nobody's leave
	must(t, err)
}
