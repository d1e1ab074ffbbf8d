package client_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/client"
)

func TestLogin(t *testing.T) {
	for name, change := range map[string]func(*client.LoginConfig){
		"with a secret by Basic":    nil,
		"with a secret in the form": func(c *client.LoginConfig) { c.Client = oauth2.ClientSecretPost("app", "s3cret") },
		"with a limit of age":       func(c *client.LoginConfig) { c.MaxAge = time.Hour },
		"with scopes and a prompt":  func(c *client.LoginConfig) { c.Scopes, c.Prompt = []string{"email", "openid"}, "login" },
		"with an older sealing key": func(c *client.LoginConfig) { c.Keys = [][]byte{key(2), key(1)} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change)
			s.provider.LogIn("248289761001", authtest.WithClaim("email", "jane@example.com"))
			jar := map[string]string{"theme": "dark"}
			resp := s.provider.Visit(s.handler, "https://app.example/login?return_to=/notes%3Fpage=2", jar)
			if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/notes?page=2" {
				t.Fatalf("got %d to %q; %s", resp.StatusCode, resp.Header.Get("Location"), s.log.String())
			}
			who := s.identities[0]
			if who.Claims.Issuer() != s.provider.URL || who.Claims.Subject() != "248289761001" || who.ReturnTo != "/notes?page=2" {
				t.Errorf("got %s of %s, back to %q", who.Claims.Subject(), who.Claims.Issuer(), who.ReturnTo)
			}
			if email, err := jwt.Claim[string](who.Claims, "email"); err != nil || email != "jane@example.com" {
				t.Errorf("got e-mail %q, %v", email, err)
			}
			if who.Tokens.AccessToken == "" || !who.Tokens.ExpiresAt.Equal(s.clock.Now().Add(10*time.Minute)) || !who.Tokens.Scopes.Has("openid") {
				t.Errorf("got tokens until %v with scopes %v", who.Tokens.ExpiresAt, who.Tokens.Scopes)
			}
			if len(jar) != 1 || jar["theme"] != "dark" {
				t.Errorf("the browser keeps %v, want its own cookie alone", jar)
			}
			if e := s.events.Last(); e.Outcome != auth.OutcomeAllowed || e.Subject != "248289761001" || e.Issuer != s.provider.URL || e.Authenticator != "login" ||
				e.Method != http.MethodGet || e.Route != "GET /login/callback" || e.Remote == "" || !e.Time.Equal(s.clock.Now()) {
				t.Errorf("got event %+v", e)
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
				wantSilent(t, fmt.Sprintf(verb, who.Tokens), who.Tokens.AccessToken, who.Tokens.IDToken)
			}
			if text, err := json.Marshal(who.Tokens); err != nil || strings.Contains(string(text), who.Tokens.AccessToken) {
				t.Errorf("got %s, %v", text, err)
			}
		})
	}
}

func TestLoginOfAPublicClientWithTheUsualAlgorithm(t *testing.T) {
	s := &site{clock: newClock()}
	s.provider = authtest.NewProvider(t, authtest.ProviderConfig{Issuer: authtest.IssuerConfig{Clock: s.clock.Now}})
	h := s.login(t, func(c *client.LoginConfig) { c.ClientID, c.Client, c.Algorithms = "test-client", nil, nil })
	if resp := s.provider.Visit(h, "https://app.example/login", nil); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" {
		t.Fatalf("got %d to %q; %s", resp.StatusCode, resp.Header.Get("Location"), s.log.String())
	}
}

// TestKeysThatNameNoAlgorithm are those of Microsoft, among others.
func TestKeysThatNameNoAlgorithm(t *testing.T) {
	for _, alg := range []jwt.Algorithm{jwt.RS256, jwt.ES256} {
		s := &site{clock: newClock()}
		s.provider = authtest.NewProvider(t, authtest.ProviderConfig{Issuer: authtest.IssuerConfig{Algorithm: alg, Clock: s.clock.Now}})
		s.provider.SetKeysWithoutAlg(true)
		h := s.login(t, func(c *client.LoginConfig) {
			c.ClientID, c.Client, c.Algorithms = "test-client", nil, []jwt.Algorithm{jwt.EdDSA, alg}
		})
		if resp := s.provider.Visit(h, "https://app.example/login", nil); resp.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: got status %d; %s", alg, resp.StatusCode, s.log.String())
		}
	}
}

