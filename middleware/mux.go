package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/problem"
)

// A MuxConfig configures a [Mux].
type MuxConfig struct {
	// Guard decides about every route that is not public and names no guard of its own. A Require of the guard
	// itself is added to that of each route; on an optional route it is left out.
	Guard *Guard
	// HideUnknown asks Guard before it says 404 or 405, so that without a credential a path that does not exist
	// looks like one that does. It needs Guard.
	HideUnknown bool
}

// A Mux collects routes on [http.ServeMux] patterns, each with a stated access, and builds the handler that serves them.
// It is not a handler itself, so that nothing is served before Build has looked at the whole. Its methods must not be
// called concurrently.
type Mux struct {
	table *routeTable
	group Access
}

type routeTable struct {
	config MuxConfig
	routes []route
}

type route struct {
	pattern string
	access  Access
	handler http.Handler
	err     error
	guard   *Guard // nil where public; set by Build
}

// NewMux returns an empty Mux.
func NewMux(c MuxConfig) *Mux { return &Mux{table: &routeTable{config: c}} }

// Handle adds a route. The pattern is one of [http.ServeMux], such as "GET /notes/{id}". Mistakes are reported by
// [Mux.Build].
func (m *Mux) Handle(pattern string, access Access, h http.Handler) {
	full, err := access.within(m.group)
	if h == nil {
		err = errors.Join(err, errors.New("its handler is nil"))
	}
	m.table.routes = append(m.table.routes, route{pattern: pattern, access: full, handler: h, err: err})
}

// HandleFunc is Handle for a function.
func (m *Mux) HandleFunc(pattern string, access Access, h func(http.ResponseWriter, *http.Request)) {
	if h == nil {
		m.Handle(pattern, access, nil)
		return
	}
	m.Handle(pattern, access, http.HandlerFunc(h))
}

// Group returns a view of m that adds access to every route registered through it: requirements add up. A group can only
// ask for more, so access is [Authenticated] or [Require].
func (m *Mux) Group(access Access) *Mux {
	full, err := access.within(m.group)
	if err != nil || access.kind != accessRequired {
		full = access // the routes will report it
	}
	return &Mux{table: m.table, group: full}
}

// A Route describes one route, for lists, tests and API descriptions.
type Route struct {
	// Pattern is as it was registered; Method is "" where the pattern has none.
	Pattern, Method, Host, Path string
	// Access is "public", "optional" or "required".
	Access string
	// Schemes are those that the route serves, strongest first; none where it is public.
	Schemes []auth.Scheme
	// Rule describes the requirement; its Kind is "" where a principal is enough.
	Rule auth.Rule
	// Concealed says that refusals are answered with 404.
	Concealed bool
}

// Routes lists the routes in the order of registration. It can be called before and after Build; before, Schemes and Rule
// are those of the routes that could be built by then.
func (m *Mux) Routes() []Route {
	list := make([]Route, 0, len(m.table.routes))
	for _, rt := range m.table.routes {
		out := Route{Pattern: rt.pattern, Access: accessNames[rt.access.kind], Concealed: rt.access.conceal}
		out.Method, out.Host, out.Path = splitPattern(rt.pattern)
		if rt.access.kind > accessPublic && rt.err == nil {
			if g, err := rt.access.apply(m.table.config.Guard); err == nil {
				out.Schemes, out.Concealed = g.Schemes(), g.c.Conceal
				if g.c.Require != nil {
					out.Rule = auth.Describe(g.c.Require)
				}
			}
		}
		list = append(list, out)
	}
	return list
}

// splitPattern takes a ServeMux pattern, "[METHOD ][HOST]/[PATH]", apart.
func splitPattern(pattern string) (method, host, path string) {
	rest := pattern
	if i := strings.IndexAny(pattern, " \t"); i >= 0 {
		method, rest = pattern[:i], strings.TrimLeft(pattern[i:], " \t")
	}
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		return method, rest[:i], rest[i:]
	}
	return method, rest, ""
}

