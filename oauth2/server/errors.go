package server

import (
	"errors"
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/internal/wire"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// Reasons of this package, beside those of packages auth, refresh and dpop.
const (
	ReasonRequest auth.Reason = "bad_request"           // not a request of this protocol
	ReasonClient  auth.Reason = "client_not_accepted"   // unknown, or its proof is wrong
	ReasonMethod  auth.Reason = "wrong_client_method"   // it authenticates in another way
	ReasonGrant   auth.Reason = "grant_not_allowed"     // not a grant of this server or client
	ReasonScope   auth.Reason = "scope_not_allowed"     // beyond what the client may ask for
	ReasonTarget  auth.Reason = "resource_not_allowed"  // beyond what the client may ask for
	ReasonBinding auth.Reason = "proof_required"        // the client's tokens must be bound
	ReasonSubject auth.Reason = "subject_not_allowed"   // a user who is named like a client
	ReasonNoGrant auth.Reason = "token_not_revocable"   // an access token without a session
	ReasonReplay  auth.Reason = "assertion_used_before" // the jti of a client's assertion
)

// refusal makes an error of what is to be answered.
func refusal(kind auth.Kind, reason auth.Reason, e *wire.Error) *auth.Error {
	return &auth.Error{Kind: kind, Reason: reason, Err: e}
}

func badRequest(reason auth.Reason, code, description string) *auth.Error {
	return refusal(auth.KindMalformed, reason, &wire.Error{Status: http.StatusBadRequest, Code: code, Description: description})
}

func forbidden(reason auth.Reason, code, description string) *auth.Error {
	return refusal(auth.KindForbidden, reason, &wire.Error{Status: http.StatusBadRequest, Code: code, Description: description})
}

// badClient is the one answer to every client that is not accepted. RFC 6749 §5.2: "If the client attempted to
// authenticate via the 'Authorization' request header field, the authorization server MUST respond with an HTTP 401".
func (s *Server) badClient(reason auth.Reason) *auth.Error {
	return refusal(auth.KindInvalid, reason, &wire.Error{
		Status: http.StatusUnauthorized, Code: wire.InvalidClient, Challenge: s.challenge,
		Description: "client authentication failed",
	})
}

// answer translates every error there may be into what is sent.
func answer(err error) *wire.Error {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e
	}
	bad := func(code, description string) *wire.Error {
		return &wire.Error{Status: http.StatusBadRequest, Code: code, Description: description}
	}
	switch e := auth.AsError(err); {
	case errors.Is(err, refresh.ErrScope):
		return bad(wire.InvalidScope, "the scope exceeds what was granted")
	case errors.Is(err, refresh.ErrTarget):
		return bad(wire.InvalidTarget, "the resource exceeds what was granted")
	case e.Kind == auth.KindForbidden || e.Kind == auth.KindStepUp:
		return bad(wire.UnauthorizedClient, "")
	case e.Kind == auth.KindMalformed:
		return bad(wire.InvalidRequest, "")
	default:
		return wire.Refusal(e)
	}
}
