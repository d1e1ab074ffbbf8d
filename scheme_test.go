package auth_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range texts {
		p, _ := netip.ParsePrefix(s) // the zero prefix is what the test of mistakes wants
		list = append(list, p)
	}
	return list
}

func TestSchemeValidate(t *testing.T) {
	good := auth.Scheme{Name: "key", Type: "apiKey", In: auth.InHeader, Parameter: "X-API-Key", AuthScheme: "ApiKey", Realm: `a "b"`}
	for _, tt := range []struct {
		name   string
		change func(*auth.Scheme)
		want   string // "": no mistake
	}{
		{"a good one", func(*auth.Scheme) {}, ""},
		{"no name", func(s *auth.Scheme) { s.Name = "" }, "name"},
		{"a name with a slash", func(s *auth.Scheme) { s.Name = "a/b" }, "name"},
		{"another type", func(s *auth.Scheme) { s.Type = "magic" }, "type"},
		{"a header name with a space", func(s *auth.Scheme) { s.Parameter = "X Key" }, "header name"},
		{"a cookie without a name", func(s *auth.Scheme) { s.In, s.Parameter = auth.InCookie, "" }, "cookie name"},
		{"a query parameter without a name", func(s *auth.Scheme) { s.In, s.Parameter = auth.InQuery, "" }, "query parameter"},
		{"a parameter nowhere", func(s *auth.Scheme) { s.In = 0 }, "without a location"},
		{"an unknown location", func(s *auth.Scheme) { s.In = 9 }, "unknown location"},
		{"nothing to challenge with", func(s *auth.Scheme) { s.AuthScheme = "" }, "challenge"},
		{"a client certificate has none", func(s *auth.Scheme) { *s = auth.Scheme{Name: "mtls", Type: "mutualTLS"} }, ""},
		{"a realm with a line break", func(s *auth.Scheme) { s.Realm = "a\r\nb" }, "realm"},
		{"a parameter with non-ASCII text", func(s *auth.Scheme) { s.Params = []auth.Param{{Name: "x", Value: "ü"}} }, `parameter x`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := good
			tt.change(&s)
			err := s.Validate()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestSchemePresent(t *testing.T) {
	bearer := auth.Scheme{In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Bearer"}
	key := auth.Scheme{In: auth.InHeader, Parameter: "x-api-key", AuthScheme: "ApiKey"}
	query := auth.Scheme{In: auth.InQuery, Parameter: "api_key"}
	cookie := auth.Scheme{In: auth.InCookie, Parameter: "sid"}
	for _, tt := range []struct {
		name   string
		s      auth.Scheme
		target string
		fields []string
		want   bool
	}{
		{"its scheme in Authorization", bearer, "/", []string{"Authorization", "bearer x"}, true},
		{"its scheme alone", bearer, "/", []string{"Authorization", "Bearer"}, true},
		{"another scheme", bearer, "/", []string{"Authorization", "Basic x"}, false},
		{"a longer name", bearer, "/", []string{"Authorization", "Bearer2 x"}, false},
		{"its scheme in the second line", bearer, "/", []string{"Authorization", "Basic x", "Authorization", "Bearer x"}, true},
		{"its header, empty", key, "/", []string{"X-API-Key", ""}, true},
		{"no header", key, "/", nil, false},
		{"its parameter", query, "/?a=1&api_key=", nil, true},
		{"its parameter, escaped", query, "/?api%5Fkey=1", nil, true},
		{"another parameter", query, "/?xapi_key=1", nil, false},
		{"no query", query, "/", nil, false},
		{"its cookie", cookie, "/", []string{"Cookie", "a=1; sid=x"}, true},
		{"another cookie", cookie, "/", []string{"Cookie", "xsid=1; sidx=2; b=sid=3"}, false},
		{"a client certificate is in no place", auth.Scheme{Type: "mutualTLS"}, "/", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.s.Present(authtest.Request(http.MethodGet, tt.target, tt.fields...)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSchemeChallengeReplacesParametersOfOneName(t *testing.T) {
	s := auth.Scheme{AuthScheme: "DPoP", Realm: "r", Params: []auth.Param{{Name: "algs", Value: "ES256"}, {Name: "error", Value: "x"}}}
	if got, want := s.Challenge(auth.Param{Name: "Error", Value: "use_dpop_nonce"}).String(), `DPoP realm="r", algs="ES256", Error="use_dpop_nonce"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !s.TakesBearerCodes() || (auth.Scheme{AuthScheme: "Basic"}).TakesBearerCodes() {
		t.Error("the error codes of RFC 6750 belong to Bearer and DPoP")
	}
	for l, want := range map[auth.Location]string{auth.InHeader: "header", auth.InQuery: "query", auth.InCookie: "cookie", 0: "none"} {
		if l.String() != want {
			t.Errorf("got %s, want %s", l, want)
		}
	}
}
