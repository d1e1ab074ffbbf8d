package jwt_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// fakeClock is a clock that a test moves.
type fakeClock struct{ now atomic.Int64 }

func newFakeClock() *fakeClock {
	c := &fakeClock{}
	c.now.Store(testTime.UnixNano())
	return c
}

func (c *fakeClock) Now() time.Time          { return time.Unix(0, c.now.Load()).UTC() }
func (c *fakeClock) advance(d time.Duration) { c.now.Add(int64(d)) }

// keyServer serves what a test puts into it.
type keyServer struct {
	*httptest.Server
	requests atomic.Int64
	handler  atomic.Pointer[http.HandlerFunc]
}

func newKeyServer(t *testing.T, h http.HandlerFunc) *keyServer {
	t.Helper()
	s := &keyServer{}
	s.handler.Store(&h)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		(*s.handler.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) serve(h http.HandlerFunc) { s.handler.Store(&h) }

func serveKeys(keys ...*jwt.PublicKey) http.HandlerFunc {
	body := must(jwt.PublicJWKS(keys...))
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }
}

func publicKey(id string) *jwt.PublicKey {
	return must(jwt.NewPublicKey(id, jwt.EdDSA, testKeys.ed().Public()))
}

// remoteTest is a verifier on a Remote on a server, with a clock.
type remoteTest struct {
	server   *keyServer
	clock    *fakeClock
	remote   *jwt.Remote
	verifier *jwt.Verifier
	fetched  chan error // one for each fetch that has ended
}

func newRemoteTest(t *testing.T, h http.HandlerFunc, change func(*jwt.RemoteConfig)) *remoteTest {
	t.Helper()
	rt := &remoteTest{server: newKeyServer(t, h), clock: newFakeClock(), fetched: make(chan error, 1000)}
	c := jwt.RemoteConfig{
		URL: rt.server.URL + "/jwks", InsecureAllowHTTP: true, Clock: rt.clock.Now, Timeout: time.Minute,
		OnRefresh: func(err error) { rt.fetched <- err },
	}
	if change != nil {
		change(&c)
	}
	rt.remote = must(jwt.NewRemote(c))
	t.Cleanup(func() { _ = rt.remote.Close() })
	rt.verifier = newVerifier(func(c *jwt.Config) { c.Keys, c.Clock = rt.remote, rt.clock.Now })
	return rt
}

// verify verifies a token of now that names the key.
func (rt *remoteTest) verify(kid string) error {
	now := rt.clock.Now().Unix()
	_, err := rt.verifier.Verify(context.Background(), sign(`{"alg":"EdDSA","kid":"`+kid+`","typ":"at+jwt"}`,
		goodClaims(object{"iat": now, "exp": now + 600})))
	return err
}

func (rt *remoteTest) want(t *testing.T, kid string, want error) {
	t.Helper()
	if err := rt.verify(kid); !errors.Is(err, want) || (err == nil) != (want == nil) {
		t.Fatalf("key %s: got %v (cause %v), want %v", kid, err, errors.Unwrap(err), want)
	}
}

func (rt *remoteTest) wantUnavailable(t *testing.T, kid string) {
	t.Helper()
	if err := rt.verify(kid); auth.KindOf(err) != auth.KindUnavailable {
		t.Fatalf("key %s: got %v (cause %v), want unavailable", kid, err, errors.Unwrap(err))
	}
}

// wantFetched waits for the end of a fetch, which must be a good one.
func (rt *remoteTest) wantFetched(t *testing.T) {
	t.Helper()
	if err := <-rt.fetched; err != nil {
		t.Fatal(err)
	}
}

func (rt *remoteTest) wantRequests(t *testing.T, want int64) {
	t.Helper()
	if got := rt.server.requests.Load(); got != want {
		t.Fatalf("got %d requests, want %d", got, want)
	}
}

func TestRemoteFetchesOnceForAThousandUnknownKids(t *testing.T) {
	rt := newRemoteTest(t, serveKeys(publicKey("k1")), nil)
	rt.want(t, "k1", nil)
	rt.clock.advance(time.Minute) // beyond the cooldown
	storm(t, 1000, func(i int) {
		if err := rt.verify("forged-" + string(rune('a'+i%26)) + strings.Repeat("x", i%40)); !errors.Is(err, jwt.ErrUnknownKey) {
			t.Errorf("got %v, want ErrUnknownKey", err)
		}
	})
	rt.wantRequests(t, 2)
	rt.want(t, "forged", jwt.ErrUnknownKey)
	rt.wantRequests(t, 2) // the cooldown holds
	rt.clock.advance(30 * time.Second)
	rt.want(t, "forged", jwt.ErrUnknownKey)
	rt.wantRequests(t, 3)
}

