package main

import "testing"

// TestEnginesAnswerRight asks every engine both questions of every scenario that is quick to load.
func TestEnginesAnswerRight(t *testing.T) {
	asked := 0
	for _, s := range scenarios() {
		if len(s.users) > 10_000 {
			continue
		}
		for _, e := range engines() {
			ask := e.load(&s)
			if !ask(s.allow)() || ask(s.deny)() {
				t.Errorf("%s answers wrongly in %s", e.name, s.name)
			}
			asked++
		}
	}
	if asked < 40 {
		t.Errorf("asked %d times, want 40 or more", asked)
	}
}