// TestKeysRotate has the provider sign with a new key from one login to the next.
func TestKeysRotate(t *testing.T) {
	s := newSite(t, nil)
	for n := range 3 {
		if resp := s.provider.Visit(s.handler, "https://app.example/login", nil); resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("after %d rotations: got status %d; %s", n, resp.StatusCode, s.log.String())
		}
		s.provider.Rotate(t)
		s.clock.add(30 * time.Second)
	}
}

// TestLongIDTokens are those of people with many groups.
func TestLongIDTokens(t *testing.T) {
	for length, status := range map[int]int{40 << 10: http.StatusSeeOther, 64 << 10: http.StatusUnauthorized} {
		s := newSite(t, nil)
		s.provider.LogIn("alice", authtest.WithClaim("groups", strings.Repeat("x", length)))
		if resp := s.provider.Visit(s.handler, "https://app.example/login", nil); resp.StatusCode != status {
			t.Errorf("groups of %d bytes: got status %d, want %d; %s", length, resp.StatusCode, status, s.log.String())
		}
	}
}

func TestStart(t *testing.T) {
	s := newSite(t, func(c *client.LoginConfig) {
		c.Scopes, c.MaxAge, c.Prompt = []string{"email"}, 90*time.Second, "select_account"
		c.Params = map[string]string{"hd": "example.com"}
	})
	s.provider.SetMetadata("authorization_endpoint", s.provider.URL+"/authorize?tenant=7")
	location, jar := s.begin(t, s.handler, "https://app.example/login")
	again, _ := s.begin(t, s.handler, "https://app.example/login")
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	other, err := url.Parse(again)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "app", "redirect_uri": redirectURL, "scope": "openid email", "code_challenge_method": "S256",
		"max_age": "90", "prompt": "select_account", "tenant": "7", "hd": "example.com",
	} {
		if got := q[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) != 43 || q.Get(name) == other.Query().Get(name) {
			t.Errorf("%s: got %q and %q, want two of 256 bits", name, q.Get(name), other.Query().Get(name))
		}
	}
	if len(jar) != 1 {
		t.Fatalf("got cookies %v, want one", jar)
	}
	for name, value := range jar {
		raw, err := base64.RawURLEncoding.DecodeString(value)
		if err != nil || strings.Contains(string(raw), q.Get("nonce")) {
			t.Errorf("cookie %s can be read", name)
		}
	}
}

func TestTheCookieIsForThisBrowserAlone(t *testing.T) {
	s := newSite(t, nil)
	resp := authtest.Do(s.handler, authtest.Request(http.MethodGet, "https://app.example/login"))
	c := resp.Cookies()[0]
	if !strings.HasPrefix(c.Name, "__Host-login-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 600 {
		t.Errorf("got cookie %+v", c)
	}
	if got := resp.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("got Cache-Control %q", got)
	}
}

