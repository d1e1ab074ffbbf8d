package refresh_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cardea-go/auth/oauth2/refresh"
)

// What holds a secret shows it under no verb, and in no log.
func TestSecretsDoNotPrint(t *testing.T) {
	w := newWorld(t, nil)
	tokens := w.login(refresh.Login{})
	secret := "a secret of somebody's, 32 bytes"
	config := refresh.Config{Keys: [][]byte{[]byte(secret)}, Store: w.store, Access: access(w.clock)}
	issuer, err := refresh.New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{tokens.String(), tokens.GoString(), refresh.AccessToken{Token: secret}.String()} {
		if text != "[redacted]" {
			t.Errorf("got %q", text)
		}
	}
	for name, tt := range map[string]struct {
		value  any
		secret string
	}{
		"Config":      {config, secret},
		"Issuer":      {issuer, secret},
		"Request":     {refresh.Request{Token: tokens.RefreshToken, Client: "app"}, tokens.RefreshToken},
		"Tokens":      {tokens, tokens.RefreshToken},
		"AccessToken": {refresh.AccessToken{Token: secret}, secret},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T"} {
				_, _ = fmt.Fprintf(&out, verb+"\n", tt.value)
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("", "value", tt.value)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("", "value", tt.value)
			for _, form := range []string{
				tt.secret, hex.EncodeToString([]byte(tt.secret)), fmt.Sprintf("%d", []byte(tt.secret)),
			} {
				if strings.Contains(strings.ToLower(out.String()), strings.ToLower(form)) {
					t.Errorf("got %q in what is printed or logged", form)
				}
			}
		})
	}
}
