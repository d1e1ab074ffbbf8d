package refresh_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/oauth2/dpop"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// call posts a form and checks what every answer of these endpoints has.
func call(t *testing.T, h http.HandlerFunc, form string, change ...func(*http.Request)) (*http.Response, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "https://api.example.com/auth/refresh", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	h(rec, r)
	res := rec.Result()
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("got Cache-Control %q, want no-store", got)
	}
	body := map[string]any{}
	if rec.Body.Len() > 0 {
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
			t.Fatalf("got body %q: %v", rec.Body, err)
		}
	}
	return res, body
}

func (w *world) endpoints(c refresh.EndpointsConfig) *refresh.Endpoints {
	w.t.Helper()
	e, err := w.issuer.Endpoints(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func refreshForm(token string, more ...string) string {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for i := 0; i < len(more); i += 2 {
		form.Add(more[i], more[i+1])
	}
	return form.Encode()
}

func TestEndpointsInBodies(t *testing.T) {
	w := newWorld(t, nil)
	e := w.endpoints(refresh.EndpointsConfig{})
	rec := httptest.NewRecorder()
	first := w.login(refresh.Login{Scopes: auth.MustScopeSet("read", "write")})
	e.Answer(rec, first)
	var answer map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if answer["access_token"] != first.AccessToken || answer["refresh_token"] != first.RefreshToken ||
		answer["token_type"] != "Bearer" || answer["expires_in"] != 600.0 || answer["scope"] != "read write" {
		t.Errorf("got answer %v", answer)
	}
	res, answer := call(t, e.Refresh, refreshForm(first.RefreshToken, "scope", "read", "client_id", refresh.DefaultClient))
	if res.StatusCode != 200 || answer["scope"] != "read" || answer["refresh_token"] == first.RefreshToken {
		t.Fatalf("got %d %v", res.StatusCode, answer)
	}
	if len(res.Cookies()) != 0 {
		t.Error("got a cookie")
	}
	token, _ := answer["refresh_token"].(string)
	res, _ = call(t, e.Logout, url.Values{"token": {token}}.Encode())
	if res.StatusCode != 200 {
		t.Fatalf("logout: got %d", res.StatusCode)
	}
	res, answer = call(t, e.Refresh, refreshForm(token))
	if res.StatusCode != 400 || answer["error"] != "invalid_grant" {
		t.Errorf("after logout: got %d %v", res.StatusCode, answer)
	}
}

// Tokens may come to Answer by another way than from Issue: out of a test, or a queue.
func TestAnswerCountsFromNow(t *testing.T) {
	w := newWorld(t, nil)
	rec := httptest.NewRecorder()
	w.endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{}}).Answer(rec, refresh.Tokens{
		AccessToken: "a", RefreshToken: "r", TokenType: "Bearer", ExpiresAt: start.Add(time.Minute), RefreshExpiresAt: start.Add(time.Hour),
	})
	if !strings.Contains(rec.Body.String(), `"expires_in":60`) || onlyCookie(t, rec.Result()).MaxAge != 3600 {
		t.Errorf("got %s, cookie %v", rec.Body, rec.Result().Cookies())
	}
}

func TestRedirectEndsALoginThatCameByALink(t *testing.T) {
	w := newWorld(t, nil)
	e := w.endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{}})
	for path, want := range map[string]string{
		"/notes?page=2": "/notes?page=2", "": "/", "https://evil.example/": "/", "//evil.example": "/", "/\\evil.example": "/", "/\t/evil.example": "/",
	} {
		rec := httptest.NewRecorder()
		tokens := w.login(refresh.Login{})
		e.Redirect(rec, httptest.NewRequest("GET", "/login/callback", nil), tokens, path)
		cookie := onlyCookie(t, rec.Result())
		if rec.Code != 303 || rec.Header().Get("Location") != want || cookie.Value != tokens.RefreshToken || cookie.SameSite != http.SameSiteStrictMode || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%q: got %d to %q, cookie %v", path, rec.Code, rec.Header().Get("Location"), cookie)
		}
		if strings.Contains(rec.Body.String(), tokens.AccessToken) || strings.Contains(rec.Body.String(), tokens.RefreshToken) {
			t.Error("got a token in the body")
		}
	}
	rec := httptest.NewRecorder()
	e.Redirect(rec, httptest.NewRequest("GET", "/", nil), refresh.Tokens{RefreshToken: "r", RefreshExpiresAt: start.Add(time.Hour)}, "/")
	if onlyCookie(t, rec.Result()).MaxAge != 3600 {
		t.Errorf("tokens from elsewhere: got cookie %v", rec.Result().Cookies())
	}
	rec = httptest.NewRecorder()
	w.endpoints(refresh.EndpointsConfig{}).Redirect(rec, httptest.NewRequest("GET", "/", nil), w.login(refresh.Login{}), "/")
	if rec.Code != 500 || len(rec.Result().Cookies()) > 0 || rec.Header().Get("Location") != "" {
		t.Errorf("without a cookie: got %d %v", rec.Code, rec.Header())
	}
}

