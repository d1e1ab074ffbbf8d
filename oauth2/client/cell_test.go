package client

import (
	"context"
	"errors"
	"testing"
	"time"
)

func always(*int) bool { return true }
func never(*int) bool  { return false }

func fetching(n int, err error) func(context.Context) (*int, error) {
	return func(context.Context) (*int, error) { return &n, err }
}

// TestAGoodValueIsNotWaitedFor has somebody fetch another one meanwhile, without end.
func TestAGoodValueIsNotWaitedFor(t *testing.T) {
	c := newCell[int](time.Now)
	if _, err := c.get(t.Context(), always, fetching(1, nil)); err != nil {
		t.Fatal(err)
	}
	began, end, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = c.get(context.Background(), never, func(context.Context) (*int, error) { close(began); <-end; return nil, errors.New("late") })
	}()
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v, err := c.get(ctx, always, nil); err != nil || *v != 1 {
		t.Errorf("got %v, want the value at once", err)
	}
	if _, err := c.get(ctx, never, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	close(end)
	<-ended
}

// TestForgetLeavesANewerValue has a caller be late with what it says of an older one.
func TestForgetLeavesANewerValue(t *testing.T) {
	c := newCell[int](time.Now)
	old, err := c.get(t.Context(), always, fetching(1, nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.get(t.Context(), never, fetching(2, nil)); err != nil {
		t.Fatal(err)
	}
	c.forget(old)
	if v, err := c.get(t.Context(), always, fetching(3, nil)); err != nil || *v != 2 {
		t.Errorf("got %v, %v, want 2", v, err)
	}
}

// TestAFailureEndsWithTheNextValue, also where the clock is set back to it.
func TestAFailureEndsWithTheNextValue(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	c := newCell[int](func() time.Time { return now })
	failed := errors.New("down")
	if _, err := c.get(t.Context(), always, fetching(0, failed)); !errors.Is(err, failed) {
		t.Fatalf("got %v", err)
	}
	now = now.Add(failurePause)
	if _, err := c.get(t.Context(), always, fetching(1, nil)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(-failurePause)
	if v, err := c.get(t.Context(), never, fetching(2, nil)); err != nil || *v != 2 {
		t.Errorf("got %v, want 2", err)
	}
}
