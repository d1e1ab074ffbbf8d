package client_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/client"
)

// worker is a service that calls others.
type worker struct {
	*client.Credentials
	provider *authtest.Provider
	clock    *clock
}

func newWorker(t *testing.T, change func(*client.CredentialsConfig)) *worker {
	t.Helper()
	w := &worker{clock: newClock()}
	w.provider = authtest.NewProvider(t, authtest.ProviderConfig{
		ClientID: "worker", ClientSecret: "s3cret", Issuer: authtest.IssuerConfig{Algorithm: jwt.EdDSA, Clock: w.clock.Now},
	})
	c := client.CredentialsConfig{Issuer: w.provider.URL, Client: oauth2.ClientSecretBasic("worker", "s3cret"), Clock: w.clock.Now}
	if change != nil {
		change(&c)
	}
	var err error
	if w.Credentials, err = client.NewCredentials(c); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *worker) token(t *testing.T) client.Tokens {
	t.Helper()
	tokens, err := w.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestCredentialsKeepATokenUntilShortlyBeforeItsEnd(t *testing.T) {
	w := newWorker(t, nil)
	first := w.token(t)
	if first.AccessToken == "" || !first.ExpiresAt.Equal(w.clock.Now().Add(10*time.Minute)) {
		t.Errorf("got a token until %v", first.ExpiresAt)
	}
	w.clock.add(9*time.Minute + 29*time.Second)
	if again := w.token(t); again.AccessToken != first.AccessToken {
		t.Error("a token that is good for 31 s was renewed")
	}
	w.clock.add(time.Second)
	if again := w.token(t); again.AccessToken == first.AccessToken || w.provider.TokenRequests() != 2 {
		t.Errorf("a token that is good for 30 s was kept; %d requests", w.provider.TokenRequests())
	}
}

// TestTheOtherServiceTakesTheToken goes all the way, through a verifier of the provider's access tokens.
func TestTheOtherServiceTakesTheToken(t *testing.T) {
	w := newWorker(t, func(c *client.CredentialsConfig) { c.Scopes = []string{"notes:read"} })
	verifier, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: w.provider.Config(t)})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{Verifier: verifier})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := middleware.New(middleware.Config{Authenticator: tokens, Require: auth.Scopes("notes:read")})
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(guard.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		caller, _ := auth.FromContext(r.Context())
		_, _ = io.WriteString(rw, caller.Subject())
	}))
	t.Cleanup(api.Close)
	transport, err := w.Transport(nil, api.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Get(api.URL + "/notes")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || string(body) != "worker" {
		t.Errorf("got %d %s, %v", resp.StatusCode, body, err)
	}
}

func TestCredentialsRenewal(t *testing.T) {
	for _, tt := range []struct {
		name, expires string
		good, renewed time.Duration
	}{
		{"a short lifetime: a tenth before its end", `"expires_in":60,`, 53 * time.Second, 54 * time.Second},
		{"a lifetime as a string", `"expires_in":"60",`, 53 * time.Second, 54 * time.Second},
		{"no lifetime: five minutes", ``, 299 * time.Second, 300 * time.Second},
		{"a lifetime that is no number: five minutes", `"expires_in":"soon",`, 299 * time.Second, 300 * time.Second},
		{"no time at all", `"expires_in":0,`, -1, 0},
		{"a negative one", `"expires_in":-5,`, -1, 0},
		{"one that no clock has", `"expires_in":99999999999999,`, 9 * 366 * 24 * time.Hour, 10 * 366 * 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorker(t, nil)
			w.provider.BeforeToken = func(rw http.ResponseWriter, _ *http.Request) bool {
				_, _ = io.WriteString(rw, `{`+tt.expires+`"access_token":"a","token_type":"bearer"}`)
				return true
			}
			requests := func(after time.Duration) int {
				begun := w.clock.Now()
				before := w.provider.TokenRequests()
				w.token(t)
				w.clock.add(after)
				w.token(t)
				w.clock.add(begun.Sub(w.clock.Now()))
				return w.provider.TokenRequests() - before
			}
			if tt.good >= 0 {
				if n := requests(tt.good); n != 1 {
					t.Errorf("after %v: got %d requests, want 1", tt.good, n)
				}
				return
			}
			if n := requests(tt.renewed); n != 2 {
				t.Errorf("after %v: got %d requests, want 2", tt.renewed, n)
			}
		})
		t.Run(tt.name+", and no longer", func(t *testing.T) {
			w := newWorker(t, nil)
			w.provider.BeforeToken = func(rw http.ResponseWriter, _ *http.Request) bool {
				_, _ = io.WriteString(rw, `{`+tt.expires+`"access_token":"a","token_type":"bearer"}`)
				return true
			}
			w.token(t)
			w.clock.add(tt.renewed)
			w.token(t)
			if n := w.provider.TokenRequests(); n != 2 {
				t.Errorf("after %v: got %d requests, want 2", tt.renewed, n)
			}
		})
	}
}