// TestTabs has several logins under way in one browser, up to a number that its requests can carry.
func TestTabs(t *testing.T) {
	s := newSite(t, nil)
	jar := map[string]string{"theme": "dark", "a": "1", "b": "2", "c": "3", "login": "4"} // the application's own
	visit := func(link string) *http.Response {
		r := authtest.Request(http.MethodGet, link)
		for name, value := range jar {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		resp := authtest.Do(s.handler, r)
		for _, c := range resp.Cookies() {
			if jar[c.Name] = c.Value; c.MaxAge < 0 {
				delete(jar, c.Name)
			}
		}
		return resp
	}
	for range 4 {
		visit("https://app.example/login")
	}
	if len(jar) != 9 {
		t.Fatalf("got %d cookies after 4 links, want 4 more than 5", len(jar))
	}
	resp := s.provider.Visit(s.handler, "https://app.example/login", jar)
	if resp.StatusCode != http.StatusSeeOther || len(s.identities) != 1 {
		t.Errorf("the fifth: got status %d", resp.StatusCode)
	}
	if len(jar) != 5 || jar["theme"] != "dark" {
		t.Errorf("got cookies %v after the fifth, want the application's", jar)
	}
}

func TestReturnTo(t *testing.T) {
	s := newSite(t, nil)
	for _, path := range []string{"/", "/notes", "/notes?a=b&c=//d", "/a/../b", "/%2Fevil.example", "/é", "/notes#top", "/a:b"} {
		resp := s.provider.Visit(s.handler, "https://app.example/login?return_to="+url.QueryEscape(path), nil)
		if resp.StatusCode != http.StatusSeeOther || s.identities[len(s.identities)-1].ReturnTo != path {
			t.Errorf("%q: got status %d", path, resp.StatusCode)
		}
	}
	s.identities = nil
	for _, path := range []string{
		"", "notes", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/", "https:evil.example", "javascript:alert(1)",
		"/\t/evil.example", "\t//evil.example", "/\n/evil.example", " /notes", "/a b", "/\x00", "/\x7f", "/%zz", "/" + strings.Repeat("a", 1024),
	} {
		resp := authtest.Do(s.handler, authtest.Request(http.MethodGet, "https://app.example/login?return_to="+url.QueryEscape(path)))
		s.wantFailure(t, resp, http.StatusBadRequest, client.ReasonReturn)
		if len(resp.Cookies()) > 0 {
			t.Errorf("%q: got a cookie", path)
		}
	}
	resp := authtest.Do(s.handler, authtest.Request(http.MethodGet, "https://app.example/login?return_to=/a&return_to=/b"))
	s.wantFailure(t, resp, http.StatusBadRequest, client.ReasonReturn)
}

// TestReturnToOfEveryCharacter has the longest paths be brought back. A browser drops a cookie of more than 4 KiB.
func TestReturnToOfEveryCharacter(t *testing.T) {
	s := newSite(t, nil)
	for _, character := range []string{"a", "&", "<", "\"", "é", "\u2028", "\xff"} {
		path := "/?" + strings.Repeat(character, (1<<10-2)/len(character))
		link := "https://app.example/login?return_to=" + url.QueryEscape(path)
		_, jar := s.begin(t, s.handler, link)
		for name, value := range jar {
			if len(name)+len(value) > 2<<10 {
				t.Errorf("%q: a cookie of %d bytes", character, len(name)+len(value))
			}
		}
		s.identities = nil
		s.provider.Visit(s.handler, link, nil)
		if len(s.identities) != 1 || s.identities[0].ReturnTo != path {
			t.Errorf("%q: not brought back", character)
		}
	}
}

func TestProvidersThatCannotBeUsed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		break_ func(p *authtest.Provider)
		cause  string
	}{
		{"down", func(p *authtest.Provider) { p.SetDown(true) }, "status 503"},
		{"another issuer in the metadata", func(p *authtest.Provider) { p.SetMetadata("issuer", p.URL+"/") }, "name another issuer"},
		{"no authorization endpoint", func(p *authtest.Provider) { p.SetMetadata("authorization_endpoint", nil) }, "logs nobody in"},
		{"an authorization endpoint without TLS", func(p *authtest.Provider) { p.SetMetadata("authorization_endpoint", "http://evil.example/") }, "authorization_endpoint"},
		{"an authorization endpoint that is a script", func(p *authtest.Provider) { p.SetMetadata("authorization_endpoint", "javascript:alert(1)") }, "authorization_endpoint"},
		{"no token endpoint", func(p *authtest.Provider) { p.SetMetadata("token_endpoint", nil) }, "token_endpoint"},
		{"a token endpoint without TLS", func(p *authtest.Provider) { p.SetMetadata("token_endpoint", "http://evil.example/token") }, "token_endpoint"},
		{"no word of PKCE", func(p *authtest.Provider) { p.SetMetadata("code_challenge_methods_supported", nil) }, "AllowUnadvertisedPKCE"},
		{"PKCE without S256", func(p *authtest.Provider) { p.SetMetadata("code_challenge_methods_supported", []string{"plain"}) }, "AllowUnadvertisedPKCE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, nil)
			tt.break_(s.provider)
			resp := authtest.Do(s.handler, authtest.Request(http.MethodGet, "https://app.example/login"))
			s.wantFailure(t, resp, http.StatusServiceUnavailable, auth.ReasonUnavailable)
			if !strings.Contains(s.log.String(), tt.cause) {
				t.Errorf("got log %s, want %q in it", s.log.String(), tt.cause)
			}
			if len(resp.Cookies()) > 0 || resp.Header.Get("Location") != "" {
				t.Errorf("got a cookie or a redirect")
			}
		})
	}
}

