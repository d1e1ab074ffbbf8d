package apikey_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/throttle"
)

func TestAuthenticatorKeepsTheContract(t *testing.T) {
	v := newService(t, setup{})
	broken := newKeys(t, func(c *apikey.Config) {
		c.Store = &spyStore{find: func(context.Context, string) (*apikey.Record, error) { return nil, errors.New("down") }}
	})
	outage, err := broken.Authenticator(apikey.AuthenticatorConfig{})
	must(t, err)
	wrong := sealed("acme_live_" + v.issued.Record.ID + "_" + strings.Repeat("w", 32))
	authtest.TestAuthenticator(t, authtest.AuthenticatorKit{
		Authenticator: v.authn,
		Outage:        outage,
		Good:          func() *http.Request { return authtest.Request("GET", "/", "Authorization", "Bearer "+v.key()) },
		Bad: func() []*http.Request {
			return []*http.Request{
				authtest.Request("GET", "/", "Authorization", "Bearer "+wrong),
				authtest.Request("GET", "/", "X-API-Key", wrong),
				authtest.Request("GET", "/", "X-API-Key", v.key()[:60]+"!"),
			}
		},
	})
}

func TestAStoreThatFailsIsAnOutageAndNeverARefusal(t *testing.T) {
	for name, find := range map[string]func(context.Context, string) (*apikey.Record, error){
		"an error": func(context.Context, string) (*apikey.Record, error) {
			return nil, errors.New("db: password=hunter2222")
		},
		"a deadline":          func(context.Context, string) (*apikey.Record, error) { return nil, context.DeadlineExceeded },
		"a refusal of ours":   func(context.Context, string) (*apikey.Record, error) { return nil, auth.Invalid("x", nil) },
		"a record of another": func(context.Context, string) (*apikey.Record, error) { return &apikey.Record{ID: "x"}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			v := newService(t, setup{})
			v.store.find = find
			a := v.send(v.key())
			if a.status != 503 || a.header.Get("Retry-After") == "" || len(a.challenges) != 0 || strings.Contains(a.body, "hunter2222") {
				t.Errorf("got %d, %v: %s", a.status, a.header, a.body)
			}
			if v.keys.Revoke(t.Context(), v.issued.Record.ID, "") == nil {
				t.Error("a change went through a store that fails")
			}
		})
	}
	t.Run("nothing at all is no such key", func(t *testing.T) {
		v := newService(t, setup{})
		v.store.find = func(context.Context, string) (*apikey.Record, error) { return nil, nil }
		v.want(v.send(v.key()), 401, auth.ReasonUnknown)
	})
	t.Run("a hang ends with the request's deadline", func(t *testing.T) {
		v := newService(t, setup{})
		v.store.find = func(ctx context.Context, _ string) (*apikey.Record, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		v.want(v.do(v.request(v.key()).WithContext(ctx)), 503, auth.ReasonDeadline)
	})
	t.Run("a panic goes on and is never a pass", func(t *testing.T) {
		v := newService(t, setup{})
		v.store.find = func(context.Context, string) (*apikey.Record, error) { panic("store") }
		defer func() {
			if recover() == nil || v.next != nil || v.events.Last().Outcome != auth.OutcomePanicked {
				t.Errorf("got event %v", v.events.Last())
			}
		}()
		v.send(v.key())
	})
	t.Run("a corrupt row is no way in", func(t *testing.T) {
		for _, corrupt := range []func(*apikey.Record){
			func(r *apikey.Record) { r.Digest = "" },
			func(r *apikey.Record) { r.Digest = "s1$" },
			func(r *apikey.Record) { r.Digest = "s1$" + strings.Repeat("0", 63) },
			func(r *apikey.Record) { r.Digest = "h1$gone$" + strings.Repeat("0", 64) },
			func(r *apikey.Record) { r.Digest = "x256$" + strings.Repeat("0", 64) },
			func(r *apikey.Record) { r.Digest = "plain" },
			func(r *apikey.Record) { r.Scopes = []string{"a b"} },
			func(r *apikey.Record) { r.Subject = "" },
		} {
			v := newService(t, setup{})
			v.store.find = func(ctx context.Context, id string) (*apikey.Record, error) {
				r, err := v.store.Store.Find(ctx, id)
				c := r.Clone()
				corrupt(c)
				return c, err
			}
			v.want(v.send(v.key()), 401, apikey.ReasonBadRecord)
		}
		v := newService(t, setup{})
		v.store.find = func(ctx context.Context, id string) (*apikey.Record, error) {
			r, err := v.store.Store.Find(ctx, id)
			c := r.Clone()
			c.ExpiresAt = time.Time{}
			return c, err
		}
		v.want(v.send(v.key()), 401, auth.ReasonExpired)
	})
}

