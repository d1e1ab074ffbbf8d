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
	"github.com/cardea-go/auth/internal/place"
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
	// ErrorWriter answers refusals that are not concealed. Nil is WriteProblem.
	ErrorWriter ErrorWriter
	// NotFound answers refusals that are concealed: set it to what answers requests for things that do not exist.
	// Nil is a problem of status 404. A Mux sets it for its routes.
	NotFound http.Handler
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
	private bool     // answers are not for shared caches
	query   []string // query parameters that hold credentials
	// comparable says that the authenticator and its leaves can be compared; otherwise no principal is reused.
	comparable bool
	scopes     []string // that Require asks for
	front      bool     // what does not exist is behind it too
}

// New returns the guard that c describes. It reports every mistake at once.
func New(c Config) (*Guard, error) {
	var errs []error
	if c.Authenticator == nil {
		errs = append(errs, errors.New("middleware: Config.Authenticator is nil: set one"))
	} else {
		errs = append(errs, auth.ValidateAuthenticator(c.Authenticator))
	}
	if v, ok := c.Require.(auth.Validator); ok {
		errs = append(errs, v.Validate())
	}
	if c.Optional && c.Require != nil {
		errs = append(errs, errors.New("middleware: Optional together with Require: nobody meets a requirement without a principal; leave one out"))
	}
	if c.Conceal && (c.Optional || c.AllowPreflight) {
		errs = append(errs, errors.New("middleware: Conceal together with Optional or AllowPreflight: whoever sends nothing sees the route; leave one out"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	g := &Guard{c: c, schemes: slices.Clone(c.Authenticator.Schemes()), leaves: leaves(c.Authenticator)}
	slices.SortStableFunc(g.schemes, byStrength)
	g.vary = varyOf(g.schemes, c.Optional)
	for _, s := range g.schemes {
		if s.In == auth.InQuery {
			g.query = append(g.query, s.Parameter)
		}
	}
	g.comparable = isComparable(c.Authenticator) && !slices.ContainsFunc(g.leaves, func(a auth.Authenticator) bool { return !isComparable(a) })
	g.private = g.vary != "" || len(g.query) > 0
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

// rule describes what the guard asks for beyond a principal.
func (g *Guard) rule() auth.Rule {
	if g.c.Require == nil {
		return auth.Rule{}
	}
	return auth.Describe(g.c.Require)
}

// Schemes returns a copy of the schemes that the guard serves, strongest first.
func (g *Guard) Schemes() []auth.Scheme {
	list := slices.Clone(g.schemes)
	for i := range list {
		list[i].Params = slices.Clone(list[i].Params)
		list[i].Flows = slices.Clone(list[i].Flows)
	}
	return list
}

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
			if d.concealed() {
				refuser(r).takeBack(w.Header())
			}
			g.answer(w, r, d)
			return
		}
		next.ServeHTTP(w, d.Request)
	})
}

// answer writes status and body of a refusal.
func (g *Guard) answer(w http.ResponseWriter, r *http.Request, d Decision) {
	switch {
	case d.concealed() && g.c.NotFound != nil:
		g.c.NotFound.ServeHTTP(w, refuser(r).outside(r))
	case g.c.ErrorWriter == nil || d.concealed():
		WriteProblem(w, r, d)
	default:
		g.c.ErrorWriter(w, r, d)
	}
}

// HandlerFunc is Handler for a function.
func (g *Guard) HandlerFunc(next func(http.ResponseWriter, *http.Request)) http.Handler {
	return g.Handler(http.HandlerFunc(next))
}

// Check decides about r and writes nothing, for frameworks and transports that answer in their own way. The decision is
// reported to the observer. A principal that a guard further out proved is taken as it is where that guard's
// authenticator is one of this guard's, unless one that comes before it in this guard's chain has a credential too; and so
// is one set with auth.NewContext.
func (g *Guard) Check(r *http.Request) Decision {
	var start time.Time
	if g.c.Observer != nil {
		start = g.now()
	}
	done := false
	defer func() {
		if !done {
			g.observe(r, start, Decision{outcome: auth.OutcomePanicked})
		}
	}()
	d := g.decide(r)
	done = true
	g.observe(r, start, d)
	g.logCause(r, d.Err)
	return d
}

