package dpop_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/oauth2/dpop"
)

func TestMemoryReplaysConform(t *testing.T) {
	newStore := func(clock func() time.Time, n int) authtest.ReplayStore {
		return must(dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{Clock: clock, MaxEntries: n}))
	}
	authtest.TestReplayStore(t, authtest.ReplayStoreKit{
		New:        func(clock func() time.Time) authtest.ReplayStore { return newStore(clock, 0) },
		NewBounded: newStore,
	})
}

// What is swept is the first use of a key, not its second in the same second.
func TestMemoryReplaysKeepWhatWasUsedAgain(t *testing.T) {
	now := testTime
	m := must(dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{Clock: func() time.Time { return now }}))
	for _, step := range []struct {
		after, keep time.Duration
		first       bool
	}{{0, 500 * time.Millisecond, true}, {700 * time.Millisecond, time.Minute, true}, {time.Second, time.Minute, false}} {
		now = now.Add(step.after)
		if first, err := m.Once(t.Context(), "k", now.Add(step.keep)); err != nil || first != step.first {
			t.Errorf("after %v: got %v and %v, want %v", now.Sub(testTime), first, err, step.first)
		}
	}
}

func TestAFullReplayStoreMakesProofsUnavailable(t *testing.T) {
	now := testTime
	clock := func() time.Time { return now }
	v := newVerifier(func(c *dpop.Config) {
		c.Clock = clock
		c.Replays = must(dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{MaxEntries: 2, Clock: clock}))
	})
	key := authtest.NewDPoPKey(clock)
	verify := func() error {
		_, err := v.Verify(t.Context(), key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL}), dpop.Request{Method: "GET", URL: testURL})
		return err
	}
	for range 2 {
		if err := verify(); err != nil {
			t.Fatal(err)
		}
	}
	if err := verify(); auth.KindOf(err) != auth.KindUnavailable || !errors.Is(err, dpop.ErrReplaysFull) {
		t.Errorf("got %v, want unavailable", err)
	}
	now = now.Add(2 * time.Minute)
	if err := verify(); err != nil {
		t.Errorf("got %v when the others have had their time", err)
	}
}

func TestNonces(t *testing.T) {
	now := testTime
	clock := func() time.Time { return now }
	old, young := bytes.Repeat([]byte("a"), 32), bytes.Repeat([]byte("b"), 32)
	n := must(dpop.NewNonces(dpop.NoncesConfig{Keys: [][]byte{old}, Clock: clock, Lifetime: time.Minute}))
	twin := must(dpop.NewNonces(dpop.NoncesConfig{Keys: [][]byte{young, old}, Clock: clock, Lifetime: time.Minute}))
	stranger := must(dpop.NewNonces(dpop.NoncesConfig{Clock: clock, Lifetime: time.Minute}))
	first := n.Current()
	if !n.Accepts(first) || !twin.Accepts(first) || stranger.Accepts(first) || n.Accepts("") {
		t.Error("want a nonce accepted by those who share its key, and by nobody else")
	}
	if twin.Current() == first {
		t.Error("got the old key's nonce where a new key comes first")
	}
	for _, step := range []struct {
		after time.Duration
		want  bool
	}{{time.Minute, true}, {59 * time.Second, true}, {time.Second, false}} {
		now = now.Add(step.after)
		if got := n.Accepts(first); got != step.want {
			t.Errorf("after %v: got %v, want %v", now.Sub(testTime), got, step.want)
		}
	}
	now = testTime.Add(-time.Minute)
	if !n.Accepts(first) {
		t.Error("want the next span's nonce accepted: another instance's clock may be ahead")
	}
	for _, text := range []string{fmt.Sprint(n), fmt.Sprintf("%#v", n), fmt.Sprintf("%x", n), n.LogValue().String(), n.String(), n.GoString()} {
		if text != "[redacted]" {
			t.Errorf("got %q printed", text)
		}
	}
}