func TestEndpointsInCookies(t *testing.T) {
	for _, tt := range []struct{ path, name string }{{"", "__Host-refresh"}, {"/", "__Host-refresh"}, {"/auth", "__Secure-refresh"}} {
		t.Run("path "+tt.path, func(t *testing.T) {
			w := newWorld(t, nil)
			e := w.endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{Path: tt.path}})
			rec := httptest.NewRecorder()
			first := w.login(refresh.Login{})
			e.Answer(rec, first)
			if strings.Contains(rec.Body.String(), refresh.Prefix) {
				t.Error("got a refresh token in the body, where scripts see it")
			}
			cookie := onlyCookie(t, rec.Result())
			if cookie.Name != tt.name || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode ||
				cookie.Domain != "" || cookie.Value != first.RefreshToken || cookie.MaxAge != int(refresh.DefaultIdle/time.Second) {
				t.Errorf("got cookie %v", cookie)
			}
			if want := max(tt.path, "/"); cookie.Path != want {
				t.Errorf("got path %q, want %q", cookie.Path, want)
			}
			with := func(c *http.Cookie) func(*http.Request) {
				return func(r *http.Request) { r.AddCookie(c); r.Header.Set("Sec-Fetch-Site", "same-origin") }
			}
			res, answer := call(t, e.Refresh, "", with(cookie))
			if res.StatusCode != 200 || answer["refresh_token"] != nil {
				t.Fatalf("got %d %v", res.StatusCode, answer)
			}
			next := onlyCookie(t, res)
			res, _ = call(t, e.Logout, "", with(next))
			if gone := onlyCookie(t, res); res.StatusCode != 200 || gone.MaxAge >= 0 || gone.Value != "" {
				t.Errorf("logout: got %d, cookie %v", res.StatusCode, gone)
			}
			res, _ = call(t, e.Refresh, "", with(next))
			if gone := onlyCookie(t, res); res.StatusCode != 400 || gone.MaxAge >= 0 {
				t.Errorf("after logout: got %d, cookie %v, want it taken back", res.StatusCode, gone)
			}
		})
	}
}

func onlyCookie(t *testing.T, res *http.Response) *http.Cookie {
	t.Helper()
	cookies := res.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("got %d cookies, want 1", len(cookies))
	}
	return cookies[0]
}

