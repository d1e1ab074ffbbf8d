package oauth2_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
)

// Tests named after a statement follow a checklist of what a resource server has to do, in its words and by its numbers;
// those of statement 63 are in introspector_test.go, 64 to 68 in the file of what they are about.

// Token taken from the Authorization header only; in the query it is ignored; two methods at once: 400 invalid_request.
func TestStatement57TokenFromTheHeaderOnly(t *testing.T) {
	as := newIssuer(testIssuer)
	h := handler(t, newAuthenticator(t, as.verifier(), nil))
	token := as.token(nil)
	wantOK(t, h, bearer(token))

	inQuery := authtest.Request(http.MethodGet, testURL+"?access_token="+token)
	wantRefusal(t, h, inQuery, 401, "Bearer", "error", "")

	inForm := authtest.Request(http.MethodPost, testURL, "Content-Type", "application/x-www-form-urlencoded")
	inForm.Body = io.NopCloser(strings.NewReader("access_token=" + token))
	wantRefusal(t, h, inForm, 401, "Bearer", "error", "")

	for _, query := range []string{"access_token=" + token, "a=b&access_token=", "access%5Ftoken=x", "a;b&access_token"} {
		both := bearer(token)
		both.URL.RawQuery = query
		wantRefusal(t, h, both, 400, "Bearer", "error", "invalid_request")
	}
	for _, query := range []string{"a=access_token", "xaccess_token=1", "access_tokens=1", "%zz=1"} {
		other := bearer(token)
		other.URL.RawQuery = query
		wantOK(t, h, other)
	}
}

// Scheme is case-insensitive; malformed header: 400, absent: 401 without an error code, invalid: 401 invalid_token, too
// little scope: 403 insufficient_scope with the scopes of this operation.
func TestStatement58AnswersOfRFC6750(t *testing.T) {
	as := newIssuer(testIssuer)
	h := handler(t, newAuthenticator(t, as.verifier(), nil), auth.Scopes("notes:read"), auth.Scopes("notes:delete"))
	token := as.token(func(g *jwt.Grant) { g.Scopes = auth.MustScopeSet("notes:read", "notes:delete") })
	for _, tt := range []struct {
		name   string
		fields []string
		status int
		params []string
	}{
		{"a good token", []string{"Authorization", "Bearer " + token}, 200, nil},
		{"bearer in lower case", []string{"Authorization", "bearer " + token}, 200, nil},
		{"BEARER in upper case", []string{"Authorization", "BEARER " + token}, 200, nil},
		{"no header", nil, 401, []string{"error", "", "scope", "notes:read notes:delete"}},
		{"another scheme", []string{"Authorization", "Basic Og=="}, 401, []string{"error", ""}},
		{"two headers", []string{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token}, 400, []string{"error", "invalid_request"}},
		{"the scheme alone", []string{"Authorization", "Bearer"}, 400, []string{"error", "invalid_request"}},
		{"the scheme and a space", []string{"Authorization", "Bearer "}, 400, []string{"error", "invalid_request"}},
		{"two spaces", []string{"Authorization", "Bearer  " + token}, 400, []string{"error", "invalid_request"}},
		{"a second word", []string{"Authorization", "Bearer " + token + " x"}, 400, []string{"error", "invalid_request"}},
		{"a comma", []string{"Authorization", "Bearer " + token + ",x"}, 400, []string{"error", "invalid_request"}},
		{"a truncated token", []string{"Authorization", "Bearer " + token[:len(token)-5]}, 401, []string{"error", "invalid_token"}},
		{"a token without its signature", []string{"Authorization", "Bearer " + token[:strings.LastIndex(token, ".")+1]}, 401, []string{"error", "invalid_token"}},
		{"garbage", []string{"Authorization", "Bearer garbage"}, 401, []string{"error", "invalid_token", "scope", "notes:read notes:delete"}},
		{"too long a token", []string{"Authorization", "Bearer " + strings.Repeat("a", 8<<10+1)}, 401, []string{"error", "invalid_token"}},
		{"a token of another issuer", []string{"Authorization", "Bearer " + newIssuer("https://evil.example").token(nil)}, 401, []string{"error", "invalid_token"}},
		{"too few scopes", []string{"Authorization", "Bearer " + as.token(nil)}, 403, []string{"error", "insufficient_scope", "scope", "notes:read notes:delete"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.status == 200 {
				wantOK(t, h, get(tt.fields...))
				return
			}
			wantRefusal(t, h, get(tt.fields...), tt.status, "Bearer", tt.params...)
		})
	}
}

// Header values in challenges are escaped; verifier errors are not echoed.
func TestStatement59ChallengesAreEscapedAndSilent(t *testing.T) {
	v := oauth2.VerifierFunc(func(_ context.Context, token string) (*oauth2.Token, error) {
		return nil, auth.Invalid("x", errors.New("token "+token+` is "bad"`))
	})
	h := handler(t, newAuthenticator(t, v, func(c *oauth2.AuthenticatorConfig) { c.Realm = `the "notes" \ service` }))
	resp := wantRefusal(t, h, bearer("a-very-secret-token"), 401, "Bearer", "realm", `the "notes" \ service`, "error", "invalid_token", "error_description", "")
	if text := resp.Header.Get("WWW-Authenticate"); !strings.Contains(text, `realm="the \"notes\" \\ service"`) || strings.Contains(text, "secret") {
		t.Errorf("got %s", text)
	}
	body := make([]byte, 1024)
	n, _ := resp.Body.Read(body)
	if strings.Contains(string(body[:n]), "secret") || strings.Contains(string(body[:n]), "bad") {
		t.Errorf("got the body %s", body[:n])
	}
}