func TestProviderWithoutWordOfPKCEThatIsAllowed(t *testing.T) {
	s := newSite(t, func(c *client.LoginConfig) { c.AllowUnadvertisedPKCE = true })
	s.provider.SetMetadata("code_challenge_methods_supported", nil)
	if resp := s.provider.Visit(s.handler, "https://app.example/login", nil); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("got status %d; %s", resp.StatusCode, s.log.String())
	}
}

func TestWarmWithoutMetadata(t *testing.T) {
	s := newSite(t, nil)
	s.provider.SetDown(true)
	l, err := client.NewLogin(client.LoginConfig{
		Issuer: s.provider.URL, ClientID: "app", RedirectURL: redirectURL, Keys: [][]byte{key(1)}, Clock: s.clock.Now,
		Done: func(http.ResponseWriter, *http.Request, *client.Identity) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Warm(t.Context()); err == nil || !strings.Contains(err.Error(), "status 503") {
		t.Errorf("got %v, want status 503", err)
	}
	s.provider.SetDown(false)
	s.clock.add(time.Second)
	if err := l.Warm(t.Context()); err != nil || s.provider.Fetches() != 1 {
		t.Errorf("got %v after %d fetches of keys, want 1", err, s.provider.Fetches())
	}
}

// TestManyLoginsAtOnce is for the race detector.
func TestManyLoginsAtOnce(t *testing.T) {
	s := newSite(t, nil)
	var ended atomic.Int64
	h := s.login(t, func(c *client.LoginConfig) {
		c.Done = func(_ http.ResponseWriter, _ *http.Request, who *client.Identity) {
			if who.Claims.Subject() == "alice" {
				ended.Add(1)
			}
		}
		c.Observer, c.ErrorLog = nil, nil
	})
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() { s.provider.Visit(h, "https://app.example/login", nil) })
	}
	wg.Wait()
	if ended.Load() != 30 {
		t.Errorf("got %d logins, want 30", ended.Load())
	}
}

// TestMetadataAreAskedForAnewAfterAnHour is when a provider's endpoint may move.
func TestMetadataAreAskedForAnewAfterAnHour(t *testing.T) {
	s := newSite(t, nil)
	s.begin(t, s.handler, "https://app.example/login")
	s.provider.SetMetadata("authorization_endpoint", s.provider.URL+"/elsewhere")
	for _, tt := range []struct {
		after time.Duration
		want  string
	}{{59 * time.Minute, "/authorize?"}, {time.Minute, "/elsewhere?"}} {
		s.clock.add(tt.after)
		if location, _ := s.begin(t, s.handler, "https://app.example/login"); !strings.Contains(location, tt.want) {
			t.Errorf("got to %s, want %s", location, tt.want)
		}
	}
}

// TestMetadataOutliveAnOutage has a provider that does not answer any more be remembered for a day.
func TestMetadataOutliveAnOutage(t *testing.T) {
	s := newSite(t, nil)
	s.begin(t, s.handler, "https://app.example/login")
	s.provider.SetMetadata("issuer", "https://evil.example")
	s.clock.add(59 * time.Minute)
	s.begin(t, s.handler, "https://app.example/login")
	s.clock.add(22 * time.Hour)
	s.begin(t, s.handler, "https://app.example/login")
	s.clock.add(2 * time.Hour)
	s.wantFailure(t, authtest.Do(s.handler, authtest.Request(http.MethodGet, "https://app.example/login")), 503, auth.ReasonUnavailable)
	s.provider.SetMetadata("issuer", s.provider.URL)
	s.wantFailure(t, authtest.Do(s.handler, authtest.Request(http.MethodGet, "https://app.example/login")), 503, auth.ReasonUnavailable) // a second of rest
	s.clock.add(time.Second)
	s.begin(t, s.handler, "https://app.example/login")
}

