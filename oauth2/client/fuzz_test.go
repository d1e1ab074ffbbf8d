package client

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
)

// FuzzReturnPath: what is accepted is on this site, for a browser too, which drops tabs and line ends and takes a backslash
// for a slash (WHATWG URL §4.4).
func FuzzReturnPath(f *testing.F) {
	for _, s := range []string{"/", "/notes?a=b#c", "//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "", "/%2F/evil.example", "/..//evil.example", "/é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, ok := returnPath([]string{text})
		if !ok {
			return
		}
		asBrowser := strings.NewReplacer("\t", "", "\n", "", "\r", "", "\\", "/").Replace(strings.TrimSpace(path))
		if path != text || asBrowser != path || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
			t.Fatalf("accepted %q as %q", text, path)
		}
		u, err := url.Parse("https://app.example/login")
		if err != nil {
			t.Fatal(err)
		}
		to, err := u.Parse(path)
		if err != nil || to.Host != "app.example" || to.Scheme != "https" {
			t.Fatalf("%q leads to %v, %v", path, to, err)
		}
	})
}

// FuzzReadTokens: what is accepted has a token of the type Bearer, never scopes without a limit, and an end that is a time.
func FuzzReadTokens(f *testing.F) {
	for _, s := range []string{
		`{"access_token":"a","token_type":"Bearer","expires_in":3600,"scope":"a b","refresh_token":"r","id_token":"i"}`,
		`{"access_token":"a","token_type":"bearer","expires_in":"3600"}`, `{"access_token":"a","token_type":"mac"}`, `{}`, `[]`, ``,
		`{"access_token":"a","ACCESS_TOKEN":"b","token_type":"Bearer"}`, `{"access_token":"a","token_type":"Bearer","expires_in":1e3}`,
		`{"access_token":"a","token_type":"Bearer","expires_in":-9223372036854775808}`, `{"access_token":"a","token_type":"Bearer","expires_in":-5}`,
		`{"token_type":"Bearer","access_token":"a"}{}`,
	} {
		f.Add(s)
	}
	asked := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body string) {
		tokens, err := readTokens(body, auth.MustScopeSet("a"), asked)
		if err != nil {
			return
		}
		var want struct {
			AccessToken string `json:"access_token"`
			TokenType   string `json:"token_type"`
		}
		if !json.Valid([]byte(body)) {
			t.Fatal("accepted what is no JSON")
		}
		_ = json.Unmarshal([]byte(body), &want) // other members may be of any type
		if tokens.AccessToken == "" || tokens.AccessToken != want.AccessToken || !strings.EqualFold(want.TokenType, "bearer") {
			t.Fatalf("got another token than encoding/json, or type %q", want.TokenType)
		}
		if tokens.Scopes.IsUnlimited() || !tokens.ExpiresAt.IsZero() && (tokens.ExpiresAt.Before(asked) || tokens.ExpiresAt.After(asked.AddDate(11, 0, 0))) {
			t.Fatalf("got scopes %v until %v", tokens.Scopes, tokens.ExpiresAt)
		}
	})
}

// FuzzMetadata: what is accepted is the issuer's own, with endpoints that secrets may be sent to.
func FuzzMetadata(f *testing.F) {
	for _, s := range []string{
		`{"issuer":"https://as.example","token_endpoint":"https://as.example/token","authorization_endpoint":"https://as.example/authorize","code_challenge_methods_supported":["S256"]}`,
		`{"issuer":"https://as.example","token_endpoint":"http://127.0.0.1/token"}`, `{"issuer":"https://as.example","token_endpoint":"javascript:alert(1)"}`,
		`{"issuer":"https://as.example","token_endpoint":"https://a:b@as.example/"}`, `{}`, `null`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		m, err := readMetadata(body, "https://as.example")
		if err != nil {
			return
		}
		endpoints := []string{m.token}
		if m.authorization != "" {
			endpoints = append(endpoints, m.authorization)
		}
		for _, address := range endpoints {
			u, err := url.Parse(address)
			if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
				t.Fatalf("accepted the endpoint %q", address)
			}
		}
	})
}
