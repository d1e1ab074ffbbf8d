package basic_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/htpasswd"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// counting is a scheme of stored hashes that counts its computations: "count:<password>".
type counting struct {
	runs atomic.Int32
	hook func(password string)
}

func (c *counting) Parse(stored string) (*password.Record, error) {
	want, ok := strings.CutPrefix(stored, "count:")
	if !ok {
		return nil, password.ErrForeign
	}
	return &password.Record{
		Shape: "count", Memory: 1,
		Verify: func(p string) bool {
			c.runs.Add(1)
			if c.hook != nil {
				c.hook(p)
			}
			return p == want
		},
		Decoy: func() string { return "count:decoy" },
	}, nil
}

// store is a Users that can change and fail.
type store struct {
	mu      sync.Mutex
	users   map[string]basic.User
	mix     *password.Mix
	err     error
	asked   []string
	updates int
	noWrite bool
	find    func(name string) (basic.User, bool, error)
}

func (s *store) Find(_ context.Context, name string) (basic.User, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, name)
	if s.find != nil {
		return s.find(name)
	}
	u, ok := s.users[name]
	return u, ok, s.err
}

func (s *store) Mix() *password.Mix { return s.mix }

func (s *store) set(u basic.User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.Name] = u
}

func (s *store) get(name string) basic.User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.users[name]
}

var errReadOnly = errors.New("store is read-only")

// rehashing is a store whose hashes can be replaced.
type rehashing struct{ *store }

func (s rehashing) UpdateHash(_ context.Context, name, old, hash string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updates++
	if s.noWrite {
		return false, errReadOnly
	}
	u, ok := s.users[name]
	if !ok || u.PasswordHash != old {
		return false, nil
	}
	u.PasswordHash = hash
	s.users[name] = u
	return true, nil
}

// fixture is an authenticator over a counting hasher, behind a guard.
type fixture struct {
	*basic.Authenticator
	scheme *counting
	hasher *password.Hasher
	store  *store
	guard  *middleware.Guard
	events *authtest.Recorder
}

var cheap = password.Params{Memory: 64, Time: 1, Threads: 1}

func newFixture(t testing.TB, change func(*basic.Config)) *fixture {
	t.Helper()
	f := &fixture{scheme: &counting{}, events: &authtest.Recorder{}}
	f.hasher = must(password.New(password.Config{Params: cheap, Schemes: []password.Scheme{f.scheme}}))
	f.store = &store{users: map[string]basic.User{
		"anna":     {Name: "anna", PasswordHash: "count:secret", Roles: []string{"admin"}},
		"bert":     {Name: "bert", PasswordHash: "count:secret", Subject: "user-2"},
		"colon":    {Name: "colon", PasswordHash: "count:a:b:c"},
		"Tschüß":   {Name: "Tschüß", PasswordHash: "count:pässword"},
		"disabled": {Name: "disabled", PasswordHash: "count:secret", Disabled: true},
		"sso":      {Name: "sso"},
		"broken":   {Name: "broken", PasswordHash: "{PLAIN}secret"},
	}}
	f.store.mix = f.hasher.NewMix(func(yield func(string) bool) { yield("count:x") })
	c := basic.Config{Realm: "test", Users: f.store, Hasher: f.hasher, InsecureNoThrottle: true}
	if change != nil {
		change(&c)
	}
	var err error
	if f.Authenticator, err = basic.New(c); err != nil {
		t.Fatal(err)
	}
	f.guard = must(middleware.New(middleware.Config{Authenticator: f.Authenticator, Observer: f.events}))
	return f
}

func (f *fixture) do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	f.guard.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.FromContext(r.Context())
		w.Header().Set("Subject", p.Subject())
	}).ServeHTTP(w, r)
	return w.Result()
}

func request(values ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, v := range values {
		r.Header.Add("Authorization", v)
	}
	return r
}

func credentials(name, pw string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+pw))
}

func encode(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }

const challenge = `Basic realm="test", charset="UTF-8"`

