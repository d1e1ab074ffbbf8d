package vectors_test

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"testing"
)

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func parsePublic(t *testing.T, der string) crypto.PublicKey {
	t.Helper()
	k, err := x509.ParsePKIXPublicKey(decode(t, der))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
