package oauth2_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/dpop"
)

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
	if _, err := newAuthenticator(t, as.verifier(), nil).Authenticate(bearer(boundToken)); !errors.Is(err, oauth2.ErrBound) {
		t.Errorf("got %v where nothing checks proofs, want ErrBound", errors.Unwrap(err))
	}
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

// A token that is bound to a key and to a certificate needs both.
func TestStatement66BoundTwice(t *testing.T) {
	as, mine, key := newIssuer(testIssuer), newCertificate(t), authtest.NewDPoPKey(testClock)
	token := as.token(bound(key.Thumbprint(), oauth2.CertificateThumbprint(mine.Raw)))
	both := handler(t, newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		withDPoP(newDPoP(nil))(c)
		c.Certificate = oauth2.PeerCertificate
	}))
	r := key.Request("GET", testURL, token, "")
	wantRefusal(t, both, over(r, newCertificate(t)), 401, "DPoP", "error", "invalid_token")
	wantOK(t, both, over(r, mine)) // the proof was not used up by the refusal
	wantRefusal(t, both, over(bearer(token), mine), 401, "DPoP", "error", "invalid_token")
	onlyKey := handler(t, newAuthenticator(t, as.verifier(), withDPoP(newDPoP(nil))))
	wantRefusal(t, onlyKey, over(key.Request("GET", testURL, token, ""), mine), 401, "DPoP", "error", "invalid_token")
	certificateOnly := as.token(bound("", oauth2.CertificateThumbprint(mine.Raw)))
	wantRefusal(t, both, over(key.Request("GET", testURL, certificateOnly, ""), mine), 401, "DPoP", "error", "invalid_token")
}

// Guards within guards prove a request once: a proof that was used up is not asked for again.
func TestDPoPWithNestedGuards(t *testing.T) {
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(testClock)
	a := newAuthenticator(t, as.verifier(), withDPoP(newDPoP(nil)))
	outer := must(middleware.New(middleware.Config{Authenticator: a}))
	h := outer.Handler(outer.MustRequire(auth.Scopes("notes:read")).HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	wantOK(t, h, key.Request("GET", testURL, as.token(bound(key.Thumbprint(), "")), ""))
}
