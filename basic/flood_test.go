package basic_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
)

func TestParallelLoginsAreAnsweredOrPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, nil)
		for i := range 512 {
			f.store.set(basic.User{Name: fmt.Sprint("user", i), PasswordHash: "count:secret"})
		}
		f.hasher = must(password.New(password.Config{Schemes: []password.Scheme{f.scheme}, Gate: password.GateConfig{CPUs: 2}}))
		a := must(basic.New(basic.Config{Realm: "x", Users: f.store, Hasher: f.hasher}))
		g := must(middleware.New(middleware.Config{Authenticator: a}))
		h := g.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		f.scheme.hook = func(string) { time.Sleep(30 * time.Millisecond) }
		var mu sync.Mutex
		codes := make(map[int]int)
		var wg sync.WaitGroup
		for i := range 512 {
			wg.Go(func() {
				r := request(credentials(fmt.Sprint("user", i), map[bool]string{true: "secret", false: "guess"}[i%2 == 0]))
				r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:1", i/256, i%256)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code == 503 && (w.Header().Get("Retry-After") != "1" || w.Header().Get("WWW-Authenticate") != "") {
					t.Errorf("got 503 with %v, want Retry-After: 1 and no challenge", w.Header())
				}
				mu.Lock()
				defer mu.Unlock()
				codes[w.Code]++
			})
		}
		wg.Wait()
		if codes[200]+codes[401] != 34 || codes[503] != 512-34 { // two at once and a queue of 32
			t.Errorf("got %v, want 34 answers and 503 for the rest", codes)
		}
	})
}

// A password is not kept: after the request no copy of it is on the heap, the cache and the pools included.
func TestNoCopyOfThePasswordStays(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("the race detector keeps what it has seen")
	}
	a := cachedAuthenticator(t)
	secret := make([]byte, 40) // kept in another form: letters, each with 0x55 added to it bit by bit
	_, _ = rand.Read(secret)
	for i := range secret {
		secret[i] = ('A' + secret[i]%26) ^ 0x55
	}
	func() {
		plain := bytes.Clone(secret)
		for i := range plain {
			plain[i] ^= 0x55
		}
		for range 10 {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.SetBasicAuth("anna", string(plain))
			if _, err := a.Authenticate(r); err == nil {
				t.Error("accepted")
			}
		}
		clear(plain)
	}()
	runtime.GC() // one: a second would empty pools, which are to be looked at
	f := must(os.Create(filepath.Join(t.TempDir(), "heap")))
	debug.WriteHeapDump(f.Fd())
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	dump := must(os.ReadFile(f.Name()))
	if len(dump) < 1<<16 {
		t.Fatalf("got a dump of %d bytes", len(dump))
	}
	for i := range secret {
		secret[i] ^= 0x55
	}
	if i := bytes.Index(dump, secret); i >= 0 {
		t.Errorf("got the password in the heap, in %q", dump[max(0, i-40):min(len(dump), i+60)])
	}
	runtime.KeepAlive(a)
}
