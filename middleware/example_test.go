package middleware_test

import (
	"fmt"
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

var someTokens = authtest.Tokens(map[string]*auth.Principal{
	"reader": authtest.Principal("alice", "notes:read"),
	"writer": authtest.Principal("bob", "notes:read", "notes:write"),
})

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

func ExampleNew() {
	guard, err := middleware.New(middleware.Config{
		Authenticator: someTokens,
		Require:       auth.Scopes("notes:write"),
	})
	if err != nil {
		panic(err)
	}
	handler := guard.HandlerFunc(ok)
	for _, token := range []string{"writer", "reader"} {
		resp := authtest.Do(handler, authtest.Request("GET", "/", "Authorization", "Bearer "+token))
		fmt.Printf("%d %q\n", resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	}
	// Output:
	// 204 ""
	// 403 "Bearer error=\"insufficient_scope\", scope=\"notes:write\""
}

// A mistake is reported when the guard is made, and says what to change.
func ExampleNew_mistakes() {
	_, err := middleware.New(middleware.Config{Authenticator: someTokens, Optional: true, Require: auth.Scopes()})
	fmt.Println(err)
	// Output:
	// auth: Scopes names no scope: name at least one, or leave the requirement out
	// middleware: Optional together with Require: nobody meets a requirement without a principal; leave one out
}

// Check decides without answering, for a framework or transport that answers in its own way.
func ExampleGuard_Check() {
	guard, err := middleware.New(middleware.Config{Authenticator: someTokens})
	if err != nil {
		panic(err)
	}
	d := guard.Check(authtest.Request("GET", "/", "Authorization", "Bearer guessed"))
	fmt.Println(d.Status(), d.Text())
	fmt.Println(d.Challenges())
	// Output:
	// 401 the credential was not accepted
	// [Bearer error="invalid_token"]
}

func ExampleMux() {
	guard, err := middleware.New(middleware.Config{Authenticator: someTokens})
	if err != nil {
		panic(err)
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /health", middleware.Public(), ok)
	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")), ok)
	writers := mux.Group(middleware.Require(auth.Scopes("notes:write")))
	writers.HandleFunc("POST /notes", middleware.Authenticated(), ok)
	writers.HandleFunc("DELETE /notes/{id}", middleware.Authenticated(), ok)
	handler, err := mux.Build()
	if err != nil {
		panic(err)
	}
	for _, route := range mux.Routes() {
		fmt.Println(route)
	}
	fmt.Println(authtest.Do(handler, authtest.Request("POST", "/notes", "Authorization", "Bearer reader")).StatusCode)
	// Output:
	// GET /health  public
	// GET /notes  required  test  scopes(notes:read)
	// POST /notes  required  test  scopes(notes:write)
	// DELETE /notes/{id}  required  test  scopes(notes:write)
	// 403
}

// A route that states no access is no open door: the mux is not built.
func ExampleMux_Build() {
	mux := middleware.NewMux(middleware.MuxConfig{})
	mux.HandleFunc("GET /admin", middleware.Access{}, ok)
	_, err := mux.Build()
	fmt.Println(err)
	// Output: middleware: route "GET /admin" (example_test.go:90): its access is not stated: use Public, Optional, Authenticated or Require
}

// A route may need the key of an application and the token of its user.
func ExampleAccess_Also() {
	users, err := middleware.New(middleware.Config{Authenticator: someTokens})
	if err != nil {
		panic(err)
	}
	apps, err := middleware.New(middleware.Config{Authenticator: someKeys})
	if err != nil {
		panic(err)
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: users})
	mux.HandleFunc("GET /notes", middleware.Require(auth.Scopes("notes:read")).Also(apps), ok)
	handler, err := mux.Build()
	if err != nil {
		panic(err)
	}
	token, key := []string{"Authorization", "Bearer reader"}, []string{"X-API-Key", "app"}
	for _, sent := range [][]string{append(token, key...), token, key} {
		fmt.Println(authtest.Do(handler, authtest.Request("GET", "/notes", sent...)).StatusCode)
	}
	// Output:
	// 204
	// 401
	// 401
}

// A handler that learns only with the resource at hand that the caller may not go on.
func ExampleRefuse() {
	guard, err := middleware.New(middleware.Config{Authenticator: someTokens, Require: auth.Scopes("notes:read")})
	if err != nil {
		panic(err)
	}
	locked := func(w http.ResponseWriter, r *http.Request) {
		if caller, _ := auth.FromContext(r.Context()); caller.Subject() != "bob" {
			middleware.Refuse(w, r, auth.Forbidden(auth.ReasonNotAllowed, nil))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
	resp := authtest.Do(guard.HandlerFunc(locked), authtest.Request("GET", "/", "Authorization", "Bearer reader"))
	fmt.Println(resp.StatusCode, resp.Header.Get("WWW-Authenticate"))
	// Output: 403 Bearer error="insufficient_scope", scope="notes:read"
}

// someKeys knows one key. Package apikey has real ones.
var someKeys = &authtest.Fake{
	Scheme: auth.Scheme{Name: "app", Type: "apiKey", In: auth.InHeader, Parameter: "X-API-Key", AuthScheme: "ApiKey"},
	Func: func(r *http.Request) (*auth.Principal, error) {
		switch key, err := auth.HeaderValue(r, "X-API-Key", 100); {
		case err != nil:
			return nil, err
		case key != "app":
			return nil, auth.Invalid(auth.ReasonUnknown, nil)
		}
		return authtest.Principal("app"), nil
	},
}
