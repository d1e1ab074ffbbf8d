package dpop_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cardea-go/auth/oauth2/dpop"
)

// What holds a secret shows it under no verb, and in no log.
func TestSecretsDoNotPrint(t *testing.T) {
	secret := "a secret that makes our nonces.."
	for name, value := range map[string]any{
		"NoncesConfig": dpop.NoncesConfig{Keys: [][]byte{[]byte(secret)}},
		"Request":      dpop.Request{Method: "GET", URL: "https://api.example.com", AccessToken: secret},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
				_, _ = fmt.Fprintf(&out, verb+"\n", value)
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("", "value", value)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("", "value", value)
			for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), fmt.Sprintf("%d", []byte(secret))} {
				if strings.Contains(strings.ToLower(out.String()), form) {
					t.Errorf("got %q in what is printed or logged", form)
				}
			}
		})
	}
}
