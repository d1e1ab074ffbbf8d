package throttle

import (
	"sync"
	"time"
)

// An Alarm says that in the last window unusually many guesses failed, over all accounts and networks: somebody tries
// many names from many places, which no single limit sees.
type Alarm struct {
	// Guesses were charged and Failures of them not given back.
	Guesses, Failures int
	Window            time.Duration
}

const (
	alarmWindow  = time.Minute
	alarmGuesses = 100 // fewer say nothing
)

// alarm counts guesses in windows. It tells and decides nothing.
type alarm struct {
	tell  func(Alarm)
	clock func() time.Time

	mu             sync.Mutex
	start          time.Time
	guesses, given int
}

// count adds a guess, and tells about the window that ended before it.
func (a *alarm) count() {
	if a.tell == nil {
		return
	}
	if ended := a.add(); ended.Guesses >= alarmGuesses && 2*ended.Failures > ended.Guesses {
		a.tell(ended)
	}
}

func (a *alarm) add() (ended Alarm) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.clock()
	if age := now.Sub(a.start); age >= alarmWindow || age < 0 {
		ended = Alarm{Guesses: a.guesses, Failures: max(0, a.guesses-a.given), Window: alarmWindow}
		a.start, a.guesses, a.given = now, 0, 0
	}
	a.guesses++
	return ended
}

// giveBack says that a guess was no failure.
func (a *alarm) giveBack() {
	if a.tell == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.given++
}
