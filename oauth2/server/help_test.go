package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/dpop"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

const (
	issuer = "https://id.example.com/oauth"
	api    = "https://api.example.com"
	files  = "https://files.example.com"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(start.UnixNano())
	return c
}

func (c *clock) now() time.Time      { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) add(d time.Duration) { c.ns.Add(int64(d)) }

// store counts its calls and fails where it is told to.
type store struct {
	*refresh.MemoryStore
	calls       atomic.Int64
	fail        atomic.Bool
	failOnWrite atomic.Bool
}

var errDown = errors.New("down")

func (s *store) count(write bool) error {
	s.calls.Add(1)
	if s.fail.Load() || write && s.failOnWrite.Load() {
		return errDown
	}
	return nil
}

func (s *store) Create(ctx context.Context, g refresh.Grant) error {
	if err := s.count(true); err != nil {
		return err
	}
	return s.MemoryStore.Create(ctx, g)
}

func (s *store) Find(ctx context.Context, id refresh.GrantID) (refresh.Grant, error) {
	if err := s.count(false); err != nil {
		return refresh.Grant{}, err
	}
	return s.MemoryStore.Find(ctx, id)
}

func (s *store) Swap(ctx context.Context, old, next refresh.Grant) error {
	if err := s.count(true); err != nil {
		return err
	}
	return s.MemoryStore.Swap(ctx, old, next)
}

func (s *store) Once(ctx context.Context, key string, until time.Time) (bool, error) {
	if err := s.count(true); err != nil {
		return false, err
	}
	return s.MemoryStore.Once(ctx, key, until)
}

type events struct {
	mu   sync.Mutex
	list []auth.Event
}

func (e *events) Observe(_ context.Context, event auth.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, event)
}

func (e *events) last() auth.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.list) == 0 {
		return auth.Event{}
	}
	return e.list[len(e.list)-1]
}

// world is a server with its clients:
//
//	worker   secret    client_credentials            read write   api, files
//	web      secrets   refresh_token, password       read write   api
//	phone    public    refresh_token, password       read write   api, default read
//	signer   keys      client_credentials            read         api
//	bound    secret    client_credentials            read         api, DPoP required
//	gateway  secret    none; serves api
//	idle     secret    none
type world struct {
	t       testing.TB
	clock   *clock
	store   *store
	events  *events
	server  *server.Server
	handler http.Handler
	secret  map[string]string
	config  server.Config
	signing *jwt.SigningKey
}

func newWorld(t testing.TB, change func(*server.Config)) *world {
	t.Helper()
	w := &world{t: t, clock: newClock(), events: &events{}, secret: make(map[string]string)}
	memory, err := refresh.NewMemoryStore(refresh.MemoryConfig{Clock: w.clock.now})
	check(t, err)
	w.store = &store{MemoryStore: memory}
	ring, err := jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{Clock: w.clock.now})
	check(t, err)
	proofs, err := dpop.NewVerifier(dpop.Config{Replays: w.store, Clock: w.clock.now})
	check(t, err)
	clients, err := server.NewClients(w.clients()...)
	check(t, err)
	w.config = server.Config{
		Issuer: issuer, Clients: clients, Resources: []string{api, files}, Keys: ring, DPoP: proofs,
		Sessions: refresh.Config{Store: w.store, Keys: [][]byte{bytes.Repeat([]byte("p"), 32)}},
		Observer: w.events, Clock: w.clock.now,
		LegacyPassword: &server.LegacyPassword{Verify: verifyPassword, Client: "phone"},
	}
	if change != nil {
		change(&w.config)
	}
	w.server, err = server.New(w.config)
	check(t, err)
	w.handler = w.server.Handler()
	return w
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func verifyPassword(_ context.Context, username, password string) (string, error) {
	switch {
	case username == "broken":
		return "", errDown
	case username == "nobody":
		return "", nil
	case username == "evil" && password == "right":
		return server.ClientSubject("worker"), nil
	case password != "right" || username != "alice":
		return "", server.ErrWrongPassword
	}
	return "user-alice", nil
}

