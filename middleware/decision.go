package middleware

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/problem"
)

// A Decision is what a [Guard] made of a request.
type Decision struct {
	// Principal is who is behind the request. It is nil where Err is not, and where the request goes on without
	// one (optional authentication, preflight).
	Principal *auth.Principal
	// Err is nil where the request may go on, else an *auth.Error. Answers take Status and Text instead, which keep
	// what the guard conceals.
	Err error
	// Request is the one to hand on: it carries the principal and no credential in its URL. Nil where Err is not.
	Request *http.Request

	outcome    auth.Outcome
	guard      *Guard
	schemes    []auth.Scheme   // of the one that decided
	proven     *auth.Principal // of a refusal
	header     http.Header
	challenges []auth.Challenge
	unread     []string
	reason     auth.Reason
	stale      string
	late       bool // the handler's own refusal, after the guard had let the request in
}

// Status is the status code that answers the decision: 200 where the request may go on, 404 where the refusal is
// concealed.
func (d Decision) Status() int {
	switch {
	case d.Err == nil:
		return http.StatusOK
	case d.concealed():
		return http.StatusNotFound
	}
	return auth.AsError(d.Err).Kind.Status()
}

// Text is the sentence that may be shown to the client; "" where the request may go on.
func (d Decision) Text() string {
	switch {
	case d.Err == nil:
		return ""
	case d.concealed():
		return textNotFound
	}
	return auth.AsError(d.Err).Error()
}

const textNotFound = "there is nothing here"

// concealed reports whether the answer is that of nothing. An outage behind a guard that has let the caller in is none: they
// know what is there.
func (d Decision) concealed() bool {
	if d.late {
		if kind := auth.KindOf(d.Err); kind == auth.KindUnavailable || kind == auth.KindThrottled {
			return false
		}
	}
	return d.guard != nil && d.guard.c.Conceal
}

// Challenges returns those that the answer carries, in order, or none.
func (d Decision) Challenges() []auth.Challenge {
	if d.concealed() {
		return nil
	}
	return slices.Clone(d.challenges)
}

// AddHeaders adds what the decision has to say to the headers of the response, whether the request goes on or not:
// challenges, Retry-After, Cache-Control, Vary and what the authenticator asked for. Handler calls it; who calls Check
// does so by hand.
func (d Decision) AddHeaders(h http.Header) {
	if d.Err != nil && d.concealed() {
		h.Set("Cache-Control", "no-store")
		return
	}
	for name, values := range d.header {
		h[name] = append(h[name], values...)
	}
	if g := d.guard; g != nil && g.private {
		if g.vary != "" {
			h.Add("Vary", g.vary)
		}
		if h.Get("Cache-Control") == "" {
			h.Set("Cache-Control", "private") // RFC 6750 §2.3
		}
	}
	d.addRefusal(h)
}

// addRefusal adds what answers an error.
func (d Decision) addRefusal(h http.Header) {
	if d.Err == nil {
		return
	}
	h.Set("Cache-Control", "no-store")
	if d.concealed() {
		return
	}
	for _, c := range d.challenges {
		h.Add("WWW-Authenticate", c.String())
	}
	if e := auth.AsError(d.Err); e.Kind == auth.KindThrottled || e.Kind == auth.KindUnavailable {
		h.Set("Retry-After", problem.RetryAfter(e.RetryAfter))
	}
}

// An ErrorWriter answers a refusal. The guard has already set every header that belongs to the decision; an ErrorWriter
// adds a content type, writes d.Status() and a body.
type ErrorWriter func(w http.ResponseWriter, r *http.Request, d Decision)

// WriteProblem is the default [ErrorWriter]: application/problem+json (RFC 9457) with type, title, status and detail.
func WriteProblem(w http.ResponseWriter, _ *http.Request, d Decision) {
	problem.Write(w, d.Status(), d.Text())
}

// challenges returns those that answer e, strongest first.
func (g *Guard) challenges(r *http.Request, schemes []auth.Scheme, e *auth.Error, outer *guardContext) []auth.Challenge {
	if schemes == nil {
		schemes = g.schemes
	}
	var scopes []string
	switch e.Kind {
	case auth.KindNoCredential:
		schemes, scopes = g.schemes, g.routeScopes(outer)
	case auth.KindMalformed:
		schemes = bearers(schemes)
	case auth.KindInvalid:
		schemes, scopes = filled(schemes, r), g.routeScopes(outer)
	case auth.KindStepUp:
		schemes = filled(schemes, r)
	case auth.KindForbidden:
		schemes, scopes = bearers(filled(schemes, r)), g.routeScopes(outer)
	default:
		return nil
	}
	schemes = slices.SortedStableFunc(slices.Values(schemes), byStrength)
	var list []auth.Challenge
	for _, s := range schemes {
		switch {
		case s.AuthScheme == "" || g.hidden(s, r):
		case s.TakesBearerCodes():
			list = append(list, bearerChallenge(s, e, scopes))
		default:
			list = append(list, s.Challenge(e.Params...))
		}
	}
	return list
}

