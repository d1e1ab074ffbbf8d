package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth/basic/password"
)

func TestRunAtASmallScale(t *testing.T) {
	small := password.Params{Memory: 1024, Time: 1, Threads: 1}
	for _, ungated := range []bool{false, true} {
		var b strings.Builder
		if err := run(&b, 8, 2, ungated, small); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); !strings.Contains(got, "16 logins") || !strings.Contains(got, "p99") {
			t.Errorf("got %q", got)
		}
	}
	var b strings.Builder
	for _, bad := range []error{run(&b, 0, 1, false, small), run(&b, 1, 1, false, password.Params{Time: 1})} {
		if bad == nil {
			t.Error("got no error")
		}
	}
	busy, broken := []result{{time.Second, password.ErrBusy}}, []result{{0, errors.New("broken")}}
	if err := report(&b, busy, time.Second, false, small); err != nil || !strings.Contains(b.String(), "busy     1 p50 1s") {
		t.Errorf("got %v, %q", err, b.String())
	}
	if err := report(&b, broken, time.Second, false, small); err == nil {
		t.Error("a broken login: got no error")
	}
	if got := peakMemory("/nowhere"); got != "not known here" {
		t.Errorf("got %q", got)
	}
	if got := peakMemory("main_test.go"); got != "not known here" {
		t.Errorf("got %q", got)
	}
}
