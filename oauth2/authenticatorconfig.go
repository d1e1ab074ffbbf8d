package oauth2

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/dpop"
)

// Limits and defaults of an [AuthenticatorConfig].
const (
	DefaultMaxBytes = 8 << 10
	MaxMaxBytes     = 1 << 20
)

// An AuthenticatorConfig configures [NewAuthenticator]. Only Verifier is required.
type AuthenticatorConfig struct {
	// Verifier says what a token stands for: a [JWTVerifier], an [Introspector], a [Router] of them, or your own.
	// Required.
	Verifier Verifier

	// DPoP checks the proofs of tokens that are bound to a key (RFC 9449). Nil: such tokens are refused.
	DPoP *dpop.Verifier
	// ExternalURL is the scheme and host that clients send their requests to, such as "https://api.example.com", and
	// the path that a proxy cuts off, if any. DPoP proofs are compared with it. "" is that of Resource.URL, without its
	// path; one of the two is required where DPoP is set.
	ExternalURL string
	// Certificate returns the client's certificate, for tokens that are bound to one (RFC 8705). Nil: such tokens are
	// refused. [PeerCertificate] is that of the connection.
	Certificate CertificateFunc
	// RequireBinding refuses tokens that are bound to nothing. DPoP or Certificate must be set.
	RequireBinding bool

	// Hierarchy says which scopes others include. Nil: each stands for itself.
	Hierarchy ScopeHierarchy
	// Resource describes the service by RFC 9728. Challenges then say where the description is, in resource_metadata,
	// and [Authenticator.Metadata] serves it. Nil describes nothing.
	Resource *Resource
	// AskFor are the scopes that a client without a token should ask for at first, whatever the route: every 401 names
	// them, and those that the route needs behind them. Nil is none.
	AskFor []string

	// Name is the scheme's name in events and descriptions; DPoP's has "-dpop" behind it. "" is "oauth2".
	Name string
	// Realm is the protection space in challenges. "" leaves it out.
	Realm string
	// Description, Flows and OpenIDConnectURL are for API descriptions and decide nothing. With Flows, the scheme's type is
	// "oauth2"; with OpenIDConnectURL, where the issuer's discovery document is, it is "openIdConnect"; without, "http". At
	// most one of the two. The URL may be relative to the API.
	Description      string
	Flows            []auth.Flow
	OpenIDConnectURL string
	// MaxBytes limits a token's length. 0 is 8 KiB; at most 1 MiB.
	MaxBytes int
}

// check reports mistakes in c and fills in its defaults.
func (c *AuthenticatorConfig) check() error {
	var errs []error
	if isNil(c.Verifier) {
		errs = append(errs, errors.New("oauth2: AuthenticatorConfig.Verifier is nil: make one with NewJWTVerifier or NewIntrospector"))
	}
	if c.RequireBinding && c.DPoP == nil && c.Certificate == nil {
		errs = append(errs, errors.New("oauth2: AuthenticatorConfig.RequireBinding without DPoP or Certificate: no token could be accepted; set one of them"))
	}
	if c.DPoP == nil && c.ExternalURL != "" {
		errs = append(errs, errors.New("oauth2: AuthenticatorConfig.ExternalURL without DPoP: nothing else uses it; leave it out"))
	}
	if c.OpenIDConnectURL != "" && len(c.Flows) > 0 {
		errs = append(errs, errors.New("oauth2: AuthenticatorConfig.OpenIDConnectURL beside Flows: OpenAPI knows a scheme by one of them; leave the other out"))
	}
	if u, err := url.Parse(c.OpenIDConnectURL); err != nil || u.Scheme != "" && !isHTTP(u) {
		errs = append(errs, fmt.Errorf("oauth2: AuthenticatorConfig.OpenIDConnectURL is %q: use a URL such as https://id.example.com/.well-known/openid-configuration", c.OpenIDConnectURL))
	}
	if c.MaxBytes < 0 || c.MaxBytes > MaxMaxBytes {
		errs = append(errs, fmt.Errorf("oauth2: AuthenticatorConfig.MaxBytes is %d: use 0 for %d, or up to %d", c.MaxBytes, DefaultMaxBytes, MaxMaxBytes))
	}
	if _, err := auth.NewScopeSet(c.AskFor...); err != nil {
		errs = append(errs, fmt.Errorf("oauth2: AuthenticatorConfig.AskFor: %w", err))
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Name == "" {
		c.Name = "oauth2"
	}
	c.ExternalURL = strings.TrimSuffix(c.ExternalURL, "/")
	c.AskFor, c.Flows = slices.Clone(c.AskFor), slices.Clone(c.Flows)
	return errors.Join(errs...)
}

// isNil finds nil functions and pointers in interfaces, at construction.
func isNil(v any) bool {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func:
		return r.IsNil()
	default:
		return v == nil
	}
}

func checkExternalURL(text string) error {
	if text == "" {
		return errors.New("oauth2: AuthenticatorConfig.ExternalURL is empty: DPoP needs to know what clients call this service; set it, or Resource")
	}
	u, err := url.Parse(text)
	if err != nil || !isHTTP(u) || u.RawQuery != "" || u.ForceQuery {
		return fmt.Errorf("oauth2: AuthenticatorConfig.ExternalURL is %q: use a URL such as https://api.example.com, without query and fragment", text)
	}
	return nil
}

// isHTTP reports whether u is an absolute http or https URL without user information and fragment.
func isHTTP(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Fragment == "" && u.Opaque == ""
}