func TestRemoteFetchesOnceForAThousandFirstVerifications(t *testing.T) {
	rt := newRemoteTest(t, serveKeys(publicKey("k1")), nil)
	storm(t, 1000, func(int) {
		if err := rt.verify("k1"); err != nil {
			t.Error(err)
		}
	})
	rt.wantRequests(t, 1)
}

func storm(t *testing.T, n int, f func(i int)) {
	t.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

func TestRemoteTakesARotatedKeyAtOnce(t *testing.T) {
	rt := newRemoteTest(t, serveKeys(publicKey("k1")), nil)
	rt.want(t, "k1", nil)
	rt.server.serve(serveKeys(publicKey("k2")))
	rt.clock.advance(31 * time.Second)
	rt.want(t, "k2", nil)
	rt.want(t, "k1", jwt.ErrUnknownKey) // removed: refused after the refresh
	rt.wantRequests(t, 2)
}

func TestRemoteRefusesARemovedKeyAfterTheNextRefresh(t *testing.T) {
	rt := newRemoteTest(t, serveKeys(publicKey("k1"), publicKey("k2")), nil)
	rt.want(t, "k1", nil)
	rt.wantFetched(t)
	rt.server.serve(serveKeys(publicKey("k2")))
	rt.clock.advance(17 * time.Minute) // 15 min and the jitter
	rt.want(t, "k1", nil)              // served from the old snapshot, and starts the refresh
	if err := <-rt.fetched; err != nil {
		t.Fatal(err)
	}
	rt.want(t, "k1", jwt.ErrUnknownKey)
	rt.want(t, "k2", nil)
}

func TestRemoteNeverFetchesForABadSignature(t *testing.T) {
	rt := newRemoteTest(t, serveKeys(publicKey("k1")), nil)
	rt.want(t, "k1", nil)
	rt.clock.advance(time.Minute)
	for range 100 {
		_, err := rt.verifier.Verify(context.Background(), rawSign("EdDSA", testKeys.other(), goodHeader, goodClaims(nil)))
		if !errors.Is(err, jwt.ErrSignature) {
			t.Fatalf("got %v, want ErrSignature", err)
		}
	}
	rt.wantRequests(t, 1)
}

func TestRemoteOutage(t *testing.T) {
	for _, tt := range []struct {
		name string
		h    http.HandlerFunc
	}{
		{"an error", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=86400")
			w.WriteHeader(http.StatusInternalServerError)
		}},
		{"a redirect to a set", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				serveKeys(publicKey("k1"))(w, r)
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}},
		{"a set and more space than we read", func(w http.ResponseWriter, r *http.Request) {
			serveKeys(publicKey("k1"))(w, r)
			_, _ = io.WriteString(w, strings.Repeat(" ", 512<<10))
		}},
		{"garbage", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }},
		{"an empty set", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"keys":[]}`) }},
		{"no set", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }},
		{"keys twice", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"keys":[],"keys":[]}`) }},
		{"only keys that can't be used", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"future"}]}`)
		}},
		{"two keys of one name", serveKeys(publicKey("k1"), must(jwt.NewPublicKey("k1", jwt.EdDSA, testKeys.other().Public())))},
		{"too many keys", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"keys":[`+strings.Repeat(`{"kty":"x"},`, 100)+string(must(publicKey("k1").MarshalJSON()))+`]}`)
		}},
		{"an endless body", func(w http.ResponseWriter, _ *http.Request) {
			for chunk := strings.Repeat(" ", 64<<10); ; {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
			}
		}},
		{"a body that says it is large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "600000")
			w.WriteHeader(http.StatusOK)
		}},
		{"a body that breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"keys":`)
		}},
		{"304 to a request without a condition", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }},
	} {
		t.Run("known keys verify for 24 h while the endpoint serves "+tt.name, func(t *testing.T) {
			rt := newRemoteTest(t, serveKeys(publicKey("k1")), nil)
			rt.want(t, "k1", nil)
			rt.wantFetched(t)
			rt.server.serve(tt.h)
			rt.clock.advance(23 * time.Hour)
			rt.want(t, "k1", nil)
			if err := <-rt.fetched; err == nil {
				t.Fatal("the fetch succeeded, want a failure")
			}
			rt.want(t, "k1", nil)
			requests := rt.server.requests.Load()
			rt.wantUnavailable(t, "unknown") // backing off: can't be decided now
			rt.wantRequests(t, requests)
			rt.clock.advance(2 * time.Hour)
			rt.wantUnavailable(t, "k1")

			if st := rt.remote.Stats(); st.LastError == nil || st.Failures < 2 || st.Keys != 1 {
				t.Errorf("got stats %+v, want the failures counted and the last one named", st)
			}
			rt.server.serve(serveKeys(publicKey("k1")))
			rt.clock.advance(10 * time.Second)
			rt.want(t, "k1", nil)
			if st := rt.remote.Stats(); st.LastError != nil || !st.FetchedAt.Equal(rt.clock.Now()) {
				t.Errorf("got stats %+v, want the failure forgotten", st)
			}
		})
	}
}

