package authtest_test

import (
	"fmt"
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

// A handler is tested as alice in one line.
func ExampleAs() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.FromContext(r.Context())
		w.Header().Set("X-Subject", p.Subject())
	})
	resp := authtest.Do(handler, authtest.As(authtest.Request("GET", "/"), authtest.Principal("alice", "notes:read")))
	fmt.Println(resp.Header.Get("X-Subject"))
	// Output: alice
}

func ExampleTokens() {
	authenticator := authtest.Tokens(map[string]*auth.Principal{"t1": authtest.Principal("alice")})
	guard, err := middleware.New(middleware.Config{Authenticator: authenticator})
	if err != nil {
		panic(err)
	}
	handler := guard.Handler(http.NotFoundHandler())
	fmt.Println(authtest.Do(handler, authtest.Request("GET", "/", "Authorization", "Bearer t1")).StatusCode)
	fmt.Println(authtest.Do(handler, authtest.Request("GET", "/", "Authorization", "Bearer t2")).StatusCode)
	// Output:
	// 404
	// 401
}

func ExampleCheckAuthenticator() {
	forgiving := &authtest.Fake{Func: func(r *http.Request) (*auth.Principal, error) {
		if r.Header.Get("Authorization") == "Bearer good" {
			return authtest.Principal("alice"), nil
		}
		return nil, auth.ErrNoCredential // also for tokens that are wrong: they become anonymous callers
	}}
	err := authtest.CheckAuthenticator(authtest.AuthenticatorKit{
		Authenticator: forgiving,
		Good:          func() *http.Request { return authtest.Request("GET", "/", "Authorization", "Bearer good") },
		Bad: func() []*http.Request {
			return []*http.Request{authtest.Request("GET", "/", "Authorization", "Bearer wrong")}
		},
	})
	fmt.Println(err != nil)
	// Output: true
}
