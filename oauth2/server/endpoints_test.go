package server_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

func mustPrefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func (w *world) get(path string) reply {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "https://id.example.com"+path, nil))
	out := reply{status: rec.Code, header: rec.Header(), raw: rec.Body.String()}
	if strings.Contains(rec.Header().Get("Content-Type"), "json") {
		if err := json.Unmarshal(rec.Body.Bytes(), &out.body); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

// Statement 56 and RFC 8414.
func TestMetadata(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{
		"/.well-known/oauth-authorization-server/oauth", "/.well-known/openid-configuration/oauth", "/oauth/.well-known/openid-configuration",
	} {
		got := w.get(path)
		if got.status != 200 || got.text("issuer") != issuer || got.text("token_endpoint") != issuer+"/token" ||
			got.text("jwks_uri") != issuer+"/jwks" || got.text("revocation_endpoint") != issuer+"/revoke" ||
			got.text("introspection_endpoint") != issuer+"/introspect" {
			t.Errorf("%s: got %d %v", path, got.status, got.body)
		}
		if types, ok := got.body["response_types_supported"].([]any); !ok || len(types) != 0 {
			t.Errorf("got response types %v, want none: there is no authorization endpoint", types)
		}
		if _, ok := got.body["code_challenge_methods_supported"]; ok {
			t.Error("got PKCE without an authorization endpoint")
		}
		for _, m := range got.body["introspection_endpoint_auth_methods_supported"].([]any) {
			if m == "none" {
				t.Error("introspection says that it needs no authentication")
			}
		}
	}
	if got := w.get("/oauth/jwks"); got.status != 200 || len(got.body["keys"].([]any)) == 0 || strings.Contains(got.raw, `"d"`) {
		t.Errorf("got %d %s", got.status, got.raw)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "https://id.example.com/.well-known/oauth-authorization-server/oauth", nil))
	if rec.Code != 405 || rec.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("got %d, Allow %q", rec.Code, rec.Header().Get("Allow"))
	}
	rec = httptest.NewRecorder()
	w.handler.ServeHTTP(rec, httptest.NewRequest(http.MethodHead, "https://id.example.com/.well-known/oauth-authorization-server/oauth", nil))
	if rec.Code != 200 || rec.Body.Len() != 0 {
		t.Errorf("HEAD: got %d, %d bytes", rec.Code, rec.Body.Len())
	}
	root := newWorld(t, func(c *server.Config) {
		c.Issuer, c.Keys, c.OpaqueKeys, c.DPoP = "https://id.example.com", nil, [][]byte{bytes.Repeat([]byte{7}, 32)}, nil
	})
	got := root.get("/.well-known/oauth-authorization-server")
	if got.text("token_endpoint") != "https://id.example.com/token" || got.body["jwks_uri"] != nil || got.body["dpop_signing_alg_values_supported"] != nil {
		t.Errorf("got %v", got.body)
	}
}

// Statements 43 and 44, with both kinds of tokens.
func TestIntrospection(t *testing.T) {
	for name, change := range map[string]func(*server.Config){"JWT": nil, "opaque": opaque} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, change)
			tokens := w.login("web", "scope", "read")
			access := tokens.text("access_token")
			before := w.store.calls.Load()
			got := w.introspect(access)
			if calls := w.store.calls.Load() - before; calls != 1 {
				t.Errorf("got %d calls of the store, want 1", calls)
			}
			if got.body["active"] != true || got.text("iss") != issuer || got.text("sub") != "user-alice" || got.text("client_id") != "web" ||
				got.text("scope") != "read" || got.text("token_type") != "Bearer" || got.text("jti") == "" ||
				got.body["exp"] != float64(start.Add(10*time.Minute).Unix()) || got.body["aud"].([]any)[0] != api {
				t.Errorf("got %v", got.body)
			}
			own := w.credentials("worker").text("access_token")
			before = w.store.calls.Load()
			if got := w.introspect(own); got.body["active"] != true || got.text("sub") != "client:worker" || w.store.calls.Load() != before {
				t.Errorf("a token without a session: got %v", got.body)
			}
			if got := w.post("/introspect", form("token", own), w.as("worker")); got.body["active"] != true {
				t.Errorf("its own client: got %v", got.body)
			}
			refreshToken := tokens.text("refresh_token")
			if got := w.post("/introspect", form("token", refreshToken, "token_type_hint", "access_token"), w.as("web")); got.body["active"] != true || got.text("sub") != "user-alice" {
				t.Errorf("a refresh token: got %v", got.body)
			}
			inactive := func(what string, got reply) {
				t.Helper()
				if got.status != 200 || got.raw != `{"active":false}` {
					t.Errorf("%s: got %d %s", what, got.status, got.raw)
				}
			}
			inactive("not for this service", w.introspect(w.credentials("worker", "resource", files).text("access_token")))
			inactive("another client's", w.post("/introspect", form("token", access), w.as("idle")))
			inactive("another client's refresh token", w.introspect(refreshToken))
			inactive("unknown", w.introspect("garbage"))
			inactive("an unknown opaque token", w.introspect(server.OpaquePrefix+"AAAA"))
			inactive("a long token", w.introspect(server.OpaquePrefix+strings.Repeat("A", 9000)))
			inactive("an unknown JWT", w.introspect("a.b.c"))
			inactive("an unknown refresh token", w.introspect(refresh.Prefix+"AAAA"))
			inactive("a changed token", w.introspect(access[:len(access)-8]+"AAAAAAAA"))
			inactive("a truncated token", w.introspect(access[:len(access)-8]))
			w.post("/introspect", form("token", access)).is(t, 401, "invalid_client")
			w.post("/introspect", form("token", access, "client_id", "phone")).is(t, 401, "invalid_client")
			w.post("/introspect", "", w.as("gateway")).is(t, 400, "invalid_request")
			if got := w.post("/revoke", form("token", access), w.as("web")); got.status != 200 {
				t.Errorf("got %d", got.status)
			}
			inactive("revoked", w.introspect(access))
			inactive("a revoked session's refresh token", w.post("/introspect", form("token", refreshToken), w.as("web")))
			w.clock.add(10 * time.Minute)
			inactive("expired this second", w.introspect(own))
		})
	}
}

