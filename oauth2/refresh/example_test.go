package refresh_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// newSessions returns sessions in memory whose access tokens are JWTs.
func newSessions(ctx context.Context, change func(*refresh.Config)) *refresh.Issuer {
	ring, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{})
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := jwt.NewIssuer(jwt.IssuerConfig{
		Issuer: "https://api.example.com", Audience: []string{"https://api.example.com"}, Keys: ring,
	})
	if err != nil {
		log.Fatal(err)
	}
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	if err != nil {
		log.Fatal(err)
	}
	c := refresh.Config{
		Store: store, Access: refresh.JWT(issuer),
		Keys: [][]byte{bytes.Repeat([]byte("?"), 32)}, // from your configuration: 32 random bytes
	}
	if change != nil {
		change(&c)
	}
	sessions, err := refresh.New(c)
	if err != nil {
		log.Fatal(err)
	}
	return sessions
}

// A session from login to logout.
func ExampleIssuer() {
	ctx := context.Background()
	sessions := newSessions(ctx, nil)
	first, err := sessions.Issue(ctx, refresh.Login{Subject: "alice", Scopes: auth.MustScopeSet("notes:read"), Device: "laptop"})
	if err != nil {
		log.Fatal(err)
	}
	second, err := sessions.Refresh(ctx, refresh.Request{Token: first.RefreshToken})
	fmt.Println("refreshed:", err == nil && second.RefreshToken != first.RefreshToken)
	again, err := sessions.Refresh(ctx, refresh.Request{Token: first.RefreshToken}) // the answer was lost
	fmt.Println("the same answer:", err == nil && again.RefreshToken == second.RefreshToken)

	list, err := sessions.Sessions(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("device:", list[0].Device)
	if err := sessions.RevokeSession(ctx, list[0].ID); err != nil {
		log.Fatal(err)
	}
	_, err = sessions.Refresh(ctx, refresh.Request{Token: second.RefreshToken})
	fmt.Println("after logout:", errors.Is(err, refresh.ErrInvalid))
	// Output:
	// refreshed: true
	// the same answer: true
	// device: laptop
	// after logout: true
}

// A login by name and password, of which the access token ends with the session.
func ExampleEndpoints_Login() {
	sessions := newSessions(context.Background(), nil)
	endpoints, err := sessions.Endpoints(refresh.EndpointsConfig{Scopes: auth.MustScopeSet("notes:read")})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := sessions.Authenticator(jwt.AuthenticatorConfig{})
	if err != nil {
		log.Fatal(err)
	}
	guard, err := middleware.New(middleware.Config{Authenticator: tokens})
	if err != nil {
		log.Fatal(err)
	}
	passwords, err := middleware.New(middleware.Config{Authenticator: people()}) // package basic has real ones
	if err != nil {
		log.Fatal(err)
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("POST /login", middleware.Authenticated().Via(passwords), endpoints.Login)
	mux.HandleFunc("POST /refresh", middleware.Public(), endpoints.Refresh)
	mux.HandleFunc("POST /logout", middleware.Public(), endpoints.Logout)
	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")), func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "buy milk")
	})
	handler, err := mux.Build()
	if err != nil {
		log.Fatal(err)
	}

	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Scope   string
	}
	login := authtest.Request("POST", "/login")
	login.SetBasicAuth("ann", "secret")
	if err := json.NewDecoder(authtest.Do(handler, login).Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	notes := func() int {
		return authtest.Do(handler, authtest.Request("GET", "/notes", "Authorization", "Bearer "+answer.Access)).StatusCode
	}
	fmt.Println("logged in:", notes(), answer.Scope)
	logout := authtest.Request("POST", "/logout", "Content-Type", "application/x-www-form-urlencoded")
	logout.Body = io.NopCloser(strings.NewReader(url.Values{"token": {answer.Refresh}}.Encode()))
	authtest.Do(handler, logout)
	fmt.Println("logged out:", notes())
	// Output:
	// logged in: 200 notes:read
	// logged out: 401
}

