package authtest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cardea-go/auth/authtest"
)

// careless is a client that leaves something out.
type careless struct {
	p        *authtest.Provider
	leaveOut string // of the authorization request
	verifier string // of the token request
	status   int    // of the token request
	refusal  string // of the authorization request
	code     string
}

const verifier = "0123456789012345678901234567890123456789012"

func (c *careless) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	challenge := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {c.p.ClientID}, "redirect_uri": {c.p.RedirectURL()}, "scope": {"openid"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	q.Del(c.leaveOut)
	if r.URL.Path == "/login" {
		http.Redirect(w, r, c.p.URL+"/authorize?"+q.Encode(), http.StatusSeeOther)
		return
	}
	if c.refusal = r.URL.Query().Get("error"); c.refusal != "" {
		return
	}
	c.code = r.URL.Query().Get("code")
	c.redeem()
}

func (c *careless) redeem() string {
	resp, err := http.PostForm(c.p.URL+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {c.code}, "redirect_uri": {c.p.RedirectURL()}, "client_id": {c.p.ClientID}, "code_verifier": {c.verifier},
	})
	if err != nil {
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		IDToken string `json:"id_token"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&answer) // a refusal has none
	c.status = resp.StatusCode
	return answer.IDToken
}

func TestProviderCatchesWhatAClientForgets(t *testing.T) {
	p := authtest.NewProvider(t, authtest.ProviderConfig{})
	for _, name := range []string{"state", "nonce", "code_challenge", "code_challenge_method", "scope", "response_type"} {
		c := &careless{p: p, leaveOut: name}
		if p.Visit(c, "/login", nil); c.refusal != "invalid_request" {
			t.Errorf("without %s: got %q, want invalid_request", name, c.refusal)
		}
	}
	c := &careless{p: p}
	if p.Visit(c, "/login", nil); c.status != http.StatusBadRequest {
		t.Errorf("without a verifier: got status %d, want 400", c.status)
	}
	c = &careless{p: p, verifier: verifier}
	if p.Visit(c, "/login", nil); c.status != http.StatusOK {
		t.Errorf("with everything: got status %d, want 200", c.status)
	}
	if token := c.redeem(); c.status != http.StatusBadRequest || token != "" {
		t.Errorf("the code again: got status %d, want 400", c.status)
	}
}

func TestProviderSaysWhatATestWants(t *testing.T) {
	p := authtest.NewProvider(t, authtest.ProviderConfig{})
	seen := func(parameters map[string]string) url.Values {
		p.Answer(parameters)
		var got url.Values
		c := &careless{p: p}
		p.Visit(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got = r.URL.Query(); r.URL.Path == "/login" {
				c.ServeHTTP(w, r)
			}
		}), "/login", nil)
		return got
	}
	if got := seen(map[string]string{"state": "other", "iss": "", "error": "access_denied"}); got.Get("state") != "other" || got.Has("iss") || got.Get("error") != "access_denied" {
		t.Errorf("got %v", got)
	}
	if got := seen(nil); got.Get("state") != "s" || got.Get("iss") != p.URL || got.Has("error") || strings.TrimSpace(got.Get("code")) == "" {
		t.Errorf("got %v", got)
	}
}
