package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/ctxkey"
)

// A Config configures a [Guard]. Only Authenticator is required.
type Config struct {
	// Authenticator decides who is behind a request. Several are joined by auth.FirstOf. Required.
	Authenticator auth.Authenticator
	// Require decides whether a principal may go on; several are joined by auth.All. Nil lets every principal
	// go on. It can't be set together with Optional.
	Require auth.Requirement
	// Optional lets a request go on without a principal where nothing was sent. A credential that is there and
	// not accepted is still refused.
	Optional bool

	// Observer is told of every decision. Nil tells nobody; see auth.NewLogObserver.
	Observer auth.Observer
	// ErrorLog gets the causes of decisions that could not be made (503) and of broken contracts, which events
	// leave out because they are not written by this module. Nil drops them.
	ErrorLog *slog.Logger
	// ErrorWriter answers refusals. Nil is WriteProblem.
	ErrorWriter ErrorWriter
	// ClientAddr gives the client's address in events. Nil writes the request's RemoteAddr as it is.
	ClientAddr auth.AddrFunc
	// Clock is the time of events. Nil is time.Now.
	Clock func() time.Time

	// Conceal answers every refusal with 404 and no challenge, while the event tells the truth.
	Conceal bool
	// AllowPreflight lets CORS preflights (OPTIONS with Origin and Access-Control-Request-Method) go on without
	// a principal. Any other OPTIONS request is decided on like the rest.
	AllowPreflight bool
	// RemoveCredentials takes the accepted credential out of the headers and cookies that the next handler sees.
	// A credential in the query is taken out always.
	RemoveCredentials bool
	// RefuseForeignSchemes answers 401 where Authorization names a scheme that Authenticator does not serve,
	// such as Negotiate or a front proxy's Basic, on optional routes too. Otherwise it counts as nothing.
	RefuseForeignSchemes bool
	// HideBasicFromScripts leaves the Basic challenge out of answers to requests that carry Sec-Fetch-Mode
	// other than navigate, so that a browser shows no password dialog for a fetch. Such a 401 may then have no
	// challenge at all.
	HideBasicFromScripts bool
}

// A Guard decides about requests and stands in front of handlers. It is immutable and safe for concurrent use.
type Guard struct {
	c       Config
	schemes []auth.Scheme // in the order of challenges
	leaves  []auth.Authenticator
	vary    string
	query   []string // query parameters that hold credentials
	scopes  []string // that Require asks for
}