func TestProofsWithNonces(t *testing.T) {
	now := testTime
	clock := func() time.Time { return now }
	v := newVerifier(func(c *dpop.Config) {
		c.Clock = clock
		c.Nonces = must(dpop.NewNonces(dpop.NoncesConfig{Clock: clock, Lifetime: time.Minute}))
	})
	key := authtest.NewDPoPKey(clock)
	verify := func(nonce string) (*dpop.Proof, error) {
		return v.Verify(t.Context(), key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL, Nonce: nonce}), dpop.Request{Method: "GET", URL: testURL})
	}
	for _, nonce := range []string{"", "made-up", strings.Repeat("n", 200)} {
		if _, err := verify(nonce); !errors.Is(err, dpop.ErrNonce) || dpop.Code(err) != dpop.CodeUseNonce {
			t.Errorf("got %v and code %q for %.10q, want use_dpop_nonce", err, dpop.Code(err), nonce)
		}
	}
	if _, err := verify(strings.Repeat("n", 257)); !errors.Is(err, dpop.ErrClaims) {
		t.Errorf("got %v for a nonce beyond the limit", err)
	}
	nonce := v.Nonce()
	p, err := verify(nonce)
	if err != nil || p.NextNonce != "" {
		t.Fatalf("got %+v and %v, want no next nonce while this one is the newest", p, err)
	}
	now = now.Add(time.Minute)
	p, err = verify(nonce)
	if err != nil || p.NextNonce == "" || p.NextNonce != v.Nonce() {
		t.Errorf("got %+v and %v, want the newer nonce", p, err)
	}
	if got := newVerifier(nil).Nonce(); got != "" {
		t.Errorf("got nonce %q where none is demanded", got)
	}
}

func TestNonceConfigurationsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    dpop.NoncesConfig
	}{
		{"a short key", dpop.NoncesConfig{Keys: [][]byte{make([]byte, 31)}}},
		{"a key that was never filled", dpop.NoncesConfig{Keys: [][]byte{make([]byte, 32)}}},
		{"too many keys", dpop.NoncesConfig{Keys: slices.Repeat([][]byte{bytes.Repeat([]byte{7}, 32)}, 5)}},
		{"a lifetime of nothing", dpop.NoncesConfig{Lifetime: time.Second}},
		{"a lifetime beyond the limit", dpop.NoncesConfig{Lifetime: 2 * time.Hour}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if n, err := dpop.NewNonces(tt.c); n != nil || err == nil {
				t.Errorf("got %v and %v", n, err)
			}
		})
	}
}

func ExampleVerifier_Verify() {
	replays, err := dpop.NewMemoryReplays(dpop.MemoryReplaysConfig{})
	if err != nil {
		panic(err)
	}
	verifier, err := dpop.NewVerifier(dpop.Config{Replays: replays})
	if err != nil {
		panic(err)
	}
	client := authtest.NewDPoPKey(nil)
	proof := client.Proof(authtest.DPoPProof{Method: "POST", URL: "https://as.example/token"})

	request := dpop.Request{Method: "POST", URL: "https://as.example/token"}
	p, err := verifier.Verify(context.Background(), proof, request)
	fmt.Println(err, p.Thumbprint == client.Thumbprint())
	_, err = verifier.Verify(context.Background(), proof, request)
	fmt.Println(dpop.Code(err))
	// Output:
	// <nil> true
	// invalid_dpop_proof
}

func ExampleNewNonces() {
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{}) // a random key: for a service of one process
	if err != nil {
		panic(err)
	}
	fmt.Println(nonces.Accepts(nonces.Current()), nonces.Accepts("made up"))
	// Output: true false
}

func BenchmarkVerify(b *testing.B) {
	v := newVerifier(func(c *dpop.Config) { c.Replays = brokenStore{} })
	key := authtest.NewDPoPKey(at(testTime))
	proof := key.Proof(authtest.DPoPProof{Method: "GET", URL: testURL, AccessToken: "t"})
	r := dpop.Request{Method: "GET", URL: testURL, AccessToken: "t", Thumbprint: key.Thumbprint()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), proof, r); err != nil {
			b.Fatal(err)
		}
	}
}
