package openapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cardea-go/auth/middleware"
	"go.yaml.in/yaml/v3"
)

// A MergeConfig says what [Merge] adds to a document. Routes is required.
type MergeConfig struct {
	// Routes are those of a Mux, from [middleware.Mux.Routes].
	Routes []middleware.Route
	// Prefix is put before the paths of the document to find their routes, such as "/v1" where the document has it in
	// the URL of its server. "" is none.
	Prefix string
	// Host is that of the requests, for routes whose pattern has a host. "" finds those without only.
	Host string
	// Replace lets what is enforced take the place of what the document says: of an operation's security and of a
	// scheme. Otherwise a difference is an error.
	Replace bool
}

// A Report tells what [Merge] did not do as a matter of course. Its lists have JSON pointers into the document, or
// patterns of routes.
type Report struct {
	// RoutesWithoutOperation are the patterns for which the document has no operation, concealed ones left out.
	RoutesWithoutOperation []string
	// OperationsWithoutRoute are the operations that no route serves. Nothing was added to them.
	OperationsWithoutRoute []string
	// Concealed are operations of routes that are concealed: the document tells of them.
	Concealed []string
	// Kept are responses that the document described itself.
	Kept []string
	// Replaced is what no longer says what it said.
	Replaced []string
}

// Merge adds what the routes enforce to a document made elsewhere, of OpenAPI 3.0 to 3.2, in JSON or YAML of at most 16 MiB:
// security schemes, each operation's security, the responses of the guard and the extensions of [New]. An operation's route
// is the one that [http.ServeMux] would choose, so that one route of "/api/" serves every operation below it. Nothing that
// the document says is overwritten, unless Replace is set and the report tells. Members keep their order; comments of a
// YAML document stay.
func Merge(document []byte, c MergeConfig) (*Document, Report, error) {
	root, err := parse(document)
	if err != nil {
		return nil, Report{}, err
	}
	v, err := versionOf(root)
	if err != nil {
		return nil, Report{}, err
	}
	if len(c.Routes) == 0 {
		return nil, Report{}, errors.New("openapi: MergeConfig.Routes is empty: give Mux.Routes()")
	}
	if c.Prefix != "" && (c.Prefix[0] != '/' || strings.HasSuffix(c.Prefix, "/")) {
		return nil, Report{}, fmt.Errorf("openapi: MergeConfig.Prefix %q: begin it with a slash and end it without, as in /v1", c.Prefix)
	}
	m := &merger{config: c, mux: http.NewServeMux(), used: map[string]bool{}}
	m.draft = draft{root: root, version: v, replace: c.Replace, needed: map[string][]string{}, placed: map[string]string{}}
	for _, r := range c.Routes {
		if err := register(m.mux, r); err != nil {
			return nil, Report{}, err
		}
	}
	m.operations()
	for _, r := range c.Routes {
		if !m.used[r.Pattern] && !r.Concealed {
			m.report.RoutesWithoutOperation = append(m.report.RoutesWithoutOperation, r.Pattern)
		}
	}
	merged, err := m.finish()
	return merged, m.report, err
}

func versionOf(root *yaml.Node) (version, error) {
	said := value(root, "openapi")
	if major, rest, _ := strings.Cut(said, "."); major == "3" {
		minor, _, _ := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(minor); err == nil && n <= 2 {
			return version{n}, nil
		}
	}
	return version{}, fmt.Errorf("openapi: document of version %q: use OpenAPI 3.0, 3.1 or 3.2", said)
}

type merger struct {
	draft
	config MergeConfig
	mux    *http.ServeMux
	used   map[string]bool // patterns
}

// target stands for a route in a ServeMux that serves nothing.
type target struct{ route middleware.Route }

func (target) ServeHTTP(http.ResponseWriter, *http.Request) {}

// register turns the panics of http.ServeMux into errors.
func register(mux *http.ServeMux, r middleware.Route) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("openapi: route %q: %v", r.Pattern, v)
		}
	}()
	mux.Handle(r.Pattern, target{r})
	return nil
}

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

// additional holds the operations of other methods, since OpenAPI 3.2, by the method as it is sent.
const additional = "additionalOperations"

func (m *merger) operations() {
	paths := get(m.root, "paths")
	for _, template := range keys(paths) {
		item := get(paths, template)
		where := "#/paths/" + escapePointer(template)
		if get(item, "$ref") != nil {
			m.report.OperationsWithoutRoute = append(m.report.OperationsWithoutRoute, where+"/$ref")
		}
		for _, method := range keys(item) {
			if slices.Contains(methods, method) {
				m.operation(where+"/"+method, template, strings.ToUpper(method), get(item, method))
			}
		}
		for _, method := range keys(get(item, additional)) {
			m.operation(where+"/"+additional+"/"+escapePointer(method), template, method, get(item, additional, method))
		}
	}
}

func (m *merger) operation(where, template, method string, op *yaml.Node) {
	r, ok := m.find(method, template)
	if !ok {
		m.report.OperationsWithoutRoute = append(m.report.OperationsWithoutRoute, where)
		return
	}
	m.used[r.Pattern] = true
	if r.Concealed {
		m.report.Concealed = append(m.report.Concealed, where)
	}
	m.secure(where, op, r)
}

// find asks http.ServeMux which route serves the operation, with a value for every parameter that no route names.
func (m *merger) find(method, template string) (middleware.Route, bool) {
	sample := strings.ReplaceAll(shapeOf(m.config.Prefix+template), "{}", "~value~")
	r := &http.Request{Method: method, URL: &url.URL{Path: sample}, Host: m.config.Host}
	h, _ := m.mux.Handler(r)
	t, ok := h.(target)
	return t.route, ok
}
