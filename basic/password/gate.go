package password

import (
	"container/list"
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

// ErrBusy says that too many passwords are being hashed: the queue is full, or the wait was too long. Answer 503 with
// Retry-After: 1; nothing is known about the password.
var ErrBusy = errors.New("password: too many hashes at once")

// A GateConfig limits how much is hashed at once. The zero value is right for a server of any size.
type GateConfig struct {
	// Memory is the budget for hashing, in KiB. 0 is 262144 (256 MiB); the maximum is 67108864. A hash is charged
	// twice its memory, for the garbage that the one before it left. One that needs more than the budget runs alone.
	Memory uint32
	// CPUs is how many hashes of one thread run at once. 0 is GOMAXPROCS. More than that is slower, not faster.
	CPUs int
	// Queue is how many may wait. 0 is 16 for each that may run; the maximum is 65536.
	Queue int
	// Wait is the longest wait. 0 is 1 s; the maximum is 1 min. The caller's context may end it before.
	Wait time.Duration
}

const (
	defaultGateMemory = 256 << 10
	maxGateMemory     = 64 << 20
	queuePerSlot      = 16
	maxQueue          = 1 << 16
	defaultWait       = time.Second
	maxWait           = time.Minute
)

func (c GateConfig) validate() error {
	var errs []error
	if c.Memory > maxGateMemory {
		errs = append(errs, errors.New("password: GateConfig.Memory: use up to 67108864 KiB"))
	}
	if c.CPUs < 0 {
		errs = append(errs, errors.New("password: GateConfig.CPUs: use 0 for GOMAXPROCS, or 1 and more"))
	}
	if c.Queue < 0 || c.Queue > maxQueue {
		errs = append(errs, errors.New("password: GateConfig.Queue: use 0 for 16 a slot, or up to 65536"))
	}
	if c.Wait < 0 || c.Wait > maxWait {
		errs = append(errs, errors.New("password: GateConfig.Wait: use 0 for 1 s, or up to 1 min"))
	}
	return errors.Join(errs...)
}

// gate is a semaphore in two measures, first come first served. A permit belongs to the hashing itself: it is given
// back when that ends, whether or not somebody still waits for the result.
type gate struct {
	mu       sync.Mutex
	freeCPUs int
	freeMem  int64
	cpus     int
	memory   int64
	queue    list.List // of *ticket
	maxQueue int
	wait     time.Duration
}

// ticket is a place in the queue.
type ticket struct {
	permit
	ready chan struct{}
}

// permit is what a hash needs.
type permit struct {
	cpus int
	mem  int64
}

func newGate(c GateConfig, typical uint32) *gate {
	if c.Memory == 0 {
		c.Memory = defaultGateMemory
	}
	if c.CPUs == 0 {
		c.CPUs = runtime.GOMAXPROCS(0)
	}
	if c.Queue == 0 {
		slots := min(c.CPUs, max(1, int(c.Memory/(2*max(typical, 1)))))
		c.Queue = min(queuePerSlot*slots, maxQueue)
	}
	if c.Wait == 0 {
		c.Wait = defaultWait
	}
	return &gate{
		freeCPUs: c.CPUs, freeMem: int64(c.Memory), cpus: c.CPUs, memory: int64(c.Memory),
		maxQueue: c.Queue, wait: c.Wait,
	}
}

func (g *gate) permit(r *Record) permit {
	return permit{
		cpus: min(max(int(r.Threads), 1), g.cpus),
		mem:  min(2*int64(r.Memory), g.memory),
	}
}

// acquire waits for p. The error is [ErrBusy] or the context's.
func (g *gate) acquire(ctx context.Context, p permit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	if g.queue.Len() == 0 && g.take(p) {
		g.mu.Unlock()
		return nil
	}
	if g.queue.Len() >= g.maxQueue {
		g.mu.Unlock()
		return ErrBusy
	}
	t := &ticket{permit: p, ready: make(chan struct{})}
	place := g.queue.PushBack(t)
	g.mu.Unlock()

	timer := time.NewTimer(g.wait)
	defer timer.Stop()
	select {
	case <-t.ready:
		return nil
	case <-ctx.Done():
		return g.leave(place, t, ctx.Err())
	case <-timer.C:
		return g.leave(place, t, ErrBusy)
	}
}

// leave gives up a place in the queue, or the permit that came in the same moment.
func (g *gate) leave(place *list.Element, t *ticket, why error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-t.ready:
		g.put(t.permit)
	default:
		g.queue.Remove(place)
		g.admit() // a smaller one may fit now that this one is gone
	}
	return why
}

func (g *gate) release(p permit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.put(p)
}

func (g *gate) take(p permit) bool {
	if p.cpus > g.freeCPUs || p.mem > g.freeMem {
		return false
	}
	g.freeCPUs -= p.cpus
	g.freeMem -= p.mem
	return true
}

func (g *gate) put(p permit) {
	g.freeCPUs += p.cpus
	g.freeMem += p.mem
	g.admit()
}

func (g *gate) admit() {
	for e := g.queue.Front(); e != nil; e = g.queue.Front() {
		t := e.Value.(*ticket) //nolint:forcetypeassert // the list holds nothing else
		if !g.take(t.permit) {
			return
		}
		g.queue.Remove(e)
		close(t.ready)
	}
}
