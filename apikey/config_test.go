package apikey_test

import (
	"crypto"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
)

func TestConfigurationMistakesAreAllReported(t *testing.T) {
	_, err := apikey.New(apikey.Config{
		Prefix: "a_b_", Kinds: []string{"pat", "pat", "X"}, Environment: "prod", Environments: []string{"live"},
		Peppers:  []apikey.Pepper{{ID: "a", Key: make([]byte, 32)}, {ID: "a", Key: make([]byte, 32)}, {ID: "$", Key: []byte("short-secret")}},
		Lifetime: -1, MaxLifetime: time.Second, MaxPerSubject: -1, LastUsedInterval: time.Millisecond,
		Admin:          auth.Scopes(),
		ForeignFormats: []apikey.ForeignFormat{{Name: "drf", Split: drf, Hash: crypto.SHA256}, {Name: "drf", Hash: crypto.MD5}, {Name: "D"}},
	})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, part := range []string{
		"Config.Store is nil", `Config.Prefix "a_b_"`, `Config.Kinds: "pat" comes twice`, `Config.Kinds "X"`,
		`Config.Environments lacks "prod"`, `Config.Peppers[1].ID "a": used twice`, `Config.Peppers[2].ID "$"`,
		"Config.Peppers[2].Key: has 12 bytes", "Config.Peppers[0].Key is nothing but zeros", "Config.Lifetime", "Config.MaxLifetime", "Config.MaxPerSubject",
		"Config.LastUsedInterval", "Scopes names no scope", `ForeignFormat.Name "D"`, "ForeignFormat.Split is nil", "ForeignFormat.Hash", `Config.ForeignFormats: "drf" comes twice`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q:\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), "short-secret") {
		t.Error("a pepper is in the error")
	}
}

func TestPlainDigestsAreNotAllowedTwice(t *testing.T) {
	_, err := apikey.New(apikey.Config{
		Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{}), AllowPlainDigests: true,
	})
	if err == nil || !strings.Contains(err.Error(), "AllowPlainDigests without Peppers") {
		t.Errorf("got %v, want a mistake: without a pepper every digest is plain", err)
	}
}

func TestPrefixesThatAreRefused(t *testing.T) {
	for _, prefix := range []string{"", "a", "A1", "1a", "acme_", "a-b", "abcdefghijklm", "acmé", "a b"} {
		_, err := apikey.New(apikey.Config{Prefix: prefix, Store: apikey.NewMemoryStore(apikey.MemoryConfig{})})
		if err == nil {
			t.Errorf("prefix %q was taken", prefix)
		}
	}
}

func TestAuthenticatorMistakesAreAllReported(t *testing.T) {
	k := newKeys(t, nil)
	_, err := k.Authenticator(apikey.AuthenticatorConfig{
		Placements: []apikey.Placement{
			{}, apikey.Header("Authorization"), apikey.Authorization(""), apikey.Header("a b"), apikey.InsecureQuery(""),
			apikey.Cookie("c", "not an origin"), apikey.Bearer(), apikey.Authorization("bearer"), apikey.Header("X-Key"), apikey.Header("x-key"),
		},
		Kinds:        []string{"pat"},
		ReachedByTLS: func(*http.Request) bool { return true },
	})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, part := range []string{
		"Placements[0]: is zero", "Placements[1]: Authorization without a scheme", "Placements[2]: Authorization without a scheme",
		"Placements[3]", "Placements[4]", "Placements[5]", "Placements[7]: the place comes twice", "Placements[9]: the place comes twice", `Kinds: "pat"`, "ReachedByTLS without RequireTLS",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q:\n%v", part, err)
		}
	}
	for _, c := range []apikey.AuthenticatorConfig{{Placements: []apikey.Placement{}}, {Kinds: []string{}}} {
		if a, err := k.Authenticator(c); err == nil || a != nil {
			t.Errorf("an empty list was taken: %+v", c)
		}
	}
}