func TestCredentials(t *testing.T) {
	tests := []struct {
		name    string
		header  string
		status  int
		subject string
		asked   bool // the store was
		reason  auth.Reason
	}{
		{"a right password", credentials("anna", "secret"), 200, "anna", true, ""},
		{"the principal's name is the subject where there is one", credentials("bert", "secret"), 200, "user-2", true, ""},
		{"the scheme's name in lower case", strings.Replace(credentials("anna", "secret"), "Basic", "basic", 1), 200, "anna", true, ""},
		{"the scheme's name in upper case", strings.Replace(credentials("anna", "secret"), "Basic", "BASIC", 1), 200, "anna", true, ""},
		{"colons in the password", credentials("colon", "a:b:c"), 200, "colon", true, ""},
		{"a name in decomposed form finds the composed one", credentials("Tschu\u0308ß", "pässword"), 200, "Tschüß", true, ""},
		{"a password in decomposed form is the composed one", credentials("Tschüß", "pa\u0308ssword"), 200, "Tschüß", true, ""},
		{"a wrong password", credentials("anna", "guess"), 401, "", true, auth.ReasonMismatch},
		{"an unknown name", credentials("nobody", "secret"), 401, "", true, auth.ReasonUnknown},
		{"the decoy's password for an unknown name", credentials("nobody", "decoy"), 401, "", true, auth.ReasonUnknown},
		{"a disabled user", credentials("disabled", "secret"), 401, "", true, auth.ReasonDisabled},
		{"a user without a password", credentials("sso", "secret"), 401, "", true, basic.ReasonNoPassword},
		{"a user with a hash that can't be read", credentials("broken", "secret"), 401, "", true, basic.ReasonBadRecord},
		{"that hash as the password", credentials("broken", "{PLAIN}secret"), 401, "", true, basic.ReasonBadRecord},
		{"a stored hash as the password", credentials("anna", "count:secret"), 401, "", true, auth.ReasonMismatch},
		{"the name in another case", credentials("Anna", "secret"), 401, "", true, auth.ReasonUnknown},
		{"the name with a trailing space", credentials("anna ", "secret"), 401, "", true, auth.ReasonUnknown},
		{"the name in full-width letters", credentials("ａｎｎａ", "secret"), 401, "", true, auth.ReasonUnknown},
		{"the password with a trailing space", credentials("anna", "secret "), 401, "", true, auth.ReasonMismatch},
		{"two spaces after the scheme", "Basic  " + credentials("anna", "secret")[6:], 401, "", false, auth.ReasonMalformed},
		{"a tab after the scheme", "Basic\t" + credentials("anna", "secret")[6:], 401, "", false, auth.ReasonMalformed},
		{"nothing after the scheme", "Basic", 401, "", false, auth.ReasonMalformed},
		{"a space after the scheme and nothing else", "Basic ", 401, "", false, auth.ReasonMalformed},
		{"a trailing space", credentials("anna", "secret") + " ", 401, "", false, auth.ReasonMalformed},
		{"not base64", "Basic !!!!", 401, "", false, auth.ReasonMalformed},
		{"the URL alphabet", "Basic " + base64.URLEncoding.EncodeToString([]byte("anna:\u00bf\u00bf\u00bf~~~???")), 401, "", false, auth.ReasonMalformed},
		{"missing padding", "Basic " + strings.TrimRight(credentials("anna", "secret")[6:], "="), 401, "", false, auth.ReasonMalformed},
		{"loose bits", "Basic dTpwMR==", 401, "", false, auth.ReasonMalformed},
		{"no colon", encode("annasecret"), 401, "", false, auth.ReasonMalformed},
		{"an empty name", encode(":secret"), 401, "", false, auth.ReasonMalformed},
		{"an empty password", encode("anna:"), 401, "", false, auth.ReasonMalformed},
		{"a colon and nothing else", encode(":"), 401, "", false, auth.ReasonMalformed},
		{"NUL in the password", encode("anna:sec\x00ret"), 401, "", false, auth.ReasonMalformed},
		{"NUL in the name", encode("an\x00na:secret"), 401, "", false, auth.ReasonMalformed},
		{"CR LF in the name", encode("anna\r\nx:secret"), 401, "", false, auth.ReasonMalformed},
		{"LF in the password", encode("anna:secret\n"), 401, "", false, auth.ReasonMalformed},
		{"DEL in the name", encode("anna\x7f:secret"), 401, "", false, auth.ReasonMalformed},
		{"C1 in the name", encode("anna\u0085:secret"), 401, "", false, auth.ReasonMalformed},
		{"C1 in the password", encode("anna:secret\u009b"), 401, "", false, auth.ReasonMalformed},
		{"invalid UTF-8 in the password", encode("anna:\xff\xfe"), 401, "", false, auth.ReasonMalformed},
		{"Latin-1 in the name", encode("Tsch\xfc\xdf:p\xe4ssword"), 401, "", false, auth.ReasonMalformed},
		{"a password of 1025 bytes, known name", credentials("anna", strings.Repeat("x", 1025)), 401, "", false, auth.ReasonTooLong},
		{"a password of 1025 bytes, unknown name", credentials("nobody", strings.Repeat("x", 1025)), 401, "", false, auth.ReasonTooLong},
		{"a name of 257 bytes", credentials(strings.Repeat("x", 257), "secret"), 401, "", false, auth.ReasonTooLong},
		{"a header of a mebibyte", "Basic " + strings.Repeat("A", 1<<20), 401, "", false, auth.ReasonTooLong},
		{"two challenges' worth in one line", credentials("anna", "secret") + ", Bearer y", 401, "", false, auth.ReasonMalformed},
		{"another scheme only", "Digest username=anna", 401, "", false, auth.ReasonForeign},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			res := f.do(request(tt.header))
			if res.StatusCode != tt.status || res.Header.Get("Subject") != tt.subject {
				t.Errorf("got %d for %q, want %d for %q", res.StatusCode, res.Header.Get("Subject"), tt.status, tt.subject)
			}
			if got := strings.Join(res.Header.Values("WWW-Authenticate"), "\n"); tt.status == 401 && got != challenge {
				t.Errorf("got the challenge %q, want %q", got, challenge)
			}
			if got := f.events.Last().Reason; got != tt.reason {
				t.Errorf("got reason %q, want %q", got, tt.reason)
			}
			runs := int(f.scheme.runs.Load())
			if want := map[bool]int{true: 1}[tt.asked]; len(f.store.asked) != want || runs != want {
				t.Errorf("got %d questions to the store and %d hashes, want %d each", len(f.store.asked), runs, want)
			}
		})
	}
}

