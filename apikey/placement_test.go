package apikey_test

import (
	"crypto/tls"
	"net/http"
	"slices"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
)

func TestKeysOverPlainHTTPAreRefusedWhereTLSIsRequired(t *testing.T) {
	v := newService(t, setup{authn: apikey.AuthenticatorConfig{RequireTLS: true}})
	a := v.send(v.key())
	v.want(a, 403, apikey.ReasonExposed)
	if v.store.finds.Load() != 0 {
		t.Error("the key was looked up")
	}
	r := v.request(v.key())
	r.TLS = &tls.ConnectionState{}
	v.want(v.do(r), 200, "")
	v.want(v.do(authtest.Request("GET", "/")), 401, auth.ReasonAbsent)

	proxied := newService(t, setup{authn: apikey.AuthenticatorConfig{
		RequireTLS: true, ReachedByTLS: func(r *http.Request) bool { return r.Header.Get("X-Forwarded-Proto") == "https" },
	}})
	r = proxied.request(proxied.key())
	r.Header.Set("X-Forwarded-Proto", "https")
	proxied.want(proxied.do(r), 200, "")
	proxied.want(proxied.send(proxied.key()), 403, apikey.ReasonExposed)
}

func TestAKeyInACookieFromAnotherSiteChangesNothing(t *testing.T) {
	v := newService(t, setup{authn: apikey.AuthenticatorConfig{Placements: []apikey.Placement{
		apikey.Cookie("key", "https://app.example.com"), apikey.Header("X-API-Key"),
	}}})
	for _, row := range []struct {
		name   string
		method string
		fields []string
		status int
	}{
		{"a form of another site", "POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a form of a sister site", "POST", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"an old browser on another site", "POST", []string{"Origin", "https://evil.example"}, 403},
		{"DELETE from another site", "DELETE", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a WebSocket of another site", "GET", []string{"Sec-Fetch-Site", "cross-site", "Upgrade", "websocket"}, 403},
		{"a WebSocket of an old browser", "GET", []string{"Origin", "https://evil.example", "Upgrade", "websocket"}, 403},
		{"a form of the same site", "POST", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"a site that is trusted", "POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.example.com"}, 200},
		{"a WebSocket of the same site", "GET", []string{"Sec-Fetch-Site", "same-origin", "Upgrade", "websocket"}, 200},
		{"a client that is no browser", "POST", nil, 200},
		{"reading from a link of another site", "GET", []string{"Sec-Fetch-Site", "cross-site"}, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			v.t = t
			v.store.finds.Store(0)
			r := authtest.Request(row.method, "/notes", append(row.fields, "Cookie", "key="+v.key())...)
			a := v.do(r)
			reason := auth.Reason("")
			if row.status == 403 {
				reason = apikey.ReasonCrossOrigin
			}
			v.want(a, row.status, reason)
			if row.status == 403 && v.store.finds.Load() != 0 {
				t.Error("the key was looked up")
			}
			header := authtest.Request(row.method, "/notes", append(row.fields, "X-API-Key", v.key())...)
			v.want(v.do(header), 200, "") // which no other site can set unasked
		})
	}
}

func TestSchemesDescribeThePlacements(t *testing.T) {
	k := newKeys(t, nil)
	a, err := k.Authenticator(apikey.AuthenticatorConfig{
		Name: "partner", Realm: "notes", Description: "for partners",
		Placements: []apikey.Placement{
			apikey.Header("x-partner-key"), apikey.Bearer(), apikey.InsecureQuery("key"), apikey.Cookie("key"),
		},
	})
	must(t, err)
	param := func(name, value string) []auth.Param { return []auth.Param{{Name: name, Value: value}} }
	want := []auth.Scheme{
		{Name: "partner", Type: "apiKey", In: auth.InHeader, Parameter: "x-partner-key", AuthScheme: "ApiKey", Realm: "notes", Description: "for partners", Params: param("header", "x-partner-key")},
		{Name: "partner-bearer", Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Bearer", Realm: "notes", Description: "for partners"},
		{Name: "partner-query", Type: "apiKey", In: auth.InQuery, Parameter: "key", AuthScheme: "ApiKey", Realm: "notes", Description: "for partners", Params: param("query", "key")},
		{Name: "partner-cookie", Type: "apiKey", In: auth.InCookie, Parameter: "key", AuthScheme: "ApiKey", Realm: "notes", Description: "for partners", Params: param("cookie", "key")},
	}
	got := a.Schemes()
	if len(got) != len(want) {
		t.Fatalf("got %d schemes, want %d", len(got), len(want))
	}
	for i := range want {
		if g, w := got[i], want[i]; g.Name != w.Name || g.Type != w.Type || g.In != w.In || g.Parameter != w.Parameter ||
			g.AuthScheme != w.AuthScheme || g.Realm != w.Realm || g.Description != w.Description || !slices.Equal(g.Params, w.Params) {
			t.Errorf("scheme %d: got %+v, want %+v", i, g, w)
		}
	}
	must(t, auth.ValidateAuthenticator(a))
	key := mustCreate(t, k, nil).Secret.Reveal()
	if _, err := a.Authenticate(authtest.Request("GET", "/", "X-PARTNER-KEY", key)); err != nil {
		t.Errorf("got %v for a header in another spelling", err)
	}
}

func TestSchemesOfLikePlacesAreNumbered(t *testing.T) {
	a, err := newKeys(t, nil).Authenticator(apikey.AuthenticatorConfig{
		Placements: []apikey.Placement{apikey.Header("X-A"), apikey.Header("X-B"), apikey.Header("X-C"), apikey.Authorization("Token"), apikey.Header("X-D")},
	})
	must(t, err)
	var names []string
	for _, s := range a.Schemes() {
		names = append(names, s.Name)
	}
	if want := []string{"apikey", "apikey-header", "apikey-header-2", "apikey-token", "apikey-header-3"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	must(t, auth.ValidateAuthenticator(a))
}

func TestTwoSetsOfKeysShareAChain(t *testing.T) {
	one := newKeys(t, nil)
	two := newKeys(t, func(c *apikey.Config) { c.Prefix = "part" })
	a, err := one.Authenticator(apikey.AuthenticatorConfig{})
	must(t, err)
	b, err := two.Authenticator(apikey.AuthenticatorConfig{Name: "partner"})
	must(t, err)
	chain := auth.FirstOf(a, b)
	must(t, auth.ValidateAuthenticator(chain))
	first, second := mustCreate(t, one, nil).Secret.Reveal(), mustCreate(t, two, nil).Secret.Reveal()
	for _, field := range []string{"X-API-Key", "Authorization"} {
		prefix := map[string]string{"Authorization": "Bearer "}[field]
		for key, ok := range map[string]bool{first: true, second: true, mistyped(first): false, "other": false} {
			_, err := chain.Authenticate(authtest.Request("GET", "/", field, prefix+key))
			if (err == nil) != ok {
				t.Errorf("%s: got %v, want accepted: %t", field, err, ok)
			}
		}
	}
	_, err = chain.Authenticate(authtest.Request("GET", "/", "Authorization", "Bearer "+mistyped(first), "X-API-Key", second))
	if err == nil {
		t.Error("a bad key was rescued by a good one of another set")
	}
}
