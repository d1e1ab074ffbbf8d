package basic_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
)

func Example() {
	hasher, err := password.New(password.Config{})
	if err != nil {
		panic(err)
	}
	stored, err := hasher.Hash(context.Background(), "correct horse battery staple") // when the password is set
	if err != nil {
		panic(err)
	}
	users, err := basic.NewStatic(hasher, basic.User{Name: "anna", PasswordHash: stored})
	if err != nil {
		panic(err)
	}
	a, err := basic.New(basic.Config{Realm: "reports", Users: users, Hasher: hasher})
	if err != nil {
		panic(err)
	}
	guard, err := middleware.New(middleware.Config{Authenticator: a})
	if err != nil {
		panic(err)
	}
	h := guard.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := auth.FromContext(r.Context())
		fmt.Println("hello", p.Subject())
	})
	for _, pw := range []string{"correct horse battery staple", "a guess"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth("anna", pw)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		fmt.Printf("%d %q\n", w.Code, w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// hello anna
	// 200 ""
	// 401 "Basic realm=\"reports\", charset=\"UTF-8\""
}

func ExampleAuthenticator_Verify() {
	hasher, err := password.New(password.Config{})
	if err != nil {
		panic(err)
	}
	users := basic.UsersFunc(func(_ context.Context, name string) (basic.User, bool, error) {
		return basic.User{}, false, nil // look the name up in your database
	})
	a, err := basic.New(basic.Config{Realm: "reports", Users: users, Hasher: hasher})
	if err != nil {
		panic(err)
	}
	// A login form: the same limits and the same work for every name.
	_, err = a.Verify(context.Background(), "nobody", "a guess", netip.MustParseAddr("192.0.2.1"))
	fmt.Println(auth.KindOf(err), "-", err)
	// Output: invalid - the credential was not accepted
}

func ExampleNewStatic() {
	hasher, err := password.New(password.Config{})
	if err != nil {
		panic(err)
	}
	_, err = basic.NewStatic(hasher, basic.User{Name: "anna", PasswordHash: "a password by mistake"})
	fmt.Println(err)
	// Output: basic: NewStatic: user 1, "anna": password: the stored hash is not of a known form, or its costs are above the limits: store what Hasher.Hash returns
}