func TestCredentialsAskForWhatIsConfigured(t *testing.T) {
	var form url.Values
	w := newWorker(t, func(c *client.CredentialsConfig) {
		c.Scopes, c.Resources, c.Params = []string{"notes:read", "notes:write"}, []string{"https://a.example", "https://b.example"}, map[string]string{"audience": "notes"}
	})
	w.provider.BeforeToken = func(_ http.ResponseWriter, r *http.Request) bool { form = r.PostForm; return false }
	if got := w.token(t).Scopes.String(); got != "notes:read notes:write" {
		t.Errorf("got scopes %q", got)
	}
	want := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"notes:read notes:write"}, "resource": {"https://a.example", "https://b.example"}, "audience": {"notes"},
	}
	if form.Encode() != want.Encode() {
		t.Errorf("got form %v, want %v", form, want)
	}
}

func TestScopesOfAnAnswer(t *testing.T) {
	for name, tt := range map[string]struct{ said, want string }{
		"left out: what was asked for": {``, "a b"},
		"fewer":                        {`"scope":"a",`, "a"},
		"none":                         {`"scope":"",`, ""},
		"against the grammar: none":    {`"scope":"a\"b",`, ""},
		"no string: none":              {`"scope":["a"],`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, func(c *client.CredentialsConfig) { c.Scopes = []string{"a", "b"} })
			w.provider.BeforeToken = func(rw http.ResponseWriter, _ *http.Request) bool {
				_, _ = io.WriteString(rw, `{`+tt.said+`"access_token":"a","token_type":"Bearer","expires_in":60}`)
				return true
			}
			if got := w.token(t).Scopes; got.String() != tt.want || got.IsUnlimited() {
				t.Errorf("got scopes %q, want %q", got, tt.want)
			}
		})
	}
}

func TestManyCallersMakeOneRequest(t *testing.T) {
	w := newWorker(t, nil)
	began, gate := make(chan struct{}, 50), make(chan struct{})
	w.provider.BeforeToken = func(http.ResponseWriter, *http.Request) bool { began <- struct{}{}; <-gate; return false }
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range 50 {
		wg.Go(func() {
			if _, err := w.Token(context.Background()); err != nil {
				failed.Add(1)
			}
		})
	}
	<-began
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Token(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who does not wait: got %v, want context.Canceled", err)
	}
	close(gate)
	wg.Wait()
	if w.provider.TokenRequests() != 1 || failed.Load() != 0 {
		t.Errorf("got %d requests, %d failures, want 1 and 0", w.provider.TokenRequests(), failed.Load())
	}
}

// TestAFailureStandsForASecond has those who waited not try one after another.
func TestAFailureStandsForASecond(t *testing.T) {
	w := newWorker(t, nil)
	w.provider.BeforeToken = func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(rw, `{"error":"invalid_scope","error_description":"s3cret"}`)
		return true
	}
	for range 10 {
		_, err := w.Token(t.Context())
		if e, ok := errors.AsType[*client.TokenError](err); !ok || e.Status != 400 || e.Code != "invalid_scope" {
			t.Fatalf("got %v, want a TokenError of status 400, invalid_scope", err)
		}
		wantSilent(t, err.Error())
	}
	if n := w.provider.TokenRequests(); n != 1 {
		t.Errorf("got %d requests within a second, want 1", n)
	}
	w.provider.BeforeToken = nil
	w.clock.add(time.Second)
	w.token(t)
}

