package auth

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

// Sentinels of an [Authenticator]. Test for them with [errors.Is].
var (
	// ErrNoCredential says that a request has no credential of this scheme.
	ErrNoCredential = errors.New("auth: no credential")
	// ErrUnrecognized says that a place which the authenticator reads is filled with a value that is not of
	// its kind. It never becomes an anonymous caller.
	ErrUnrecognized = errors.New("auth: credential not recognized")
)

var (
	errNilAuthenticator = errors.New("auth: nil authenticator")
	errNoOutcome        = errors.New("auth: authenticator returned neither a principal nor an error")
	errBothOutcomes     = errors.New("auth: authenticator returned a principal together with an error")
	errNilError         = errors.New("auth: a nil *auth.Error was returned as an error")
	errNotAbsent        = errors.New("auth: a callback that was given a credential returned that there is none")
	errBadKind          = errors.New("auth: an *auth.Error without a known kind was returned")
)

// Kind says what a refusal means, and with it how it is answered.
type Kind uint8

// The kinds, and what a guard answers. The zero Kind is none of them and is treated as [KindUnavailable].
const (
	// KindNoCredential: nothing of any scheme was sent. 401, every scheme's challenge, no error code.
	KindNoCredential Kind = iota + 1
	// KindMalformed: two credentials, a repeated header, not parseable as a request. 400, and
	// invalid_request for Bearer (RFC 6750 §3.1).
	KindMalformed
	// KindInvalid: present and not accepted. The client can't tell wrong from expired, revoked or unknown.
	// 401, the failing scheme's challenge, invalid_token for Bearer.
	KindInvalid
	// KindForbidden: known, not allowed. 403, insufficient_scope for Bearer.
	KindForbidden
	// KindStepUp: known, and allowed after a fresher or stronger login. 401, insufficient_user_authentication
	// for Bearer (RFC 9470 §3).
	KindStepUp
	// KindThrottled: too many tries. 429, Retry-After, no challenge.
	KindThrottled
	// KindUnavailable: can't be decided now. 503, Retry-After, no challenge.
	KindUnavailable
)

var kinds = [...]struct {
	name, text, code string
	status           int
}{
	KindNoCredential: {"no_credential", "authentication is required", "", http.StatusUnauthorized},
	KindMalformed:    {"malformed", "the request's credentials are ambiguous or malformed", "invalid_request", http.StatusBadRequest},
	KindInvalid:      {"invalid", "the credential was not accepted", "invalid_token", http.StatusUnauthorized},
	KindForbidden:    {"forbidden", "the credential does not allow this", "insufficient_scope", http.StatusForbidden},
	KindStepUp:       {"step_up", "a more recent or stronger authentication is required", "insufficient_user_authentication", http.StatusUnauthorized},
	KindThrottled:    {"throttled", "too many attempts", "", http.StatusTooManyRequests},
	KindUnavailable:  {"unavailable", "authentication is temporarily unavailable", "", http.StatusServiceUnavailable},
}

func (k Kind) known() Kind {
	if k == 0 || int(k) >= len(kinds) {
		return KindUnavailable
	}
	return k
}

// String returns the kind's name as events and metrics use it, such as "no_credential"; "" for the zero Kind.
func (k Kind) String() string {
	if k == 0 {
		return ""
	}
	return kinds[k.known()].name
}

// Status returns the HTTP status code that answers the kind.
func (k Kind) Status() int { return kinds[k.known()].status }

// Text returns the public sentence for the kind. It is constant and safe to show.
func (k Kind) Text() string { return kinds[k.known()].text }

// BearerCode returns the error code that a Bearer challenge carries for the kind (RFC 6750 §3.1, RFC 9470 §3),
// or "" where there is none.
func (k Kind) BearerCode() string { return kinds[k.known()].code }

// An Error is a refusal, or the inability to decide. Error returns the public text, which is constant and has no
// input in it; the cause is behind Unwrap, for logs.
//
// An Error must not be changed once it has been returned.
type Error struct {
	// Kind decides the answer. The zero Kind is treated as KindUnavailable.
	Kind Kind
	// Reason is the stable code for events, logs and metrics, such as "expired". It is never sent.
	Reason Reason
	// Message replaces the kind's public text. It is sent to clients: it must be a constant. "" keeps the
	// kind's text.
	Message string
	// Err is the cause. It is for logs and [errors.Is], never for clients, and must not hold a credential.
	Err error
	// RetryAfter is how long to wait, for KindThrottled and KindUnavailable; it is sent in whole seconds,
	// rounded up. Zero or less is sent as one second.
	RetryAfter time.Duration
	// CredentialID identifies the credential that was refused, where it is one of ours by its public id: a key whose
	// secret was wrong. It goes to events, never to clients, and claims nothing about who sent it.
	CredentialID string
	// Params are added to the failing scheme's challenge and replace parameters of the same name, such as
	// error="use_dpop_nonce".
	Params []Param
}

