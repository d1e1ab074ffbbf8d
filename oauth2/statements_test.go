package oauth2_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/dpop"
)

// The tests of this file are the checklist of a resource server, one function a statement, in its order and numbers.

// Token taken from the Authorization header only; in the query it is ignored; two methods at once: 400 invalid_request.
func TestStatement57TokenFromTheHeaderOnly(t *testing.T) {
	as := newIssuer(testIssuer)
	h := handler(t, newAuthenticator(t, as.verifier(), nil))
	token := as.token(nil)
	wantOK(t, h, bearer(token))

	inQuery := authtest.Request(http.MethodGet, testURL+"?access_token="+token)
	wantRefusal(t, h, inQuery, 401, "Bearer", "error", "")

	inForm := authtest.Request(http.MethodPost, testURL, "Content-Type", "application/x-www-form-urlencoded")
	inForm.Body = http.NoBody
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
		{"no header", nil, 401, []string{"error", "", "scope", ""}},
		{"another scheme", []string{"Authorization", "Basic Og=="}, 401, []string{"error", ""}},
		{"two headers", []string{"Authorization", "Bearer " + token, "Authorization", "Bearer " + token}, 400, []string{"error", "invalid_request"}},
		{"the scheme alone", []string{"Authorization", "Bearer"}, 400, []string{"error", "invalid_request"}},
		{"the scheme and a space", []string{"Authorization", "Bearer "}, 400, []string{"error", "invalid_request"}},
		{"two spaces", []string{"Authorization", "Bearer  " + token}, 400, []string{"error", "invalid_request"}},
		{"a second word", []string{"Authorization", "Bearer " + token + " x"}, 400, []string{"error", "invalid_request"}},
		{"a comma", []string{"Authorization", "Bearer " + token + ",x"}, 400, []string{"error", "invalid_request"}},
		{"a truncated token", []string{"Authorization", "Bearer " + token[:len(token)-5]}, 401, []string{"error", "invalid_token"}},
		{"a token without its signature", []string{"Authorization", "Bearer " + token[:strings.LastIndex(token, ".")+1]}, 401, []string{"error", "invalid_token"}},
		{"garbage", []string{"Authorization", "Bearer garbage"}, 401, []string{"error", "invalid_token"}},
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

// A token with cnf.jkt sent as Bearer: 401; DPoP scheme with an unbound token: 401.
func TestStatement64NoDowngrade(t *testing.T) {
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(testClock)
	h := handler(t, newAuthenticator(t, as.verifier(), withDPoP(newDPoP(nil))))
	boundToken, plain := as.token(bound(key.Thumbprint(), "")), as.token(nil)
	wantOK(t, h, key.Request("GET", testURL, boundToken, ""))
	wantOK(t, h, bearer(plain))
	wantRefusal(t, h, bearer(boundToken), 401, "DPoP", "error", "invalid_token")
	wantRefusal(t, h, key.Request("GET", testURL, plain, ""), 401, "DPoP", "error", "invalid_token")

	withProof := bearer(boundToken)
	withProof.Header.Set("DPoP", key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL, AccessToken: boundToken}))
	wantRefusal(t, h, withProof, 401, "DPoP", "error", "invalid_token")

	unaware := handler(t, newAuthenticator(t, as.verifier(), nil))
	wantRefusal(t, unaware, bearer(boundToken), 401, "Bearer", "error", "invalid_token")
	wantRefusal(t, unaware, key.Request("GET", testURL, boundToken, ""), 401, "Bearer", "error", "")

	strict := handler(t, newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		withDPoP(newDPoP(nil))(c)
		c.RequireBinding = true
	}))
	wantOK(t, strict, key.Request("GET", testURL, boundToken, ""))
	wantRefusal(t, strict, bearer(plain), 401, "DPoP", "error", "invalid_token")
	wantRefusal(t, strict, bearer(boundToken), 401, "DPoP", "error", "invalid_token")
	authtest.AssertChallenges(t, authtest.Do(strict, get()), `DPoP algs="ES256 EdDSA ES384 ES512 PS256"`)
}

// DPoP proof: ath = hash of this token, htm/htu of this request (external URL configured, not guessed from Host), iat
// window, jti once, nonce if demanded with use_dpop_nonce and DPoP-Nonce.
func TestStatement65DPoPProofs(t *testing.T) {
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(testClock)
	token := as.token(bound(key.Thumbprint(), ""))
	h := handler(t, newAuthenticator(t, as.verifier(), withDPoP(newDPoP(nil))))
	request := func(p authtest.DPoPProof) *http.Request {
		return get("Authorization", "DPoP "+token, "DPoP", key.Proof(p))
	}
	good := authtest.DPoPProof{Method: "GET", URL: testURL, AccessToken: token}
	change := func(f func(*authtest.DPoPProof)) *http.Request {
		p := good
		f(&p)
		return request(p)
	}
	for name, r := range map[string]*http.Request{
		"the hash of another token":   change(func(p *authtest.DPoPProof) { p.AccessToken = "x" }),
		"no hash of the token":        change(func(p *authtest.DPoPProof) { p.AccessToken = "" }),
		"another method":              change(func(p *authtest.DPoPProof) { p.Method = "POST" }),
		"another URL":                 change(func(p *authtest.DPoPProof) { p.URL = testURL + "/x" }),
		"an iat too long ago":         change(func(p *authtest.DPoPProof) { p.Claims = object{"iat": testTime.Add(-2 * time.Minute).Unix()} }),
		"another key":                 authtest.NewDPoPKey(testClock).Request("GET", testURL, token, ""),
		"no proof":                    get("Authorization", "DPoP "+token),
		"a proof that is no JWT":      get("Authorization", "DPoP "+token, "DPoP", "x"),
		"the access token as a proof": get("Authorization", "DPoP "+token, "DPoP", token),
	} {
		t.Run(name, func(t *testing.T) { wantRefusal(t, h, r, 401, "DPoP", "error", "invalid_dpop_proof") })
	}
	twice := request(good)
	twice.Header.Add("DPoP", twice.Header.Get("DPoP"))
	wantRefusal(t, h, twice, 400, "DPoP", "error", "invalid_request")

	once := request(good)
	wantOK(t, h, once)
	wantRefusal(t, h, once, 401, "DPoP", "error", "invalid_dpop_proof")
}

