package apikey

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
)

// A Placement is a place in a request where a key may come: [Bearer], [Authorization], [Header], [InsecureQuery] or
// [Cookie] make one.
type Placement struct {
	in     auth.Location
	name   string // of the header, parameter or cookie, as it was given
	key    string // of a header alone: its name in http.Header
	scheme string // in Authorization
	// origins are other sites whose pages may send the cookie; protection is made of them.
	origins    []string
	protection *http.CrossOriginProtection
}

// Bearer places the key in Authorization: Bearer (RFC 6750 §2.1), which most clients and gateways can send.
func Bearer() Placement { return Authorization("Bearer") }

// Authorization places the key in the Authorization header under a scheme of that name, such as "ApiKey".
func Authorization(scheme string) Placement {
	return Placement{in: auth.InHeader, name: "Authorization", scheme: scheme}
}

// Header places the key, alone, in the header of that name, such as "X-API-Key".
func Header(name string) Placement {
	return Placement{in: auth.InHeader, name: name, key: textproto.CanonicalMIMEHeaderKey(name)}
}

// InsecureQuery places the key in the URL's query under that name. URLs are written to logs, histories and Referer
// headers by whoever sees them; the guard can only keep the key from the handlers behind it. Use it for clients that
// can't send a header.
func InsecureQuery(name string) Placement { return Placement{in: auth.InQuery, name: name} }

// Cookie places the key in the cookie of that name. As browsers send cookies unasked, such a request is refused with 403
// where it may change something (any method but GET, HEAD and OPTIONS, and every protocol upgrade) and comes from
// another site, by [http.CrossOriginProtection]. trustedOrigins, such as "https://app.example.com", may send it too. Set
// the cookie with Secure, HttpOnly and SameSite.
func Cookie(name string, trustedOrigins ...string) Placement {
	return Placement{in: auth.InCookie, name: name, origins: slices.Clone(trustedOrigins)}
}

func (p *Placement) inAuthorization() bool { return p.scheme != "" }

// maxBearerBytes lets longer tokens of other schemes pass by, to be found foreign.
const maxBearerBytes = 1 << 20

// read returns what the place holds. The errors are those of an [auth.Authenticator].
func (p *Placement) read(r *http.Request) (string, error) {
	switch {
	case p.inAuthorization():
		return auth.Credentials(r, p.scheme, maxBearerBytes)
	case p.in == auth.InHeader:
		return one(r.Header[p.key])
	case p.in == auth.InQuery:
		return queryValue(r.URL.RawQuery, p.name)
	}
	return cookieValue(r, p.name)
}

func one(values []string) (string, error) {
	switch len(values) {
	case 0:
		return "", auth.ErrNoCredential
	case 1:
		return values[0], nil
	}
	return "", auth.Malformed(auth.ReasonRepeated, nil)
}

// queryValue reads one parameter and leaves the others alone. Where it is there and does not unescape, it is not absent:
// it can't be read, and is refused.
func queryValue(query, name string) (string, error) {
	var values []string
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		n, v, _ := strings.Cut(pair, "=")
		if n, err := url.QueryUnescape(n); err != nil || n != name {
			continue
		}
		v, err := url.QueryUnescape(v)
		if err != nil {
			return "", auth.ErrUnrecognized
		}
		values = append(values, v)
	}
	return one(values)
}

func cookieValue(r *http.Request, name string) (string, error) {
	value, err := auth.CookieValue(r, name, maxBearerBytes)
	if auth.KindOf(err) == auth.KindInvalid {
		return "", auth.ErrUnrecognized // there, with what no cookie and no key has
	}
	return value, err
}

// allow reports whether a key in this place may do what r asks for.
func (p *Placement) allow(r *http.Request) error {
	if p.protection == nil {
		return nil
	}
	if r.Header.Get("Upgrade") != "" {
		// A WebSocket begins as a GET, which is let through as safe, and then does whatever it likes.
		unsafe := *r
		unsafe.Method = http.MethodPost
		r = &unsafe
	}
	if err := p.protection.Check(r); err != nil {
		return auth.Forbidden(ReasonCrossOrigin, err)
	}
	return nil
}

// describe returns the placements, checked, and a scheme for each.
func describe(c AuthenticatorConfig) ([]Placement, []auth.Scheme, error) {
	if len(c.Placements) == 0 {
		return nil, nil, errors.New("apikey: AuthenticatorConfig.Placements is empty, which accepts no key: name a place, or leave it nil")
	}
	var (
		errs       []error
		placements = slices.Clone(c.Placements)
		schemes    []auth.Scheme
	)
	for i := range placements {
		p := &placements[i]
		fail := func(err error) {
			errs = append(errs, fmt.Errorf("apikey: AuthenticatorConfig.Placements[%d]: %w", i, err))
		}
		s := p.describe(c)
		if i > 0 {
			s.Name = unused(c.Name+"-"+p.word(), schemes)
		}
		switch {
		case p.in == 0:
			fail(errors.New("is zero: use Bearer, Header or another of the functions that make one"))
		case p.in == auth.InHeader && p.scheme == "" && strings.EqualFold(p.name, "Authorization"):
			fail(errors.New("Authorization without a scheme: use Bearer or Authorization"))
		default:
			if err := s.Validate(); err != nil {
				fail(err)
			}
		}
		if slices.ContainsFunc(placements[:i], p.same) {
			fail(errors.New("the place comes twice: name it once"))
		}
		if err := p.protect(); err != nil {
			fail(err)
		}
		schemes = append(schemes, s)
	}
	return placements, schemes, errors.Join(errs...)
}

// word names the place in the names of schemes.
func (p *Placement) word() string {
	if p.inAuthorization() {
		return strings.ToLower(p.scheme)
	}
	return p.in.String()
}

// unused returns name, or name with a number where a scheme has it already.
func unused(name string, schemes []auth.Scheme) string {
	for n, numbered := 2, name; ; n++ {
		if !slices.ContainsFunc(schemes, func(s auth.Scheme) bool { return s.Name == numbered }) {
			return numbered
		}
		numbered = fmt.Sprintf("%s-%d", name, n)
	}
}

func (p *Placement) same(q Placement) bool {
	return p.in == q.in && p.key == q.key && (p.name == q.name || p.in == auth.InHeader) && strings.EqualFold(p.scheme, q.scheme)
}

func (p *Placement) protect() error {
	if p.in != auth.InCookie {
		return nil
	}
	p.protection = http.NewCrossOriginProtection()
	var errs []error
	for _, origin := range p.origins {
		errs = append(errs, p.protection.AddTrustedOrigin(origin))
	}
	return errors.Join(errs...)
}

func (p *Placement) describe(c AuthenticatorConfig) auth.Scheme {
	s := auth.Scheme{
		Name: c.Name, Type: "apiKey", In: p.in, Parameter: p.name,
		AuthScheme: "ApiKey", Realm: c.Realm, Description: c.Description,
	}
	if p.inAuthorization() {
		s.Type, s.AuthScheme = "http", p.scheme
		return s
	}
	// ApiKey is no registered scheme, and whoever takes the challenge for one of Authorization would be asked again and again.
	s.Params = []auth.Param{{Name: p.in.String(), Value: p.name}}
	return s
}
