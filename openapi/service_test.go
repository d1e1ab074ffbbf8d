package openapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
)

var update = flag.Bool("update", false, "write the golden documents anew")

func inAuthorization(name, kind, scheme string) auth.Scheme {
	return auth.Scheme{Name: name, Type: kind, In: auth.InHeader, Parameter: "Authorization", AuthScheme: scheme}
}

func authorizationServer() auth.Scheme {
	s := inAuthorization("accounts", "oauth2", "Bearer")
	s.URL = "https://accounts.example/.well-known/oauth-authorization-server"
	s.Description = "Our own accounts."
	scopes := []auth.Param{{Name: "notes:read", Value: "Read notes."}}
	s.Flows = []auth.Flow{
		{Grant: "authorizationCode", AuthorizationURL: "/authorize", TokenURL: "/token", RefreshURL: "/token", Scopes: scopes},
		{Grant: "clientCredentials", TokenURL: "/token", Scopes: scopes},
		{Grant: "password", TokenURL: "/token", Scopes: scopes},
		{Grant: "implicit", AuthorizationURL: "/authorize", Scopes: scopes},
		{Grant: "deviceAuthorization", AuthorizationURL: "/device", TokenURL: "/token", Scopes: scopes},
	}
	return s
}

// everyScheme has one scheme of each kind.
func everyScheme() []auth.Scheme {
	oidc := inAuthorization("partner", "openIdConnect", "Bearer")
	oidc.URL = "https://partner.example/.well-known/openid-configuration"
	jwt := inAuthorization("jwt", "http", "Bearer")
	jwt.BearerFormat = "JWT"
	return []auth.Scheme{
		authorizationServer(), oidc, jwt,
		inAuthorization("basic", "http", "Basic"),
		inAuthorization("dpop", "http", "DPoP"),
		inAuthorization("bearer-key", "apiKey", "Bearer"),
		inAuthorization("word-key", "apiKey", "ApiKey"),
		{Name: "header-key", Type: "apiKey", In: auth.InHeader, Parameter: "X-API-Key", AuthScheme: "ApiKey", Description: "A key."},
		{Name: "query-key", Type: "apiKey", In: auth.InQuery, Parameter: "key", AuthScheme: "ApiKey"},
		{Name: "cookie-jwt", Type: "http", In: auth.InCookie, Parameter: "session", AuthScheme: "Bearer"},
		{Name: "mtls", Type: "mutualTLS"},
	}
}

func nothing(http.ResponseWriter, *http.Request) {}

func guard(t testing.TB, schemes ...auth.Scheme) *middleware.Guard {
	t.Helper()
	var members []auth.Authenticator
	for _, s := range schemes {
		members = append(members, &authtest.Fake{Scheme: s})
	}
	g, err := middleware.New(middleware.Config{Authenticator: auth.FirstOf(members...)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type permission string

func (permission) Check(context.Context, *auth.Principal) error { return nil }
func (p permission) Describe() auth.Rule {
	return auth.Rule{Kind: "permission", Names: []string{string(p)}}
}

// everything is a mux with every kind of route.
func everything(t testing.TB) *middleware.Mux {
	t.Helper()
	ok := nothing
	m := middleware.NewMux(middleware.MuxConfig{Guard: guard(t, authorizationServer())})
	all := guard(t, everyScheme()...)
	m.HandleFunc("GET /health", middleware.Public(), ok)
	m.HandleFunc("GET /notes", middleware.Optional(), ok)
	m.HandleFunc("POST /notes", middleware.Require(auth.Scopes("notes:write", "notes:read")), ok)
	m.HandleFunc("GET /notes/{id}", middleware.Authenticated().Via(all), ok)
	m.HandleFunc("DELETE /notes/{note}", middleware.Require(auth.Any(auth.Scopes("notes:admin"), auth.All(auth.Scopes("notes:write"), auth.Roles("owner")))), ok)
	m.HandleFunc("GET /files/{rest...}", middleware.Require(auth.Roles("staff"), permission("file:read")), ok)
	m.HandleFunc("GET /reports/{$}", middleware.Require(auth.RequirementFunc(func(context.Context, *auth.Principal) error { return nil })), ok)
	m.HandleFunc("GET /static/", middleware.Public(), ok)
	m.HandleFunc("/any", middleware.Authenticated(), ok)
	m.HandleFunc("GET /any", middleware.Public(), ok)
	m.HandleFunc("GET admin.example/users", middleware.Authenticated(), ok)
	m.HandleFunc("GET /secret", middleware.Authenticated().Conceal(), ok)
	apps := guard(t, auth.Scheme{Name: "header-key", Type: "apiKey", In: auth.InHeader, Parameter: "X-API-Key", AuthScheme: "ApiKey", Description: "A key."})
	m.HandleFunc("POST /exports", middleware.Require(auth.Scopes("notes:read")).Also(apps.MustRequire(auth.Roles("exporter"))), ok)
	if _, err := m.Build(); err != nil {
		t.Fatal(err)
	}
	return m
}

func config(t testing.TB) openapi.Config {
	return openapi.Config{
		Title: "Notes", Version: "1.0.0", Description: "Notes of a team.",
		Servers: []openapi.Server{{URL: "https://api.example", Description: "production"}},
		Tags:    []openapi.Tag{{Name: "notes", Description: "What is written."}},
		Routes:  everything(t).Routes(),
		Describe: func(r middleware.Route) openapi.Operation {
			switch r.Pattern {
			case "POST /notes":
				return openapi.Operation{
					ID: "createNote", Summary: "Write a note", Tags: []string{"notes", "writing"},
					Object: map[string]any{
						"requestBody": map[string]any{"content": map[string]any{"text/plain": map[string]any{}}},
						"responses":   map[string]any{"201": map[string]any{"description": "Written."}},
					},
				}
			case "DELETE /notes/{note}":
				return openapi.Operation{Deprecated: true, Object: map[string]any{"parameters": []any{map[string]any{"name": "id", "in": "path", "required": true, "description": "Of the note.", "schema": map[string]any{"type": "integer"}}, map[string]any{"name": "force", "in": "query", "schema": map[string]any{"type": "boolean"}}}}}
			case "/any":
				return openapi.Operation{Omit: r.Method == "PATCH"}
			}
			return openapi.Operation{}
		},
	}
}

func newDocument(t testing.TB, c openapi.Config) *openapi.Document {
	t.Helper()
	doc, err := openapi.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got another document than %s; run with -update and read the diff:\n%s", file, got)
	}
}

// at returns the JSON at a path of keys, without spaces; "" where there is none.
func at(t testing.TB, doc []byte, keys ...string) string {
	t.Helper()
	raw := json.RawMessage(doc)
	for _, k := range keys {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatalf("at %q: %v", k, err)
		}
		if raw = m[k]; raw == nil {
			return ""
		}
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func wantErrors(t *testing.T, err error, wants ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want %q", wants)
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got error %q, want one with %q", err, want)
		}
	}
}
