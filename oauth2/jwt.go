package oauth2

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// A JWTConfig configures [NewJWTVerifier]. Only Config is required.
type JWTConfig struct {
	// Config says which tokens are accepted. Its zero Profile is the right one: access tokens by RFC 9068;
	// jwt.ProfileLegacy is for issuers that do not follow it. Required.
	Config jwt.Config
	// RolesPath is the path of the claim with the subject's roles, an array of strings: {"realm_access", "roles"} for
	// Keycloak. Nil reads no roles.
	RolesPath []string
	// TenantPath is the path of the claim with the tenant, a string. Nil reads none.
	TenantPath []string
}

// A JWTVerifier verifies access tokens that are JWTs (RFC 9068 §4). Tokens of another shape are unrecognized. The token's
// data are its [*jwt.Claims]. It is safe for concurrent use.
type JWTVerifier struct {
	c JWTConfig
	v *jwt.Verifier
}

// NewJWTVerifier returns the verifier that c describes.
func NewJWTVerifier(c JWTConfig) (*JWTVerifier, error) {
	if c.Config.Profile == jwt.ProfileIDToken {
		return nil, errors.New("oauth2: JWTConfig.Config.Profile is that of ID tokens: an ID token says who logged in and is no access token (RFC 9068 §5)")
	}
	v, err := jwt.NewVerifier(c.Config)
	if err != nil {
		return nil, err
	}
	c.RolesPath, c.TenantPath = slices.Clone(c.RolesPath), slices.Clone(c.TenantPath)
	return &JWTVerifier{c, v}, nil
}

// Verify implements [Verifier].
func (v *JWTVerifier) Verify(ctx context.Context, token string) (*Token, error) {
	if !isJWT(token) {
		return nil, auth.ErrUnrecognized
	}
	c, err := v.v.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	t := &Token{
		Issuer: c.Issuer(), Subject: c.Subject(), ClientID: c.ClientID(), ID: c.ID(), Audience: c.Audience(), ACR: c.ACR(),
		AuthenticatedAt: c.AuthenticatedAt(), IssuedAt: c.IssuedAt(), ExpiresAt: c.ExpiresAt(), Data: c,
	}
	if t.Scopes, err = c.Scopes(); err != nil {
		return nil, badClaims(err)
	}
	if t.Roles, err = optional[[]string](c, v.c.RolesPath); err != nil {
		return nil, err
	}
	if t.Tenant, err = optional[string](c, v.c.TenantPath); err != nil {
		return nil, err
	}
	if cnf, bound := c.Confirmation(); bound {
		t.Confirmation = &Confirmation{JWKThumbprint: cnf.JWKThumbprint, CertificateThumbprint: cnf.CertificateThumbprint}
	}
	return t, nil
}

// isJWT reports whether a token has the shape of a JWT: three parts, the first of which begins with "{" in base64url. An
// opaque token may have dots too.
func isJWT(token string) bool {
	return len(token) > 2 && token[0] == 'e' && strings.IndexByte("wxyz0123456789-_", token[1]) >= 0 && strings.Count(token, ".") == 2
}

// optional reads a claim that may be absent and must have its type where it is not.
func optional[T any](c *jwt.Claims, path []string) (T, error) {
	if len(path) == 0 {
		return *new(T), nil
	}
	v, err := jwt.Claim[T](c, path...)
	if err != nil && !errors.Is(err, jwt.ErrNoClaim) {
		return *new(T), badClaims(err)
	}
	return v, nil
}

func badClaims(err error) error {
	return auth.Invalid(jwt.ReasonClaims, errors.Join(jwt.ErrClaims, err))
}