func (g *Guard) decide(r *http.Request) Decision {
	if g.c.AllowPreflight && isPreflight(r) {
		return Decision{Request: g.withoutQueryCredentials(r), outcome: auth.OutcomePreflight, guard: g}
	}
	if g.c.RefuseForeignSchemes && auth.ForeignScheme(r, g.schemes) != "" {
		return g.refuse(r, auth.Decision{}, &auth.Error{Kind: auth.KindNoCredential, Reason: auth.ReasonForeign}, nil)
	}
	outer, _ := r.Context().Value(ctxkey.Guard{}).(*guardContext)
	var d auth.Decision
	if p, ok := auth.FromContext(r.Context()); ok && outer == nil {
		d.Principal = p
	} else if proof := g.proof(r, outer); proof != nil {
		d.Principal, d.By, d.Schemes = proof.principal, proof.by, proof.schemes
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
		outcome: auth.OutcomeAllowed, guard: g, schemes: schemesOf(d), header: d.Header, unread: d.Unread,
	}
}

// schemesOf returns the schemes of the one that decided; none where a principal was set on purpose.
func schemesOf(d auth.Decision) []auth.Scheme {
	switch {
	case d.Schemes != nil:
		return d.Schemes
	case d.By != nil:
		return d.By.Schemes()
	}
	return nil
}

// proof returns what the nearest guard further out proved whose principal counts as proven here, or nil. Guards in between
// may have proved somebody else, by another credential.
func (g *Guard) proof(r *http.Request, outer *guardContext) *guardContext {
	for outer != nil && !g.trusts(r, outer) {
		outer = outer.outer
	}
	return outer
}

// trusts reports whether the principal of a guard further out counts as proven here: it was set there on purpose, or
// proved by an authenticator that this guard would have asked.
func (g *Guard) trusts(r *http.Request, outer *guardContext) bool {
	switch {
	case outer.by == nil:
		return true
	case !outer.guard.comparable || !g.comparable:
		return false
	case outer.guard.c.Authenticator == g.c.Authenticator:
		return true
	}
	if c, ok := g.c.Authenticator.(*auth.Chain); ok && c.RefusesMultiple() {
		return false // nobody has looked for a second credential yet
	}
	i := slices.Index(g.leaves, outer.by)
	return i >= 0 && !slices.ContainsFunc(g.leaves[:i], func(earlier auth.Authenticator) bool {
		return comesFirst(earlier, outer.by, r) // the chain would have asked that one
	})
}

// comesFirst reports whether r has a credential for earlier, an authenticator before by in a chain, in a place of which by
// did not read it.
func comesFirst(earlier, by auth.Authenticator, r *http.Request) bool {
	return slices.ContainsFunc(earlier.Schemes(), func(s auth.Scheme) bool {
		return s.Present(r) && !slices.ContainsFunc(by.Schemes(), func(t auth.Scheme) bool { return place.Shared(s, t) })
	})
}

// isComparable reports whether == on a does not panic. Authenticators are the same by identity.
func isComparable(a auth.Authenticator) bool { return reflect.ValueOf(a).Comparable() }

// leaves returns the members of a chain, and of chains in it.
func leaves(a auth.Authenticator) []auth.Authenticator {
	c, ok := a.(*auth.Chain)
	if !ok {
		return []auth.Authenticator{a}
	}
	var all []auth.Authenticator
	for _, m := range c.Members() {
		all = append(all, leaves(m)...)
	}
	return all
}

// withoutPrincipal ends a decision in which no principal was proved.
func (g *Guard) withoutPrincipal(r *http.Request, d auth.Decision) Decision {
	if e := auth.AsError(d.Err); e.Kind != auth.KindNoCredential {
		return g.refuse(r, d, e, nil)
	}
	if d.Stale == "" && slices.ContainsFunc(g.schemes, func(s auth.Scheme) bool { return s.Present(r) }) {
		// An authenticator looked away from what is in its own place. That is no way to become anonymous.
		d.Schemes = filled(g.schemes, r)
		return g.refuse(r, d, auth.Invalid(auth.ReasonUnrecognized, nil), nil)
	}
	var reason auth.Reason
	switch {
	case d.Stale != "":
		reason = auth.ReasonStale
	case auth.ForeignScheme(r, g.schemes) != "":
		reason = auth.ReasonForeign
	}
	if g.c.Optional {
		return Decision{Request: g.anonymous(r), outcome: auth.OutcomeAnonymous, guard: g, header: d.Header, reason: reason, stale: d.Stale}
	}
	if reason == "" {
		reason = auth.ReasonAbsent
	}
	refusal := g.refuse(r, d, &auth.Error{Kind: auth.KindNoCredential, Reason: reason}, nil)
	refusal.stale = d.Stale
	return refusal
}

