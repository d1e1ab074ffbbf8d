package password_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/cardea-go/auth/basic/password"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cheap is for tests that are not about cost.
var cheap = password.Params{Memory: 64, Time: 1, Threads: 1}

const cheapHash = "$argon2id$v=19$m=64,t=1,p=1$"

// counting is a scheme that counts its computations: "count:<cost>:<password>".
type counting struct {
	runs atomic.Int32
	hook func()
}

func (c *counting) Parse(stored string) (*password.Record, error) {
	rest, ok := strings.CutPrefix(stored, "count:")
	if !ok {
		return nil, password.ErrForeign
	}
	cost, want, ok := strings.Cut(rest, ":")
	if !ok {
		return nil, password.ErrMalformed
	}
	return &password.Record{
		Shape: "count " + cost, Memory: 1,
		Verify: func(p string) bool {
			c.runs.Add(1)
			if c.hook != nil {
				c.hook()
			}
			return p == want
		},
		Decoy: func() string { return "count:" + cost + ":decoy" },
	}, nil
}

func TestCheckRunsOneHashWhateverIsWrong(t *testing.T) {
	scheme := &counting{}
	h := must(password.New(password.Config{Params: cheap, Schemes: []password.Scheme{scheme}}))
	mix := h.NewMix(slices.Values([]string{"count:1:secret"}))
	tests := []struct {
		name    string
		attempt password.Attempt
		want    password.Verdict
	}{
		{"right password", password.Attempt{Password: "secret", Found: true, Stored: "count:1:secret"}, password.Verdict{OK: true, NeedsRehash: true}},
		{"wrong password", password.Attempt{Password: "guess", Found: true, Stored: "count:1:secret"}, password.Verdict{}},
		{"unknown account", password.Attempt{Password: "secret"}, password.Verdict{}},
		{"unknown account and the decoy's own password", password.Attempt{Password: "decoy"}, password.Verdict{}},
		{"an account that was not found has no hash, whatever is in the field", password.Attempt{Password: "secret", Stored: "count:1:secret"}, password.Verdict{}},
		{"account without a hash", password.Attempt{Password: "secret", Found: true}, password.Verdict{BadRecord: true}},
		{"account with a broken hash", password.Attempt{Password: "secret", Found: true, Stored: "count:1"}, password.Verdict{BadRecord: true}},
		{"account with a broken hash and the decoy's own password", password.Attempt{Password: "decoy", Found: true, Stored: "x"}, password.Verdict{BadRecord: true}},
		{"account with a hash of an unknown form, and that text", password.Attempt{Password: "{PLAIN}pw", Found: true, Stored: "{PLAIN}pw"}, password.Verdict{BadRecord: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scheme.runs.Store(0)
			tt.attempt.Username, tt.attempt.Mix = "anna", mix
			got, err := h.Check(context.Background(), tt.attempt)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
			if runs := scheme.runs.Load(); runs != 1 {
				t.Errorf("got %d computations, want 1", runs)
			}
		})
	}
}

