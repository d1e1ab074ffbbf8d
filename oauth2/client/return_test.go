package client_test

import (
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/client"
)

// TestCallback is what comes back that must not log anybody in.
func TestCallback(t *testing.T) {
	type visit struct {
		*site
		state string
		jar   map[string]string
	}
	for _, tt := range []struct {
		name   string
		query  func(v *visit) string // {code} becomes a good code
		status int
		reason auth.Reason
		asked  bool // the token endpoint
	}{
		{"another browser", func(v *visit) string { v.jar = nil; return "code={code}&state=" + v.state + "&iss={iss}" }, 401, client.ReasonAttempt, false},
		{"no state", func(*visit) string { return "code={code}&iss={iss}" }, 400, auth.ReasonMalformed, false},
		{"a state that is too short for a cookie", func(*visit) string { return "code={code}&iss={iss}&state=short" }, 400, auth.ReasonMalformed, false},
		{"another state", func(*visit) string { return "code={code}&iss={iss}&state=" + strings.Repeat("x", 43) }, 401, client.ReasonAttempt, false},
		{"the state, cut", func(v *visit) string { return "code={code}&iss={iss}&state=" + v.state[:20] }, 401, client.ReasonAttempt, false},
		{"the state of another cookie", func(v *visit) string {
			_, jar := v.begin(t, v.handler, "https://app.example/login")
			for name := range v.jar {
				for _, value := range jar {
					v.jar[name] = value // under the first one's name
				}
			}
			return "code={code}&iss={iss}&state=" + v.state
		}, 401, client.ReasonAttempt, false},
		{"a cookie of another client", func(v *visit) string {
			other := v.login(t, func(c *client.LoginConfig) { c.ClientID = "other" })
			location, jar := v.begin(t, other, "https://app.example/login")
			u, _ := url.Parse(location)
			v.jar = jar
			return "code={code}&iss={iss}&state=" + u.Query().Get("state")
		}, 401, client.ReasonAttempt, false},
		{"a cookie of another provider, where we have the same name", func(v *visit) string {
			evil := &site{clock: v.clock, provider: authtest.NewProvider(t, authtest.ProviderConfig{ClientID: "app", ClientSecret: "s3cret", RedirectURL: redirectURL})}
			location, jar := v.begin(t, evil.login(t, nil), "https://app.example/login")
			u, _ := url.Parse(location)
			v.jar = jar
			return "code={code}&iss={iss}&state=" + u.Query().Get("state")
		}, 401, client.ReasonAttempt, false},
		{"a cookie of another callback", func(v *visit) string {
			other := v.login(t, func(c *client.LoginConfig) { c.RedirectURL += "/2" })
			location, jar := v.begin(t, other, "https://app.example/login")
			u, _ := url.Parse(location)
			v.jar = jar
			return "code={code}&iss={iss}&state=" + u.Query().Get("state")
		}, 401, client.ReasonAttempt, false},
		{"a cookie that was changed", func(v *visit) string {
			for name, value := range v.jar {
				v.jar[name] = value[:20] + string(value[20]^1) + value[21:]
			}
			return "code={code}&iss={iss}&state=" + v.state
		}, 401, client.ReasonAttempt, false},
		{"a cookie that is no base64", func(v *visit) string {
			for name := range v.jar {
				v.jar[name] = "***"
			}
			return "code={code}&iss={iss}&state=" + v.state
		}, 401, client.ReasonAttempt, false},
		{"a cookie that is too long", func(v *visit) string {
			for name, value := range v.jar {
				v.jar[name] = value + strings.Repeat("A", 4096)
			}
			return "code={code}&iss={iss}&state=" + v.state
		}, 401, client.ReasonAttempt, false},
		{"ten minutes late", func(v *visit) string { v.clock.add(10 * time.Minute); return "code={code}&iss={iss}&state=" + v.state }, 401, client.ReasonAttempt, false},
		{"before its time", func(v *visit) string { v.clock.add(-time.Minute); return "code={code}&iss={iss}&state=" + v.state }, 401, client.ReasonAttempt, false},
		{"another issuer", func(v *visit) string { return "code={code}&iss=https://evil.example&state=" + v.state }, 401, client.ReasonIssuer, false},
		{"the issuer in capitals", func(v *visit) string {
			return "code={code}&iss=" + url.QueryEscape(strings.ToUpper(v.provider.URL)) + "&state=" + v.state
		}, 401, client.ReasonIssuer, false},
		{"another issuer's error", func(v *visit) string { return "error=access_denied&iss=https://evil.example&state=" + v.state }, 401, client.ReasonIssuer, false},
		{"no issuer although announced", func(v *visit) string { return "code={code}&state=" + v.state }, 401, client.ReasonIssuer, false},
		{"the person said no", func(v *visit) string { return "error=access_denied&iss={iss}&state=" + v.state }, 403, client.ReasonDenied, false},
		{"an error nobody knows", func(v *visit) string { return "error=%3Cscript%3E&iss={iss}&state=" + v.state }, 403, client.ReasonDenied, false},
		{"an error beside a code", func(v *visit) string { return "error=access_denied&code={code}&iss={iss}&state=" + v.state }, 403, client.ReasonDenied, false},
		{"the provider is down", func(v *visit) string { return "error=temporarily_unavailable&iss={iss}&state=" + v.state }, 503, auth.ReasonUnavailable, false},
		{"the provider does not like us", func(v *visit) string { return "error=unauthorized_client&iss={iss}&state=" + v.state }, 503, auth.ReasonUnavailable, false},
		{"neither code nor error", func(v *visit) string { return "iss={iss}&state=" + v.state }, 400, auth.ReasonMalformed, false},
		{"the state twice", func(v *visit) string { return "code={code}&iss={iss}&state=" + v.state + "&state=" + v.state }, 400, auth.ReasonMalformed, false},
		{"the code twice", func(v *visit) string { return "code={code}&code=x&iss={iss}&state=" + v.state }, 400, auth.ReasonMalformed, false},
		{"a query that does not parse", func(v *visit) string { return "code={code}&iss={iss}&x=%zz&state=" + v.state }, 400, auth.ReasonMalformed, false},
		{"a query that is too long", func(v *visit) string {
			return "x=" + strings.Repeat("x", 16<<10) + "&code={code}&iss={iss}&state=" + v.state
		}, 400, auth.ReasonMalformed, false},
		{"a code that is too long", func(v *visit) string { return "code=" + strings.Repeat("x", 8<<10+1) + "&iss={iss}&state=" + v.state }, 400, auth.ReasonMalformed, false},
		{"a code that the provider does not know", func(v *visit) string { return "code=guess&iss={iss}&state=" + v.state }, 401, client.ReasonCode, true},
		{"a code of another login", func(v *visit) string {
			location, _ := v.begin(t, v.handler, "https://app.example/login") // in the attacker's browser
			return "code=" + v.code(t, location) + "&iss={iss}&state=" + v.state
		}, 401, client.ReasonCode, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := &visit{site: newSite(t, nil)}
			location, jar := v.begin(t, v.handler, "https://app.example/login")
			u, err := url.Parse(location)
			if err != nil {
				t.Fatal(err)
			}
			v.state, v.jar = u.Query().Get("state"), jar
			code := v.code(t, location)
			query := strings.NewReplacer("{code}", code, "{iss}", url.QueryEscape(v.provider.URL)).Replace(tt.query(v))
			v.wantFailure(t, back(v.handler, query, v.jar), tt.status, tt.reason)
			if asked := v.provider.TokenRequests() > 0; asked != tt.asked {
				t.Errorf("the token endpoint was asked: %v, want %v", asked, tt.asked)
			}
			wantSilent(t, v.log.String(), code, v.state, "<script>")
		})
	}
}

