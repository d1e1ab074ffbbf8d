package throttle_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/cardea-go/auth/throttle"
)

func ExampleBackoff() {
	backoff, err := throttle.NewBackoff(throttle.BackoffConfig{Free: 1, First: time.Minute})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	for range 2 {
		d, err := backoff.Reserve(ctx, "door", 1)
		fmt.Println(d.Allowed, err)
	}
	_ = backoff.Refund(ctx, "door", throttle.All) // it went well after all
	d, err := backoff.Reserve(ctx, "door", 1)
	fmt.Println(d.Allowed, err)
	// Output:
	// true <nil>
	// false <nil>
	// true <nil>
}

func ExampleFallback() {
	local, err := throttle.NewBucket(throttle.BucketConfig{Burst: 1, Every: time.Minute})
	if err != nil {
		panic(err)
	}
	limiter, err := throttle.NewFallback(throttle.FallbackConfig{
		Primary: unreachable{}, // Redis, say
		Local:   local,
		OnError: func(err error) { fmt.Println("limiter:", err) },
	})
	if err != nil {
		panic(err)
	}
	for range 2 {
		d, err := limiter.Reserve(context.Background(), "key", 1)
		fmt.Println(d.Allowed, err)
	}
	// Output:
	// limiter: no connection
	// true <nil>
	// false <nil>
}

type unreachable struct{}

func (unreachable) Reserve(context.Context, string, int) (throttle.Decision, error) {
	return throttle.Decision{}, errors.New("no connection")
}

func (unreachable) Refund(context.Context, string, int) error { return errors.New("no connection") }

func ExampleSources() {
	sources, err := throttle.NewSources(throttle.SourcesConfig{})
	if err != nil {
		panic(err)
	}
	ctx, addr := context.Background(), netip.MustParseAddr("2001:db8::1")
	allowed := 0
	for range 100 { // a scan for keys; nothing is refunded, for none was right
		if sources.Reserve(ctx, addr).Allowed {
			allowed++
		}
	}
	fmt.Println(allowed, sources.Peek(netip.MustParseAddr("2001:db8::ffff")).Allowed)
	// Output: 20 false
}