func TestACancelledRequestIsNoSuccess(t *testing.T) {
	v := newService(t, setup{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v.want(v.do(v.request(v.key()).WithContext(ctx)), 503, auth.ReasonCancelled)
	if v.store.finds.Load() != 0 {
		t.Error("the store was asked for a request that is over")
	}
	ctx, cancel = context.WithCancel(t.Context())
	v.store.find = func(ctx context.Context, id string) (*apikey.Record, error) {
		defer cancel()
		return v.store.Store.Find(ctx, id)
	}
	v.want(v.do(v.request(v.key()).WithContext(ctx)), 503, auth.ReasonCancelled)
	must(t, v.keys.Close(t.Context()))
	if v.store.touches.Load() != 0 {
		t.Error("a use was recorded")
	}
}

func TestRevokedWhileARequestIsInFlight(t *testing.T) {
	v := newService(t, setup{})
	v.store.find = func(ctx context.Context, id string) (*apikey.Record, error) {
		r, err := v.store.Store.Find(ctx, id)
		v.store.find = nil
		must(t, v.keys.Revoke(ctx, id, "lost"))
		return r, err
	}
	v.want(v.send(v.key()), 200, "")
	v.want(v.send(v.key()), 401, auth.ReasonRevoked)
}

func TestNetworks(t *testing.T) {
	allowed := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::ffff:192.0.2.0/120")}
	behind, err := auth.ForwardedFor(netip.MustParsePrefix("172.16.0.0/12"))
	must(t, err)
	for _, row := range []struct {
		name, peer, forwarded string
		status                int
	}{
		{"inside", "10.1.2.3:1", "", 200},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", "", 200},
		{"a mapped network is one of IPv4", "192.0.2.9:1", "", 200},
		{"IPv6 inside", "[2001:db8::1]:1", "", 200},
		{"outside", "11.0.0.1:1", "", 403},
		{"IPv6 outside", "[2001:db9::1]:1", "", 403},
		{"a peer that is no address", "@", "", 403},
		{"an empty peer", "", "", 403},
		{"a forged header from a stranger", "11.0.0.1:1", "10.0.0.1", 403},
		{"behind a proxy", "172.16.0.1:1", "10.0.0.1", 200},
		{"behind a proxy, with a forged first hop", "172.16.0.1:1", "10.0.0.1, 11.0.0.1", 403},
		{"behind a proxy, with a hop that is none", "172.16.0.1:1", "10.0.0.1, x", 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			limit := &countingLimiter{}
			v := newService(t, setup{
				config: func(c *apikey.Config) { c.Limit = limit },
				authn:  apikey.AuthenticatorConfig{ClientAddr: behind},
				key:    func(r *apikey.Request) { r.Networks = allowed },
			})
			r := v.request(v.key())
			r.RemoteAddr = row.peer
			if row.forwarded != "" {
				r.Header.Set("X-Forwarded-For", row.forwarded)
			}
			a := v.do(r)
			reason := auth.ReasonAddress
			if row.status == 200 {
				reason = ""
			}
			v.want(a, row.status, reason)
			if strings.Contains(a.body, "10.0.0.0") {
				t.Error("the list is told")
			}
			if row.status == 403 && limit.charged != 0 {
				t.Error("a request from a wrong place was charged to the key")
			}
		})
	}
	t.Run("an address with a zone is in no network", func(t *testing.T) {
		v := newService(t, setup{key: func(r *apikey.Request) { r.Networks = []netip.Prefix{netip.MustParsePrefix("fe80::/10")} }})
		_, err := v.keys.VerifyFrom(t.Context(), v.key(), netip.MustParseAddr("fe80::1%eth0"))
		refused(t, err, auth.KindForbidden, auth.ReasonAddress)
	})
	t.Run("without an address a bound key is refused", func(t *testing.T) {
		v := newService(t, setup{key: func(r *apikey.Request) { r.Networks = allowed }})
		_, err := v.keys.Verify(t.Context(), v.key())
		refused(t, err, auth.KindForbidden, auth.ReasonAddress)
		_, err = v.keys.VerifyFrom(t.Context(), v.key(), netip.MustParseAddr("::ffff:10.0.0.1"))
		must(t, err)
	})
	for name, list := range map[string][]netip.Prefix{"empty": {}, "corrupt": {{}}} {
		t.Run("a stored list that is "+name+" is nowhere", func(t *testing.T) {
			v := newService(t, setup{})
			v.store.find = func(ctx context.Context, id string) (*apikey.Record, error) {
				r, err := v.store.Store.Find(ctx, id)
				c := r.Clone()
				c.Networks = list
				return c, err
			}
			v.want(v.send(v.key()), 403, auth.ReasonAddress)
		})
	}
}

func TestScopes(t *testing.T) {
	v := newService(t, setup{guard: func(c *middleware.Config) { c.Require = auth.Scopes("notes:read") }})
	v.want(v.send(v.key()), 200, "")
	none := mustCreate(t, v.keys, func(r *apikey.Request) { r.Scopes = auth.ScopeSet{} })
	v.want(v.send(none.Secret.Reveal()), 403, auth.ReasonMissingScope)
	other := mustCreate(t, v.keys, func(r *apikey.Request) { r.Scopes = auth.MustScopeSet("notes") })
	a := v.do(authtest.Request("GET", "/", "Authorization", "Bearer "+other.Secret.Reveal()))
	v.want(a, 403, auth.ReasonMissingScope)
	if len(a.challenges) != 1 || !strings.Contains(a.challenges[0], `error="insufficient_scope"`) {
		t.Errorf("got %q, want insufficient_scope", a.challenges)
	}
}

// countingLimiter allows the first most charges, or all where most is 0.
type countingLimiter struct {
	mu            sync.Mutex
	charged, most int
	keys          []string
	err           error
}

func (l *countingLimiter) Reserve(_ context.Context, key string, cost int) (throttle.Decision, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return throttle.Decision{}, l.err
	}
	if l.most > 0 && l.charged >= l.most {
		return throttle.Decision{RetryAfter: 1500 * time.Millisecond}, nil
	}
	l.charged += cost
	l.keys = append(l.keys, key)
	return throttle.Decision{Allowed: true}, nil
}

