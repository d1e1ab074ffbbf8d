package oauth2

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cardea-go/auth/internal/jose"
	"github.com/cardea-go/auth/jwt"
)

// A ClientAuthentication says who we are at an endpoint of an authorization server: [ClientSecretBasic],
// [ClientSecretPost], [PrivateKeyJWT], or a [ClientAuthenticationFunc] of your own. They print as "[redacted]".
type ClientAuthentication interface {
	authenticate(ctx context.Context, header http.Header, form url.Values) error
	// prepare checks the value and returns what makes the requests for an issuer.
	prepare(issuer string) (ClientAuthentication, error)
}

// ClientAuthenticationFunc adds what the server wants to see to the header or the form of a request. It must be safe for
// concurrent use; an error means that the request is not made.
type ClientAuthenticationFunc func(ctx context.Context, header http.Header, form url.Values) error

func (f ClientAuthenticationFunc) authenticate(ctx context.Context, header http.Header, form url.Values) error {
	return f(ctx, header, form)
}

func (f ClientAuthenticationFunc) prepare(string) (ClientAuthentication, error) { return f, nil }

// PrepareClientAuthentication checks c for endpoints of an issuer and returns what authenticates requests to them, for calls
// that this package does not make. issuer is the audience of assertions whose [PrivateKeyJWTConfig] names none. Its errors say
// what to change.
func PrepareClientAuthentication(c ClientAuthentication, issuer string) (ClientAuthenticationFunc, error) {
	if isNil(c) {
		return nil, errors.New("oauth2: client authentication is nil: use ClientSecretBasic, ClientSecretPost or PrivateKeyJWT")
	}
	prepared, err := c.prepare(issuer)
	if err != nil {
		return nil, err
	}
	return prepared.authenticate, nil
}

// clientSecret is a client's name and password, sent in one of two ways.
type clientSecret struct {
	_      [0]func() // == does not compile
	id     string
	secret string
	basic  bool
}

// ClientSecretBasic authenticates by HTTP Basic, with both values form-encoded as RFC 6749 §2.3.1 demands.
func ClientSecretBasic(id, secret string) ClientAuthentication {
	return &clientSecret{id: id, secret: secret, basic: true}
}

// ClientSecretPost authenticates by client_id and client_secret in the form, for servers that do not take Basic.
func ClientSecretPost(id, secret string) ClientAuthentication {
	return &clientSecret{id: id, secret: secret}
}

func (c *clientSecret) authenticate(_ context.Context, header http.Header, form url.Values) error {
	if c.basic {
		pair := url.QueryEscape(c.id) + ":" + url.QueryEscape(c.secret)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
		return nil
	}
	form.Set("client_id", c.id)
	form.Set("client_secret", c.secret)
	return nil
}

func (c *clientSecret) prepare(string) (ClientAuthentication, error) {
	if c.id == "" || c.secret == "" {
		return nil, errors.New("oauth2: client id or secret is empty: set those that the authorization server knows")
	}
	return c, nil
}

// A PrivateKeyJWTConfig configures [PrivateKeyJWT]. ClientID and Key are required.
type PrivateKeyJWTConfig struct {
	// ClientID is our name at the authorization server. Required.
	ClientID string
	// Key signs: a key of the standard library, a KMS, an HSM. Required.
	Key crypto.Signer
	// KeyID is the kid of the assertions. "" is the RFC 7638 thumbprint of the public key.
	KeyID string
	// Algorithm is what Key signs with. "" is the one that fits: EdDSA, ES256 to ES512 by the curve, RS256 for RSA.
	Algorithm jwt.Algorithm
	// Audience is aud. "" is the issuer; older servers want the URL of the endpoint, or of the token endpoint.
	Audience string
	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// privateKeyJWT signs an assertion for each request.
type privateKeyJWT struct {
	_      [0]func()
	c      PrivateKeyJWTConfig
	signer *jose.Signer
	header string
}

// assertionLifetime is how long an assertion is good; each is used once.
const assertionLifetime = time.Minute

// PrivateKeyJWT authenticates by a signed assertion (RFC 7523 §2.2), so that no secret is shared. What is wrong with c is
// reported by the constructor that the result is given to.
func PrivateKeyJWT(c PrivateKeyJWTConfig) ClientAuthentication { return &privateKeyJWT{c: c} }

func (p *privateKeyJWT) prepare(issuer string) (ClientAuthentication, error) {
	c := p.c
	if c.ClientID == "" || c.Key == nil {
		return nil, errors.New("oauth2: PrivateKeyJWTConfig: ClientID or Key is missing: set both")
	}
	alg, ok := jose.ParseAlg(string(c.Algorithm))
	if c.Algorithm != "" && (!ok || alg.Symmetric()) {
		return nil, fmt.Errorf("oauth2: PrivateKeyJWTConfig.Algorithm is %q: use EdDSA, or an ES, PS or RS algorithm", c.Algorithm)
	}
	var err error
	if c.KeyID == "" {
		if c.KeyID, err = jose.Thumbprint(c.Key.Public()); err != nil {
			return nil, fmt.Errorf("oauth2: PrivateKeyJWTConfig.Key: %w", err)
		}
	}
	signer, err := jose.NewSigner(c.KeyID, alg, c.Key)
	if err != nil {
		return nil, fmt.Errorf("oauth2: PrivateKeyJWTConfig.Key: %w", err)
	}
	if c.Audience == "" {
		c.Audience = issuer
	}
	if c.Audience == "" {
		return nil, errors.New("oauth2: PrivateKeyJWTConfig.Audience is empty, and so is the issuer: set one of them")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	header := append([]byte(`{"alg":"`), signer.Key.Alg.String()...)
	header = append(header, `","typ":"JWT","kid":`...)
	header = append(jose.AppendString(header, c.KeyID), '}')
	return &privateKeyJWT{c: c, signer: signer, header: jose.Encode(header)}, nil
}

func (p *privateKeyJWT) authenticate(_ context.Context, _ http.Header, form url.Values) error {
	now := p.c.Clock()
	b := append([]byte(`{"iss":`), jose.AppendString(nil, p.c.ClientID)...)
	b = append(jose.AppendString(append(b, `,"sub":`...), p.c.ClientID), `,"aud":`...)
	b = append(jose.AppendString(b, p.c.Audience), `,"jti":"`...)
	b = append(append(b, rand.Text()...), `","iat":`...)
	b = append(strconv.AppendInt(b, now.Unix(), 10), `,"exp":`...)
	b = append(strconv.AppendInt(b, now.Add(assertionLifetime).Unix(), 10), '}')
	input := p.header + "." + jose.Encode(b)
	signature, err := p.signer.Sign([]byte(input))
	if err != nil {
		return fmt.Errorf("oauth2: signing a client assertion: %w", err)
	}
	form.Set("client_id", p.c.ClientID)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", input+"."+jose.Encode(signature))
	return nil
}

const redacted = "[redacted]"

// String returns "[redacted]".
func (c *clientSecret) String() string { return redacted }

// GoString returns "[redacted]".
func (c *clientSecret) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (c *clientSecret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (c *clientSecret) LogValue() slog.Value { return slog.StringValue(redacted) }

// String returns "[redacted]".
func (p *privateKeyJWT) String() string { return redacted }

// GoString returns "[redacted]".
func (p *privateKeyJWT) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (p *privateKeyJWT) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (p *privateKeyJWT) LogValue() slog.Value { return slog.StringValue(redacted) }
