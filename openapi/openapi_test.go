package openapi_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
)

func TestDocumentIsTheGoldenOne(t *testing.T) {
	doc := newDocument(t, config(t))
	golden(t, "notes.json", doc.JSON())
	golden(t, "notes.yaml", doc.YAML())
	if again := newDocument(t, config(t)); !bytes.Equal(doc.JSON(), again.JSON()) || !bytes.Equal(doc.YAML(), again.YAML()) {
		t.Error("got two documents of one input")
	}
}

func TestSecuritySaysWhatIsEnforced(t *testing.T) {
	c := config(t)
	c.IncludeConcealed = true
	doc := newDocument(t, c).JSON()
	for _, tt := range []struct {
		name string
		keys []string
		want string
	}{
		{"public is an empty list", []string{"paths", "/health", "get", "security"}, `[]`},
		{"public has no refusals", []string{"paths", "/health", "get", "responses", "401"}, ``},
		{"optional adds an empty object", []string{"paths", "/notes", "get", "security"}, `[{"accounts":[]},{}]`},
		{"scopes are listed", []string{"paths", "/notes", "post", "security"}, `[{"accounts":["notes:write","notes:read"]}]`},
		{"alternatives of scopes are separate", []string{"paths", "/notes/{id}", "delete", "security"}, `[{"accounts":["notes:admin"]},{"accounts":["notes:write"]}]`},
		{"alternative schemes are separate", []string{"paths", "/notes/{id}", "get", "security"},
			`[{"dpop":[]},{"accounts":[]},{"partner":[]},{"jwt":[]},{"bearer-key":[]},{"cookie-jwt":[]},{"word-key":[]},{"header-key":[]},{"query-key":[]},{"mtls":[]},{"basic":[]}]`},
		{"roles that are needed in any case", []string{"paths", "/files/{rest}", "get", "x-roles"}, `["staff"]`},
		{"permissions too", []string{"paths", "/files/{rest}", "get", "x-permissions"}, `["file:read"]`},
		{"a role of one alternative is not needed in any case", []string{"paths", "/notes/{id}", "delete", "x-roles"}, ``},
		{"the whole rule", []string{"paths", "/reports/", "get", "x-requirement"}, `{"kind":"custom"}`},
		{"a concealed route answers 404 only", []string{"paths", "/secret", "get", "responses"}, `{"2XX":{"description":"The request went through."},"404":{"$ref":"#/components/responses/AuthConcealed"}}`},
		{"a host is a server", []string{"paths", "/users", "get", "servers"}, `[{"url":"//admin.example"}]`},
		{"a method named elsewhere is that route's", []string{"paths", "/any", "get", "security"}, `[]`},
		{"a method left out", []string{"paths", "/any", "patch"}, ``},
		{"a bearer with its format", []string{"components", "securitySchemes", "jwt"}, `{"type":"http","scheme":"bearer","bearerFormat":"JWT"}`},
		{"a bearer in a cookie", []string{"components", "securitySchemes", "cookie-jwt"}, `{"type":"apiKey","name":"session","in":"cookie"}`},
		{"a key as a bearer", []string{"components", "securitySchemes", "bearer-key"}, `{"type":"http","scheme":"bearer"}`},
		{"a key after a word", []string{"components", "securitySchemes", "word-key"}, `{"type":"apiKey","description":"The value is the word ApiKey, a space and the key.","name":"Authorization","in":"header"}`},
		{"mutual TLS", []string{"components", "securitySchemes", "mtls"}, `{"type":"mutualTLS"}`},
		{"scopes that no flow lists are added", []string{"components", "securitySchemes", "accounts", "flows", "password", "scopes"}, `{"notes:read":"Read notes.","notes:admin":"","notes:write":""}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := at(t, doc, tt.keys...); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestConcealedRoutesAreLeftOut(t *testing.T) {
	doc := newDocument(t, config(t))
	if bytes.Contains(doc.JSON(), []byte("/secret")) || bytes.Contains(doc.YAML(), []byte("/secret")) {
		t.Error("got a concealed route in the document")
	}
}

// TestScopesOfFlows holds a scope that one flow lists to that flow: the others may not give it.
func TestScopesOfFlows(t *testing.T) {
	s := inAuthorization("accounts", "oauth2", "Bearer")
	s.Flows = []auth.Flow{
		{Grant: "password", TokenURL: "/token", Scopes: []auth.Param{{Name: "admin", Value: "Everything."}}},
		{Grant: "clientCredentials", TokenURL: "/token"},
	}
	r := route("GET /a", "required", s)
	r.Rule = auth.Describe(auth.Scopes("admin", "read"))
	doc := newDocument(t, openapi.Config{Title: "t", Version: "1", Routes: []middleware.Route{r}}).JSON()
	for flow, want := range map[string]string{"password": `{"admin":"Everything.","read":""}`, "clientCredentials": `{"read":""}`} {
		if got := at(t, doc, "components", "securitySchemes", "accounts", "flows", flow, "scopes"); got != want {
			t.Errorf("%s: got scopes %s, want %s", flow, got, want)
		}
	}
}

func TestSeveralGuardsAreDescribedTogether(t *testing.T) {
	all := everyScheme()
	named := func(name string) auth.Scheme {
		for _, s := range all {
			if s.Name == name {
				return s
			}
		}
		t.Fatalf("no scheme %q", name)
		return auth.Scheme{}
	}
	scopes := func(names ...string) auth.Rule { return auth.Describe(auth.Scopes(names...)) }
	for _, tt := range []struct {
		name       string
		own        middleware.FurtherGuard
		also       []middleware.FurtherGuard
		want, rule string
	}{
		{
			"each scheme of one with each of the other, and the scopes of each",
			middleware.FurtherGuard{Schemes: []auth.Scheme{named("accounts"), named("basic")}, Rule: scopes("read")},
			[]middleware.FurtherGuard{{Schemes: []auth.Scheme{named("header-key")}, Rule: scopes("app")}},
			`[{"accounts":["read"],"header-key":["app"]},{"basic":["read"],"header-key":["app"]}]`,
			`{"kind":"all","rules":[{"kind":"scopes","names":["read"]},{"kind":"scopes","names":["app"]}]}`,
		},
		{
			"two in one place are no option",
			middleware.FurtherGuard{Schemes: []auth.Scheme{named("jwt"), named("cookie-jwt")}},
			[]middleware.FurtherGuard{{Schemes: []auth.Scheme{named("basic"), named("query-key")}}},
			`[{"jwt":[],"query-key":[]},{"cookie-jwt":[],"basic":[]},{"cookie-jwt":[],"query-key":[]}]`, ``,
		},
		{
			"one scheme of both needs the scopes of both",
			middleware.FurtherGuard{Schemes: []auth.Scheme{named("jwt")}, Rule: scopes("a", "b")},
			[]middleware.FurtherGuard{{Schemes: []auth.Scheme{named("jwt")}, Rule: scopes("b", "c")}, {Schemes: []auth.Scheme{named("mtls")}}},
			`[{"jwt":["a","b","c"],"mtls":[]}]`,
			`{"kind":"all","rules":[{"kind":"scopes","names":["a","b"]},{"kind":"scopes","names":["b","c"]}]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := route("GET /a", "required", tt.own.Schemes...)
			r.Rule, r.Also = tt.own.Rule, tt.also
			doc := newDocument(t, openapi.Config{Title: "t", Version: "1", Routes: []middleware.Route{r}}).JSON()
			if got := at(t, doc, "paths", "/a", "get", "security"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if got := at(t, doc, "paths", "/a", "get", "x-requirement"); got != tt.rule {
				t.Errorf("got rule %s, want %s", got, tt.rule)
			}
			for _, g := range append(tt.also, tt.own) {
				for _, s := range g.Schemes {
					if at(t, doc, "components", "securitySchemes", s.Name) == "" {
						t.Errorf("got no scheme %q", s.Name)
					}
				}
			}
		})
	}
}

func TestOperationIDsAreUnique(t *testing.T) {
	m := middleware.NewMux(middleware.MuxConfig{})
	for _, p := range []string{"GET /a-b", "GET /a/b", "GET /a_b"} {
		m.HandleFunc(p, middleware.Public(), nothing)
	}
	doc := newDocument(t, openapi.Config{Title: "t", Version: "1", Routes: m.Routes()}).JSON()
	for path, want := range map[string]string{"/a-b": `"getAB"`, "/a/b": `"getAB2"`, "/a_b": `"getAB3"`} {
		if got := at(t, doc, "paths", path, "get", "operationId"); got != want {
			t.Errorf("%s: got operationId %s, want %s", path, got, want)
		}
	}
}

func route(pattern, access string, schemes ...auth.Scheme) middleware.Route {
	method, path, _ := strings.Cut(pattern, " ")
	return middleware.Route{Pattern: pattern, Method: method, Path: path, Access: access, Schemes: schemes}
}

func TestNewReportsEveryMistake(t *testing.T) {
	named := func(o openapi.Operation) func(middleware.Route) openapi.Operation {
		return func(middleware.Route) openapi.Operation { return o }
	}
	flow := func(f ...auth.Flow) auth.Scheme {
		s := inAuthorization("o", "oauth2", "Bearer")
		s.Flows = f
		return s
	}
	var many []auth.Requirement
	for i := range 65 {
		many = append(many, auth.Scopes("s"+strings.Repeat("x", i)))
	}
	wide := route("GET /a", "required", flow())
	wide.Rule = auth.Describe(auth.Any(many...))
	deep := wide
	deep.Rule = auth.Describe(auth.All(auth.Any(auth.Any(many...)), auth.Roles("a")))
	product := wide
	product.Rule = auth.Describe(auth.All(auth.Any(many[:10]...), auth.Any(many[10:20]...)))
	unmet := route("GET /a", "required", inAuthorization("jwt", "http", "Bearer"))
	unmet.Also = []middleware.FurtherGuard{{Schemes: []auth.Scheme{inAuthorization("basic", "http", "Basic")}}}
	wideAlso := route("GET /a", "required", inAuthorization("jwt", "http", "Bearer"))
	wideAlso.Also = []middleware.FurtherGuard{{Schemes: []auth.Scheme{{Name: "m", Type: "mutualTLS"}}, Rule: wide.Rule}}
	product2 := route("GET /a", "required", inAuthorization("jwt", "http", "Bearer"))
	product2.Rule = auth.Describe(auth.Any(many[:10]...))
	product2.Also = []middleware.FurtherGuard{{Schemes: []auth.Scheme{{Name: "m", Type: "mutualTLS"}}, Rule: auth.Describe(auth.Any(many[10:20]...))}}
	for _, tt := range []struct {
		name   string
		config openapi.Config
		wants  []string
	}{
		{"a route that can't be built, with the reason", openapi.Config{Title: "t", Version: "1", Routes: []middleware.Route{
			{Pattern: "GET /a", Method: "GET", Path: "/a", Access: "required", Err: errors.New(`scope "a b"`)},
		}}, []string{`route "GET /a": scope "a b"`}},
		{"guards of which no request meets both", openapi.Config{Title: "t", Version: "1", Routes: []middleware.Route{unmet}}, []string{"no request can hold a credential for each of its guards"}},
		{"a wide rule of a further guard", openapi.Config{Title: "t", Version: "1", Routes: []middleware.Route{wideAlso}}, []string{"more than 64 alternatives"}},
		{"guards with many alternatives together", openapi.Config{Title: "t", Version: "1", Routes: []middleware.Route{product2}}, []string{"more than 64 alternatives"}},
		{"nothing given", openapi.Config{Servers: []openapi.Server{{}}}, []string{"Title is empty", "Version is empty", "Routes is empty", "Servers[0] has no URL"}},
		{"access unsaid", openapi.Config{Routes: []middleware.Route{route("GET /a", "unsaid")}}, []string{`route "GET /a": its access is unsaid`}},
		{"required without a scheme", openapi.Config{Routes: []middleware.Route{route("GET /a", "required")}}, []string{"has no scheme"}},
		{"a method without a word", openapi.Config{Routes: []middleware.Route{route("PURGE /a", "public")}}, []string{"no word for method PURGE"}},
		{"two routes of one shape", openapi.Config{Routes: []middleware.Route{route("GET /a/{b}", "public"), route("GET /a/{b...}", "public")}}, []string{"another route is GET /a/{b} too"}},
		{"an ID twice", openapi.Config{Routes: []middleware.Route{route("GET /a", "public"), route("GET /b", "public")}, Describe: named(openapi.Operation{ID: "x"})}, []string{`operationId "x" is that of route "GET /a"`}},
		{"an object with security", openapi.Config{Routes: []middleware.Route{route("GET /a", "public")}, Describe: named(openapi.Operation{Object: map[string]any{"security": []any{}}})}, []string{`has "security"`}},
		{"an object with a written member", openapi.Config{Routes: []middleware.Route{route("GET /a", "public")}, Describe: named(openapi.Operation{Summary: "s", Object: map[string]any{"summary": "t"}})}, []string{`has "summary"`}},
		{"an object that is none", openapi.Config{Routes: []middleware.Route{route("GET /a", "public")}, Describe: named(openapi.Operation{Object: 1})}, []string{"does not encode to a JSON object"}},
		{"an object that does not encode", openapi.Config{Routes: []middleware.Route{route("GET /a", "public")}, Describe: named(openapi.Operation{Object: func() {}})}, []string{"does not encode"}},
		{"responses that are none", openapi.Config{Routes: []middleware.Route{route("GET /a", "required", flow())}, Describe: named(openapi.Operation{Object: map[string]any{"responses": map[string]any{}, "x": 1}})}, []string{"Title"}},
		{"one name for two schemes", openapi.Config{Routes: []middleware.Route{route("GET /a", "required", inAuthorization("x", "http", "Basic")), route("GET /b", "required", inAuthorization("x", "http", "Bearer"))}}, []string{`scheme "x" is not the "x" of other routes`}},
		{"a scheme without a place", openapi.Config{Routes: []middleware.Route{route("GET /a", "required", auth.Scheme{Name: "x", Type: "http"})}}, []string{"without a place"}},
		{"discovery without a URL", openapi.Config{Routes: []middleware.Route{route("GET /a", "required", inAuthorization("x", "openIdConnect", "Bearer"))}}, []string{"set URL"}},
		{"an unknown grant", openapi.Config{Routes: []middleware.Route{route("GET /a", "required", flow(auth.Flow{Grant: "magic"}))}}, []string{`grant "magic"`}},
		{"a flow without URLs", openapi.Config{Routes: []middleware.Route{route("GET /a", "required", flow(auth.Flow{Grant: "password"}))}}, []string{"flow password without its URLs"}},
		{"a flow twice", openapi.Config{Routes: []middleware.Route{route("GET /a", "required", flow(auth.Flow{Grant: "password", TokenURL: "/t"}, auth.Flow{Grant: "password", TokenURL: "/t"}))}}, []string{"comes twice"}},
		{"too many alternatives", openapi.Config{Routes: []middleware.Route{wide}}, []string{"more than 64"}},
		{"too many alternatives further in", openapi.Config{Routes: []middleware.Route{deep}}, []string{"more than 64"}},
		{"too many alternatives multiplied", openapi.Config{Routes: []middleware.Route{product}}, []string{"more than 64"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openapi.New(tt.config)
			wantErrors(t, err, tt.wants...)
		})
	}
}

func TestHandlersServeAndRevalidate(t *testing.T) {
	doc := newDocument(t, config(t))
	h := doc.JSONHandler()
	resp := authtest.Do(h, authtest.Request("GET", "/openapi.json"))
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
	if got := authtest.Do(h, authtest.Request("GET", "/", "If-None-Match", resp.Header.Get("ETag"))).StatusCode; got != 304 {
		t.Errorf("got status %d for the ETag that was given, want 304", got)
	}
	if got := authtest.Do(h, authtest.Request("POST", "/")); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("got %d for POST, want 405", got.StatusCode)
	}
	g, err := middleware.New(middleware.Config{Authenticator: authtest.Tokens(map[string]*auth.Principal{"t": authtest.Principal("alice")}), Optional: true})
	if err != nil {
		t.Fatal(err)
	}
	resp = authtest.Do(g.Handler(doc.YAMLHandler()), authtest.Request("HEAD", "/", "Authorization", "Bearer t"))
	if got := resp.Header.Get("Cache-Control"); got != "private, no-cache" || resp.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("got Cache-Control %q behind a guard, want private, no-cache", got)
	}
}
