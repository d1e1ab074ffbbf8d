package dpop_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/dpop"
)

const testURL = "https://api.example/notes"

// testTime is when the tests take place.
var testTime = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newReplays() *dpop.MemoryReplays {
	return must(dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{Clock: at(testTime)}))
}

func newVerifier(change func(*dpop.Config)) *dpop.Verifier {
	c := dpop.Config{Replays: newReplays(), Clock: at(testTime)}
	if change != nil {
		change(&c)
	}
	return must(dpop.NewVerifier(c))
}

// The examples of RFC 9449: figures 1 and 2, 12 and 13, and the thumbprint of §6.1.
const (
	rfcKey         = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
	rfcAccessToken = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
	rfcHeader      = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
	rfcTokenProof  = rfcHeader + ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcProof       = rfcHeader + ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)

func TestRFC9449Examples(t *testing.T) {
	for _, tt := range []struct {
		name, proof, id string
		issued          int64
		r               dpop.Request
	}{
		{"figure 1, a token request", rfcTokenProof, "-BwC3ESc6acc2lTc", 1562262616, dpop.Request{Method: "POST", URL: "https://server.example.com/token"}},
		{"figure 12, a request of a protected resource", rfcProof, "e1j3V_bKic8-LAEB", 1562262618, dpop.Request{
			Method: "GET", URL: "https://resource.example.org/protectedresource", AccessToken: rfcAccessToken, Thumbprint: rfcKey,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			clock := at(time.Unix(tt.issued, 0))
			v := newVerifier(func(c *dpop.Config) {
				c.Clock = clock
				c.Replays = must(dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{Clock: clock}))
			})
			p, err := v.Verify(t.Context(), tt.proof, tt.r)
			if err != nil {
				t.Fatalf("got %v (%v)", err, errors.Unwrap(err))
			}
			if p.Thumbprint != rfcKey || p.ID != tt.id || p.IssuedAt.Unix() != tt.issued {
				t.Errorf("got %+v", p)
			}
			if _, err := v.Verify(t.Context(), tt.proof, tt.r); !errors.Is(err, dpop.ErrReplay) {
				t.Errorf("got %v the second time, want a replay", err)
			}
		})
	}
	if got := dpop.Hash(rfcAccessToken); got != "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo" {
		t.Errorf("got the hash %q, want that of §7.1", got)
	}
}

type object = map[string]any

