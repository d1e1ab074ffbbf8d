package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/client"
)

// TestLogin goes to a provider and back, as a browser does, and on with the session.
func TestLogin(t *testing.T) {
	provider := authtest.NewProvider(t, authtest.ProviderConfig{
		ClientID: "app", ClientSecret: "secret", RedirectURL: base + "/login/callback", Issuer: authtest.IssuerConfig{Algorithm: jwt.EdDSA},
	})
	s, err := newService(t.Context(), client.LoginConfig{
		Issuer: provider.URL, ClientID: "app", Client: oauth2.ClientSecretBasic("app", "secret"), Algorithms: []jwt.Algorithm{jwt.EdDSA},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.login.Close() })

	provider.LogIn("248289761001")
	jar := map[string]string{}
	if resp := provider.Visit(s.handler, base+"/login?return_to=/", jar); resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" {
		t.Fatalf("got status %d to %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	if len(jar) != 1 || jar["__Host-refresh"] == "" {
		t.Fatalf("got cookies %v, want the session's alone", jar)
	}
	token := refreshed(t, s.handler, jar)
	if got := me(t, s.handler, token, http.StatusOK); got != "you are user-1" {
		t.Errorf("got %q", got)
	}

	t.Run("the same account is the same user, another is another", func(t *testing.T) {
		for subject, want := range map[string]string{"248289761001": "you are user-1", "somebody else": "you are user-2"} {
			provider.LogIn(subject)
			jar := map[string]string{}
			provider.Visit(s.handler, base+"/login", jar)
			if got := me(t, s.handler, refreshed(t, s.handler, jar), http.StatusOK); got != want {
				t.Errorf("%s: got %q, want %q", subject, got, want)
			}
		}
	})
	t.Run("who says no at the provider has no session", func(t *testing.T) {
		provider.Answer(map[string]string{"code": "", "error": "access_denied"})
		defer provider.Answer(nil)
		jar := map[string]string{}
		if resp := provider.Visit(s.handler, base+"/login", jar); resp.StatusCode != http.StatusForbidden || len(jar) > 0 {
			t.Errorf("got status %d, cookies %v", resp.StatusCode, jar)
		}
	})
	t.Run("a callback that nobody asked for starts nothing", func(t *testing.T) {
		resp := authtest.Do(s.handler, authtest.Request("GET", base+"/login/callback?code=x&state="+strings.Repeat("x", 43)))
		if resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) > 0 {
			t.Errorf("got status %d, cookies %v", resp.StatusCode, resp.Cookies())
		}
	})
	t.Run("a logout ends the session", func(t *testing.T) {
		resp := post(s.handler, "/session/logout", jar)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("got status %d", resp.StatusCode)
		}
		me(t, s.handler, token, http.StatusUnauthorized)
	})
	t.Run("the page is there", func(t *testing.T) {
		for _, path := range []string{"/", "/page.js"} {
			if resp := authtest.Do(s.handler, authtest.Request("GET", base+path)); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: got status %d", path, resp.StatusCode)
			}
		}
	})
}

func post(h http.Handler, path string, jar map[string]string) *http.Response {
	r := authtest.Request("POST", base+path, "Sec-Fetch-Site", "same-origin")
	for name, value := range jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return authtest.Do(h, r)
}

func refreshed(t *testing.T, h http.Handler, jar map[string]string) string {
	t.Helper()
	resp := post(h, "/session/refresh", jar)
	body, err := io.ReadAll(resp.Body)
	_, rest, _ := strings.Cut(string(body), `"access_token":"`)
	token, _, ok := strings.Cut(rest, `"`)
	if err != nil || resp.StatusCode != http.StatusOK || !ok {
		t.Fatalf("refresh: got status %d, error %v", resp.StatusCode, err)
	}
	return token
}

func me(t *testing.T, h http.Handler, token string, status int) string {
	t.Helper()
	resp := authtest.Do(h, authtest.Request("GET", base+"/api/me", "Authorization", "Bearer "+token))
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Errorf("me: got status %d, error %v, want %d", resp.StatusCode, err, status)
	}
	return string(body)
}