// code goes to the provider and returns its code.
func (s *site) code(t *testing.T, location string) string {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(location)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	u, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("code")
}

// TestACallbackAtAProcessThatKnowsNoProvider has it started anew meanwhile, beside a provider that is down.
func TestACallbackAtAProcessThatKnowsNoProvider(t *testing.T) {
	s := newSite(t, nil)
	location, jar := s.begin(t, s.handler, "https://app.example/login")
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	query := "code=" + s.code(t, location) + "&iss=" + url.QueryEscape(s.provider.URL) + "&state=" + u.Query().Get("state")
	s.provider.SetDown(true)
	s.wantFailure(t, back(s.login(t, nil), query, jar), http.StatusServiceUnavailable, auth.ReasonUnavailable)
	s.provider.SetDown(false)
	if resp := back(s.login(t, nil), query, jar); resp.StatusCode != http.StatusSeeOther || len(s.identities) != 1 {
		t.Errorf("a process that knows the provider: got status %d; %s", resp.StatusCode, s.log.String())
	}
}

// TestTwoCookiesOfOneName is a browser into which somebody put another, before or after its own.
func TestTwoCookiesOfOneName(t *testing.T) {
	for _, first := range []bool{true, false} {
		s := newSite(t, nil)
		location, jar := s.begin(t, s.handler, "https://app.example/login")
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		query := "code=" + s.code(t, location) + "&iss=" + url.QueryEscape(s.provider.URL) + "&state=" + u.Query().Get("state")
		r := authtest.Request(http.MethodGet, redirectURL+"?"+query)
		for name, value := range jar {
			pair := []*http.Cookie{{Name: name, Value: "other"}, {Name: name, Value: value}}
			if first {
				pair[0], pair[1] = pair[1], pair[0]
			}
			r.AddCookie(pair[0])
			r.AddCookie(pair[1])
		}
		s.wantFailure(t, authtest.Do(s.handler, r), http.StatusUnauthorized, client.ReasonAttempt)
	}
}