// New returns the guard that c describes. It reports every mistake at once.
func New(c Config) (*Guard, error) {
	errs := []error{auth.ValidateAuthenticator(c.Authenticator)}
	if v, ok := c.Require.(auth.Validator); ok {
		errs = append(errs, v.Validate())
	}
	if c.Optional && c.Require != nil {
		errs = append(errs, errors.New("middleware: Optional together with Require: nobody meets a requirement without a principal; leave one out"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.ErrorWriter == nil {
		c.ErrorWriter = WriteProblem
	}
	g := &Guard{c: c, schemes: slices.Clone(c.Authenticator.Schemes()), leaves: leaves(c.Authenticator)}
	slices.SortStableFunc(g.schemes, byStrength)
	g.vary = varyOf(g.schemes, c.Optional)
	for _, s := range g.schemes {
		if s.In == auth.InQuery {
			g.query = append(g.query, s.Parameter)
		}
	}
	if c.Require != nil {
		g.scopes = auth.Describe(c.Require).Scopes()
	}
	return g, nil
}

// With returns the guard of the same configuration after change. g itself stays as it is.
func (g *Guard) With(change func(*Config)) (*Guard, error) {
	c := g.c
	change(&c)
	return New(c)
}

// Require returns a guard that asks for reqs too. It authenticates by itself where no guard further out did, so that it
// is safe alone.
func (g *Guard) Require(reqs ...auth.Requirement) (*Guard, error) {
	if len(reqs) == 0 {
		return nil, errors.New("middleware: Require of no requirement: name at least one")
	}
	return g.With(func(c *Config) {
		c.Optional = false
		c.Require = join(c.Require, reqs...)
	})
}

// MustRequire is [Guard.Require] for requirements that are constants of the program; it panics where that returns an
// error.
func (g *Guard) MustRequire(reqs ...auth.Requirement) *Guard {
	d, err := g.Require(reqs...)
	if err != nil {
		panic(err)
	}
	return d
}

func join(first auth.Requirement, more ...auth.Requirement) auth.Requirement {
	all := more
	if first != nil {
		all = append([]auth.Requirement{first}, more...)
	}
	if len(all) == 1 && all[0] != nil {
		return all[0]
	}
	return auth.All(all...)
}

// Schemes returns a copy of the schemes that the guard serves, strongest first.
func (g *Guard) Schemes() []auth.Scheme { return slices.Clone(g.schemes) }

// Handler returns a handler that answers refusals and hands every other request to next. It does not wrap the
// ResponseWriter: flushing, hijacking and full duplex stay what they were.
func (g *Guard) Handler(next http.Handler) http.Handler {
	if next == nil {
		panic("middleware: Guard.Handler: nil handler")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := g.Check(r)
		d.AddHeaders(w.Header())
		if d.Err != nil {
			g.c.ErrorWriter(w, r, d)
			return
		}
		next.ServeHTTP(w, d.Request)
	})
}

// HandlerFunc is Handler for a function.
func (g *Guard) HandlerFunc(next func(http.ResponseWriter, *http.Request)) http.Handler {
	return g.Handler(http.HandlerFunc(next))
}

// Check decides about r and writes nothing, for frameworks and transports that answer in their own way. The decision is
// reported to the observer. A principal that a guard further out proved is taken as it is where that guard's
// authenticator is one of this guard's, and so is one set with auth.NewContext.
func (g *Guard) Check(r *http.Request) Decision {
	var start time.Time
	if g.c.Observer != nil {
		start = g.c.Clock()
	}
	done := false
	defer func() {
		if !done {
			g.observe(r, start, Decision{outcome: auth.OutcomePanicked, Err: errPanicked})
		}
	}()
	d := g.decide(r)
	done = true
	g.observe(r, start, d)
	g.logCause(r.Context(), d.Err)
	return d
}

var errPanicked = &auth.Error{Kind: auth.KindUnavailable, Reason: auth.ReasonPanic}

func (g *Guard) decide(r *http.Request) Decision {
	if g.c.AllowPreflight && isPreflight(r) {
		return Decision{Request: r, outcome: auth.OutcomePreflight, guard: g}
	}
	outer, _ := r.Context().Value(guardKey{}).(*guardContext)
	var d auth.Decision
	if p, ok := auth.FromContext(r.Context()); ok && g.trusts(outer, p) {
		d.Principal = p
		if outer != nil {
			d.By = outer.by
		}
	} else {
		d = auth.Decide(g.c.Authenticator, r)
	}
	if d.Err != nil {
		return g.withoutPrincipal(r, d)
	}
	if g.c.Require != nil {
		if err := g.c.Require.Check(r.Context(), d.Principal); err != nil {
			return g.refuse(r, d, auth.AsError(err), outer)
		}
	}
	return Decision{
		Principal: d.Principal, Request: g.admit(r, d, outer),
		outcome: auth.OutcomeAllowed, guard: g, by: d.By, header: d.Header, unread: d.Unread,
	}
}

// trusts reports whether p, found in the request's context, counts as proven here: it was set there on purpose, or
// proved by an authenticator that this guard would have asked.
func (g *Guard) trusts(outer *guardContext, p *auth.Principal) bool {
	if outer == nil || outer.principal != p || outer.by == nil {
		return true
	}
	return slices.ContainsFunc(g.leaves, func(a auth.Authenticator) bool { return same(a, outer.by) })
}

// same compares two authenticators by identity; those of types that can't be compared are never the same.
func same(a, b auth.Authenticator) bool {
	return a != nil && b != nil && reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}

func leaves(a auth.Authenticator) []auth.Authenticator {
	c, ok := a.(*auth.Chain)
	if !ok {
		return []auth.Authenticator{a}
	}
	return c.Members()
}

// withoutPrincipal ends a decision in which no principal was proved.
func (g *Guard) withoutPrincipal(r *http.Request, d auth.Decision) Decision {
	if !errors.Is(d.Err, auth.ErrNoCredential) {
		return g.refuse(r, d, auth.AsError(d.Err), nil)
	}
	e := auth.AsError(auth.ErrNoCredential)
	foreign := auth.ForeignScheme(r, g.schemes)
	switch {
	case d.Stale != "":
		e.Reason = auth.ReasonStale
	case foreign != "":
		e.Reason = auth.ReasonForeign
	}
	if g.c.Optional && (foreign == "" || !g.c.RefuseForeignSchemes) {
		reason := e.Reason
		if reason == auth.ReasonAbsent {
			reason = ""
		}
		return Decision{Request: r, outcome: auth.OutcomeAnonymous, guard: g, header: d.Header, reason: reason, foreign: foreign, stale: d.Stale}
	}
	refusal := g.refuse(r, d, e, nil)
	refusal.foreign, refusal.stale = foreign, d.Stale
	return refusal
}

func (g *Guard) refuse(r *http.Request, d auth.Decision, e *auth.Error, outer *guardContext) Decision {
	return Decision{
		Err: e, outcome: auth.OutcomeRefused, guard: g, by: d.By, header: d.Header, unread: d.Unread, reason: e.Reason,
		proven: d.Principal, challenges: g.challenges(r, d, e, outer),
	}
}

// guardContext is the context of an admitted request: one value for the principal and for what guards further in need.
type guardContext struct {
	context.Context
	principal *auth.Principal
	by        auth.Authenticator
	guard     *Guard
	outer     *guardContext
}

type guardKey struct{}

// Value answers for the principal and for the guard, and passes every other key on.
func (c *guardContext) Value(key any) any {
	switch key.(type) {
	case ctxkey.Principal:
		return c.principal
	case guardKey:
		return c
	}
	return c.Context.Value(key)
}

// admit returns the request for the next handler.
func (g *Guard) admit(r *http.Request, d auth.Decision, outer *guardContext) *http.Request {
	next := r.WithContext(&guardContext{r.Context(), d.Principal, d.By, g, outer}) //nolint:contextcheck // it embeds the request's own context
	if len(g.query) > 0 {
		cutQuery(next, g.query)
	}
	if g.c.RemoveCredentials && d.By != nil {
		removeCredentials(next, d.By.Schemes())
	}
	return next
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// varyOf names the request headers that answers depend on. RFC 9111 §3.5 covers Authorization where it is required.
func varyOf(schemes []auth.Scheme, optional bool) string {
	var names []string
	for _, s := range schemes {
		name := ""
		switch {
		case s.In == auth.InCookie:
			name = "Cookie"
		case s.In == auth.InHeader && (optional || !s.InAuthorization()):
			name = http.CanonicalHeaderKey(s.Parameter)
		}
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func (g *Guard) logCause(ctx context.Context, err error) {
	if g.c.ErrorLog == nil || err == nil {
		return
	}
	if e := auth.AsError(err); e.Kind == auth.KindUnavailable {
		g.c.ErrorLog.LogAttrs(ctx, slog.LevelError, "auth: no decision", slog.Any("error", e))
	}
}

// String names the guard's schemes and requirement, for people.
func (g *Guard) String() string {
	names := make([]string, len(g.schemes))
	for i, s := range g.schemes {
		names[i] = s.Name
	}
	rule := "authenticated"
	switch {
	case g.c.Optional:
		rule = "optional"
	case g.c.Require != nil:
		rule = auth.Describe(g.c.Require).String()
	}
	return fmt.Sprintf("guard(%s: %s)", strings.Join(names, " "), rule)
}
