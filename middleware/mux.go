package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"runtime"
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
	// looks like one that does. It needs a Guard that is not optional. Public routes, and those with a guard of
	// their own, can still be told by their answers.
	HideUnknown bool
	// Around is put around every route, public ones included, outside of its guards and after the pattern has matched, so
	// that it knows r.Pattern and r.PathValue: for the tenant that a path names, for metrics and traces by route. What is
	// then refused goes through it too. A header that it adds to answers tells a concealed route from nothing. Nil is
	// nothing.
	Around func(http.Handler) http.Handler
	// NotFound answers requests for what does not exist, concealed routes included. Nil is a problem of status 404.
	NotFound http.Handler
}

// A Mux collects routes on [http.ServeMux] patterns, each with a stated access, and builds the handler that serves them.
// It is not a handler itself, so that nothing is served before Build has looked at the whole. Its methods must not be
// called concurrently.
type Mux struct {
	table *routeTable
	group Access
	err   error // what is wrong with the group
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
	at      string // file and line of the registration
}

// NewMux returns an empty Mux.
func NewMux(c MuxConfig) *Mux { return &Mux{table: &routeTable{config: c}} }

// Handle adds a route. The pattern is one of [http.ServeMux], such as "GET /notes/{id}". Mistakes are reported by
// [Mux.Build].
func (m *Mux) Handle(pattern string, access Access, h http.Handler) {
	full, err := access.within(m.group)
	if m.err != nil {
		err = m.err // what the group lacks is said once
	}
	if method, _, _ := splitPattern(pattern); method != strings.ToUpper(method) {
		err = errors.Join(err, fmt.Errorf("its method %q never matches: write %s", method, strings.ToUpper(method)))
	}
	if h == nil {
		err = errors.Join(err, errors.New("its handler is nil"))
	}
	m.table.routes = append(m.table.routes, route{pattern: pattern, access: full, handler: h, err: err, at: caller()})
}

// caller returns file and line of the first caller outside of this file.
func caller() string {
	var pcs [8]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasSuffix(f.Function, "middleware.(*Mux).Handle") && !strings.HasSuffix(f.Function, "middleware.(*Mux).HandleFunc") {
			return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
		}
		if !more {
			return "unknown"
		}
	}
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
	if err == nil && full.kind != accessRequired {
		err = errors.New("it is " + accessNames[full.kind] + ": a group can only ask for more; use Authenticated or Require")
	}
	if err != nil {
		err = fmt.Errorf("its group: %w", err)
	}
	return &Mux{table: m.table, group: full, err: errors.Join(m.err, err)}
}

// A Route describes one route, for lists, tests and API descriptions.
type Route struct {
	// Pattern is as it was registered; Method is "" where the pattern has none.
	Pattern, Method, Host, Path string
	// Access is "public", "optional" or "required", and "unsaid" where it is not stated, which Build refuses.
	Access string
	// Schemes are those that the route serves, strongest first; none where it is public.
	Schemes []auth.Scheme
	// Rule describes the requirement; its Kind is "" where a principal is enough.
	Rule auth.Rule
	// Also are the guards that are asked too, outermost first: of each, one scheme is needed beside one of Schemes.
	Also []FurtherGuard
	// Concealed says that refusals are answered with 404.
	Concealed bool
	// Err is what Build reports about the access, so that Schemes and Rule are not known; nil where there is nothing.
	Err error
}

// A FurtherGuard describes a guard that a route asks beside its own; see [Access.Also].
type FurtherGuard struct {
	// Schemes and Rule are as those of a [Route].
	Schemes []auth.Scheme
	Rule    auth.Rule
}

// Routes lists the routes in the order of registration. It can be called before and after Build; before, Schemes and Rule
// are those of the routes that could be built by then.
func (m *Mux) Routes() []Route {
	list := make([]Route, 0, len(m.table.routes))
	for _, rt := range m.table.routes {
		out := Route{Pattern: rt.pattern, Access: accessNames[rt.access.kind], Concealed: rt.access.conceal}
		out.Method, out.Host, out.Path = splitPattern(rt.pattern)
		out.Err = rt.err
		if rt.access.kind > accessPublic && rt.err == nil {
			guards, err := rt.access.apply(m.table.config.Guard)
			if out.Err = err; err == nil {
				own := guards[len(guards)-1]
				out.Schemes, out.Rule, out.Concealed = own.Schemes(), own.rule(), own.c.Conceal
				for _, g := range guards[:len(guards)-1] {
					out.Also = append(out.Also, FurtherGuard{g.Schemes(), g.rule()})
				}
			}
		}
		list = append(list, out)
	}
	return list
}

