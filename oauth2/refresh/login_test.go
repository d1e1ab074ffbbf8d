package refresh_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// whoever is a principal that logged in at a time, before the test begins or after.
func (w *world) whoever(change func(*auth.PrincipalConfig)) *auth.Principal {
	w.t.Helper()
	c := auth.PrincipalConfig{Subject: "alice", Scopes: auth.Unlimited(), AuthenticatedAt: w.clock.now(), ACR: "pwd"}
	if change != nil {
		change(&c)
	}
	return authtest.PrincipalWith(c)
}

// as makes the request one of whoever a guard has proved.
func as(p *auth.Principal) func(*http.Request) {
	return func(r *http.Request) {
		if p != nil {
			*r = *authtest.As(r, p)
		}
	}
}

func TestLoginStartsASession(t *testing.T) {
	w := newWorld(t, nil)
	e := w.endpoints(refresh.EndpointsConfig{Scopes: auth.MustScopeSet("read", "write")})
	for _, tt := range []struct {
		name  string
		scope auth.ScopeSet
		want  any
	}{
		{"a login that nothing narrowed has all that sessions have", auth.Unlimited(), "read write"},
		{"one that is narrowed has what is left", auth.MustScopeSet("write", "admin"), "write"},
		{"one without scopes has none", auth.ScopeSet{}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := w.whoever(func(c *auth.PrincipalConfig) { c.Scopes = tt.scope })
			res, answer := call(t, e.Login, "", as(p), func(r *http.Request) { r.Header.Set("User-Agent", "curl/8") })
			if res.StatusCode != 200 || answer["scope"] != tt.want || answer["token_type"] != "Bearer" {
				t.Fatalf("got %d %v, want a session with scope %v", res.StatusCode, answer, tt.want)
			}
			token, _ := answer["refresh_token"].(string)
			s, err := w.issuer.Inspect(t.Context(), token)
			if err != nil || s.Subject != "alice" || s.Device != "curl/8" || s.Client != refresh.DefaultClient {
				t.Errorf("got %+v and error %v", s, err)
			}
		})
	}
}

func TestLoginRefusesWhatIsNoLogin(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*auth.PrincipalConfig)
		status int
		code   string
		reason auth.Reason
	}{
		{"a login of two minutes ago, as that of an access token is", func(c *auth.PrincipalConfig) { c.AuthenticatedAt = start.Add(-2 * time.Minute) }, 403, "access_denied", auth.ReasonTooOld},
		{"a key, whose subject did not log in at all", func(c *auth.PrincipalConfig) { c.AuthenticatedAt = time.Time{} }, 403, "access_denied", auth.ReasonTooOld},
		{"somebody of another issuer, who may have the name of one of ours", func(c *auth.PrincipalConfig) { c.Issuer = "https://other.example" }, 403, "access_denied", auth.ReasonNotAllowed},
		{"a subject that is too long to keep", func(c *auth.PrincipalConfig) { c.Subject = strings.Repeat("a", 256) }, 503, "temporarily_unavailable", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			res, answer := call(t, w.endpoints(refresh.EndpointsConfig{}).Login, "", as(w.whoever(tt.change)))
			if res.StatusCode != tt.status || answer["error"] != tt.code {
				t.Errorf("got %d %v, want %d %s", res.StatusCode, answer, tt.status, tt.code)
			}
			if last := w.events.last(); last.Reason != tt.reason || tt.reason != "" && (last.Outcome != auth.OutcomeRefused || last.Subject != "alice") {
				t.Errorf("got event %+v, want reason %q", last, tt.reason)
			}
			if w.store.create.Load() != 0 {
				t.Error("a session was stored")
			}
		})
	}
	t.Run("nobody, since there is no guard", func(t *testing.T) {
		w := newWorld(t, nil)
		res, _ := call(t, w.endpoints(refresh.EndpointsConfig{}).Login, "", as(nil))
		if res.StatusCode != 503 || w.events.last().Kind != auth.KindUnavailable {
			t.Errorf("got %d and event %+v, want 503", res.StatusCode, w.events.last())
		}
	})
	t.Run("another method", func(t *testing.T) {
		w := newWorld(t, nil)
		res, _ := call(t, w.endpoints(refresh.EndpointsConfig{}).Login, "", as(w.whoever(nil)), func(r *http.Request) { r.Method = http.MethodGet })
		if res.StatusCode != 405 || res.Header.Get("Allow") != "POST" || w.store.create.Load() != 0 {
			t.Errorf("got %d, want 405", res.StatusCode)
		}
	})
	t.Run("a store that is down", func(t *testing.T) {
		w := newWorld(t, nil)
		w.store.failBefore.Store(true)
		res, answer := call(t, w.endpoints(refresh.EndpointsConfig{}).Login, "", as(w.whoever(nil)))
		if res.StatusCode != 503 || answer["error"] != "temporarily_unavailable" {
			t.Errorf("got %d %v, want 503", res.StatusCode, answer)
		}
	})
}

