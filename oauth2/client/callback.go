package client

import (
	"context"
	"crypto"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	_ "crypto/sha256" // hashes of at_hash
	_ "crypto/sha512"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// An Identity is who has logged in, and what the provider gave for them.
type Identity struct {
	// Claims are those of the ID token, verified in every respect. A user is known by issuer and subject together: an
	// e-mail address changes hands, and counts at all only where the claim email_verified is true and the provider is
	// the one to say so.
	Claims *jwt.Claims
	// ReturnTo is the path that [Login.Start] was given, "/" where none was. It is one of this site.
	ReturnTo string
	// Tokens are for calls to the provider's own services.
	Tokens Tokens
}

// Reasons of this package, beside those of package auth.
const (
	ReasonReturn  auth.Reason = "return_path"      // return_to leads elsewhere
	ReasonAttempt auth.Reason = "no_login_attempt" // this browser began no such login, or too long ago
	ReasonIssuer  auth.Reason = "other_issuer"     // the answer is another provider's
	ReasonDenied  auth.Reason = "login_denied"     // the provider or the person said no
	ReasonCode    auth.Reason = "bad_code"         // the provider does not know the code
	ReasonNonce   auth.Reason = "nonce_mismatch"   // an ID token of another login
	ReasonAtHash  auth.Reason = "at_hash_mismatch" // an access token that is not the ID token's
)

// DeniedError is the cause of a login that was refused at the provider. It is found by errors.As.
type DeniedError struct {
	// Code is the error code of RFC 6749 §4.1.2.1 or OpenID Connect Core §3.1.2.6, such as "access_denied" or
	// "login_required"; "" where it is none of those.
	Code string
}

// Error says what the provider answered.
func (d *DeniedError) Error() string {
	if d.Code == "" {
		return "client: the provider refused the login"
	}
	return "client: the provider refused the login: " + d.Code
}

const (
	maxQuery = 16 << 10
	maxCode  = 8 << 10
)

var (
	errQuery    = errors.New("client: callback: a query that no provider sends: a parameter twice, too long, or no state")
	errAttempt  = errors.New("client: callback: no cookie of this login: it was begun in another browser, on another host, or too long ago")
	errIssuer   = errors.New("client: callback: the answer is another issuer's")
	errNoIssuer = errors.New("client: callback: the provider says that it names itself in iss, and did not")
	errNoCode   = errors.New("client: callback: neither a code nor an error")
	errNoToken  = errors.New("client: the token endpoint gave no ID token: is openid allowed for this client?")
	errNonce    = errors.New("client: the nonce of the ID token is another login's")
	errAtHash   = errors.New("client: at_hash of the ID token is another access token's")
	errTooOld   = errors.New("client: auth_time is missing, or older than LoginConfig.MaxAge")
)

// Callback serves the URL that the provider sends the browser back to: a GET. It ends with Done or Failed.
func (l *Login) Callback(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer") // the code is in the URL
	who, e := l.finish(w, r)
	if e != nil {
		l.fail(w, r, e)
		return
	}
	l.observe(r, auth.Event{Outcome: auth.OutcomeAllowed, Subject: who.Claims.Subject()})
	l.c.Done(w, r, who)
}

// answer is what the provider says by way of the browser.
type answer struct{ state, code, iss, refusal string }

func readAnswer(r *http.Request) (a answer, ok bool) {
	if len(r.URL.RawQuery) > maxQuery {
		return a, false
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return a, false
	}
	for name, into := range map[string]*string{"state": &a.state, "code": &a.code, "iss": &a.iss, "error": &a.refusal} {
		switch values := q[name]; len(values) {
		case 0:
		case 1:
			*into = values[0]
		default: // RFC 6749 §3.1: none of them twice
			return a, false
		}
	}
	return a, len(a.state) >= cookieSuffix && len(a.code) <= maxCode
}

// finish checks everything before anything is released (RFC 9700 §4.5.3.2).
func (l *Login) finish(w http.ResponseWriter, r *http.Request) (*Identity, *auth.Error) {
	in, ok := readAnswer(r)
	if !ok {
		return nil, auth.Malformed(auth.ReasonMalformed, errQuery)
	}
	a, ok := l.attempt(w, r, in.state)
	if !ok {
		return nil, auth.Invalid(ReasonAttempt, errAttempt)
	}
	m, err := l.provider.metadata(r.Context())
	if err != nil {
		return nil, auth.Unavailable(err)
	}
	switch { // RFC 9207 §2.4, before the code goes anywhere and before an error is believed
	case in.iss != "" && in.iss != l.c.Issuer:
		return nil, auth.Invalid(ReasonIssuer, errIssuer)
	case in.iss == "" && m.iss:
		return nil, auth.Invalid(ReasonIssuer, errNoIssuer)
	case in.refusal != "":
		return nil, denied(in.refusal)
	case in.code == "":
		return nil, auth.Malformed(auth.ReasonMalformed, errNoCode)
	}
	tokens, e := l.exchange(r.Context(), m, a, in.code)
	if e != nil {
		return nil, e
	}
	claims, e := l.verify(r.Context(), a, tokens)
	if e != nil {
		return nil, e
	}
	return &Identity{Claims: claims, ReturnTo: a.ReturnTo, Tokens: tokens}, nil
}

// attempt returns the login that this browser began with the state, and takes its cookie away.
func (l *Login) attempt(w http.ResponseWriter, r *http.Request, state string) (attempt, bool) {
	name := cookieName(state)
	cookies := r.CookiesNamed(name)
	if len(cookies) != 1 {
		return attempt{}, false
	}
	a, ok := l.sealer.open(name, cookies[0].Value)
	if !ok || subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) != 1 {
		return attempt{}, false
	}
	setAttempt(w, name, "")
	age := l.c.Clock().Sub(a.Began)
	return a, age >= -loginLeeway && age < attemptFor
}