func TestRemoteFailuresBackOffAndSpareTheCooldown(t *testing.T) {
	rt := newRemoteTest(t, serveKeys(publicKey("k1")), nil)
	rt.want(t, "k1", nil)
	rt.clock.advance(time.Minute)
	rt.server.serve(http.NotFound)
	for range 20 {
		rt.wantUnavailable(t, "k2")
	}
	rt.wantRequests(t, 2)
	rt.server.serve(serveKeys(publicKey("k2")))
	rt.clock.advance(1200 * time.Millisecond) // the first back-off and its jitter, far less than the cooldown
	rt.want(t, "k2", nil)

	rt.server.serve(http.NotFound)
	rt.clock.advance(time.Hour)
	last := rt.server.requests.Load()
	for range 1000 { // of 10 s each
		_ = rt.verify("k3")
		rt.clock.advance(10 * time.Second)
	}
	if n := rt.server.requests.Load() - last; n < 30 || n > 60 { // about 10,000 s by 5 min
		t.Errorf("got %d requests in 10,000 s of outage, want one in 5 min or so", n)
	}
}

func TestRemoteHangingEndpoint(t *testing.T) {
	release := make(chan struct{})
	hang := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}
	rt := newRemoteTest(t, serveKeys(publicKey("k1")), nil)
	rt.want(t, "k1", nil)
	rt.server.serve(hang)
	rt.clock.advance(20 * time.Minute)
	for range 100 { // one of them begins the refresh; none of them waits for it
		rt.want(t, "k1", nil)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := rt.verifier.Verify(ctx, sign(`{"alg":"EdDSA","kid":"k2","typ":"at+jwt"}`, goodClaims(nil)))
	if e := auth.AsError(err); e.Kind != auth.KindUnavailable || e.Reason != auth.ReasonCancelled {
		t.Errorf("unknown kid with a context that has ended: got %v, want unavailable, cancelled", err)
	}
	_ = rt.remote.Close() // stops the fetch
	close(release)
	rt.want(t, "k1", nil)
	rt.wantUnavailable(t, "k2")
	if n := rt.server.requests.Load(); n > 2 {
		t.Errorf("got %d requests, want 2 at most", n)
	}
}

func TestRemoteTimeoutEndsAFetch(t *testing.T) {
	rt := newRemoteTest(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(c *jwt.RemoteConfig) {
		c.Timeout = 20 * time.Millisecond
	})
	rt.wantUnavailable(t, "k1")
}

func TestRemoteLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	r := must(jwt.NewRemote(jwt.RemoteConfig{URL: server.URL, InsecureAllowHTTP: true}))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := r.Warm(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v from Warm, want the context's error", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	server.CloseClientConnections()
	server.Close()
	for range 1_000_000 { // connections of the server and the client end by themselves, soon
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	buf := make([]byte, 1<<16)
	t.Errorf("got %d goroutines after Close, want %d:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
}

func TestRemoteConditionalRequests(t *testing.T) {
	ring := must(jwt.NewJWKSHandler(10*time.Minute, publicKey("k1")))
	var conditional atomic.Int64
	rt := newRemoteTest(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			conditional.Add(1)
		}
		ring.ServeHTTP(w, r)
	}, nil)
	rt.want(t, "k1", nil)
	rt.wantFetched(t)
	rt.clock.advance(9*time.Minute - time.Second) // max-age is 10 min: fresh, whatever the jitter
	rt.want(t, "k1", nil)
	rt.wantRequests(t, 1)
	rt.clock.advance(2*time.Minute + time.Second)
	rt.want(t, "k1", nil)
	if err := <-rt.fetched; err != nil || conditional.Load() != 1 {
		t.Errorf("got %v and %d conditional requests, want a 304 that counts", err, conditional.Load())
	}
	if st := rt.remote.Stats(); !st.FetchedAt.Equal(rt.clock.Now()) || st.Keys != 1 {
		t.Errorf("got stats %+v, want the keys fresh again", st)
	}
}