func TestProofsThatAreRefused(t *testing.T) {
	key, other := authtest.NewDPoPKey(at(testTime)), authtest.NewDPoPKey(at(testTime))
	claims := func(c object) string {
		return key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL, AccessToken: "t", Claims: c})
	}
	header := func(h object) string {
		return key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL, AccessToken: "t", Header: h})
	}
	jwk := func(change object) object {
		k := key.JWK()
		maps.Copy(k, change)
		return object{"jwk": k}
	}
	good := claims(nil)
	rsaKey := must(rsa.GenerateKey(rand.Reader, 2048))
	for _, tt := range []struct {
		name, proof string
		want        error
	}{
		{"an empty proof", "", dpop.ErrMissing},
		{"a proof beyond the limit", strings.Repeat("a", dpop.DefaultMaxBytes+1), dpop.ErrTooLong},
		{"garbage", "garbage", dpop.ErrMalformed},
		{"two proofs in one field", good + ", " + good, dpop.ErrMalformed},
		{"an encrypted proof", "a.b.c.d.e", dpop.ErrMalformed},
		{"a signature with a bit turned", good[:len(good)-4] + flip(good[len(good)-4:]), dpop.ErrSignature},
		{"a signature that is no base64url", good + "!", dpop.ErrMalformed},
		{"the claims of another proof", swapPayload(good, claims(nil)), dpop.ErrSignature},
		{"typ of an access token", header(object{"typ": "at+jwt"}), dpop.ErrType},
		{"typ JWT", header(object{"typ": "JWT"}), dpop.ErrType},
		{"no typ", header(object{"typ": nil}), dpop.ErrType},
		{"alg none", header(object{"alg": "none"}), dpop.ErrAlgorithm},
		{"an HMAC", header(object{"alg": "HS256"}), dpop.ErrAlgorithm},
		{"an algorithm that is not configured", header(object{"alg": "RS256"}), dpop.ErrAlgorithm},
		{"an algorithm that is not the key's", header(object{"alg": "ES384"}), dpop.ErrKey},
		{"an extension that must be understood", header(object{"crit": []string{"exp"}, "exp": 1}), dpop.ErrMalformed},
		{"no key", header(object{"jwk": nil}), dpop.ErrKey},
		{"a key that is a string", header(object{"jwk": "k"}), dpop.ErrMalformed},
		{"a key with its private half", header(jwk(object{"d": key.JWK()["x"]})), dpop.ErrKey},
		{"a symmetric key", header(object{"jwk": object{"kty": "oct", "k": "AAAA"}}), dpop.ErrKey},
		{"a key of unknown type", header(object{"jwk": object{"kty": "unknown"}}), dpop.ErrKey},
		{"a key for encryption", header(jwk(object{"use": "enc"})), dpop.ErrKey},
		{"a key for another algorithm", header(jwk(object{"alg": "ES384"})), dpop.ErrKey},
		{"a point that is not on the curve", header(jwk(object{"x": key.JWK()["y"]})), dpop.ErrKey},
		{"an RSA key where alg is ES256", header(object{"jwk": object{"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(rsaKey.N.Bytes())}}), dpop.ErrKey},
		{"a key that did not sign", header(object{"jwk": other.JWK()}), dpop.ErrSignature},
		{"no jti", claims(object{"jti": nil}), dpop.ErrClaims},
		{"an empty jti", claims(object{"jti": ""}), dpop.ErrClaims},
		{"a jti that is a number", claims(object{"jti": 1}), dpop.ErrClaims},
		{"a jti beyond the limit", claims(object{"jti": strings.Repeat("j", 257)}), dpop.ErrClaims},
		{"no htm", claims(object{"htm": nil}), dpop.ErrClaims},
		{"no htu", claims(object{"htu": nil}), dpop.ErrClaims},
		{"an htu beyond the limit", claims(object{"htu": "https://" + strings.Repeat("h", 2048)}), dpop.ErrClaims},
		{"no iat", claims(object{"iat": nil}), dpop.ErrClaims},
		{"an iat that is a string", claims(object{"iat": "1"}), dpop.ErrClaims},
		{"an iat in milliseconds", claims(object{"iat": testTime.UnixMilli()}), dpop.ErrClaims},
		{"another method", claims(object{"htm": "POST"}), dpop.ErrMethod},
		{"the method in another case", claims(object{"htm": "get"}), dpop.ErrMethod},
		{"another path", claims(object{"htu": testURL + "/1"}), dpop.ErrURL},
		{"another host", claims(object{"htu": "https://evil.example/notes"}), dpop.ErrURL},
		{"another scheme", claims(object{"htu": "http://api.example/notes"}), dpop.ErrURL},
		{"the hash of another token", claims(object{"ath": dpop.Hash("u")}), dpop.ErrToken},
		{"no hash of the token", claims(object{"ath": nil}), dpop.ErrToken},
		{"an iat too long ago", claims(object{"iat": testTime.Add(-70 * time.Second).Unix()}), dpop.ErrTime},
		{"an iat in the future", claims(object{"iat": testTime.Add(11 * time.Second).Unix()}), dpop.ErrTime},
		{"another key's proof", other.Proof(authtest.DPoPProof{Method: "GET", URL: testURL, AccessToken: "t"}), dpop.ErrThumbprint},
	} {
		t.Run(tt.name, func(t *testing.T) {
			replays := newReplays()
			v := newVerifier(func(c *dpop.Config) { c.Replays = replays })
			p, err := v.Verify(t.Context(), tt.proof, dpop.Request{Method: "GET", URL: testURL, AccessToken: "t", Thumbprint: key.Thumbprint()})
			if p != nil || !errors.Is(err, tt.want) {
				t.Fatalf("got %v and %v (%v), want %v", p, err, errors.Unwrap(err), tt.want)
			}
			if auth.KindOf(err) != auth.KindInvalid || dpop.Code(err) != dpop.CodeInvalidProof {
				t.Errorf("got kind %v and code %q", auth.KindOf(err), dpop.Code(err))
			}
			if replays.Len() != 0 {
				t.Error("got a proof remembered that was not accepted: strangers could fill the store")
			}
		})
	}
}

func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

func swapPayload(a, b string) string {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	return x[0] + "." + y[1] + "." + x[2]
}

func TestProofsThatAreAccepted(t *testing.T) {
	key := authtest.NewDPoPKey(at(testTime))
	for _, tt := range []struct {
		name   string
		claims object
		url    string
	}{
		{"the plain case", nil, testURL},
		{"a query in the request does not count", nil, testURL + "?a=b"},
		{"a query and a fragment in htu do not count", object{"htu": testURL + "?a=b#c"}, testURL},
		{"scheme and host in another case, and the default port", object{"htu": "HTTPS://API.example:443/notes"}, testURL},
		{"an empty path is the root", object{"htu": "https://api.example"}, "https://api.example/"},
		{"dot segments", object{"htu": "https://api.example/a/.././notes"}, testURL},
		{"a trailing dot segment", object{"htu": "https://api.example/notes/b/.."}, testURL + "/"},
		{"an encoded letter", object{"htu": "https://api.example/%6eotes"}, testURL},
		{"lower case in an encoding", object{"htu": "https://api.example/a%2fb"}, "https://api.example/a%2Fb"},
		{"an IPv6 address", object{"htu": "https://[::1]:443/notes"}, "https://[::1]/notes"},
		{"iat with a fraction", object{"iat": float64(testTime.Unix()) + 0.5}, testURL},
		{"iat as old as may be", object{"iat": testTime.Add(-69 * time.Second).Unix()}, testURL},
		{"iat as far ahead as may be", object{"iat": testTime.Add(10 * time.Second).Unix()}, testURL},
		{"further claims", object{"exp": 1, "nonce": "not asked for"}, testURL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proof := key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL, Claims: tt.claims})
			if _, err := newVerifier(nil).Verify(t.Context(), proof, dpop.Request{Method: "GET", URL: tt.url}); err != nil {
				t.Errorf("got %v (%v)", err, errors.Unwrap(err))
			}
		})
	}
}

