package auth

// Reason is a stable, machine-readable code for one cause of a decision. Reasons go to events, logs and metrics,
// never to clients. Schemes add their own beside the ones below; a reason never holds input.
type Reason string

// Reasons that this package and several schemes use.
const (
	ReasonAbsent        Reason = "absent"               // nothing was sent
	ReasonForeign       Reason = "foreign_scheme"       // only an Authorization scheme that nobody here serves
	ReasonUnrecognized  Reason = "unrecognized"         // a served place holds a value of no served kind
	ReasonRepeated      Reason = "repeated_header"      // a header that may come once came twice
	ReasonMultiple      Reason = "multiple_credentials" // credentials in two places
	ReasonMalformed     Reason = "malformed_credential" // recognised, not of the scheme's grammar
	ReasonTooLong       Reason = "too_long"             // longer than the scheme's limit
	ReasonUnknown       Reason = "unknown"              // well-formed, belongs to nobody
	ReasonMismatch      Reason = "mismatch"             // known, the secret is wrong
	ReasonBadSignature  Reason = "bad_signature"        // signed by nobody we trust
	ReasonExpired       Reason = "expired"              // past its end
	ReasonNotYetValid   Reason = "not_yet_valid"        // before its start
	ReasonRevoked       Reason = "revoked"              // withdrawn
	ReasonDisabled      Reason = "disabled"             // switched off
	ReasonMissingScope  Reason = "missing_scope"        // a scope is not held
	ReasonMissingRole   Reason = "missing_role"         // a role is not held
	ReasonNotAllowed    Reason = "not_allowed"          // a requirement of the user's own refused
	ReasonTooOld        Reason = "login_too_old"        // authenticated too long ago
	ReasonTooWeak       Reason = "login_too_weak"       // authenticated too weakly
	ReasonAddress       Reason = "address_not_allowed"  // the client's address is outside the allowed ones
	ReasonThrottled     Reason = "throttled"            // too many tries
	ReasonUnavailable   Reason = "unavailable"          // a store, key source or callback failed
	ReasonCancelled     Reason = "cancelled"            // the caller went away
	ReasonDeadline      Reason = "deadline"             // time ran out
	ReasonContract      Reason = "contract_broken"      // an authenticator or requirement broke its contract
	ReasonConfiguration Reason = "bad_configuration"    // a value that failed to validate was used
	ReasonPanic         Reason = "panic"                // an authenticator or requirement panicked
	ReasonPreflight     Reason = "preflight"            // a CORS preflight was let through
	ReasonStale         Reason = "stale"                // an expired credential counted as none
)
