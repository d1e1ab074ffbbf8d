package oauth2_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/oauth2"
)

// Metadata served at /.well-known/oauth-protected-resource + path; resource equals the URL clients use; challenge carries
// resource_metadata; offline_access is not listed.
func TestStatement67Metadata(t *testing.T) {
	for _, tt := range []struct{ resource, url, path string }{
		{"https://api.example", "https://api.example/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource"},
		{"https://api.example/", "https://api.example/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource"},
		{"https://api.example/mcp", "https://api.example/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource/mcp"},
		{"https://api.example:8443/a/b/", "https://api.example:8443/.well-known/oauth-protected-resource/a/b/", "/.well-known/oauth-protected-resource/a/b/"},
		{"http://127.0.0.1:8080/mcp", "http://127.0.0.1:8080/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource/mcp"},
	} {
		a := newAuthenticator(t, newIssuer(testIssuer).verifier(), func(c *oauth2.AuthenticatorConfig) {
			c.Resource = &oauth2.Resource{URL: tt.resource, AuthorizationServers: []string{testIssuer}, Scopes: []string{"notes:read"}, Name: "Notes"}
		})
		m := a.Metadata()
		if m.URL() != tt.url || m.Path() != tt.path {
			t.Errorf("%s: got %s and %s", tt.resource, m.URL(), m.Path())
		}
		wantRefusal(t, handler(t, a), get(), 401, "Bearer", "resource_metadata", tt.url, "error", "")
		wantRefusal(t, handler(t, a), bearer("a.b.c"), 401, "Bearer", "resource_metadata", tt.url, "error", "invalid_token")
		var got object
		if err := json.NewDecoder(authtest.Do(m, authtest.Request("GET", tt.path)).Body).Decode(&got); err != nil {
			t.Fatal(err)
		}
		if got["resource"] != tt.resource || got["authorization_servers"].([]any)[0] != testIssuer || got["bearer_methods_supported"].([]any)[0] != "header" {
			t.Errorf("got %v", got)
		}
	}
}

func TestStatement67MetadataSaysWhatIsEnforced(t *testing.T) {
	describe := func(change func(*oauth2.AuthenticatorConfig)) string {
		a := newAuthenticator(t, newIssuer(testIssuer).verifier(), func(c *oauth2.AuthenticatorConfig) {
			c.Resource = &oauth2.Resource{URL: "https://api.example/mcp", AuthorizationServers: []string{testIssuer}, DPoPRequired: true, CertificateBound: true}
			change(c)
		})
		var b strings.Builder
		resp := authtest.Do(a.Metadata(), authtest.Request("GET", "/"))
		var m object
		if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"dpop_signing_alg_values_supported", "dpop_bound_access_tokens_required", "tls_client_certificate_bound_access_tokens"} {
			b.Write(must(json.Marshal(m[name])))
			b.WriteByte(' ')
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, want string
		change     func(*oauth2.AuthenticatorConfig)
	}{
		{"bearer tokens only", "null null null ", func(*oauth2.AuthenticatorConfig) {}},
		{"DPoP", `["ES256"] null null `, func(c *oauth2.AuthenticatorConfig) { c.DPoP = newDPoP(onlyES256) }},
		{"DPoP always", `["ES256"] true null `, func(c *oauth2.AuthenticatorConfig) { c.DPoP, c.RequireBinding = newDPoP(onlyES256), true }},
		{"certificates", "null null true ", func(c *oauth2.AuthenticatorConfig) { c.Certificate = oauth2.PeerCertificate }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe(tt.change); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestStatement67MetadataHandler(t *testing.T) {
	m := must(oauth2.NewMetadata(oauth2.Resource{URL: "https://api.example", AuthorizationServers: []string{testIssuer}}))
	for _, tt := range []struct {
		method string
		status int
	}{{"GET", 200}, {"HEAD", 200}, {"OPTIONS", 204}, {"POST", 405}, {"DELETE", 405}} {
		resp := authtest.Do(m, authtest.Request(tt.method, m.Path()))
		if resp.StatusCode != tt.status || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: got status %d and %v", tt.method, resp.StatusCode, resp.Header)
		}
	}
	good := oauth2.Resource{URL: "https://api.example", AuthorizationServers: []string{testIssuer}}
	for name, change := range map[string]func(*oauth2.Resource){
		"no URL":                       func(r *oauth2.Resource) { r.URL = "" },
		"a relative URL":               func(r *oauth2.Resource) { r.URL = "/mcp" },
		"a fragment":                   func(r *oauth2.Resource) { r.URL += "#x" },
		"an empty fragment":            func(r *oauth2.Resource) { r.URL += "#" },
		"a query":                      func(r *oauth2.Resource) { r.URL += "?x=y" },
		"http":                         func(r *oauth2.Resource) { r.URL = "http://api.example" },
		"user information":             func(r *oauth2.Resource) { r.URL = "https://u:p@api.example" },
		"a quotation mark":             func(r *oauth2.Resource) { r.URL = `https://api.example/"x` },
		"no authorization server":      func(r *oauth2.Resource) { r.AuthorizationServers = nil },
		"an authorization server http": func(r *oauth2.Resource) { r.AuthorizationServers = []string{"http://as.example"} },
		"offline_access":               func(r *oauth2.Resource) { r.Scopes = []string{"notes", "offline_access"} },
		"a scope with a space":         func(r *oauth2.Resource) { r.Scopes = []string{"a b"} },
	} {
		r := good
		change(&r)
		if m, err := oauth2.NewMetadata(r); m != nil || err == nil {
			t.Errorf("%s: got %v and %v", name, m, err)
		}
	}
}