func TestURLsThatDiffer(t *testing.T) {
	key := authtest.NewDPoPKey(at(testTime))
	for _, tt := range []struct{ name, htu, url string }{
		{"an encoded slash is not a slash", "https://api.example/a%2Fb", "https://api.example/a/b"},
		{"a trailing slash counts", "https://api.example/notes/", testURL},
		{"an empty segment counts", "https://api.example//notes", testURL},
		{"the case of a path counts", "https://api.example/Notes", testURL},
		{"another port", "https://api.example:8443/notes", testURL},
		{"user information, even on both sides", "https://u@api.example/notes", "https://u@api.example/notes"},
		{"a relative URL, even on both sides", "/notes", "/notes"},
		{"another scheme on both sides", "ftp://api.example/notes", "ftp://api.example/notes"},
		{"no URL on our side", testURL, ""},
		{"an encoding that is none", "https://api.example/%zz", "https://api.example/%zz2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proof := key.Proof(authtest.DPoPProof{Method: "GET", URL: tt.htu})
			if _, err := newVerifier(nil).Verify(t.Context(), proof, dpop.Request{Method: "GET", URL: tt.url}); !errors.Is(err, dpop.ErrURL) {
				t.Errorf("got %v, want ErrURL", err)
			}
		})
	}
}

func TestAlgorithms(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64(fmt.Appendf(nil, `{"typ":"dpop+jwt","alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":%q}}`, b64(public))) + "." +
		b64(fmt.Appendf(nil, `{"jti":"j","htm":"GET","htu":%q,"iat":%d}`, testURL, testTime.Unix()))
	proof := input + "." + b64(ed25519.Sign(private, []byte(input)))
	request := dpop.Request{Method: "GET", URL: testURL}
	if _, err := newVerifier(nil).Verify(t.Context(), proof, request); err != nil {
		t.Errorf("got %v (%v) for EdDSA, which is one of the usual", err, errors.Unwrap(err))
	}
	v := newVerifier(func(c *dpop.Config) { c.Algorithms = []jwt.Algorithm{jwt.ES256} })
	if _, err := v.Verify(t.Context(), proof, request); !errors.Is(err, dpop.ErrAlgorithm) {
		t.Errorf("got %v where only ES256 is allowed", err)
	}
	if got := fmt.Sprint(v.Algorithms()); got != "[ES256]" {
		t.Errorf("got %s", got)
	}
}

func TestReplayAcrossInstancesThatShareAStore(t *testing.T) {
	replays := newReplays()
	share := func(c *dpop.Config) { c.Replays = replays }
	a, b := newVerifier(share), newVerifier(share)
	key := authtest.NewDPoPKey(at(testTime))
	r := dpop.Request{Method: "GET", URL: testURL}
	proof := key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL})
	if _, err := a.Verify(t.Context(), proof, r); err != nil {
		t.Fatal(err)
	}
	_, err := b.Verify(t.Context(), proof, r)
	if !errors.Is(err, dpop.ErrReplay) || auth.AsError(err).Reason != dpop.ReasonReplay {
		t.Errorf("got %v, want a replay", err)
	}
	same := authtest.DPoPProof{Method: "GET", URL: testURL, Claims: object{"jti": "one"}}
	if _, err := a.Verify(t.Context(), key.Proof(same), r); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Verify(t.Context(), key.Proof(same), r); !errors.Is(err, dpop.ErrReplay) {
		t.Errorf("got %v for another signature over the same jti, want a replay", err)
	}
	if _, err := b.Verify(t.Context(), authtest.NewDPoPKey(at(testTime)).Proof(same), r); err != nil {
		t.Errorf("got %v for the jti of another client, want it to be its own", err)
	}
}