func (l *countingLimiter) Refund(context.Context, string, int) error { return nil }

func TestTheLimitOfAKeyBelongsToItsFamily(t *testing.T) {
	limit := &countingLimiter{most: 2}
	v := newService(t, setup{config: func(c *apikey.Config) { c.Limit = limit }})
	wrong := sealed("acme_live_" + v.issued.Record.ID + "_" + strings.Repeat("w", 32))
	v.want(v.send(wrong), 401, auth.ReasonMismatch)
	v.want(v.send(v.key()), 200, "")
	next, err := v.keys.Rotate(t.Context(), v.issued.Record.ID, time.Hour)
	must(t, err)
	v.want(v.send(next.Secret.Reveal()), 200, "")
	a := v.send(next.Secret.Reveal())
	v.want(a, 429, auth.ReasonThrottled)
	if a.header.Get("Retry-After") != "2" {
		t.Errorf("Retry-After is %q, want 2", a.header.Get("Retry-After"))
	}
	if limit.charged != 2 || limit.keys[0] != limit.keys[1] {
		t.Errorf("charged %d to %v, want 2 to one family", limit.charged, limit.keys)
	}
	limit.err = errors.New("redis is down")
	v.want(v.send(next.Secret.Reveal()), 503, auth.ReasonUnavailable)
}