func TestWarm(t *testing.T) {
	s := newSite(t, nil)
	l, err := client.NewLogin(client.LoginConfig{
		Issuer: s.provider.URL, ClientID: "app", RedirectURL: redirectURL, Keys: [][]byte{key(1)},
		Done: func(http.ResponseWriter, *http.Request, *client.Identity) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s.provider.SetMetadata("code_challenge_methods_supported", nil)
	if err := l.Warm(t.Context()); err == nil || !strings.Contains(err.Error(), "AllowUnadvertisedPKCE") {
		t.Errorf("got %v, want an error that names AllowUnadvertisedPKCE", err)
	}
}

func TestLoginConfigIsChecked(t *testing.T) {
	good := client.LoginConfig{
		Issuer: "https://login.example", ClientID: "app", RedirectURL: redirectURL, Keys: [][]byte{key(1)},
		Done: func(http.ResponseWriter, *http.Request, *client.Identity) {},
	}
	for _, tt := range []struct {
		name   string
		change func(c *client.LoginConfig)
		want   []string
	}{
		{"nothing", func(c *client.LoginConfig) { *c = client.LoginConfig{} }, []string{"Issuer is empty", "RedirectURL is empty", "ClientID is empty", "Done is nil", "Keys has 0 members"}},
		{"no keys", func(c *client.LoginConfig) { c.Keys = nil }, []string{"Keys has 0 members"}},
		{"five keys", func(c *client.LoginConfig) { c.Keys = [][]byte{key(1), key(2), key(3), key(4), key(5)} }, []string{"Keys has 5 members"}},
		{"a short key", func(c *client.LoginConfig) { c.Keys = [][]byte{key(1), key(1)[:31]} }, []string{"Keys[1] has 31 bytes"}},
		{"a key of zeros", func(c *client.LoginConfig) { c.Keys = [][]byte{key(0)} }, []string{"Keys[0] is nothing but zeros"}},
		{"an issuer without TLS", func(c *client.LoginConfig) { c.Issuer = "http://login.example" }, []string{"Issuer is \"http://login.example\": use https"}},
		{"an issuer with a query", func(c *client.LoginConfig) { c.Issuer = "https://login.example?a=b" }, []string{"has no query"}},
		{"an issuer with a user", func(c *client.LoginConfig) { c.Issuer = "https://a:b@login.example" }, []string{"without user information"}},
		{"a redirect URL without TLS", func(c *client.LoginConfig) { c.RedirectURL = "http://app.example/" }, []string{"RedirectURL"}},
		{"a redirect URL with a fragment", func(c *client.LoginConfig) { c.RedirectURL = "https://app.example/#" }, []string{"RedirectURL"}},
		{"a redirect URL that is a path", func(c *client.LoginConfig) { c.RedirectURL = "/callback" }, []string{"RedirectURL"}},
		{"a client without a secret", func(c *client.LoginConfig) { c.Client = oauth2.ClientSecretBasic("app", "") }, []string{"client id or secret is empty"}},
		{"a scope with a space", func(c *client.LoginConfig) { c.Scopes = []string{"a b"} }, []string{"scope"}},
		{"a prompt nobody knows", func(c *client.LoginConfig) { c.Prompt = "create" }, []string{`Prompt is "create"`}},
		{"a parameter of ours", func(c *client.LoginConfig) { c.Params = map[string]string{"state": "x"} }, []string{"Params has state"}},
		{"another way back", func(c *client.LoginConfig) { c.Params = map[string]string{"response_mode": "form_post"} }, []string{"Params has response_mode"}},
		{"a negative age", func(c *client.LoginConfig) { c.MaxAge = -1 }, []string{"MaxAge"}},
		{"an age of years", func(c *client.LoginConfig) { c.MaxAge = 367 * 24 * time.Hour }, []string{"MaxAge"}},
		{"a timeout of an hour", func(c *client.LoginConfig) { c.Timeout = time.Hour }, []string{"Timeout"}},
		{"an algorithm with a shared secret", func(c *client.LoginConfig) { c.Algorithms = []jwt.Algorithm{jwt.HS256} }, []string{"HS256"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.change(&c)
			l, err := client.NewLogin(c)
			for _, want := range tt.want {
				if l != nil || err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
				if got := fmt.Sprintf(verb, c); got != "[redacted]" {
					t.Errorf("%s prints %q", verb, got)
				}
			}
		})
	}
	if l, err := client.NewLogin(good); err != nil {
		t.Error(err)
	} else if err := l.Close(); err != nil {
		t.Error(err)
	}
}
