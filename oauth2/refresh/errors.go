package refresh

import (
	"errors"

	"github.com/cardea-go/auth"
)

// Errors of [Issuer.Refresh]. Test for them with [errors.Is]; they come wrapped in an [*auth.Error].
var (
	// ErrInvalid: the token is not accepted: forged, unknown, expired, revoked, used before or another client's. The
	// client can't tell which. invalid_grant (RFC 6749 §5.2).
	ErrInvalid = errors.New("refresh: token not accepted")
	// ErrScope: a scope was asked for that the grant does not have. invalid_scope.
	ErrScope = errors.New("refresh: scope exceeds the grant")
	// ErrTarget: a resource was asked for that the grant does not have. invalid_target (RFC 8707 §2).
	ErrTarget = errors.New("refresh: resource exceeds the grant")
	// ErrNoLister is what [Issuer.Sessions], [Issuer.RevokeSubject] and [Issuer.RevokeClient] return where the store is
	// no [Lister].
	ErrNoLister = errors.New("refresh: the store can't list grants: implement Lister")
)

// Reasons of this package, beside those of package auth.
const (
	ReasonReuse   auth.Reason = "refresh_token_reuse" // a spent token came back: the grant was revoked
	ReasonFuture  auth.Reason = "refresh_token_ahead" // newer than the grant: the store was rolled back
	ReasonClient  auth.Reason = "other_client"        // another client's token
	ReasonBinding auth.Reason = "other_key"           // bound to a key that was not proved
	ReasonTarget  auth.Reason = "resource_exceeded"   // a resource that was not granted
	ReasonReplay  auth.Reason = "refresh_replayed"    // allowed: a retry inside the grace window
	ReasonIssued  auth.Reason = "session_started"     // allowed: a new grant
	ReasonLogout  auth.Reason = "session_ended"       // allowed: a grant was revoked
)

func refuse(reason auth.Reason) *auth.Error { return auth.Invalid(reason, ErrInvalid) }
