package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Location is where in a request a credential travels.
type Location uint8

// The locations. The zero Location is none: a scheme below HTTP, such as a client certificate.
const (
	InHeader Location = iota + 1
	InQuery
	InCookie
)

// String returns "header", "query", "cookie" or "none", as OpenAPI names them.
func (l Location) String() string {
	switch l {
	case InHeader:
		return "header"
	case InQuery:
		return "query"
	case InCookie:
		return "cookie"
	}
	return "none"
}

// A Scheme describes one way for a client to present a credential. From it come the challenges, the request's
// places that a guard looks at, and API descriptions.
type Scheme struct {
	// Name names the scheme within a service, such as "apikey" or "partner-jwt": [A-Za-z0-9._-]+, unique in a
	// chain. Events and API descriptions use it.
	Name string
	// Type is OpenAPI's: "apiKey", "http", "oauth2", "openIdConnect" or "mutualTLS".
	Type string
	// In and Parameter say where the credential travels: the header, query parameter or cookie of that name.
	// The zero In is neither, and Parameter is then "".
	In        Location
	Parameter string
	// AuthScheme is the scheme's registered name, such as "Bearer", in Authorization and in challenges
	// (RFC 9110 §11.1). A scheme in another header, the query or a cookie has one for its challenge only.
	// "" means that no challenge can name it.
	AuthScheme string
	// Realm is the protection space (RFC 9110 §11.5); "" leaves it out.
	Realm string
	// Params are further parameters of every challenge, such as charset or resource_metadata.
	Params []Param
	// BearerFormat hints at the token's format, such as "JWT", for descriptions.
	BearerFormat string
	// Description is for people, in API descriptions.
	Description string
	// URL is the discovery document of "openIdConnect", or the metadata URL of "oauth2" (RFC 8414).
	URL string
	// Flows are those of "oauth2".
	Flows []Flow
}

// A Flow is one way of getting a token, as OpenAPI describes it.
type Flow struct {
	// Grant is "authorizationCode", "clientCredentials", "password", "implicit" or "deviceAuthorization".
	Grant string
	// AuthorizationURL, TokenURL and RefreshURL may be relative to the API.
	AuthorizationURL, TokenURL, RefreshURL string
	// Scopes lists the scopes with a description each, in order.
	Scopes []Param
}

// Challenge returns the scheme's challenge with the parameters given, which replace those of the same name.
func (s Scheme) Challenge(params ...Param) Challenge {
	c := Challenge{Scheme: s.AuthScheme, Params: make([]Param, 0, 1+len(s.Params)+len(params))}
	if s.Realm != "" {
		c.Params = append(c.Params, Param{"realm", s.Realm})
	}
	for _, list := range [][]Param{s.Params, params} {
		for _, p := range list {
			c.Params = setParam(c.Params, p)
		}
	}
	return c
}

func setParam(list []Param, p Param) []Param {
	for i := range list {
		if strings.EqualFold(list[i].Name, p.Name) {
			list[i] = p
			return list
		}
	}
	return append(list, p)
}

// TakesBearerCodes reports whether the scheme's challenge carries the error codes of RFC 6750: Bearer and DPoP
// (RFC 9449 §7.1) do.
func (s Scheme) TakesBearerCodes() bool {
	return strings.EqualFold(s.AuthScheme, "Bearer") || strings.EqualFold(s.AuthScheme, "DPoP")
}

// InAuthorization reports whether the credential travels in the Authorization header under AuthScheme.
func (s Scheme) InAuthorization() bool {
	return s.In == InHeader && strings.EqualFold(s.Parameter, "Authorization")
}

// Present reports whether the place that s describes is filled in r, with whatever value.
func (s Scheme) Present(r *http.Request) bool {
	switch s.In {
	case InHeader:
		values := r.Header.Values(s.Parameter)
		if !s.InAuthorization() {
			return len(values) > 0
		}
		for _, v := range values {
			if name, _, _ := strings.Cut(v, " "); strings.EqualFold(name, s.AuthScheme) {
				return true
			}
		}
	case InQuery:
		return hasParameter(r.URL.RawQuery, s.Parameter)
	case InCookie:
		return countCookies(r, s.Parameter) > 0
	}
	return false
}

