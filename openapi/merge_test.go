package openapi_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
)

const handWritten = `# written by hand
openapi: 3.0.3
info: {title: Notes, version: 2024-01-01}
paths:
  /notes: # the list
    get: &get
      responses: {200: {description: "yes"}, "401": {description: ours}}
    post: {responses: {201: {description: written}}}
  /notes/{id}:
    get: *get
  /elsewhere:
    get: {responses: {200: {description: x}}}
  /ref: {$ref: "#/components/pathItems/x"}
  /secret:
    get: {responses: {200: {description: x}}}
components:
  schemas: {AuthProblem: {type: string}, AuthProblem2: {type: number}}
`

func mergeRoutes(t *testing.T) []middleware.Route {
	key := auth.Scheme{Name: "key", Type: "apiKey", In: auth.InHeader, Parameter: "X-API-Key", AuthScheme: "ApiKey"}
	m := middleware.NewMux(middleware.MuxConfig{Guard: guard(t, key)})
	m.HandleFunc("GET /v1/notes", middleware.Public(), nothing)
	m.HandleFunc("POST /v1/notes", middleware.Require(auth.Scopes("notes:write")), nothing)
	m.HandleFunc("/v1/notes/", middleware.Authenticated(), nothing)
	m.HandleFunc("GET /v1/more", middleware.Authenticated(), nothing)
	m.HandleFunc("GET /v1/secret", middleware.Authenticated().Conceal(), nothing)
	m.HandleFunc("GET /v1/hidden", middleware.Authenticated().Conceal(), nothing)
	return m.Routes()
}

