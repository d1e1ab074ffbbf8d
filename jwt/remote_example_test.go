package jwt_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/cardea-go/auth/jwt"
)

func ExampleNewRemote() {
	server := httptest.NewServer(serveKeys(publicKey("k1"))) // the issuer's
	defer server.Close()
	keys, err := jwt.NewRemote(jwt.RemoteConfig{
		URL: server.URL, InsecureAllowHTTP: true, // https, in earnest
		OnRefresh: func(err error) { fmt.Println("fetched:", err) },
	})
	if err != nil {
		panic(err)
	}
	if err := keys.Warm(context.Background()); err != nil { // fail early, or leave it to the first token
		panic(err)
	}
	_ = keys.Close() // waits for OnRefresh
	fmt.Println(keys.Stats().Keys)
	// Output:
	// fetched: <nil>
	// 1
}
