package oauth2_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/oauth2"
)

func TestAnswersThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer object
		want   error
	}{
		{"not active", object{"active": false, "sub": "alice"}, oauth2.ErrInactive},
		{"another issuer", active(object{"iss": "https://evil.example"}), oauth2.ErrIssuer},
		{"no audience", active(object{"aud": nil}), oauth2.ErrAudience},
		{"no subject", active(object{"sub": nil}), oauth2.ErrNoSubject},
		{"an empty subject", active(object{"sub": ""}), oauth2.ErrNoSubject},
		{"expired beyond the skew of clocks, whatever active says", active(object{"exp": testTime.Add(-30 * time.Second).Unix()}), oauth2.ErrExpired},
		{"of the future beyond the skew of clocks", active(object{"nbf": testTime.Add(31 * time.Second).Unix()}), oauth2.ErrNotYetValid},
		{"a refresh token, as Ory says it", active(object{"token_use": "refresh_token"}), oauth2.ErrTokenType},
		{"a refresh token, as Keycloak says it", active(object{"typ": "Refresh"}), oauth2.ErrTokenType},
		{"an offline token of Keycloak", active(object{"typ": "Offline"}), oauth2.ErrTokenType},
		{"an ID token", active(object{"typ": "ID"}), oauth2.ErrTokenType},
		{"a type that is none of an access token", active(object{"token_type": "refresh_token"}), oauth2.ErrTokenType},
	} {
		t.Run(tt.name, func(t *testing.T) {
			as, i := introspection(t, nil)
			as.Set("t", tt.answer)
			token, err := i.Verify(t.Context(), "t")
			if token != nil || !errors.Is(err, tt.want) || auth.KindOf(err) != auth.KindInvalid {
				t.Errorf("got %v and %v, want %v", token, err, tt.want)
			}
			wantRefusal(t, handler(t, newAuthenticator(t, i, nil)), bearer("t"), 401, "Bearer", "error", "invalid_token")
		})
	}
}

func TestAnswersThatAreAccepted(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer object
		change func(*oauth2.IntrospectorConfig)
	}{
		{"the plain case", active(nil), nil},
		{"its issuer named", active(object{"iss": testIssuer}), nil},
		{"without times, type and id", active(object{"exp": nil, "iat": nil, "token_type": nil, "jti": nil}), nil},
		{"expired within the skew of clocks", active(object{"exp": testTime.Add(-29 * time.Second).Unix()}), nil},
		{"type in another case", active(object{"token_type": "bearer"}), nil},
		{"an access token, as Ory says it", active(object{"token_use": "access_token"}), nil},
		{"members that nobody knows, and null", active(object{"x": object{"y": 1}, "username": nil, "nbf": nil}), nil},
		{"scopes as an array", active(object{"scope": []string{"notes:read", "notes:write"}}), nil},
		{"a login with a time and a class", active(object{"auth_time": testTime.Unix(), "acr": "mfa"}), nil},
		{"dates with a fraction", active(object{"exp": float64(testTime.Add(time.Hour).Unix()) + 0.5}), nil},
		{"any audience where that is said", active(object{"aud": nil}), func(c *oauth2.IntrospectorConfig) { c.Audience, c.InsecureAnyAudience = nil, true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			as, i := introspection(t, tt.change)
			as.Set("t", tt.answer)
			token, err := i.Verify(t.Context(), "t")
			if err != nil {
				t.Fatal(err, errors.Unwrap(err))
			}
			if token.Issuer != testIssuer || token.Subject != "alice" || token.ClientID != "app" || token.Scopes.String() != "notes:read notes:write" {
				t.Errorf("got %+v", *token)
			}
			var members struct {
				Subject string `json:"sub"`
			}
			if answer, ok := token.Data.(*oauth2.Introspection); !ok || answer.Into(&members) != nil || members.Subject != "alice" || !strings.Contains(string(answer.Raw()), `"alice"`) {
				t.Errorf("got data %v", token.Data)
			}
		})
	}
	as, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.ClientAsSubject = true })
	as.Set("t", active(object{"sub": nil}))
	if token, err := i.Verify(t.Context(), "t"); err != nil || token.Subject != "app" {
		t.Errorf("got %v and %v, want the client as the subject where that is said", token, err)
	}
}

func TestBoundOpaqueTokens(t *testing.T) {
	key := authtest.NewDPoPKey(testClock)
	as, i := introspection(t, nil)
	as.Set("bound", active(object{"token_type": "DPoP", "cnf": object{"jkt": key.Thumbprint()}}))
	as.Set("lost", active(object{"token_type": "DPoP"}))
	as.Set("strange", active(object{"cnf": object{"kid": "k"}}))
	mine := newCertificate(t)
	as.Set("certified", active(object{"cnf": object{"x5t#S256": oauth2.CertificateThumbprint(mine.Raw)}}))
	h := handler(t, newAuthenticator(t, i, func(c *oauth2.AuthenticatorConfig) {
		withDPoP(newDPoP(nil))(c)
		c.Certificate = oauth2.PeerCertificate
	}))
	wantOK(t, h, over(bearer("certified"), mine))
	wantRefusal(t, h, over(bearer("certified"), newCertificate(t)), 401, "Bearer", "error", "invalid_token")
	wantOK(t, h, key.Request("GET", testURL, "bound", ""))
	wantRefusal(t, h, bearer("bound"), 401, "DPoP", "error", "invalid_token")
	wantRefusal(t, h, key.Request("GET", testURL, "lost", ""), 401, "DPoP", "error", "invalid_token")
	wantRefusal(t, h, bearer("lost"), 401, "Bearer", "error", "invalid_token")
	wantRefusal(t, h, bearer("strange"), 401, "Bearer", "error", "invalid_token")
}

func TestIntrospectionPrintsNothing(t *testing.T) {
	as, i := introspection(t, nil)
	as.Set("t", active(nil))
	token := must(i.Verify(t.Context(), "t"))
	if text := fmt.Sprintf("%v %+v %#v", token.Data, token.Data, token.Data); strings.Contains(text, "alice") {
		t.Errorf("got %s", text)
	}
}

func FuzzIntrospectionAnswer(f *testing.F) {
	f.Add(`{"active":true,"sub":"alice","aud":"https://api.example/notes","exp":1795435200,"cnf":{"jkt":"x"}}`)
	f.Add(`{"active":false}`)
	f.Add(`{"active":true,"active":false}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, body string) {
		as, i := introspection(t, nil)
		as.Before = answerWith(200, "application/json", body)
		token, err := i.Verify(t.Context(), "t")
		if (token == nil) == (err == nil) {
			t.Fatal("neither or both of a token and an error")
		}
		if err != nil {
			return
		}
		var m struct {
			Active  bool   `json:"active"`
			Subject string `json:"sub"`
		}
		if json.Unmarshal([]byte(body), &m) != nil || !m.Active || m.Subject != token.Subject {
			t.Fatalf("accepted %q as %q", body, token.Subject)
		}
	})
}
