package peers

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/getkin/kin-openapi/openapi3"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
)

// validate fails the test where kin-openapi finds an error in the document, and returns it parsed.
func validate(t *testing.T, data []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatalf("kin-openapi can't read the document: %v\n%s", err, data)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatalf("kin-openapi finds the document wrong: %v\n%s", err, data)
	}
	return doc
}

// goldens returns the golden documents of package openapi.
func goldens(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"notes.*", "merged.*"} {
		found, err := filepath.Glob(filepath.Join("..", "..", "testdata", pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 4 {
		t.Fatalf("found %d golden documents, want 4 at least", len(files))
	}
	return files
}

func TestKinFindsNothingWrongWithTheGoldenDocument(t *testing.T) {
	for _, name := range []string{"notes.json", "notes.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		doc := validate(t, data)
		if n := len(doc.Components.SecuritySchemes); n != 11 {
			t.Errorf("%s: kin-openapi reads %d security schemes, want 11", name, n)
		}
	}
}

// TestRedoclyAndSpectralFindNoErrors runs the two linters from PATH or from AUTH_TEST_NODE_BIN, a node_modules/.bin.
func TestRedoclyAndSpectralFindNoErrors(t *testing.T) {
	ruleset := filepath.Join(t.TempDir(), "spectral.yaml")
	if err := os.WriteFile(ruleset, []byte("extends: [\"spectral:oas\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"redocly", []string{"lint", "--extends", "recommended", "--skip-rule", "no-path-trailing-slash"}}, // a matter of taste; ServeMux has such paths
		{"spectral", []string{"lint", "--ruleset", ruleset}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bin := linter(t, tt.name)
			for _, file := range goldens(t) {
				if filepath.Base(file)[:6] == "merged" {
					continue // has a $ref to nowhere on purpose
				}
				cmd := exec.CommandContext(t.Context(), bin, append(slices.Clone(tt.args), file)...)
				cmd.Env = append(os.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s finds %s wrong: %v\n%s", tt.name, file, err, out)
				}
			}
		})
	}
}

func linter(t *testing.T, name string) string {
	t.Helper()
	if dir := os.Getenv("AUTH_TEST_NODE_BIN"); dir != "" {
		name = filepath.Join(dir, name)
	}
	bin, err := exec.LookPath(name)
	if err == nil {
		return bin
	}
	const remedy = "install @redocly/cli and @stoplight/spectral-cli from npm, and set AUTH_TEST_NODE_BIN to their node_modules/.bin"
	if os.Getenv("AUTH_TEST_REQUIRE_ALL") != "" {
		t.Fatalf("%s is not there: %s", name, remedy)
	}
	t.Skipf("%s is not there: %s", name, remedy)
	return ""
}

func guard(t *testing.T) *middleware.Guard {
	t.Helper()
	g, err := middleware.New(middleware.Config{Authenticator: authtest.Tokens(map[string]*auth.Principal{
		"reader": authtest.Principal("alice", "notes:read"),
	})})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type note struct {
	Body struct {
		Text string `json:"text"`
	}
}

// TestHumaKeepsItsGenerator serves a huma API behind a mux and adds what the mux enforces to huma's own document.
func TestHumaKeepsItsGenerator(t *testing.T) {
	inner := http.NewServeMux()
	api := humago.New(inner, huma.DefaultConfig("Notes", "1.0.0"))
	read := func(context.Context, *struct {
		ID string `path:"id"`
	}) (*note, error) {
		return &note{}, nil
	}
	huma.Get(api, "/api/notes/{id}", read)
	huma.Delete(api, "/api/notes/{id}", read)
	huma.Get(api, "/api/health", func(context.Context, *struct{}) (*note, error) { return &note{}, nil })

	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard(t)})
	mux.Handle("/api/", middleware.Require(auth.Scopes("notes:read")), inner)
	mux.Handle("DELETE /api/notes/{id}", middleware.Require(auth.Scopes("notes:write")), inner)
	mux.Handle("GET /api/health", middleware.Public(), inner)
	if _, err := mux.Build(); err != nil {
		t.Fatal(err)
	}
	for name, export := range map[string]func() ([]byte, error){
		"3.1 as JSON": api.OpenAPI().MarshalJSON, "3.1 as YAML": api.OpenAPI().YAML,
		"3.0 as JSON": api.OpenAPI().Downgrade, "3.0 as YAML": api.OpenAPI().DowngradeYAML,
	} {
		t.Run(name, func(t *testing.T) {
			data, err := export()
			if err != nil {
				t.Fatal(err)
			}
			merged, report, err := openapi.Merge(data, openapi.MergeConfig{Routes: mux.Routes()})
			if err != nil {
				t.Fatal(err)
			}
			if len(report.OperationsWithoutRoute)+len(report.RoutesWithoutOperation)+len(report.Replaced) > 0 {
				t.Errorf("got report %+v, want nothing that did not match", report)
			}
			assertSecured(t, validate(t, merged.JSON()), "/api/notes/{id}")
			validate(t, merged.YAML())
			if got := validate(t, merged.JSON()).Paths.Find("/api/health").Get.Security; got == nil || len(*got) != 0 {
				t.Errorf("got security %v of the public operation, want an empty list", got)
			}
		})
	}
}

// TestKinKeepsItsDocument builds a document with kin-openapi's types.
func TestKinKeepsItsDocument(t *testing.T) {
	operation := func() *openapi3.Operation {
		o := openapi3.NewOperation()
		o.AddParameter(openapi3.NewPathParameter("id").WithSchema(openapi3.NewStringSchema()))
		o.AddResponse(200, openapi3.NewResponse().WithDescription("a note"))
		return o
	}
	doc := &openapi3.T{
		OpenAPI: "3.0.3", Info: &openapi3.Info{Title: "Notes", Version: "1.0.0"},
		Paths: openapi3.NewPaths(openapi3.WithPath("/notes/{id}", &openapi3.PathItem{Get: operation(), Delete: operation()})),
	}
	data, err := doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	handler := http.NotFoundHandler()
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard(t)})
	mux.Handle("GET /notes/{note}", middleware.Require(auth.Scopes("notes:read")), handler)
	mux.Handle("DELETE /notes/{note}", middleware.Require(auth.Scopes("notes:write")), handler)
	merged, report, err := openapi.Merge(data, openapi.MergeConfig{Routes: mux.Routes()})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.OperationsWithoutRoute)+len(report.RoutesWithoutOperation) > 0 {
		t.Errorf("got report %+v, want nothing that did not match", report)
	}
	assertSecured(t, validate(t, merged.JSON()), "/notes/{id}")
}

func assertSecured(t *testing.T, doc *openapi3.T, path string) {
	t.Helper()
	if got := doc.Components.SecuritySchemes["test"]; got == nil || got.Value.Scheme != "bearer" {
		t.Errorf("got scheme %+v, want a bearer", got)
	}
	item := doc.Paths.Find(path)
	for method, o := range map[string]*openapi3.Operation{"GET": item.Get, "DELETE": item.Delete} {
		if o.Security == nil || len(*o.Security) != 1 || (*o.Security)[0]["test"] == nil {
			t.Errorf("%s: got security %v, want the bearer's", method, o.Security)
		}
		for _, status := range []int{400, 401, 403, 429, 503} {
			if o.Responses.Status(status) == nil || o.Responses.Status(status).Value.Content["application/problem+json"] == nil {
				t.Errorf("%s: got no problem for %d", method, status)
			}
		}
	}
}
