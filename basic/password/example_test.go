package password_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cardea-go/auth/basic/password"
)

func Example() {
	h, err := password.New(password.Config{})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	stored, err := h.Hash(ctx, "correct horse battery staple")
	if err != nil {
		panic(err)
	}
	fmt.Println(stored[:len("$argon2id$v=19$m=19456,t=2,p=1$")])
	for _, a := range []password.Attempt{
		{Username: "anna", Password: "correct horse battery staple", Found: true, Stored: stored},
		{Username: "anna", Password: "a guess", Found: true, Stored: stored},
		{Username: "nobody", Password: "a guess"}, // the same work
	} {
		v, err := h.Check(ctx, a)
		fmt.Println(v.OK, err)
	}
	// Output:
	// $argon2id$v=19$m=19456,t=2,p=1$
	// true <nil>
	// false <nil>
	// false <nil>
}

func ExampleHasher_Wrap() {
	h, err := password.New(password.Config{})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	stored, err := h.Wrap(ctx, "md5", "5ebe2294ecd0e0f08eab7690d2a6ee69") // from the old table
	if err != nil {
		panic(err)
	}
	v, err := h.Verify(ctx, "secret", stored)
	fmt.Println(v.OK, v.NeedsRehash, err)
	// Output: true true <nil>
}

func ExamplePolicy() {
	policy := password.Policy{Blocked: func(_ context.Context, p string) (bool, error) { return p == "passwordpassword", nil }}
	for _, p := range []string{"secret", "passwordpassword", "correct horse battery staple"} {
		fmt.Println(policy.Check(context.Background(), p))
	}
	// Output:
	// the password is too short
	// the password is too common, or known from a breach
	// <nil>
}

func ExampleCalibrate() {
	p, err := password.Calibrate(context.Background(), time.Millisecond, 64<<10) // too short a target
	fmt.Println(p, err)
	// Output: argon2id m=19456,t=2,p=1 <nil>
}

func ExampleHasher_NewMix() {
	h, err := password.New(password.Config{DecoyKey: []byte("a key that survives restarts")})
	if err != nil {
		panic(err)
	}
	mix := h.NewMix(slices.Values([]string{ // every hash of the store, or a fair sample
		"$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm",
	}))
	fmt.Println(h.Decoy(mix, "nobody")[:7])
	// Output: $2b$04$
}
