package server_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/internal/wire"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

// verifier is what a service would use: it reads the server's JWK Set, and trusts nothing else.
func (w *world) verifier(audience string) *jwt.Verifier {
	w.t.Helper()
	v, err := jwt.NewVerifier(jwt.Config{
		Issuer: issuer, Keys: w.config.Keys, Audience: []string{audience}, Algorithms: []jwt.Algorithm{jwt.EdDSA}, Clock: w.clock.now,
	})
	check(w.t, err)
	return v
}

// Statements 31, 33, 46, 47 and 48.
func TestClientCredentials(t *testing.T) {
	w := newWorld(t, nil)
	before := w.store.calls.Load()
	got := w.credentials("worker", "scope", "write")
	if calls := w.store.calls.Load() - before; calls != 0 {
		t.Errorf("got %d calls of the store, want 0", calls)
	}
	if got.status != 200 || got.text("token_type") != "Bearer" || got.text("scope") != "write" || got.body["expires_in"] != 600.0 {
		t.Fatalf("got %d %v", got.status, got.body)
	}
	if got.body["refresh_token"] != nil {
		t.Error("got a refresh token")
	}
	if e := w.events.last(); e.Outcome != auth.OutcomeAllowed || e.CredentialID != "worker" || e.Subject != "client:worker" || e.Scheme != "client_credentials" {
		t.Errorf("got event %v", e)
	}
	claims, err := w.verifier(api).Verify(t.Context(), got.text("access_token"))
	check(t, err)
	if claims.Type() != "at+jwt" || claims.Subject() != "client:worker" || claims.ClientID() != "worker" || claims.ID() == "" ||
		!claims.HasScope("write") || claims.HasScope("read") || claims.SessionID() != "" || !claims.IssuedAt().Equal(start) {
		t.Errorf("got claims %s", claims.Raw())
	}
	if got := w.credentials("worker"); got.text("scope") != "read" {
		t.Errorf("got scope %q for a request without one, want the client's default", got.text("scope"))
	}
	if got := w.credentials("worker", "resource", files); got.status != 200 {
		t.Errorf("got %d %v", got.status, got.body)
	} else if _, err := w.verifier(api).Verify(t.Context(), got.text("access_token")); err == nil {
		t.Error("a token for one resource was accepted by another")
	}
	if got := w.credentials("worker", "resource", files, "resource", api); got.status != 200 {
		t.Errorf("got %d %v for two resources", got.status, got.body)
	}
}

