package middleware

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
)

// cutQuery takes the named parameters out of every form of the URL that r carries. r is a copy that belongs to us; its
// URL and form are not.
func cutQuery(r *http.Request, names []string) {
	if r.URL.RawQuery != "" {
		u := *r.URL
		u.RawQuery = withoutParameters(u.RawQuery, names)
		r.URL = &u
		if i := strings.IndexByte(r.RequestURI, '?'); i >= 0 {
			r.RequestURI = r.RequestURI[:i]
			if u.RawQuery != "" {
				r.RequestURI += "?" + u.RawQuery
			}
		}
	}
	if r.Form != nil {
		form := url.Values{}
		for name, values := range r.Form {
			if !slices.Contains(names, name) {
				form[name] = values
			}
		}
		r.Form = form
	}
}

// withoutParameters keeps the other parameters byte for byte. A pair whose name does not unescape can't be one of ours:
// whoever reads a query leaves it out too.
func withoutParameters(query string, names []string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if unescaped, err := url.QueryUnescape(name); err == nil && slices.Contains(names, unescaped) {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}

// removeCredentials takes the headers and cookies that schemes describe out of r, which is a copy that belongs to us; its
// header map is not.
func removeCredentials(r *http.Request, schemes []auth.Scheme) {
	r.Header = r.Header.Clone()
	for _, s := range schemes {
		if !s.Present(r) {
			continue
		}
		switch s.In {
		case auth.InHeader:
			r.Header.Del(s.Parameter)
		case auth.InCookie:
			removeCookie(r.Header, s.Parameter)
		case auth.InQuery: // cut already
		}
	}
}

func removeCookie(h http.Header, name string) {
	var kept []string
	for _, line := range h["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			if n, _, _ := strings.Cut(pair, "="); pair != "" && strings.TrimSpace(n) != name {
				kept = append(kept, pair)
			}
		}
	}
	h.Del("Cookie")
	if len(kept) > 0 {
		h.Set("Cookie", strings.Join(kept, "; "))
	}
}