func TestRemoteHeedsExpires(t *testing.T) {
	rt := newRemoteTest(t, nil, nil)
	keys := serveKeys(publicKey("k1"))
	rt.server.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Expires", rt.clock.Now().Add(2*time.Hour).Format(http.TimeFormat))
		keys(w, r)
	})
	rt.want(t, "k1", nil)
	rt.clock.advance(100 * time.Minute)
	rt.want(t, "k1", nil)
	rt.wantRequests(t, 1)
}

func TestRemoteSkipsKeysThatCannotBeUsed(t *testing.T) {
	good := string(must(publicKey("k1").MarshalJSON()))
	rt := newRemoteTest(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"keys":[{"kty":"oct","kid":"s","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},`+
			strings.Replace(good, `"sig"`, `"enc"`, 1)+`,{"kty":"future","kid":"f"},`+good+`]}`)
	}, nil)
	rt.want(t, "k1", nil)
	if st := rt.remote.Stats(); st.Keys != 1 || st.Skipped != 3 || st.Fetches != 1 {
		t.Errorf("got stats %+v, want 1 key and 3 skipped", st)
	}
}

func TestRemoteDiscovery(t *testing.T) {
	for _, tt := range []struct {
		name, issuerPath, metadataPath, issuer string // issuer: what the metadata say, after the server's address
		works                                  bool
	}{
		{"OpenID Connect metadata are found", "", "/.well-known/openid-configuration", "", true},
		{"OpenID Connect metadata of an issuer with a path are found", "/realms/a", "/realms/a/.well-known/openid-configuration", "/realms/a", true},
		{"RFC 8414 metadata are found", "", "/.well-known/oauth-authorization-server", "", true},
		{"RFC 8414 metadata of an issuer with a path are found", "/a", "/.well-known/oauth-authorization-server/a", "/a", true},
		{"metadata of another issuer are refused", "/a", "/a/.well-known/openid-configuration", "/b", false},
		{"metadata of an issuer with a slash more are refused", "", "/.well-known/openid-configuration", "/", false},
		{"an issuer without metadata is refused", "", "/nowhere", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var url string
			mux := http.NewServeMux()
			mux.HandleFunc(tt.metadataPath, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"issuer":"`+url+tt.issuer+`","jwks_uri":"`+url+`/keys"}`)
			})
			mux.HandleFunc("/keys", serveKeys(publicKey("k1")))
			server := httptest.NewServer(mux)
			defer server.Close()
			url = server.URL
			r := must(jwt.NewRemote(jwt.RemoteConfig{Issuer: url + tt.issuerPath, InsecureAllowHTTP: true}))
			defer func() { _ = r.Close() }()
			if err := r.Warm(context.Background()); (err == nil) != tt.works {
				t.Errorf("got %v, want it to work: %v", err, tt.works)
			}
		})
	}
}

func TestRemoteDiscoveryRefusesKeysOverHTTP(t *testing.T) {
	server := newKeyServer(t, nil)
	keys := serveKeys(publicKey("k1"))
	for _, metadata := range []string{
		`{"issuer":"` + server.URL + `","jwks_uri":"` + strings.Replace(server.URL, "//", "//user:password@", 1) + `/keys"}`,
		`{"issuer":"` + server.URL + `","jwks_uri":"http://elsewhere.example/keys"}`,
		`{"issuer":"` + server.URL + `","jwks_uri":"file:///etc/passwd"}`,
		`{"issuer":"` + server.URL + `"}`, `[]`, ``,
	} {
		server.serve(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				keys(w, r)
				return
			}
			_, _ = io.WriteString(w, metadata)
		})
		r := must(jwt.NewRemote(jwt.RemoteConfig{Issuer: server.URL, InsecureAllowHTTP: true}))
		if err := r.Warm(context.Background()); err == nil {
			t.Errorf("metadata %s: got no error, want one", metadata)
		}
		_ = r.Close()
	}
}

func TestNewRemoteRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    jwt.RemoteConfig
	}{
		{"neither URL nor issuer", jwt.RemoteConfig{}},
		{"both", jwt.RemoteConfig{URL: "https://a.example/k", Issuer: "https://a.example"}},
		{"http", jwt.RemoteConfig{URL: "http://127.0.0.1/k"}},
		{"http to elsewhere", jwt.RemoteConfig{URL: "http://a.example/k", InsecureAllowHTTP: true}},
		{"another scheme", jwt.RemoteConfig{URL: "file:///k"}},
		{"a password in the address", jwt.RemoteConfig{URL: "https://a:b@a.example/k"}},
		{"a user in the address", jwt.RemoteConfig{URL: "https://sEcReT@a.example/k"}},
		{"a key in the query of an address without TLS", jwt.RemoteConfig{URL: "http://a.example/?key=sEcReT"}},
		{"an issuer with a query", jwt.RemoteConfig{Issuer: "https://a.example/?tenant=1"}},
		{"an issuer with an empty query", jwt.RemoteConfig{Issuer: "https://a.example?"}},
		{"no address", jwt.RemoteConfig{URL: "::"}},
		{"a refresh that is too quick", jwt.RemoteConfig{URL: "https://a.example/k", Refresh: time.Second}},
		{"an expiry before the refresh", jwt.RemoteConfig{URL: "https://a.example/k", Refresh: time.Hour, Expire: time.Minute}},
		{"an expiry that is too long", jwt.RemoteConfig{URL: "https://a.example/k", Expire: 365 * 24 * time.Hour}},
		{"a negative cooldown", jwt.RemoteConfig{URL: "https://a.example/k", Cooldown: -1}},
		{"a long timeout", jwt.RemoteConfig{URL: "https://a.example/k", Timeout: time.Hour}},
		{"an RSA algorithm that is none", jwt.RemoteConfig{URL: "https://a.example/k", Keys: jwt.KeyOptions{RSA: "ES256"}}},
	} {
		if r, err := jwt.NewRemote(tt.c); err == nil || r != nil || !strings.HasPrefix(err.Error(), "jwt: ") {
			t.Errorf("%s: got %v, want an error of jwt", tt.name, err)
		} else if strings.Contains(err.Error(), ":b@") || strings.Contains(err.Error(), "sEcReT") {
			t.Errorf("%s: the error quotes the password: %v", tt.name, err)
		}
	}
}

// transportFunc is a transport of the user's own.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAPanicInAFetchIsAFailedFetch(t *testing.T) {
	rt := newRemoteTest(t, nil, func(c *jwt.RemoteConfig) {
		c.Transport = transportFunc(func(*http.Request) (*http.Response, error) { panic("broken") })
	})
	rt.wantUnavailable(t, "k1")
}

func TestRemoteSurvivesAClockThatWasAhead(t *testing.T) {
	rt := newRemoteTest(t, serveKeys(publicKey("k1")), nil)
	rt.clock.advance(365 * day)
	rt.want(t, "k1", nil)
	rt.clock.advance(-365 * day)
	rt.server.serve(serveKeys(publicKey("k2")))
	rt.clock.advance(25 * time.Hour)
	rt.want(t, "k2", nil)
	rt.want(t, "k1", jwt.ErrUnknownKey)
}

func TestRemoteBackoffSurvivesAClockThatWasAhead(t *testing.T) {
	rt := newRemoteTest(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, nil)
	rt.clock.advance(365 * day)
	rt.wantUnavailable(t, "k1")
	rt.clock.advance(-365 * day)
	rt.server.serve(serveKeys(publicKey("k1")))
	rt.clock.advance(time.Hour)
	rt.want(t, "k1", nil)
}

func TestRemoteSkipsKeysThatNoTokenCanChoose(t *testing.T) {
	unnamed := must(jwt.NewPublicKey("", jwt.EdDSA, testKeys.other().Public()))
	rt := newRemoteTest(t, serveKeys(publicKey("k1"), unnamed, publicKey("k1")), nil)
	rt.want(t, "k1", nil)
	if st := rt.remote.Stats(); st.Keys != 1 || st.Skipped != 2 {
		t.Errorf("got stats %+v, want 1 key and 2 skipped", st)
	}
}

