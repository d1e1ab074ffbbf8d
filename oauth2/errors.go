package oauth2

import (
	"errors"

	"github.com/cardea-go/auth"
)

// Errors of this package's verifiers and of [Authenticator]. Test for them with [errors.Is]; they come wrapped in an
// [*auth.Error] of [auth.KindInvalid], whose text is for clients and tells them apart from nothing.
var (
	// ErrInactive: the introspection endpoint says that the token is not active: unknown, expired, revoked, or not for
	// us.
	ErrInactive = errors.New("oauth2: token is not active")
	// ErrTokenType: not an access token: a refresh token or an ID token.
	ErrTokenType = errors.New("oauth2: not an access token")
	// ErrIssuer: from another issuer than the one that is trusted.
	ErrIssuer = errors.New("oauth2: wrong issuer")
	// ErrAudience: made for somebody else, or for nobody in particular.
	ErrAudience = errors.New("oauth2: wrong audience")
	// ErrExpired and ErrNotYetValid: outside its time, whatever else is said of it.
	ErrExpired     = errors.New("oauth2: token expired")
	ErrNotYetValid = errors.New("oauth2: token not yet valid")
	// ErrNoSubject: the token names nobody.
	ErrNoSubject = errors.New("oauth2: token without a subject")
	// ErrBound: a sender-constrained token, and nothing here checks the proof that it demands.
	ErrBound = errors.New("oauth2: token is bound and nothing checks the proof")
	// ErrDowngrade: a token that is bound to a key, sent as a bearer token.
	ErrDowngrade = errors.New("oauth2: bound token sent as a bearer token")
	// ErrNotBound: a bearer token where a bound one is needed.
	ErrNotBound = errors.New("oauth2: token is not bound to its sender")
	// ErrCertificate: the client's certificate is not the one that the token is bound to, or there is none.
	ErrCertificate = errors.New("oauth2: token is bound to another certificate")
)

// Reasons of this package, beside those of packages auth, jwt and dpop.
const (
	ReasonInactive    auth.Reason = "inactive_token"        // the introspection endpoint says so
	ReasonTokenType   auth.Reason = "wrong_token_type"      // a refresh token, an ID token
	ReasonIssuer      auth.Reason = "wrong_issuer"          // iss
	ReasonAudience    auth.Reason = "wrong_audience"        // aud
	ReasonNoSubject   auth.Reason = "missing_claim"         // sub
	ReasonBound       auth.Reason = "proof_not_verified"    // cnf, where nothing checks the proof
	ReasonDowngrade   auth.Reason = "bound_token_as_bearer" // jkt, sent as Bearer
	ReasonNotBound    auth.Reason = "token_not_bound"       // no cnf where one is needed
	ReasonCertificate auth.Reason = "wrong_certificate"     // x5t#S256
)

var reasons = [...]struct {
	err    error
	reason auth.Reason
}{
	{ErrInactive, ReasonInactive},
	{ErrTokenType, ReasonTokenType},
	{ErrIssuer, ReasonIssuer},
	{ErrAudience, ReasonAudience},
	{ErrExpired, auth.ReasonExpired},
	{ErrNotYetValid, auth.ReasonNotYetValid},
	{ErrNoSubject, ReasonNoSubject},
	{ErrBound, ReasonBound},
	{ErrDowngrade, ReasonDowngrade},
	{ErrNotBound, ReasonNotBound},
	{ErrCertificate, ReasonCertificate},
}

// refuse returns the auth.Error for one of the errors above.
func refuse(err error) *auth.Error {
	e := auth.Invalid("", err)
	for _, r := range reasons {
		if err == r.err { //nolint:errorlint // identity of the sentinel is meant
			e.Reason = r.reason
		}
	}
	return e
}
