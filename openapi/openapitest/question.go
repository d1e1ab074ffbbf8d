package openapitest

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
)

// A question is about one operation.
type question struct {
	k         *checker
	at        string // for people
	method    string
	path      string
	op        operation
	concealed bool
}

type want string

const (
	goesOn    want = "the handler's answer"
	unknown   want = "401"
	forbidden want = "403 or a 401 that asks for another login"
	quiet     want = "403 or 401" // of a scheme that no challenge can name
)

// without asks with nothing sent. Every scheme of the document is in the challenge, but for those that have none and those
// that only a further guard asks for.
func (q question) without(optional bool, taken map[string]bool) {
	resp := q.send(func(*http.Request) {})
	if optional {
		q.expect(resp, "without a credential", goesOn)
		return
	}
	q.expect(resp, "without a credential", unknown)
	if resp.Code != http.StatusUnauthorized || q.several() {
		return
	}
	challenges, err := auth.ParseChallenges(resp.Header().Values("WWW-Authenticate")...)
	if err != nil {
		q.k.fail("%s: its challenges can't be read: %v", q.at, err)
		return
	}
	for name := range taken {
		s := q.k.doc.Components.SecuritySchemes[name]
		if s.Type != "http" {
			continue // the document does not say by which name a challenge would ask for it
		}
		if !slices.ContainsFunc(challenges, func(c auth.Challenge) bool { return strings.EqualFold(c.Scheme, s.Scheme) }) {
			q.k.fail("%s: scheme %q is in the document and in no challenge", q.at, name)
		}
	}
}

// several reports whether the operation takes schemes that are needed together.
func (q question) several() bool {
	return slices.ContainsFunc(*q.op.Security, func(alternative map[string][]string) bool { return len(alternative) > 1 })
}

// presented is a credential of a scheme: the wrong one, one that is too little, or one that is enough.
type presented struct{ scheme, which string }

// alternative asks with each credential of schemes that are enough together: each of them wrong, and left out, beside the
// others; all of them too little; and all of them enough.
func (q question) alternative(names []string) {
	if len(names) == 0 {
		return // nothing is enough, which without has asked
	}
	all := func(which string) (list []presented) {
		for _, name := range names {
			list = append(list, presented{name, which})
		}
		return list
	}
	for i, name := range names {
		others := slices.Delete(all("enough"), i, i+1)
		if q.enough(slices.Delete(slices.Clone(names), i, i+1)) {
			continue // whatever is beside them
		}
		q.ask(unknown, append(others, presented{name, "wrong"})...)
		if len(others) > 0 {
			q.ask(unknown, others...)
		}
	}
	if !slices.ContainsFunc(names, func(name string) bool { return q.k.Credentials[name].Little == "" }) {
		switch {
		case q.op.Requirement == nil:
			q.ask(goesOn, all("little")...)
		case slices.ContainsFunc(names, func(name string) bool { return q.k.doc.Components.SecuritySchemes[name].Type == "mutualTLS" }):
			q.ask(quiet, all("little")...)
		default:
			q.ask(forbidden, all("little")...)
		}
	}
	q.ask(goesOn, all("enough")...)
}

// enough reports whether schemes hold all of some alternative.
func (q question) enough(names []string) bool {
	return slices.ContainsFunc(*q.op.Security, func(alternative map[string][]string) bool {
		for name := range alternative {
			if !slices.Contains(names, name) {
				return false
			}
		}
		return len(alternative) > 0
	})
}

// foreign asks with a good credential of a scheme that the operation does not take. Where it is optional, what is sent to a
// place that nobody looks at goes on, so nothing follows from the answer.
func (q question) foreign(name string, optional bool) {
	if !optional {
		q.ask(unknown, presented{name, "enough"})
	}
}

func (q question) ask(w want, credentials ...presented) {
	var how []string
	for _, c := range credentials {
		how = append(how, c.which+" of scheme "+c.scheme)
	}
	resp := q.send(func(r *http.Request) {
		for _, c := range credentials {
			q.present(r, c)
		}
	})
	q.expect(resp, "with "+strings.Join(how, " and "), w)
}

func (q question) present(r *http.Request, p presented) {
	s, c := q.k.doc.Components.SecuritySchemes[p.scheme], q.k.Credentials[p.scheme]
	v := map[string]string{"enough": c.Enough, "little": c.Little, "wrong": c.Wrong}[p.which]
	if v == "" {
		v = "wrong"
		if strings.EqualFold(s.Scheme, "basic") {
			v = "wrong:wrong"
		}
	}
	if c.Apply != nil {
		c.Apply(r, v)
		return
	}
	s.apply(r, v)
}

func (s scheme) apply(r *http.Request, v string) {
	switch {
	case s.Type == "apiKey" && s.In == "query":
		values := r.URL.Query()
		values.Set(s.Name, v)
		r.URL.RawQuery = values.Encode()
	case s.Type == "apiKey" && s.In == "cookie":
		r.AddCookie(&http.Cookie{Name: s.Name, Value: v}) //nolint:gosec // a request's cookie has no attributes
	case s.Type == "apiKey":
		r.Header.Set(s.Name, v)
	case strings.EqualFold(s.Scheme, "basic"):
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(v)))
	case s.Scheme != "":
		r.Header.Set("Authorization", strings.ToUpper(s.Scheme[:1])+s.Scheme[1:]+" "+v)
	default: // oauth2, openIdConnect
		r.Header.Set("Authorization", "Bearer "+v)
	}
}

func (q question) send(present func(*http.Request)) *httptest.ResponseRecorder {
	target := q.k.Prefix + q.path
	for _, part := range strings.Split(q.path, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		v := q.k.PathValues[name]
		if v == "" {
			v = "1"
		}
		target = strings.ReplaceAll(target, "{"+name+"}", v)
	}
	r := httptest.NewRequestWithContext(context.Background(), q.method, target, nil)
	if len(q.op.Servers) > 0 {
		if host, ok := strings.CutPrefix(q.op.Servers[0].URL, "//"); ok {
			r.Host = host
		}
	}
	if q.k.Prepare != nil {
		q.k.Prepare(r)
	}
	present(r)
	w := httptest.NewRecorder()
	q.k.Handler.ServeHTTP(w, r)
	return w
}

func (q question) expect(resp *httptest.ResponseRecorder, how string, w want) {
	status := resp.Code
	var ok bool
	switch {
	case q.concealed && w == goesOn:
		ok = !refused(status) && status != http.StatusNotFound
	case q.concealed:
		ok = status == http.StatusNotFound
	case w == goesOn:
		ok = !refused(status)
	case w == quiet:
		ok = status == http.StatusForbidden || status == http.StatusUnauthorized
	case w == forbidden:
		ok = status == http.StatusForbidden || status == http.StatusUnauthorized && asksForAnotherLogin(resp)
	default:
		ok = status == http.StatusUnauthorized
	}
	if !ok {
		q.k.fail("%s %s: got %d, want %s", q.at, how, status, w)
	}
}

func refused(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	}
	return false
}

// asksForAnotherLogin reports whether a challenge says what the login lacks (RFC 9470 §3); only those of bearer tokens have
// an error code beside it.
func asksForAnotherLogin(resp *httptest.ResponseRecorder) bool {
	challenges, err := auth.ParseChallenges(resp.Header().Values("WWW-Authenticate")...)
	return err == nil && slices.ContainsFunc(challenges, func(c auth.Challenge) bool {
		_, age := c.Param("max_age")
		_, class := c.Param("acr_values")
		return age || class
	})
}