// Statement 45 and RFC 6749 §5.2: what is not a refresh request is refused, and spends nothing.
func TestEndpointsRefuse(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, tt := range []struct {
		name   string
		cookie bool
		form   func(token string) string
		change func(*http.Request)
		status int
		code   string
	}{
		{"a GET", false, nil, func(r *http.Request) { r.Method = "GET" }, 405, "invalid_request"},
		{"a GET with a cookie", true, nil, func(r *http.Request) { r.Method = "GET" }, 405, "invalid_request"},
		{"JSON", false, nil, header("Content-Type", "application/json"), 400, "invalid_request"},
		{"no content type", false, nil, func(r *http.Request) { r.Header.Del("Content-Type") }, 400, "invalid_request"},
		{"a body that is too long by its own account", false, nil, func(r *http.Request) { r.ContentLength = 1 << 20 }, 400, "invalid_request"},
		{"a body that is too long", false, func(s string) string { return refreshForm(s, "x", strings.Repeat("x", 1<<16)) }, func(r *http.Request) { r.ContentLength = -1 }, 400, "invalid_request"},
		{"a parameter that is too long", false, func(s string) string { return refreshForm(s, "x", strings.Repeat("x", 1<<14+1)) }, nil, 400, "invalid_request"},
		{"a body that breaks off", false, nil, func(r *http.Request) { r.Body = broken{} }, 400, "invalid_request"},
		{"a malformed body", false, func(string) string { return "grant_type=%zz" }, nil, 400, "invalid_request"},
		{"a malformed name", false, func(string) string { return "%zz=1" }, nil, 400, "invalid_request"},
		{"too many parameters", false, func(string) string {
			var b strings.Builder
			for n := range 65 {
				b.WriteString("p" + string(rune('0'+n)) + "=1&")
			}
			return b.String()
		}, nil, 400, "invalid_request"},
		{"a repeated parameter", false, func(s string) string { return refreshForm(s, "refresh_token", s) }, nil, 400, "invalid_request"},
		{"no grant type", false, func(s string) string { return "refresh_token=" + s }, nil, 400, "invalid_request"},
		{"an empty grant type", false, func(s string) string { return "grant_type=&refresh_token=" + s }, nil, 400, "invalid_request"},
		{"another grant type", false, func(s string) string { return "grant_type=password&refresh_token=" + s }, nil, 400, "unsupported_grant_type"},
		{"another grant type beside a cookie", true, func(string) string { return "grant_type=password" }, nil, 400, "unsupported_grant_type"},
		{"no token", false, func(string) string { return refreshForm("") }, nil, 400, "invalid_request"},
		{"the token in the URL only", false, func(string) string { return refreshForm("") }, func(r *http.Request) { r.URL.RawQuery = "refresh_token=x" }, 400, "invalid_request"},
		{"another client", false, func(s string) string { return refreshForm(s, "client_id", "other") }, nil, 401, "invalid_client"},
		{"a malformed scope", false, func(s string) string { return refreshForm(s, "scope", "a  b") }, nil, 400, "invalid_scope"},
		{"a wider scope", false, func(s string) string { return refreshForm(s, "scope", "admin") }, nil, 400, "invalid_scope"},
		{"garbage", false, func(string) string { return refreshForm("garbage") }, nil, 400, "invalid_grant"},
		{"a page of another site", true, nil, header("Sec-Fetch-Site", "cross-site"), 403, "invalid_request"},
		{"a page of another origin", true, nil, header("Origin", "https://evil.example"), 403, "invalid_request"},
		{"a page without an origin", true, nil, header("Origin", "null"), 403, "invalid_request"},
		{"a page of our host over another port", true, nil, header("Origin", "https://api.example.com:8443"), 403, "invalid_request"},
		{"a page of a subdomain", true, nil, header("Sec-Fetch-Site", "same-site"), 403, "invalid_request"},
		{"no cookie", true, nil, func(r *http.Request) { r.Header.Del("Cookie") }, 400, "invalid_request"},
		{"two cookies", true, nil, func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-refresh", Value: "x"}) }, 400, "invalid_request"},
		{"the token in the body as well", true, func(s string) string { return refreshForm(s) }, nil, 400, "invalid_request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			var c refresh.EndpointsConfig
			form := refreshForm
			if tt.cookie {
				c.Cookie = &refresh.CookieConfig{}
				form = func(string, ...string) string { return "" }
			}
			e := w.endpoints(c)
			first := w.login(refresh.Login{Scopes: auth.MustScopeSet("read")})
			body := form(first.RefreshToken)
			if tt.form != nil {
				body = tt.form(first.RefreshToken)
			}
			res, answer := call(t, e.Refresh, body, func(r *http.Request) {
				if tt.cookie {
					r.AddCookie(&http.Cookie{Name: "__Host-refresh", Value: first.RefreshToken})
				}
				if tt.change != nil {
					tt.change(r)
				}
			})
			if res.StatusCode != tt.status || answer["error"] != tt.code {
				t.Errorf("got %d %v, want %d %s", res.StatusCode, answer, tt.status, tt.code)
			}
			if allow := res.Header.Get("Allow"); (allow == "POST") != (tt.status == 405) {
				t.Errorf("got Allow %q", allow)
			}
			if w.store.swap.Load() != 0 {
				t.Error("the token was spent")
			}
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }
func (broken) Close() error             { return nil }

func TestEndpointsTrustNamedOrigins(t *testing.T) {
	w := newWorld(t, nil)
	e := w.endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{TrustedOrigins: []string{"https://app.example.com"}}})
	first := w.login(refresh.Login{})
	res, _ := call(t, e.Refresh, "", func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: "__Host-refresh", Value: first.RefreshToken})
		r.Header.Set("Origin", "https://app.example.com")
		r.Header.Set("Sec-Fetch-Site", "same-site")
	})
	if res.StatusCode != 200 {
		t.Errorf("got %d, want 200", res.StatusCode)
	}
}