func (w *world) clients() []*server.Client {
	readWrite, read := auth.MustScopeSet("read", "write"), auth.MustScopeSet("read")
	user := []server.Grant{server.GrantRefresh, server.GrantLegacyPassword}
	own := []server.Grant{server.GrantClientCredentials}
	var err error
	w.signing, err = jwt.NewSigningKey("signer-1", jwt.ES256, mustECDSA())
	check(w.t, err)
	keys, err := jwt.NewKeySet(w.signing.Public())
	check(w.t, err)
	return []*server.Client{
		w.client(server.ClientConfig{ID: "worker", Secrets: w.secrets("worker", 1), Grants: own, Scopes: readWrite, DefaultScopes: read, Resources: []string{api, files}}),
		w.client(server.ClientConfig{ID: "web", Secrets: w.secrets("web", 2), Grants: user, Scopes: readWrite, Resources: []string{api}}),
		w.client(server.ClientConfig{ID: "phone", Public: true, Grants: user, Scopes: readWrite, DefaultScopes: read, Resources: []string{api, files}}),
		w.client(server.ClientConfig{ID: "signer", Keys: keys, Algorithms: []jwt.Algorithm{jwt.ES256}, Grants: own, Scopes: read, Resources: []string{api}}),
		w.client(server.ClientConfig{ID: "bound", Secrets: w.secrets("bound", 1), Grants: own, Scopes: read, Resources: []string{api}, RequireDPoP: true}),
		w.client(server.ClientConfig{ID: "gateway", Secrets: w.secrets("gateway", 1), Serves: []string{api}}),
		w.client(server.ClientConfig{ID: "idle", Secrets: w.secrets("idle", 1)}),
	}
}

func (w *world) client(c server.ClientConfig) *server.Client {
	w.t.Helper()
	client, err := server.NewClient(c)
	check(w.t, err)
	return client
}

func (w *world) secrets(id string, n int) []server.SecretHash {
	var list []server.SecretHash
	for range n {
		secret, hash := server.NewSecret()
		w.secret[id] = secret.Reveal()
		list = append(list, hash)
	}
	return list
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

func (r reply) text(name string) string { s, _ := r.body[name].(string); return s }

// is checks a refusal.
func (r reply) is(t *testing.T, status int, code string) {
	t.Helper()
	if r.status != status || r.text("error") != code {
		t.Errorf("got %d %v, want %d %s", r.status, r.body, status, code)
	}
}

// form makes a body of names and values.
func form(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(pairs[i]) + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}

// post sends a form, and checks what every answer has.
func (w *world) post(path, body string, change ...func(*http.Request)) reply {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range change {
		c(r)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	out := reply{status: rec.Code, header: rec.Header(), raw: rec.Body.String()}
	if out.raw != "" {
		if err := json.Unmarshal([]byte(out.raw), &out.body); err != nil {
			w.t.Fatalf("got body %q: %v", out.raw, err)
		}
	}
	if got := out.header.Get("Cache-Control"); got != "no-store" {
		w.t.Errorf("got Cache-Control %q, want no-store", got)
	}
	for name, secret := range w.secret {
		if strings.Contains(out.raw, secret) {
			w.t.Errorf("the answer holds the secret of %s", name)
		}
	}
	return out
}

// as authenticates a client by Basic.
func (w *world) as(id string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(id, w.secret[id]) }
}

func (w *world) token(body string, change ...func(*http.Request)) reply {
	w.t.Helper()
	return w.post("/token", body, change...)
}

// credentials gets a token by client credentials.
func (w *world) credentials(id string, more ...string) reply {
	w.t.Helper()
	return w.token(form(append([]string{"grant_type", "client_credentials"}, more...)...), w.as(id))
}

// login gets tokens by the password grant.
func (w *world) login(id string, more ...string) reply {
	w.t.Helper()
	body := form(append([]string{"grant_type", "password", "username", "alice", "password", "right"}, more...)...)
	if w.secret[id] != "" {
		return w.token(body, w.as(id))
	}
	return w.token(body + "&client_id=" + id)
}

func (w *world) introspect(token string) reply {
	w.t.Helper()
	return w.post("/introspect", form("token", token), w.as("gateway"))
}

// proof adds a DPoP proof for the token endpoint.
func proof(key *authtest.DPoPKey) func(*http.Request) {
	text := key.Proof(authtest.DPoPProof{Method: "POST", URL: issuer + "/token"})
	return func(r *http.Request) { r.Header.Set("DPoP", text) }
}