// TestCredentialsWithoutAServer is what a caller gets where there is no answer.
func TestCredentialsWithoutAServer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*client.CredentialsConfig)
		break_ func(*worker)
		want   string
	}{
		{"no metadata", nil, func(w *worker) { w.provider.SetDown(true) }, "metadata: status 503"},
		{"an answer that breaks off", nil, func(w *worker) {
			w.provider.BeforeToken = func(rw http.ResponseWriter, _ *http.Request) bool {
				rw.Header().Set("Content-Length", "100")
				_, _ = io.WriteString(rw, `{"access_token":"s3cret"`)
				return true
			}
		}, "reading the answer"},
		{"an authentication that fails", func(c *client.CredentialsConfig) {
			c.Client = oauth2.ClientAuthenticationFunc(func(context.Context, http.Header, url.Values) error { return errors.New("no key at hand") })
		}, func(*worker) {}, "no key at hand"},
		{"no server", func(c *client.CredentialsConfig) { c.Issuer, c.TokenURL = "", "https://127.0.0.1:1/token?s3cret" }, func(*worker) {}, "token endpoint"},
		{"a transport that fails", func(c *client.CredentialsConfig) { c.Transport = failing{} }, func(*worker) {}, "no network"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorker(t, tt.change)
			tt.break_(w)
			tokens, err := w.Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || tokens.AccessToken != "" {
				t.Fatalf("got %v, want %q in it", err, tt.want)
			}
			wantSilent(t, err.Error())
		})
	}
}

// failing is a transport without a network.
type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no network") }

// TestAFetchThatPanics leaves the others who wait a turn.
func TestAFetchThatPanics(t *testing.T) {
	panics := true
	w := newWorker(t, func(c *client.CredentialsConfig) {
		c.Client = oauth2.ClientAuthenticationFunc(func(_ context.Context, h http.Header, f url.Values) error {
			if panics {
				panic("a bug")
			}
			f.Set("client_id", "worker")
			f.Set("client_secret", "s3cret")
			return nil
		})
	})
	func() {
		defer func() { _ = recover() }()
		_, _ = w.Token(t.Context())
		t.Error("no panic came through")
	}()
	panics = false
	w.token(t)
}

// TestACallerWhoGoesAwayIsNoFailure has the next one try at once.
func TestACallerWhoGoesAwayIsNoFailure(t *testing.T) {
	w := newWorker(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	w.provider.BeforeToken = func(_ http.ResponseWriter, r *http.Request) bool { cancel(); <-r.Context().Done(); return true }
	if _, err := w.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	w.provider.BeforeToken = nil
	w.token(t)
}

func TestTransport(t *testing.T) {
	w := newWorker(t, nil)
	var got []string
	status := http.StatusOK
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("Authorization"))
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(rw, r, to, http.StatusTemporaryRedirect)
			return
		}
		rw.WriteHeader(status)
	}))
	defer api.Close()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other origin was asked, with %q", r.Header.Get("Authorization"))
	}))
	defer other.Close()
	transport, err := w.Transport(nil, api.URL+"/", "https://api.example")
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Transport: transport}
	do := func(address string) (int, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(r)
		if err != nil {
			return 0, err
		}
		_ = resp.Body.Close()
		if r.Header.Get("Authorization") != "" {
			t.Error("the caller's request was changed")
		}
		return resp.StatusCode, nil
	}
	token := "Bearer " + w.token(t).AccessToken
	if status, err := do(api.URL + "/a"); status != 200 || err != nil || got[0] != token {
		t.Errorf("got %d, %v with %q", status, err, got)
	}
	if status, err := do(api.URL + "/a?to=/b"); status != 200 || err != nil || got[2] != token {
		t.Errorf("a redirect to itself: got %d, %v with %q", status, err, got)
	}
	for _, address := range []string{other.URL, api.URL + "/a?to=" + other.URL, "http://api.example/", "https://api.example.evil/", "https://api.example:444/"} {
		if status, err := do(address); err == nil {
			t.Errorf("%s: got %d, want an error", address, status)
		} else {
			wantSilent(t, err.Error())
		}
	}
	status = http.StatusUnauthorized
	if status, err := do(api.URL + "/a"); status != 401 || err != nil {
		t.Errorf("got %d, %v", status, err)
	}
	if again := "Bearer " + w.token(t).AccessToken; again == token {
		t.Error("a token that was answered with 401 is kept")
	}
	w.clock.add(time.Hour)
	w.provider.SetDown(true)
	if status, err := do(api.URL + "/a"); err == nil {
		t.Errorf("without a token: got %d, want an error", status)
	}
}

