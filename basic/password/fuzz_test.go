package password_test

import (
	"testing"

	"github.com/cardea-go/auth/basic/password"
)

// FuzzStored: a stored hash that is accepted has a decoy that is accepted too, and neither is above its limits.
func FuzzStored(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Hash)
	}
	for _, s := range []string{"$argon2id$v=19$m=4294967295,t=1,p=1$c2FsdHNhbHQ$dGFndGFndGFndGFndGFn", "$wrap$md5$argon2id$", "$2x$", "$", "$$$$$", "$scrypt$ln=63,r=4294967295,p=1$$"} {
		f.Add(s)
	}
	h, err := password.New(password.Config{Params: cheap})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		if h.Valid(stored) != nil {
			return
		}
		if len(stored) > 512 {
			t.Fatalf("accepted %d bytes", len(stored))
		}
		mix := h.NewMix(func(yield func(string) bool) { yield(stored) })
		decoy := h.Decoy(mix, "x")
		if h.Valid(decoy) != nil || decoy == stored {
			t.Fatalf("%q has the decoy %q", stored, decoy)
		}
	})
}

// FuzzPrepare: preparing twice is preparing once, and what comes out has no control character.
func FuzzPrepare(f *testing.F) {
	for _, s := range []string{"a", "ü", "u\u0308", "\x00", "\u0085", "\xff", "\ufb01", "\u1100\u1161\u11a8"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := password.Prepare(s)
		if err != nil {
			if p != "" {
				t.Fatalf("%q: got %q with an error", s, p)
			}
			return
		}
		for _, r := range p {
			if r < ' ' || r >= 0x7f && r <= 0x9f {
				t.Fatalf("%q: control character in %q", s, p)
			}
		}
		if again, err := password.Prepare(p); err != nil || again != p {
			t.Fatalf("%q: got %q, then %q, %v", s, p, again, err)
		}
	})
}