// The same jti for another URL is another proof; RFC 9449 §11.1 remembers it "in the context of the target URI".
func TestReplaysAreOfOneURL(t *testing.T) {
	v, key := newVerifier(nil), authtest.NewDPoPKey(at(testTime))
	for _, url := range []string{testURL, testURL + "/1"} {
		proof := key.Proof(authtest.DPoPProof{Method: "GET", URL: url, Claims: object{"jti": "one"}})
		if _, err := v.Verify(t.Context(), proof, dpop.Request{Method: "GET", URL: url}); err != nil {
			t.Errorf("%s: got %v", url, err)
		}
	}
}

// A key that is known saves its reading, and nothing else.
func TestKnownKeysAreCheckedLikeOthers(t *testing.T) {
	v, r := newVerifier(nil), dpop.Request{Method: "GET", URL: testURL}
	key := authtest.NewDPoPKey(at(testTime))
	proof := func() string { return key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL}) }
	for range 2 {
		if p, err := v.Verify(t.Context(), proof(), r); err != nil || p.Thumbprint != key.Thumbprint() {
			t.Fatalf("got %v and %v", p, err)
		}
	}
	if _, err := v.Verify(t.Context(), swapPayload(proof(), proof()), r); !errors.Is(err, dpop.ErrSignature) {
		t.Errorf("got %v for a known header over other claims", err)
	}
	r.Thumbprint = authtest.NewDPoPKey(nil).Thumbprint()
	if _, err := v.Verify(t.Context(), proof(), r); !errors.Is(err, dpop.ErrThumbprint) {
		t.Errorf("got %v for a known key that the token is not bound to", err)
	}
	r.Thumbprint = ""
	for range 1100 { // more than are kept
		p := authtest.NewDPoPKey(at(testTime)).Proof(authtest.DPoPProof{Method: "GET", URL: testURL})
		if _, err := v.Verify(t.Context(), p, r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Verify(t.Context(), proof(), r); err != nil {
		t.Errorf("got %v for a key that may have been forgotten", err)
	}
}

// recorder keeps what it was told last.
type recorder struct {
	key   string
	until time.Time
}

func (s *recorder) Once(_ context.Context, key string, until time.Time) (bool, error) {
	s.key, s.until = key, until
	return true, nil
}

func TestProofsAreRememberedForAsLongAsTheyAreGood(t *testing.T) {
	store := &recorder{}
	v := newVerifier(func(c *dpop.Config) { c.Replays, c.Lifetime, c.Leeway = store, 2*time.Minute, 30*time.Second })
	issued := testTime.Add(-time.Minute)
	proof := authtest.NewDPoPKey(at(issued)).Proof(authtest.DPoPProof{Method: "GET", URL: testURL})
	if _, err := v.Verify(t.Context(), proof, dpop.Request{Method: "GET", URL: testURL}); err != nil {
		t.Fatal(err)
	}
	// Another instance, whose clock is behind by the leeway, takes it until its own iat + Lifetime + Leeway.
	if want := issued.Add(3 * time.Minute); !store.until.Equal(want) || len(store.key) != 48 || !strings.HasPrefix(store.key, "dpop:") {
		t.Errorf("got %q remembered until %v, want until %v", store.key, store.until, want)
	}
}

type brokenStore struct{ err error }

func (s brokenStore) Once(context.Context, string, time.Time) (bool, error) { return true, s.err }

func TestOutages(t *testing.T) {
	key := authtest.NewDPoPKey(at(testTime))
	proof := key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL})
	r := dpop.Request{Method: "GET", URL: testURL}
	v := newVerifier(func(c *dpop.Config) { c.Replays = brokenStore{errors.New("down")} })
	p, err := v.Verify(t.Context(), proof, r)
	if p != nil || auth.KindOf(err) != auth.KindUnavailable || dpop.Code(err) != "" {
		t.Errorf("got %v and %v where the store is down, want unavailable and no code", p, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v = newVerifier(func(c *dpop.Config) { c.Replays = brokenStore{} })
	if _, err := v.Verify(ctx, proof, r); auth.AsError(err).Reason != auth.ReasonCancelled {
		t.Errorf("got %v where the caller went away", err)
	}
}

func TestFromHeader(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		kind   auth.Kind
	}{
		{"one proof is taken", []string{"p"}, 0},
		{"no proof is missing", nil, auth.KindInvalid},
		{"an empty field is no proof", []string{""}, auth.KindInvalid},
		{"two fields are ambiguous", []string{"p", "p"}, auth.KindMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			for _, v := range tt.values {
				h.Add(dpop.Header, v)
			}
			got, err := dpop.FromHeader(h)
			if auth.KindOf(err) != tt.kind || (got == "p") != (tt.kind == 0) {
				t.Errorf("got %q and %v, want kind %v", got, err, tt.kind)
			}
			if tt.kind == auth.KindInvalid && !errors.Is(err, dpop.ErrMissing) {
				t.Errorf("got %v, want ErrMissing", err)
			}
		})
	}
}

func TestVerifierConfigurationsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*dpop.Config)
		want   string
	}{
		{"no replay store", func(c *dpop.Config) { c.Replays = nil }, "Replays"},
		{"an HMAC", func(c *dpop.Config) { c.Algorithms = []jwt.Algorithm{jwt.HS256} }, "HS256"},
		{"an unknown algorithm", func(c *dpop.Config) { c.Algorithms = []jwt.Algorithm{"none"} }, "none"},
		{"an empty list of algorithms", func(c *dpop.Config) { c.Algorithms = []jwt.Algorithm{} }, "Algorithms"},
		{"a lifetime beyond the limit", func(c *dpop.Config) { c.Lifetime = 2 * time.Hour }, "Lifetime"},
		{"a negative leeway", func(c *dpop.Config) { c.Leeway = -1 }, "Leeway"},
		{"a negative length", func(c *dpop.Config) { c.MaxBytes = -1 }, "MaxBytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := dpop.Config{Replays: newReplays()}
			tt.change(&c)
			if v, err := dpop.NewVerifier(c); v != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v and %v, want an error about %s", v, err, tt.want)
			}
		})
	}
	if _, err := dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{MaxEntries: -1}); err == nil {
		t.Error("got no error for a negative number of entries")
	}
}

func FuzzVerify(f *testing.F) {
	clock := at(time.Unix(1562262618, 0))
	f.Add(rfcProof)
	f.Add(rfcTokenProof)
	f.Add("")
	f.Add("..")
	f.Add(rfcHeader + ".e30.AA")
	r := dpop.Request{Method: "GET", URL: "https://resource.example.org/protectedresource", AccessToken: rfcAccessToken, Thumbprint: rfcKey}
	f.Fuzz(func(t *testing.T, proof string) {
		v := newVerifier(func(c *dpop.Config) {
			c.Clock = clock
			c.Replays = must(dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{Clock: clock}))
		})
		p, err := v.Verify(t.Context(), proof, r)
		if (p == nil) == (err == nil) {
			t.Fatal("neither or both of a proof and an error")
		}
		if err == nil && proof != rfcProof {
			t.Fatalf("accepted %q, which nobody signed", proof)
		}
		if err != nil && auth.KindOf(err) != auth.KindInvalid {
			t.Fatalf("got %v for a bad proof", err)
		}
	})
}

// An htu that is taken for the request's URL has its scheme and its host, and names no user.
func FuzzURL(f *testing.F) {
	key := authtest.NewDPoPKey(at(testTime))
	v := newVerifier(func(c *dpop.Config) { c.Replays = brokenStore{} })
	f.Add(testURL, testURL+"?a=b")
	f.Add("https://API.example:443/a/../notes", testURL)
	f.Add("https://u@api.example/notes", "https://u@api.example/notes")
	f.Add("https://api.example/%2e%2e/notes", testURL)
	f.Fuzz(func(t *testing.T, htu, target string) {
		if !utf8.ValidString(htu) {
			return // the fake client can't write it
		}
		proof := key.Proof(authtest.DPoPProof{Method: "GET", URL: htu})
		if _, err := v.Verify(t.Context(), proof, dpop.Request{Method: "GET", URL: target}); err != nil {
			return
		}
		a, errA := url.Parse(strings.FieldsFunc(htu, func(r rune) bool { return r == '?' || r == '#' })[0])
		b, errB := url.Parse(strings.FieldsFunc(target, func(r rune) bool { return r == '?' || r == '#' })[0])
		if errA != nil || errB != nil || a.Scheme != b.Scheme || !strings.EqualFold(a.Hostname(), b.Hostname()) || a.User != nil || b.User != nil {
			t.Fatalf("took %q for %q", htu, target)
		}
	})
}