func (g *Guard) refuse(r *http.Request, d auth.Decision, e *auth.Error, outer *guardContext) Decision {
	return Decision{
		Err: e, outcome: auth.OutcomeRefused, guard: g, schemes: schemesOf(d), header: d.Header, unread: d.Unread, reason: e.Reason,
		proven: d.Principal, challenges: g.challenges(r, schemesOf(d), e, outer),
	}
}

// guardContext is the context of an admitted request: one value for the principal and for what guards further in need.
type guardContext struct {
	context.Context
	principal *auth.Principal
	by        auth.Authenticator
	schemes   []auth.Scheme
	guard     *Guard
	outer     *guardContext
	header    http.Header // that the decision added to the response
}

// Value answers for the principal and for the guard, and passes every other key on.
func (c *guardContext) Value(key any) any {
	switch key.(type) {
	case ctxkey.Principal:
		return c.principal
	case ctxkey.Guard, ctxkey.Refuser:
		return c
	}
	return c.Context.Value(key)
}

// takeBack removes from h what the guards that let the request in have added: an answer that conceals has no trace of them.
func (c *guardContext) takeBack(h http.Header) {
	for ; c != nil; c = c.outer {
		if !c.guard.c.Conceal || c.guard.front {
			continue
		}
		takeBack(h, "Vary", c.guard.vary)
		for name, values := range c.header {
			for _, value := range values {
				takeBack(h, name, value)
			}
		}
	}
}

func takeBack(h http.Header, name, value string) {
	values := h[name]
	i := slices.Index(values, value)
	switch {
	case i < 0:
	case len(values) == 1:
		delete(h, name)
	default:
		h[name] = slices.Delete(slices.Clone(values), i, i+1)
	}
}

// refuser returns what the innermost guard left that let r in, or nil.
func refuser(r *http.Request) *guardContext {
	c, _ := r.Context().Value(ctxkey.Refuser{}).(*guardContext)
	return c
}

// outside returns r as it was before the first guard that conceals let it in: what answers for things that do not exist
// must not see who was let in.
func (c *guardContext) outside(r *http.Request) *http.Request {
	for ; c != nil; c = c.outer {
		if c.guard.c.Conceal && !c.guard.front {
			r = r.WithContext(c.Context)
		}
	}
	return r
}

// admit returns the request for the next handler.
func (g *Guard) admit(r *http.Request, d auth.Decision, outer *guardContext) *http.Request {
	next := r.WithContext(&guardContext{r.Context(), d.Principal, d.By, d.Schemes, g, outer, d.Header}) //nolint:contextcheck // it embeds the request's own context
	if len(g.query) > 0 {
		cutQuery(next, g.query)
	}
	if g.c.RemoveCredentials {
		schemes := schemesOf(d)
		if schemes == nil {
			schemes = g.schemes // nobody looked: none of them is for the next handler
		}
		removeCredentials(next, schemes)
	}
	return next
}

// anonymous returns the request for the next handler where nothing was sent. A principal that a guard further out proved
// is none of this guard's, so it is not shown to whoever asks this guard.
func (g *Guard) anonymous(r *http.Request) *http.Request {
	if _, ok := auth.FromContext(r.Context()); ok {
		return r.WithContext(auth.Without(r.Context()))
	}
	return r
}

func (g *Guard) withoutQueryCredentials(r *http.Request) *http.Request {
	if len(g.query) == 0 {
		return r
	}
	next := r.WithContext(r.Context())
	cutQuery(next, g.query)
	return next
}

func (g *Guard) now() time.Time {
	if g.c.Clock == nil {
		return time.Now()
	}
	return g.c.Clock()
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

func (g *Guard) logCause(r *http.Request, err error) {
	if g.c.ErrorLog == nil || err == nil {
		return
	}
	if e := auth.AsError(err); e.Kind == auth.KindUnavailable {
		g.c.ErrorLog.LogAttrs(r.Context(), slog.LevelError, "auth: no decision", slog.Any("error", e),
			slog.String("method", r.Method), slog.String("route", r.Pattern), slog.String("remote", g.remote(r)))
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