func TestRequestsBeyondTheLimitsAreRefused(t *testing.T) {
	v := newService(t, setup{})
	many := func(n int) map[string]string {
		m := map[string]string{}
		for i := range n {
			m[fmt.Sprint("k", i)] = "v"
		}
		return m
	}
	var scopes []string
	var networks []netip.Prefix
	for i := range 65 {
		scopes = append(scopes, fmt.Sprint("s", i))
		networks = append(networks, netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", i)))
	}
	for name, row := range map[string]struct {
		field  string
		change func(*apikey.Request)
	}{
		"no subject":                    {"Subject", func(r *apikey.Request) { r.Subject = "" }},
		"a long subject":                {"Subject", func(r *apikey.Request) { r.Subject = strings.Repeat("a", 256) }},
		"a subject that is no UTF-8":    {"Subject", func(r *apikey.Request) { r.Subject = "\xff" }},
		"a long issuer":                 {"Issuer", func(r *apikey.Request) { r.Issuer = strings.Repeat("a", 256) }},
		"a tenant with NUL":             {"Tenant", func(r *apikey.Request) { r.Tenant = "a\x00" }},
		"a name with CR and LF":         {"Name", func(r *apikey.Request) { r.Name = "a\r\nb" }},
		"a name that turns text around": {"Name", func(r *apikey.Request) { r.Name = "a\u202eb" }},
		"a long name":                   {"Name", func(r *apikey.Request) { r.Name = strings.Repeat("a", 101) }},
		"a creator with a tab":          {"CreatedBy", func(r *apikey.Request) { r.CreatedBy = "\t" }},
		"an unknown kind":               {"Kind", func(r *apikey.Request) { r.Kind = "pat" }},
		"unlimited scopes":              {"Scopes", func(r *apikey.Request) { r.Scopes = auth.Unlimited() }},
		"too many scopes":               {"Scopes", func(r *apikey.Request) { r.Scopes = auth.MustScopeSet(scopes...) }},
		"a long scope":                  {"Scopes", func(r *apikey.Request) { r.Scopes = auth.MustScopeSet(strings.Repeat("a", 101)) }},
		"too many networks":             {"Networks", func(r *apikey.Request) { r.Networks = networks }},
		"no network":                    {"Networks", func(r *apikey.Request) { r.Networks = []netip.Prefix{} }},
		"an invalid network":            {"Networks", func(r *apikey.Request) { r.Networks = []netip.Prefix{{}} }},
		"a mapped network beyond IPv4": {"Networks", func(r *apikey.Request) {
			r.Networks = []netip.Prefix{netip.PrefixFrom(netip.MustParseAddr("::ffff:10.0.0.0"), 90)}
		}},
		"too much metadata":                {"Metadata", func(r *apikey.Request) { r.Metadata = many(17) }},
		"1 MiB of metadata":                {"Metadata", func(r *apikey.Request) { r.Metadata = map[string]string{"a": strings.Repeat("x", 1<<20)} }},
		"a metadata name with a space":     {"Metadata", func(r *apikey.Request) { r.Metadata = map[string]string{"a b": ""} }},
		"an empty metadata name":           {"Metadata", func(r *apikey.Request) { r.Metadata = map[string]string{"": ""} }},
		"an end in the past":               {"ExpiresAt", func(r *apikey.Request) { r.ExpiresAt = v.clock.Now() }},
		"an end beyond the longest life":   {"ExpiresAt", func(r *apikey.Request) { r.ExpiresAt = v.clock.Now().Add(366*24*time.Hour + time.Second) }},
		"a beginning that is after itself": {"NotBefore", func(r *apikey.Request) { r.NotBefore = v.clock.Now().Add(91 * 24 * time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			req := apikey.Request{Subject: "alice"}
			row.change(&req)
			_, err := v.keys.Create(t.Context(), req)
			if !isRequestError(err) || !strings.Contains(err.Error(), row.field+": ") {
				t.Errorf("got %v, want a RequestError about %s", err, row.field)
			}
		})
	}
	atTheLimits := apikey.Request{
		Subject: strings.Repeat("a", 255), Name: strings.Repeat("é", 50), Metadata: many(16), Networks: networks[:64],
		Scopes: auth.MustScopeSet(scopes[:64]...), ExpiresAt: v.clock.Now().Add(366 * 24 * time.Hour),
	}
	_, err := v.keys.Create(t.Context(), atTheLimits)
	must(t, err)
}

func TestWhatACallerLendsIsNotKept(t *testing.T) {
	v := newService(t, setup{})
	networks, metadata := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, map[string]string{"a": "b"}
	issued := mustCreate(t, v.keys, func(r *apikey.Request) { r.Networks, r.Metadata = networks, metadata })
	networks[0], metadata["a"] = netip.MustParsePrefix("0.0.0.0/0"), "c"
	issued.Record.Scopes[0] = "admin"
	r, err := v.keys.Find(t.Context(), issued.Record.ID)
	must(t, err)
	if r.Networks[0].String() != "10.0.0.0/8" || r.Metadata["a"] != "b" || r.Scopes[0] != "notes:read" {
		t.Errorf("got %+v", *r)
	}
}
