package server_test

import (
	"flag"
	"sync"
	"testing"
)

var full = flag.Bool("full", false, "run every race 1,000 times")

// Statements 17 and 38 at the endpoint: 50 requests with one refresh token get one successor, and the session lives on.
func TestParallelRefresh(t *testing.T) {
	rounds := 50
	if *full {
		rounds = 1000
	}
	w := newWorld(t, opaque)
	token := w.login("web").text("refresh_token")
	for range rounds {
		use := form("grant_type", "refresh_token", "refresh_token", token)
		answers := make([]reply, 50)
		var wg sync.WaitGroup
		gate := make(chan struct{})
		for i := range answers {
			wg.Go(func() { <-gate; answers[i] = w.token(use, w.as("web")) })
		}
		close(gate)
		wg.Wait()
		next := answers[0].text("refresh_token")
		for _, got := range answers {
			if got.status != 200 || got.text("refresh_token") != next || next == token {
				t.Fatalf("got %d %v, want the one successor", got.status, got.body)
			}
		}
		token = next
	}
}
