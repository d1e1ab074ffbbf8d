package apikey_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
)

// filled returns keys of a service whose memory store holds n, and some of them.
func filled(tb testing.TB, n int, peppers ...apikey.Pepper) (k *apikey.Keys, some []string) {
	tb.Helper()
	store := apikey.NewMemoryStore(apikey.MemoryConfig{MaxKeys: n})
	k = newKeys(tb, func(c *apikey.Config) { c.Store, c.Peppers = store, peppers })
	const sample = 1000
	for range sample {
		some = append(some, mustCreate(tb, k, nil).Secret.Reveal())
	}
	now := time.Now()
	for i := range n - sample { // records without keys: nobody asks for them
		r := &apikey.Record{
			ID: fmt.Sprintf("%012d", i), Subject: fmt.Sprint("s", i%1000), Environment: "live", Digest: "s1$" + strings.Repeat("0", 64),
			CreatedAt: now, ExpiresAt: now.Add(time.Hour), Version: 1,
		}
		if err := store.Create(tb.Context(), r); err != nil {
			tb.Fatal(err)
		}
	}
	for _, key := range some { // so that each waits to be written as used
		if _, err := k.Verify(tb.Context(), key); err != nil {
			tb.Fatal(err)
		}
	}
	runtime.GC() // of what filling left behind
	return k, some
}

// BenchmarkVerify checks right keys in turn: checksum, look-up, digest, principal.
func BenchmarkVerify(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		for name, peppers := range map[string][]apikey.Pepper{"sha256": nil, "hmac": {pepper("2026")}} {
			b.Run(fmt.Sprintf("keys=%d/%s", n, name), func(b *testing.B) {
				k, some := filled(b, n, peppers...)
				ctx, i := b.Context(), 0
				b.ReportAllocs()
				for b.Loop() {
					if _, err := k.Verify(ctx, some[i%len(some)]); err != nil {
						b.Fatal(err)
					}
					i++
				}
			})
		}
	}
}

// BenchmarkRefuse compares what a stranger's key costs: a typing error, an unknown id, a wrong secret.
func BenchmarkRefuse(b *testing.B) {
	k, some := filled(b, 1_000, pepper("2026"))
	for _, row := range []struct{ name, key string }{
		{"checksum", some[0][:60] + "!"},
		{"unknown", sealed("acme_live_ZZZZZZZZZZZZ_" + strings.Repeat("s", 32))},
		{"mismatch", sealed(some[0][:23] + strings.Repeat("s", 32))},
	} {
		b.Run(row.name, func(b *testing.B) {
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Verify(ctx, row.key); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// BenchmarkAuthenticate is BenchmarkVerify with a request around the key.
func BenchmarkAuthenticate(b *testing.B) {
	k, some := filled(b, 1_000)
	a, err := k.Authenticator(apikey.AuthenticatorConfig{})
	if err != nil {
		b.Fatal(err)
	}
	r := authtest.Request("GET", "/", "Authorization", "Bearer "+some[0])
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Authenticate(r); err != nil {
			b.Fatal(err)
		}
	}
}

func TestVerifyingAllocatesOnceBeyondThePrincipal(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var sink *auth.Principal
	bare := testing.AllocsPerRun(1000, func() { sink, _ = auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice"}) })
	if bare != 1 || sink == nil {
		t.Fatalf("a principal alone allocates %v times", bare)
	}
	for name, peppers := range map[string][]apikey.Pepper{"sha256": nil, "hmac": {pepper("2026")}} {
		k, some := filled(t, 1000, peppers...)
		a, err := k.Authenticator(apikey.AuthenticatorConfig{})
		must(t, err)
		requests := []*http.Request{
			authtest.Request("GET", "/", "Authorization", "Bearer "+some[0]),
			authtest.Request("GET", "/", "X-API-Key", some[0]),
		}
		ctx := t.Context()
		if n := testing.AllocsPerRun(1000, func() { _, _ = k.Verify(ctx, some[0]) }); n > bare+1 {
			t.Errorf("%s: Verify allocates %v times, want %v and one", name, n, bare)
		}
		for _, r := range requests {
			if n := testing.AllocsPerRun(1000, func() { _, _ = a.Authenticate(r) }); n > bare+1 {
				t.Errorf("%s: Authenticate allocates %v times, want %v and one", name, n, bare)
			}
		}
	}
}