func TestStatement65ExternalURL(t *testing.T) {
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(testClock)
	token := as.token(bound(key.Thumbprint(), ""))
	for _, tt := range []struct {
		name, external, url string
		request             func(r *http.Request)
		ok                  bool
	}{
		{"the Host header does not matter", "https://api.example", testURL, func(r *http.Request) { r.Host = "10.0.0.1:8080" }, true},
		{"the Host header can't choose", "https://api.example", "https://evil.example/notes/1", func(r *http.Request) { r.Host = "evil.example" }, false},
		{"X-Forwarded-Host can't choose", "https://api.example", "https://evil.example/notes/1", func(r *http.Request) { r.Header.Set("X-Forwarded-Host", "evil.example") }, false},
		{"a path that a proxy cuts off is put back", "https://api.example/v1/", "https://api.example/v1/notes/1", func(*http.Request) {}, true},
		{"a prefix that a handler cuts off does not count", "https://api.example", testURL, func(r *http.Request) {
			r.RequestURI = "/notes/1?a=b"
			r.URL.Path, r.URL.RawPath = "/1", ""
		}, true},
		{"an encoded path is taken as it was sent", "https://api.example", "https://api.example/a%2Fb", func(r *http.Request) {
			r.RequestURI, r.URL.Path, r.URL.RawPath = "/a%2Fb", "/a/b", "/a%2Fb"
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := handler(t, newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
				c.DPoP, c.ExternalURL = newDPoP(nil), tt.external
			}))
			r := get("Authorization", "DPoP "+token, "DPoP", key.Proof(authtest.DPoPProof{Method: "GET", URL: tt.url, AccessToken: token}))
			tt.request(r)
			if tt.ok {
				wantOK(t, h, r)
				return
			}
			wantRefusal(t, h, r, 401, "DPoP", "error", "invalid_dpop_proof")
		})
	}
}

func TestStatement65Nonces(t *testing.T) {
	now := testTime
	clock := func() time.Time { return now }
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(clock)
	token := as.token(bound(key.Thumbprint(), ""))
	v := newDPoP(func(c *dpop.Config) {
		c.Clock = clock
		c.Nonces = must(dpop.NewNonces(dpop.NoncesConfig{Clock: clock, Lifetime: time.Minute}))
	})
	h := handler(t, newAuthenticator(t, as.verifier(), withDPoP(v)), auth.Scopes("notes:read"))

	resp := wantRefusal(t, h, key.Request("GET", testURL, token, ""), 401, "DPoP", "error", "use_dpop_nonce")
	nonce := resp.Header.Get("DPoP-Nonce")
	if nonce == "" || len(resp.Header["Dpop-Nonce"]) != 1 {
		t.Fatalf("got DPoP-Nonce %q with the challenge", resp.Header["Dpop-Nonce"])
	}
	if resp = wantOK(t, h, key.Request("GET", testURL, token, nonce)); resp.Header.Get("DPoP-Nonce") != "" {
		t.Error("got a nonce on 200 where the client has the newest")
	}
	now = now.Add(time.Minute)
	resp = wantOK(t, h, key.Request("GET", testURL, token, nonce))
	next := resp.Header.Get("DPoP-Nonce")
	if next == "" || next == nonce {
		t.Errorf("got DPoP-Nonce %q on 200, want a newer one", next)
	}
	now = now.Add(time.Minute)
	wantRefusal(t, h, key.Request("GET", testURL, token, nonce), 401, "DPoP", "error", "use_dpop_nonce")
	resp = wantRefusal(t, h, get("Authorization", "DPoP "+token), 401, "DPoP", "error", "invalid_dpop_proof")
	if resp.Header.Get("DPoP-Nonce") == "" {
		t.Error("got no nonce with the refusal of a request without a proof, which costs the client a round trip")
	}
	wantOK(t, h, key.Request("GET", testURL, token, next))
	if resp = wantRefusal(t, h, bearer(as.token(bound(key.Thumbprint(), ""))), 401, "DPoP"); resp.Header.Get("DPoP-Nonce") != "" {
		t.Error("got a nonce for a bearer token")
	}
}

// A proof is used once across all instances that share a store.
func TestStatement65ReplayAcrossInstances(t *testing.T) {
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(testClock)
	token := as.token(bound(key.Thumbprint(), ""))
	replays := must(dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{Clock: testClock}))
	instance := func() http.Handler {
		return handler(t, newAuthenticator(t, as.verifier(), withDPoP(newDPoP(func(c *dpop.Config) { c.Replays = replays }))))
	}
	a, b := instance(), instance()
	r := key.Request("GET", testURL, token, "")
	wantOK(t, a, r)
	wantRefusal(t, b, r, 401, "DPoP", "error", "invalid_dpop_proof")
	wantRefusal(t, a, r, 401, "DPoP", "error", "invalid_dpop_proof")
}
