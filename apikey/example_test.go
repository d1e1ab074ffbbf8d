package apikey_test

import (
	"context"
	"crypto"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/middleware"
)

func Example() {
	keys, err := apikey.New(apikey.Config{
		Prefix: "acme",
		Store:  apikey.NewMemoryStore(apikey.MemoryConfig{}),
	})
	if err != nil {
		panic(err)
	}
	issued, err := keys.Create(context.Background(), apikey.Request{
		Subject: "alice",
		Name:    "laptop",
		Scopes:  auth.MustScopeSet("notes:read"),
	})
	if err != nil {
		panic(err)
	}
	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{})
	if err != nil {
		panic(err)
	}
	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
	if err != nil {
		panic(err)
	}
	handler := guard.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.FromContext(r.Context())
		fmt.Fprintf(w, "hello %s, you may %s", p.Subject(), p.Scopes())
	})

	r := httptest.NewRequest("GET", "/notes", nil)
	r.Header.Set("X-API-Key", issued.Secret.Reveal())
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	fmt.Println(issued.Secret)
	// Output:
	// 200 hello alice, you may notes:read
	// [redacted]
}

// newExampleKeys spares the examples below the start.
func newExampleKeys(change func(*apikey.Config)) *apikey.Keys {
	c := apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}
	if change != nil {
		change(&c)
	}
	keys, err := apikey.New(c)
	if err != nil {
		panic(err)
	}
	return keys
}

func ExampleNew() {
	_, err := apikey.New(apikey.Config{Prefix: "Acme!"})
	fmt.Println(err)
	// Output:
	// apikey: Config.Store is nil: set one, such as NewMemoryStore
	// apikey: Config.Prefix "Acme!": use a lower-case letter and 1 to 11 lower-case letters or digits
}

func ExampleKeys_Verify() {
	ctx := context.Background()
	keys := newExampleKeys(nil)
	issued, _ := keys.Create(ctx, apikey.Request{Subject: "worker-7", Metadata: map[string]string{"queue": "mail"}})

	p, err := keys.Verify(ctx, issued.Secret.Reveal())
	if err != nil {
		panic(err)
	}
	key, _ := auth.Data[apikey.Key](p)
	queue, _ := key.Metadata("queue")
	fmt.Println(p.Subject(), queue)

	_, err = keys.Verify(ctx, "acme_live_nonsense")
	fmt.Println(err)
	// Output:
	// worker-7 mail
	// the credential was not accepted
}

func ExampleKeys_VerifyFrom() {
	ctx := context.Background()
	keys := newExampleKeys(nil)
	issued, _ := keys.Create(ctx, apikey.Request{
		Subject:  "ci",
		Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
	})
	for _, addr := range []string{"192.0.2.7", "198.51.100.1"} {
		_, err := keys.VerifyFrom(ctx, issued.Secret.Reveal(), netip.MustParseAddr(addr))
		fmt.Println(addr, err)
	}
	// Output:
	// 192.0.2.7 <nil>
	// 198.51.100.1 the credential does not allow this
}

func ExampleKeys_Rotate() {
	ctx := context.Background()
	keys := newExampleKeys(nil)
	old, _ := keys.Create(ctx, apikey.Request{Subject: "alice"})

	next, err := keys.Rotate(ctx, old.Record.ID, 24*time.Hour)
	if err != nil {
		panic(err)
	}
	_, oldErr := keys.Verify(ctx, old.Secret.Reveal())
	_, nextErr := keys.Verify(ctx, next.Secret.Reveal())
	fmt.Println(oldErr, nextErr, next.Record.Family == old.Record.ID)
	// Output: <nil> <nil> true
}

func ExampleKeys_Revoke() {
	ctx := context.Background()
	keys := newExampleKeys(func(c *apikey.Config) { c.ExplainRefusals = true })
	issued, _ := keys.Create(ctx, apikey.Request{Subject: "alice"})
	if err := keys.Revoke(ctx, issued.Record.ID, "laptop was stolen"); err != nil {
		panic(err)
	}
	_, err := keys.Verify(ctx, issued.Secret.Reveal())
	fmt.Println(err)
	// Output: the API key was revoked
}

func ExampleKeys_For() {
	ctx := context.Background()
	keys := newExampleKeys(nil)
	alice, _ := auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice", Scopes: auth.MustScopeSet("notes:read")})

	_, err := keys.For(alice).Create(ctx, apikey.Request{Scopes: auth.MustScopeSet("notes:read", "admin")})
	fmt.Println(err)
	// Output: the key would have scopes that its creator has not
}

func ExampleKeys_Handler() {
	keys := newExampleKeys(nil)
	mux := http.NewServeMux()
	// In a service, a guard in front of it proves who calls.
	mux.Handle("/keys/", http.StripPrefix("/keys", keys.Handler()))

	alice, _ := auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice", Scopes: auth.MustScopeSet("notes:read")})
	r := httptest.NewRequest("POST", "/keys/", strings.NewReader(`{"name":"ci","scopes":["notes:read"]}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), alice)))
	fmt.Println(w.Code, strings.Contains(w.Body.String(), `"key":"acme_live_`))
	// Output: 201 true
}

func ExampleKeys_Scan() {
	ctx := context.Background()
	keys := newExampleKeys(nil)
	issued, _ := keys.Create(ctx, apikey.Request{Subject: "alice"})
	text := strings.NewReader("# deploy\nexport ACME_KEY=" + issued.Secret.Reveal() + "\n")

	for leak, err := range keys.Scan(text) {
		if err != nil {
			panic(err)
		}
		r, err := keys.RevokeLeaked(ctx, leak.Secret.Reveal(), "found in a repository")
		fmt.Println("line", leak.Line, err, r.RevokedReason)
	}
	// Output: line 2 <nil> found in a repository
}

func ExampleKeys_Pattern() {
	fmt.Println(newExampleKeys(nil).Pattern())
	// Output: \bacme_(?:live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}\b
}

func ExampleKeys_Import() {
	ctx := context.Background()
	keys := newExampleKeys(func(c *apikey.Config) {
		c.ForeignFormats = []apikey.ForeignFormat{{
			Name: "old",
			Split: func(key string) (id, hashed string, ok bool) { // old_<id>_<secret>, of which the secret was hashed
				parts := strings.Split(key, "_")
				if len(parts) != 3 || parts[0] != "old" {
					return "", "", false
				}
				return parts[1], parts[2], true
			},
			Hash: crypto.SHA256,
		}}
	})
	digest := sha256.Sum256([]byte("0123456789abcdefghijklmnopqrstuv")) // as the old system stored it
	if _, err := keys.Import(ctx, apikey.Import{
		Request: apikey.Request{Subject: "alice"}, Format: "old", ID: "k17", Digest: digest[:],
	}); err != nil {
		panic(err)
	}
	p, err := keys.Verify(ctx, "old_k17_0123456789abcdefghijklmnopqrstuv")
	fmt.Println(p.Subject(), p.CredentialID(), err)
	// Output: alice old-k17 <nil>
}

func ExampleKeys_Authenticator() {
	keys := newExampleKeys(nil)
	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{
		Placements: []apikey.Placement{apikey.Header("X-Acme-Key"), apikey.Authorization("ApiKey")},
		Realm:      "notes",
		RequireTLS: true,
	})
	if err != nil {
		panic(err)
	}
	for _, s := range authenticator.Schemes() {
		fmt.Println(s.Name, s.In, s.Parameter, s.Challenge())
	}
	// Output:
	// apikey header X-Acme-Key ApiKey realm="notes", header="X-Acme-Key"
	// apikey-apikey header Authorization ApiKey realm="notes"
}
