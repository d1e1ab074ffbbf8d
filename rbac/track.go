package rbac

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"

	"github.com/cardea-go/auth"
)

// tracking is what is kept of one request: the policy that answers for the whole of it, and the second checks that it
// still owes.
type tracking struct {
	authorizer *Authorizer
	policy     *Policy
	outer      *tracking // of a Track further out

	mu   sync.Mutex
	owed []debt
}

// debt is a second check that is owed: who has to be asked about, and by whose policy.
type debt struct {
	authorizer *Authorizer
	principal  *auth.Principal
	permission string
}

// paidBy reports whether a check of s pays the debt. A subject that was resolved from bindings is of nobody: it may be the
// caller's own.
func (d *debt) paidBy(s *Subject, permission string) bool {
	return d.permission == permission && (s.authorizer == nil || s.authorizer == d.authorizer) &&
		(s.principal == nil || s.principal.Same(d.principal))
}

type trackingKey struct{}

func tracked(ctx context.Context) *tracking {
	d, _ := ctx.Value(trackingKey{}).(*tracking)
	return d
}

// current returns the policy that answers in ctx: that of the tracked request, else the one in force.
func (a *Authorizer) current(ctx context.Context) *Policy {
	for d := tracked(ctx); d != nil; d = d.outer {
		if d.authorizer == a {
			return d.policy
		}
	}
	return a.Policy()
}

// owe notes that the request has to be checked again. It is false where nobody keeps count.
func owe(ctx context.Context, owed debt) bool {
	d := tracked(ctx)
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(d.owed, owed) {
		d.owed = append(d.owed, owed)
	}
	return true
}

// settle notes that s was checked with a resource and allowed.
func settle(ctx context.Context, s *Subject, permission string) {
	for d := tracked(ctx); d != nil; d = d.outer {
		d.settle(s, permission)
	}
}

func (d *tracking) settle(s *Subject, permission string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.owed = slices.DeleteFunc(d.owed, func(owed debt) bool { return owed.paidBy(s, permission) })
}

func (d *tracking) first() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.owed) == 0 {
		return ""
	}
	return d.owed[0].permission
}

// Track returns next with one policy for each request, the one in force when it came, whatever is swapped meanwhile; and
// with a watch on conditional routes: a request that was let in by [Authorizer.RequireConditional]
// because a condition may allow it, and whose handler answers with success before [Subject.CanOn], [Subject.CheckOn] or
// [Subject.Filter] allowed it, is answered with 500 instead, and logged. A check of another principal, or by another
// authorizer, does not do. What the handler wrote is dropped; a refusal of its own (a status of 400 or more) is let
// through. Wrap the whole mux in it, outside of the guards.
func (a *Authorizer) Track(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := &tracking{authorizer: a, policy: a.current(r.Context()), outer: tracked(r.Context())}
		r = r.WithContext(context.WithValue(r.Context(), trackingKey{}, d)) // the mux will write its pattern into this one
		t := &trackedWriter{ResponseWriter: w, authorizer: a, tracking: d, request: r}
		next.ServeHTTP(t, r)
		if !t.decided {
			t.WriteHeader(http.StatusOK) //nolint:contextcheck // the writer keeps the request, and its context
		}
		if t.failed {
			clear(t.Header()) // what the handler set since would be sent as trailers
		}
	})
}

// trackedWriter holds back a success that is owed a check.
type trackedWriter struct {
	http.ResponseWriter
	authorizer *Authorizer
	tracking   *tracking
	request    *http.Request
	decided    bool // the final status is out
	failed     bool // it is ours, and the handler's body is dropped
}

func (t *trackedWriter) WriteHeader(status int) {
	switch {
	case t.failed:
		return
	case t.decided || status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		t.ResponseWriter.WriteHeader(status)
		return
	}
	t.decided = true
	owed := t.tracking.first()
	if status >= http.StatusBadRequest || owed == "" {
		t.ResponseWriter.WriteHeader(status)
		return
	}
	t.fail(owed)
}

func (t *trackedWriter) fail(permission string) {
	t.failed = true
	ctx := t.request.Context()
	t.authorizer.logger.LogAttrs(ctx, slog.LevelError, "rbac: "+sentences[ReasonUnchecked],
		slog.String("reason", string(ReasonUnchecked)), slog.String("permission", permission),
		slog.String("method", t.request.Method), slog.String("route", t.request.Pattern))
	clear(t.Header())
	http.Error(t.ResponseWriter, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

func (t *trackedWriter) Write(b []byte) (int, error) {
	if !t.decided {
		t.WriteHeader(http.StatusOK)
	}
	if t.failed {
		return len(b), nil
	}
	return t.ResponseWriter.Write(b)
}

// FlushError is what [http.ResponseController] calls; a flush sends the header.
func (t *trackedWriter) FlushError() error {
	if !t.decided {
		t.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(t.ResponseWriter).Flush()
}

// Flush implements [http.Flusher].
func (t *trackedWriter) Flush() { _ = t.FlushError() }

// Unwrap lets [http.ResponseController] reach the deadlines. Hijacking does not get past: see Hijack.
func (t *trackedWriter) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Hijack gives the connection away only where nothing is owed.
func (t *trackedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if t.failed || t.tracking.first() != "" {
		if !t.decided {
			t.WriteHeader(http.StatusOK)
		}
		return nil, nil, errUnchecked
	}
	conn, rw, err := http.NewResponseController(t.ResponseWriter).Hijack()
	t.decided = t.decided || err == nil
	return conn, rw, err
}

var errUnchecked = errors.New("rbac: the resource has to be checked before the connection is taken over")