func TestRemoteRefreshesWithinADayWhateverTheAnswerSays(t *testing.T) {
	rt := newRemoteTest(t, nil, func(c *jwt.RemoteConfig) { c.Expire, c.Refresh = 7*day, time.Minute })
	good := serveKeys(publicKey("k1"))
	rt.server.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=604800")
		good(w, r)
	})
	rt.want(t, "k1", nil)
	rt.wantFetched(t)
	rt.clock.advance(27 * time.Hour)
	rt.want(t, "k1", nil)
	rt.wantFetched(t)
}

func TestRemoteTellsOfOneFetchAfterAnother(t *testing.T) {
	gate := make(chan struct{})
	var inside, most atomic.Int64
	rt := newRemoteTest(t, serveKeys(publicKey("k1")), func(c *jwt.RemoteConfig) {
		c.OnRefresh = func(error) {
			most.Store(max(most.Load(), inside.Add(1)))
			<-gate
			inside.Add(-1)
		}
	})
	rt.want(t, "k1", nil)
	rt.clock.advance(time.Hour)
	rt.want(t, "k2", jwt.ErrUnknownKey)
	close(gate)
	if err := rt.remote.Close(); err != nil || most.Load() != 1 {
		t.Errorf("got %v, and OnRefresh called %d times at once, want 1", err, most.Load())
	}
}

func newDiscoveryTest(t *testing.T, h http.HandlerFunc) *remoteTest {
	t.Helper()
	return newRemoteTest(t, h, func(c *jwt.RemoteConfig) { c.Issuer, c.URL = strings.TrimSuffix(c.URL, "/jwks"), "" })
}

// A web page for every path is what single-page applications answer with.
func TestDiscoveryGoesOnWhereTheFirstAddressHasNoMetadata(t *testing.T) {
	rt := newDiscoveryTest(t, nil)
	rt.server.serve(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/jwks":
			serveKeys(publicKey("k1"))(w, r)
		case "/.well-known/oauth-authorization-server":
			_, _ = io.WriteString(w, `{"issuer":"`+rt.server.URL+`","jwks_uri":"`+rt.server.URL+`/jwks"}`)
		default:
			_, _ = io.WriteString(w, "<html>")
		}
	})
	rt.want(t, "k1", nil)
}

func TestMetadataAreReadStrictly(t *testing.T) {
	for _, more := range []string{`"ISSUER"`, `"issuer"`} {
		rt := newDiscoveryTest(t, nil)
		rt.server.serve(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/jwks" {
				serveKeys(publicKey("k1"))(w, r)
				return
			}
			_, _ = io.WriteString(w, `{"issuer":"https://evil.example",`+more+`:"`+rt.server.URL+`","jwks_uri":"`+rt.server.URL+`/jwks"}`)
		})
		rt.wantUnavailable(t, "k1")
	}
}

func TestRemoteErrorsHoldNothingOfTheAnswer(t *testing.T) {
	for _, location := range []string{"http://inJected.example/", "https://inJected.invalid/"} {
		rt := newDiscoveryTest(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"issuer":"http://`+r.Host+`","jwks_uri":"`+location+`"}`)
		})
		if err := rt.remote.Warm(t.Context()); err == nil || strings.Contains(err.Error(), "inJected") {
			t.Errorf("%s: got %v, want an error without the address", location, err)
		}
	}
}

// A set that has moved is not asked for with the ETag of the old place, also where the first fetch from there fails.
func TestRemoteDoesNotTakeAnETagElsewhere(t *testing.T) {
	var moved, fail atomic.Bool
	rt := newDiscoveryTest(t, nil)
	rt.server.serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		place, key := "/old", publicKey("k1")
		if moved.Load() {
			place, key = "/new", publicKey("k2")
		}
		switch {
		case strings.HasPrefix(r.URL.Path, "/.well-known"):
			_, _ = io.WriteString(w, `{"issuer":"`+rt.server.URL+`","jwks_uri":"`+rt.server.URL+place+`"}`)
		case fail.Swap(false):
			w.WriteHeader(http.StatusInternalServerError)
		case r.Header.Get("If-None-Match") == `"1"`:
			w.WriteHeader(http.StatusNotModified)
		default:
			serveKeys(key)(w, r)
		}
	})
	rt.want(t, "k1", nil)
	moved.Store(true)
	fail.Store(true)
	rt.clock.advance(time.Minute)
	rt.wantUnavailable(t, "k2")
	rt.clock.advance(time.Minute)
	rt.want(t, "k2", nil)
}