func denied(code string) *auth.Error {
	switch code {
	case "access_denied", "login_required", "interaction_required", "account_selection_required", "consent_required":
		return auth.Forbidden(ReasonDenied, &DeniedError{code})
	case "server_error", "temporarily_unavailable":
		return auth.Unavailable(&DeniedError{code})
	case "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "invalid_target":
		return auth.Unavailable(&DeniedError{code}) // it is us who asked for what is not there
	}
	return auth.Forbidden(ReasonDenied, &DeniedError{})
}

func (l *Login) exchange(ctx context.Context, m *metadata, a attempt, code string) (Tokens, *auth.Error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {l.c.RedirectURL}, "code_verifier": {a.Verifier},
	}
	tokens, err := askForTokens(ctx, l.client, m.token, l.authenticate, form, l.scopes, l.c.Clock)
	refusal, refused := errors.AsType[*TokenError](err)
	switch {
	case refused && refusal.Code == "invalid_grant":
		return Tokens{}, auth.Invalid(ReasonCode, err)
	case err != nil:
		return Tokens{}, auth.Unavailable(err)
	case tokens.IDToken == "":
		return Tokens{}, auth.Unavailable(errNoToken)
	}
	return tokens, nil
}

// verify checks the ID token (OpenID Connect Core §3.1.3.7).
func (l *Login) verify(ctx context.Context, a attempt, tokens Tokens) (*jwt.Claims, *auth.Error) {
	claims, err := l.verifier.Verify(ctx, tokens.IDToken)
	if err != nil {
		return nil, auth.AsError(err)
	}
	nonce, err := jwt.Claim[string](claims, "nonce")
	if err != nil || subtle.ConstantTimeCompare([]byte(nonce), []byte(a.Nonce)) != 1 {
		return nil, auth.Invalid(ReasonNonce, errNonce)
	}
	if claims.Has("at_hash") {
		hash, err := jwt.Claim[string](claims, "at_hash")
		if err != nil || hash != halfHash(claims.Algorithm(), tokens.AccessToken) {
			return nil, auth.Invalid(ReasonAtHash, errAtHash)
		}
	}
	if l.c.MaxAge > 0 {
		age := l.c.Clock().Sub(claims.AuthenticatedAt())
		if claims.AuthenticatedAt().IsZero() || age > l.c.MaxAge+loginLeeway || age < -loginLeeway {
			return nil, auth.Invalid(auth.ReasonTooOld, errTooOld)
		}
	}
	return claims, nil
}

// halfHash is at_hash (OpenID Connect Core §3.1.3.6): the left half of the hash that belongs to the signature.
func halfHash(alg jwt.Algorithm, token string) string {
	hash := crypto.SHA256
	switch alg {
	case jwt.RS384, jwt.PS384, jwt.ES384:
		hash = crypto.SHA384
	case jwt.RS512, jwt.PS512, jwt.ES512, jwt.EdDSA: // Ed25519 signs a SHA-512
		hash = crypto.SHA512
	default:
	}
	h := hash.New()
	h.Write([]byte(token))
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
