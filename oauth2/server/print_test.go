package server_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cardea-go/auth/oauth2/server"
)

// What holds a secret shows it under no verb, and in no log.
func TestSecretsDoNotPrint(t *testing.T) {
	sealing, pepper := "sealing key of opaque tokens, 32 ", "a pepper of refresh tokens, 32 b"
	w := newWorld(t, func(c *server.Config) {
		c.Keys, c.OpaqueKeys, c.Sessions.Keys = nil, [][]byte{[]byte(sealing)[:32]}, [][]byte{[]byte(pepper)}
	})
	secret, _ := server.NewSecret()
	for name, value := range map[string]any{"Config": w.config, "Server": w.server, "Secret": secret} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
				_, _ = fmt.Fprintf(&out, verb+"\n", value)
			}
			slog.New(slog.NewTextHandler(&out, nil)).Info("", "value", value)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("", "value", value)
			for _, hidden := range []string{sealing[:32], pepper, secret.Reveal()} {
				for _, form := range []string{hidden, hex.EncodeToString([]byte(hidden)), fmt.Sprintf("%d", []byte(hidden))} {
					if strings.Contains(strings.ToLower(out.String()), strings.ToLower(form)) {
						t.Errorf("got %q in what is printed or logged", form)
					}
				}
			}
		})
	}
}
