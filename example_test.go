package auth_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
)

// One endpoint behind API keys, and a second one that also asks for a scope.
func Example() {
	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})})
	check(err)
	authenticator, err := keys.Authenticator(apikey.AuthenticatorConfig{})
	check(err)
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	guard, err := middleware.New(middleware.Config{
		Authenticator: authenticator,
		Observer:      auth.NewLogObserver(log), // why a request was refused: clients are not told
		ErrorLog:      log,                      // why one could not be decided
	})
	check(err)

	hello := func(w http.ResponseWriter, r *http.Request) {
		principal, _ := auth.FromContext(r.Context()) // there is one: the guard saw to it
		fmt.Fprintf(w, "hello %s", principal.Subject())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /hello", guard.HandlerFunc(hello))
	mux.Handle("GET /notes", guard.MustRequire(auth.Scopes("notes:read")).HandlerFunc(hello))

	issued, err := keys.Create(context.Background(), apikey.Request{Subject: "alice", Name: "laptop"})
	check(err)
	key := issued.Secret.Reveal() // acme_live_…: show it once; only a digest is stored. It is good for 90 days

	get := func(path, key string) {
		resp := authtest.Do(mux, authtest.Request("GET", path, "X-API-Key", key))
		fmt.Println(resp.StatusCode, path)
	}
	get("/hello", key)
	get("/hello", "guessed")
	get("/notes", key) // the key was given no scope
	// Output:
	// 200 /hello
	// 401 /hello
	// 403 /notes
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// People with a password beside programs with a key, on the same routes.
func Example_peopleBesideKeys() {
	ctx := context.Background()
	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})})
	check(err)
	programs, err := keys.Authenticator(apikey.AuthenticatorConfig{})
	check(err)

	hasher, err := password.New(password.Config{}) // argon2id
	check(err)
	hash, err := hasher.Hash(ctx, "correct horse battery") // when the password is set
	check(err)
	ann := basic.User{Name: "ann", PasswordHash: hash, Scopes: auth.Unlimited()} // a login that nothing narrows
	users, err := basic.NewStatic(hasher, ann)                                   // or your own basic.Users
	check(err)
	people, err := basic.New(basic.Config{Realm: "notes", Users: users, Hasher: hasher}) // limits guesses by itself
	check(err)

	guard, err := middleware.New(middleware.Config{Authenticator: auth.FirstOf(programs, people)})
	check(err)
	notes := guard.MustRequire(auth.Scopes("notes:read")).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})

	for _, guess := range []string{"correct horse battery", "guess"} {
		r := authtest.Request("GET", "/notes")
		r.SetBasicAuth("ann", guess)
		fmt.Println(authtest.Do(notes, r).StatusCode)
	}
	// Output:
	// 204
	// 401
}

// signedCookie is an authenticator of one's own: two methods. The kit in package authtest checks one.
type signedCookie struct {
	verify func(value string) (subject string, ok bool)
}

func (signedCookie) Schemes() []auth.Scheme {
	return []auth.Scheme{{Name: "session", Type: "apiKey", In: auth.InCookie, Parameter: "session", AuthScheme: "Session"}}
}

func (a signedCookie) Authenticate(r *http.Request) (*auth.Principal, error) {
	value, err := auth.CookieValue(r, "session", 4096)
	if err != nil {
		return nil, err // absent, repeated, too long
	}
	subject, ok := a.verify(value)
	if !ok {
		return nil, auth.Invalid(auth.ReasonBadSignature, nil)
	}
	return auth.NewPrincipal(auth.PrincipalConfig{Subject: subject})
}

func Example_ownAuthenticator() {
	a := signedCookie{verify: func(value string) (string, bool) { return "ann", value == "signed-by-us" }}
	guard, err := middleware.New(middleware.Config{Authenticator: a})
	check(err)
	for _, value := range []string{"signed-by-us", "forged"} {
		d := guard.Check(authtest.Request("GET", "/", "Cookie", "session="+value))
		fmt.Println(d.Status(), d.Principal)
	}
	err = authtest.CheckAuthenticator(authtest.AuthenticatorKit{
		Authenticator: a,
		Good:          func() *http.Request { return authtest.Request("GET", "/", "Cookie", "session=signed-by-us") },
		Bad: func() []*http.Request {
			return []*http.Request{authtest.Request("GET", "/", "Cookie", "session=forged")}
		},
	})
	fmt.Println(err)
	// Output:
	// 200 principal(issuer="" subject="ann" by="session")
	// 401 no principal
	// <nil>
}