// bearerChallenge names the scopes that the route needs (RFC 6750 §3), so that a client asks for the right token at once. In
// a 401 they come after those that the scheme tells clients to begin with.
func bearerChallenge(s auth.Scheme, e *auth.Error, scopes []string) auth.Challenge {
	var params []auth.Param
	if code := e.Kind.BearerCode(); code != "" {
		params = append(params, auth.Param{Name: "error", Value: code})
	}
	if first, ok := s.Challenge().Param("scope"); ok && e.Kind != auth.KindForbidden {
		scopes = once(strings.Fields(first), scopes)
	}
	if len(scopes) > 0 {
		params = append(params, auth.Param{Name: "scope", Value: strings.Join(scopes, " ")})
	}
	return s.Challenge(append(params, e.Params...)...)
}

// routeScopes returns what the whole route needs: the scopes of this guard and of those further out.
func (g *Guard) routeScopes(outer *guardContext) []string {
	var all []string
	for ; outer != nil; outer = outer.outer {
		all = append(slices.Clip(outer.guard.scopes), all...)
	}
	return once(all, g.scopes)
}

// once returns each of the scopes once, in order.
func once(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		for _, s := range list {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

func bearers(schemes []auth.Scheme) []auth.Scheme {
	var some []auth.Scheme
	for _, s := range schemes {
		if s.TakesBearerCodes() {
			some = append(some, s)
		}
	}
	return some
}

// filled returns the schemes whose place in r is filled, and all of them where none is: the value was elsewhere.
func filled(schemes []auth.Scheme, r *http.Request) []auth.Scheme {
	var some []auth.Scheme
	for _, s := range schemes {
		if s.Present(r) {
			some = append(some, s)
		}
	}
	if some == nil {
		return schemes
	}
	return some
}

func (g *Guard) hidden(s auth.Scheme, r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return g.c.HideBasicFromScripts && strings.EqualFold(s.AuthScheme, "Basic") && mode != "" && mode != "navigate"
}

// byStrength orders challenges: bound tokens, bearer tokens, others, Basic. Clients that read one take the first.
func byStrength(a, b auth.Scheme) int { return strength(a) - strength(b) }

func strength(s auth.Scheme) int {
	switch strings.ToLower(s.AuthScheme) {
	case "dpop":
		return 0
	case "bearer":
		return 1
	case "basic":
		return 3
	}
	return 2
}

// observe reports a decision.
func (g *Guard) observe(r *http.Request, start time.Time, d Decision) {
	if g.c.Observer == nil {
		return
	}
	e := auth.Event{
		Time: start, Duration: g.now().Sub(start), Outcome: d.outcome, Reason: d.reason,
		Unread: d.unread, Foreign: auth.ForeignScheme(r, g.schemes), Remote: g.remote(r), Method: r.Method, Route: r.Pattern,
	}
	if d.outcome == auth.OutcomePanicked {
		e.Reason = auth.ReasonPanic // what is answered is up to the server's recovery
	} else if d.Err != nil {
		err := auth.AsError(d.Err)
		e.Kind, e.Reason, e.Status, e.Concealed = err.Kind, err.Reason, d.Status(), d.concealed()
		e.CredentialID = err.CredentialID
		var asked auth.Describer
		if d.late && errors.As(err, &asked) {
			e.Missing = asked.Describe().String()
		}
		if d.proven != nil && !d.late && (e.Kind == auth.KindForbidden || e.Kind == auth.KindStepUp) {
			e.Missing = auth.Describe(g.c.Require).String()
		}
	}
	switch {
	case d.stale != "":
		e.Authenticator, e.Scheme = d.stale, d.stale
	case e.Kind == auth.KindNoCredential || e.Reason == auth.ReasonUnrecognized:
	default:
		e.Authenticator, e.Scheme = who(d.schemes, r)
	}
	e.InURL = slices.ContainsFunc(d.schemes, func(s auth.Scheme) bool { return s.In == auth.InQuery && s.Present(r) })
	p := d.Principal
	if p == nil {
		p = d.proven
	}
	if p != nil {
		if e.Authenticator == "" { // it was set on purpose
			e.Authenticator, e.Scheme = p.Authenticator(), p.Scheme()
		}
		e.Issuer, e.Subject, e.CredentialID = p.Issuer(), p.Subject(), p.CredentialID()
	}
	g.c.Observer.Observe(r.Context(), e)
}

// who names an authenticator by its first scheme, and the scheme whose place was filled.
func who(schemes []auth.Scheme, r *http.Request) (authenticator, scheme string) {
	if i := slices.IndexFunc(schemes, func(s auth.Scheme) bool { return s.Present(r) }); i >= 0 {
		return schemes[0].Name, schemes[i].Name
	}
	return "", ""
}

func (g *Guard) remote(r *http.Request) string {
	if g.c.ClientAddr == nil {
		return r.RemoteAddr
	}
	a, err := g.c.ClientAddr(r)
	if err != nil {
		return "unknown"
	}
	return a.String()
}
