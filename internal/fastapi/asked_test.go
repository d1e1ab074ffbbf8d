package fastapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2/client"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/rbac"
)

// sessions is a login of one's own: sessions, their endpoints, and a guard that asks whether a session has ended.
type sessions struct {
	issuer    *refresh.Issuer
	endpoints *refresh.Endpoints
	api       http.Handler
}

func newLogin(t *testing.T, e refresh.EndpointsConfig) sessions {
	t.Helper()
	keys := must(jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{}))
	c := newSessions(t)
	c.Access = refresh.JWT(must(jwt.NewIssuer(jwt.IssuerConfig{Issuer: issuer, Audience: []string{api}, Keys: keys})))
	s := sessions{issuer: must(refresh.New(c))}
	s.endpoints = must(s.issuer.Endpoints(e))
	verifier := must(jwt.NewVerifier(jwt.Config{
		Issuer: issuer, Keys: keys, Audience: []string{api}, Algorithms: []jwt.Algorithm{jwt.EdDSA}, Revoker: s.issuer,
	}))
	s.api = guard(t, must(jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: verifier})))
	return s
}

func (s *sessions) start(t *testing.T) refresh.Tokens {
	t.Helper()
	return must(s.issuer.Issue(t.Context(), refresh.Login{Subject: "johndoe"}))
}

// login is a handler for a form of one's own, which needs no grant_type.
func (s *sessions) login(t *testing.T) http.HandlerFunc {
	people := newPeople(t, map[string]string{"johndoe": "secret"})
	return func(w http.ResponseWriter, r *http.Request) {
		addr, err := auth.PeerAddr(r)
		check(err)
		p, err := people.Verify(r.Context(), r.PostFormValue("username"), r.PostFormValue("password"), addr)
		if err != nil {
			middleware.Refuse(w, r, err)
			return
		}
		s.endpoints.Answer(w, must(s.issuer.Issue(r.Context(), refresh.Login{Subject: p.Subject()})))
	}
}

