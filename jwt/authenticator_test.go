package jwt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
)

func newAuthenticator(change func(*jwt.AuthenticatorConfig)) *jwt.Authenticator {
	c := jwt.AuthenticatorConfig{Verifier: newVerifier(nil)}
	if change != nil {
		change(&c)
	}
	return must(jwt.NewAuthenticator(c))
}

func request(fields ...string) *http.Request { return authtest.Request("GET", "/", fields...) }

func bearer(token string) *http.Request { return request("Authorization", "Bearer "+token) }

func TestAuthenticatorConforms(t *testing.T) {
	good := sign(goodHeader, goodClaims(nil))
	bad := sign(goodHeader, goodClaims(object{"exp": 1}))
	down := newVerifier(func(c *jwt.Config) {
		c.Keys = keySourceFunc(func(string, jwt.Algorithm) (*jwt.PublicKey, error) { return nil, errors.New("down") })
	})
	for _, tt := range []struct {
		name   string
		change func(*jwt.AuthenticatorConfig)
		r      func(token string) *http.Request
	}{
		{"Authorization", func(*jwt.AuthenticatorConfig) {}, bearer},
		{"a header of its own", func(c *jwt.AuthenticatorConfig) { c.Header = "X-Access-Token" }, func(token string) *http.Request {
			return request("X-Access-Token", token)
		}},
		{"a cookie", func(c *jwt.AuthenticatorConfig) { c.Cookie = "token" }, func(token string) *http.Request {
			return request("Cookie", "token="+token)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			authtest.TestAuthenticator(t, authtest.AuthenticatorKit{
				Authenticator: newAuthenticator(tt.change),
				Good:          func() *http.Request { return tt.r(good) },
				Bad: func() []*http.Request {
					return []*http.Request{tt.r(bad), tt.r(strings.Replace(good, ".", ".A", 1)), tt.r("a.b.c"), tt.r("eyJhbGciOiJub25lIn0.e30.")}
				},
				Outage: newAuthenticator(func(c *jwt.AuthenticatorConfig) { tt.change(c); c.Verifier = down }),
			})
		})
	}
}

func TestRefusalsOnTheWire(t *testing.T) {
	expired := sign(goodHeader, goodClaims(object{"exp": 1}))
	good := sign(goodHeader, goodClaims(nil))
	down := newAuthenticator(func(c *jwt.AuthenticatorConfig) {
		c.Verifier = newVerifier(func(c *jwt.Config) {
			c.Keys = keySourceFunc(func(string, jwt.Algorithm) (*jwt.PublicKey, error) { return nil, errors.New("down") })
		})
	})
	const invalid = `Bearer realm="api", error="invalid_token"`
	for _, tt := range []struct {
		name      string
		a         *jwt.Authenticator
		r         *http.Request
		status    int
		challenge string // its beginning
	}{
		{"a good token goes on", nil, bearer(good), 200, ""},
		{"no token is challenged without an error", nil, request(), 401, `Bearer realm="api"`},
		{"an expired token is invalid_token", nil, bearer(expired), 401, invalid},
		{"a forged one looks the same", nil, bearer(good[:len(good)-8] + "AAAAAAAA"), 401, invalid},
		{"one of alg none too", nil, bearer("eyJhbGciOiJub25lIn0.e30."), 401, invalid},
		{"an opaque token is nobody's and refused", nil, bearer("opaque"), 401, invalid},
		{"one that is too long is refused", nil, bearer(good + strings.Repeat("A", 8192)), 401, invalid},
		{"a header twice is a bad request", nil, request("Authorization", "Bearer "+good, "Authorization", "Bearer "+good), 400, `Bearer realm="api", error="invalid_request"`},
		{"keys that are down are our trouble, not the client's", down, bearer(good), 503, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := tt.a
			if a == nil {
				a = newAuthenticator(func(c *jwt.AuthenticatorConfig) { c.Realm = "api" })
			}
			guard := must(middleware.New(middleware.Config{Authenticator: a}))
			res := authtest.Do(guard.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), tt.r)
			if got := res.Header.Get("WWW-Authenticate"); res.StatusCode != tt.status || !strings.HasPrefix(got, tt.challenge) || (got == "") != (tt.challenge == "") {
				t.Errorf("got %d and %q, want %d and %q", res.StatusCode, got, tt.status, tt.challenge)
			}
			if strings.Contains(tt.challenge, "invalid_token") && strings.Contains(res.Header.Get("WWW-Authenticate"), "expired") {
				t.Error("the challenge tells an expired token from a forged one")
			}
		})
	}
}

