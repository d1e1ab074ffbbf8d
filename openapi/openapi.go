package openapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cardea-go/auth/middleware"
	"go.yaml.in/yaml/v3"
)

// A Config is what [New] makes a document of. Title, Version and Routes are required.
type Config struct {
	// Title and Version name the API and its version; Summary and Description (CommonMark) say what it is for.
	Title, Version, Summary, Description string
	// Servers are the URLs under which the API is served. None means the origin of the document.
	Servers []Server
	// Tags describes tags, in the order in which pages show them. A tag that operations use and that is not among
	// them is added after them.
	Tags []Tag
	// Routes are those of a Mux, from [middleware.Mux.Routes].
	Routes []middleware.Route
	// Describe gives the details of a route. A route of every method comes once for each of GET, POST, PUT, PATCH
	// and DELETE that no other route of its path has. Nil describes nothing.
	Describe func(r middleware.Route) Operation
	// IncludeConcealed lists routes that are concealed, which otherwise are left out.
	IncludeConcealed bool
}

// A Server is a URL under which the API is served, which may be relative to the document.
type Server struct{ URL, Description string }

// A Tag is a group of operations.
type Tag struct{ Name, Description string }

// An Operation is what a caller tells of a route. The zero Operation is fine.
type Operation struct {
	// ID is unique among the operations. "" makes one of the method and the path, such as getNotesById.
	ID string
	// Summary is a short line; "" is the method and the path. Description is a longer text in CommonMark.
	Summary, Description string
	Tags                 []string
	Deprecated           bool
	// Object has further members of the Operation Object, such as requestBody, parameters and responses: whatever
	// encodes to a JSON object. Members that this package writes can't be among it, except responses, to which the
	// refusals are added, and parameters, to which those of the path are that it does not describe. Nil is none; without
	// responses the operation has one of 2XX.
	Object any
	// Omit leaves the route out.
	Omit bool
}

// New returns the document of the routes, in OpenAPI 3.1. It reports every mistake at once.
func New(c Config) (*Document, error) {
	b := &builder{config: c, ids: map[string]string{}, shapes: map[string]string{}}
	b.draft = draft{version: version{1}, needed: map[string][]string{}, placed: map[string]string{}}
	b.head()
	b.paths = object()
	set(b.root, "paths", b.paths)
	for _, r := range c.Routes {
		for _, one := range b.perMethod(r) {
			if err := b.add(one); err != nil {
				b.errs = append(b.errs, fmt.Errorf("openapi: route %q: %w", r.Pattern, err))
			}
		}
	}
	b.nameUnnamed()
	b.addTags()
	return b.finish()
}

type builder struct {
	draft
	config  Config
	paths   *yaml.Node
	ids     map[string]string // patterns by operationId
	shapes  map[string]string // templates by shape
	tags    []string
	unnamed []unnamed
}

type unnamed struct {
	op *yaml.Node
	id string
}

func (b *builder) head() {
	c := b.config
	for _, f := range []struct{ name, value string }{{"Title", c.Title}, {"Version", c.Version}} {
		if f.value == "" {
			b.errs = append(b.errs, fmt.Errorf("openapi: Config.%s is empty: set it", f.name))
		}
	}
	if len(c.Routes) == 0 {
		b.errs = append(b.errs, errors.New("openapi: Config.Routes is empty: give Mux.Routes()"))
	}
	info := object("title", c.Title, "summary", c.Summary, "description", c.Description, "version", c.Version)
	b.root = object("openapi", "3.1.1", "info", info)
	servers := list()
	for i, s := range c.Servers {
		if s.URL == "" {
			b.errs = append(b.errs, fmt.Errorf("openapi: Config.Servers[%d] has no URL: set one, / for the document's own origin", i))
		}
		servers.Content = append(servers.Content, object("url", s.URL, "description", s.Description))
	}
	if len(c.Servers) == 0 {
		servers.Content = append(servers.Content, object("url", "/"))
	}
	servers.Style = 0
	set(b.root, "servers", servers)
}

var anyMethod = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// perMethod returns r once for each method that it is documented under.
func (b *builder) perMethod(r middleware.Route) []middleware.Route {
	if r.Concealed && !b.config.IncludeConcealed {
		return nil
	}
	if r.Method != "" {
		return []middleware.Route{r}
	}
	var all []middleware.Route
	shape := parsePath(r.Path).shape
	for _, m := range anyMethod {
		taken := slices.ContainsFunc(b.config.Routes, func(o middleware.Route) bool {
			return o.Method == m && o.Host == r.Host && parsePath(o.Path).shape == shape
		})
		if !taken {
			r.Method = m
			all = append(all, r)
		}
	}
	return all
}

