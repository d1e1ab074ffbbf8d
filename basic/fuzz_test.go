package basic_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
)

// FuzzAuthorization: whatever the header is, the one right credential is the only one that is accepted, in any case of
// the scheme's name, and what is refused is refused by the rules of the contract.
func FuzzAuthorization(f *testing.F) {
	good := credentials("anna", "secret")
	for _, s := range []string{good, "basic " + good[6:], "Basic", "Basic ", "Basic  x", "Basic dTpwMR==", "Bearer x", "", "Basic " + strings.Repeat("A", 1<<12), encode(":"), encode("anna:\x00"), encode("a:b:c"), encode("\xff:x"), encode("u\u0308:x")} {
		f.Add(s)
	}
	fix := newFixture(f, nil)
	f.Fuzz(func(t *testing.T, header string) {
		fix.store.asked = nil
		p, err := fix.Authenticate(request(header))
		accepted := len(header) == len(good) && strings.EqualFold(header[:6], good[:6]) && header[6:] == good[6:]
		if (err == nil) != (p != nil) {
			t.Fatalf("%q: got %v and %v", header, p, err)
		}
		if err == nil && p.Subject() == "anna" && !accepted {
			t.Fatalf("%q: accepted", header)
		}
		if accepted && err != nil {
			t.Fatalf("%q: got %v", header, err)
		}
		if err != nil && !errors.Is(err, auth.ErrNoCredential) && !errors.Is(err, auth.ErrUnrecognized) && auth.KindOf(err) != auth.KindInvalid {
			t.Fatalf("%q: got %v", header, err)
		}
		for _, name := range fix.store.asked {
			if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == ':' || r >= 0x7f && r <= 0x9f }) {
				t.Fatalf("%q: the store was asked for %q", header, name)
			}
		}
	})
}