func TestPrincipal(t *testing.T) {
	a := newAuthenticator(func(c *jwt.AuthenticatorConfig) {
		c.Name, c.RolesPath, c.TenantPath = "users", []string{"realm_access", "roles"}, []string{"https://example.com/tenant"}
	})
	claims := object{
		"realm_access": object{"roles": []string{"admin", "editor"}}, "https://example.com/tenant": "acme", "acr": "2",
		"auth_time": testTime.Add(-1).Unix(),
	}
	p, err := a.Authenticate(bearer(sign(goodHeader, goodClaims(claims))))
	if err != nil {
		t.Fatal(errors.Unwrap(err))
	}
	got := fmt.Sprintln(p.Issuer(), p.Subject(), p.Scheme(), p.CredentialID(), p.ClientID(), p.Scopes(), p.Roles(), p.Tenant(), p.ACR(),
		p.IssuedAt().IsZero(), p.AuthenticatedAt().IsZero(), p.ExpiresAt().IsZero())
	want := fmt.Sprintln(testIssuer, "alice", "users", "t1", "app", "notes:read notes:write", []string{"admin", "editor"}, "acme", "2", false, false, false)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c, ok := auth.Data[*jwt.Claims](p); !ok || c.Subject() != "alice" {
		t.Error("the claims are not the principal's data")
	}
}

func TestVerifyIsAuthenticateWithoutHTTP(t *testing.T) {
	a := newAuthenticator(nil)
	var verify auth.VerifyFunc = a.Verify
	good := sign(goodHeader, goodClaims(nil))
	if p, err := verify(t.Context(), good); err != nil || p.Subject() != "alice" {
		t.Errorf("got %v and error %v, want alice", p, err)
	}
	for name, token := range map[string]string{
		"no token": "", "a forged one": good[:len(good)-4] + "AAAA",
		"one that is bound to a key": sign(goodHeader, goodClaims(object{"cnf": object{"jkt": "x"}})),
	} {
		if p, err := verify(t.Context(), token); p != nil || auth.KindOf(err) != auth.KindInvalid {
			t.Errorf("%s: got %v and error %v, want a refusal", name, p, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := verify(ctx, good); p != nil || auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v and error %v for a request that was given up, want an outage", p, err)
	}
}

func TestPrincipalScopes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		claims object
		want   string
		err    error
	}{
		{"scope", object{"scope": "a b"}, "a b", nil},
		{"scp as a list", object{"scope": nil, "scp": []string{"a", "b"}}, "a b", nil},
		{"scp as a string", object{"scope": nil, "scp": "a b"}, "a b", nil},
		{"scope before scp", object{"scope": "a", "scp": "b"}, "a", nil},
		{"an empty scope before scp", object{"scope": "", "scp": "b"}, "", nil},
		{"none: an empty set, not an unlimited one", object{"scope": nil}, "", nil},
		{"two spaces", object{"scope": "a  b"}, "", jwt.ErrClaims},
		{"a quote in a scope", object{"scope": `a"`}, "", jwt.ErrClaims},
		{"scp a number", object{"scope": nil, "scp": 1}, "", jwt.ErrClaims},
		{"scp with a number", object{"scope": nil, "scp": []any{"a", 1}}, "", jwt.ErrClaims},
	} {
		p, err := newAuthenticator(nil).Authenticate(bearer(sign(goodHeader, goodClaims(tt.claims))))
		if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.err)
		} else if err == nil && (p.Scopes().String() != tt.want || p.Scopes().IsUnlimited()) {
			t.Errorf("%s: got %q, want %q", tt.name, p.Scopes(), tt.want)
		}
	}
}

