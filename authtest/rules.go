package authtest

import (
	"errors"
	"fmt"
	"testing"
)

// rule is one sentence of a contract: what is checked, and what happens to those who break it.
type rule[K any] struct {
	name        string
	explanation string
	check       func(kit K) error
}

func run[K any](t *testing.T, kit K, rules []rule[K]) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			if err := guarded(r, kit); err != nil {
				t.Errorf("%v\nwhy: %s", err, r.explanation)
			}
		})
	}
}

func all[K any](kit K, rules []rule[K]) error {
	var errs []error
	for _, r := range rules {
		if err := guarded(r, kit); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w (why: %s)", r.name, err, r.explanation))
		}
	}
	return errors.Join(errs...)
}

// guarded turns a panic of the implementation into a broken rule.
func guarded[K any](r rule[K], kit K) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it panicked: %v", v)
		}
	}()
	return r.check(kit)
}
