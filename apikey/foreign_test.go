package apikey_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
)

// drf reads keys of the form PREFIX.SECRET, of which the whole is hashed with SHA-512.
func drf(key string) (id, hashed string, ok bool) {
	id, _, ok = strings.Cut(key, ".")
	return id, key, ok && len(key) == 41
}

// bare reads keys without an id.
func bare(key string) (id, hashed string, ok bool) {
	hashed, ok = strings.CutPrefix(key, "sk_")
	return "", hashed, ok
}

func formats(c *apikey.Config) {
	c.ForeignFormats = []apikey.ForeignFormat{
		{Name: "drf", Split: drf, Hash: crypto.SHA512},
		{Name: "bare", Split: bare, Hash: crypto.SHA256},
		{Name: "long", Split: func(key string) (string, string, bool) { return "", key, strings.HasPrefix(key, "lk_") }, Hash: crypto.SHA512},
	}
}

func TestImportedKeysGoOnWorkingAndAreUpgraded(t *testing.T) {
	const secret = "abcdefghijklmnopqrstuvwxyz012345"
	whole := sha512.Sum512([]byte("8charsID." + secret))
	part := sha256.Sum256([]byte(secret))
	long := sha512.Sum512([]byte("lk_" + secret))
	for _, row := range []struct {
		name, key, wrong string
		in               apikey.Import
	}{
		{"SHA-512 with an id", "8charsID." + secret, "8charsID." + strings.ToUpper(secret), apikey.Import{Format: "drf", ID: "8charsID", Digest: whole[:]}},
		{"SHA-256 without an id", "sk_" + secret, "sk_" + strings.ToUpper(secret), apikey.Import{Format: "bare", Digest: part[:]}},
		{"SHA-512 without an id", "lk_" + secret, "lk_" + strings.ToUpper(secret), apikey.Import{Format: "long", Digest: long[:]}},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := newService(t, setup{config: func(c *apikey.Config) {
				formats(c)
				c.Peppers, c.AllowPlainDigests = []apikey.Pepper{pepper("2026")}, true
			}})
			row.in.Request = apikey.Request{Subject: "alice", Scopes: auth.MustScopeSet("notes:read")}
			r, err := v.keys.Import(t.Context(), row.in)
			must(t, err)
			if _, err := v.keys.Import(t.Context(), row.in); !errors.Is(err, apikey.ErrExists) {
				t.Errorf("a second import: got %v, want ErrExists", err)
			}
			if a := v.send(row.wrong); a.status != 401 {
				t.Errorf("a wrong key: got %d", a.status)
			}
			if a := v.send(storedDigest(t, v.store.Store, r.ID)); a.status != 401 {
				t.Errorf("the stored digest as a key: got %d", a.status)
			}
			for range 2 {
				v.want(v.send(row.key), 200, "")
			}
			if d := storedDigest(t, v.store.Store, r.ID); !strings.HasPrefix(d, "h1$2026$") || v.store.updates.Load() != 1 {
				t.Errorf("got digest %q after %d updates", d, v.store.updates.Load())
			}
			v.want(v.send(row.wrong), 401, map[bool]auth.Reason{true: auth.ReasonMismatch, false: auth.ReasonUnknown}[row.in.ID != ""])
			next, err := v.keys.Rotate(t.Context(), r.ID, 0)
			must(t, err)
			v.want(v.send(next.Secret.Reveal()), 200, "")
			if next.Record.Family != r.ID {
				t.Errorf("the family is %q, want %q", next.Record.Family, r.ID)
			}
		})
	}
}

func TestAForeignDigestOfTheOtherHashIsRead(t *testing.T) {
	v := newService(t, setup{config: formats})
	sum := sha256.Sum256([]byte("8charsID.abcdefghijklmnopqrstuvwxyz012345"))
	must(t, v.store.Create(t.Context(), &apikey.Record{
		ID: "drf-8charsID", Subject: "alice", Environment: "live", ExpiresAt: v.issued.Record.ExpiresAt, Version: 1,
		Digest: "x256$" + hexOf(sum[:]),
	}))
	v.want(v.send("8charsID.abcdefghijklmnopqrstuvwxyz012345"), 200, "")
	must(t, v.store.Create(t.Context(), &apikey.Record{
		ID: "drf-8charsIE", Subject: "alice", Environment: "live", ExpiresAt: v.issued.Record.ExpiresAt, Version: 1,
		Digest: "x1$" + hexOf(sum[:]),
	}))
	v.want(v.send("8charsIE.abcdefghijklmnopqrstuvwxyz012345"), 401, apikey.ReasonBadRecord)
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, c := range b {
		s.WriteByte(digits[c>>4])
		s.WriteByte(digits[c&15])
	}
	return s.String()
}

func TestForeignKeysMayHaveOurPrefix(t *testing.T) {
	v := newService(t, setup{config: func(c *apikey.Config) {
		c.ForeignFormats = []apikey.ForeignFormat{{Name: "old", Hash: crypto.SHA256, Split: func(key string) (string, string, bool) {
			return "", key, strings.HasPrefix(key, "acme_") && len(key) == 45
		}}}
	}})
	key := "acme_" + strings.Repeat("0a", 20)
	sum := sha256.Sum256([]byte(key))
	_, err := v.keys.Import(t.Context(), apikey.Import{Request: apikey.Request{Subject: "alice"}, Format: "old", Digest: sum[:]})
	must(t, err)
	v.want(v.send(key), 200, "")
	v.want(v.send(key+"0"), 401, auth.ReasonMalformed)
}

func TestForeignKeysThatCannotBe(t *testing.T) {
	v := newService(t, setup{config: formats})
	for name, key := range map[string]string{
		"an id with other letters": "8charsI/.abcdefghijklmnopqrstuvwxyz012345",
		"an empty secret":          "sk_",
		"a key that is too long":   "sk_" + strings.Repeat("a", 254),
	} {
		t.Run(name, func(t *testing.T) {
			v.want(v.send(key), 401, auth.ReasonUnrecognized)
			if v.store.finds.Load() != 0 {
				t.Error("the store was asked")
			}
		})
	}
}

func TestImportsThatAreRefused(t *testing.T) {
	v := newService(t, setup{config: formats})
	ok := apikey.Import{Request: apikey.Request{Subject: "alice"}, Format: "bare", Digest: make([]byte, 32)}
	for name, change := range map[string]func(*apikey.Import){
		"an unknown format":           func(in *apikey.Import) { in.Format = "x" },
		"a digest of other length":    func(in *apikey.Import) { in.Digest = make([]byte, 64) },
		"an id with other characters": func(in *apikey.Import) { in.ID = "a/b" },
		"no subject":                  func(in *apikey.Import) { in.Subject = "" },
	} {
		in := ok
		change(&in)
		if _, err := v.keys.Import(t.Context(), in); !isRequestError(err) {
			t.Errorf("%s: got %v, want a RequestError", name, err)
		}
	}
}
