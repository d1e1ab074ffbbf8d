package openapitest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
	"github.com/cardea-go/auth/openapi/openapitest"
)

func table() map[string]*auth.Principal {
	return map[string]*auth.Principal{
		"enough": authtest.Principal("root", "notes:read", "notes:write"),
		"little": authtest.Principal("guest"),
	}
}

// fake knows the values "enough" and "little" in the place of its scheme.
func fake(s auth.Scheme) auth.Authenticator {
	return &authtest.Fake{Scheme: s, Func: func(r *http.Request) (*auth.Principal, error) {
		var v string
		switch {
		case s.Type == "mutualTLS":
			v = r.Header.Get("X-Test-Certificate")
		case s.In == auth.InQuery:
			v = r.URL.Query().Get(s.Parameter)
		case s.In == auth.InCookie:
			if c, err := r.Cookie(s.Parameter); err == nil {
				v = c.Value
			}
		case s.AuthScheme == "Basic":
			_, v, _ = r.BasicAuth()
		case s.InAuthorization():
			var name string
			if name, v, _ = strings.Cut(r.Header.Get("Authorization"), " "); !strings.EqualFold(name, s.AuthScheme) {
				return nil, auth.ErrNoCredential
			}
		default:
			v = r.Header.Get(s.Parameter)
		}
		if v == "" {
			return nil, auth.ErrNoCredential
		}
		if p := table()[v]; p != nil {
			return p, nil
		}
		return nil, auth.Invalid(auth.ReasonUnknown, nil)
	}}
}