func TestMergeAddsAndReports(t *testing.T) {
	doc, report, err := openapi.Merge([]byte(handWritten), openapi.MergeConfig{Routes: mergeRoutes(t), Prefix: "/v1"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "merged.json", doc.JSON())
	golden(t, "merged.yaml", doc.YAML())
	for _, tt := range []struct {
		name      string
		got, want []string
	}{
		{"routes without operation", report.RoutesWithoutOperation, []string{"GET /v1/more"}},
		{"operations without route", report.OperationsWithoutRoute, []string{"#/paths/~1elsewhere/get", "#/paths/~1ref/$ref"}},
		{"concealed", report.Concealed, []string{"#/paths/~1secret/get"}},
		{"kept", report.Kept, []string{"#/paths/~1notes~1{id}/get/responses/401"}},
		{"replaced", report.Replaced, nil},
	} {
		if !slices.Equal(tt.got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if got := at(t, doc.JSON(), "paths", "/notes", "post", "security"); got != `[{"key":[]}]` {
		t.Errorf("got security %s in OpenAPI 3.0, want no scopes for a key", got)
	}
	if !bytes.Contains(doc.YAML(), []byte("# the list")) {
		t.Error("a comment of the document is lost")
	}
	again, _, err := openapi.Merge(doc.JSON(), openapi.MergeConfig{Routes: mergeRoutes(t), Prefix: "/v1"})
	if err != nil || !bytes.Equal(again.JSON(), doc.JSON()) {
		t.Errorf("merging twice: got error %v or another document", err)
	}
}

const opinionated = `{"openapi":"3.1.0","security":[{"other":[]}],"paths":{
"/v1/notes":{"get":{"security":[{"key":["x"]}],"responses":{}},"post":{"responses":{}}}},
"components":{"securitySchemes":{"key":{"type":"http","scheme":"basic"}}}}`

func TestMergeOverwritesOnlyWhereTold(t *testing.T) {
	c := openapi.MergeConfig{Routes: mergeRoutes(t)}
	_, _, err := openapi.Merge([]byte(opinionated), c)
	wantErrors(t, err, "#/paths/~1v1~1notes/get/security says something else", "#/components/securitySchemes/key says something else")
	c.Replace = true
	doc, report, err := openapi.Merge([]byte(opinionated), c)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"#/paths/~1v1~1notes/get/security", "#/paths/~1v1~1notes/post/security (was inherited)", "#/components/securitySchemes/key"}
	if !slices.Equal(report.Replaced, want) {
		t.Errorf("got replaced %q, want %q", report.Replaced, want)
	}
	if got := at(t, doc.JSON(), "paths", "/v1/notes", "post", "security"); got != `[{"key":["notes:write"]}]` {
		t.Errorf("got %s, want the scope, which OpenAPI 3.1 has for every scheme", got)
	}
}

func TestMergeRefusesWhatItCannotRead(t *testing.T) {
	mtls := []middleware.Route{{Pattern: "GET /a", Method: "GET", Path: "/a", Access: "required", Schemes: []auth.Scheme{{Name: "m", Type: "mutualTLS"}}}}
	secured := func(body string) string { return `{"openapi":"3.0.0","paths":{"/a":{"get":` + body + `}}}` }
	const laughs = "openapi: 3.1.0\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
	for _, tt := range []struct{ name, doc, want string }{
		{"nothing", "", "neither JSON nor YAML"},
		{"broken", "{", "neither JSON nor YAML"},
		{"too large", strings.Repeat(" ", 16<<20+1), "the limit is"},
		{"two documents", "a: 1\n---\nb: 2\n", "more than one YAML document"},
		{"Swagger 2", `{"swagger":"2.0"}`, `version ""`},
		{"OpenAPI 4", `openapi: 4.0.0`, `version "4.0.0"`},
		{"OpenAPI 3.9", `openapi: 3.9.0`, `version "3.9.0"`},
		{"a member twice in JSON", `{"openapi":"3.1.0","openapi":"3.1.0"}`, "comes twice"},
		{"a member twice in YAML", "openapi: 3.1.0\nopenapi: 3.1.0\n", "comes twice"},
		{"too deep in JSON", `{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + `}`, "deeper than"},
		{"too deep in YAML", "a: " + strings.Repeat("[", 300) + strings.Repeat("]", 300), "deeper than"},
		{"aliases that multiply", laughs, "once aliases are written out"},
		{"an alias of itself", "a: &a [*a]\n", "deeper than"},
		{"a merge key", "a: &a {b: 1}\nc: {<<: *a}\n", "a key that JSON does not have"},
		{"a key that is a list", "[a]: 1\n", "a key that JSON does not have"},
		{"a number that JSON does not have", "a: .inf\n", "a value that JSON does not have"},
		{"a tag", "a: !!binary aGk=\n", "OpenAPI has none"},
		{"components that are a list", `{"openapi":"3.1.0","components":[],"paths":{"/a":{"get":{}}}}`, `"components" of the document is no object`},
		{"schemas that are a list", `{"openapi":"3.1.0","components":{"schemas":[]},"paths":{"/a":{"get":{}}}}`, `"schemas" of the document is no object`},
		{"responses that are a list", secured(`{"responses":[]}`), `"responses" of the document is no object`},
		{"an operation that is a list", secured(`[]`), "is no object"},
		{"component responses that are a list", `{"openapi":"3.1.0","components":{"responses":[]},"paths":{"/a":{"get":{}}}}`, `"responses" of the document is no object`},
		{"schemes that are a list", `{"openapi":"3.1.0","components":{"securitySchemes":[]},"paths":{"/a":{"get":{}}}}`, `"securitySchemes" of the document is no object`},
		{"mutual TLS in 3.0", secured(`{}`), "mutualTLS needs OpenAPI 3.1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := openapi.Merge([]byte(tt.doc), openapi.MergeConfig{Routes: mtls})
			wantErrors(t, err, tt.want)
		})
	}
	_, _, err := openapi.Merge([]byte(secured(`{}`)), openapi.MergeConfig{})
	wantErrors(t, err, "Routes is empty")
	for _, prefix := range []string{"v1", "/v1/", "/"} {
		_, _, err = openapi.Merge([]byte(secured(`{}`)), openapi.MergeConfig{Routes: mtls, Prefix: prefix})
		wantErrors(t, err, "MergeConfig.Prefix")
	}
	_, _, err = openapi.Merge([]byte(secured(`{}`)), openapi.MergeConfig{Routes: append(mtls, mtls...)})
	wantErrors(t, err, "conflicts")
}

func TestMergeKeepsValuesAsTheyWere(t *testing.T) {
	const doc = `{"openapi":"3.2.0","x":[1,1.50,1e3,true,false,null,"\ud83d\ude00","yes","<",[],{}],"paths":{}}`
	got, _, err := openapi.Merge([]byte(doc), openapi.MergeConfig{Routes: mergeRoutes(t)})
	if err != nil {
		t.Fatal(err)
	}
	var fromJSON, fromYAML, want any
	if err := json.Unmarshal([]byte(doc), &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got.JSON(), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if a, b := canon(t, fromJSON), canon(t, want); a != b {
		t.Errorf("got %s, want %s", a, b)
	}
	if err := yaml.Unmarshal(got.YAML(), &fromYAML); err != nil {
		t.Fatal(err)
	}
	if a, b := canon(t, fromYAML), canon(t, want); a != b {
		t.Errorf("got %s from YAML, want %s", a, b)
	}
	hex, _, err := openapi.Merge([]byte("openapi: 3.1.0\nx: [0x10, ~, True]\n"), openapi.MergeConfig{Routes: mergeRoutes(t)})
	if err != nil || at(t, hex.JSON(), "x") != `[16,null,true]` {
		t.Errorf("got %v for YAML's own spellings", err)
	}
}

func TestMergeWritesTheFieldsOfLaterVersions(t *testing.T) {
	s := authorizationServer()
	doc, _, err := openapi.Merge([]byte("openapi: 3.2.0\npaths: {/a: {get: {}}}\n"), openapi.MergeConfig{Routes: []middleware.Route{route("GET /a", "required", s)}})
	if err != nil {
		t.Fatal(err)
	}
	if got := at(t, doc.JSON(), "components", "securitySchemes", "accounts", "oauth2MetadataUrl"); got != `"`+s.URL+`"` {
		t.Errorf("got oauth2MetadataUrl %s, want %q", got, s.URL)
	}
	if got := at(t, doc.JSON(), "components", "securitySchemes", "accounts", "flows", "deviceAuthorization", "deviceAuthorizationUrl"); got != `"/device"` {
		t.Errorf("got deviceAuthorizationUrl %s, want /device", got)
	}
}

// TestMergeFindsTheMethodsOfLaterVersions has operations outside of the fixed fields, which would inherit what the document
// says, or nothing.
func TestMergeFindsTheMethodsOfLaterVersions(t *testing.T) {
	const doc = `{"openapi":"3.2.0","paths":{"/a":{"query":{},"additionalOperations":{"COPY":{},"copy":{},"LINK":{}}}}}`
	merged, report, err := openapi.Merge([]byte(doc), openapi.MergeConfig{Routes: []middleware.Route{
		route("QUERY /a", "required", authorizationServer()), route("COPY /a", "required", authorizationServer()),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, where := range [][]string{{"paths", "/a", "query", "security"}, {"paths", "/a", "additionalOperations", "COPY", "security"}} {
		if got := at(t, merged.JSON(), where...); got != `[{"accounts":[]}]` {
			t.Errorf("%v: got %s", where, got)
		}
	}
	want := []string{"#/paths/~1a/additionalOperations/copy", "#/paths/~1a/additionalOperations/LINK"} // methods are case-sensitive
	if !slices.Equal(report.OperationsWithoutRoute, want) || len(report.RoutesWithoutOperation) != 0 {
		t.Errorf("got %+v, want the operations %q without a route", report, want)
	}
}

func canon(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte(handWritten))
	f.Add([]byte(opinionated))
	f.Add([]byte(`{"openapi":"3.1.0","x":" \n\ta\r\n","paths":{"/a":{"get":{}}}}`))
	f.Add([]byte(`{"openapi":"3.1.0","x":"\t\n"}`))
	f.Add([]byte("openapi: 3.1.0\nx: |1-\n \ta\ny: >1-\n \ta\n"))
	f.Add([]byte("openapi: 3.1.0\ny: >\n  a\n\n  b |2-\n   a\n"))
	f.Add([]byte("openapi: 3.1.0\nx: |2-\n   a\n\n  b\ny: >\n  a\n"))
	routes := []middleware.Route{{Pattern: "/", Path: "/", Access: "public"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, _, err := openapi.Merge(data, openapi.MergeConfig{Routes: routes, Replace: true})
		if err != nil {
			return
		}
		again, _, err := openapi.Merge(doc.JSON(), openapi.MergeConfig{Routes: routes})
		if err != nil || !bytes.Equal(again.JSON(), doc.JSON()) {
			t.Fatalf("merging twice: got error %v or another document", err)
		}
		again, _, err = openapi.Merge(doc.YAML(), openapi.MergeConfig{Routes: routes})
		if err != nil || !bytes.Equal(again.JSON(), doc.JSON()) {
			t.Fatalf("the YAML of a document: got error %v or another document:\n%s\n%s", err, doc.YAML(), doc.JSON())
		}
	})
}
