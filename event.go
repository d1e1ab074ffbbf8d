package auth

import (
	"context"
	"log/slog"
	"time"
)

// Outcome is how a decision ended.
type Outcome string

// The outcomes.
const (
	OutcomeAllowed   Outcome = "allowed"   // with a principal
	OutcomeAnonymous Outcome = "anonymous" // without one, where that is allowed
	OutcomePreflight Outcome = "preflight" // a CORS preflight, where the route lets them through
	OutcomeRefused   Outcome = "refused"   // see Kind and Reason
	OutcomePanicked  Outcome = "panicked"  // an authenticator or requirement panicked; the panic went on
)

// An Event is one decision, as it is told to an [Observer]. It has no field that could hold a credential, nor the text
// of an error. Labels for metrics are Authenticator, Outcome, Kind and Reason: their values are few. Subject,
// CredentialID, Remote, Method and Route are not for labels.
type Event struct {
	Time     time.Time
	Duration time.Duration
	Outcome  Outcome
	// Kind and Reason say why the request was refused; zero where it was not. Reason may be set on an
	// anonymous outcome too: ReasonForeign, ReasonStale.
	Kind   Kind
	Reason Reason
	// Status is the status code of the refusal; 404 where it is concealed, while Kind tells the truth.
	Status    int
	Concealed bool
	// Authenticator and Scheme name who decided; "" where nobody recognised a credential.
	Authenticator, Scheme string
	// Issuer, Subject and CredentialID are those of the principal, where one was proved. CredentialID alone is that
	// of a refused credential; see [Error.CredentialID].
	Issuer, Subject, CredentialID string
	// Missing describes the requirement of the guard that refused a known principal, such as "scopes(notes:write)", or
	// what a handler's own refusal says that it asked for.
	Missing string
	// Unread names schemes whose credentials came too and were not looked at.
	Unread []string
	// Foreign is the registered name of an Authorization scheme that nobody here serves, or "other".
	Foreign string
	// Remote is the client's address, Method the request's method (the client's choice of word), Route the pattern
	// that matched, if any.
	Remote, Method, Route string
	// InURL says that a credential came in the URL, where others may have logged it.
	InURL bool
}

// LogValue returns the event's attributes without those that are empty.
func (e Event) LogValue() slog.Value { return slog.GroupValue(e.attrs()...) }

func (e Event) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 20)
	attrs = append(attrs, slog.String("outcome", string(e.Outcome)))
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	if e.Kind != 0 {
		attrs = append(attrs, slog.String("kind", e.Kind.String()))
	}
	text("reason", string(e.Reason))
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	if e.Concealed {
		attrs = append(attrs, slog.Bool("concealed", true))
	}
	text("authenticator", e.Authenticator)
	text("scheme", e.Scheme)
	text("issuer", e.Issuer)
	text("subject", e.Subject)
	text("credential", e.CredentialID)
	text("missing", e.Missing)
	if len(e.Unread) > 0 {
		attrs = append(attrs, slog.Any("unread", e.Unread))
	}
	text("foreign", e.Foreign)
	if e.InURL {
		attrs = append(attrs, slog.Bool("in_url", true))
	}
	text("remote", e.Remote)
	text("method", e.Method)
	text("route", e.Route)
	return append(attrs, slog.Duration("duration", e.Duration))
}

// An Observer is told of every decision, after it was made and before the request goes on or is answered. Observe must
// be safe for concurrent use and should not block.
type Observer interface {
	Observe(ctx context.Context, e Event)
}

// ObserverFunc is an [Observer] made of a function.
type ObserverFunc func(ctx context.Context, e Event)

// Observe implements [Observer].
func (f ObserverFunc) Observe(ctx context.Context, e Event) { f(ctx, e) }

// Observers returns an observer that tells each of list, in order. Nil members are left out.
func Observers(list ...Observer) Observer {
	var some []Observer
	for _, o := range list {
		if o != nil {
			some = append(some, o)
		}
	}
	return ObserverFunc(func(ctx context.Context, e Event) {
		for _, o := range some {
			o.Observe(ctx, e)
		}
	})
}

// NewLogObserver returns an observer that writes each event to l as the message "auth": allowed, anonymous and preflight
// at Debug, refusals at Info, KindUnavailable at Error and panics at Error. A nil l is an error to log nothing by: it
// panics, as a programmer's mistake. Events have no causes: those of KindUnavailable go to the guard's ErrorLog, so set
// both.
func NewLogObserver(l *slog.Logger) Observer {
	if l == nil {
		panic("auth: NewLogObserver: nil logger")
	}
	return ObserverFunc(func(ctx context.Context, e Event) {
		level := slog.LevelInfo
		switch {
		case e.Outcome == OutcomePanicked || e.Kind == KindUnavailable:
			level = slog.LevelError
		case e.Outcome != OutcomeRefused:
			level = slog.LevelDebug
		}
		if l.Enabled(ctx, level) {
			l.LogAttrs(ctx, level, "auth", e.attrs()...)
		}
	})
}
