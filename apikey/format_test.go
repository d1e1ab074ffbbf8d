package apikey_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"hash/crc32"
	"math"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
)

func TestGeneratedKeysHaveTheFormat(t *testing.T) {
	v := newService(t, setup{})
	if !regexp.MustCompile("^acme_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}$").MatchString(v.key()) || len(v.key()) != 61 {
		t.Error("the key is not of the format")
	}
	if !strings.Contains(v.key(), "_"+v.issued.Record.ID+"_") {
		t.Error("the id is not in the key")
	}
}

func TestTheChecksumIsCRC32InPaddedBase62(t *testing.T) {
	for body, want := range map[string]string{
		"":          "000000",
		"123456789": "3jZRME", // the check value of CRC-32/ISO-HDLC, 0xCBF43926 = 3421780262
	} {
		if got := apikey.Checksum(body); got != want {
			t.Errorf("checksum of %q: got %s, want %s", body, got, want)
		}
	}
}

func TestARandomSourceThatFailsMakesNoKey(t *testing.T) {
	broken := errors.New("no randomness")
	if key, _, err := apikey.Generate(iotest.ErrReader(broken), "acme_live"); !errors.Is(err, broken) || key != "" {
		t.Errorf("got %q, %v", key, err)
	}
	short := bytes.NewReader(make([]byte, 65)) // enough for one read and not for two
	high := bytes.Repeat([]byte{255}, 64)
	if key, _, err := apikey.Generate(bytes.NewReader(append(high, 1)), "acme_live"); err == nil || key != "" {
		t.Errorf("got %q, %v from a source that runs dry", key, err)
	}
	if _, _, err := apikey.Generate(short, "acme_live"); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestTheAlphabetIsUsedEvenlyAndKeysAreUnique(t *testing.T) {
	keys := 1_000_000
	if testing.Short() || raceEnabled {
		keys = 50_000
	}
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var counts [256]int
	ids := make(map[string]struct{}, keys)
	for range keys {
		key, id, err := apikey.Generate(rand.Reader, "acme_live")
		must(t, err)
		ids[id] = struct{}{}
		for i := range len(id) {
			counts[id[i]]++
		}
		for _, c := range []byte(key[23:55]) {
			counts[c]++
		}
	}
	if len(ids) != keys {
		t.Errorf("%d ids of %d keys", len(ids), keys)
	}
	total := float64(keys * 44)
	expected, chi2 := total/62, 0.0
	for i := range len(alphabet) {
		d := float64(counts[alphabet[i]]) - expected
		chi2 += d * d / expected
	}
	// 61 degrees of freedom: mean 61, deviation 11; a modulo bias of 256 over 62 would give more than 100,000.
	if math.IsNaN(chi2) || chi2 > 61+8*11.05 {
		t.Errorf("χ² is %.1f over 61 degrees of freedom", chi2)
	}
}

func TestKindsAndEnvironments(t *testing.T) {
	store := apikey.NewMemoryStore(apikey.MemoryConfig{})
	kinds := func(c *apikey.Config) {
		c.Store, c.Kinds, c.Environment, c.Environments = store, []string{"pat", "srv"}, "staging", []string{"live", "staging"}
	}
	k := newKeys(t, kinds)
	pat := mustCreate(t, k, func(r *apikey.Request) { r.Kind = "pat" })
	srv := mustCreate(t, k, func(r *apikey.Request) { r.Kind = "srv" })
	if !regexp.MustCompile(k.Pattern()).MatchString("key: " + pat.Secret.Reveal()) {
		t.Errorf("the pattern %s does not find a key", k.Pattern())
	}
	if !strings.HasPrefix(pat.Secret.Reveal(), "acme_pat_staging_") {
		t.Fatal("the kind and the environment are not in the key")
	}
	if _, err := k.Create(t.Context(), apikey.Request{Subject: "alice"}); !isRequestError(err) {
		t.Errorf("a key without a kind: got %v, want a RequestError", err)
	}
	live := newKeys(t, func(c *apikey.Config) { kinds(c); c.Environment = "live" })
	_, err := live.Verify(t.Context(), pat.Secret.Reveal())
	refused(t, err, auth.KindInvalid, apikey.ReasonEnvironment)

	a, err := k.Authenticator(apikey.AuthenticatorConfig{Kinds: []string{"srv"}, Name: "servers"})
	must(t, err)
	r := (&service{}).request(srv.Secret.Reveal())
	if _, err := a.Authenticate(r); err != nil {
		t.Errorf("a key of a kind that is accepted: %v", err)
	}
	for _, key := range []string{pat.Secret.Reveal(), pat.Secret.Reveal()[:62] + "000000"} {
		if _, err := a.Authenticate((&service{}).request(key)); !errors.Is(err, auth.ErrUnrecognized) {
			t.Errorf("a key of another kind: got %v, want ErrUnrecognized", err)
		}
	}
	if _, err := a.Authenticate((&service{}).request("garbage")); !errors.Is(err, auth.ErrUnrecognized) {
		t.Errorf("got %v", err)
	}

	if p, err := newKeys(t, func(c *apikey.Config) { c.Environment = "staging" }).Create(t.Context(), apikey.Request{Subject: "s"}); err != nil ||
		!strings.HasPrefix(p.Secret.Reveal(), "acme_staging_") {
		t.Errorf("an environment of its own: got %v", err)
	}
	plain := newKeys(t, func(c *apikey.Config) { c.Store = store })
	_, err = plain.Verify(t.Context(), pat.Secret.Reveal())
	if !errors.Is(err, auth.ErrUnrecognized) {
		t.Errorf("a kind that somebody else may serve: got %v, want ErrUnrecognized", err)
	}
}

func FuzzParse(f *testing.F) {
	good := sealed("acme_live_AAAAAAAAAAAA_" + strings.Repeat("s", 32))
	for _, s := range []string{good, "", "acme", "acme_", good[1:], good + "x", strings.ToUpper(good), "acme_pat" + good[4:], "acme_test" + good[9:], "sk_old"} {
		f.Add(s)
	}
	store := &spyStore{Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}
	k := newKeys(f, func(c *apikey.Config) { c.Store = store })
	pattern := regexp.MustCompile("^" + strings.ReplaceAll(k.Pattern(), `\b`, "") + "$")
	f.Fuzz(func(t *testing.T, key string) {
		var value uint64
		for _, c := range []byte(apikey.Checksum(key)) {
			value = value*62 + uint64(strings.IndexByte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", c))
		}
		if want := crc32.ChecksumIEEE([]byte(key)); value != uint64(want) {
			t.Errorf("checksum %d, want %d", value, want)
		}
		before := store.finds.Load()
		_, err := k.Verify(t.Context(), key)
		if err == nil {
			t.Fatalf("%q was accepted by an empty store", key)
		}
		wellFormed := pattern.MatchString(key) && !strings.Contains(key, "\n") && strings.HasPrefix(key, "acme_live_") && apikey.Checksum(key[:len(key)-6]) == key[len(key)-6:]
		if asked := store.finds.Load() != before; asked != wellFormed {
			t.Errorf("%q: the store was asked: %t, the key is well-formed: %t", key, asked, wellFormed)
		}
		if strings.Contains(err.Error(), key) && len(key) > 8 {
			t.Errorf("the key is in the error %q", err)
		}
	})
}
