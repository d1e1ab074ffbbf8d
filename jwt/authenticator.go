package jwt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
)

// An AuthenticatorConfig configures [NewAuthenticator]. Only Verifier is required.
type AuthenticatorConfig struct {
	// Verifier verifies the tokens. Required.
	Verifier *Verifier

	// Header and Cookie name the place of the token, at most one of them. Both empty is Authorization: Bearer.
	// A header holds the token alone. A cookie is sent by browsers on their own: protect the routes against
	// cross-site requests, with [http.CrossOriginProtection] for one.
	Header, Cookie string

	// RolesPath is the path of the claim with the subject's roles, an array of strings: {"realm_access", "roles"}
	// for Keycloak. Nil reads no roles.
	RolesPath []string
	// TenantPath is the path of the claim with the tenant, a string. Nil reads none.
	TenantPath []string

	// OwnIssuersOnly recognises only tokens whose iss, unverified, is one of the verifier's, so that another
	// authenticator of the chain may have the others. Prefer one verifier with several issuers.
	OwnIssuersOnly bool
	// InsecureIgnoreConfirmation takes tokens with a cnf claim without the proof that it demands. Without it they
	// are refused: a sender-constrained token is no bearer token (RFC 9449 §7.2).
	InsecureIgnoreConfirmation bool

	// Name is the scheme's name in events and descriptions. "" is "jwt".
	Name string
	// Realm is the protection space in challenges. "" leaves it out.
	Realm string
	// Params are further parameters of every challenge, such as resource_metadata (RFC 9728 §5.1).
	Params []auth.Param
	// Description is for people, in API descriptions.
	Description string
}

// An Authenticator authenticates requests by the JWT that they carry. The principal's data are the [*Claims], which
// auth.Data[*jwt.Claims] returns. It is safe for concurrent use.
//
// It recognises a value of three parts. Any other value in its place is not of its kind: [auth.ErrUnrecognized].
type Authenticator struct {
	c       AuthenticatorConfig
	schemes []auth.Scheme
}

