// Package openapitest asks a handler whether it does what its OpenAPI document says: every operation is asked without a
// credential, with wrong ones, with one that is too little and with one that is enough, for each scheme of the document.
//
//	err := openapitest.Check(openapitest.Config{
//		Document: doc, Handler: handler, Routes: routes, // those that the document was made of
//		Credentials: map[string]openapitest.Credential{"jwt": {Enough: adminToken, Little: tokenWithoutScopes}},
//	})
//
// It is for tests: with enough of a credential, handlers run, those that delete too. Give it a handler on test stores, with
// limits that so many wrong credentials don't reach: package basic's by default does from a dozen operations on, see
// basic.Config.Throttle and InsecureNoThrottle.
package openapitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
)

// A Credential is what Check presents for a scheme: the key, the token, or "user:password" for HTTP Basic. An API key in
// Authorization is presented as it is, so it has the word in front.
type Credential struct {
	// Enough is allowed on every operation that takes the scheme. Required.
	Enough string
	// Little is accepted where a principal is enough, and meets the requirement of no route. "" leaves out the question
	// whether such a credential is refused.
	Little string
	// Wrong is of the right form and not accepted. "" is "wrong", or "wrong:wrong" for HTTP Basic.
	Wrong string
	// Apply presents a value in a request. Nil does it as the document says; mutualTLS, and OAuth tokens that are no
	// bearer tokens, need one.
	Apply func(r *http.Request, value string)
}

// A Config says what to ask. Document, Handler and a Credential for every scheme of the document are required.
type Config struct {
	Document *openapi.Document
	Handler  http.Handler
	// Routes, where given, have to be in the document, each with a stated access, but for those that are concealed and
	// those of Undocumented, by pattern.
	Routes       []middleware.Route
	Undocumented []string
	// Credentials are by the name of their scheme.
	Credentials map[string]Credential
	// Prefix is put before the paths of the document. "" is none.
	Prefix string
	// PathValues are the values of path parameters, by name. Others are "1".
	PathValues map[string]string
	// Prepare changes a request before it is sent, for handlers that need a body or a header. Nil changes nothing.
	Prepare func(r *http.Request)
}

// Check returns every difference between what the document says and what the handler does, and nil where there is none. An
// answer of 401, 403, 429 or 503 counts as the guard's, every other as the handler's; on a concealed operation, whose only
// described refusal is 404, that one does.
func Check(c Config) error {
	if c.Document == nil || c.Handler == nil {
		return errors.New("openapitest: Config needs a Document and a Handler")
	}
	k := &checker{Config: c}
	if err := json.Unmarshal(c.Document.JSON(), &k.doc); err != nil {
		return fmt.Errorf("openapitest: the document can't be read: %w", err)
	}
	k.credentials()
	k.routes()
	if len(k.errs) > 0 {
		return errors.Join(k.errs...)
	}
	asked := 0
	for _, path := range slices.Sorted(maps.Keys(k.doc.Paths)) {
		if k.doc.Paths[path]["$ref"] != nil {
			k.fail("%s: its operations are elsewhere, where nobody looks: write them out", path)
		}
		operations := k.operationsOf(path)
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			k.operation(method, path, operations[method])
			asked++
		}
	}
	if asked == 0 {
		k.errs = append(k.errs, errors.New("openapitest: the document has no operation"))
	}
	return errors.Join(k.errs...)
}

var methods = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"}

// operationsOf returns the operations of a path by their methods, as they are sent.
func (k *checker) operationsOf(path string) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	if others := k.doc.Paths[path]["additionalOperations"]; others != nil {
		if err := json.Unmarshal(others, &all); err != nil {
			k.fail("%s: its additionalOperations can't be read: %w", path, err)
		}
	}
	for _, method := range methods {
		if op := k.doc.Paths[path][method]; op != nil {
			all[strings.ToUpper(method)] = op
		}
	}
	return all
}

type document struct {
	Paths      map[string]map[string]json.RawMessage
	Components struct{ SecuritySchemes map[string]scheme }
}

type scheme struct{ Type, Name, In, Scheme string }

type operation struct {
	Security    *[]map[string][]string
	Responses   map[string]any
	Servers     []struct{ URL string }
	Requirement any `json:"x-requirement"`
}

type checker struct {
	Config
	doc  document
	errs []error
}

func (k *checker) fail(format string, args ...any) {
	k.errs = append(k.errs, fmt.Errorf("openapitest: "+format, args...))
}

func (k *checker) credentials() {
	for _, name := range slices.Sorted(maps.Keys(k.doc.Components.SecuritySchemes)) {
		s, c := k.doc.Components.SecuritySchemes[name], k.Credentials[name]
		switch {
		case c.Enough == "":
			k.fail("scheme %q: no credential: give Config.Credentials one with Enough", name)
		case s.Type == "mutualTLS" && c.Apply == nil:
			k.fail("scheme %q: mutualTLS needs Credential.Apply", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.Credentials)) {
		if _, ok := k.doc.Components.SecuritySchemes[name]; !ok {
			k.fail("scheme %q has a credential and is not in the document", name)
		}
	}
}

// routes looks for routes without a stated access and for those that the document forgot.
func (k *checker) routes() {
	stated := []string{"public", "optional", "required"}
	for _, r := range k.Routes {
		if !slices.Contains(stated, r.Access) {
			k.fail("route %q: its access is %s", r.Pattern, r.Access)
		}
	}
	visible := k.visible()
	if len(visible) == 0 {
		return
	}
	_, report, err := openapi.Merge(k.Document.JSON(), openapi.MergeConfig{Routes: visible, Prefix: k.Prefix, Replace: true})
	if err != nil {
		k.errs = append(k.errs, err)
		return
	}
	for _, pattern := range report.RoutesWithoutOperation {
		if !slices.Contains(k.Undocumented, pattern) {
			k.fail("route %q is not in the document: describe it, or list it in Config.Undocumented", pattern)
		}
	}
	for _, where := range report.Replaced {
		k.fail("%s says something else than its route", where)
	}
}

// visible returns the routes without a host, which Merge finds by their paths alone.
func (k *checker) visible() []middleware.Route {
	return slices.DeleteFunc(slices.Clone(k.Routes), func(r middleware.Route) bool { return r.Host != "" })
}

func (k *checker) operation(method, path string, text json.RawMessage) {
	var op operation
	at := method + " " + path
	if err := json.Unmarshal(text, &op); err != nil || op.Security == nil {
		k.fail("%s: it does not say which security it has", at)
		return
	}
	q := question{k, at, method, path, op, op.Responses["404"] != nil && op.Responses["401"] == nil}
	optional := len(*op.Security) == 0
	taken := map[string]bool{}
	for _, alternative := range *op.Security {
		optional = optional || len(alternative) == 0
		for name := range alternative {
			taken[name] = true
		}
	}
	q.without(optional, taken)
	for _, name := range slices.Sorted(maps.Keys(k.doc.Components.SecuritySchemes)) {
		switch {
		case len(*op.Security) == 0:
			q.ask(goesOn, presented{name, "wrong"})
		case !taken[name]:
			q.foreign(name, optional)
		}
	}
	var asked [][]string // sets of schemes: alternatives may differ in scopes alone
	for _, alternative := range *op.Security {
		names := slices.Sorted(maps.Keys(alternative))
		if !slices.ContainsFunc(asked, func(other []string) bool { return slices.Equal(names, other) }) {
			asked = append(asked, names)
			q.alternative(names)
		}
	}
}