func opaque(c *server.Config) {
	c.Keys, c.OpaqueKeys = nil, [][]byte{[]byte(strings.Repeat("a", 32)), []byte(strings.Repeat("b", 32))}
}

// Opaque tokens tell nothing, are never the same twice, and open with each key.
func TestOpaqueTokens(t *testing.T) {
	w := newWorld(t, opaque)
	one, two := w.credentials("worker").text("access_token"), w.credentials("worker").text("access_token")
	if one == two || !strings.HasPrefix(one, server.OpaquePrefix) || strings.Contains(one, ".") {
		t.Errorf("got %q and %q", one, two)
	}
	with := func(keys ...string) reply {
		c := w.config
		c.OpaqueKeys = nil
		for _, k := range keys {
			c.OpaqueKeys = append(c.OpaqueKeys, []byte(strings.Repeat(k, 32)))
		}
		s, err := server.New(c)
		check(t, err)
		other := *w
		other.handler = s.Handler()
		return other.introspect(one)
	}
	if got := with("c", "a"); got.body["active"] != true {
		t.Errorf("with the key in second place: got %v", got.body)
	}
	if got := with("b", "c"); got.body["active"] != false {
		t.Errorf("without the key: got %v", got.body)
	}
}

// Servers of several issuers may share their keys, as those of tenants do: a token of one is none of the other.
func TestOpaqueTokensBelongToTheirIssuer(t *testing.T) {
	w := newWorld(t, opaque)
	token := w.credentials("worker").text("access_token")
	c := w.config
	c.Issuer = "https://id.example.com/other"
	s, err := server.New(c)
	check(t, err)
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, c.Issuer+"/introspect", strings.NewReader(form("token", token)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w.as("gateway")(r)
	s.Handler().ServeHTTP(rec, r)
	if rec.Code != 200 || rec.Body.String() != `{"active":false}` {
		t.Errorf("got %d %s", rec.Code, rec.Body)
	}
}

// What one of our keys has sealed, and this version can't read, is a token that may live: it is no success to have revoked it.
func TestOpaqueTokensOfAnotherVersion(t *testing.T) {
	w := newWorld(t, opaque)
	salt := make([]byte, 16)
	h := hmac.New(sha256.New, []byte(strings.Repeat("b", 32)))
	h.Write([]byte("cardea opaque access token v1\x00"))
	h.Write(salt)
	block, err := aes.NewCipher(h.Sum(nil))
	check(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	check(t, err)
	for name, claims := range map[string]string{"another version": "\x02claims", "nothing": "", "a claim too few": "\x01\x00"} {
		token := server.OpaquePrefix + base64.RawURLEncoding.EncodeToString(append(salt[:16:16], aead.Seal(nil, nil, []byte(claims), []byte(issuer))...))
		for _, got := range []reply{w.introspect(token), w.post("/revoke", form("token", token), w.as("web"))} {
			if got.status != 503 {
				t.Errorf("%s: got %d %v, want 503", name, got.status, got.body)
			}
		}
	}
}

// A ring may hold keys of another algorithm than its own: those of before a change, and those of processes that have changed
// already. What the server signs with them it must know again, or a revocation says that it is done and is not.
func TestKeysOfAnotherAlgorithm(t *testing.T) {
	clock, shared := newClock(), &jwt.MemoryRingStore{}
	ring := func(a jwt.Algorithm) *jwt.KeyRing {
		r, err := jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{
			Algorithm: a, Store: shared, Secrets: [][]byte{bytes.Repeat([]byte{7}, 32)}, Period: 48 * time.Hour, Clock: clock.now,
		})
		check(t, err)
		return r
	}
	old := ring(jwt.EdDSA)
	w := newWorld(t, func(c *server.Config) { c.Keys, c.Clock, c.LegacyPassword = old, clock.now, nil })
	clock.add(25 * time.Hour)
	check(t, ring(jwt.ES256).Maintain(t.Context())) // publishes the next key
	check(t, old.Maintain(t.Context()))
	clock.add(24 * time.Hour)
	w.clock.add(49 * time.Hour)
	tokens, err := w.server.Sessions().Issue(t.Context(), refresh.Login{Subject: "alice", Client: "phone"})
	check(t, err)
	if got := w.introspect(tokens.AccessToken); got.body["active"] != true {
		t.Errorf("got %v for a token that this server has just made", got.body)
	}
	if got := w.post("/revoke", form("token", tokens.AccessToken, "client_id", "phone")); got.status != 200 {
		t.Errorf("got %d", got.status)
	}
	if live, err := w.server.Sessions().Live(t.Context(), tokens.Session); err != nil || live {
		t.Errorf("got live %v, error %v after a revocation that was answered with success", live, err)
	}
}

// Statements 41 and 42, and RFC 7009 §2.
func TestRevocation(t *testing.T) {
	w := newWorld(t, nil)
	tokens := w.login("phone")
	revoke := func(token, id string, more ...string) reply {
		body := form(append([]string{"token", token}, more...)...)
		if w.secret[id] == "" {
			return w.post("/revoke", body+"&client_id="+id)
		}
		return w.post("/revoke", body, w.as(id))
	}
	alive := func(want bool) {
		t.Helper()
		if got := w.introspect(tokens.text("access_token")); got.body["active"] != want {
			t.Errorf("got %v, want active %v", got.body, want)
		}
	}
	for _, token := range []string{"garbage", "a.b.c", tokens.text("refresh_token"), tokens.text("access_token")} {
		if got := revoke(token, "web"); got.status != 200 || got.raw != "" {
			t.Errorf("unknown, or another client's: got %d %s", got.status, got.raw)
		}
	}
	alive(true)
	w.post("/revoke", form("token", tokens.text("refresh_token"))).is(t, 401, "invalid_client")
	w.post("/revoke", "client_id=phone").is(t, 400, "invalid_request")
	revoke(w.credentials("worker").text("access_token"), "worker").is(t, 400, "unsupported_token_type")
	alive(true)
	if got := revoke(tokens.text("refresh_token"), "phone", "token_type_hint", "access_token"); got.status != 200 {
		t.Errorf("got %d", got.status)
	}
	alive(false)
	w.token(form("grant_type", "refresh_token", "client_id", "phone", "refresh_token", tokens.text("refresh_token"))).is(t, 400, "invalid_grant")
}

// Sessions that the program starts itself follow the same rules.
func TestSessions(t *testing.T) {
	w := newWorld(t, nil)
	sessions := w.server.Sessions()
	tokens, err := sessions.Issue(t.Context(), refresh.Login{Subject: "bob", Client: "phone", Scopes: auth.MustScopeSet("read")})
	check(t, err)
	claims, err := w.verifier(api).Verify(t.Context(), tokens.AccessToken)
	if err != nil || claims.Subject() != "bob" {
		t.Errorf("got %v", err)
	}
	use := form("grant_type", "refresh_token", "client_id", "phone", "refresh_token", tokens.RefreshToken)
	w.token(use+"&resource="+files).is(t, 400, "invalid_target")
	for _, resource := range []string{"", "&resource=" + api} {
		got := w.token(use + resource)
		if _, err := w.verifier(api).Verify(t.Context(), got.text("access_token")); err != nil {
			t.Errorf("resource %q: got %d %v, %v", resource, got.status, got.body, err)
		}
	}
	for name, l := range map[string]refresh.Login{
		"an unknown client":            {Subject: "bob", Client: "stranger"},
		"a client without sessions":    {Subject: "bob", Client: "worker"},
		"a scope beyond the client's":  {Subject: "bob", Client: "phone", Scopes: auth.MustScopeSet("admin")},
		"a resource beyond the server": {Subject: "bob", Client: "phone", Audience: []string{"https://evil.example"}},
		"the prefix of clients":        {Subject: server.ClientSubject(""), Client: "phone"},
		"a client's subject":           {Subject: server.ClientSubject("worker"), Client: "phone"},
	} {
		if _, err := sessions.Issue(t.Context(), l); auth.KindOf(err) != auth.KindForbidden {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n, err := sessions.RevokeSubject(t.Context(), "bob"); n != 1 || err != nil {
		t.Errorf("got %d, error %v", n, err)
	}
}
