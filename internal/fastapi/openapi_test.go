package fastapi_test

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/openapi"
	"github.com/cardea-go/auth/openapi/docs"
)

// wantSchemes fails the test unless these are the schemes that are described where a is in front of a route.
func wantSchemes(t *testing.T, a auth.Authenticator, want string) {
	t.Helper()
	wantJSON(t, describeOne(t, a).Components.SecuritySchemes, want)
}

// wantSecurity fails the test unless an operation says that.
func wantSecurity(t *testing.T, d document, method, path, want string) {
	t.Helper()
	wantJSON(t, d.Paths[path][method]["security"], want)
}

var openapiRows = []row{
	{"A key in a header is described", func(t *testing.T) {
		_, a := newKeys(t, in(apikey.Header("X-API-Key")))
		wantSchemes(t, a, `{"apikey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}`)
	}},
	{"A key in the query is described", func(t *testing.T) {
		_, a := newKeys(t, in(apikey.InsecureQuery("api_key")))
		wantSchemes(t, a, `{"apikey": {"type": "apiKey", "in": "query", "name": "api_key"}}`)
	}},
	{"A key in a cookie is described", func(t *testing.T) {
		_, a := newKeys(t, in(apikey.Cookie("key")))
		wantSchemes(t, a, `{"apikey": {"type": "apiKey", "in": "cookie", "name": "key"}}`)
	}},
	{"Basic is described", func(t *testing.T) {
		wantSchemes(t, newPeople(t, nil), `{"basic": {"type": "http", "scheme": "basic"}}`)
	}},
	{"A bearer token is described with its format", func(t *testing.T) {
		a := must(auth.NewBearer(auth.BearerConfig{Verify: never, BearerFormat: "opaque"}))
		wantSchemes(t, a, `{"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "opaque"}}`)
		_, jwts := provider(t, nil)
		wantSchemes(t, jwts, `{"oauth2": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}`)
	}},
	{"A scheme of your own is described", func(t *testing.T) {
		wantSchemes(t, another{}, `{"other": {"type": "http", "scheme": "other"}}`)
	}},
	{"The password flow is described", func(t *testing.T) {
		wantJSON(t, read(t, newTutorial(t.Context(), cheap).document).Components.SecuritySchemes, `{"oauth2": {"type": "oauth2", "flows": {"password": {
			"tokenUrl": "/token", "scopes": {"me": "Read information about the current user.", "items": "Read items."}}}}}`)
	}},
	{"The authorization code flow is described", func(t *testing.T) {
		_, a := provider(t, func(c *oauth2.AuthenticatorConfig) { c.Flows = []auth.Flow{codeFlow} })
		wantSchemes(t, a, `{"oauth2": {"type": "oauth2", "flows": {"authorizationCode": {"authorizationUrl": "https://id.example/authorize",
			"tokenUrl": "https://id.example/token", "refreshUrl": "https://id.example/refresh", "scopes": {"items": "Read items."}}}}}`)
	}},
	{"An OpenID provider is described", func(t *testing.T) {
		const discovery = "https://id.example/.well-known/openid-configuration"
		_, a := provider(t, func(c *oauth2.AuthenticatorConfig) { c.OpenIDConnectURL = discovery })
		wantSchemes(t, a, `{"oauth2": {"type": "openIdConnect", "openIdConnectUrl": "`+discovery+`"}}`)
	}},
	{"A scheme has a name and a description", func(t *testing.T) {
		_, a := newKeys(t, apikey.AuthenticatorConfig{
			Placements: []apikey.Placement{apikey.Header("key")}, Name: "PartnerKey", Description: "Ask sales for one.",
		})
		wantSchemes(t, a, `{"PartnerKey": {"type": "apiKey", "in": "header", "name": "key", "description": "Ask sales for one."}}`)
		wantSchemes(t, auth.Named("PartnerToken", readers()), `{"PartnerToken": {"type": "http", "scheme": "bearer"}}`)
	}},
	{"An operation lists the scopes that add up", func(t *testing.T) {
		d := read(t, newTutorial(t.Context(), cheap).document)
		wantSecurity(t, d, "get", "/status", `[{"oauth2": []}]`)
		wantSecurity(t, d, "get", "/users/me", `[{"oauth2": ["me"]}]`)
		wantSecurity(t, d, "get", "/users/me/items", `[{"oauth2": ["me", "items"]}]`)
	}},
	{"Scopes of keys are described too", func(t *testing.T) {
		_, a := newKeys(t, in(apikey.Header("X-API-Key")))
		wantSecurity(t, describeOne(t, a, auth.Scopes("me")), "get", "/notes", `[{"apikey": ["me"]}]`)
	}},
	{"A scope that no flow lists can be asked for", func(t *testing.T) {
		_, a := provider(t, func(c *oauth2.AuthenticatorConfig) { c.Flows = []auth.Flow{codeFlow} })
		d := describeOne(t, a, auth.Scopes("items", "admin"))
		wantSecurity(t, d, "get", "/notes", `[{"oauth2": ["items", "admin"]}]`)
		flow := d.Components.SecuritySchemes["oauth2"].(map[string]any)["flows"].(map[string]any)["authorizationCode"].(map[string]any)
		wantJSON(t, flow["scopes"], `{"items": "Read items.", "admin": ""}`)
	}},
	{"A scheme is listed once", func(t *testing.T) {
		g := newGuard(t, readers(), auth.Scopes("me"))
		mux := middleware.NewMux(middleware.MuxConfig{Guard: g})
		group := mux.Group(middleware.Require(auth.Scopes("me")).Via(g))
		group.HandleFunc("GET /notes", middleware.Require(auth.Scopes("items", "me"), auth.Scopes("items")).Via(g), ok)
		wantSecurity(t, describe(t, mux), "get", "/notes", `[{"test": ["me", "items"]}]`)
	}},
	{"Alternatives are described as alternatives", func(t *testing.T) {
		_, a := newKeys(t, in(apikey.Header("X-API-Key")))
		d := describeOne(t, auth.FirstOf(readers(), a), auth.Any(auth.Scopes("me"), auth.Scopes("admin")))
		wantSecurity(t, d, "get", "/notes", `[{"test": ["me"]}, {"test": ["admin"]}, {"apikey": ["me"]}, {"apikey": ["admin"]}]`)
	}},
	{"Two schemes that are both needed are described together", func(t *testing.T) {
		_, a := newKeys(t, in(apikey.Header("X-API-Key")))
		mux := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, readers())})
		mux.HandleFunc("GET /notes", middleware.Authenticated().Also(newGuard(t, a)), ok)
		wantSecurity(t, describe(t, mux), "get", "/notes", `[{"test": [], "apikey": []}]`)
	}},
	{"An optional operation lists nothing as enough", func(t *testing.T) {
		mux := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, readers())})
		mux.HandleFunc("GET /notes", middleware.Optional(), ok)
		wantSecurity(t, describe(t, mux), "get", "/notes", `[{"test": []}, {}]`)
	}},
	{"A public operation lists no scheme", func(t *testing.T) {
		mux := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, readers())})
		mux.HandleFunc("GET /health", middleware.Public(), ok)
		mux.Group(middleware.Authenticated()).HandleFunc("GET /notes", middleware.Authenticated(), ok)
		d := describe(t, mux)
		wantSecurity(t, d, "get", "/health", `[]`)
		wantSecurity(t, d, "get", "/notes", `[{"test": []}]`)
	}},
	{"Refusals are described", func(t *testing.T) {
		d := describeOne(t, readers())
		responses := d.Paths["/notes"]["get"]["responses"].(map[string]any)
		for status, header := range map[string]string{
			"400": "WWW-Authenticate", "401": "WWW-Authenticate", "403": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After",
		} {
			ref, _ := responses[status].(map[string]any)["$ref"].(string)
			if d.Components.Responses[strings.TrimPrefix(ref, "#/components/responses/")].Headers[header] == nil {
				t.Errorf("got no header %s with status %s: %v", header, status, responses[status])
			}
		}
	}},
	{"A document made elsewhere says what is enforced", func(t *testing.T) {
		mux := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, readers(), auth.Scopes("me"))})
		mux.HandleFunc("GET /notes", middleware.Authenticated(), ok)
		doc, _, err := openapi.Merge([]byte(`{"openapi": "3.1.0", "info": {"title": "Notes", "version": "1"},
			"paths": {"/notes": {"get": {"responses": {"200": {"description": "The notes."}}}}},
			"webhooks": {"noteAdded": {"post": {"security": [{"partner": []}], "responses": {"200": {"description": "Thanks."}}}}}}`),
			openapi.MergeConfig{Routes: mux.Routes()})
		check(err)
		d := read(t, doc)
		wantSecurity(t, d, "get", "/notes", `[{"test": ["me"]}]`)
		wantJSON(t, d.Webhooks, `{"noteAdded": {"post": {"security": [{"partner": []}], "responses": {"200": {"description": "Thanks."}}}}}`)
	}},
	{"The documentation page logs in with PKCE", func(t *testing.T) {
		h := must(docs.New(docs.Config{ClientID: "docs", Scopes: []string{"me"}}))
		script := wantOK(t, h, authtest.Request("GET", "/docs/initializer.js"))
		for _, part := range []string{
			`"url":"/openapi.json"`, `"clientId":"docs"`, `"scopes":["me"]`, "usePkceWithAuthorizationCodeGrant: true", "persistAuthorization: false",
		} {
			if !strings.Contains(script, part) {
				t.Errorf("got no %s in %s", part, script)
			}
		}
		wantOK(t, h, authtest.Request("GET", "/docs/oauth2-redirect.html"))
	}},
	{"The documentation page is part of the service", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		var document strings.Builder
		resp := authtest.Do(h, authtest.Request("GET", "/openapi.json"))
		_ = must(io.Copy(&document, resp.Body))
		if resp.StatusCode != 200 || !strings.Contains(document.String(), `"tokenUrl": "/token"`) {
			t.Errorf("got status %d: %s", resp.StatusCode, document.String())
		}
		resp = authtest.Do(h, authtest.Request("GET", "/docs/"))
		policy := resp.Header.Get("Content-Security-Policy")
		if resp.StatusCode != 200 || !strings.Contains(policy, "script-src 'self'") || slices.Contains(strings.Fields(policy), "'unsafe-inline'") {
			t.Errorf("got status %d, policy %s", resp.StatusCode, policy)
		}
	}},
}