// NewAuthenticator returns the authenticator that c describes.
func NewAuthenticator(c AuthenticatorConfig) (*Authenticator, error) {
	var errs []error
	if c.Verifier == nil {
		errs = append(errs, errors.New("jwt: AuthenticatorConfig.Verifier is nil: make one with NewVerifier"))
	}
	if c.Header != "" && c.Cookie != "" {
		errs = append(errs, errors.New("jwt: AuthenticatorConfig: Header beside Cookie: set at most one of them"))
	}
	if strings.EqualFold(c.Header, "Authorization") {
		errs = append(errs, errors.New("jwt: AuthenticatorConfig.Header is Authorization: leave it empty for Authorization: Bearer"))
	}
	if c.Name == "" {
		c.Name = "jwt"
	}
	c.RolesPath, c.TenantPath = slices.Clone(c.RolesPath), slices.Clone(c.TenantPath)
	a := &Authenticator{c: c, schemes: []auth.Scheme{c.scheme()}}
	if err := a.schemes[0].Validate(); err != nil {
		errs = append(errs, fmt.Errorf("jwt: AuthenticatorConfig: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return a, nil
}

func (c *AuthenticatorConfig) scheme() auth.Scheme {
	s := auth.Scheme{
		Name: c.Name, Realm: c.Realm, Params: slices.Clone(c.Params), Description: c.Description,
		BearerFormat: "JWT", AuthScheme: "Bearer",
	}
	switch {
	case c.Cookie != "":
		s.Type, s.In, s.Parameter = "apiKey", auth.InCookie, c.Cookie
	case c.Header != "":
		s.Type, s.In, s.Parameter = "apiKey", auth.InHeader, c.Header
	default:
		s.Type, s.In, s.Parameter = "http", auth.InHeader, "Authorization"
	}
	return s
}

// Schemes implements [auth.Authenticator].
func (a *Authenticator) Schemes() []auth.Scheme { return a.schemes }

// Verifier returns the verifier, for use without HTTP.
func (a *Authenticator) Verifier() *Verifier { return a.c.Verifier }

// Authenticate implements [auth.Authenticator].
func (a *Authenticator) Authenticate(r *http.Request) (*auth.Principal, error) {
	token, err := a.token(r)
	if err != nil {
		return nil, err
	}
	if !a.recognizes(token) {
		return nil, auth.ErrUnrecognized
	}
	return a.Verify(r.Context(), token)
}

// Verify returns the principal of a token, by the same mapping as Authenticate, for transports other than HTTP; it is an
// [auth.VerifyFunc]. The errors are those of [Verifier.Verify] and [Authenticator.Principal].
func (a *Authenticator) Verify(ctx context.Context, token string) (*auth.Principal, error) {
	if err := ctx.Err(); err != nil {
		return nil, auth.Unavailable(err)
	}
	claims, err := a.c.Verifier.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	return a.Principal(claims)
}

// token returns the value in the authenticator's place.
func (a *Authenticator) token(r *http.Request) (string, error) {
	maxBytes := a.c.Verifier.c.MaxBytes
	switch {
	case a.c.Cookie != "":
		return auth.CookieValue(r, a.c.Cookie, maxBytes)
	case a.c.Header != "":
		return auth.HeaderValue(r, a.c.Header, maxBytes)
	}
	return auth.Credentials(r, "Bearer", maxBytes)
}

// recognizes reports whether a value has the shape of our tokens: three parts and, where asked for, our issuer.
func (a *Authenticator) recognizes(token string) bool {
	if strings.Count(token, ".") != 2 || token[0] == '.' {
		return false
	}
	if !a.c.OwnIssuersOnly {
		return true
	}
	compact, err := jose.Split(token)
	if err != nil {
		return false
	}
	payload, err := compact.UnverifiedPayload()
	if err != nil {
		return false
	}
	_, ours := a.c.Verifier.issuers[unverifiedIssuer(payload)]
	return ours
}

// Principal returns the principal that verified claims stand for, by the same mapping as Authenticate. It refuses
// claims without a subject, with a scope, role or tenant claim of the wrong type or with an empty name, and with a cnf that
// nobody checks.
func (a *Authenticator) Principal(c *Claims) (*auth.Principal, error) {
	if c == nil {
		return nil, auth.Unavailable(errNoClaims)
	}
	if c.hasConfirmation && !a.c.InsecureIgnoreConfirmation {
		return nil, auth.Invalid(ReasonBound, errBound)
	}
	p := auth.PrincipalConfig{
		Subject: c.subject, Issuer: c.issuer, Scheme: a.c.Name, CredentialID: c.id, ClientID: c.ClientID(), ACR: c.acr,
		IssuedAt: c.IssuedAt(), AuthenticatedAt: c.AuthenticatedAt(), ExpiresAt: c.ExpiresAt(), Data: c,
	}
	if c.subject == "" {
		return nil, refuse(ErrMissingClaim)
	}
	var err error
	if p.Scopes, err = c.Scopes(); err != nil {
		return nil, auth.Invalid(ReasonClaims, errors.Join(ErrClaims, err))
	}
	if p.Roles, err = optional(c, a.c.RolesPath, (jose.Value).Strings); err != nil {
		return nil, err
	}
	tenant := func(v jose.Value) ([]string, bool) { text, ok := v.String(); return []string{text}, ok }
	names, err := optional(c, a.c.TenantPath, tenant)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		p.Tenant = names[0]
	}
	return auth.NewPrincipal(p)
}

var errBound = errors.New("jwt: token is bound to a key (cnf) and nothing checked the proof")

var errNoClaims = errors.New("jwt: Principal was called without claims")

// optional reads names from a claim that may be absent. Where it is not, it must have its type, null is no type, and an
// empty name is nobody's: it could be taken for "none", or for "all".
func optional(c *Claims, path []string, read func(jose.Value) ([]string, bool)) ([]string, error) {
	if len(path) == 0 {
		return nil, nil
	}
	v, ok := c.lookup(path)
	if !ok {
		return nil, nil
	}
	names, ok := read(v)
	if !ok || slices.Contains(names, "") {
		return nil, refuse(ErrClaims)
	}
	return names, nil
}