func TestAHugeHeaderIsTheServersToRefuse(t *testing.T) {
	f := newFixture(t, nil)
	server := httptest.NewServer(f.guard.Handler(http.NotFoundHandler()))
	defer server.Close()
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil))
	r.Header.Set("Authorization", "Basic "+strings.Repeat("A", 10<<20))
	res, err := server.Client().Do(r)
	if err != nil {
		return // the server closed the connection before it had read all
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge || len(f.store.asked) != 0 {
		t.Errorf("got %d, want 431", res.StatusCode)
	}
}

func TestOtherHeaders(t *testing.T) {
	f := newFixture(t, nil)
	for _, r := range []*http.Request{
		request(credentials("anna", "secret"), credentials("anna", "secret")),
		request(credentials("anna", "secret"), "Bearer x"),
	} {
		res := f.do(r)
		if res.StatusCode != 400 || res.Header.Get("WWW-Authenticate") != "" {
			t.Errorf("two lines: got %d, %q; want 400 without a challenge", res.StatusCode, res.Header.Get("WWW-Authenticate"))
		}
	}
	proxy := request()
	proxy.Header.Set("Proxy-Authorization", credentials("anna", "secret"))
	for _, r := range []*http.Request{proxy, request()} {
		res := f.do(r)
		if res.StatusCode != 401 || res.Header.Get("WWW-Authenticate") != challenge {
			t.Errorf("got %d, %q; want 401 and the challenge", res.StatusCode, res.Header.Get("WWW-Authenticate"))
		}
	}
	if len(f.store.asked) != 0 {
		t.Errorf("got %d questions to the store, want none", len(f.store.asked))
	}
}

func TestMalformedIsNeverAnonymous(t *testing.T) {
	f := newFixture(t, nil)
	optional := must(middleware.New(middleware.Config{Authenticator: f.Authenticator, Optional: true}))
	for _, h := range []string{"Basic", "Basic !!!!", encode("x"), credentials("anna", "guess"), credentials("nobody", "x")} {
		w := httptest.NewRecorder()
		optional.Handler(http.NotFoundHandler()).ServeHTTP(w, request(h))
		if w.Code != 401 {
			t.Errorf("%q on an optional route: got %d, want 401", h, w.Code)
		}
	}
}