// RFC 6749 §5.2 and RFC 8707 §2, and statements 11, 25, 26, 28, 31, 32, 33, 45, 46 and 53: each refusal of the token
// endpoint.
func TestTokenRefusals(t *testing.T) {
	cc := form("grant_type", "client_credentials")
	header := func(name, value string) func(*world, *http.Request) {
		return func(_ *world, r *http.Request) { r.Header.Set(name, value) }
	}
	as := func(id string) func(*world, *http.Request) {
		return func(w *world, r *http.Request) { w.as(id)(r) }
	}
	basic := func(text string) func(*world, *http.Request) {
		return header("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(text)))
	}
	for _, tt := range []struct {
		name   string
		body   func(w *world) string
		change func(*world, *http.Request)
		status int
		code   string
	}{
		{"a GET", text(cc), func(w *world, r *http.Request) { as("worker")(w, r); r.Method = "GET" }, 405, "invalid_request"},
		{"JSON", text(cc), func(w *world, r *http.Request) {
			as("worker")(w, r)
			r.Header.Set("Content-Type", "application/json")
		}, 400, "invalid_request"},
		{"a body that is too long", text(cc + "&x=" + strings.Repeat("x", 1<<16)), as("worker"), 400, "invalid_request"},
		{"a parameter that is too long", text(cc + "&x=" + strings.Repeat("x", 1<<14+1)), as("worker"), 400, "invalid_request"},
		{"a repeated parameter", text(cc + "&scope=read&scope=read"), as("worker"), 400, "invalid_request"},
		{"a repeated unknown parameter", text(cc + "&x=1&x=1"), as("worker"), 400, "invalid_request"},
		{"no grant type", text("scope=read"), as("worker"), 400, "invalid_request"},
		{"an empty grant type", text("grant_type=&scope=read"), as("worker"), 400, "invalid_request"},
		{"an unknown grant type", text(form("grant_type", "implicit")), as("worker"), 400, "unsupported_grant_type"},
		{"the code grant, which is not here yet", text(form("grant_type", "authorization_code")), as("worker"), 400, "unsupported_grant_type"},

		{"no client", text(cc), nil, 401, "invalid_client"},
		{"an unknown client", text(cc), basic("stranger:" + strings.Repeat("x", 47)), 401, "invalid_client"},
		{"a wrong secret", text(cc), basic("worker:" + strings.Repeat("x", 47)), 401, "invalid_client"},
		{"another client's secret", text(cc), func(w *world, r *http.Request) { r.SetBasicAuth("worker", w.secret["bound"]) }, 401, "invalid_client"},
		{"an empty secret", text(cc), basic("worker:"), 401, "invalid_client"},
		{"a secret without a client", text(cc), basic(":secret"), 401, "invalid_client"},
		{"a confidential client that does not authenticate", text(cc + "&client_id=worker"), nil, 401, "invalid_client"},
		{"a wrong secret in the body", text(cc + "&client_id=worker&client_secret=x"), nil, 401, "invalid_client"},
		{"a secret for a public client", text(form("grant_type", "refresh_token", "refresh_token", "x", "client_id", "phone", "client_secret", "x")), nil, 401, "invalid_client"},
		{"a secret for a client with keys", text(cc + "&client_id=signer&client_secret=x"), nil, 401, "invalid_client"},
		{"a client id that nobody could have", text(cc + "&client_id=%00"), nil, 401, "invalid_client"},
		{"Basic without a colon", text(cc), basic("worker"), 401, "invalid_client"},
		{"Basic that is no base64", text(cc), header("Authorization", "Basic ###"), 401, "invalid_client"},
		{"Basic with a broken escape in the id", text(cc), basic("wor%zzker:x"), 401, "invalid_client"},
		{"Basic with a broken escape in the secret", text(cc), basic("worker:%zz"), 401, "invalid_client"},
		{"Basic that is too long", text(cc), header("Authorization", "Basic "+strings.Repeat("A", 4096)), 401, "invalid_client"},
		{"two Authorization headers", text(cc), func(w *world, r *http.Request) {
			as("worker")(w, r)
			r.Header.Add("Authorization", r.Header.Get("Authorization"))
		}, 400, "invalid_request"},
		{"the secret in header and body", func(w *world) string {
			return cc + "&client_id=worker&client_secret=" + w.secret["worker"]
		}, as("worker"), 400, "invalid_request"},
		{"a secret and an assertion", func(w *world) string {
			return cc + "&client_secret=x&client_assertion=x&client_assertion_type=x"
		}, nil, 400, "invalid_request"},
		{"the header and an assertion", func(w *world) string {
			return cc + "&client_assertion=a.b.c&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
		}, as("worker"), 400, "invalid_request"},
		{"the secret in the body and an assertion", func(w *world) string {
			return cc + "&client_id=worker&client_secret=" + w.secret["worker"] + "&client_assertion=a.b.c&client_assertion_type=" + bearerAssertion
		}, nil, 400, "invalid_request"},
		{"an assertion without its type", text(cc + "&client_assertion=a.b.c"), as("worker"), 400, "invalid_request"},
		{"the type of an assertion without one", text(cc + "&client_assertion_type=" + bearerAssertion), as("worker"), 400, "invalid_request"},
		{"an assertion of an unknown client", text(cc + "&client_assertion=x.eyJzdWIiOiJzdHJhbmdlciJ9.x&client_assertion_type=" + bearerAssertion), nil, 401, "invalid_client"},
		{"an unknown client that does not authenticate", text(cc + "&client_id=stranger"), nil, 401, "invalid_client"},
		{"a public client in the body and another without its secret", text(form("grant_type", "refresh_token", "refresh_token", "x", "client_id", "phone")), basic("worker:"), 400, "invalid_request"},
		{"a secret without a client, and a client in the body", func(w *world) string {
			return cc + "&client_id=worker&client_secret=" + w.secret["worker"]
		}, basic(":x"), 401, "invalid_client"},
		{"another client in the body", text(cc + "&client_id=web"), as("worker"), 400, "invalid_request"},
		{"the secret in the URL", text(cc), func(w *world, r *http.Request) {
			r.URL.RawQuery = form("client_id", "worker", "client_secret", w.secret["worker"])
		}, 401, "invalid_client"},

		{"a client without that grant", text(cc), as("web"), 400, "unauthorized_client"},
		{"a client without any grant", text(cc), as("idle"), 400, "unauthorized_client"},
		{"client credentials for a public client", text(cc + "&client_id=phone"), nil, 400, "unauthorized_client"},
		{"a scope beyond the client's", text(cc + "&scope=read+admin"), as("worker"), 400, "invalid_scope"},
		{"a malformed scope", text(cc + "&scope=read++write"), as("worker"), 400, "invalid_scope"},
		{"an unknown resource", text(cc + "&resource=https%3A%2F%2Fevil.example"), as("worker"), 400, "invalid_target"},
		{"a resource beyond the client's", text(cc + "&resource=https%3A%2F%2Ffiles.example.com"), as("bound"), 400, "invalid_target"},
		{"a relative resource", text(cc + "&resource=api"), as("worker"), 400, "invalid_target"},
		{"a resource with a fragment", text(cc + "&resource=https%3A%2F%2Fapi.example.com%23x"), as("worker"), 400, "invalid_target"},
		{"too many resources", text(cc + strings.Repeat("&resource=https%3A%2F%2Fapi.example.com", 17)), as("worker"), 400, "invalid_target"},
		{"no proof where one is required", text(cc), as("bound"), 400, "invalid_dpop_proof"},
		{"a proof that is garbage", text(cc), func(w *world, r *http.Request) { as("bound")(w, r); r.Header.Set("DPoP", "x") }, 400, "invalid_dpop_proof"},

		{"no refresh token", text(form("grant_type", "refresh_token")), as("web"), 400, "invalid_request"},
		{"a garbage refresh token", text(form("grant_type", "refresh_token", "refresh_token", "x")), as("web"), 400, "invalid_grant"},
		{"no password", text(form("grant_type", "password", "username", "alice")), as("web"), 400, "invalid_request"},
		{"no user name", text(form("grant_type", "password", "password", "right")), as("web"), 400, "invalid_request"},
		{"a password that is too long", text(form("grant_type", "password", "username", "alice", "password", strings.Repeat("x", 1025))), as("web"), 400, "invalid_request"},
		{"a user name with a NUL", text(form("grant_type", "password", "username", "alice\x00a", "password", "right")), as("web"), 400, "invalid_request"},
		{"a user name with a line break", text(form("grant_type", "password", "username", "alice\n", "password", "right")), as("web"), 400, "invalid_request"},
		{"a user name that is not UTF-8", text(form("grant_type", "password", "username", "alice\xff", "password", "right")), as("web"), 400, "invalid_request"},
		{"a password with a NUL", text(form("grant_type", "password", "username", "alice", "password", "right\x00x")), as("web"), 400, "invalid_request"},
		{"a password that is not UTF-8", text(form("grant_type", "password", "username", "alice", "password", "right\xff")), as("web"), 400, "invalid_request"},
		{"a wrong password", text(form("grant_type", "password", "username", "alice", "password", "wrong")), as("web"), 400, "invalid_grant"},
		{"an unknown user", text(form("grant_type", "password", "username", "eve", "password", "right")), as("web"), 400, "invalid_grant"},
		{"a user named like a client", text(form("grant_type", "password", "username", "evil", "password", "right")), as("web"), 400, "invalid_grant"},
		{"a password look-up that fails", text(form("grant_type", "password", "username", "broken", "password", "x")), as("web"), 503, "temporarily_unavailable"},
		{"a password look-up without an answer", text(form("grant_type", "password", "username", "nobody", "password", "x")), as("web"), 503, "temporarily_unavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			got := w.token(tt.body(w), func(r *http.Request) {
				if tt.change != nil {
					tt.change(w, r)
				}
			})
			got.is(t, tt.status, tt.code)
			if challenged := got.header.Get("WWW-Authenticate") != ""; challenged != (tt.status == 401) {
				t.Errorf("got WWW-Authenticate %q", got.header.Get("WWW-Authenticate"))
			}
			if got.body["access_token"] != nil {
				t.Error("got a token")
			}
			if e := w.events.last(); e.Outcome != auth.OutcomeRefused || e.Status != tt.status || e.Reason == "" {
				t.Errorf("got event %v", e)
			}
		})
	}
}

