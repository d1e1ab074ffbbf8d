package jwt

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
)

func TestTheHeaderCacheIsBounded(t *testing.T) {
	var c headerCache
	for i := range 2 * maxCachedHeaders {
		c.add(fmt.Sprint(i), &jose.Header{})
	}
	if n := len(*c.m.Load()); n != maxCachedHeaders {
		t.Errorf("got %d headers kept, want %d", n, maxCachedHeaders)
	}
	if c.find("0") == nil || c.find(fmt.Sprint(maxCachedHeaders)) != nil {
		t.Error("the first headers are not the ones that are kept")
	}
}

// Whoever found a key missing in a snapshot that has been replaced meanwhile looks again instead of fetching again.
func TestARemoteDoesNotFetchForAnOldSnapshot(t *testing.T) {
	r, err := NewRemote(RemoteConfig{URL: "https://issuer.invalid/keys"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	old := &snapshot{}
	r.snapshot.Store(&snapshot{})
	if f, err := r.start(time.Now(), old); f != nil || err != nil {
		t.Errorf("got a fetch or %v, want neither", err)
	}
}

func TestRefuseOfAnUnknownErrorIsUnavailable(t *testing.T) {
	if e := refuse(errors.New("not one of ours")); e.Kind != auth.KindUnavailable {
		t.Errorf("got kind %v, want unavailable", e.Kind)
	}
	if Profile(9).takes("JWT") {
		t.Error("an unknown profile takes a token")
	}
}

func TestPKCS8OfOtherKeys(t *testing.T) {
	if _, err := encodePKCS8(opaque{}); err == nil {
		t.Error("a key that is not in memory was encoded")
	}
	for _, der := range [][]byte{nil, x25519PKCS8} {
		if _, err := decodePKCS8(t.Context(), der); err == nil {
			t.Errorf("%x was decoded as a key that signs", der)
		}
	}
}

type opaque struct{ ed25519.PrivateKey }

// x25519PKCS8 is the key of RFC 8410 §10.3 with the algorithm of X25519, which does not sign.
var x25519PKCS8 = append([]byte{
	0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
}, make([]byte, 32)...)