func TestScriptsGetNoDialog(t *testing.T) {
	f := newFixture(t, nil)
	g := must(middleware.New(middleware.Config{Authenticator: f.Authenticator, HideBasicFromScripts: true}))
	for mode, want := range map[string]string{"": challenge, "navigate": challenge, "cors": ""} {
		r := request(credentials("anna", "guess"))
		r.Header.Set("Sec-Fetch-Mode", mode)
		w := httptest.NewRecorder()
		g.Handler(http.NotFoundHandler()).ServeHTTP(w, r)
		if got := w.Header().Get("WWW-Authenticate"); w.Code != 401 || got != want {
			t.Errorf("Sec-Fetch-Mode %q: got %d, %q; want 401, %q", mode, w.Code, got, want)
		}
	}
}

func TestUnknownAndWrongAreAnsweredAlike(t *testing.T) {
	f := newFixture(t, nil)
	var answers []string
	for _, name := range []string{"anna", "nobody", "disabled", "sso", "broken"} {
		f.scheme.runs.Store(0)
		res := f.do(request(credentials(name, "guess")))
		var b strings.Builder
		if err := res.Write(&b); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, b.String())
		if got := f.scheme.runs.Load(); got != 1 {
			t.Errorf("%s: got %d hashes, want 1", name, got)
		}
	}
	for _, a := range answers[1:] {
		if a != answers[0] {
			t.Errorf("got %q and %q, want the same bytes", a, answers[0])
		}
	}
}

func TestAuthenticatorContract(t *testing.T) {
	f := newFixture(t, nil)
	down := newFixture(t, nil)
	down.store.err = errors.New("store is down")
	authtest.TestAuthenticator(t, authtest.AuthenticatorKit{
		Authenticator: f.Authenticator,
		Good:          func() *http.Request { return request(credentials("anna", "secret")) },
		Bad: func() []*http.Request {
			return []*http.Request{
				request(credentials("anna", "guess")), request(credentials("nobody", "secret")),
				request(credentials("disabled", "secret")), request("Basic !!!!"),
			}
		},
		Outage: down.Authenticator,
	})
}

func TestStoreThatFails(t *testing.T) {
	marker := "marker-7f3a"
	tests := []struct {
		name string
		find func(string) (basic.User, bool, error)
	}{
		{"an error", func(string) (basic.User, bool, error) { return basic.User{}, false, errors.New(marker) }},
		{"an error beside a user", func(string) (basic.User, bool, error) {
			return basic.User{Name: "anna", PasswordHash: "count:secret"}, true, errors.New(marker)
		}},
		{"a user of another name", func(string) (basic.User, bool, error) {
			return basic.User{Name: "bert", PasswordHash: "count:secret"}, true, nil
		}},
		{"a deadline", func(string) (basic.User, bool, error) { return basic.User{}, false, context.DeadlineExceeded }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.store.find = tt.find
			res := f.do(request(credentials("anna", "secret")))
			var b strings.Builder
			_ = res.Write(&b)
			if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || strings.Contains(b.String(), marker) || strings.Contains(b.String(), "Www-Auth") {
				t.Errorf("got %s; want 503 with Retry-After and nothing of the error", b.String())
			}
		})
	}
}

