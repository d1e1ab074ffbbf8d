package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/dpop"
)

// An Authenticator authenticates requests by the OAuth access token in their Authorization header: as Bearer (RFC 6750
// §2.1) and, where configured, as DPoP (RFC 9449 §7.1). The principal's data are the [*Token]. It is safe for concurrent
// use.
//
// A token in the query or in a form is not looked at; one in the query beside the header makes the request ambiguous.
type Authenticator struct {
	c         AuthenticatorConfig
	hierarchy hierarchy
	metadata  *Metadata
	schemes   []auth.Scheme // those that are announced: DPoP first
	bearer    auth.Scheme
	dpop      []auth.Scheme // that one, or none
}

// NewAuthenticator returns the authenticator that c describes.
func NewAuthenticator(c AuthenticatorConfig) (*Authenticator, error) {
	a := &Authenticator{}
	errs := []error{c.check()}
	var err error
	if a.hierarchy, err = c.Hierarchy.compile(); err != nil {
		errs = append(errs, err)
	}
	if c.Resource != nil {
		if a.metadata, err = NewMetadata(c.resource()); err != nil {
			errs = append(errs, err)
		} else if c.ExternalURL == "" {
			c.ExternalURL = origin(c.Resource.URL)
		}
	}
	if c.DPoP != nil {
		if err := checkExternalURL(c.ExternalURL); err != nil {
			errs = append(errs, err)
		}
	}
	a.c = c
	a.describe()
	for _, s := range append(slices.Clone(a.schemes), a.bearer) {
		if err := s.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("oauth2: AuthenticatorConfig: %w", err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return a, nil
}

// describe makes the schemes. A bearer scheme that takes no token is not announced.
func (a *Authenticator) describe() {
	c := &a.c
	a.bearer = auth.Scheme{
		Name: c.Name, Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Bearer",
		Realm: c.Realm, Description: c.Description, Flows: c.Flows,
	}
	switch {
	case len(c.Flows) > 0:
		a.bearer.Type = "oauth2"
	case c.OpenIDConnectURL != "":
		a.bearer.Type, a.bearer.URL = "openIdConnect", c.OpenIDConnectURL
	}
	if _, ok := c.Verifier.(*JWTVerifier); ok {
		a.bearer.BearerFormat = "JWT"
	}
	if a.metadata != nil {
		a.bearer.Params = append(a.bearer.Params, auth.Param{Name: "resource_metadata", Value: a.metadata.URL()})
	}
	if len(c.AskFor) > 0 {
		a.bearer.Params = append(a.bearer.Params, auth.Param{Name: "scope", Value: strings.Join(c.AskFor, " ")})
	}
	if c.DPoP != nil {
		s := a.bearer
		s.Name, s.AuthScheme = c.Name+"-dpop", "DPoP"
		// RFC 9449 §7.1: "algs: a space-delimited list".
		s.Params = append(slices.Clone(s.Params), auth.Param{Name: "algs", Value: joinAlgorithms(c.DPoP.Algorithms())})
		a.dpop = []auth.Scheme{s}
		a.schemes = append(a.schemes, s)
	}
	if !c.RequireBinding || c.Certificate != nil {
		a.schemes = append(a.schemes, a.bearer)
	}
}

// Schemes implements [auth.Authenticator].
func (a *Authenticator) Schemes() []auth.Scheme { return a.schemes }

// Metadata is the handler that serves [AuthenticatorConfig.Resource], or nil where that is nil.
func (a *Authenticator) Metadata() *Metadata { return a.metadata }

// Authenticate implements [auth.Authenticator].
func (a *Authenticator) Authenticate(r *http.Request) (*auth.Principal, error) {
	d := a.Decide(r)
	return d.Principal, d.Err
}

// Decide implements [auth.Decider]: it has nonces to hand out.
func (a *Authenticator) Decide(r *http.Request) auth.Decision {
	scheme, asDPoP := &a.bearer, false
	token, err := auth.Credentials(r, "Bearer", a.c.MaxBytes)
	if err != nil && a.c.DPoP != nil && errors.Is(err, auth.ErrNoCredential) {
		if token, err = auth.Credentials(r, "DPoP", a.c.MaxBytes); !errors.Is(err, auth.ErrNoCredential) {
			scheme, asDPoP = &a.dpop[0], true
		}
	}
	if err != nil {
		return auth.Decision{Err: malformed(err)}
	}
	if queryHasToken(r.URL.RawQuery) { // RFC 6750 §2: "Clients MUST NOT use more than one method"
		return auth.Decision{Err: auth.Malformed(auth.ReasonMultiple, nil)}
	}
	t, err := a.verify(r.Context(), token)
	if err != nil {
		return auth.Decision{Err: err}
	}
	d := auth.Decision{}
	var proof *dpop.Proof
	if proof, d.Err = a.confirm(r, t, token, asDPoP); d.Err == nil {
		d.Principal, d.Err = a.principal(t, scheme.Name)
	}
	a.advise(&d, asDPoP, proof)
	return d
}

// malformed says of a header that breaks the grammar of RFC 6750 §2.1 what §3.1 says: invalid_request. It is not the token
// that is bad.
func malformed(err error) error {
	if e, ok := errors.AsType[*auth.Error](err); ok && e.Reason == auth.ReasonMalformed {
		return auth.Malformed(auth.ReasonMalformed, e.Err)
	}
	return err
}

// advise adds to a decision what the client needs to do better next time.
func (a *Authenticator) advise(d *auth.Decision, asDPoP bool, proof *dpop.Proof) {
	nonce := ""
	switch {
	case !asDPoP:
		if d.Err != nil && (errors.Is(d.Err, ErrDowngrade) || errors.Is(d.Err, ErrNotBound)) && a.dpop != nil {
			d.Schemes = a.dpop // the scheme to use instead
		}
		return
	case d.Err == nil:
		nonce = proof.NextNonce
	case auth.KindOf(d.Err) == auth.KindInvalid:
		nonce = a.c.DPoP.Nonce()
	}
	if nonce != "" {
		d.Header = http.Header{"Dpop-Nonce": {nonce}}
	}
}

// Verify returns the principal of a bearer token, for transports other than HTTP; it is an [auth.VerifyFunc]. Tokens that
// are bound to their sender are refused, for there is nothing to check the proof of.
func (a *Authenticator) Verify(ctx context.Context, token string) (*auth.Principal, error) {
	t, err := a.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if _, err := a.confirm(nil, t, token, false); err != nil {
		return nil, err
	}
	return a.principal(t, a.bearer.Name)
}

// verify asks the verifier and holds it to its contract.
func (a *Authenticator) verify(ctx context.Context, token string) (*Token, error) {
	if !isToken68(token) {
		return nil, auth.Malformed(auth.ReasonMalformed, nil)
	}
	if err := ctx.Err(); err != nil {
		return nil, auth.Unavailable(err)
	}
	t, err := a.c.Verifier.Verify(ctx, token)
	switch {
	case err == nil && t == nil:
		return nil, auth.Unavailable(errNoOutcome)
	case err == nil && t.Scopes.IsUnlimited():
		return nil, auth.Unavailable(errUnlimited)
	case err == nil:
		return t, nil
	case errors.Is(err, auth.ErrNoCredential):
		return nil, auth.Unavailable(errAbsent) // there is a token: it must not become an anonymous caller
	}
	return nil, err
}

var (
	errNoOutcome = errors.New("oauth2: verifier returned neither a token nor an error")
	errUnlimited = errors.New("oauth2: verifier returned a token with unlimited scopes")
	errAbsent    = errors.New("oauth2: a verifier or CertificateFunc returned an error that says there is no credential")
)

func (a *Authenticator) principal(t *Token, scheme string) (*auth.Principal, error) {
	if t.Subject == "" {
		return nil, refuse(ErrNoSubject)
	}
	return auth.NewPrincipal(auth.PrincipalConfig{
		Subject: t.Subject, Issuer: t.Issuer, Scheme: scheme, CredentialID: t.ID, ClientID: t.ClientID,
		Scopes: a.hierarchy.expand(t.Scopes), Roles: t.Roles, Tenant: t.Tenant, ACR: t.ACR,
		IssuedAt: t.IssuedAt, AuthenticatedAt: t.AuthenticatedAt, ExpiresAt: t.ExpiresAt, Data: t,
	})
}

// queryHasToken reports whether a query has the parameter access_token (RFC 6750 §2.3), without parsing the others.
func queryHasToken(query string) bool {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, _, _ := strings.Cut(pair, "=")
		if strings.IndexByte(name, '%') >= 0 {
			name, _ = url.QueryUnescape(name)
		}
		if name == "access_token" {
			return true
		}
	}
	return false
}

// isToken68 reports whether s is a b64token (RFC 6750 §2.1), which RFC 9110 §11.2 calls token68.
func isToken68(s string) bool {
	for len(s) > 0 && s[len(s)-1] == '=' {
		s = s[:len(s)-1]
	}
	for i := range len(s) {
		c := s[i]
		mask := uint64(token68Low)
		if c >= 64 {
			mask = token68High
		}
		if c >= 128 || mask>>(c&63)&1 == 0 {
			return false
		}
	}
	return s != ""
}

// The characters of a token68, as bits: those below 64, and those from there to 127.
const (
	token68Low  = (1<<10-1)<<'0' | 1<<'+' | 1<<'-' | 1<<'.' | 1<<'/'
	token68High = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64) | 1<<('_'-64) | 1<<('~'-64)
)