// closer tells whether it was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestTransportClosesWhatItRefuses(t *testing.T) {
	w := newWorker(t, nil)
	w.provider.SetDown(true)
	transport, err := w.Transport(http.DefaultTransport, "https://api.example")
	if err != nil {
		t.Fatal(err)
	}
	for address, why := range map[string]string{"https://other.example/": "does not get the token", "https://api.example/": "status 503"} {
		body := &closer{Reader: strings.NewReader("x")}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: got %v, want %q in it", address, err, why)
		}
		if !body.closed {
			t.Errorf("%s: the body was not closed", address)
		}
	}
}

// noter is a transport that notes what is sent, and answers with 401.
type noter struct{ sent []string }

func (n *noter) RoundTrip(r *http.Request) (*http.Response, error) {
	n.sent = append(n.sent, r.Header.Get("Authorization"))
	return &http.Response{StatusCode: http.StatusUnauthorized, Body: http.NoBody, Request: r}, nil
}

// send makes a request through a transport alone.
func send(t *testing.T, transport http.RoundTripper, address string) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(r)
	if err == nil {
		_ = resp.Body.Close()
	}
	return err
}

// TestTransportSpellsOriginsAsDNSDoes: Unicode lowers two letters to ones of ASCII, with which a host is another one.
func TestTransportSpellsOriginsAsDNSDoes(t *testing.T) {
	w := newWorker(t, nil)
	base := &noter{}
	transport, err := w.Transport(base, "https://API.kiwi.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"https://ap\u0130.kiwi.example/", "https://api.\u212Aiwi.example/", "https://api.kiwi.example./", "https://api.kiwi.example:8443/", "HTTP://api.kiwi.example:443/"} {
		if err := send(t, transport, address); err == nil || len(base.sent) > 0 {
			t.Errorf("%s got a token", address)
		}
	}
	for n, address := range []string{"https://api.Kiwi.example/", "HTTPS://api.kiwi.example:443/", "https://api.kiwi.example:/"} {
		if err := send(t, transport, address); err != nil || len(base.sent) != n+1 {
			t.Errorf("%s got no token: %v", address, err)
		}
	}
}

