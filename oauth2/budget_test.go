package oauth2_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
)

// A verified request with a JWT costs what package jwt does, and at most 6 allocations more.
func TestAllocationsOfAJWT(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	as := newIssuer(testIssuer)
	token := as.token(nil)
	v := must(jwt.NewVerifier(as.config()))
	a := newAuthenticator(t, as.verifier(), nil)
	r := bearer(token)
	ctx := t.Context()
	base := testing.AllocsPerRun(200, func() {
		if _, err := v.Verify(ctx, token); err != nil {
			t.Fatal(err)
		}
	})
	got := testing.AllocsPerRun(200, func() {
		if d := auth.Decide(a, r); d.Err != nil {
			t.Fatal(d.Err)
		}
	})
	if got-base > 6 {
		t.Errorf("got %v allocations where package jwt makes %v, want at most 6 more", got, base)
	}
	t.Logf("%v allocations, of which %v are package jwt's", got, base)
}

// A warm cache costs next to nothing.
func TestAllocationsOfAWarmCache(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	as, i := introspection(t, nil)
	as.Set("token-0123456789", active(nil))
	a := newAuthenticator(t, i, nil)
	r := bearer("token-0123456789")
	got := testing.AllocsPerRun(200, func() {
		if d := auth.Decide(a, r); d.Err != nil {
			t.Fatal(d.Err)
		}
	})
	if got > 2 {
		t.Errorf("got %v allocations, want at most 2", got)
	}
}

func BenchmarkJWT(b *testing.B) {
	as := newIssuer(testIssuer)
	token := as.token(nil)
	v := must(jwt.NewVerifier(as.config()))
	b.Run("jwt alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(b.Context(), token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("the same request, authenticated", func(b *testing.B) { decide(b, newAuthenticator(b, as.verifier(), nil), bearer(token)) })
	// A verifier that costs nothing shows what is added.
	fixed := must(as.verifier().Verify(b.Context(), token))
	b.Run("what is added to a verified token", func(b *testing.B) {
		decide(b, newAuthenticator(b, oauth2.VerifierFunc(func(context.Context, string) (*oauth2.Token, error) { return fixed, nil }), nil), bearer(token))
	})
}

func BenchmarkIntrospectionWithAWarmCache(b *testing.B) {
	as, i := introspection(b, nil)
	as.Set("token-0123456789", active(nil))
	decide(b, newAuthenticator(b, i, nil), bearer("token-0123456789"))
}

func decide(b *testing.B, a auth.Authenticator, r *http.Request) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if d := auth.Decide(a, r); d.Err != nil {
			b.Fatal(d.Err)
		}
	}
}