func TestPrincipalRefuses(t *testing.T) {
	paths := func(c *jwt.AuthenticatorConfig) {
		c.RolesPath, c.TenantPath = []string{"r", "roles"}, []string{"tenant"}
		c.Verifier = newVerifier(func(c *jwt.Config) { c.Profile = jwt.ProfileLegacy })
	}
	for _, tt := range []struct {
		name   string
		claims object
		reason auth.Reason // "": accepted
	}{
		{"roles and tenant that are absent are none", nil, ""},
		{"roles in an object that is no object are none", object{"r": "x"}, ""},
		{"roles that are no list", object{"r": object{"roles": "admin"}}, jwt.ReasonClaims},
		{"roles with a number", object{"r": object{"roles": []any{"admin", 1}}}, jwt.ReasonClaims},
		{"roles with null among them", object{"r": object{"roles": []any{"admin", nil}}}, jwt.ReasonClaims},
		{"roles with one of no name", object{"r": object{"roles": []any{""}}}, jwt.ReasonClaims},
		{"roles that are null, which is no type", object{"r": object{"roles": nil}}, jwt.ReasonClaims},
		{"a tenant that is no string", object{"tenant": 1}, jwt.ReasonClaims},
		{"a tenant of no name", object{"tenant": ""}, jwt.ReasonClaims},
		{"a tenant that is null, which is no type", object{"tenant": json.RawMessage("null")}, jwt.ReasonClaims},
		{"no subject", object{"sub": nil}, jwt.ReasonMissingClaim},
		{"a token that is bound to a key (RFC 9449)", object{"cnf": object{"jkt": "x"}}, jwt.ReasonBound},
		{"a token that is bound in a way of tomorrow", object{"cnf": object{"x": 1}}, jwt.ReasonBound},
	} {
		p, err := newAuthenticator(paths).Authenticate(bearer(sign(goodHeader, goodClaims(tt.claims))))
		if tt.reason == "" {
			if err != nil || len(p.Roles()) > 0 || p.Tenant() != "" {
				t.Errorf("%s: got %v", tt.name, err)
			}
		} else if e := auth.AsError(err); e == nil || e.Kind != auth.KindInvalid || e.Reason != tt.reason {
			t.Errorf("%s: got %v, want it refused with %q", tt.name, err, tt.reason)
		}
	}
	a := newAuthenticator(func(c *jwt.AuthenticatorConfig) { c.InsecureIgnoreConfirmation = true })
	if _, err := a.Authenticate(bearer(sign(goodHeader, goodClaims(object{"cnf": object{"jkt": "x"}})))); err != nil {
		t.Errorf("with the proof ignored: got %v", err)
	}
	if p, err := a.Principal(nil); p != nil || auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("of no claims: got %v, %v, want unavailable", p, err)
	}
	if p, err := a.Principal(&jwt.Claims{}); p != nil || err == nil {
		t.Errorf("of claims that nothing verified: got %v, want none", p)
	}
}

func TestReasons(t *testing.T) {
	for reason, token := range map[auth.Reason]string{
		auth.ReasonExpired:      sign(goodHeader, goodClaims(object{"exp": 1})),
		auth.ReasonNotYetValid:  sign(goodHeader, goodClaims(object{"nbf": testTime.Unix() + 60})),
		auth.ReasonBadSignature: rawSign("EdDSA", testKeys.other(), goodHeader, goodClaims(nil)),
		auth.ReasonMalformed:    "a.b.c",
		jwt.ReasonUnsupported:   sign(`{"alg":"EdDSA","crit":[]}`, goodClaims(nil)),
		jwt.ReasonAlgorithm:     "eyJhbGciOiJub25lIn0.e30.AA",
		jwt.ReasonType:          sign(`{"alg":"EdDSA"}`, goodClaims(nil)),
		jwt.ReasonUnknownKey:    sign(`{"alg":"EdDSA","kid":"x","typ":"at+jwt"}`, goodClaims(nil)),
		jwt.ReasonClaims:        sign(goodHeader, `[]`),
		jwt.ReasonIssuer:        sign(goodHeader, goodClaims(object{"iss": "x"})),
		jwt.ReasonAudience:      sign(goodHeader, goodClaims(object{"aud": "x"})),
		jwt.ReasonMissingClaim:  sign(goodHeader, goodClaims(object{"jti": nil})),
	} {
		_, err := newAuthenticator(nil).Authenticate(bearer(token))
		if e := auth.AsError(err); e == nil || e.Kind != auth.KindInvalid || e.Reason != reason {
			t.Errorf("got %+v, want the reason %q", e, reason)
		}
	}
}

