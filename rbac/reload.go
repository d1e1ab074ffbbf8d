package rbac

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ReloaderConfig is what a [Reloader] is made of. Authorizer and Source are required.
type ReloaderConfig struct {
	Authorizer *Authorizer
	Source     Source
	// Config is what policies are compiled with. Set its Catalog where the program has handles, so that a policy that
	// lacks one of them is refused.
	Config Config
	// Interval is how long Watch waits between two looks. Default 10 seconds, minimum 1 second.
	Interval time.Duration
	// RequireTests refuses a policy without tests.
	RequireTests bool
	// Report is told of every policy that was put in force or refused, and of a source that fails: once for each, not
	// once for each look. It must not block for long. Nil tells nobody; see [Reloader.Status].
	Report func(ctx context.Context, s Status)
}

// A Status is what became of the last look at a source.
type Status struct {
	// Generation and Version are those of the policy in force.
	Generation uint64
	Version    string
	// Loaded is when that policy was put in force by the reloader; zero where it did not. Looked is when the source last
	// was asked.
	Loaded, Looked time.Time
	// Err says why what the source has is not in force: its own error, a [*LoadError] or a [*TestError]. The last good
	// policy stays.
	Err error
}

// A Reloader puts new policies of a source in force. Whatever is wrong with one, the last good policy stays.
type Reloader struct {
	c      ReloaderConfig
	mu     sync.Mutex
	status Status
	sum    [sha256.Size]byte // of the text that was compiled last, good or bad
	seen   bool
}

// NewReloader returns a reloader; it does nothing before [Reloader.Reload] or [Reloader.Watch] is called.
func NewReloader(c ReloaderConfig) (*Reloader, error) {
	var errs []error
	if c.Authorizer == nil {
		errs = append(errs, errors.New("rbac: ReloaderConfig.Authorizer is nil: make one with NewAuthorizer"))
	}
	if c.Source == nil {
		errs = append(errs, errors.New("rbac: ReloaderConfig.Source is nil: use File"))
	}
	if c.Interval == 0 {
		c.Interval = 10 * time.Second
	}
	if c.Interval < time.Second {
		errs = append(errs, fmt.Errorf("rbac: ReloaderConfig.Interval is %v: use a second or more", c.Interval))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	r := &Reloader{c: c}
	r.status.Generation, r.status.Version = c.Authorizer.Generation(), c.Authorizer.Policy().Version()
	return r, nil
}

// Status returns what became of the last look.
func (r *Reloader) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Watch looks at the source now and after each interval, until ctx ends, whose error it returns. Run it on a goroutine
// of your own.
func (r *Reloader) Watch(ctx context.Context) error {
	ticker := time.NewTicker(r.c.Interval)
	defer ticker.Stop()
	for {
		_ = r.Reload(ctx) // reported and kept in the status
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// Reload looks at the source now. It returns nil where the policy in force is what the source has.
func (r *Reloader) Reload(ctx context.Context) error {
	r.mu.Lock()
	before := r.status
	changed := r.look(ctx)
	status := r.status
	r.mu.Unlock()
	failedAnew := status.Err != nil && (changed || before.Err == nil || before.Err.Error() != status.Err.Error())
	if r.c.Report != nil && (failedAnew || status.Generation != before.Generation) {
		r.c.Report(ctx, status)
	}
	return status.Err
}

// look reports whether the source had a text that it had not before.
func (r *Reloader) look(ctx context.Context) bool {
	r.status.Looked = time.Now()
	text, err := r.load(ctx)
	if errors.Is(err, ErrUnchanged) {
		return false
	}
	if err != nil {
		r.status.Err, r.seen = err, false
		return false
	}
	sum := sha256.Sum256(text.Data)
	if r.seen && sum == r.sum {
		return false
	}
	r.sum, r.seen = sum, true
	policy, err := r.compile(text)
	if err != nil {
		r.status.Err = err
		return true
	}
	generation, _ := r.c.Authorizer.Swap(policy) // a compiled policy is never nil
	r.status.Generation, r.status.Version, r.status.Loaded, r.status.Err = generation, policy.Version(), r.status.Looked, nil
	return true
}

// load asks the source, whose panic is one more way to fail.
func (r *Reloader) load(ctx context.Context) (text Text, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("rbac: the policy source panicked")
		}
	}()
	return r.c.Source.Load(ctx)
}

var errNoTests = errors.New("rbac: the policy has no tests, and ReloaderConfig.RequireTests asks for them")

func (r *Reloader) compile(text Text) (*Policy, error) {
	policy, err := Parse(text.Name, text.Data, r.c.Config)
	if err != nil {
		return nil, err
	}
	report := policy.RunTests()
	if report.Tests == 0 && r.c.RequireTests {
		return nil, errNoTests
	}
	return policy, report.Err()
}