// Statement 41: an outage is 503, never a refusal and never a success.
func TestEndpointsAnswerOutages(t *testing.T) {
	for _, cookie := range []*refresh.CookieConfig{nil, {}} {
		var log bytes.Buffer
		w := newWorld(t, func(c *refresh.Config) { c.ErrorLog = slog.New(slog.NewTextHandler(&log, nil)) })
		e := w.endpoints(refresh.EndpointsConfig{Cookie: cookie})
		first := w.login(refresh.Login{})
		_, _ = call(t, e.Refresh, refreshForm(refresh.Prefix+"guess"))
		if log.Len() > 0 {
			t.Errorf("got log %s of a refusal, which the observer is told", log.String())
		}
		w.store.failFind.Store(true)
		form, change := refreshForm(first.RefreshToken), func(*http.Request) {}
		logout := "token=" + first.RefreshToken
		if cookie != nil {
			form, logout = "", ""
			change = func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "__Host-refresh", Value: first.RefreshToken}) }
		}
		for _, res := range []*http.Response{
			first2(call(t, e.Refresh, form, change)), first2(call(t, e.Logout, logout, change)),
		} {
			if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || len(res.Cookies()) != 0 {
				t.Errorf("got %d, Retry-After %q, cookies %v", res.StatusCode, res.Header.Get("Retry-After"), res.Cookies())
			}
		}
		if got := log.String(); strings.Count(got, "no decision") != 2 || !strings.Contains(got, "cause=") || strings.Contains(got, first.RefreshToken) {
			t.Errorf("got log %s, want the cause of each", got)
		}
	}
}

func first2(res *http.Response, _ map[string]any) *http.Response { return res }

func TestEndpointsProof(t *testing.T) {
	const url = "https://api.example.com/auth/refresh"
	w := newWorld(t, nil)
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{Clock: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := dpop.NewVerifier(dpop.Config{Replays: w.store, Nonces: nonces, Clock: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	e := w.endpoints(refresh.EndpointsConfig{DPoP: verifier, URL: url})
	key := authtest.NewDPoPKey(w.clock.now)
	first := w.login(refresh.Login{JWKThumbprint: key.Thumbprint()})
	if res, answer := call(t, e.Refresh, refreshForm(first.RefreshToken)); answer["error"] != "invalid_grant" {
		t.Errorf("without a proof: got %d %v", res.StatusCode, answer)
	}
	proof := func(nonce string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("DPoP", key.Proof(authtest.DPoPProof{Method: "POST", URL: url, Nonce: nonce}))
		}
	}
	res, answer := call(t, e.Refresh, refreshForm(first.RefreshToken), proof(""))
	nonce := res.Header.Get("DPoP-Nonce")
	if res.StatusCode != 400 || answer["error"] != "use_dpop_nonce" || nonce == "" {
		t.Errorf("without a nonce: got %d %v, nonce %q", res.StatusCode, answer, nonce)
	}
	if res, answer := call(t, e.Refresh, refreshForm(first.RefreshToken), proof(nonce)); res.StatusCode != 200 || answer["token_type"] != "DPoP" {
		t.Errorf("with a proof: got %d %v", res.StatusCode, answer)
	}
	twice := func(r *http.Request) { proof(nonce)(r); r.Header.Add("DPoP", "x") }
	if res, answer := call(t, e.Refresh, refreshForm(first.RefreshToken), twice); res.StatusCode != 400 || answer["error"] != "invalid_dpop_proof" {
		t.Errorf("with two proofs: got %d %v", res.StatusCode, answer)
	}
	w.store.failOnce.Store(true)
	if res, _ := call(t, e.Refresh, refreshForm(first.RefreshToken), proof(nonce)); res.StatusCode != 503 {
		t.Errorf("with a store that is down: got %d", res.StatusCode)
	}
}

func TestEndpointsConfig(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]refresh.EndpointsConfig{
		"a relative path":  {Cookie: &refresh.CookieConfig{Path: "auth"}},
		"a path with ;":    {Cookie: &refresh.CookieConfig{Path: "/a;b"}},
		"an origin's path": {Cookie: &refresh.CookieConfig{TrustedOrigins: []string{"https://a.example/x"}}},
		"DPoP without URL": {URL: "https://a.example"},
		"a long client":    {Client: strings.Repeat("x", 256)},
	} {
		if _, err := w.issuer.Endpoints(c); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestRefreshTellsTheObserverOfWhatIsNoRefreshToken(t *testing.T) {
	for name, token := range map[string]string{"another text": "eyJ.a.b", "a broken one": refresh.Prefix + "x"} {
		w := newWorld(t, nil)
		res, answer := call(t, w.endpoints(refresh.EndpointsConfig{}).Refresh, refreshForm(token))
		if res.StatusCode != 400 || answer["error"] != "invalid_grant" {
			t.Errorf("%s: got %d %v, want invalid_grant", name, res.StatusCode, answer)
		}
		if w.events.count(auth.ReasonMalformed) != 1 {
			t.Errorf("%s: got %+v, want one event of a malformed token", name, w.events.list)
		}
	}
}