// TestAnAPIThatRefusesEveryToken has the token endpoint not asked for each request.
func TestAnAPIThatRefusesEveryToken(t *testing.T) {
	w := newWorker(t, nil)
	base := &noter{}
	transport, err := w.Transport(base, "https://api.example")
	if err != nil {
		t.Fatal(err)
	}
	many := func() {
		for range 20 {
			if err := send(t, transport, "https://api.example/"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n, after := range []time.Duration{0, 9 * time.Second, time.Second, -time.Hour} {
		w.clock.add(after)
		many()
		if got, want := w.provider.TokenRequests(), []int{2, 2, 3, 4}[n]; got != want {
			t.Errorf("%v later: got %d token requests, want %d", after, got, want)
		}
	}
	if base.sent[0] == base.sent[1] || base.sent[1] != base.sent[19] {
		t.Errorf("got %q, want a new token after the first", base.sent[:20])
	}
}

func TestTransportOrigins(t *testing.T) {
	w := newWorker(t, nil)
	for _, origins := range [][]string{nil, {""}, {"api.example"}, {"https://api.example/v1"}, {"http://api.example"}, {"https://api.example?a=b"}, {"https://*.example", ""}, {"https://a:b@api.example"}} {
		if transport, err := w.Transport(nil, origins...); err == nil || transport != nil {
			t.Errorf("%q: got %v, want an error", origins, err)
		}
	}
	if _, err := w.Transport(nil, "https://API.example:443", "http://[::1]:8080"); err != nil {
		t.Error(err)
	}
}

func TestTokenURLWithoutMetadata(t *testing.T) {
	w := newWorker(t, nil)
	direct, err := client.NewCredentials(client.CredentialsConfig{TokenURL: w.provider.URL + "/token", Client: oauth2.ClientSecretPost("worker", "s3cret")})
	if err != nil {
		t.Fatal(err)
	}
	if tokens, err := direct.Token(t.Context()); err != nil || tokens.AccessToken == "" {
		t.Errorf("got %v", err)
	}
}

// TestTheAudienceOfAnAssertion is what the server compares with itself (RFC 7523 §3).
func TestTheAudienceOfAnAssertion(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	provider := authtest.NewProvider(t, authtest.ProviderConfig{})
	var got string
	provider.BeforeToken = func(_ http.ResponseWriter, r *http.Request) bool {
		parts := strings.Split(r.PostForm.Get("client_assertion"), ".")
		text, err := base64.RawURLEncoding.DecodeString(parts[1%len(parts)])
		var claims struct{ Aud string }
		if err != nil || json.Unmarshal(text, &claims) != nil {
			t.Errorf("got an assertion that can't be read: %s", text)
		}
		got = claims.Aud
		return false
	}
	for _, tt := range []struct{ issuer, url, audience, want string }{
		{issuer: provider.URL, want: provider.URL},
		{url: provider.URL + "/token", want: provider.URL + "/token"},
		{url: provider.URL + "/token", audience: provider.URL, want: provider.URL},
	} {
		c, err := client.NewCredentials(client.CredentialsConfig{
			Issuer: tt.issuer, TokenURL: tt.url,
			Client: oauth2.PrivateKeyJWT(oauth2.PrivateKeyJWTConfig{ClientID: "worker", Key: key, Audience: tt.audience}),
		})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Token(t.Context()) // this provider knows no assertions
		if got != tt.want {
			t.Errorf("got the audience %q, want %q", got, tt.want)
		}
	}
}

func TestCredentialsConfigIsChecked(t *testing.T) {
	secret := oauth2.ClientSecretBasic("worker", "s3cret")
	for _, tt := range []struct {
		name   string
		config client.CredentialsConfig
		want   []string
	}{
		{"nothing", client.CredentialsConfig{}, []string{"Issuer and TokenURL: set one of them", "client authentication is nil"}},
		{"both", client.CredentialsConfig{Issuer: "https://a.example", TokenURL: "https://a.example/token", Client: secret}, []string{"set one of them"}},
		{"without TLS", client.CredentialsConfig{TokenURL: "http://a.example/token", Client: secret}, []string{"TokenURL is", "use https"}},
		{"an issuer with a query", client.CredentialsConfig{Issuer: "https://a.example?b", Client: secret}, []string{"has no query"}},
		{"a port without a host", client.CredentialsConfig{TokenURL: "https://:443/token", Client: secret}, []string{"TokenURL is"}},
		{"no secret", client.CredentialsConfig{Issuer: "https://a.example", Client: oauth2.ClientSecretPost("worker", "")}, []string{"secret is empty"}},
		{"a scope with a space", client.CredentialsConfig{Issuer: "https://a.example", Client: secret, Scopes: []string{"a b"}}, []string{"scope"}},
		{"a parameter of ours", client.CredentialsConfig{Issuer: "https://a.example", Client: secret, Params: map[string]string{"scope": "a"}}, []string{"Params has scope"}},
		{"a timeout of an hour", client.CredentialsConfig{Issuer: "https://a.example", Client: secret, Timeout: time.Hour}, []string{"Timeout is"}},
		{"a negative timeout", client.CredentialsConfig{Issuer: "https://a.example", Client: secret, Timeout: -1}, []string{"Timeout is"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := client.NewCredentials(tt.config)
			for _, want := range tt.want {
				if s != nil || err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
			if got := fmt.Sprintf("%v %+v %#v", tt.config, tt.config, tt.config); strings.Trim(strings.ReplaceAll(got, "[redacted]", ""), " ") != "" {
				t.Errorf("prints %q", got)
			}
		})
	}
}