func TestLoginWithACookie(t *testing.T) {
	w := newWorld(t, nil)
	e := w.endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{}})
	res, answer := call(t, e.Login, "", as(w.whoever(nil)), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") })
	if res.StatusCode != 403 || len(res.Cookies()) != 0 || w.store.create.Load() != 0 {
		t.Errorf("from another site: got %d %v, want 403", res.StatusCode, answer)
	}
	res, answer = call(t, e.Login, "", as(w.whoever(nil)), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") })
	if res.StatusCode != 200 || answer["refresh_token"] != nil || onlyCookie(t, res).Value == "" {
		t.Errorf("got %d %v, want the refresh token in the cookie", res.StatusCode, answer)
	}
}

func TestEndpointsScopesAreNamed(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := w.issuer.Endpoints(refresh.EndpointsConfig{Scopes: auth.Unlimited()}); err == nil || !strings.Contains(err.Error(), "name the scopes") {
		t.Errorf("got error %v, want one about Scopes", err)
	}
}

// TestAuthenticatorTakesTheSessionsTokens logs in, asks, and logs out.
func TestAuthenticatorTakesTheSessionsTokens(t *testing.T) {
	w, _ := jwtWorld(t)
	a, err := w.issuer.Authenticator(jwt.AuthenticatorConfig{Realm: "notes"})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := middleware.New(middleware.Config{Authenticator: a, Require: auth.Scopes("read")})
	if err != nil {
		t.Fatal(err)
	}
	me := guard.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	ask := func(token string) int {
		rec := httptest.NewRecorder()
		me.ServeHTTP(rec, authtest.Request("GET", "/me", "Authorization", "Bearer "+token))
		return rec.Code
	}
	e := w.endpoints(refresh.EndpointsConfig{Scopes: auth.MustScopeSet("read")})
	_, answer := call(t, e.Login, "", as(w.whoever(nil)))
	access, _ := answer["access_token"].(string)
	token, _ := answer["refresh_token"].(string)
	if got := ask(access); got != 204 {
		t.Errorf("got %d after the login, want 204", got)
	}
	// Its token is no login a minute later: nobody makes sessions of it.
	w.clock.add(2 * time.Minute)
	again := guard.HandlerFunc(e.Login)
	rec := httptest.NewRecorder()
	again.ServeHTTP(rec, authtest.Request("POST", "/login", "Authorization", "Bearer "+access))
	if rec.Code != 403 {
		t.Errorf("got %d for a login with a token, want 403", rec.Code)
	}
	if res, answer := call(t, e.Logout, "token="+token); res.StatusCode != 200 {
		t.Fatalf("got %d %v", res.StatusCode, answer)
	}
	if got := ask(access); got != 401 {
		t.Errorf("got %d after the logout, want 401", got)
	}
	if got := ask(w.sign(jwt.Grant{Subject: "alice", ClientID: "app", Audience: []string{"https://other.example"}})); got != 401 {
		t.Errorf("got %d for a token for others, want 401", got)
	}
	if got := ask(w.sign(jwt.Grant{Subject: "alice", ClientID: "app", Scopes: auth.MustScopeSet("read")})); got != 401 {
		t.Errorf("got %d for a token without a session, want 401", got)
	}
}

func TestAuthenticatorNamesItsMistakes(t *testing.T) {
	w, verifier := jwtWorld(t)
	texts := newWorld(t, nil)
	none := newWorld(t, func(c *refresh.Config) { c.Access = refresh.JWT(nil) })
	anywhere := newWorld(t, func(c *refresh.Config) {
		ring, err := jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{})
		if err != nil {
			t.Fatal(err)
		}
		issuer, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: "https://a.example", Keys: ring})
		if err != nil {
			t.Fatal(err)
		}
		c.Access = refresh.JWT(issuer)
	})
	ids := newWorld(t, func(c *refresh.Config) {
		ring, err := jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{})
		if err != nil {
			t.Fatal(err)
		}
		issuer, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: "https://a.example", Audience: []string{"app"}, Keys: ring, Profile: jwt.ProfileIDToken})
		if err != nil {
			t.Fatal(err)
		}
		c.Access = refresh.JWT(issuer)
	})
	for _, tt := range []struct {
		name string
		w    *world
		c    jwt.AuthenticatorConfig
		want string
	}{
		{"ID tokens", ids, jwt.AuthenticatorConfig{}, "makes ID tokens"},
		{"tokens that are no JWTs", texts, jwt.AuthenticatorConfig{}, "not those of refresh.JWT"},
		{"no issuer", none, jwt.AuthenticatorConfig{}, "not those of refresh.JWT"},
		{"tokens for nobody", anywhere, jwt.AuthenticatorConfig{}, "Audience is empty"},
		{"a verifier of one's own", w, jwt.AuthenticatorConfig{Verifier: verifier}, "leave AuthenticatorConfig.Verifier out"},
		{"two places", w, jwt.AuthenticatorConfig{Header: "X-Token", Cookie: "token"}, "at most one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a, err := tt.w.issuer.Authenticator(tt.c); a != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