// String returns the route on one line, for people.
func (r Route) String() string {
	parts := []string{r.Pattern, r.Access}
	for _, s := range r.Schemes {
		parts = append(parts, s.Name)
	}
	if r.Rule.Kind != "" {
		parts = append(parts, r.Rule.String())
	}
	for _, g := range r.Also {
		parts = append(parts, "and")
		for _, s := range g.Schemes {
			parts = append(parts, s.Name)
		}
		if g.Rule.Kind != "" {
			parts = append(parts, g.Rule.String())
		}
	}
	if r.Concealed {
		parts = append(parts, "concealed")
	}
	return strings.Join(parts, "  ")
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
	} else if t.config.HideUnknown && t.config.Guard.c.Optional {
		errs = append(errs, errors.New("middleware: MuxConfig.HideUnknown with an optional Guard hides nothing: set one that is required"))
	}
	s := &server{config: t.config, mux: http.NewServeMux(), visible: http.NewServeMux()}
	for i := range t.routes {
		if err := s.add(&t.routes[i]); err != nil {
			errs = append(errs, fmt.Errorf("middleware: route %q (%s): %w", t.routes[i].pattern, t.routes[i].at, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.serveUnknown()
	if !s.hides {
		return s.mux, nil
	}
	for _, rt := range t.routes {
		if rt.catchesAll() {
			return nil, fmt.Errorf("middleware: route %q answers every path, beside which concealed or hidden ones stand out: use MuxConfig.NotFound for it", rt.pattern)
		}
	}
	return s, nil
}

// catchesAll reports whether the route matches every path.
func (rt *route) catchesAll() bool {
	_, _, path := splitPattern(rt.pattern)
	return path == "/" || strings.HasPrefix(path, "/{") && strings.HasSuffix(path, "...}") && strings.Count(path, "/") == 1
}

// server is a built Mux.
type server struct {
	config  MuxConfig
	mux     *http.ServeMux
	visible *http.ServeMux // the routes whose existence is no secret, to find out which methods a path has
	methods []string
	hides   bool
}

// routeHandler is what serves a route, to tell it from what http.ServeMux makes up itself.
type routeHandler struct {
	http.Handler
	guard func(http.Handler) http.Handler // puts what the route asks for in front of a handler; nil where public
}

// ServeHTTP is that of a mux with something to hide. http.ServeMux redirects /tree to /tree/ where that is a route, and
// tells so that it exists: such an answer is put behind what the route itself asks for.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, _ := s.mux.Handler(r)
	if _, ours := h.(*routeHandler); ours {
		s.mux.ServeHTTP(w, r)
		return
	}
	target := r.WithContext(r.Context())
	u := *r.URL
	u.Path, u.RawPath = u.Path+"/", ""
	target.URL = &u
	if t, _ := s.mux.Handler(target); t != nil {
		if t, ours := t.(*routeHandler); ours && t.guard != nil {
			h = t.guard(h)
		}
	}
	h.ServeHTTP(w, r)
}

func (s *server) add(rt *route) error {
	if rt.err != nil {
		return rt.err
	}
	h := &routeHandler{Handler: rt.handler}
	concealed := false
	if rt.access.kind != accessPublic {
		guards, err := rt.access.apply(s.config.Guard)
		if err != nil {
			return err
		}
		for i, g := range guards {
			if guards[i], err = g.With(func(c *Config) { c.NotFound = http.HandlerFunc(s.unknown) }); err != nil {
				return err
			}
		}
		concealed = guards[0].c.Conceal // all of them, or none
		inner := func(next http.Handler) http.Handler {
			for _, g := range slices.Backward(guards) {
				next = g.Handler(next)
			}
			return next
		}
		h.guard = inner
		if concealed && s.config.HideUnknown {
			if rt.access.guard != nil && rt.access.guard != s.config.Guard {
				return errors.New("it is concealed and has a guard of its own, while HideUnknown answers unknown paths by MuxConfig.Guard: the two would differ; drop one of them")
			}
			// What does not exist asks for a credential first, so this does too.
			front := *s.config.Guard
			front.front = true
			h.guard = func(next http.Handler) http.Handler { return front.Handler(inner(next)) }
		}
		h.Handler = h.guard(rt.handler)
	}
	if s.config.Around != nil {
		if h.Handler = s.config.Around(h.Handler); h.Handler == nil {
			return errors.New("MuxConfig.Around made nil of its handler: return one that calls it")
		}
	}
	if err := register(s.mux, rt.pattern, h); err != nil {
		return err
	}
	s.hides = s.hides || concealed || s.config.HideUnknown
	if concealed {
		return nil
	}
	method, _, _ := splitPattern(rt.pattern)
	for _, m := range methodsOf(method) {
		if !slices.Contains(s.methods, m) {
			s.methods = append(s.methods, m)
		}
	}
	return register(s.visible, rt.pattern, http.NotFoundHandler())
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

// locations are those of registrations in what http.ServeMux says: all are in this file.
var locations = regexp.MustCompile(` \(registered at [^)]*\)`)

// register turns the panics of http.ServeMux, which are for patterns that are wrong or conflict, into errors.
func register(mux *http.ServeMux, pattern string, h http.Handler) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s", locations.ReplaceAllString(fmt.Sprint(v), ""))
		}
	}()
	mux.Handle(pattern, h)
	return nil
}

// serveUnknown answers what no route matches, unless a route matches everything.
func (s *server) serveUnknown() {
	h := &routeHandler{Handler: http.HandlerFunc(s.unknown)}
	if s.config.HideUnknown {
		h.Handler = s.config.Guard.Handler(h.Handler)
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
	switch {
	case len(allow) > 0:
	case s.config.NotFound != nil:
		s.config.NotFound.ServeHTTP(w, r)
		return
	default:
		problem.Write(w, http.StatusNotFound, textNotFound)
		return
	}
	slices.Sort(allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	problem.Write(w, http.StatusMethodNotAllowed, "the method is not allowed here")
}