// TestClocksApart has those of two of our machines, and the provider's, be 30 s apart.
func TestClocksApart(t *testing.T) {
	for after, status := range map[time.Duration]int{-31 * time.Second: 401, -30 * time.Second: 303, 10*time.Minute - time.Second: 303, 10 * time.Minute: 401} {
		s := newSite(t, nil)
		location, jar := s.begin(t, s.handler, "https://app.example/login")
		u, err := url.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		query := "code=" + s.code(t, location) + "&iss=" + url.QueryEscape(s.provider.URL) + "&state=" + u.Query().Get("state")
		s.clock.add(after)
		if resp := back(s.handler, query, jar); resp.StatusCode != status {
			t.Errorf("a callback %v after the start: got status %d, want %d", after, resp.StatusCode, status)
		}
	}
	for age, status := range map[time.Duration]int{-31 * time.Second: 401, -30 * time.Second: 303, 90 * time.Second: 303, 91 * time.Second: 401} {
		s := newSite(t, func(c *client.LoginConfig) { c.MaxAge = time.Minute })
		s.provider.LogIn("alice", authtest.WithClaim("auth_time", s.clock.Now().Add(-age).Unix()))
		if resp := s.provider.Visit(s.handler, "https://app.example/login", nil); resp.StatusCode != status {
			t.Errorf("auth_time %v ago: got status %d, want %d", age, resp.StatusCode, status)
		}
	}
}

func TestALoginEndsOnce(t *testing.T) {
	s := newSite(t, nil)
	location, jar := s.begin(t, s.handler, "https://app.example/login")
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	query := "code=" + s.code(t, location) + "&iss=" + url.QueryEscape(s.provider.URL) + "&state=" + u.Query().Get("state")
	resp := back(s.handler, query, jar)
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("got status %d, Referrer-Policy %q", resp.StatusCode, resp.Header.Get("Referrer-Policy"))
	}
	gone := resp.Cookies()
	if len(gone) != 1 || gone[0].MaxAge >= 0 || jar[gone[0].Name] == "" || gone[0].Path != "/" || !gone[0].Secure {
		t.Errorf("got cookies %v, want the login's taken away", gone)
	}
	s.identities = nil
	s.wantFailure(t, back(s.handler, query, nil), http.StatusUnauthorized, client.ReasonAttempt)
	s.wantFailure(t, back(s.handler, query, jar), http.StatusUnauthorized, client.ReasonCode) // with a copy of the cookie
}