var schemes = []auth.Scheme{
	{Name: "accounts", Type: "oauth2", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Bearer"},
	{Name: "basic", Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Basic"},
	{Name: "dpop", Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "DPoP"},
	{Name: "header-key", Type: "apiKey", In: auth.InHeader, Parameter: "X-API-Key", AuthScheme: "ApiKey"},
	{Name: "query-key", Type: "apiKey", In: auth.InQuery, Parameter: "key", AuthScheme: "ApiKey"},
	{Name: "session", Type: "apiKey", In: auth.InCookie, Parameter: "session", AuthScheme: "Cookie"},
	{Name: "mtls", Type: "mutualTLS"},
}

func guard(t testing.TB, schemes ...auth.Scheme) *middleware.Guard {
	t.Helper()
	var members []auth.Authenticator
	for _, s := range schemes {
		members = append(members, fake(s))
	}
	g, err := middleware.New(middleware.Config{Authenticator: auth.FirstOf(members...)})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func ok(http.ResponseWriter, *http.Request) {}

// service is a mux, its handler and its document, which agree.
func service(t testing.TB) openapitest.Config {
	t.Helper()
	m := middleware.NewMux(middleware.MuxConfig{Guard: guard(t, schemes...)})
	m.HandleFunc("GET /health", middleware.Public(), ok)
	m.HandleFunc("GET /notes", middleware.Optional(), ok)
	m.HandleFunc("POST /notes", middleware.Require(auth.Scopes("notes:write")), ok)
	m.HandleFunc("GET /notes/{id}", middleware.Authenticated(), func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != "7" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	m.HandleFunc("GET /strong", middleware.Require(auth.Any(auth.Assurance("mfa"), auth.Scopes("notes:write"))), ok)
	m.HandleFunc("GET /keys/{key...}", middleware.Authenticated().Via(guard(t, schemes[3])), ok)
	m.HandleFunc("GET /together", middleware.Require(auth.Scopes("notes:read")).Via(guard(t, schemes[4])).Also(guard(t, schemes[5])), ok)
	m.HandleFunc("GET /tls", middleware.Require(auth.Scopes("notes:read")).Via(guard(t, schemes[3])).Also(guard(t, schemes[6])), ok)
	m.HandleFunc("GET /secret", middleware.Authenticated().Conceal(), ok)
	m.HandleFunc("GET admin.example/users", middleware.Authenticated(), ok)
	h, err := m.Build()
	if err != nil {
		t.Fatal(err)
	}
	c := openapitest.Config{
		Document: document(t, m.Routes()), Handler: h, Routes: m.Routes(),
		Credentials: map[string]openapitest.Credential{}, PathValues: map[string]string{"id": "7"},
		Prepare: func(r *http.Request) { r.Header.Set("Accept", "*/*") },
	}
	for _, s := range schemes {
		credential := openapitest.Credential{Enough: "enough", Little: "little"}
		switch s.Name {
		case "basic":
			credential = openapitest.Credential{Enough: "root:enough", Little: "guest:little"}
		case "mtls":
			credential.Apply = func(r *http.Request, v string) { r.Header.Set("X-Test-Certificate", v) }
		}
		c.Credentials[s.Name] = credential
	}
	return c
}

func document(t testing.TB, routes []middleware.Route) *openapi.Document {
	t.Helper()
	doc, err := openapi.New(openapi.Config{Title: "t", Version: "1", Routes: routes, IncludeConcealed: true})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestCheckFindsNothingWhereDocumentAndHandlerAgree(t *testing.T) {
	if err := openapitest.Check(service(t)); err != nil {
		t.Error(err)
	}
}

func TestCheckLeavesOpenWhatIsBesideEnough(t *testing.T) {
	c := service(t)
	c.Routes, c.Document = nil, edited(t, c.Document, `"header-key": []`, `"header-key": []}, {"header-key": [], "session": []`)
	if err := openapitest.Check(c); err != nil {
		t.Error(err)
	}
}

// edited returns the document with a text replaced, which is there.
func edited(t testing.TB, doc *openapi.Document, from, to string) *openapi.Document {
	t.Helper()
	before := string(doc.JSON())
	if !strings.Contains(before, from) {
		t.Fatalf("the document has no %q", from)
	}
	after, _, err := openapi.Merge([]byte(strings.Replace(before, from, to, 1)), openapi.MergeConfig{Routes: []middleware.Route{{Pattern: "GET /nothing/of/it", Access: "public"}}})
	if err != nil {
		t.Fatal(err)
	}
	return after
}

func TestCheckFindsWhatDiffers(t *testing.T) {
	answer := func(path string, h http.HandlerFunc) func(*testing.T, *openapitest.Config) {
		return func(_ *testing.T, c *openapitest.Config) {
			inner := c.Handler
			c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method+" "+r.URL.Path == path {
					h(w, r)
					return
				}
				inner.ServeHTTP(w, r)
			})
		}
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for _, tt := range []struct {
		name   string
		change func(*testing.T, *openapitest.Config)
		want   string
	}{
		{"no document", func(_ *testing.T, c *openapitest.Config) { c.Document = nil }, "needs a Document"},
		{"a scheme without a credential", func(_ *testing.T, c *openapitest.Config) { delete(c.Credentials, "basic") }, `scheme "basic": no credential`},
		{"a certificate that nobody can present", func(_ *testing.T, c *openapitest.Config) {
			c.Credentials["mtls"] = openapitest.Credential{Enough: "x"}
		}, "needs Credential.Apply"},
		{"a credential of no scheme", func(_ *testing.T, c *openapitest.Config) { c.Credentials["x"] = openapitest.Credential{Enough: "x"} }, "is not in the document"},
		{"a route without a stated access", func(_ *testing.T, c *openapitest.Config) { c.Routes[0].Access = "unsaid" }, `route "GET /health": its access is unsaid`},
		{"a route that the document forgot", func(_ *testing.T, c *openapitest.Config) {
			c.Routes = append(c.Routes, middleware.Route{Pattern: "GET /new", Method: "GET", Path: "/new", Access: "public"})
		}, `route "GET /new" is not in the document`},
		{"a document that is stale", func(t *testing.T, c *openapitest.Config) {
			c.Document = edited(t, c.Document, `"notes:write"`, `"notes:wrote"`)
		}, "#/paths/~1notes/post/security says something else than its route"},
		{"an open door", answer("POST /notes", status(200)), "POST /notes without a credential: got 200, want 401"},
		{"a wrong credential that is accepted", answer("GET /notes/7", status(200)), "GET /notes/{id} with wrong of scheme basic: got 200, want 401"},
		{"too little that is enough", answer("POST /notes", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-API-Key") != "little" {
				w.WriteHeader(401)
			}
		}), "POST /notes with little of scheme header-key: got 200, want 403"},
		{"too little where a principal is enough", answer("GET /notes/7", status(403)), "GET /notes/{id} with little of scheme session: got 403, want the handler's answer"},
		{"enough that is refused", answer("GET /notes/7", status(429)), "GET /notes/{id} with enough of scheme query-key: got 429, want the handler's answer"},
		{"a public operation that is closed", answer("GET /health", status(401)), "GET /health without a credential: got 401"},
		{"a scheme that the document does not name", answer("GET /keys/1", status(200)), "GET /keys/{key} with enough of scheme basic: got 200, want 401"},
		{"a concealed operation that shows itself", answer("GET /secret", status(401)), "GET /secret without a credential: got 401"},
		{"a concealed operation that hides from everybody", answer("GET /secret", status(404)), "GET /secret with enough of scheme basic: got 404"},
		{"a challenge that is missing", answer("GET /notes/7", status(401)), `scheme "dpop" is in the document and in no challenge`},
		{"a challenge that can't be read", answer("GET /notes/7", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `"`)
			w.WriteHeader(401)
		}), "its challenges can't be read"},
		{"an operation that says nothing", func(t *testing.T, c *openapitest.Config) {
			c.Routes, c.Document = nil, edited(t, c.Document, `"security"`, `"x-security"`)
		}, "does not say which security"},
		{"schemes of which one is enough", func(t *testing.T, c *openapitest.Config) {
			c.Routes, c.Document = nil, edited(t, c.Document, `"header-key": []`, `"header-key": [], "session": []`)
		}, "GET /notes with enough of scheme header-key and wrong of scheme session: got 200, want 401"},
		{"schemes that are needed together and are not", func(_ *testing.T, c *openapitest.Config) {
			inner := c.Handler
			c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/together" {
					return
				}
				inner.ServeHTTP(w, r)
			})
		}, "GET /together with enough of scheme query-key and wrong of scheme session: got 200, want 401"},
		{"schemes that are not enough together", answer("GET /together", status(401)), "GET /together with enough of scheme query-key and enough of scheme session: got 401"},
		{"a document without operations", func(t *testing.T, c *openapitest.Config) {
			c.Routes, c.Document = nil, edited(t, c.Document, `"paths"`, `"x-paths"`)
		}, "has no operation"},
		{"an open operation of OpenAPI 3.2", func(t *testing.T, c *openapitest.Config) {
			c.Routes, c.Document = nil, edited(t, c.Document, `"/notes": {`, `"/later": {"query": {"security": [{"basic": []}]}}, "/notes": {`)
			answer("QUERY /later", status(200))(t, c)
		}, "QUERY /later without a credential: got 200, want 401"},
		{"an open operation of another method", func(t *testing.T, c *openapitest.Config) {
			c.Routes, c.Document = nil, edited(t, c.Document, `"/notes": {`, `"/later": {"additionalOperations": {"COPY": {"security": [{"basic": []}]}}}, "/notes": {`)
			answer("COPY /later", status(200))(t, c)
		}, "COPY /later without a credential: got 200, want 401"},
		{"other methods that are no operations", func(t *testing.T, c *openapitest.Config) {
			c.Routes, c.Document = nil, edited(t, c.Document, `"/notes": {`, `"/later": {"additionalOperations": []}, "/notes": {`)
		}, "additionalOperations can't be read"},
		{"operations that are elsewhere", func(t *testing.T, c *openapitest.Config) {
			c.Routes, c.Document = nil, edited(t, c.Document, `"/notes": {`, `"/later": {"$ref": "#/components/pathItems/later"}, "/notes": {`)
		}, "/later: its operations are elsewhere"},
		{"a document that is none", func(t *testing.T, c *openapitest.Config) {
			c.Document = edited(t, c.Document, `"paths": {`, `"paths": [], "x": {`)
		}, "the document can't be read"},
		{"routes that no mux takes", func(_ *testing.T, c *openapitest.Config) { c.Routes = append(c.Routes, c.Routes[0]) }, "conflicts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := service(t)
			tt.change(t, &c)
			if err := openapitest.Check(c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
	c := service(t)
	c.Routes = c.Routes[len(c.Routes)-1:] // that of a host
	if err := openapitest.Check(c); err != nil {
		t.Errorf("routes of hosts only: got %v", err)
	}
	c = service(t)
	c.Routes = append(c.Routes, middleware.Route{Pattern: "GET /new", Method: "GET", Path: "/new", Access: "public"})
	c.Undocumented = []string{"GET /new"}
	if err := openapitest.Check(c); err != nil {
		t.Errorf("a route that is left out on purpose: got %v", err)
	}
}

func ExampleCheck() {
	guard, err := middleware.New(middleware.Config{Authenticator: authtest.Tokens(map[string]*auth.Principal{
		"reader": authtest.Principal("alice"), "writer": authtest.Principal("bob", "notes:write"),
	})})
	if err != nil {
		panic(err)
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /health", middleware.Public(), ok)
	mux.HandleFunc("POST /notes", middleware.Require(auth.Scopes("notes:write")), ok)
	handler, err := mux.Build()
	if err != nil {
		panic(err)
	}
	doc, err := openapi.New(openapi.Config{Title: "Notes", Version: "1.0.0", Routes: mux.Routes()})
	if err != nil {
		panic(err)
	}
	fmt.Println(openapitest.Check(openapitest.Config{
		Document: doc, Handler: handler, Routes: mux.Routes(),
		Credentials: map[string]openapitest.Credential{"test": {Enough: "writer", Little: "reader"}},
	}))
	// Output: <nil>
}