func TestVerifyWithoutHTTP(t *testing.T) {
	f := newFixture(t, nil)
	ctx := context.Background()
	p, err := f.Verify(ctx, "anna", "secret", netip.Addr{})
	if err != nil || p.Subject() != "anna" || !p.HasRole("admin") || p.Scheme() != "basic" || p.AuthenticatedAt().IsZero() {
		t.Fatalf("got %v, %v; want anna", p, err)
	}
	if p.Scopes().IsUnlimited() || p.Scopes().Len() != 0 {
		t.Error("got scopes by omission, want none")
	}
	for name, in := range map[string][2]string{
		"a colon in the name": {"anna:x", "secret"}, "an empty name": {"", "secret"}, "a long name": {strings.Repeat("x", 257), "y"},
		"an empty password": {"anna", ""}, "a long password": {"anna", strings.Repeat("x", 1025)},
	} {
		if p, err := f.Verify(ctx, in[0], in[1], netip.Addr{}); p != nil || auth.KindOf(err) != auth.KindInvalid {
			t.Errorf("%s: got %v, %v; want invalid", name, p, err)
		}
	}
	// A password that grows beyond the limit when it is normalized is refused like any other.
	if p, err := f.Verify(ctx, "anna", strings.Repeat("\U0001D160", 256), netip.Addr{}); p != nil || auth.KindOf(err) != auth.KindInvalid {
		t.Errorf("a password that grows: got %v, %v; want invalid", p, err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	asked := len(f.store.asked)
	if p, err := f.Verify(cancelled, "anna", "secret", netip.Addr{}); p != nil || auth.KindOf(err) != auth.KindUnavailable || len(f.store.asked) != asked {
		t.Errorf("cancelled: got %v, %v; want unavailable and no question", p, err)
	}
}

func TestCanonicalIsUsedEverywhere(t *testing.T) {
	fold := func(name string) (string, error) {
		if name == "root" {
			return "", errors.New("reserved")
		}
		return strings.ToLower(strings.TrimSpace(name)), nil
	}
	f := newFixture(t, func(c *basic.Config) {
		c.Canonical, c.Cache.Enable, c.InsecureNoThrottle = fold, true, false
	})
	for _, name := range []string{"anna", "ANNA", " Anna "} {
		p, err := f.Verify(context.Background(), name, "secret", netip.Addr{})
		if err != nil || p.Subject() != "anna" {
			t.Errorf("%q: got %v, %v; want anna", name, p, err)
		}
	}
	if got := f.scheme.runs.Load(); got != 1 {
		t.Errorf("got %d hashes, want 1: one cache entry", got)
	}
	for i, name := range []string{"anna", "ANNA", "aNNa", " anna", "annA", "Anna"} {
		_, err := f.Verify(context.Background(), name, "guess", netip.Addr{})
		if want := map[bool]auth.Kind{true: auth.KindInvalid, false: auth.KindThrottled}[i < 5]; auth.KindOf(err) != want {
			t.Errorf("guess %d: got %v, want %v", i+1, err, want)
		}
	}
	for _, name := range []string{"root", " "} {
		if _, err := f.Verify(context.Background(), name, "secret", netip.Addr{}); auth.KindOf(err) != auth.KindInvalid {
			t.Errorf("%q: got %v, want invalid", name, err)
		}
	}
}

func TestACanonicalOfOnesOwnGetsNamesThatCanBeOne(t *testing.T) {
	longest := strings.Repeat("x", basic.MaxNameBytes)
	longestPassword := strings.Repeat("y", password.MaxBytes)
	var got []string
	f := newFixture(t, func(c *basic.Config) {
		c.Canonical = func(name string) (string, error) {
			got = append(got, name)
			if name == "reserved" {
				return "anna", errors.New("not a name to log in with")
			}
			return name, nil
		}
	})
	f.store.set(basic.User{Name: longest, PasswordHash: "count:secret"})
	for _, row := range []struct {
		name, user, password string
		reason               auth.Reason
	}{
		{"a name that is too long", longest + "x", "secret", auth.ReasonTooLong},
		{"a password that is too long", "anna", longestPassword + "y", auth.ReasonTooLong},
		{"a name with a control character", "anna\n", "secret", auth.ReasonMalformed},
		{"a name that is not UTF-8", "anna\xff", "secret", auth.ReasonMalformed},
		{"a name with a colon", "anna:x", "secret", auth.ReasonMalformed},
		{"a name that it refuses", "reserved", "secret", auth.ReasonMalformed},
	} {
		if _, err := f.Verify(t.Context(), row.user, row.password, netip.Addr{}); auth.AsError(err).Reason != row.reason {
			t.Errorf("%s: got %v, want %s", row.name, auth.AsError(err).Reason, row.reason)
		}
	}
	if len(got) != 1 || len(f.store.asked) != 0 {
		t.Errorf("it was asked for %q, and the store for %q; want the reserved name and none", got, f.store.asked)
	}
	if _, err := f.Verify(t.Context(), longest, "wrong", netip.Addr{}); auth.AsError(err).Reason != auth.ReasonMismatch {
		t.Errorf("the longest name: got %v, want a wrong password", err)
	}
	if _, err := f.Verify(t.Context(), "anna", longestPassword, netip.Addr{}); auth.AsError(err).Reason != auth.ReasonMismatch {
		t.Errorf("the longest password: got %v, want a wrong one", err)
	}
}

func TestConfigurationSaysEveryMistake(t *testing.T) {
	h := must(password.New(password.Config{Params: cheap}))
	users := must(basic.NewStatic(h))
	logins := newFixture(t, nil)
	_ = logins
	tests := []struct {
		name string
		c    basic.Config
		want []string
	}{
		{"nothing", basic.Config{}, []string{"Realm", "Users", "Hasher"}},
		{"a realm with CR", basic.Config{Realm: "a\rb", Users: users, Hasher: h}, []string{"realm"}},
		{"a realm outside ASCII", basic.Config{Realm: "Büro", Users: users, Hasher: h}, []string{"realm"}},
		{"a name with a space", basic.Config{Realm: "x", Name: "a b", Users: users, Hasher: h}, []string{"name"}},
		{"cache that is not on", basic.Config{Realm: "x", Users: users, Hasher: h, Cache: basic.CacheConfig{TTL: 1}}, []string{"Enable"}},
		{"cache", basic.Config{Realm: "x", Users: users, Hasher: h, Cache: basic.CacheConfig{Enable: true, TTL: -1, MaxEntries: -1}}, []string{"TTL", "MaxEntries"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := basic.New(tt.c)
			if err == nil {
				t.Fatal("got no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to name %s", err, want)
				}
			}
		})
	}
	a := must(basic.New(basic.Config{Realm: `the "best" \ realm`, Users: users, Hasher: h}))
	if got, want := a.Schemes()[0].Challenge().String(), `Basic realm="the \"best\" \\ realm", charset="UTF-8"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNothingPrintsAHashOrAPassword(t *testing.T) {
	const hidden = "hidden-4c1d"
	values := []any{
		basic.User{Name: "anna", PasswordHash: hidden}, &basic.User{Name: "anna", PasswordHash: hidden},
		password.Attempt{Username: "anna", Password: hidden, Stored: hidden},
		htpasswd.Entry{Name: "anna", Hash: hidden}, []htpasswd.Entry{{Name: "anna", Hash: hidden}},
	}
	for _, v := range values {
		var b strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		b.Write(must(json.Marshal(v)))
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
		if got := b.String(); strings.Contains(got, hidden) || strings.Contains(got, hex.EncodeToString([]byte(hidden))) || !strings.Contains(got, "anna") {
			t.Errorf("%T: got %s", v, got)
		}
	}
}

func TestStaticUsers(t *testing.T) {
	h := must(password.New(password.Config{Params: cheap}))
	good := must(h.Hash(context.Background(), "secret"))
	tests := []struct {
		name  string
		users []basic.User
		want  string
	}{
		{"a name twice", []basic.User{{Name: "a", PasswordHash: good}, {Name: "a"}}, "twice"},
		{"a name that is not composed", []basic.User{{Name: "u\u0308"}}, "normalization"},
		{"a name with a colon", []basic.User{{Name: "a:b"}}, "name"},
		{"no name", []basic.User{{}}, "name"},
		{"a plain password as the hash", []basic.User{{Name: "a", PasswordHash: "hunter2"}}, "stored hash"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := basic.NewStatic(h, tt.users...); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, want an error about %q without the hash", err, tt.want)
			}
		})
	}
	if _, err := basic.NewStatic(nil); err == nil {
		t.Error("no hasher: got no error")
	}
	roles := []string{"admin"}
	s := must(basic.NewStatic(h, basic.User{Name: "anna", PasswordHash: good, Roles: roles}, basic.User{Name: "sso"}))
	roles[0] = "changed"
	u, ok, err := s.Find(context.Background(), "anna")
	if !ok || err != nil || u.Roles[0] != "admin" {
		t.Errorf("got %+v, %v, %v; want anna with her own roles", u, ok, err)
	}
	if d := h.Decoy(s.Mix(), "nobody"); !strings.HasPrefix(d, "$argon2id$v=19$m=64,") {
		t.Errorf("got the decoy %s, want one like the list's", d)
	}
	f := basic.UsersFunc(s.Find)
	a := must(basic.New(basic.Config{Realm: "x", Users: f, Hasher: h}))
	if p, err := a.Verify(context.Background(), "anna", "secret", netip.Addr{}); err != nil || p.Subject() != "anna" {
		t.Errorf("got %v, %v; want anna", p, err)
	}
	if _, err := a.Verify(context.Background(), "nobody", "secret", netip.Addr{}); auth.KindOf(err) != auth.KindInvalid {
		t.Errorf("got %v; want invalid", err)
	}
}