const bearerAssertion = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"

func text(s string) func(*world) string { return func(*world) string { return s } }

// Statements 20, 25, 27 and 29: the ways to authenticate that are accepted.
func TestClientAuthentication(t *testing.T) {
	w := newWorld(t, nil)
	cc := form("grant_type", "client_credentials")
	for name, got := range map[string]reply{
		"Basic":                        w.token(cc, w.as("worker")),
		"Basic in another case":        w.token(cc, w.as("worker"), func(r *http.Request) { r.Header.Set("Authorization", "b"+r.Header.Get("Authorization")[1:]) }),
		"Basic and the same client_id": w.token(cc+"&client_id=worker", w.as("worker")),
		"the body":                     w.token(cc + "&client_id=worker&client_secret=" + w.secret["worker"]),
		"empty Basic and the body": w.token(cc+"&client_id=worker&client_secret="+w.secret["worker"],
			func(r *http.Request) { r.Header.Set("Authorization", "Basic Og==") }),
		"another scheme and the body": w.token(cc+"&client_id=worker&client_secret="+w.secret["worker"],
			func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }),
	} {
		if got.status != 200 {
			t.Errorf("%s: got %d %v", name, got.status, got.body)
		}
	}
}

// Several secrets are valid at a time; a hash is no secret.
func TestClientSecrets(t *testing.T) {
	one, hashOne := server.NewSecret()
	two, hashTwo := server.NewSecret()
	client, err := server.NewClient(server.ClientConfig{
		ID: "c", Secrets: []server.SecretHash{hashOne, hashTwo}, Grants: []server.Grant{server.GrantClientCredentials}, Resources: []string{api},
	})
	check(t, err)
	w := newWorld(t, func(c *server.Config) {
		c.Clients, err = server.NewClients(client)
		check(t, err)
	})
	for secret, status := range map[string]int{one.Reveal(): 200, two.Reveal(): 200, string(hashOne): 401, one.Reveal() + "x": 401} {
		got := w.token(form("grant_type", "client_credentials", "client_id", "c", "client_secret", secret))
		if got.status != status {
			t.Errorf("got %d, want %d", got.status, status)
		}
	}
	foreign := strings.Repeat("f", 40)
	hash, err := server.HashSecret(foreign)
	check(t, err)
	if again, _ := server.HashSecret(foreign); again != hash {
		t.Error("a hash is not stable")
	}
	for _, bad := range []string{"", "short", strings.Repeat("x", 257), strings.Repeat("x", 40) + "%"} {
		if _, err := server.HashSecret(bad); err == nil || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%q: got error %v", bad, err)
		}
	}
	if one.String() != "[redacted]" || one.GoString() != "[redacted]" || one.LogValue().String() != "[redacted]" {
		t.Error("a secret prints")
	}
	if b, _ := one.MarshalText(); string(b) != "[redacted]" {
		t.Error("a secret is marshalled")
	}
}