// TestTokenEndpoint is what goes wrong there.
func TestTokenEndpoint(t *testing.T) {
	say := func(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json")
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	for _, tt := range []struct {
		name   string
		before func(http.ResponseWriter, *http.Request) bool
		status int
		reason auth.Reason
		cause  string
	}{
		{"our secret is wrong", say(401, `{"error":"invalid_client","error_description":"access-x"}`), 503, auth.ReasonUnavailable, "status 401, invalid_client"},
		{"an error of its own", say(400, `{"error":"access-token-of-somebody"}`), 503, auth.ReasonUnavailable, "status 400"},
		{"an error that is no JSON", say(400, `<html>`), 503, auth.ReasonUnavailable, "status 400"},
		{"it is broken", say(500, ``), 503, auth.ReasonUnavailable, "status 500"},
		{"it redirects", say(307, ``, "Location", "https://evil.example/"), 503, auth.ReasonUnavailable, "status 307"},
		{"no JSON", say(200, `access_token=access-x`), 503, auth.ReasonUnavailable, "no JSON object"},
		{"a member twice", say(200, `{"access_token":"a","access_token":"b","token_type":"Bearer"}`), 503, auth.ReasonUnavailable, "no JSON object"},
		{"a member twice, after all that is needed", say(200, `{"token_type":"Bearer","id_token":"x","access_token":"a","access_token":"b"}`), 503, auth.ReasonUnavailable, "no JSON object"},
		{"a refusal twice", say(400, `{"error":"invalid_grant","error":"invalid_grant"}`), 503, auth.ReasonUnavailable, "status 400"},
		{"no access token", say(200, `{"token_type":"Bearer","id_token":"x"}`), 503, auth.ReasonUnavailable, "access_token"},
		{"an access token of two lines", say(200, `{"access_token":"access-x\nHost: evil","token_type":"Bearer","id_token":"x"}`), 503, auth.ReasonUnavailable, "access_token"},
		{"an access token of other characters", say(200, `{"access_token":"access-é","token_type":"Bearer","id_token":"x"}`), 503, auth.ReasonUnavailable, "access_token"},
		{"no token type", say(200, `{"access_token":"access-x","id_token":"x"}`), 503, auth.ReasonUnavailable, "token_type"},
		{"another token type", say(200, `{"access_token":"access-x","token_type":"mac","id_token":"x"}`), 503, auth.ReasonUnavailable, "token_type"},
		{"no ID token", say(200, `{"access_token":"access-x","token_type":"bearer"}`), 503, auth.ReasonUnavailable, "no ID token"},
		{"an ID token that is none", say(200, `{"access_token":"access-x","token_type":"bearer","id_token":"x"}`), 401, auth.ReasonMalformed, ""},
		{"too long an answer", say(200, `{"x":"`+strings.Repeat("x", 256<<10)+`"}`), 503, auth.ReasonUnavailable, "too long"},
		{"an answer without an end, packed", func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Encoding", "gzip")
			z, block := gzip.NewWriter(w), make([]byte, 1<<16)
			for r.Context().Err() == nil {
				if _, err := z.Write(block); err != nil {
					break
				}
			}
			return true
		}, 503, auth.ReasonUnavailable, "too long"},
		{"nothing", func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, 503, auth.ReasonUnavailable, "EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, nil)
			s.provider.BeforeToken = tt.before
			s.wantFailure(t, s.provider.Visit(s.handler, "https://app.example/login", nil), tt.status, tt.reason)
			if !strings.Contains(s.log.String(), tt.cause) {
				t.Errorf("got log %s, want %q in it", s.log.String(), tt.cause)
			}
			wantSilent(t, s.log.String(), "evil.example")
		})
	}
}

func TestATokenEndpointThatHangs(t *testing.T) {
	s := newSite(t, func(c *client.LoginConfig) { c.Timeout = 50 * time.Millisecond })
	s.provider.BeforeToken = func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
	resp := s.provider.Visit(s.handler, "https://app.example/login", nil)
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got status %d, want 503", resp.StatusCode)
	}
}

// TestIDToken is what OpenID Connect Core §3.1.3.7 wants refused.
func TestIDToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(c *client.LoginConfig)
		token  []authtest.TokenChange
		status int
		reason auth.Reason
	}{
		{"for another client", nil, []authtest.TokenChange{authtest.WrongAudience()}, 401, "wrong_audience"},
		{"for us and another, on behalf of the other", nil, []authtest.TokenChange{authtest.WithClaim("aud", []string{"app", "other"}), authtest.WithClaim("azp", "other")}, 401, "wrong_audience"},
		{"for us and another, on behalf of nobody", nil, []authtest.TokenChange{authtest.WithClaim("aud", []string{"app", "other"})}, 401, "wrong_audience"},
		{"of another issuer", nil, []authtest.TokenChange{authtest.WrongIssuer()}, 401, "wrong_issuer"},
		{"expired", nil, []authtest.TokenChange{authtest.Expired()}, 401, auth.ReasonExpired},
		{"not yet valid", nil, []authtest.TokenChange{authtest.NotYetValid()}, 401, auth.ReasonNotYetValid},
		{"forged", nil, []authtest.TokenChange{authtest.Forged()}, 401, auth.ReasonBadSignature},
		{"an access token", nil, []authtest.TokenChange{authtest.WithHeader("typ", "at+jwt")}, 401, "wrong_token_type"},
		{"signed by what was not agreed", func(c *client.LoginConfig) { c.Algorithms = []jwt.Algorithm{jwt.RS256} }, nil, 401, "bad_algorithm"},
		{"without a nonce", nil, []authtest.TokenChange{authtest.WithClaim("nonce", nil)}, 401, client.ReasonNonce},
		{"with a nonce that is no string", nil, []authtest.TokenChange{authtest.WithClaim("nonce", 7)}, 401, client.ReasonNonce},
		{"of another login", nil, []authtest.TokenChange{authtest.WithClaim("nonce", "other")}, 401, client.ReasonNonce},
		{"without a subject", nil, []authtest.TokenChange{authtest.WithClaim("sub", nil)}, 401, "missing_claim"},
		{"beside another access token", nil, []authtest.TokenChange{authtest.WithClaim("at_hash", "other")}, 401, client.ReasonAtHash},
		{"with an at_hash that is null", nil, []authtest.TokenChange{authtest.WithClaim("at_hash", json.RawMessage("null"))}, 401, client.ReasonAtHash},
		{"older than asked for", func(c *client.LoginConfig) { c.MaxAge = time.Minute }, []authtest.TokenChange{authtest.WithClaim("auth_time", newClock().now.Add(-2*time.Minute).Unix())}, 401, auth.ReasonTooOld},
		{"of an age that is not told", func(c *client.LoginConfig) { c.MaxAge = time.Minute }, []authtest.TokenChange{authtest.WithClaim("auth_time", nil)}, 401, auth.ReasonTooOld},
		{"of a login to come", func(c *client.LoginConfig) { c.MaxAge = time.Minute }, []authtest.TokenChange{authtest.WithClaim("auth_time", newClock().now.Add(2*time.Minute).Unix())}, 401, auth.ReasonTooOld},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, tt.change)
			s.provider.LogIn("alice", tt.token...)
			s.wantFailure(t, s.provider.Visit(s.handler, "https://app.example/login", nil), tt.status, tt.reason)
		})
	}
}

