package refresh

import (
	"errors"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/internal/wire"
)

// loginAge is how long ago a login may be that starts a session.
const loginAge = time.Minute

var (
	errNoLogin   = errors.New("refresh: Endpoints.Login without a principal: put a guard for logins in front")
	errForeign   = errors.New("refresh: Endpoints.Login: a principal of another issuer: give it a subject of your own with auth.Map")
	errNotFresh  = errors.New("refresh: Endpoints.Login: a principal that did not log in just now: guard it with a login, or use Issuer.Issue")
	errNotJWT    = errors.New("refresh: Issuer.Authenticator: the access tokens are not those of refresh.JWT: verify them by what makes them")
	errIDTokens  = errors.New("refresh: Issuer.Authenticator: the issuer makes ID tokens, which clients show to others: use jwt.ProfileAccessToken")
	errVerifier  = errors.New("refresh: Issuer.Authenticator: leave AuthenticatorConfig.Verifier out: it is made of the issuer")
	errUnlimited = errors.New("refresh: EndpointsConfig.Scopes is unlimited: name the scopes")
)

// Login serves a login, a POST: it starts a session for the principal that the guard in front has proved, by name and password
// or whatever else people log in with, and answers with its tokens:
//
//	mux.HandleFunc("POST /login", middleware.Authenticated().Via(passwords), endpoints.Login)
//
// The session gets those of [EndpointsConfig].Scopes that the principal's own credential covers: all of them for a login that
// nothing narrowed ([auth.Unlimited]), none for a principal without scopes. Its device is the User-Agent. Roles and tenant are
// not kept in sessions, where they would go stale: load them with [auth.Map] around [Issuer.Authenticator].
//
// Only a login starts a session, or whoever steals a token for ten minutes has one for months. A principal that did not log in
// within the last minute, by [auth.Principal.AuthenticatedAt], is refused with 403: package basic says when, a key never does.
// So is a principal of another issuer, whose subject may be somebody else's here.
func (e *Endpoints) Login(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost:
		wire.Fail(w, wire.UsePOST())
		return
	case e.cookie != nil && e.origin.Check(r) != nil:
		wire.Fail(w, crossOrigin())
		return
	}
	p, _ := auth.FromContext(r.Context())
	if err := e.startsSession(r, p); err != nil {
		g := Grant{Client: e.client}
		if p != nil {
			g.Subject = p.Subject()
		}
		refusal := wire.Refusal(e.i.report(r.Context(), g, err))
		if auth.KindOf(err) == auth.KindForbidden {
			refusal = &wire.Error{Status: http.StatusForbidden, Code: wire.AccessDenied, Description: "only a login starts a session"}
		}
		wire.Fail(w, refusal)
		return
	}
	tokens, err := e.i.Issue(r.Context(), Login{
		Subject: p.Subject(), Client: e.client, Scopes: covered(e.scopes, p.Scopes()), Device: r.UserAgent(),
		AuthenticatedAt: p.AuthenticatedAt(), ACR: p.ACR(),
	})
	if err != nil {
		wire.Fail(w, wire.Refusal(err))
		return
	}
	e.Answer(w, tokens)
}

// startsSession returns nil where p has just logged in here.
func (e *Endpoints) startsSession(r *http.Request, p *auth.Principal) error {
	switch {
	case p == nil:
		return auth.Unavailable(errNoLogin)
	case p.Issuer() != "":
		return auth.Forbidden(auth.ReasonNotAllowed, errForeign)
	case auth.Recent(loginAge, e.i.c.Clock).Check(r.Context(), p) != nil:
		return auth.Forbidden(auth.ReasonTooOld, errNotFresh)
	}
	return nil
}

// covered returns those of scopes that the other set has too.
func covered(scopes, other auth.ScopeSet) auth.ScopeSet {
	var names []string
	for name := range scopes.All() {
		if other.Has(name) {
			names = append(names, name)
		}
	}
	return auth.MustScopeSet(names...) // of names that are in a set
}

// Authenticator returns what accepts the access tokens of the issuer's sessions, for the routes of a program that makes and
// takes them itself. It asks on every request whether the session has ended, which is one look-up in the store, so that a
// logout acts at once. A token without a session (sid), which no logout ends, is refused. c.Verifier must be nil.
//
// It is an error where [Config].Access is not made by [JWT], or of an issuer of ID tokens or one that
// [jwt.Issuer.VerifierConfig] refuses.
func (i *Issuer) Authenticator(c jwt.AuthenticatorConfig) (*jwt.Authenticator, error) {
	made, ok := i.c.Access.(jwtAccess)
	switch {
	case !ok || made.issuer == nil:
		return nil, errNotJWT
	case c.Verifier != nil:
		return nil, errVerifier
	}
	v, err := made.issuer.VerifierConfig()
	if err != nil {
		return nil, err
	}
	if v.Profile == jwt.ProfileIDToken {
		return nil, errIDTokens
	}
	v.Revoker, v.Require = i, []string{"sid"}
	if c.Verifier, err = jwt.NewVerifier(v); err != nil {
		return nil, err
	}
	return jwt.NewAuthenticator(c)
}