// Every accepted token names this resource in aud.
func TestStatement60Audience(t *testing.T) {
	as := newIssuer(testIssuer)
	h := handler(t, newAuthenticator(t, as.verifier(), nil))
	other := as.token(func(g *jwt.Grant) { g.Audience = []string{"https://other.example"} })
	wantRefusal(t, h, bearer(other), 401, "Bearer", "error", "invalid_token")
	wantOK(t, h, bearer(as.token(func(g *jwt.Grant) { g.Audience = []string{"https://other.example", testAudience} })))

	endpoint, i := introspection(t, nil)
	h = handler(t, newAuthenticator(t, i, nil))
	endpoint.Set("other", active(object{"aud": "https://other.example"}))
	endpoint.Set("none", active(object{"aud": nil}))
	endpoint.Set("empty", active(object{"aud": []string{}}))
	endpoint.Set("several", active(object{"aud": []string{"https://other.example", testAudience}}))
	for _, token := range []string{"other", "none", "empty"} {
		wantRefusal(t, h, bearer(token), 401, "Bearer", "error", "invalid_token")
	}
	wantOK(t, h, bearer("several"))
}

// JWT access token: typ at+jwt required, alg allow-list, none and symmetric refused, iss exact, exp/nbf with bounded skew.
func TestStatement61JWTAccessTokens(t *testing.T) {
	as := newIssuer(testIssuer)
	h := handler(t, newAuthenticator(t, as.verifier(), nil))
	claims := object{
		"iss": testIssuer, "sub": "alice", "aud": testAudience, "client_id": "app", "jti": "t1",
		"iat": testTime.Unix(), "exp": testTime.Add(time.Minute).Unix(),
	}
	header := object{"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}
	wantOK(t, h, bearer(as.sign(header, claims)))
	wantOK(t, h, bearer(as.sign(with(header, "typ", "application/at+jwt"), claims)))
	for name, token := range map[string]string{
		"typ of an ID token":        as.sign(with(header, "typ", "JWT"), claims),
		"no typ":                    as.sign(with(header, "typ", nil), claims),
		"alg none":                  as.sign(with(header, "alg", "none"), claims),
		"a symmetric algorithm":     as.sign(with(header, "alg", "HS256"), claims),
		"an algorithm not listed":   as.sign(with(header, "alg", "ES256"), claims),
		"an issuer with a slash":    as.sign(header, with(claims, "iss", testIssuer+"/")),
		"an issuer in another case": as.sign(header, with(claims, "iss", strings.ToUpper(testIssuer))),
		"an expired token":          as.sign(header, with(claims, "exp", testTime.Unix()-1)),
		"no exp":                    as.sign(header, with(claims, "exp", nil)),
		"a token of the future":     as.sign(header, with(claims, "nbf", testTime.Add(time.Minute).Unix())),
		"no client_id":              as.sign(header, with(claims, "client_id", nil)),
		"no jti":                    as.sign(header, with(claims, "jti", nil)),
		"a scope that is a number":  as.sign(header, with(claims, "scope", 1)),
		"a scope with two spaces":   as.sign(header, with(claims, "scope", "a  b")),
		"cnf that is a string":      as.sign(header, with(claims, "cnf", "x")),
		"another key":               newIssuer(testIssuer).sign(header, claims),
	} {
		t.Run(name, func(t *testing.T) { wantRefusal(t, h, bearer(token), 401, "Bearer", "error", "invalid_token") })
	}
	c := as.config()
	c.Algorithms = []jwt.Algorithm{jwt.HS256}
	if _, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: c}); err == nil {
		t.Error("got no error for a symmetric algorithm in the configuration")
	}
	c = as.config()
	c.Profile = jwt.ProfileIDToken
	if _, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: c}); err == nil {
		t.Error("got no error for the profile of ID tokens in the configuration")
	}
}

// Unknown kid causes at most one JWKS fetch per interval, never evicts good keys, and concurrent misses share it.
func TestStatement62UnknownKeys(t *testing.T) {
	as := newIssuer(testIssuer)
	jwks := must(jwt.NewJWKSHandler(time.Hour, as.keys().Keys()...))
	var fetches atomic.Int64
	remote := must(jwt.NewRemote(jwt.RemoteConfig{
		URL: testIssuer + "/jwks", Clock: testClock,
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			fetches.Add(1)
			return authtest.Do(jwks, r), nil
		}),
	}))
	defer func() { _ = remote.Close() }()
	c := as.config()
	c.Keys = remote
	h := handler(t, newAuthenticator(t, must(oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: c})), nil))
	wantOK(t, h, bearer(as.token(nil)))
	stranger := newIssuer(testIssuer)
	stranger.id = "unknown"
	forged := stranger.token(nil)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if resp := authtest.Do(h, bearer(forged)); resp.StatusCode != 401 {
				t.Errorf("got status %d", resp.StatusCode)
			}
		})
	}
	wg.Wait()
	wantOK(t, h, bearer(as.token(nil)))
	if got := fetches.Load(); got > 2 {
		t.Errorf("got %d fetches, want the first and at most one more", got)
	}
}
