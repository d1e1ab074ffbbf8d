package authtest

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"testing"
)

// The first rule of a list is that the kit is complete; without it the others are not asked.

// rule is one sentence of a contract: what is checked, and what happens to those who break it.
type rule[K any] struct {
	name        string
	explanation string
	check       func(kit K) error
}

func run[K any](t *testing.T, kit K, rules []rule[K]) {
	t.Helper()
	for i, r := range rules {
		ok := t.Run(r.name, func(t *testing.T) {
			if err := guarded(r.check, kit); err != nil {
				t.Errorf("%v\nwhy: %s", err, r.explanation)
			}
		})
		if i == 0 && !ok {
			return
		}
	}
}

func all[K any](kit K, rules []rule[K]) error {
	var errs []error
	for i, r := range rules {
		if err := guarded(r.check, kit); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w (why: %s)", r.name, err, r.explanation))
			if i == 0 {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// guarded turns a panic of the implementation into a broken rule.
func guarded[K any](check func(K) error, kit K) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it panicked: %v", v)
		}
	}()
	return check(kit)
}

// concurrently runs check in 16 goroutines and returns the first broken rule.
func concurrently[K any](kit K, check func(K) error) error {
	var wg sync.WaitGroup
	results := make([]error, 16)
	for i := range results {
		wg.Go(func() { results[i] = guarded(check, kit) })
	}
	wg.Wait()
	return cmp.Or(results...)
}