func TestStoredHashesThatAreRefused(t *testing.T) {
	const (
		salt = "c2FsdHNhbHRzYWx0c2FsdA"
		tag  = "dGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGE"
		bc   = "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"
	)
	a2 := func(params string) string { return "$argon2id$v=19$" + params + "$" + salt + "$" + tag }
	tests := []struct{ name, stored string }{
		{"t is 0", a2("m=64,t=0,p=1")},
		{"p is 0", a2("m=64,t=1,p=0")},
		{"m is 0", a2("m=0,t=1,p=1")},
		{"m is below 8p", a2("m=31,t=1,p=4")},
		{"empty tag", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$"},
		{"short tag", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$dGFndGFn"},
		{"empty salt", "$argon2id$v=19$m=64,t=1,p=1$$" + tag},
		{"m is 4294967295", a2("m=4294967295,t=1,p=1")},
		{"m is 2^33", a2("m=8589934592,t=1,p=1")},
		{"m is one above the ceiling", a2("m=262145,t=1,p=1")},
		{"t is 2^31", a2("m=64,t=2147483648,p=1")},
		{"t is 17", a2("m=64,t=17,p=1")},
		{"p is 255", a2("m=4096,t=1,p=255")},
		{"p is 300, which is 44 in eight bits", a2("m=4096,t=1,p=300")},
		{"t has a sign", a2("m=64,t=+2,p=1")},
		{"t has a leading zero", a2("m=64,t=02,p=1")},
		{"m has an exponent", a2("m=1e3,t=1,p=1")},
		{"m has twenty digits", a2("m=18446744073709551680,t=1,p=1")},
		{"parameters in another order", a2("t=1,m=64,p=1")},
		{"a parameter twice", a2("m=64,t=1,t=1,p=1")},
		{"an extra parameter", a2("m=64,t=1,p=1,x=1")},
		{"a trailing comma", a2("m=64,t=1,p=1,")},
		{"a parameter is missing", a2("m=64,t=1")},
		{"a pepper that is not known", a2("m=64,t=1,p=1,keyid=gone")},
		{"an empty pepper id", a2("m=64,t=1,p=1,keyid=")},
		{"a pepper id with a space", a2("m=64,t=1,p=1,keyid=a b")},
		{"trailing junk", a2("m=64,t=1,p=1") + "$junk"},
		{"a trailing newline", a2("m=64,t=1,p=1") + "\n"},
		{"a leading space", " " + a2("m=64,t=1,p=1")},
		{"version 16", strings.Replace(a2("m=64,t=1,p=1"), "v=19", "v=16", 1)},
		{"no version", strings.Replace(a2("m=64,t=1,p=1"), "v=19$", "", 1)},
		{"version with junk", strings.Replace(a2("m=64,t=1,p=1"), "v=19", "v=19junk", 1)},
		{"a newline inside base64", strings.Replace(a2("m=64,t=1,p=1"), "c2Fs", "c2\nFs", 1)},
		{"padded base64", "$argon2id$v=19$m=64,t=1,p=1$" + salt + "==$" + tag},
		{"loose bits in base64", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdB$" + tag},
		{"base64 of the URL alphabet", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHR_-Wx0c2FsdA$" + tag},
		{"argon2d", strings.Replace(a2("m=64,t=1,p=1"), "argon2id", "argon2d", 1)},
		{"longer than 512 bytes", a2("m=64,t=1,p=1") + strings.Repeat("A", 512)},
		{"empty", ""},
		{"a star", "*"},
		{"an exclamation mark", "!"},
		{"an x", "x"},
		{"plain text", "secret"},
		{"{PLAIN}", "{PLAIN}secret"},
		{"an Apache hash, which is for htpasswd only", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/"},
		{"bcrypt of cost 31", strings.Replace(bc, "$04$", "$31$", 1)},
		{"bcrypt of cost 15", strings.Replace(bc, "$04$", "$15$", 1)},
		{"bcrypt of cost 3", strings.Replace(bc, "$04$", "$03$", 1)},
		{"bcrypt cost that is no number", strings.Replace(bc, "$04$", "$0x$", 1)},
		{"bcrypt 2x", strings.Replace(bc, "$2b$", "$2x$", 1)},
		{"bcrypt 2z", strings.Replace(bc, "$2b$", "$2z$", 1)},
		{"bcrypt without a letter", "$2$" + bc[4:] + "a"},
		{"bcrypt of 61 bytes", bc + "a"},
		{"bcrypt of 59 bytes", bc[:59]},
		{"bcrypt with a newline", bc[:59] + "\n"},
		{"bcrypt with a byte outside its alphabet in the salt", bc[:10] + "+" + bc[11:]},
		{"bcrypt with a byte outside its alphabet in the result", bc[:40] + "+" + bc[41:]},
		{"PBKDF2 of 2^31 iterations", "$pbkdf2-sha256$i=2147483648$" + salt + "$" + tag},
		{"PBKDF2 of no iteration", "$pbkdf2-sha256$i=0$" + salt + "$" + tag},
		{"PBKDF2 with junk", "$pbkdf2-sha256$i=1,l=32$" + salt + "$" + tag},
		{"PBKDF2 with five parts", "$pbkdf2-sha256$i=1$" + salt + "$" + tag + "$"},
		{"passlib PBKDF2 of 2^31 iterations", "$pbkdf2-sha256$2147483648$" + salt + "$" + tag},
		{"passlib PBKDF2 with a plus", "$pbkdf2-sha256$1000$c2FsdHNhbHR+Wx0c2FsdA$" + tag},
		{"Django PBKDF2 of 2^31 iterations", "pbkdf2_sha256$2147483648$saltsalt$" + tag + "="},
		{"Django PBKDF2 without padding", "pbkdf2_sha256$1000$saltsalt$" + tag},
		{"Django PBKDF2 with a short salt", "pbkdf2_sha256$1000$salt$" + tag + "="},
		{"scrypt of N 2^40", "$scrypt$ln=40,r=8,p=1$" + salt + "$" + tag},
		{"scrypt of N 2^24 and r 32", "$scrypt$ln=24,r=32,p=1$" + salt + "$" + tag},
		{"scrypt above the ceiling of memory", "$scrypt$ln=19,r=8,p=1$" + salt + "$" + tag},
		{"scrypt above the ceiling of time", "$scrypt$ln=17,r=8,p=16$" + salt + "$" + tag},
		{"scrypt of N 1", "$scrypt$ln=0,r=8,p=1$" + salt + "$" + tag},
		{"scrypt of N too large for r", "$scrypt$ln=17,r=1,p=1$" + salt + "$" + tag},
		{"scrypt with a pepper", "$scrypt$ln=10,r=8,p=1,keyid=a$" + salt + "$" + tag},
		{"scrypt with four parts", "$scrypt$ln=10,r=8,p=1$" + salt},
		{"passlib bcrypt-sha256 version 1", "$bcrypt-sha256$2b,12$" + bc[7:29] + "$" + bc[29:]},
		{"passlib bcrypt-sha256 of cost 31", "$bcrypt-sha256$v=2,t=2b,r=31$" + bc[7:29] + "$" + bc[29:]},
		{"passlib bcrypt-sha256 cut short", "$bcrypt-sha256$v=2,t=2b,r=4$" + bc[7:29] + "$" + bc[29:50]},
		{"layers of an unknown digest", "$wrap$crc32" + a2("m=64,t=1,p=1")},
		{"layers without an inner hash", "$wrap$md5"},
		{"layers around bcrypt", "$wrap$md5" + bc},
		{"layers of layers", "$wrap$md5$wrap$md5" + a2("m=64,t=1,p=1")},
		{"layers with a pepper that is not known", "$wrap$md5" + a2("m=64,t=1,p=1,keyid=gone")},
	}
	h := must(password.New(password.Config{Params: cheap}))
	if err := h.Valid(bc); err != nil {
		t.Fatalf("the bcrypt hash that rows are made of: %v", err)
	}
	if err := h.Valid(a2("m=64,t=1,p=1")); err != nil {
		t.Fatalf("the argon2id hash that rows are made of: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := h.Verify(context.Background(), "secret", tt.stored); !errors.Is(err, password.ErrMalformed) {
				t.Errorf("Verify: got %v, want ErrMalformed", err)
			}
			for _, pw := range []string{"secret", tt.stored} {
				v, err := h.Check(context.Background(), password.Attempt{Username: "anna", Password: pw, Found: true, Stored: tt.stored})
				if unusable := errors.Is(err, password.ErrUnusable); v.OK || (!v.BadRecord && !unusable) {
					t.Errorf("Check: got %+v, %v; want a bad record", v, err)
				}
			}
			if !h.NeedsRehash(tt.stored) {
				t.Error("NeedsRehash: got false, want true")
			}
			if n := testing.AllocsPerRun(10, func() { _ = h.Valid(tt.stored) }); n > 30 {
				t.Errorf("got %v allocations, want it refused before anything is allocated", n)
			}
		})
	}
}

func TestBcryptReadsSeventyTwoBytes(t *testing.T) {
	ctx := context.Background()
	long := strings.Repeat("a", 72)
	stored := string(must(bcrypt.GenerateFromPassword([]byte(long), 4)))
	strict := must(password.New(password.Config{Params: cheap}))
	lenient := must(password.New(password.Config{Params: cheap, AllowTruncated: true}))
	tests := []struct {
		name, password string
		h              *password.Hasher
		want           password.Verdict
	}{
		{"exactly 72 bytes", long, strict, password.Verdict{OK: true, NeedsRehash: true}},
		{"72 bytes and junk", long + "junk", strict, password.Verdict{Truncated: true}},
		{"72 bytes and junk where that is allowed", long + "junk", lenient, password.Verdict{OK: true, NeedsRehash: true, Truncated: true}},
		{"71 bytes", long[1:], lenient, password.Verdict{}},
		{"other 73 bytes", "b" + long, lenient, password.Verdict{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if v, err := tt.h.Verify(ctx, tt.password, stored); err != nil || v != tt.want {
				t.Errorf("got %+v, %v; want %+v", v, err, tt.want)
			}
		})
	}
	short := string(must(bcrypt.GenerateFromPassword([]byte("abc"), 4)))
	if _, err := strict.Verify(ctx, "abc\x00abc", short); !errors.Is(err, password.ErrUnusable) {
		t.Errorf("NUL: got %v, want ErrUnusable", err)
	}
}

func TestPrepare(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"ASCII is as it is", " Trailing and leading stay ", " Trailing and leading stay "},
		{"colons", "a:b:c", "a:b:c"},
		{"NFC is as it is", "Tsch\u00fc\u00df", "Tsch\u00fc\u00df"},
		{"NFD becomes NFC", "Tschu\u0308\u00df", "Tsch\u00fc\u00df"},
		{"compatibility characters stay", "\ufb01sh \uff21", "\ufb01sh \uff21"},
		{"1024 bytes", strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		{"empty", "", ""},
		{"1024 bytes that are more when composed", strings.Repeat("\U0001D160", 256), ""},
		{"1025 bytes", strings.Repeat("x", 1025), ""},
		{"NUL", "a\x00b", ""},
		{"CR", "a\rb", ""},
		{"LF", "a\nb", ""},
		{"tab", "a\tb", ""},
		{"DEL", "a\x7fb", ""},
		{"C1", "a\u0085b", ""},
		{"invalid UTF-8", "a\xffb", ""},
		{"Latin-1", "Tsch\xfc\xdf", ""},
		{"a surrogate", "\xed\xa0\x80", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := password.Prepare(tt.in)
			if got != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
	h := must(password.New(password.Config{Params: cheap}))
	stored := must(h.Hash(context.Background(), "Tschu\u0308\u00df"))
	if v, _ := h.Verify(context.Background(), "Tsch\u00fc\u00df", stored); !v.OK {
		t.Error("NFC password for an NFD one: got refused, want OK")
	}
}

func TestNeedsRehash(t *testing.T) {
	key := []byte(strings.Repeat("k", 32))
	owasp := must(password.New(password.Config{}))
	fips := must(password.New(password.Config{Params: password.FIPS()}))
	peppered := must(password.New(password.Config{Peppers: map[string][]byte{"1": key, "2": key}, PepperID: "2"}))
	rest := "$c2FsdHNhbHRzYWx0c2FsdA$dGFndGFndGFndGFndGFndGFndGFndGFndGFndGFndGE"
	tests := []struct {
		name   string
		h      *password.Hasher
		stored string
		want   bool
	}{
		{"as new", owasp, "$argon2id$v=19$m=19456,t=2,p=1" + rest, false},
		{"stronger", owasp, "$argon2id$v=19$m=65536,t=3,p=4" + rest, false},
		{"another of OWASP's equals: 46 MiB", owasp, "$argon2id$v=19$m=47104,t=1,p=1" + rest, false},
		{"another of OWASP's equals: 12 MiB", owasp, "$argon2id$v=19$m=12288,t=3,p=1" + rest, false},
		{"another of OWASP's equals: 7 MiB", owasp, "$argon2id$v=19$m=7168,t=5,p=1" + rest, false},
		{"half the memory", owasp, "$argon2id$v=19$m=9728,t=2,p=1" + rest, true},
		{"one pass", owasp, "$argon2id$v=19$m=19456,t=1,p=1" + rest, true},
		{"a short salt", owasp, "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ" + rest[23:], true},
		{"a short tag", owasp, "$argon2id$v=19$m=19456,t=2,p=1" + rest[:24] + "dGFndGFndGFndGFndGFndA", true},
		{"argon2i", owasp, "$argon2i$v=19$m=19456,t=2,p=1" + rest, true},
		{"PBKDF2", owasp, "$pbkdf2-sha256$i=600000" + rest, true},
		{"a pepper that new hashes do not have", peppered, "$argon2id$v=19$m=19456,t=2,p=1,keyid=1" + rest, true},
		{"no pepper where new hashes have one", peppered, "$argon2id$v=19$m=19456,t=2,p=1" + rest, true},
		{"the pepper of new hashes", peppered, "$argon2id$v=19$m=19456,t=2,p=1,keyid=2" + rest, false},
		{"layers", owasp, "$wrap$md5$argon2id$v=19$m=19456,t=2,p=1" + rest, true},
		{"FIPS, as new", fips, "$pbkdf2-sha256$i=600000" + rest, false},
		{"FIPS, fewer iterations", fips, "$pbkdf2-sha256$i=599999" + rest, true},
		{"FIPS, in passlib's spelling", fips, "$pbkdf2-sha256$600000" + rest, true},
		{"FIPS, argon2id, which is not approved", fips, "$argon2id$v=19$m=65536,t=3,p=1" + rest, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.h.Valid(tt.stored); err != nil {
				t.Fatal(err)
			}
			if got := tt.h.NeedsRehash(tt.stored); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPeppers(t *testing.T) {
	ctx := context.Background()
	one, two := []byte(strings.Repeat("1", 32)), []byte(strings.Repeat("2", 32))
	for _, params := range []password.Params{cheap, {Algorithm: password.PBKDF2SHA256, Iterations: 100_000}} {
		h := must(password.New(password.Config{Params: params, Peppers: map[string][]byte{"1": one}, PepperID: "1"}))
		stored := must(h.Hash(ctx, "secret"))
		if !strings.Contains(stored, ",keyid=1$") {
			t.Errorf("got %s, want it to name its key", stored)
		}
		if v, err := h.Verify(ctx, "secret", stored); err != nil || !v.OK || v.NeedsRehash {
			t.Errorf("same key: got %+v, %v; want OK", v, err)
		}
		newer := must(password.New(password.Config{Params: params, Peppers: map[string][]byte{"1": one, "2": two}, PepperID: "2"}))
		if v, err := newer.Verify(ctx, "secret", stored); err != nil || !v.OK || !v.NeedsRehash {
			t.Errorf("newer key: got %+v, %v; want OK and a rehash", v, err)
		}
		other := must(password.New(password.Config{Params: params, Peppers: map[string][]byte{"1": two}}))
		if v, err := other.Verify(ctx, "secret", stored); err != nil || v.OK {
			t.Errorf("another key of the same id: got %+v, %v; want refused", v, err)
		}
	}
}

func TestNothingPrintsAKey(t *testing.T) {
	key, decoy := []byte("pepper-0123456789abcdef0123456789"), []byte("decoy-0123456789abcdef")
	c := password.Config{Peppers: map[string][]byte{"k1": key}, PepperID: "k1", DecoyKey: decoy}
	h, err := password.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{c, &c, []password.Config{c}, h, struct{ H *password.Hasher }{h}} {
		var b strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		if raw, err := json.Marshal(v); err == nil {
			b.Write(raw)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
		for _, secret := range [][]byte{key[:12], decoy[:12]} {
			decimals := strings.Trim(fmt.Sprintf("%d", secret), "[]")
			bytes := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret), "[]byte{"), "}")
			for _, form := range []string{string(secret), fmt.Sprintf("%x", secret), decimals, bytes, base64.StdEncoding.EncodeToString(secret)} {
				if strings.Contains(b.String(), form) {
					t.Errorf("%T: a key is in %s", v, b.String())
				}
			}
		}
	}
}

func TestPeppersAreFilled(t *testing.T) {
	_, err := password.New(password.Config{Peppers: map[string][]byte{"1": make([]byte, 32)}})
	if err == nil || !strings.Contains(err.Error(), "nothing but zeros") {
		t.Errorf("got error %v, want one about a key that was never filled", err)
	}
}

func TestWrapHardensADigestWithoutThePassword(t *testing.T) {
	ctx := context.Background()
	h := must(password.New(password.Config{Params: cheap, Peppers: map[string][]byte{"1": bytes.Repeat([]byte{7}, 32)}, PepperID: "1"}))
	for digest, value := range map[string]string{ // of "secret"
		"md5":    "5EBE2294ECD0E0F08EAB7690D2A6EE69",
		"sha1":   "e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
		"sha256": "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
	} {
		stored, err := h.Wrap(ctx, digest, value)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := h.Verify(ctx, "secret", stored); err != nil || !v.OK || !v.NeedsRehash {
			t.Errorf("%s: got %+v, %v; want OK and a rehash", digest, v, err)
		}
		if v, err := h.Verify(ctx, value, stored); err != nil || v.OK {
			t.Errorf("%s, the digest as password: got %+v, %v; want refused", digest, v, err)
		}
		if got := h.Decoy(h.NewMix(slices.Values([]string{stored})), "x"); !strings.HasPrefix(got, "$wrap$"+digest+"$argon2id$") || h.Valid(got) != nil {
			t.Errorf("decoy: got %q, want one of the same form", got)
		}
	}
	for _, bad := range [][2]string{{"md5", "zz"}, {"md5", "5ebe"}, {"crc32", "00000000"}, {"md5", strings.Repeat("z", 32)}} {
		if _, err := h.Wrap(ctx, bad[0], bad[1]); !errors.Is(err, password.ErrMalformed) {
			t.Errorf("%v: got %v, want ErrMalformed", bad, err)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := h.Wrap(cancelled, "md5", "5ebe2294ecd0e0f08eab7690d2a6ee69"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestDecoysMatchTheMix(t *testing.T) {
	h := must(password.New(password.Config{Params: cheap, DecoyKey: []byte("0123456789abcdef")}))
	again := must(password.New(password.Config{Params: cheap, DecoyKey: []byte("0123456789abcdef")}))
	seen := make(map[string]bool)
	var stored []string
	for _, v := range vectors(t) {
		stored = append(stored, v.Hash)
	}
	mix := h.NewMix(slices.Values(append(stored, "junk", "")))
	for i := range 2000 {
		name := fmt.Sprint("nobody", i)
		d := h.Decoy(mix, name)
		if d != h.Decoy(mix, name) {
			t.Fatalf("%s: got two decoys", name)
		}
		if err := h.Valid(d); err != nil {
			t.Fatalf("decoy %s: %v", d, err)
		}
		if slices.Contains(stored, d) {
			t.Fatalf("decoy %s is somebody's hash", d)
		}
		seen[d] = true
	}
	if len(seen) < 15 {
		t.Errorf("got %d kinds of decoys, want one for each shape", len(seen))
	}

	half := []string{"$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"}
	half = append(half, must(h.Hash(context.Background(), "x")))
	m1, m2 := h.NewMix(slices.Values(half)), again.NewMix(slices.Values(half))
	bcrypts := 0
	for i := range 2000 {
		name := fmt.Sprint("nobody", i)
		a, b := h.Decoy(m1, name), again.Decoy(m2, name)
		if a[:4] != b[:4] {
			t.Fatalf("%s: got %s and %s under one key, want one kind", name, a, b)
		}
		if strings.HasPrefix(a, "$2b$") {
			bcrypts++
		}
	}
	if bcrypts < 800 || bcrypts > 1200 {
		t.Errorf("got %d bcrypt decoys in 2000, want about half", bcrypts)
	}
	if got := h.Decoy(nil, "x"); !strings.HasPrefix(got, cheapHash) {
		t.Errorf("without a mix: got %s, want one as new hashes", got)
	}
	if got := h.Decoy(h.NewMix(slices.Values([]string{"junk"})), "x"); !strings.HasPrefix(got, cheapHash) {
		t.Errorf("an empty mix: got %s, want one as new hashes", got)
	}
}

func TestMixIsBounded(t *testing.T) {
	h := must(password.New(password.Config{Params: cheap, Schemes: []password.Scheme{&counting{}}}))
	mix := h.NewMix(func(yield func(string) bool) {
		for i := range 1000 {
			if !yield(fmt.Sprintf("count:%d:x", i)) {
				return
			}
		}
	})
	seen := make(map[string]bool)
	for i := range 5000 {
		seen[h.Decoy(mix, fmt.Sprint(i))] = true
	}
	if len(seen) != 64 {
		t.Errorf("got %d shapes, want 64", len(seen))
	}
}

// broken is a scheme that breaks its contract.
type broken struct{ r *password.Record }

func (b broken) Parse(string) (*password.Record, error) { return b.r, nil }

func TestSchemesThatBreakTheirContract(t *testing.T) {
	ok := func(string) bool { return true }
	decoy := func() string { return "decoy" }
	for name, r := range map[string]*password.Record{
		"no record": nil, "no Verify": {Shape: "x", Decoy: decoy}, "no Decoy": {Shape: "x", Verify: ok}, "no Shape": {Verify: ok, Decoy: decoy},
	} {
		h := must(password.New(password.Config{Params: cheap, Schemes: []password.Scheme{broken{r}}}))
		if v, err := h.Verify(context.Background(), "x", "stored"); !errors.Is(err, password.ErrMalformed) || v.OK {
			t.Errorf("%s: got %+v, %v; want ErrMalformed", name, v, err)
		}
	}
	panics := broken{&password.Record{Shape: "x", Decoy: decoy, Verify: func(p string) bool { panic(p) }}}
	h := must(password.New(password.Config{Params: cheap, Schemes: []password.Scheme{panics}, Gate: password.GateConfig{CPUs: 1}}))
	for range 3 { // the permit is given back
		v, err := h.Verify(context.Background(), "my secret", "stored")
		if err == nil || v.OK || strings.Contains(err.Error(), "secret") {
			t.Errorf("panic: got %+v, %v; want an error without the password", v, err)
		}
	}
	decoyBroken := broken{&password.Record{Shape: "x", Verify: ok, Decoy: func() string { return "" }}}
	h = must(password.New(password.Config{Params: cheap, Schemes: []password.Scheme{decoyBroken}}))
	if got := h.Decoy(h.NewMix(slices.Values([]string{"stored"})), "x"); !strings.HasPrefix(got, cheapHash) {
		t.Errorf("a decoy that can't be read: got %q, want one as new hashes", got)
	}
}

func TestHash(t *testing.T) {
	ctx := context.Background()
	for _, params := range []password.Params{{}, password.Default(), password.Strong(), password.FIPS()} {
		h := must(password.New(password.Config{Params: params}))
		stored, err := h.Hash(ctx, "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		if v, err := h.Verify(ctx, "correct horse", stored); err != nil || v != (password.Verdict{OK: true}) {
			t.Errorf("%v: got %+v, %v; want OK", h.Params(), v, err)
		}
		if other := must(h.Hash(ctx, "correct horse")); other == stored {
			t.Errorf("%v: two hashes of one password are equal", h.Params())
		}
	}
	h := must(password.New(password.Config{Params: cheap}))
	if _, err := h.Hash(ctx, ""); !errors.Is(err, password.ErrUnusable) {
		t.Errorf("empty: got %v, want ErrUnusable", err)
	}
	if v, err := h.Check(ctx, password.Attempt{Password: strings.Repeat("x", 1025)}); !errors.Is(err, password.ErrUnusable) || v.OK {
		t.Errorf("1025 bytes: got %+v, %v; want ErrUnusable", v, err)
	}
}

func TestConfigurationSaysEveryMistake(t *testing.T) {
	key := make([]byte, 32)
	tests := []struct {
		name string
		c    password.Config
		want []string
	}{
		{"argon2id", password.Config{Params: password.Params{Iterations: 1}}, []string{"Threads", "Time", "Memory", "Iterations"}},
		{"PBKDF2", password.Config{Params: password.Params{Algorithm: password.PBKDF2SHA256, Memory: 1}}, []string{"Iterations", "Memory"}},
		{"unknown algorithm", password.Config{Params: password.Params{Algorithm: 9}}, []string{"Algorithm"}},
		{"limits", password.Config{Limits: password.Limits{Memory: 1 << 30, Iterations: 1 << 30, BcryptCost: 18}}, []string{"Limits.Memory", "Limits.Iterations", "Limits.BcryptCost"}},
		{"new hashes above the limits", password.Config{Limits: password.Limits{Memory: 1024}}, []string{"above"}},
		{"gate", password.Config{Gate: password.GateConfig{Memory: 1 << 30, CPUs: -1, Queue: -1, Wait: -1}}, []string{"Memory", "CPUs", "Queue", "Wait"}},
		{"peppers", password.Config{Peppers: map[string][]byte{"a b": key, "short": key[:31]}, PepperID: "x"}, []string{`"a b"`, `"short"`, "PepperID"}},
		{"decoy key and nil scheme", password.Config{DecoyKey: []byte("x"), Schemes: []password.Scheme{nil}}, []string{"DecoyKey", "Schemes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := password.New(tt.c)
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to name %s", err, want)
				}
			}
		})
	}
}

func TestPolicy(t *testing.T) {
	ctx := context.Background()
	down := errors.New("down")
	blocked := func(_ context.Context, p string) (bool, error) { return p == "correct horse battery", nil }
	failing := func(context.Context, string) (bool, error) { return false, down }
	tests := []struct {
		name, password string
		policy         password.Policy
		want           error
	}{
		{"fifteen code points", "fünfzehnzeichen", password.Policy{}, nil},
		{"fourteen code points", "vierzehnzeiche", password.Policy{}, password.ErrTooShort},
		{"code points are counted, not bytes", strings.Repeat("🔑", 14), password.Policy{}, password.ErrTooShort},
		{"a decomposed letter is one", strings.Repeat("u\u0308", 14), password.Policy{}, password.ErrTooShort},
		{"eight beside a second factor", "achtacht", password.Policy{MinLength: 8}, nil},
		{"eight is the least", "sieben7", password.Policy{MinLength: 1}, password.ErrTooShort},
		{"no rules of composition", "aaaaaaaaaaaaaaa", password.Policy{}, nil},
		{"not usable", "a\nb", password.Policy{}, password.ErrUnusable},
		{"blocked", "correct horse battery", password.Policy{Blocked: blocked}, password.ErrBlocked},
		{"not blocked", "correct horse battery staple", password.Policy{Blocked: blocked}, nil},
		{"the list is down", "correct horse battery", password.Policy{Blocked: failing}, down},
		{"the list is down and that is accepted", "correct horse battery", password.Policy{Blocked: failing, AllowUnchecked: true}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.policy.Check(ctx, tt.password); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestCalibrateIsNeverWeakerThanTheDefault(t *testing.T) {
	p, err := password.Calibrate(context.Background(), time.Nanosecond, 19456)
	if err != nil || p != password.Default() {
		t.Errorf("got %v, %v; want the default", p, err)
	}
	p, err = password.Calibrate(context.Background(), 100*time.Millisecond, 32768)
	if err != nil || p.Validate() != nil || p.Memory < 19456 || p.Memory > 32768 || p.Time < 2 {
		t.Errorf("got %v, %v; want the default or more, within the memory", p, err)
	}
	for _, bad := range []struct {
		target time.Duration
		memory uint32
	}{{0, 19456}, {time.Minute, 19456}, {time.Second, 1024}, {time.Second, 1 << 30}} {
		if _, err := password.Calibrate(context.Background(), bad.target, bad.memory); err == nil {
			t.Errorf("%v: got no error", bad)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := password.Calibrate(ctx, time.Second, 19456); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// fickle is a scheme that reads its hashes only for a while.
type fickle struct{ left int }

func (f *fickle) Parse(string) (*password.Record, error) {
	if f.left--; f.left < 0 {
		return nil, password.ErrMalformed
	}
	return &password.Record{Shape: "x", Verify: func(string) bool { return true }, Decoy: func() string { return "x" }}, nil
}

func TestADecoyThatCanNotBeReadDecidesNothing(t *testing.T) {
	h := must(password.New(password.Config{Params: cheap, Schemes: []password.Scheme{&fickle{left: 2}}}))
	mix := h.NewMix(slices.Values([]string{"x"}))
	if v, err := h.Check(context.Background(), password.Attempt{Username: "nobody", Password: "x", Mix: mix}); err == nil || v.OK {
		t.Errorf("got %+v, %v; want an error", v, err)
	}
	if got := h.Params(); got != cheap {
		t.Errorf("got %v, want %v", got, cheap)
	}
}
