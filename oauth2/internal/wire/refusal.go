package wire

import (
	"net/http"

	"github.com/cardea-go/auth"
)

// Refusal translates an error of a grant: what was presented is not accepted, or nothing is known.
func Refusal(err error) *Error {
	e := auth.AsError(err)
	if e.Kind == auth.KindThrottled {
		return &Error{Status: http.StatusTooManyRequests, Code: Unavailable, Description: "too many attempts", RetryAfter: e.RetryAfter}
	}
	if e.Kind == auth.KindUnavailable {
		return &Error{Status: http.StatusServiceUnavailable, Code: Unavailable, RetryAfter: e.RetryAfter}
	}
	return &Error{Status: http.StatusBadRequest, Code: InvalidGrant}
}
