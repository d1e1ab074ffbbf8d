package auth

import (
	"context"
	"net/http"
)

// An Authenticator turns the credential in a request into a [Principal], or says precisely why not.
//
// Authenticate returns a principal if and only if the error is nil. The errors it may return are:
//
//   - [ErrNoCredential]: the request carries nothing in the places that this authenticator reads.
//     A chain tries its next member.
//   - [ErrUnrecognized]: one of those places is filled, but the value is not of this authenticator's kind
//     (an opaque token where it reads JWTs). A chain tries its next member; if none recognises the value,
//     the outcome is a refusal, never an anonymous caller.
//   - an [*Error]: the credential is recognised and not accepted, or nothing can be decided now. A place that is
//     filled twice (a repeated header, cookie or parameter) is [KindMalformed].
//     A chain stops. Use [KindInvalid] for whatever the client must not tell apart (wrong, expired, revoked,
//     unknown) and [KindUnavailable] when a store or key source does not answer.
//
// Any other error, a principal together with an error, and neither of them are treated as [KindUnavailable]:
// a broken authenticator lets nobody in and accuses nobody.
//
// Implementations must be safe for concurrent use, must not write to the request, must not read its body, and
// must not keep it. They may block; they observe the request's context. The kit in package authtest checks an
// implementation against this contract.
//
// [Credentials], [HeaderValue] and [CookieValue] read a request as this contract wants it.
//
// An authenticator that has more to tell implements [Decider] too; one that wraps another shows it through
// [Unwrapper].
type Authenticator interface {
	Authenticate(r *http.Request) (*Principal, error)

	// Schemes describes what a client may send, strongest first, for challenges and API descriptions: at least one.
	// It must return the same value for the life of the authenticator, and callers must not change it.
	Schemes() []Scheme
}

// A Requirement decides whether a principal may go on.
//
// Check returns nil where p may go on, and otherwise an [*Error] of [KindForbidden] (or [KindStepUp], where a
// fresher or stronger login would do). A nil principal is answered with an error of [KindNoCredential], never with
// nil and never with a panic. Any other error means that the question can't be decided, which is [KindUnavailable].
//
// Implementations must be safe for concurrent use. A requirement that can be described implements [Describer]
// as well, one that can be built wrong implements [Validator].
type Requirement interface {
	Check(ctx context.Context, p *Principal) error
}

// A Validator is a value that can be built wrong and says so when it is put to use: the guard's constructor calls
// Validate on its authenticator and requirements and returns what they report. Compositions pass the call on.
type Validator interface {
	// Validate returns every mistake, joined, or nil.
	Validate() error
}

// An Unwrapper is an authenticator that wraps another. It is to authenticators what Unwrap is to errors.
type Unwrapper interface {
	Unwrap() Authenticator
}

// A Decider is an [Authenticator] whose decision holds more than a principal and an error: response headers,
// which member of a chain decided, what was left unread. Callers use the function [Decide], which asks for this
// interface and holds every authenticator to its contract.
type Decider interface {
	Authenticator
	Decide(r *http.Request) Decision
}

// A Decision is what an authenticator made of a request.
type Decision struct {
	// Principal is who is behind the request; nil unless Err is nil.
	Principal *Principal
	// Err is nil, [ErrNoCredential], [ErrUnrecognized] or an [*Error].
	Err error
	// By is the authenticator that decided: the member of a chain, or the authenticator that was asked. [Decide] sets
	// it.
	By Authenticator
	// Schemes are those of the one that decided, where By combines several; nil stands for By's own.
	Schemes []Scheme
	// Header is added to the response whatever the outcome, before the next handler runs: a DPoP nonce,
	// a cookie that slides. Nil adds nothing.
	Header http.Header
	// Unread names the schemes whose credentials were in the request too and were not looked at.
	Unread []string
	// Stale names the scheme whose expired credential counts as none; see [StaleAsAnonymous].
	Stale string
}

// Decide asks a for its decision on r and enforces the contract of [Authenticator]: the result has a principal
// or an error and never both or neither, and the error is [ErrNoCredential], [ErrUnrecognized] or an [*Error].
// A nil authenticator can't decide, which is [KindUnavailable].
func Decide(a Authenticator, r *http.Request) Decision {
	var d Decision
	switch a := a.(type) {
	case nil:
		d.Err = Unavailable(errNilAuthenticator)
	case Decider:
		d = a.Decide(r)
	default:
		d.Principal, d.Err = a.Authenticate(r)
	}
	if _, chain := a.(*Chain); !chain || d.By == nil {
		d.By = a // only a chain speaks for others; a decorator answers for itself
	}
	if d.Err == nil && d.Principal != nil {
		if d.Principal.c.Scheme == "" {
			if schemes := a.Schemes(); len(schemes) > 0 {
				d.Principal = d.Principal.as(schemes[0].Name, "")
			}
		}
		return d
	}
	d.Err = contractError(d.Principal, d.Err)
	d.Principal = nil
	return d
}

func contractError(p *Principal, err error) error {
	switch {
	case err == nil:
		return broken(errNoOutcome)
	case p != nil:
		return broken(errBothOutcomes)
	case err == ErrNoCredential || err == ErrUnrecognized: //nolint:errorlint // the common cases, unwrapped
		return err
	}
	return AsError(err)
}