func TestPlacesAndShapes(t *testing.T) {
	good := sign(goodHeader, goodClaims(nil))
	cookie := newAuthenticator(func(c *jwt.AuthenticatorConfig) { c.Cookie = "token" })
	header := newAuthenticator(func(c *jwt.AuthenticatorConfig) { c.Header = "X-Token" })
	own := newAuthenticator(func(c *jwt.AuthenticatorConfig) { c.OwnIssuersOnly = true })
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, tt := range []struct {
		name string
		a    *jwt.Authenticator
		r    *http.Request
		want error // or nil
		kind auth.Kind
	}{
		{"a bearer token is not the cookie's", cookie, bearer(good), auth.ErrNoCredential, 0},
		{"a cookie is not the header's", header, request("Cookie", "token="+good), auth.ErrNoCredential, 0},
		{"another cookie is nobody's", cookie, request("Cookie", "tokens="+good), auth.ErrNoCredential, 0},
		{"a cookie of no shape is not recognised", cookie, request("Cookie", "token=abc"), auth.ErrUnrecognized, 0},
		{"an empty cookie is not recognised", cookie, request("Cookie", "token="), auth.ErrUnrecognized, 0},
		{"a cookie that can't be read is not accepted", cookie, request("Cookie", `token=a"b`), nil, auth.KindInvalid},
		{"a cookie twice, once in a form that can't be read", cookie, request("Cookie", "token="+good+`; token=a\b`), nil, auth.KindMalformed},
		{"a cookie twice", cookie, request("Cookie", "token="+good+"; token="+good), nil, auth.KindMalformed},
		{"a header twice", header, request("X-Token", good, "X-Token", good), nil, auth.KindMalformed},
		{"a long header", header, request("X-Token", strings.Repeat("A", 8193)), nil, auth.KindInvalid},
		{"four parts", header, request("X-Token", good+".x"), auth.ErrUnrecognized, 0},
		{"an empty first part", header, request("X-Token", ".x.y"), auth.ErrUnrecognized, 0},
		{"our issuer", own, bearer(good), nil, 0},
		{"another issuer", own, bearer(sign(goodHeader, goodClaims(object{"iss": "x"}))), auth.ErrUnrecognized, 0},
		{"no payload, so no issuer", own, bearer("a..c"), auth.ErrUnrecognized, 0},
		{"a payload that is none", own, bearer("a.!.c"), nil, auth.KindInvalid},
		{"a payload of one character", own, bearer("a.b.c"), auth.ErrUnrecognized, 0},
		{"a context that has ended", own, bearer(good).WithContext(ended), nil, auth.KindUnavailable},
	} {
		_, err := tt.a.Authenticate(tt.r)
		if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && auth.KindOf(err) != tt.kind {
			t.Errorf("%s: got %v, want %v or kind %v", tt.name, err, tt.want, tt.kind)
		}
	}
}

func TestSchemes(t *testing.T) {
	s := newAuthenticator(func(c *jwt.AuthenticatorConfig) {
		c.Params = []auth.Param{{Name: "resource_metadata", Value: "https://api.example/.well-known/oauth-protected-resource"}}
	}).Schemes()
	if len(s) != 1 || s[0].Name != "jwt" || s[0].Type != "http" || s[0].AuthScheme != "Bearer" || s[0].BearerFormat != "JWT" {
		t.Errorf("got %+v, want a bearer scheme of format JWT", s)
	}
	if c := s[0].Challenge(); !slices.ContainsFunc(c.Params, func(p auth.Param) bool { return p.Name == "resource_metadata" }) {
		t.Errorf("got the challenge %v, want resource_metadata in it", c)
	}
	cookie := newAuthenticator(func(c *jwt.AuthenticatorConfig) { c.Cookie = "token" }).Schemes()[0]
	if cookie.Type != "apiKey" || cookie.In != auth.InCookie || cookie.Parameter != "token" {
		t.Errorf("got %+v, want a cookie", cookie)
	}
	for name, c := range map[string]jwt.AuthenticatorConfig{
		"no verifier":           {},
		"two places":            {Verifier: newVerifier(nil), Header: "X-Token", Cookie: "token"},
		"Authorization by name": {Verifier: newVerifier(nil), Header: "authorization"},
		"a header of no name":   {Verifier: newVerifier(nil), Header: "X Token"},
		"a name with a space":   {Verifier: newVerifier(nil), Name: "a b"},
	} {
		if a, err := jwt.NewAuthenticator(c); err == nil || a != nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
	if v := newVerifier(nil); newAuthenticator(func(c *jwt.AuthenticatorConfig) { c.Verifier = v }).Verifier() != v {
		t.Error("got another verifier")
	}
}

func ExampleNewAuthenticator() {
	authenticator, err := jwt.NewAuthenticator(jwt.AuthenticatorConfig{
		Verifier:  newVerifier(nil),
		RolesPath: []string{"realm_access", "roles"},
	})
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest("GET", "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+sign(goodHeader, goodClaims(nil)))
	p, err := authenticator.Authenticate(r)
	fmt.Println(p.Subject(), p.Scopes(), err)
	// Output: alice notes:read notes:write <nil>
}
