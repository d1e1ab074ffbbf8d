package oauth2

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cardea-go/auth"
)

// digest is the SHA-256 of a token.
type digest [32]byte

// answer is what is known of a token for a while: it stands for something, or it is refused.
type answer struct {
	token *Token
	err   error
	until time.Time
}

// answers is a bounded map of what is known. To forget one costs a call and no more, so a full map makes room.
type answers struct {
	max int
	mu  sync.RWMutex
	m   map[digest]answer
}

func newAnswers(limit int) *answers { return &answers{max: limit, m: make(map[digest]answer)} }

func (a *answers) find(key digest, now time.Time) (answer, bool) {
	a.mu.RLock()
	known, ok := a.m[key]
	a.mu.RUnlock()
	return known, ok && now.Before(known.until)
}

// reach is how many entries are looked at to make room for one.
const reach = 8

func (a *answers) add(key digest, fresh answer, now time.Time, ttl time.Duration) {
	if ttl == NoCache || !now.Before(fresh.until) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.m[key]; !known && len(a.m) >= a.max {
		a.makeRoom()
	}
	a.m[key] = fresh
}

// makeRoom drops the one that ends first among some; the order of a map is random enough.
func (a *answers) makeRoom() {
	var victim digest
	var end time.Time
	n := 0
	for key, known := range a.m {
		if n == 0 || known.until.Before(end) {
			victim, end = key, known.until
		}
		if n++; n == reach {
			break
		}
	}
	delete(a.m, victim)
}

// flights joins calls for the same token. The zero value is ready.
type flights struct {
	mu sync.Mutex
	m  map[digest]*flight
}

type flight struct {
	done    chan struct{}
	waiting int
	stop    context.CancelFunc
	token   *Token
	err     error
}

// join waits for the call that is under way for key, and starts it where there is none. The call does not end with the
// request that started it, since others may wait for it too; it ends when nobody waits any more, or after timeout.
func (f *flights) join(ctx context.Context, key digest, timeout time.Duration, call func(context.Context) (*Token, error)) (*Token, error) {
	f.mu.Lock()
	current, ok := f.m[key]
	if !ok {
		current = &flight{done: make(chan struct{})}
		if f.m == nil {
			f.m = make(map[digest]*flight)
		}
		f.m[key] = current
		var detached context.Context
		detached, current.stop = context.WithTimeout(context.WithoutCancel(ctx), timeout)
		go f.fly(detached, key, current, call)
	}
	current.waiting++
	f.mu.Unlock()
	select {
	case <-current.done:
		return current.token, current.err
	case <-ctx.Done():
		f.leave(key, current)
		return nil, auth.Unavailable(ctx.Err())
	}
}

// leave ends the call where the last who waited for it goes; who comes later starts another.
func (f *flights) leave(key digest, current *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	current.waiting--
	if current.waiting == 0 {
		current.stop()
		f.forget(key, current)
	}
}

func (f *flights) forget(key digest, current *flight) {
	if f.m[key] == current {
		delete(f.m, key)
	}
}

func (f *flights) fly(ctx context.Context, key digest, current *flight, call func(context.Context) (*Token, error)) {
	defer func() {
		// A panic of the user's own code would end the process from this goroutine. It is an outage instead.
		if recover() != nil {
			current.token, current.err = nil, auth.Unavailable(errPanicked)
		}
		current.stop()
		f.mu.Lock()
		f.forget(key, current)
		f.mu.Unlock()
		close(current.done)
	}()
	current.token, current.err = call(ctx)
}

var errPanicked = errors.New("oauth2: introspection: a function of the configuration panicked")