// Build returns the handler for the routes registered so far. It reports every mistake at once: a route without a stated
// access, without a handler or a guard, a pattern that http.ServeMux does not take or that conflicts with another, a
// requirement that was built wrong. A Mux without a route is a mistake too.
//
// The handler answers 404 and 405 with problem+json. The Allow header of a 405 does not name concealed routes.
func (m *Mux) Build() (http.Handler, error) {
	t := m.table
	var errs []error
	if len(t.routes) == 0 {
		errs = append(errs, errors.New("middleware: Mux without a route: call Handle first"))
	}
	if t.config.HideUnknown && t.config.Guard == nil {
		errs = append(errs, errors.New("middleware: MuxConfig.HideUnknown without a Guard: set one"))
	}
	s := &server{mux: http.NewServeMux(), visible: http.NewServeMux()}
	for i := range t.routes {
		if err := s.add(&t.routes[i], t.config); err != nil {
			errs = append(errs, fmt.Errorf("middleware: route %q: %w", t.routes[i].pattern, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for i := range t.routes {
		s.hideRedirect(&t.routes[i], t.config)
	}
	s.serveUnknown(t.config)
	return s.mux, nil
}

// server is a built Mux.
type server struct {
	mux     *http.ServeMux
	visible *http.ServeMux // the routes whose existence is no secret, to find out which methods a path has
	methods []string
}

func (s *server) add(rt *route, c MuxConfig) error {
	if rt.err != nil {
		return rt.err
	}
	h := rt.handler
	if rt.access.kind != accessPublic {
		g, err := rt.access.apply(c.Guard)
		if err != nil {
			return err
		}
		rt.guard, h = g, g.Handler(h)
		if g.c.Conceal && c.HideUnknown {
			if rt.access.guard != nil && rt.access.guard != c.Guard {
				return errors.New("it is concealed and has a guard of its own, while HideUnknown answers unknown paths by MuxConfig.Guard: the two would differ; drop one of them")
			}
			// What does not exist asks for a credential first, so this does too.
			h = c.Guard.Handler(h)
		}
	}
	if err := register(s.mux, rt.pattern, h); err != nil {
		return err
	}
	if rt.guard != nil && rt.guard.c.Conceal {
		return nil
	}
	method, _, _ := splitPattern(rt.pattern)
	for _, m := range methodsOf(method) {
		if !slices.Contains(s.methods, m) {
			s.methods = append(s.methods, m)
		}
	}
	return register(s.visible, rt.pattern, h)
}

func methodsOf(method string) []string {
	switch method {
	case "":
		return nil // matches every method: never a 405
	case http.MethodGet:
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{method}
}

// register turns the panics of http.ServeMux, which are for patterns that are wrong or conflict, into errors.
func register(mux *http.ServeMux, pattern string, h http.Handler) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%v", v)
		}
	}()
	mux.Handle(pattern, h)
	return nil
}

// hideRedirect keeps http.ServeMux from telling that a subtree exists by redirecting to it: /tree is answered by the guard
// of /tree/ first, unless somebody registered /tree.
func (s *server) hideRedirect(rt *route, c MuxConfig) {
	if rt.guard == nil || !rt.guard.c.Conceal && !c.HideUnknown {
		return
	}
	bare, isSubtree := strings.CutSuffix(rt.pattern, "/")
	if _, _, path := splitPattern(bare); !isSubtree || path == "" {
		return
	}
	h := rt.guard.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := *r.URL
		u.Path, u.RawPath, u.Scheme, u.Host = u.Path+"/", "", "", ""
		http.Redirect(w, r, u.String(), http.StatusTemporaryRedirect) //nolint:gosec // the path is clean and starts with one slash: it matched
	})
	if c.HideUnknown && rt.guard.c.Conceal {
		h = c.Guard.Handler(h)
	}
	_ = register(s.mux, bare, h) // a conflict means that /tree is served by a route of its own
}

// serveUnknown answers what no route matches, unless a route matches everything.
func (s *server) serveUnknown(c MuxConfig) {
	var h http.Handler = http.HandlerFunc(s.unknown)
	if c.HideUnknown {
		h = c.Guard.Handler(h)
	}
	_ = register(s.mux, "/", h) // a conflict means that the user serves "/"
}

func (s *server) unknown(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	var allow []string
	probe := r.WithContext(r.Context()) // a copy, to ask with other methods
	for _, m := range s.methods {
		probe.Method = m
		if _, pattern := s.visible.Handler(probe); pattern != "" {
			allow = append(allow, m)
		}
	}
	if len(allow) == 0 {
		problem.Write(w, http.StatusNotFound, textNotFound)
		return
	}
	slices.Sort(allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	problem.Write(w, http.StatusMethodNotAllowed, "the method is not allowed here")
}