// people knows one name and password.
func people() auth.Authenticator {
	return &authtest.Fake{
		Scheme: auth.Scheme{Name: "basic", Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Basic", Realm: "notes"},
		Func: func(r *http.Request) (*auth.Principal, error) {
			name, password, ok := r.BasicAuth()
			switch {
			case !ok:
				return nil, auth.ErrNoCredential
			case name != "ann" || password != "secret":
				return nil, auth.Invalid(auth.ReasonMismatch, nil)
			}
			return auth.NewPrincipal(auth.PrincipalConfig{Subject: name, Scopes: auth.Unlimited(), AuthenticatedAt: time.Now()})
		},
	}
}

// A token that is used twice ends its session: somebody else has it too.
func ExampleConfig_strict() {
	ctx := context.Background()
	sessions := newSessions(ctx, func(c *refresh.Config) {
		c.Strict = true // no grace window at all
		c.Observer = auth.ObserverFunc(func(_ context.Context, e auth.Event) {
			if e.Reason == refresh.ReasonReuse {
				fmt.Println("reuse by", e.Subject)
			}
		})
	})
	first, _ := sessions.Issue(ctx, refresh.Login{Subject: "alice"})
	second, _ := sessions.Refresh(ctx, refresh.Request{Token: first.RefreshToken})
	_, err := sessions.Refresh(ctx, refresh.Request{Token: first.RefreshToken})
	fmt.Println(err)
	_, err = sessions.Refresh(ctx, refresh.Request{Token: second.RefreshToken})
	fmt.Println(err)
	// Output:
	// reuse by alice
	// the credential was not accepted
	// the credential was not accepted
}

// Ready handlers, for browsers: the refresh token is in a cookie that no script sees.
func ExampleIssuer_Endpoints() {
	sessions := newSessions(context.Background(), nil)
	endpoints, err := sessions.Endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{Path: "/auth"}})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/login", func(w http.ResponseWriter, r *http.Request) {
		// after you have found out that it is alice:
		tokens, err := sessions.Issue(r.Context(), refresh.Login{Subject: "alice"})
		if err != nil {
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		endpoints.Answer(w, tokens)
	})
	mux.HandleFunc("POST /auth/refresh", endpoints.Refresh)
	mux.HandleFunc("POST /auth/logout", endpoints.Logout)

	login := httptest.NewRecorder()
	mux.ServeHTTP(login, httptest.NewRequest("POST", "/auth/login", nil))
	cookie := login.Result().Cookies()[0]
	fmt.Println(cookie.Name, cookie.Path, cookie.HttpOnly, cookie.Secure)
	for _, site := range []string{"same-origin", "cross-site"} {
		r := httptest.NewRequest("POST", "/auth/refresh", nil)
		r.AddCookie(cookie)
		r.Header.Set("Sec-Fetch-Site", site)
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, r)
		fmt.Println(site, rec.Code)
	}
	// Output:
	// __Secure-refresh /auth true true
	// same-origin 200
	// cross-site 403
}

// For other clients the refresh token is in the body, as RFC 6749 has it.
func ExampleEndpoints_Refresh() {
	ctx := context.Background()
	sessions := newSessions(ctx, nil)
	endpoints, err := sessions.Endpoints(refresh.EndpointsConfig{})
	if err != nil {
		log.Fatal(err)
	}
	tokens, err := sessions.Issue(ctx, refresh.Login{Subject: "alice"})
	if err != nil {
		log.Fatal(err)
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.RefreshToken}}
	r := httptest.NewRequest("POST", "/refresh", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	endpoints.Refresh(rec, r)
	fmt.Println(rec.Code, rec.Header().Get("Cache-Control"))
	// Output: 200 no-store
}

// A verifier that asks whether the session lives stops access tokens at logout, too.
func ExampleIssuer_Revoked() {
	ctx := context.Background()
	ring, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{})
	if err != nil {
		log.Fatal(err)
	}
	issuer, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: "https://api.example.com", Audience: []string{"api"}, Keys: ring})
	if err != nil {
		log.Fatal(err)
	}
	sessions := newSessions(ctx, func(c *refresh.Config) { c.Access = refresh.JWT(issuer) })
	verifier, err := jwt.NewVerifier(jwt.Config{
		Issuer: "https://api.example.com", Audience: []string{"api"}, Keys: ring, Algorithms: []jwt.Algorithm{jwt.EdDSA},
		Revoker: sessions,
	})
	if err != nil {
		log.Fatal(err)
	}
	tokens, _ := sessions.Issue(ctx, refresh.Login{Subject: "alice"})
	_, err = verifier.Verify(ctx, tokens.AccessToken)
	fmt.Println(err)
	_, _ = sessions.RevokeSubject(ctx, "alice") // a new password
	_, err = verifier.Verify(ctx, tokens.AccessToken)
	fmt.Println(auth.AsError(err).Reason)
	// Output:
	// <nil>
	// revoked
}

// A store of one's own implements four methods; authtest.TestGrantStore checks it.
func ExampleStore() {
	ctx := context.Background()
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{MaxGrants: 1000})
	if err != nil {
		log.Fatal(err)
	}
	old := refresh.Grant{ID: refresh.GrantID{1}, Version: 1, Expires: time.Now().Add(time.Hour), Subject: "alice", Client: "app"}
	fmt.Println(store.Create(ctx, old))
	next := old
	next.Version = 2
	fmt.Println(store.Swap(ctx, old, next))
	fmt.Println(store.Swap(ctx, old, next)) // somebody was faster
	// Output:
	// <nil>
	// <nil>
	// refresh: the grant was changed by somebody else
}
