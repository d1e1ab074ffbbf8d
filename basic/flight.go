package basic

import (
	"context"
	"errors"
	"net/netip"
	"sync"

	"github.com/cardea-go/auth/throttle"
)

// flights lets requests that carry the same guess from the same network share one computation: a browser that opens
// twenty connections with one password is one guess. Nothing is remembered when it has ended.
type flights struct {
	mu    sync.Mutex
	going map[flightKey]*flight
}

// flightKey is made of what was submitted and the hash or decoy that it is compared with, which looks alike for names
// that exist and names that do not.
type flightKey struct {
	proof   proof
	network string
}

func newFlightKey(p proof, a netip.Addr) flightKey {
	return flightKey{proof: p, network: throttle.PrefixKey(a)}
}

type flight struct {
	done    chan struct{}
	outcome outcome
}

// errAbandoned: who computed went away before the computation began.
var errAbandoned = errors.New("basic: abandoned")

// errBroken is what is left where the computation ended in a panic.
var errBroken = errors.New("basic: the computation did not end")

// share returns the outcome of compute, run by this caller or by another with the same key, and whether it was this one.
// Where the other gave up, a caller that is still there takes over.
func (f *flights) share(ctx context.Context, key flightKey, compute func() outcome) (outcome, bool) {
	for {
		fl, mine := f.join(key)
		if mine {
			return f.lead(key, fl, compute), true
		}
		select {
		case <-fl.done:
			if !errors.Is(fl.outcome.err, errAbandoned) {
				return fl.outcome, false
			}
		case <-ctx.Done():
			return outcome{err: ctx.Err()}, false
		}
	}
}

func (f *flights) join(key flightKey) (fl *flight, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl, ok := f.going[key]; ok {
		return fl, false
	}
	fl = &flight{done: make(chan struct{}), outcome: outcome{err: errBroken}}
	f.going[key] = fl
	return fl, true
}

func (f *flights) lead(key flightKey, fl *flight, compute func() outcome) outcome {
	defer func() { // also where compute panics
		f.mu.Lock()
		delete(f.going, key)
		f.mu.Unlock()
		close(fl.done)
	}()
	fl.outcome = compute()
	return fl.outcome
}
