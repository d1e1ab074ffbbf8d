package main

import (
	"net/http"
	"testing"

	"github.com/cardea-go/auth/authtest"
)

func TestNotes(t *testing.T) {
	issuer := authtest.NewIssuer(t, authtest.IssuerConfig{Audience: api})
	handler := newHandler(issuer.Config(t))
	read := authtest.WithScope("notes:read")

	for _, tc := range []struct {
		name, authorization string
		want                int
	}{
		{"a token with the scope may read", "Bearer " + issuer.Token(t, "ann", read), http.StatusOK},
		{"the scope may be one of several", "Bearer " + issuer.Token(t, "ann", authtest.WithScope("notes:write notes:read")), http.StatusOK},
		{"a token without scopes may not read", "Bearer " + issuer.Token(t, "ann", authtest.WithClaim("scope", nil)), http.StatusForbidden},
		{"another scope is not enough", "Bearer " + issuer.Token(t, "ann", authtest.WithScope("notes:write")), http.StatusForbidden},
		{"no token is refused", "", http.StatusUnauthorized},
		{"what is no token is refused", "Bearer wrong", http.StatusUnauthorized},
		{"an expired token is refused", "Bearer " + issuer.Token(t, "ann", read, authtest.Expired()), http.StatusUnauthorized},
		{"a token that is not valid yet is refused", "Bearer " + issuer.Token(t, "ann", read, authtest.NotYetValid()), http.StatusUnauthorized},
		{"a forged token is refused", "Bearer " + issuer.Token(t, "ann", read, authtest.Forged()), http.StatusUnauthorized},
		{"a token of an unknown key is refused", "Bearer " + issuer.Token(t, "ann", read, authtest.UnknownKey()), http.StatusUnauthorized},
		{"a token for another API is refused", "Bearer " + issuer.Token(t, "ann", read, authtest.WrongAudience()), http.StatusUnauthorized},
		{"a token of another issuer is refused", "Bearer " + issuer.Token(t, "ann", read, authtest.WrongIssuer()), http.StatusUnauthorized},
		{"a token that is no access token is refused", "Bearer " + issuer.Token(t, "ann", read, authtest.WithHeader("typ", "JWT")), http.StatusUnauthorized},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var fields []string
			if tc.authorization != "" {
				fields = []string{"Authorization", tc.authorization}
			}
			resp := authtest.Do(handler, authtest.Request(http.MethodGet, "/notes", fields...))
			if resp.StatusCode != tc.want {
				t.Errorf("got %s, want %d", resp.Status, tc.want)
			}
			if tc.want == http.StatusForbidden {
				authtest.AssertChallenge(t, resp, "Bearer", "error", "insufficient_scope", "scope", "notes:read")
			}
		})
	}
}

func TestIssuerIsDown(t *testing.T) {
	issuer := authtest.NewIssuer(t, authtest.IssuerConfig{Audience: api})
	handler := newHandler(issuer.Config(t))
	issuer.SetDown(true)

	token := issuer.Token(t, "ann", authtest.WithScope("notes:read"))
	resp := authtest.Do(handler, authtest.Request(http.MethodGet, "/notes", "Authorization", "Bearer "+token))
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %s, want 503", resp.Status)
	}
}