func TestARequestThatPassesTwoGuardsIsChargedOnce(t *testing.T) {
	limit := &countingLimiter{}
	v := newService(t, setup{config: func(c *apikey.Config) { c.Limit = limit }})
	inner, err := v.guard.Require(auth.Scopes("notes:read"))
	must(t, err)
	h := v.guard.Handler(inner.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	if resp := authtest.Do(h, v.request(v.key())); resp.StatusCode != 200 {
		t.Fatalf("got %d", resp.StatusCode)
	}
	if limit.charged != 1 {
		t.Errorf("charged %d times, want once", limit.charged)
	}
}

func TestKeysThatAreNoneAreLimitedByNetwork(t *testing.T) {
	clk := newClock()
	misses, err := throttle.NewSources(throttle.SourcesConfig{Clock: clk.Now})
	must(t, err)
	v := newService(t, setup{config: func(c *apikey.Config) { c.Misses = misses }})
	from := func(addr, key string) answer {
		r := v.request(key)
		r.RemoteAddr = addr
		return v.do(r)
	}
	wrong := sealed("acme_live_" + v.issued.Record.ID + "_" + strings.Repeat("w", 32))
	for range 100 { // right keys cost nothing
		if a := from("192.0.2.1:1", v.key()); a.status != 200 {
			t.Fatalf("got %d for a right key", a.status)
		}
	}
	refusals := 0
	for from("192.0.2.1:1", wrong).status == 401 {
		refusals++
	}
	if refusals == 0 || refusals > 50 {
		t.Errorf("%d wrong keys were tried before the limit", refusals)
	}
	a := from("192.0.2.1:1", v.key())
	v.want(a, 429, auth.ReasonThrottled)
	if a.header.Get("Retry-After") == "" || len(a.challenges) != 0 {
		t.Errorf("got headers %v", a.header)
	}
	v.want(from("192.0.2.2:1", v.key()), 200, "")
	for range 100 { // transports without addresses would all share one budget
		_, err := v.keys.Verify(t.Context(), wrong)
		refused(t, err, auth.KindInvalid, auth.ReasonMismatch)
	}
	if _, err := v.keys.Verify(t.Context(), v.key()); err != nil {
		t.Errorf("without an address: %v", err)
	}
	clk.Add(time.Hour)
	v.want(from("192.0.2.1:1", v.key()), 200, "")
}

func TestAMillionUnknownKeysTakeBoundedMemory(t *testing.T) {
	misses, err := throttle.NewSources(throttle.SourcesConfig{MaxKeys: 1024, Clock: newClock().Now})
	must(t, err)
	v := newService(t, setup{config: func(c *apikey.Config) { c.Misses = misses }})
	victim := netip.MustParseAddr("198.51.100.7")
	unknown := sealed("acme_live_AAAAAAAAAAAA_" + strings.Repeat("s", 32))
	for range 64 {
		_, _ = v.keys.VerifyFrom(t.Context(), unknown, victim)
	}
	tries := 1_000_000
	if testing.Short() || raceEnabled {
		tries = 20_000
	}
	kinds := map[auth.Kind]int{}
	for i := range tries {
		n := i / 40 // tries from each of 25,000 networks, far more than the table holds
		addr := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
		_, err := v.keys.VerifyFrom(t.Context(), unknown, addr)
		kinds[auth.KindOf(err)]++
	}
	if kinds[auth.KindInvalid] == 0 || kinds[auth.KindThrottled] == 0 || len(kinds) != 2 {
		t.Errorf("got %v, want refusals and then limits", kinds)
	}
	_, err = v.keys.VerifyFrom(t.Context(), v.key(), victim)
	refused(t, err, auth.KindThrottled, auth.ReasonThrottled)
}

func pepper(id string) apikey.Pepper {
	return apikey.Pepper{ID: id, Key: []byte(strings.Repeat(id, 64)[:64])}
}

func storedDigest(t *testing.T, s apikey.Store, id string) string {
	t.Helper()
	r, err := s.Find(t.Context(), id)
	must(t, err)
	return r.Digest
}

func TestDigestsAreUpgradedOnUse(t *testing.T) {
	v := newService(t, setup{})
	id := v.issued.Record.ID
	if d := storedDigest(t, v.store.Store, id); !strings.HasPrefix(d, "s1$") || strings.Contains(d, v.key()) {
		t.Fatalf("got digest %q", d)
	}
	var changes []apikey.Change
	with := func(peppers ...apikey.Pepper) *apikey.Keys {
		return newKeys(t, func(c *apikey.Config) {
			c.Store, c.Clock, c.Peppers = v.store, v.clock.Now, peppers
			c.AllowPlainDigests = true
			c.OnChange = func(_ context.Context, c apikey.Change) { changes = append(changes, c) }
		})
	}
	for _, step := range []struct {
		keys   *apikey.Keys
		prefix string
	}{{with(pepper("2025")), "h1$2025$"}, {with(pepper("2026"), pepper("2025")), "h1$2026$"}} {
		v.store.updates.Store(0)
		for range 3 {
			_, err := step.keys.Verify(t.Context(), v.key())
			must(t, err)
		}
		if d := storedDigest(t, v.store.Store, id); !strings.HasPrefix(d, step.prefix) || v.store.updates.Load() != 1 {
			t.Errorf("got digest %q after %d updates, want %s after one", d, v.store.updates.Load(), step.prefix)
		}
	}
	if len(changes) != 2 || changes[0].Action != apikey.ActionUpgraded {
		t.Errorf("got changes %v", changes)
	}
	_, err := with(pepper("2027")).Verify(t.Context(), v.key())
	refused(t, err, auth.KindInvalid, apikey.ReasonBadRecord)
}

func TestADigestThatAnybodyCanComputeIsRefusedWithAPepper(t *testing.T) {
	store := apikey.NewMemoryStore(apikey.MemoryConfig{})
	with := func(change func(*apikey.Config)) *apikey.Keys {
		return newKeys(t, func(c *apikey.Config) { formats(c); c.Store = store; change(c) })
	}
	planted := mustCreate(t, with(func(*apikey.Config) {}), nil).Secret.Reveal()
	const foreign = "8charsID.abcdefghijklmnopqrstuvwxyz012345"
	sum := sha512.Sum512([]byte(foreign))
	in := apikey.Import{Request: apikey.Request{Subject: "alice"}, Format: "drf", ID: "8charsID", Digest: sum[:]}
	_, err := with(func(*apikey.Config) {}).Import(t.Context(), in)
	must(t, err)

	peppered := with(func(c *apikey.Config) { c.Peppers = []apikey.Pepper{pepper("2026")} })
	digests := apikey.CountDigests(peppered)
	for name, key := range map[string]string{"a plain digest": planted, "a digest of another system": foreign} {
		digests.Store(0)
		_, err := peppered.Verify(t.Context(), key)
		refused(t, err, auth.KindInvalid, apikey.ReasonBadRecord)
		if n := digests.Load(); n != 1 {
			t.Errorf("%s: %d digests, want the one of every look-up", name, n)
		}
	}
	in.ID = "8charsIE"
	if _, err := peppered.Import(t.Context(), in); err == nil {
		t.Error("a key was imported that would be refused")
	}

	changing := with(func(c *apikey.Config) { c.Peppers, c.AllowPlainDigests = []apikey.Pepper{pepper("2026")}, true })
	for _, key := range []string{planted, foreign} {
		_, err := changing.Verify(t.Context(), key)
		must(t, err)
		_, err = peppered.Verify(t.Context(), key) // it has a keyed digest now
		must(t, err)
	}
}

func TestAnUpgradeThatFailsCostsNobodyAnything(t *testing.T) {
	for name, fail := range map[string]error{"a read-only store": errors.New("read-only"), "another was faster": apikey.ErrConflict} {
		t.Run(name, func(t *testing.T) {
			v := newService(t, setup{})
			var reported []error
			k := newKeys(t, func(c *apikey.Config) {
				c.Store, c.Clock, c.Peppers, c.AllowPlainDigests = v.store, v.clock.Now, []apikey.Pepper{pepper("2026")}, true
				c.OnError = func(err error) { reported = append(reported, err) }
			})
			v.store.update = func(context.Context, *apikey.Record) error { return fail }
			if _, err := k.Verify(t.Context(), v.key()); err != nil {
				t.Errorf("got %v, want success", err)
			}
			if want := !errors.Is(fail, apikey.ErrConflict); (len(reported) == 1) != want {
				t.Errorf("reported %v", reported)
			}
		})
	}
}

func TestAnUpgradeThatHangsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &spyStore{Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}
		key := mustCreate(t, newKeys(t, func(c *apikey.Config) { c.Store = store }), nil).Secret.Reveal()
		var reported []error
		k := newKeys(t, func(c *apikey.Config) {
			c.Store, c.Peppers, c.AllowPlainDigests = store, []apikey.Pepper{pepper("2026")}, true
			c.OnError = func(err error) { reported = append(reported, err) }
		})
		store.update = func(ctx context.Context, _ *apikey.Record) error {
			<-ctx.Done()
			return ctx.Err()
		}
		start := time.Now()
		_, err := k.Verify(t.Context(), key)
		if d := time.Since(start); err != nil || d > time.Second || len(reported) != 1 {
			t.Errorf("got %v after %v, and reported %v", err, d, reported)
		}
		must(t, k.Close(t.Context()))
	})
}