// Error returns the public text: Message, or the kind's text.
func (e *Error) Error() string {
	if e == nil {
		return KindUnavailable.Text()
	}
	if e.Message != "" {
		return e.Message
	}
	return e.Kind.Text()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Is reports whether target is the sentinel that e stands for, so that errors.Is(err, ErrNoCredential) holds for
// an Error of [KindNoCredential] and errors.Is(err, ErrUnrecognized) for one with [ReasonUnrecognized].
func (e *Error) Is(target error) bool {
	if e == nil {
		return false
	}
	switch target {
	case ErrNoCredential:
		return e.Kind == KindNoCredential
	case ErrUnrecognized:
		return e.Reason == ReasonUnrecognized
	}
	return false
}

// LogValue returns the kind, the reason and, where there is one, the cause.
func (e *Error) LogValue() slog.Value {
	if e == nil {
		return slog.AnyValue(nil)
	}
	attrs := []slog.Attr{slog.String("kind", e.Kind.String()), slog.String("reason", string(e.Reason))}
	if e.Err != nil {
		attrs = append(attrs, slog.String("cause", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// Invalid returns an Error of [KindInvalid]. The cause may be nil.
func Invalid(reason Reason, cause error) *Error {
	return &Error{Kind: KindInvalid, Reason: reason, Err: cause}
}

// Malformed returns an Error of [KindMalformed]. The cause may be nil.
func Malformed(reason Reason, cause error) *Error {
	return &Error{Kind: KindMalformed, Reason: reason, Err: cause}
}

// Forbidden returns an Error of [KindForbidden]. The cause may be nil.
func Forbidden(reason Reason, cause error) *Error {
	return &Error{Kind: KindForbidden, Reason: reason, Err: cause}
}

// Throttled returns an Error of [KindThrottled] that asks the client to wait.
func Throttled(retryAfter time.Duration) *Error {
	return &Error{Kind: KindThrottled, Reason: ReasonThrottled, RetryAfter: retryAfter}
}

// Unavailable returns an Error of [KindUnavailable]. Its reason is [ReasonCancelled] or [ReasonDeadline] where the
// cause is the context's error, and [ReasonUnavailable] otherwise. A cause that wraps a sentinel of [Authenticator] is kept
// as text only: the result never is ErrNoCredential or ErrUnrecognized.
func Unavailable(cause error) *Error {
	reason := ReasonUnavailable
	switch {
	case errors.Is(cause, context.Canceled):
		reason = ReasonCancelled
	case errors.Is(cause, context.DeadlineExceeded):
		reason = ReasonDeadline
	case errors.Is(cause, ErrNoCredential), errors.Is(cause, ErrUnrecognized):
		// A store or callback that returns one of these must not turn an outage into a caller without a credential.
		cause = errors.New(cause.Error())
	}
	return &Error{Kind: KindUnavailable, Reason: reason, Err: cause}
}

// absent reports whether err, as [Decide] returns it, says that nothing was sent. It goes by the kind and not by
// errors.Is, which would find a sentinel among the causes of a refusal too.
func absent(err error) bool {
	if err == ErrNoCredential || err == nil { //nolint:errorlint // the common case costs nothing
		return err != nil
	}
	return KindOf(err) == KindNoCredential
}

// unrecognized is the same for a credential of nobody's kind.
func unrecognized(err error) bool {
	if err == ErrUnrecognized || err == nil { //nolint:errorlint // as above
		return err != nil
	}
	e := AsError(err)
	return e.Kind == KindInvalid && e.Reason == ReasonUnrecognized
}

// afterProof returns the error of a callback that was given a credential: whatever it says, one was sent.
func afterProof(err error) error {
	if absent(err) {
		return broken(errNotAbsent)
	}
	return err
}

func broken(cause error) *Error {
	return &Error{Kind: KindUnavailable, Reason: ReasonContract, Err: cause}
}

// AsError returns the Error that err is or wraps. The sentinels become the errors that they stand for; an error
// that is none of ours, and an Error without a known kind, become [KindUnavailable] with err as the cause.
// AsError(nil) is nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok && e != nil && e.Kind != 0 && int(e.Kind) < len(kinds) { //nolint:errorlint // the common case, unwrapped
		return e
	}
	if e, ok := errors.AsType[*Error](err); ok {
		switch {
		case e == nil:
			return broken(errNilError)
		case e.Kind != e.Kind.known() || e.Kind == 0:
			return broken(errors.Join(errBadKind, e.Err))
		}
		return e
	}
	switch {
	case errors.Is(err, ErrNoCredential):
		return &Error{Kind: KindNoCredential, Reason: ReasonAbsent}
	case errors.Is(err, ErrUnrecognized):
		return Invalid(ReasonUnrecognized, nil)
	}
	return Unavailable(err)
}

// KindOf returns the kind of err as [AsError] sees it, and 0 for nil.
func KindOf(err error) Kind {
	if err == nil {
		return 0
	}
	return AsError(err).Kind
}