// Tokens of your own, with a function that knows them: where every tutorial begins.
func ExampleNewBearer() {
	bearer, err := auth.NewBearer(auth.BearerConfig{
		Verify: func(ctx context.Context, token string) (*auth.Principal, error) {
			if token != "let-me-in" { // look up a digest here; see package apikey for keys that are generated
				return nil, auth.Invalid(auth.ReasonUnknown, nil)
			}
			return auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice"})
		},
	})
	check(err)
	principal, err := bearer.Authenticate(authtest.Request("GET", "/", "Authorization", "Bearer let-me-in"))
	fmt.Println(principal.Subject(), err)
	_, err = bearer.Authenticate(authtest.Request("GET", "/", "Authorization", "Bearer wrong"))
	fmt.Println(err)
	// Output:
	// alice <nil>
	// the credential was not accepted
}

// Two kinds of token under one name: the first that recognises a token decides.
func ExampleFirstOf() {
	newBearer := func(name, prefix string) auth.Authenticator {
		b, err := auth.NewBearer(auth.BearerConfig{
			Name:      name,
			Recognize: func(token string) bool { return len(token) > 2 && token[:2] == prefix },
			Verify: func(context.Context, string) (*auth.Principal, error) {
				return auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice"})
			},
		})
		check(err)
		return b
	}
	chain := auth.FirstOf(newBearer("users", "u-"), newBearer("machines", "m-"))
	for _, token := range []string{"m-1", "u-1", "x-1"} {
		principal, err := chain.Authenticate(authtest.Request("GET", "/", "Authorization", "Bearer "+token))
		if err != nil {
			fmt.Println(token, auth.KindOf(err))
			continue
		}
		fmt.Println(token, principal.Scheme())
	}
	// Output:
	// m-1 machines
	// u-1 users
	// x-1 invalid
}

// After the proof and before requirements: load the user, add roles.
func ExampleMap() {
	tokens := authtest.Tokens(map[string]*auth.Principal{"t1": authtest.Principal("alice")})
	type user struct{ Email string }
	authenticator := auth.Map(tokens, func(_ context.Context, p *auth.Principal) (*auth.Principal, error) {
		return p.Derive(func(c *auth.PrincipalConfig) {
			c.Roles = []string{"editor"}
			c.Data = user{Email: p.Subject() + "@example.com"}
		})
	})
	principal, err := authenticator.Authenticate(authtest.Request("GET", "/", "Authorization", "Bearer t1"))
	check(err)
	u, _ := auth.Data[user](principal)
	fmt.Println(principal.HasRole("editor"), u.Email)
	// Output: true alice@example.com
}

func ExampleNamed() {
	partner := auth.Named("partner", authtest.Tokens(map[string]*auth.Principal{"t1": authtest.Principal("acme")}))
	principal, err := partner.Authenticate(authtest.Request("GET", "/", "Authorization", "Bearer t1"))
	check(err)
	fmt.Println(principal.Authenticator(), principal.Scheme())
	// Output: partner test
}

func ExampleAny() {
	requirement := auth.Any(auth.Roles("admin"), auth.Scopes("notes:read"))
	fmt.Println(auth.Describe(requirement))
	fmt.Println(requirement.Check(context.Background(), authtest.Principal("alice", "notes:read")))
	fmt.Println(requirement.Check(context.Background(), authtest.Principal("bob")))
	// Output:
	// any(roles(admin), scopes(notes:read))
	// <nil>
	// the credential does not allow this
}

func ExampleParseChallenges() {
	challenges, err := auth.ParseChallenges(`Bearer realm="notes", error="invalid_token", Basic realm="notes"`)
	check(err)
	for _, c := range challenges {
		code, _ := c.Param("error")
		fmt.Printf("%s %q\n", c.Scheme, code)
	}
	// Output:
	// Bearer "invalid_token"
	// Basic ""
}

func ExampleForwardedFor() {
	clientAddr, err := auth.ForwardedFor(prefixes("10.0.0.0/8")...)
	check(err)
	r := authtest.Request("GET", "/", "X-Forwarded-For", "1.2.3.4, 198.51.100.7")
	r.RemoteAddr = "10.0.0.1:1234" // our proxy; what the client wrote stands left of what the proxy added
	addr, err := clientAddr(r)
	fmt.Println(addr, err)
	// Output: 198.51.100.7 <nil>
}

func ExampleObserverFunc() {
	count := map[string]int{}
	observer := auth.ObserverFunc(func(_ context.Context, e auth.Event) {
		count[fmt.Sprint(e.Authenticator, " ", e.Outcome, " ", e.Reason)]++ // a metric's labels: few values each
	})
	guard, err := middleware.New(middleware.Config{Authenticator: authtest.Tokens(nil), Observer: observer})
	check(err)
	for range 3 {
		guard.Check(authtest.Request("GET", "/", "Authorization", "Bearer guessed"))
	}
	fmt.Println(count)
	// Output: map[test refused unknown:3]
}