// hasParameter looks for a query parameter, also in a pair that does not parse as a whole.
func hasParameter(query, name string) bool {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		n, _, _ := strings.Cut(pair, "=")
		if n == name {
			return true
		}
		if strings.ContainsAny(n, "%+") {
			if unescaped, err := url.QueryUnescape(n); err == nil && unescaped == name {
				return true
			}
		}
	}
	return false
}

// countCookies counts the cookies of a name, also those that net/http can't parse, without parsing the others.
func countCookies(r *http.Request, name string) int {
	n := 0
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			if left, _, ok := strings.Cut(strings.TrimLeft(pair, " \t"), "="); ok && strings.TrimRight(left, " \t") == name {
				n++
			}
		}
	}
	return n
}

// Validate reports everything about s that can't be used: its name, its place, its challenge.
func (s Scheme) Validate() error {
	var errs []error
	if s.Name == "" || strings.Trim(s.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" {
		errs = append(errs, fmt.Errorf("auth: scheme name %q: use one or more of A-Z a-z 0-9 . _ -", s.Name))
	}
	switch s.Type {
	case "apiKey", "http", "oauth2", "openIdConnect", "mutualTLS":
	default:
		errs = append(errs, fmt.Errorf("auth: scheme %q: type %q: use apiKey, http, oauth2, openIdConnect or mutualTLS", s.Name, s.Type))
	}
	switch s.In {
	case 0:
		if s.Parameter != "" {
			errs = append(errs, fmt.Errorf("auth: scheme %q: parameter %q without a location: set In", s.Name, s.Parameter))
		}
	case InHeader, InCookie:
		if !isToken(s.Parameter) {
			errs = append(errs, fmt.Errorf("auth: scheme %q: %s name %q: use an RFC 9110 token", s.Name, s.In, s.Parameter))
		}
	case InQuery:
		if s.Parameter == "" {
			errs = append(errs, fmt.Errorf("auth: scheme %q: query parameter without a name: set Parameter", s.Name))
		}
	default:
		errs = append(errs, fmt.Errorf("auth: scheme %q: unknown location %d", s.Name, s.In))
	}
	if s.AuthScheme == "" && s.Type != "mutualTLS" {
		errs = append(errs, fmt.Errorf("auth: scheme %q: a 401 has to name it in a challenge (RFC 9110 §15.5.2): set AuthScheme, such as ApiKey", s.Name))
	}
	if s.AuthScheme != "" {
		if err := s.Challenge().Validate(); err != nil {
			errs = append(errs, fmt.Errorf("auth: scheme %q: %w", s.Name, err))
		}
	}
	return errors.Join(errs...)
}

// ForeignScheme returns the registered name of the scheme in r's Authorization header where none of schemes is read from
// there under that name; "other" for any name that is not registered, which might be a secret sent bare; and "" where
// there is no such header or one of schemes serves it.
func ForeignScheme(r *http.Request, schemes []Scheme) string {
	values := r.Header["Authorization"]
	if len(values) == 0 {
		return ""
	}
	for _, s := range schemes {
		if s.InAuthorization() && s.Present(r) {
			return ""
		}
	}
	name, _, _ := strings.Cut(values[0], " ")
	if registered := registeredScheme(name); registered != "" {
		return registered
	}
	return "other"
}

// validateSchemes reports what is wrong with each scheme and which names come twice, for authenticators that
// combine others.
func validateSchemes(schemes []Scheme) error {
	var errs []error
	if len(schemes) == 0 {
		errs = append(errs, errors.New("auth: authenticator describes no scheme: return at least one from Schemes"))
	}
	seen := make(map[string]bool, len(schemes))
	for _, s := range schemes {
		if err := s.Validate(); err != nil {
			errs = append(errs, err)
		}
		if seen[s.Name] {
			errs = append(errs, fmt.Errorf("auth: two schemes are named %q: wrap one of their authenticators in auth.Named", s.Name))
		}
		seen[s.Name] = true
	}
	return errors.Join(errs...)
}
