package dpop

import (
	"errors"

	"github.com/cardea-go/auth"
)

// Errors of [Verifier.Verify], in the order of its steps. Test for them with [errors.Is]; they come wrapped in an
// [*auth.Error] of [auth.KindInvalid] whose challenge parameter error is what [Code] returns.
var (
	// ErrMissing: no proof where one is needed.
	ErrMissing = errors.New("dpop: no proof")
	// ErrTooLong: longer than [Config.MaxBytes].
	ErrTooLong = errors.New("dpop: proof too long")
	// ErrMalformed: not a signed JWT with strict base64url and a strict JSON header.
	ErrMalformed = errors.New("dpop: malformed proof")
	// ErrType: typ is not dpop+jwt.
	ErrType = errors.New("dpop: wrong type of proof")
	// ErrAlgorithm: the algorithm is not one of [Config.Algorithms].
	ErrAlgorithm = errors.New("dpop: algorithm not allowed")
	// ErrKey: jwk is not there, is not a public key, or is not one for the algorithm.
	ErrKey = errors.New("dpop: unusable key")
	// ErrSignature: the signature is not the key's.
	ErrSignature = errors.New("dpop: bad signature")
	// ErrClaims: jti, htm, htu or iat is missing, or a claim has the wrong type.
	ErrClaims = errors.New("dpop: malformed claims")
	// ErrMethod: htm is not the request's method.
	ErrMethod = errors.New("dpop: proof for another method")
	// ErrURL: htu is not the request's URL.
	ErrURL = errors.New("dpop: proof for another URL")
	// ErrToken: ath is not the hash of the access token.
	ErrToken = errors.New("dpop: proof for another access token")
	// ErrThumbprint: the key is not the one that the access token is bound to.
	ErrThumbprint = errors.New("dpop: proof by another key")
	// ErrNonce: nonce is missing, not ours, or too old.
	ErrNonce = errors.New("dpop: a fresh nonce is needed")
	// ErrTime: iat is too long ago, or in the future.
	ErrTime = errors.New("dpop: proof too old or not yet valid")
	// ErrReplay: the proof was used before.
	ErrReplay = errors.New("dpop: proof used before")
)

// Reasons of this package, beside those of package auth.
const (
	ReasonMissing   auth.Reason = "dpop_proof_missing"  // no proof where one is needed
	ReasonMalformed auth.Reason = "dpop_proof_unusable" // its form, type, algorithm, key or claims
	ReasonSignature auth.Reason = "dpop_signature"      // not by the key that it carries
	ReasonTarget    auth.Reason = "dpop_wrong_request"  // for another method or URL
	ReasonToken     auth.Reason = "dpop_wrong_token"    // for another access token, or by another key
	ReasonNonce     auth.Reason = "dpop_nonce"          // without a fresh nonce
	ReasonTime      auth.Reason = "dpop_time"           // too old, or from the future
	ReasonReplay    auth.Reason = "dpop_replay"         // used before
)

var reasons = [...]struct {
	err    error
	reason auth.Reason
}{
	{ErrMissing, ReasonMissing},
	{ErrTooLong, auth.ReasonTooLong},
	{ErrMalformed, ReasonMalformed},
	{ErrType, ReasonMalformed},
	{ErrAlgorithm, ReasonMalformed},
	{ErrKey, ReasonMalformed},
	{ErrSignature, ReasonSignature},
	{ErrClaims, ReasonMalformed},
	{ErrMethod, ReasonTarget},
	{ErrURL, ReasonTarget},
	{ErrToken, ReasonToken},
	{ErrThumbprint, ReasonToken},
	{ErrNonce, ReasonNonce},
	{ErrTime, ReasonTime},
	{ErrReplay, ReasonReplay},
}

// The error codes of RFC 9449 §12.2, for token endpoints and for challenges.
const (
	CodeInvalidProof = "invalid_dpop_proof"
	CodeUseNonce     = "use_dpop_nonce"
)

// Code returns the error code that answers a refusal of this package, and "" for any other error: an answer that can't
// be given now has none.
func Code(err error) string {
	if errors.Is(err, ErrNonce) {
		return CodeUseNonce
	}
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return CodeInvalidProof
		}
	}
	return ""
}

// refuse returns the auth.Error for one of the errors above.
func refuse(err error) *auth.Error {
	e := auth.Invalid("", err)
	e.Params = []auth.Param{{Name: "error", Value: CodeInvalidProof}}
	if err == ErrNonce { //nolint:errorlint // identity of the sentinel is meant
		e.Params[0].Value = CodeUseNonce
	}
	for _, r := range reasons {
		if err == r.err { //nolint:errorlint // identity of the sentinel is meant
			e.Reason = r.reason
		}
	}
	return e
}