// Statement 30: an assertion is accepted once, for this server alone, for a short time.
func TestPrivateKeyJWT(t *testing.T) {
	w := newWorld(t, nil)
	assertion := func(change func(*jwt.Grant), as string, profile jwt.Profile, lifetime time.Duration) string {
		i, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: as, Keys: w.signing, Profile: profile, Lifetime: lifetime, Clock: w.clock.now})
		check(t, err)
		g := jwt.Grant{Subject: "signer", ClientID: "signer", Audience: []string{issuer}}
		if change != nil {
			change(&g)
		}
		issued, err := i.Issue(t.Context(), g)
		check(t, err)
		return issued.Token
	}
	good := func() string { return assertion(nil, "signer", jwt.ProfileLegacy, time.Minute) }
	send := func(assertion string, more ...string) reply {
		return w.token(form(append([]string{
			"grant_type", "client_credentials", "client_assertion", assertion,
			"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		}, more...)...))
	}
	first := good()
	if got := send(first); got.status != 200 {
		t.Fatalf("got %d %v", got.status, got.body)
	}
	send(first).is(t, 401, "invalid_client")
	if w.events.last().Reason != server.ReasonReplay {
		t.Errorf("got reason %s for the second use", w.events.last().Reason)
	}
	if got := send(good(), "client_id", "signer"); got.status != 200 {
		t.Errorf("with client_id: got %d %v", got.status, got.body)
	}
	send(good(), "client_id", "worker").is(t, 400, "invalid_request")
	parts := strings.Split(good(), ".")
	for name, bad := range map[string]string{
		"garbage":               "garbage",
		"two parts":             "a.b",
		"a payload that is not": "a.!.c",
		"a payload of text":     "a.YQ.c",
		"no signature":          parts[0] + "." + parts[1] + ".",
		"another audience":      assertion(func(g *jwt.Grant) { g.Audience = []string{"https://other.example"} }, "signer", jwt.ProfileLegacy, time.Minute),
		"two audiences":         assertion(func(g *jwt.Grant) { g.Audience = []string{issuer, "https://other.example"} }, "signer", jwt.ProfileLegacy, time.Minute),
		"the endpoint":          assertion(func(g *jwt.Grant) { g.Audience = []string{issuer + "/token"} }, "signer", jwt.ProfileLegacy, time.Minute),
		"another subject":       assertion(func(g *jwt.Grant) { g.Subject = "worker" }, "signer", jwt.ProfileLegacy, time.Minute),
		"another issuer":        assertion(nil, "worker", jwt.ProfileLegacy, time.Minute),
		"an access token":       assertion(nil, "signer", jwt.ProfileAccessToken, time.Minute),
		"an hour":               assertion(nil, "signer", jwt.ProfileLegacy, time.Hour),
	} {
		t.Run(name, func(t *testing.T) { send(bad).is(t, 401, "invalid_client") })
	}
	late := good()
	w.clock.add(2 * time.Minute)
	send(late).is(t, 401, "invalid_client")
	w.store.fail.Store(true)
	send(good()).is(t, 503, "temporarily_unavailable")
	w.store.fail.Store(false)
	w.token(form("grant_type", "client_credentials", "client_assertion", good(), "client_assertion_type", "x")).is(t, 400, "invalid_request")
}

// keySource is a [jwt.KeySource] made of a function.
type keySource func() (*jwt.PublicKey, error)

func (f keySource) Key(context.Context, string, jwt.Algorithm) (*jwt.PublicKey, error) { return f() }

// What is read of an assertion to find its client is not believed, and keys that can't be had are an outage.
func TestAssertionsOfOddForms(t *testing.T) {
	w := newWorld(t, nil)
	key := mustECDSA()
	signing, err := jwt.NewSigningKey("k", jwt.ES256, key)
	check(t, err)
	down := false
	odd := w.client(server.ClientConfig{
		ID: "odd", Algorithms: []jwt.Algorithm{jwt.ES256}, Grants: []server.Grant{server.GrantClientCredentials}, Resources: []string{api},
		Keys: keySource(func() (*jwt.PublicKey, error) {
			if down {
				return nil, errDown
			}
			return signing.Public(), nil
		}),
	})
	c := w.config
	c.LegacyPassword = nil
	c.Clients, err = server.NewClients(odd)
	check(t, err)
	s, err := server.New(c)
	check(t, err)
	w.handler = s.Handler()
	exp := strconv.FormatInt(start.Add(time.Minute).Unix(), 10)
	send := func(header, claims string) reply {
		return w.token(form("grant_type", "client_credentials",
			"client_assertion", signES256(key, header, `{"iss":"odd","aud":"`+issuer+`","exp":`+exp+`,`+claims+`}`),
			"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"))
	}
	const header = `{"alg":"ES256","kid":"k"}`
	if got := send(header, `"sub":"odd","jti":"1"`); got.status != 200 {
		t.Fatalf("got %d %v", got.status, got.body)
	}
	for _, tt := range []struct{ name, header, claims string }{
		{"a subject in another case, which only a lax reader takes", header, `"sub":"somebody","SUB":"odd","jti":"2"`},
		{"two subjects", header, `"sub":"somebody","sub":"odd","jti":"3"`},
		{"no jti", header, `"sub":"odd"`},
		{"an empty jti", header, `"sub":"odd","jti":""`},
		{"a jti that is a number", header, `"sub":"odd","jti":4}`},
		{"an access token", `{"alg":"ES256","kid":"k","typ":"at+jwt"}`, `"sub":"odd","jti":"5"`},
		{"an access token by its long name", `{"alg":"ES256","kid":"k","typ":"application/AT+JWT"}`, `"sub":"odd","jti":"6"`},
		{"a DPoP proof", `{"alg":"ES256","kid":"k","typ":"dpop+jwt"}`, `"sub":"odd","jti":"7"`},
		{"a logout token", header, `"sub":"odd","jti":"8","events":{"http://schemas.openid.net/event/backchannel-logout":{}}`},
		{"no algorithm", `{"alg":"none"}`, `"sub":"odd","jti":"9"`},
		{"not valid yet", header, `"sub":"odd","jti":"10","nbf":` + exp},
	} {
		t.Run(tt.name, func(t *testing.T) { send(tt.header, tt.claims).is(t, 401, "invalid_client") })
	}
	down = true
	send(header, `"sub":"odd","jti":"11"`).is(t, 503, "temporarily_unavailable")
}

// The store, or another instance of the server, may have a clock of its own.
func TestAssertionIsUsedOnceThoughClocksDiffer(t *testing.T) {
	w := newWorld(t, nil)
	ahead := func() time.Time { return w.clock.now().Add(jwt.DefaultLeeway) }
	memory, err := refresh.NewMemoryStore(refresh.MemoryConfig{Clock: ahead})
	check(t, err)
	c := w.config
	c.Sessions.Store, c.LegacyPassword = memory, nil
	s, err := server.New(c)
	check(t, err)
	w.handler = s.Handler()
	i, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: "signer", Keys: w.signing, Profile: jwt.ProfileLegacy, Lifetime: time.Minute, Clock: w.clock.now})
	check(t, err)
	assertion, err := i.Issue(t.Context(), jwt.Grant{Subject: "signer", Audience: []string{issuer}})
	check(t, err)
	body := form("grant_type", "client_credentials", "client_assertion", assertion.Token,
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	if got := w.token(body); got.status != 200 {
		t.Fatalf("got %d %v", got.status, got.body)
	}
	w.clock.add(time.Minute + jwt.DefaultLeeway - time.Second)
	w.token(body).is(t, 401, "invalid_client")
	if got := w.events.last().Reason; got != server.ReasonReplay {
		t.Errorf("got reason %s, want %s", got, server.ReasonReplay)
	}
}

// Statements 21, 25, 34, 36 and 38 at the endpoint; the rest is in package refresh.
func TestRefreshGrant(t *testing.T) {
	w := newWorld(t, nil)
	first := w.login("web", "scope", "read write")
	if first.status != 200 || first.text("scope") != "read write" || first.text("refresh_token") == "" {
		t.Fatalf("got %d %v", first.status, first.body)
	}
	use := func(token string, id string, more ...string) reply {
		body := form(append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)...)
		if w.secret[id] == "" {
			return w.token(body + "&client_id=" + id)
		}
		return w.token(body, w.as(id))
	}
	token := first.text("refresh_token")
	w.token(form("grant_type", "refresh_token", "refresh_token", token, "client_id", "web", "client_secret", "wrong")).is(t, 401, "invalid_client")
	use(token, "phone").is(t, 400, "invalid_grant")
	use(token, "worker").is(t, 400, "unauthorized_client")
	use(token, "web", "scope", "read admin").is(t, 400, "invalid_scope")
	use(token, "web", "resource", files).is(t, 400, "invalid_target")
	before := w.store.calls.Load()
	second := use(token, "web", "scope", "read")
	if calls := w.store.calls.Load() - before; calls != 2 {
		t.Errorf("got %d calls of the store, want 2", calls)
	}
	if second.status != 200 || second.text("scope") != "read" {
		t.Fatalf("got %d %v", second.status, second.body)
	}
	if again := use(token, "web"); again.text("refresh_token") != second.text("refresh_token") || again.text("scope") != "read write" {
		t.Errorf("a retry got %d %v", again.status, again.body)
	}
	w.clock.add(time.Minute)
	use(token, "web").is(t, 400, "invalid_grant")
	use(second.text("refresh_token"), "web").is(t, 400, "invalid_grant")
	if got := w.introspect(second.text("access_token")); got.body["active"] != false {
		t.Errorf("got %v for an access token of a session that reuse has ended", got.body)
	}
}

// Statement 54: tokens of public clients are bound with their refresh tokens, those of others without.
func TestDPoP(t *testing.T) {
	w := newWorld(t, nil)
	key, other := authtest.NewDPoPKey(w.clock.now), authtest.NewDPoPKey(w.clock.now)
	login := func(id string) reply {
		return w.token(form("grant_type", "password", "username", "alice", "password", "right", "client_id", id), proof(key))
	}
	phone := login("phone")
	if phone.status != 200 || phone.text("token_type") != "DPoP" {
		t.Fatalf("got %d %v", phone.status, phone.body)
	}
	if got := w.introspect(phone.text("access_token")); got.text("token_type") != "DPoP" || got.body["cnf"].(map[string]any)["jkt"] != key.Thumbprint() {
		t.Errorf("got %v", got.body)
	}
	use := form("grant_type", "refresh_token", "client_id", "phone", "refresh_token", phone.text("refresh_token"))
	w.token(use).is(t, 400, "invalid_grant")
	w.token(use, proof(other)).is(t, 400, "invalid_grant")
	once := proof(key)
	if got := w.token(use, once); got.status != 200 || got.text("token_type") != "DPoP" {
		t.Errorf("got %d %v", got.status, got.body)
	}
	w.token(use, once).is(t, 400, "invalid_dpop_proof")
	if got := w.token(form("grant_type", "client_credentials"), w.as("bound"), proof(key)); got.text("token_type") != "DPoP" {
		t.Errorf("got %d %v", got.status, got.body)
	}
	web := w.login("web")
	use = form("grant_type", "refresh_token", "refresh_token", web.text("refresh_token"))
	second := w.token(use, w.as("web"), proof(key))
	if second.text("token_type") != "DPoP" {
		t.Errorf("got %d %v", second.status, second.body)
	}
	if got := w.token(form("grant_type", "refresh_token", "refresh_token", second.text("refresh_token")), w.as("web")); got.text("token_type") != "Bearer" {
		t.Errorf("got %d %v: the refresh token of a client with a secret is bound to that", got.status, got.body)
	}
	w.store.fail.Store(true)
	w.token(form("grant_type", "client_credentials"), w.as("bound"), proof(key)).is(t, 503, "temporarily_unavailable")
	if got := w.events.last().Kind; got != auth.KindUnavailable {
		t.Errorf("got an event of kind %v, want that of an outage", got)
	}
}

// Statement 53: limited, and off unless it is switched on.
func TestLegacyPassword(t *testing.T) {
	w := newWorld(t, nil)
	got := w.token(form("grant_type", "password", "username", "alice", "password", "right"))
	if got.status != 200 || got.text("scope") != "read" {
		t.Errorf("a form without a client: got %d %v", got.status, got.body)
	}
	empty := w.token(form("grant_type", "password", "username", "alice", "password", "right"), func(r *http.Request) {
		r.Header.Set("Authorization", "Basic Og==")
	})
	if empty.status != 200 {
		t.Errorf("a form with an empty client: got %d %v", empty.status, empty.body)
	}
	// A form whose field for the secret was left empty sends the id alone.
	for id, want := range map[string]int{"phone": 200, "worker": 401, "nobody": 401} {
		got := w.token(form("grant_type", "password", "username", "alice", "password", "right"), func(r *http.Request) { r.SetBasicAuth(id, "") })
		if got.status != want {
			t.Errorf("Basic with the id %q and no secret: got %d %v, want %d", id, got.status, got.body, want)
		}
	}
	w.token(form("grant_type", "password", "username", "alice", "password", "right", "client_secret", "x"), func(r *http.Request) {
		r.SetBasicAuth("phone", "")
	}).is(t, 400, "invalid_request")
	guess := func(user, password string) reply {
		return w.token(form("grant_type", "password", "username", user, "password", password))
	}
	var last reply
	for range 7 {
		last = guess("Alice", "wrong")
	}
	last.is(t, 429, "temporarily_unavailable")
	if last.header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	guess("alice ", "right").is(t, 429, "temporarily_unavailable")
	w.clock.add(time.Hour)
	for range 7 {
		last = guess("eve", "wrong") // who does not exist is limited alike
	}
	last.is(t, 429, "temporarily_unavailable")

	off := newWorld(t, func(c *server.Config) { c.LegacyPassword = nil })
	off.login("web").is(t, 400, "unsupported_grant_type")
	none := newWorld(t, func(c *server.Config) { c.LegacyPassword.Client = "" })
	none.token(form("grant_type", "password", "username", "alice", "password", "right")).is(t, 401, "invalid_client")
	lost := newWorld(t, func(c *server.Config) {
		c.LegacyPassword.Addr, _ = auth.ForwardedFor(mustPrefix("192.0.2.0/24"))
	})
	lost.token(form("grant_type", "password", "username", "alice", "password", "right"), func(r *http.Request) {
		r.Header.Set("X-Forwarded-For", "nonsense")
		r.RemoteAddr = "192.0.2.1:1"
	}).is(t, 503, "temporarily_unavailable")
	hot := newWorld(t, func(c *server.Config) {
		c.LegacyPassword.Verify = func(context.Context, string, string) (string, error) { return "", auth.Throttled(time.Minute) }
	})
	hot.login("web").is(t, 429, "temporarily_unavailable")
}

// Statement 32 and GHSA-7qjx-gp9h-65qj of a peer: the policy runs for every grant there is.
func TestPolicyRunsForEveryGrant(t *testing.T) {
	var asked []server.Ask
	narrow := func(a server.Ask) (auth.ScopeSet, error) { return a.Scopes, nil }
	w := newWorld(t, func(c *server.Config) {
		c.Policy = func(_ context.Context, a server.Ask) (auth.ScopeSet, error) {
			asked = append(asked, a)
			return narrow(a)
		}
	})
	session := w.login("web", "scope", "read write").text("refresh_token")
	grants := map[string]func() reply{
		"client_credentials": func() reply { return w.credentials("worker", "scope", "read write") },
		"refresh_token": func() reply {
			return w.token(form("grant_type", "refresh_token", "refresh_token", session), w.as("web"))
		},
		"password": func() reply { return w.login("web", "scope", "read write") },
		"login": func() reply {
			tokens, err := w.server.Sessions().Issue(t.Context(), refresh.Login{Subject: "bob", Client: "web", Scopes: auth.MustScopeSet("read", "write")})
			if err != nil {
				return reply{status: int(auth.KindOf(err))}
			}
			return reply{status: 200, body: map[string]any{"scope": tokens.Scopes.String()}}
		},
	}
	rec := w.get("/.well-known/oauth-authorization-server/oauth")
	for _, g := range rec.body["grant_types_supported"].([]any) {
		if grants[g.(string)] == nil {
			t.Errorf("no test of the policy for grant %v", g)
		}
	}
	for name, do := range grants {
		t.Run(name, func(t *testing.T) {
			asked = nil
			if got := do(); got.status != 200 || got.text("scope") != "read write" {
				t.Fatalf("got %d %v", got.status, got.body)
			}
			if len(asked) != 1 || string(asked[0].Grant) != name || asked[0].Subject == "" || len(asked[0].Resources) != 1 || asked[0].Client == nil {
				t.Fatalf("got %+v", asked)
			}
			for _, tt := range []struct {
				name   string
				policy func(server.Ask) (auth.ScopeSet, error)
				kind   auth.Kind
				status int
				code   string
			}{
				{"forbids", func(server.Ask) (auth.ScopeSet, error) { return auth.ScopeSet{}, auth.Forbidden("x", nil) }, auth.KindForbidden, 400, wire.UnauthorizedClient},
				{"finds it invalid", func(server.Ask) (auth.ScopeSet, error) { return auth.ScopeSet{}, auth.Invalid("x", nil) }, auth.KindInvalid, 400, wire.InvalidGrant},
				{"fails", func(a server.Ask) (auth.ScopeSet, error) { return a.Scopes, errDown }, auth.KindUnavailable, 503, wire.Unavailable},
				{"adds a scope", func(server.Ask) (auth.ScopeSet, error) { return auth.MustScopeSet("read", "admin"), nil }, auth.KindUnavailable, 503, wire.Unavailable},
				{"widens", func(server.Ask) (auth.ScopeSet, error) { return auth.Unlimited(), nil }, auth.KindUnavailable, 503, wire.Unavailable},
			} {
				narrow = tt.policy
				got := do()
				if name == "login" {
					if got.status != int(tt.kind) {
						t.Errorf("a policy that %s: got kind %v", tt.name, auth.Kind(got.status))
					}
					continue
				}
				got.is(t, tt.status, tt.code)
			}
			narrow = func(server.Ask) (auth.ScopeSet, error) { return auth.MustScopeSet("read"), nil }
			if got := do(); got.status != 200 || got.text("scope") != "read" {
				t.Errorf("a policy that narrows: got %d %v", got.status, got.body)
			}
			narrow = func(a server.Ask) (auth.ScopeSet, error) { return a.Scopes, nil }
		})
	}
}

// A client whose registration has shrunk gets what is left.
func TestRefreshAfterRegistrationShrank(t *testing.T) {
	w := newWorld(t, nil)
	token := w.login("phone", "scope", "read write").text("refresh_token")
	small := w.client(server.ClientConfig{ID: "phone", Public: true, Grants: []server.Grant{server.GrantRefresh}, Scopes: auth.MustScopeSet("read"), Resources: []string{api}})
	c := w.config
	var err error
	c.Clients, err = server.NewClients(small)
	check(t, err)
	c.LegacyPassword = nil
	s, err := server.New(c)
	check(t, err)
	w.handler = s.Handler()
	use := form("grant_type", "refresh_token", "client_id", "phone", "refresh_token", token)
	w.token(use+"&scope=write").is(t, 400, "invalid_scope")
	if got := w.token(use); got.status != 200 || got.text("scope") != "read" {
		t.Errorf("got %d %v", got.status, got.body)
	}
}

// Statement 41 and fail closed: an outage is 503, wherever it is.
func TestOutages(t *testing.T) {
	w := newWorld(t, nil)
	tokens := w.login("web")
	use := form("grant_type", "refresh_token", "refresh_token", tokens.text("refresh_token"))
	ask := form("token", tokens.text("access_token"))
	w.store.fail.Store(true)
	for name, got := range map[string]reply{
		"refresh":               w.token(use, w.as("web")),
		"login":                 w.login("web"),
		"introspect":            w.introspect(tokens.text("access_token")),
		"introspect, refresh":   w.post("/introspect", form("token", tokens.text("refresh_token")), w.as("web")),
		"revoke":                w.post("/revoke", form("token", tokens.text("refresh_token")), w.as("web")),
		"revoke, by the access": w.post("/revoke", ask, w.as("web")),
	} {
		got.is(t, 503, "temporarily_unavailable")
		if got.header.Get("Retry-After") == "" {
			t.Errorf("%s: got no Retry-After", name)
		}
	}
	w.store.fail.Store(false)
	if got := w.token(use, w.as("web")); got.status != 200 {
		t.Errorf("got %d %v after the outage", got.status, got.body)
	}
	down := newWorld(t, func(c *server.Config) {
		c.Clients = server.ClientFunc(func(context.Context, string) (*server.Client, error) { return nil, errDown })
	})
	down.credentials("worker").is(t, 503, "temporarily_unavailable")
	if _, err := down.server.Sessions().Issue(t.Context(), refresh.Login{Subject: "a", Client: "web"}); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v", err)
	}
	mute := newWorld(t, func(c *server.Config) {
		c.Clients = server.ClientFunc(func(context.Context, string) (*server.Client, error) { return nil, nil })
	})
	mute.credentials("worker").is(t, 401, "invalid_client")
	if _, err := mute.server.Sessions().Issue(t.Context(), refresh.Login{Subject: "a", Client: "web"}); auth.KindOf(err) != auth.KindForbidden {
		t.Errorf("got %v", err)
	}
}

// The id of a request that nothing has authenticated reaches a source only where it can be one, and a client that comes
// with ErrUnknownClient is none.
func TestWhatSourcesAreAsked(t *testing.T) {
	asked := 0
	w := newWorld(t, func(c *server.Config) {
		known := c.Clients
		c.Clients = server.ClientFunc(func(ctx context.Context, id string) (*server.Client, error) {
			asked++
			client, _ := known.Client(ctx, id)
			return client, server.ErrUnknownClient
		})
	})
	w.credentials("worker").is(t, 401, "invalid_client")
	if asked != 1 {
		t.Errorf("got %d calls of the source, want 1", asked)
	}
	for _, id := range []string{"\x00", "a b", "a'--", "ä", strings.Repeat("x", 129)} {
		w.token(form("grant_type", "client_credentials", "client_id", id, "client_secret", "x")).is(t, 401, "invalid_client")
		w.post("/introspect", form("token", "x", "client_id", id, "client_secret", "x")).is(t, 401, "invalid_client")
	}
	if asked != 1 {
		t.Error("the source was asked for an id that no client can have")
	}
}
