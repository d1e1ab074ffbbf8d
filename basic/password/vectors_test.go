package password_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"

	"github.com/cardea-go/auth/basic/password"
)

// vector is a hash that another implementation made; By says which, and how.
type vector struct{ By, Password, Hash string }

const leastVectors = 110

func vectors(t testing.TB) []vector {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []vector
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < leastVectors {
		t.Fatalf("got %d vectors, want %d or more", len(list), leastVectors)
	}
	return list
}

func TestHashesOfOtherImplementations(t *testing.T) {
	h := must(password.New(password.Config{}))
	for _, v := range vectors(t) {
		t.Run(strings.ReplaceAll(v.By, "/", "_"), func(t *testing.T) {
			if got, err := h.Verify(context.Background(), v.Password, v.Hash); err != nil || !got.OK {
				t.Errorf("%s: got %+v, %v; want OK", v.Hash, got, err)
			}
			if got, err := h.Verify(context.Background(), v.Password+"x", v.Hash); err != nil || got.OK {
				t.Errorf("%s, another password: got %+v, %v; want refused", v.Hash, got, err)
			}
		})
	}
}

func TestOurHashesAgreeWithTheLibraries(t *testing.T) {
	ctx := context.Background()
	h := must(password.New(password.Config{Params: password.Params{Memory: 64, Time: 1, Threads: 1}}))
	stored := must(h.Hash(ctx, "correct horse"))
	parts := strings.Split(stored, "$")
	salt, tag := unbase64(t, parts[4]), unbase64(t, parts[5])
	if got := argon2.IDKey([]byte("correct horse"), salt, 1, 64, 1, 32); string(got) != string(tag) || len(salt) != 16 {
		t.Errorf("argon2id: %s is not what golang.org/x/crypto makes", stored)
	}
	for _, pw := range []string{"x", "correct horse", strings.Repeat("ä", 36)} {
		b := must(bcrypt.GenerateFromPassword([]byte(pw), 4))
		if v, err := h.Verify(ctx, pw, string(b)); err != nil || !v.OK || !v.NeedsRehash {
			t.Errorf("bcrypt of %q: got %+v, %v; want OK and a rehash", pw, v, err)
		}
	}
}