func (b *builder) add(r middleware.Route) error {
	var o Operation
	if b.config.Describe != nil {
		o = b.config.Describe(r)
	}
	if o.Omit {
		return nil
	}
	method := strings.ToLower(r.Method)
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodTrace:
	default:
		return fmt.Errorf("OpenAPI 3.1 has no word for method %s: leave it out with Operation.Omit", r.Method)
	}
	p := parsePath(r.Path)
	item, template := b.item(p)
	if get(item, method) != nil {
		return fmt.Errorf("another route is %s %s too, as OpenAPI sees it: leave one out with Operation.Omit", r.Method, template)
	}
	// Routes of one path may name its parameters differently; OpenAPI gives them one name.
	p.template, p.parameters = template, parsePath(template).parameters
	op, err := b.operation(r, o, p)
	if err != nil {
		return err
	}
	set(item, method, op)
	set(b.paths, template, item)
	return b.tryToSecure("#/paths/"+escapePointer(template)+"/"+method, op, r)
}

func (b *builder) item(p path) (*yaml.Node, string) {
	template, ok := b.shapes[p.shape]
	if !ok {
		template = p.template
		b.shapes[p.shape] = template
	}
	if item := get(b.paths, template); item != nil {
		return item, template
	}
	return object(), template
}

func (b *builder) operation(r middleware.Route, o Operation, p path) (*yaml.Node, error) {
	if o.Summary == "" {
		o.Summary = r.Method + " " + p.template
	}
	op := object("operationId", o.ID, "summary", o.Summary, "description", o.Description)
	switch {
	case o.ID == "":
		b.unnamed = append(b.unnamed, unnamed{op, operationID(r.Method, p.template)})
		set(op, "operationId", text("")) // keeps the place
	case b.ids[o.ID] != "":
		return nil, fmt.Errorf("its operationId %q is that of route %q: make it unique", o.ID, b.ids[o.ID])
	default:
		b.ids[o.ID] = r.Pattern
	}
	if len(o.Tags) > 0 {
		set(op, "tags", texts(o.Tags))
		b.tags = append(b.tags, o.Tags...)
	}
	if o.Deprecated {
		set(op, "deprecated", truth())
	}
	if p.subtree {
		set(op, "x-subtree", truth())
	}
	if r.Host != "" {
		set(op, "servers", list(object("url", "//"+r.Host)))
		get(op, "servers").Style = 0
	}
	if len(p.parameters) > 0 {
		set(op, "parameters", p.parametersNode())
	}
	if err := addObject(op, o.Object); err != nil {
		return nil, err
	}
	if len(keys(get(op, "responses"))) == 0 {
		set(op, "responses", object("2XX", object("description", "The request went through.")))
	}
	return op, nil
}

// addObject adds the members that the caller wrote.
func addObject(op *yaml.Node, v any) error {
	if v == nil {
		return nil
	}
	extra, err := toNode(v)
	if err != nil || extra.Kind != yaml.MappingNode {
		return errors.Join(errors.New("its Operation.Object does not encode to a JSON object"), err)
	}
	for _, k := range keys(extra) {
		there, theirs := get(op, k), get(extra, k)
		switch {
		case k == "parameters" && there != nil && theirs.Kind == yaml.SequenceNode:
			addParameters(there, theirs)
		case there != nil, k == "security":
			return fmt.Errorf("its Operation.Object has %q, which is written from the route: leave it out", k)
		default:
			set(op, k, theirs)
		}
	}
	return nil
}

// addParameters adds the caller's parameters; one of the path takes the place of that of the same name.
func addParameters(ours, theirs *yaml.Node) {
	for _, p := range theirs.Content {
		i := slices.IndexFunc(ours.Content, func(o *yaml.Node) bool {
			return value(p, "in") == "path" && value(p, "name") == value(o, "name")
		})
		if i < 0 {
			ours.Content = append(ours.Content, p)
		} else {
			ours.Content[i] = p
		}
	}
}

// nameUnnamed gives the operations without an ID one that nobody has.
func (b *builder) nameUnnamed() {
	for _, u := range b.unnamed {
		id := u.id
		for i := 2; b.ids[id] != ""; i++ {
			id = fmt.Sprintf("%s%d", u.id, i)
		}
		b.ids[id] = id
		set(u.op, "operationId", text(id))
	}
}

func (b *builder) addTags() {
	all := list()
	seen := map[string]bool{}
	for _, t := range b.config.Tags {
		seen[t.Name] = true
		all.Content = append(all.Content, object("name", t.Name, "description", t.Description))
	}
	for _, name := range b.tags {
		if !seen[name] {
			seen[name] = true
			all.Content = append(all.Content, object("name", name))
		}
	}
	if len(all.Content) > 0 {
		all.Style = 0
		set(b.root, "tags", all)
	}
}

func escapePointer(s string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }
