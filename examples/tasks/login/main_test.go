package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/cardea-go/auth/authtest"
)

const annsPassword = "correct horse battery"

// pair is the answer of /login and /refresh.
type pair struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int    `json:"expires_in"`
}

func readPair(t *testing.T, resp *http.Response) pair {
	t.Helper()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("got %s, want tokens", resp.Status)
	}
	var p pair
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

func login(t *testing.T, handler http.Handler) pair {
	t.Helper()
	r := authtest.Request(http.MethodPost, "/login")
	r.SetBasicAuth("ann", annsPassword)
	return readPair(t, authtest.Do(handler, r))
}

func postForm(handler http.Handler, target string, form url.Values) *http.Response {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return authtest.Do(handler, r)
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

func getMe(handler http.Handler, fields ...string) *http.Response {
	return authtest.Do(handler, authtest.Request(http.MethodGet, "/me", fields...))
}

func TestLogin(t *testing.T) {
	handler := newHandler(t.Context(), annsPassword)
	for _, tc := range []struct {
		name, user, password string
		want                 int
	}{
		{"name and password log in", "ann", annsPassword, http.StatusOK},
		{"a wrong password is refused", "ann", "wrong", http.StatusUnauthorized},
		{"an unknown name is refused", "bob", annsPassword, http.StatusUnauthorized},
		{"nothing at all is refused", "", "", http.StatusUnauthorized},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := authtest.Request(http.MethodPost, "/login")
			if tc.user != "" {
				r.SetBasicAuth(tc.user, tc.password)
			}
			resp := authtest.Do(handler, r)
			if resp.StatusCode != tc.want {
				t.Errorf("got %s, want %d", resp.Status, tc.want)
			}
			if tc.want == http.StatusUnauthorized {
				authtest.AssertChallenge(t, resp, "Basic", "realm", "me")
			}
		})
	}
}

func TestMe(t *testing.T) {
	handler := newHandler(t.Context(), annsPassword)
	tokens := login(t, handler)
	if tokens.ExpiresIn <= 0 || tokens.ExpiresIn > 15*60 {
		t.Errorf("the access token lives for %d s, want a short life", tokens.ExpiresIn)
	}
	basic := authtest.Request(http.MethodGet, "/")
	basic.SetBasicAuth("ann", annsPassword)

	for _, tc := range []struct {
		name, authorization string
		want                int
	}{
		{"the access token is accepted", "Bearer " + tokens.AccessToken, http.StatusOK},
		{"no token is refused", "", http.StatusUnauthorized},
		{"a changed access token is refused", "Bearer " + tokens.AccessToken + "x", http.StatusUnauthorized},
		{"the refresh token is no access token", "Bearer " + tokens.RefreshToken, http.StatusUnauthorized},
		{"another issuer's token is refused", "Bearer " + authtest.NewIssuer(t, authtest.IssuerConfig{}).Token(t, "ann"), http.StatusUnauthorized},
		{"the password is for the login only", basic.Header.Get("Authorization"), http.StatusUnauthorized},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var fields []string
			if tc.authorization != "" {
				fields = []string{"Authorization", tc.authorization}
			}
			resp := getMe(handler, fields...)
			if resp.StatusCode != tc.want {
				t.Errorf("got %s, want %d", resp.Status, tc.want)
			}
		})
	}
}

func TestRefresh(t *testing.T) {
	handler := newHandler(t.Context(), annsPassword)
	first := login(t, handler)
	for _, tc := range []struct {
		name string
		form url.Values
		want int
	}{
		{"the refresh token gives new tokens", refreshForm(first.RefreshToken), http.StatusOK},
		{"no token is refused", url.Values{"grant_type": {"refresh_token"}}, http.StatusBadRequest},
		{"a token without a grant type is refused", url.Values{"refresh_token": {first.RefreshToken}}, http.StatusBadRequest},
		{"a changed token is refused", refreshForm(first.RefreshToken + "x"), http.StatusBadRequest},
		{"an access token is no refresh token", refreshForm(first.AccessToken), http.StatusBadRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp := postForm(handler, "/refresh", tc.form)
			if resp.StatusCode != tc.want {
				t.Fatalf("got %s, want %d", resp.Status, tc.want)
			}
			if tc.want != http.StatusOK {
				return
			}
			second := readPair(t, resp)
			if second.RefreshToken == first.RefreshToken {
				t.Error("the refresh token was not rotated")
			}
			if got := getMe(handler, "Authorization", "Bearer "+second.AccessToken); got.StatusCode != http.StatusOK {
				t.Errorf("the new access token: got %s, want 200", got.Status)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	handler := newHandler(t.Context(), annsPassword)
	ended, other := login(t, handler), login(t, handler)

	if resp := postForm(handler, "/logout", url.Values{"token": {ended.AccessToken}}); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a logout with the access token: got %s, want 400", resp.Status)
	}
	if resp := postForm(handler, "/logout", url.Values{"token": {ended.RefreshToken}}); resp.StatusCode != http.StatusOK {
		t.Fatalf("a logout with the refresh token: got %s, want 200", resp.Status)
	}
	for _, tc := range []struct {
		name string
		resp *http.Response
		want int
	}{
		{"the access token stops", getMe(handler, "Authorization", "Bearer "+ended.AccessToken), http.StatusUnauthorized},
		{"the refresh token stops", postForm(handler, "/refresh", refreshForm(ended.RefreshToken)), http.StatusBadRequest},
		{"another session goes on", getMe(handler, "Authorization", "Bearer "+other.AccessToken), http.StatusOK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.resp.StatusCode != tc.want {
				t.Errorf("got %s, want %d", tc.resp.Status, tc.want)
			}
		})
	}
}
