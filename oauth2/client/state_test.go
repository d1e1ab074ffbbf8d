package client

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func testSealer(t *testing.T) *sealer {
	t.Helper()
	s, err := newSealer([][]byte{bytes.Repeat([]byte{1}, attemptKey)}, "https://login.example", "app", "https://app.example/cb")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var sealedAttempt = attempt{State: "state", Nonce: "nonce", Verifier: "verifier", ReturnTo: "/notes\n?", Began: time.Unix(1795694400, 0)}

// TestACookieOfBefore opens one that was sealed by an earlier version of this package: logins under way outlive a deployment.
func TestACookieOfBefore(t *testing.T) {
	const cookie = "hJD1dwzUbRRJ09VMea5UcN31QmiNfDt6bOyWyUb0ExB3mMcUWiKi2CuBdVMZ-Wa7V8MgEY4ADqP3SrxYBnpdwKN4rvA"
	if a, ok := testSealer(t).open("__Host-login-state", cookie); !ok || a != sealedAttempt {
		t.Errorf("got %+v, %v", a, ok)
	}
}

func TestACookieIsOpenedInOneSpellingOnly(t *testing.T) {
	s := testSealer(t)
	for n := range 3 {
		a := sealedAttempt
		a.ReturnTo = strings.Repeat("x", n)
		value := s.seal("name", a)
		if got, ok := s.open("name", value); !ok || got != a {
			t.Fatalf("got %+v, %v", got, ok)
		}
		if len(value)%4 == 0 { // no bits are left over
			continue
		}
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, value[len(value)-1])
		if _, ok := s.open("name", value[:len(value)-1]+alphabet[last+1:last+2]); ok {
			t.Error("a cookie with other bits at its end was opened")
		}
	}
	a := sealedAttempt
	a.ReturnTo = "/" + strings.Repeat("x", maxCookie)
	if _, ok := s.open("name", s.seal("name", a)); ok {
		t.Error("a cookie that no browser keeps was opened")
	}
}