func TestADigestIsTheHMACOfTheWholeKey(t *testing.T) {
	store := apikey.NewMemoryStore(apikey.MemoryConfig{})
	k := newKeys(t, func(c *apikey.Config) { c.Store, c.Peppers = store, []apikey.Pepper{pepper("2026")} })
	issued := mustCreate(t, k, nil)
	_, digits, _ := strings.Cut(strings.TrimPrefix(storedDigest(t, store, issued.Record.ID), "h1$"), "$")
	mac := hmac.New(sha256.New, pepper("2026").Key)
	mac.Write([]byte("apikey/1\x00" + issued.Secret.Reveal()))
	if want := hex.EncodeToString(mac.Sum(nil)); digits != want {
		t.Errorf("got %s, want %s", digits, want)
	}
}

func TestEveryLookUpComputesOneDigest(t *testing.T) {
	store := &spyStore{Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}
	k := newKeys(t, func(c *apikey.Config) { c.Store, c.Peppers = store, []apikey.Pepper{pepper("2026")} })
	digests := apikey.CountDigests(k)
	issued := mustCreate(t, k, nil)
	corrupt := sealed("acme_live_CCCCCCCCCCCC_" + strings.Repeat("s", 32))
	must(t, store.Create(t.Context(), &apikey.Record{ID: "CCCCCCCCCCCC", Subject: "s", Digest: "h1$gone$00", Version: 1}))
	for name, key := range map[string]string{
		"a right key":        issued.Secret.Reveal(),
		"a wrong secret":     sealed("acme_live_" + issued.Record.ID + "_" + strings.Repeat("s", 32)),
		"an unknown id":      sealed("acme_live_AAAAAAAAAAAA_" + strings.Repeat("s", 32)),
		"an unusable record": corrupt,
	} {
		digests.Store(0)
		_, _ = k.Verify(t.Context(), key)
		if n := digests.Load(); n != 1 {
			t.Errorf("%s: %d digests, want 1", name, n)
		}
	}
	digests.Store(0)
	_, _ = k.Verify(t.Context(), issued.Secret.Reveal()[:60]+"!")
	if n := digests.Load(); n != 0 {
		t.Errorf("a typing error cost %d digests", n)
	}
}

