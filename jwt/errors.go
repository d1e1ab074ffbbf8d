package jwt

import (
	"errors"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
)

// Errors of [Verifier.Verify], one for each step, in the order of the steps. Test for them with [errors.Is]; they come
// wrapped in an [*auth.Error] of [auth.KindInvalid], whose text is for clients and tells them apart from nothing.
var (
	// ErrTooLong: longer than [Config.MaxBytes].
	ErrTooLong = errors.New("jwt: token too long")
	// ErrMalformed: not a JWS in compact serialization with strict base64url and a strict JSON header.
	ErrMalformed = errors.New("jwt: malformed token")
	// ErrUnsupported: encrypted, or the header demands an extension (crit, b64, zip).
	ErrUnsupported = errors.New("jwt: token uses an extension that is not supported")
	// ErrAlgorithm: the algorithm is not one of [Config.Algorithms], or not the key's.
	ErrAlgorithm = errors.New("jwt: algorithm not allowed")
	// ErrType: typ is not that of the [Profile], or the token is a security event.
	ErrType = errors.New("jwt: wrong type of token")
	// ErrUnknownKey: no key of the issuer has the token's kid.
	ErrUnknownKey = errors.New("jwt: unknown key")
	// ErrSignature: the signature is not the key's.
	ErrSignature = errors.New("jwt: bad signature")
	// ErrClaims: the signature is right and the claims are no strict JSON object, or one has the wrong type.
	ErrClaims = errors.New("jwt: malformed claims")
	// ErrIssuer: iss is none of the verifier's issuers.
	ErrIssuer = errors.New("jwt: wrong issuer")
	// ErrAudience: aud names none of [Config.Audience].
	ErrAudience = errors.New("jwt: wrong audience")
	// ErrMissingClaim: the profile or [Config.Require] demands a claim that is not there.
	ErrMissingClaim = errors.New("jwt: missing claim")
	// ErrNotYetValid: before nbf, or iat is in the future.
	ErrNotYetValid = errors.New("jwt: token not yet valid")
	// ErrTooOld: iat is longer ago than [Config.MaxAge].
	ErrTooOld = errors.New("jwt: token too old")
	// ErrRefused: [Config.Validate] refused.
	ErrRefused = errors.New("jwt: refused by a custom validator")
	// ErrRevoked: [Config.Revoker] says so.
	ErrRevoked = errors.New("jwt: token revoked")
	// ErrExpired: on or after exp, and every other check passed.
	ErrExpired = errors.New("jwt: token expired")
)

// Reasons of this package, beside those of package auth.
const (
	ReasonUnsupported  auth.Reason = "unsupported_token"  // encrypted, or with an extension
	ReasonAlgorithm    auth.Reason = "bad_algorithm"      // not allowed, or not the key's
	ReasonType         auth.Reason = "wrong_token_type"   // typ of another profile
	ReasonUnknownKey   auth.Reason = "unknown_key"        // no such kid at the issuer
	ReasonClaims       auth.Reason = "bad_claims"         // signed, but no usable claims
	ReasonIssuer       auth.Reason = "wrong_issuer"       // iss
	ReasonAudience     auth.Reason = "wrong_audience"     // aud
	ReasonMissingClaim auth.Reason = "missing_claim"      // a required claim
	ReasonOld          auth.Reason = "token_too_old"      // iat, against MaxAge
	ReasonBound        auth.Reason = "proof_not_verified" // cnf, where nothing checks the proof
)

// reasons gives each error of a token its reason.
var reasons = [...]struct {
	err    error
	reason auth.Reason
}{
	{ErrTooLong, auth.ReasonTooLong},
	{ErrMalformed, auth.ReasonMalformed},
	{ErrUnsupported, ReasonUnsupported},
	{ErrAlgorithm, ReasonAlgorithm},
	{ErrType, ReasonType},
	{ErrUnknownKey, ReasonUnknownKey},
	{ErrSignature, auth.ReasonBadSignature},
	{ErrClaims, ReasonClaims},
	{ErrIssuer, ReasonIssuer},
	{ErrAudience, ReasonAudience},
	{ErrMissingClaim, ReasonMissingClaim},
	{ErrNotYetValid, auth.ReasonNotYetValid},
	{ErrTooOld, ReasonOld},
	{ErrRefused, auth.ReasonNotAllowed},
	{ErrRevoked, auth.ReasonRevoked},
	{ErrExpired, auth.ReasonExpired},
}

// refuse returns the auth.Error for one of the errors above.
func refuse(err error) *auth.Error {
	for _, r := range reasons {
		if err == r.err { //nolint:errorlint // identity of the sentinel is meant
			return auth.Invalid(r.reason, err)
		}
	}
	return auth.Unavailable(err)
}

// refuseParse translates an error of package jose.
func refuseParse(err error) *auth.Error {
	switch {
	case errors.Is(err, jose.ErrEncrypted) || errors.Is(err, jose.ErrExtension):
		return refuse(ErrUnsupported)
	case errors.Is(err, jose.ErrAlg):
		return refuse(ErrAlgorithm)
	}
	return refuse(ErrMalformed)
}