var askedRows = []row{
	{"Refresh tokens rotate", func(t *testing.T) {
		s := newLogin(t, refresh.EndpointsConfig{})
		h := http.HandlerFunc(s.endpoints.Refresh)
		first := s.start(t).RefreshToken
		again := func(token string) *http.Request {
			return post("/refresh", "grant_type", "refresh_token", "refresh_token", token)
		}
		second := wantTokens(t, h, again(first))
		wantText(t, wantOK(t, s.api, bearer(second.AccessToken)), "johndoe")
		third := wantTokens(t, h, again(second.RefreshToken))
		wantRefusal(t, h, again(first), 400, "invalid_grant") // somebody else has it too: the session ends
		wantRefusal(t, h, again(third.RefreshToken), 400, "invalid_grant")
	}},
	{"A logout acts at once", func(t *testing.T) {
		s := newLogin(t, refresh.EndpointsConfig{})
		got := s.start(t)
		wantOK(t, s.api, bearer(got.AccessToken))
		wantOK(t, http.HandlerFunc(s.endpoints.Logout), post("/logout", "token", got.RefreshToken))
		want(t, s.api, bearer(got.AccessToken), 401, invalidToken)
		got = s.start(t)
		must(s.issuer.RevokeSubject(t.Context(), "johndoe"))
		want(t, s.api, bearer(got.AccessToken), 401, invalidToken)
	}},
	{"A refresh token in a cookie is kept from other sites", func(t *testing.T) {
		s := newLogin(t, refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{}})
		w := authtest.Do(s.login(t), post("/login", "username", "johndoe", "password", "secret"))
		cookies := w.Cookies()
		if len(cookies) != 1 || !cookies[0].HttpOnly || !cookies[0].Secure || cookies[0].SameSite != http.SameSiteStrictMode {
			t.Fatalf("got cookies %v, want one that no script and no other site sees", cookies)
		}
		for site, status := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200} {
			r := authtest.Request("POST", "/refresh", "Cookie", cookies[0].Name+"="+cookies[0].Value, "Sec-Fetch-Site", site)
			want(t, http.HandlerFunc(s.endpoints.Refresh), r, status)
		}
	}},
	{"An access token in a cookie needs a check of the origin", func(t *testing.T) {
		issuer := authtest.NewIssuer(t, authtest.IssuerConfig{})
		a := must(jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: must(jwt.NewVerifier(issuer.Config(t))), Cookie: "token"}))
		h := http.NewCrossOriginProtection().Handler(guard(t, a))
		for site, status := range map[string]int{"cross-site": 403, "same-origin": 200} {
			want(t, h, authtest.Request("POST", "/", "Cookie", "token="+issuer.Token(t, "alice"), "Sec-Fetch-Site", site), status)
		}
	}},
	{"Roles and permissions decide", func(t *testing.T) {
		policy := must(rbac.Parse("policy.yaml", []byte("version: 1\npermissions: {invoice: [read, delete]}\nroles: {clerk: {allow: [\"invoice:read\"]}}\n"), rbac.Config{}))
		authorizer := must(rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: policy}))
		clerk := authtest.PrincipalWith(auth.PrincipalConfig{Subject: "ann", Roles: []string{"clerk"}, Scopes: auth.Unlimited()})
		for _, tt := range []struct {
			requirement auth.Requirement
			status      int
		}{
			{auth.Roles("clerk"), 200}, {auth.Roles("admin"), 403},
			{authorizer.Require("invoice:read"), 200}, {authorizer.Require("invoice:delete"), 403},
		} {
			resp := authtest.Do(guard(t, readers(), tt.requirement), authtest.As(get(), clerk))
			if resp.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
			}
		}
	}},
	{"A login form of your own has the fields that you want", func(t *testing.T) {
		s := newLogin(t, refresh.EndpointsConfig{})
		got := wantTokens(t, s.login(t), post("/login", "username", "johndoe", "password", "secret"))
		wantText(t, wantOK(t, s.api, bearer(got.AccessToken)), "johndoe")
		want(t, s.login(t), post("/login", "username", "johndoe", "password", "guess"), 401)
	}},
	{"Guesses at a password are limited", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		people := guard(t, newPeople(t, map[string]string{"john": "secret"}))
		for i := 1; ; i++ {
			form, header := authtest.Do(h, login("johndoe", "guess")), authtest.Do(people, withPassword("john", "guess"))
			if form.StatusCode == 429 && header.StatusCode == 429 && form.Header.Get("Retry-After") != "" && header.Header.Get("Retry-After") != "" {
				break
			}
			if i == 20 {
				t.Fatalf("got status %d and %d after %d guesses, want 429", form.StatusCode, header.StatusCode, i)
			}
		}
	}},
	{"A key belongs to a tenant", func(t *testing.T) {
		keys, a := newKeys(t, in(apikey.Header("X-API-Key")))
		issued := must(keys.Create(t.Context(), apikey.Request{Subject: "alice", Tenant: "acme"}))
		tenant := ""
		h := newGuard(t, a).HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			p, _ := auth.FromContext(r.Context())
			tenant = p.Tenant()
		})
		wantOK(t, h, get("X-API-Key", issued.Secret.Reveal()))
		wantText(t, tenant, "acme")
	}},
	{"A key is kept as a digest and has an end", func(t *testing.T) {
		now := time.Now()
		store := apikey.NewMemoryStore(apikey.MemoryConfig{})
		keys := must(apikey.New(apikey.Config{Prefix: "acme", Store: store, Clock: func() time.Time { return now }}))
		h := guard(t, must(keys.Authenticator(in(apikey.Header("X-API-Key")))))
		issued := must(keys.Create(t.Context(), apikey.Request{Subject: "alice", ExpiresAt: now.Add(time.Hour)}))
		key := issued.Secret.Reveal()
		kept := string(must(json.Marshal(must(store.Find(t.Context(), issued.Record.ID)))))
		if secret := key[strings.LastIndex(key, "_")+1:]; !strings.Contains(kept, issued.Record.ID) || strings.Contains(kept, secret[:16]) {
			t.Errorf("got %s kept of the key %s", kept, key)
		}
		wantOK(t, h, get("X-API-Key", key))
		if left := must(keys.Create(t.Context(), apikey.Request{Subject: "alice"})).Record.ExpiresAt.Sub(now).Round(time.Hour); left != 90*24*time.Hour {
			t.Errorf("got a key for %v where none is said, want 90 days", left)
		}
		now = now.Add(2 * time.Hour)
		want(t, h, get("X-API-Key", key), 401, keyChallenge)
	}},
	{"Tests run without the provider", func(t *testing.T) {
		issuer, a := provider(t, nil)
		h := guard(t, a)
		wantText(t, wantOK(t, h, bearer(issuer.Token(t, "alice"))), "alice")
		_, unknown := provider(t, nil)
		want(t, guard(t, unknown), bearer(issuer.Token(t, "alice")), 401, invalidToken)
		other, b := provider(t, nil)
		other.SetDown(true)
		want(t, guard(t, b), bearer(other.Token(t, "alice")), 503)
	}},
	{"People log in with a provider", func(t *testing.T) {
		p := authtest.NewProvider(t, authtest.ProviderConfig{Issuer: authtest.IssuerConfig{Algorithm: jwt.EdDSA}})
		login := must(client.NewLogin(client.LoginConfig{
			Issuer: p.URL, ClientID: p.ClientID, RedirectURL: p.RedirectURL(), Algorithms: []jwt.Algorithm{jwt.EdDSA},
			Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")},
			Done: func(w http.ResponseWriter, _ *http.Request, who *client.Identity) {
				_, _ = io.WriteString(w, who.Claims.Subject())
			},
		}))
		t.Cleanup(func() { _ = login.Close() })
		mux := http.NewServeMux()
		mux.HandleFunc("GET /login", login.Start)
		mux.HandleFunc("GET /login/callback", login.Callback)
		p.LogIn("johndoe")
		wantText(t, string(must(io.ReadAll(p.Visit(mux, "https://app.example/login", nil).Body))), "johndoe")
		want(t, mux, authtest.Request("GET", "/login/callback?code=guess&state=guessedstate"), 401)
	}},
	{"Stores on a database", func(t *testing.T) { // what the kits say of a store that keeps the contract; the database's are its module's
		kit := authtest.APIKeyStoreKit{New: func() (apikey.Store, error) { return apikey.NewMemoryStore(apikey.MemoryConfig{}), nil }}
		if err := authtest.CheckAPIKeyStore(kit); err != nil {
			t.Error(err)
		}
	}},
}