// TestAtHash has the hash that belongs to each algorithm be taken (OpenID Connect Core §3.1.3.6).
func TestAtHash(t *testing.T) {
	s256, s512 := sha256.Sum256([]byte("access-x")), sha512.Sum512([]byte("access-x"))
	for alg, hash := range map[jwt.Algorithm][]byte{jwt.RS256: s256[:16], jwt.ES256: s256[:16], jwt.EdDSA: s512[:32]} {
		t.Run(string(alg), func(t *testing.T) {
			s := &site{clock: newClock()}
			s.provider = authtest.NewProvider(t, authtest.ProviderConfig{ClientID: "app", ClientSecret: "s3cret", Issuer: authtest.IssuerConfig{Algorithm: alg, Clock: s.clock.Now}})
			h := s.login(t, func(c *client.LoginConfig) { c.Algorithms = []jwt.Algorithm{alg} })
			s.provider.BeforeToken = func(w http.ResponseWriter, _ *http.Request) bool {
				token := s.provider.Token(t, "alice", authtest.WithHeader("typ", "JWT"), authtest.WithClaim("aud", "app"),
					authtest.WithClaim("nonce", s.nonce), authtest.WithClaim("at_hash", base64.RawURLEncoding.EncodeToString(hash)))
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "access-x", "token_type": "Bearer", "id_token": token})
				return true
			}
			watched := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(w, r)
				if u, err := url.Parse(w.Header().Get("Location")); err == nil && u.Query().Has("nonce") {
					s.nonce = u.Query().Get("nonce")
				}
			})
			if resp := s.provider.Visit(watched, "https://app.example/login", nil); resp.StatusCode != http.StatusSeeOther || len(s.identities) != 1 {
				t.Errorf("got status %d; %s", resp.StatusCode, s.log.String())
			}
		})
	}
}

// TestTheCallbackOfAnotherMaxAge has one that asks for no age not end a login that was to be a fresh one.
func TestTheCallbackOfAnotherMaxAge(t *testing.T) {
	s := newSite(t, nil)
	fresh := s.login(t, func(c *client.LoginConfig) { c.MaxAge = time.Minute })
	s.provider.LogIn("alice", authtest.WithClaim("auth_time", s.clock.Now().Add(-time.Hour).Unix()))
	mux := http.NewServeMux()
	mux.Handle("/login", fresh)
	mux.Handle("/login/callback", s.handler)
	s.wantFailure(t, s.provider.Visit(mux, "https://app.example/login", nil), http.StatusUnauthorized, client.ReasonAttempt)
}

func TestFailedGetsTheCause(t *testing.T) {
	s := newSite(t, nil)
	h := s.login(t, func(c *client.LoginConfig) {
		c.Failed = func(w http.ResponseWriter, _ *http.Request, err error) {
			s.failures = append(s.failures, err)
			w.WriteHeader(http.StatusTeapot)
		}
		c.Observer, c.ErrorLog = nil, nil
	})
	s.provider.Answer(map[string]string{"code": "", "error": "access_denied"})
	resp := s.provider.Visit(h, "https://app.example/login", nil)
	denied, ok := errors.AsType[*client.DeniedError](s.failures[0])
	if resp.StatusCode != http.StatusTeapot || !ok || denied.Code != "access_denied" || auth.AsError(s.failures[0]).Kind != auth.KindForbidden {
		t.Errorf("got status %d, error %v", resp.StatusCode, s.failures[0])
	}
}
