package client_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/client"
)

// TestNothingPrintsASecret prints and logs what an application has at hand.
func TestNothingPrintsASecret(t *testing.T) {
	login := client.LoginConfig{
		Issuer: "https://login.example", ClientID: "app", Client: oauth2.ClientSecretPost("app", "s3cret"), RedirectURL: redirectURL,
		Keys: [][]byte{[]byte("0123456789abcdef0123456789abcdef")},
		Done: func(http.ResponseWriter, *http.Request, *client.Identity) {},
	}
	credentials := client.CredentialsConfig{Issuer: "https://login.example", Client: login.Client, Params: map[string]string{"key": "s3cret"}}
	l, err := client.NewLogin(login)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c, err := client.NewCredentials(credentials)
	if err != nil {
		t.Fatal(err)
	}
	tokens := client.Tokens{AccessToken: "s3cret", RefreshToken: "s3cret", IDToken: "s3cret"}
	for _, value := range []any{login, l, credentials, c, tokens} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			if got := fmt.Sprintf(verb, value); got != "[redacted]" {
				t.Errorf("%T prints with %s as %q", value, verb, got)
			}
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("", "value", value)
		if bytes.Count(out.Bytes(), []byte("[redacted]")) != 2 || bytes.Contains(out.Bytes(), []byte("s3cret")) {
			t.Errorf("%T is logged as %s", value, out.String())
		}
	}
	for _, text := range []string{tokens.String(), tokens.GoString(), fmt.Sprint(&client.Identity{Tokens: tokens})} {
		wantSilent(t, text)
	}
}
