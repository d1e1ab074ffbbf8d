package basic_test

import (
	"context"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
)

func cachedAuthenticator(t testing.TB) *basic.Authenticator {
	t.Helper()
	h := must(password.New(password.Config{Params: cheap}))
	users := must(basic.NewStatic(h, basic.User{Name: "anna", PasswordHash: must(h.Hash(context.Background(), "correct horse battery staple"))}))
	return must(basic.New(basic.Config{Realm: "test", Users: users, Hasher: h, Cache: basic.CacheConfig{Enable: true}}))
}

// BenchmarkCached models a client that sends its password with every request, with the cache and the throttle on.
func BenchmarkCached(b *testing.B) {
	a := cachedAuthenticator(b)
	r := request(credentials("anna", "correct horse battery staple"))
	r.RemoteAddr = "192.0.2.1:1234"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Authenticate(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefused models garbage in the header.
func BenchmarkRefused(b *testing.B) {
	a := cachedAuthenticator(b)
	r := request("Basic dTpwMR==")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Authenticate(r); err == nil {
			b.Fatal("accepted")
		}
	}
}

func TestACachedCheckAllocatesLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, and empties pools")
	}
	a := cachedAuthenticator(t)
	r := request(credentials("anna", "correct horse battery staple"))
	got := testing.AllocsPerRun(200, func() {
		if _, err := a.Authenticate(r); auth.KindOf(err) != 0 {
			t.Fatal(err)
		}
	})
	if got > 6 {
		t.Errorf("got %v allocations, want at most 6", got)
	}
}