func TestThePrincipalDescribesItsKey(t *testing.T) {
	v := newService(t, setup{key: func(r *apikey.Request) {
		r.Issuer, r.Tenant, r.Metadata = "https://idp.example", "t1", map[string]string{"team": "a"}
	}})
	p, err := v.keys.Verify(t.Context(), v.key())
	must(t, err)
	r := v.issued.Record
	if p.Issuer() != "https://idp.example" || p.Tenant() != "t1" || p.Scheme() != "apikey" || p.CredentialID() != r.ID ||
		!p.IssuedAt().Equal(r.CreatedAt) || !p.ExpiresAt().Equal(r.ExpiresAt) || !p.AuthenticatedAt().IsZero() || p.Scopes().IsUnlimited() {
		t.Errorf("got %+v", p)
	}
	key, ok := auth.Data[apikey.Key](p)
	team, has := key.Metadata("team")
	if !ok || key.ID() != r.ID || key.Name() != "laptop" || key.Environment() != "live" || key.Kind() != "" || key.Family() != r.ID || team != "a" || !has {
		t.Errorf("got %v", key)
	}
	for _, text := range []string{key.String(), key.GoString(), key.LogValue().String()} {
		if !strings.Contains(text, r.ID) || strings.Contains(text, "s1$") {
			t.Errorf("the key prints as %s", text)
		}
	}
	copied := key.Record()
	copied.Metadata["team"], copied.Scopes[0] = "b", "all"
	if again := key.Record(); again.Metadata["team"] != "a" || again.Scopes[0] != "notes:read" || again.Digest != "" {
		t.Errorf("a handler changed the store's record: %+v", again)
	}
}
