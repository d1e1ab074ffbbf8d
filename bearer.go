package auth

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// Credentials returns what follows the scheme's name in the request's Authorization header (RFC 9110 §11.4), for
// authors of authenticators. The name is matched in any case. The value is returned as it was sent; it is not empty,
// does not start with a space or tab, and is printable ASCII of at most maxBytes bytes, which must be positive.
//
// The errors are those of an [Authenticator]: [ErrNoCredential] where the header is absent or names another scheme,
// [ErrUnrecognized] where it is empty or has no scheme at all, [KindMalformed] where it comes twice, and
// [KindInvalid] where the scheme is this one and its value can't be.
func Credentials(r *http.Request, scheme string, maxBytes int) (string, error) {
	values := r.Header["Authorization"]
	switch len(values) {
	case 0:
		return "", ErrNoCredential
	case 1:
	default:
		return "", Malformed(ReasonRepeated, nil)
	}
	value := values[0]
	n := len(scheme)
	switch {
	case len(value) < n || !strings.EqualFold(value[:n], scheme):
		return "", notThisScheme(value)
	case len(value) == n:
		return "", Invalid(ReasonMalformed, nil)
	case value[n] != ' ':
		if isTokenByte(value[n]) {
			return "", notThisScheme(value) // a longer name, such as Bearer2
		}
		return "", Invalid(ReasonMalformed, nil)
	}
	value = value[n+1:]
	if len(value) > maxBytes {
		return "", Invalid(ReasonTooLong, nil)
	}
	if value == "" || value[0] == ' ' || !printable(value) {
		return "", Invalid(ReasonMalformed, nil)
	}
	return value, nil
}

// HeaderValue returns the value of a header that holds nothing but a credential, such as X-API-Key, for authors of
// authenticators. It is printable ASCII of at most maxBytes bytes, which must be positive. The errors are as those of
// [Credentials]; an empty header is [ErrUnrecognized].
func HeaderValue(r *http.Request, name string, maxBytes int) (string, error) {
	return soleValue(r.Header.Values(name), maxBytes)
}

// CookieValue is [HeaderValue] for a cookie. One that net/http can't parse is [KindInvalid], and not absent.
func CookieValue(r *http.Request, name string, maxBytes int) (string, error) {
	switch countCookies(r, name) {
	case 0:
		return "", ErrNoCredential
	case 1:
	default:
		return "", Malformed(ReasonRepeated, nil)
	}
	c, err := r.Cookie(name)
	if err != nil {
		return "", Invalid(ReasonMalformed, nil)
	}
	return soleValue([]string{c.Value}, maxBytes)
}

func soleValue(values []string, maxBytes int) (string, error) {
	switch {
	case len(values) == 0:
		return "", ErrNoCredential
	case len(values) > 1:
		return "", Malformed(ReasonRepeated, nil)
	case values[0] == "":
		return "", ErrUnrecognized
	case len(values[0]) > maxBytes:
		return "", Invalid(ReasonTooLong, nil)
	case !printable(values[0]):
		return "", Invalid(ReasonMalformed, nil)
	}
	return values[0], nil
}

// notThisScheme tells another scheme from a value that has none. "Negotiate" alone may be a scheme (RFC 9110 §11.4
// allows one without parameters), a key that somebody sent bare is not: only a registered name stands alone.
func notThisScheme(value string) error {
	name, rest, _ := strings.Cut(value, " ")
	if isToken(name) && (rest != "" || registeredScheme(name) != "") {
		return ErrNoCredential
	}
	return ErrUnrecognized
}

// registeredSchemes are the names that may be written to an event: IANA's registry of HTTP authentication schemes,
// and three in wide use. Any other word in that place could be a secret that somebody sent bare.
var registeredSchemes = [...]string{
	"Basic", "Bearer", "Concealed", "Digest", "DPoP", "GNAP", "HOBA", "Mutual", "Negotiate", "OAuth", "PrivateToken",
	"SCRAM-SHA-1", "SCRAM-SHA-256", "vapid", "ApiKey", "AWS4-HMAC-SHA256", "NTLM",
}

func registeredScheme(name string) string {
	for _, s := range registeredSchemes {
		if strings.EqualFold(s, name) {
			return s
		}
	}
	return ""
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// A BearerConfig configures [NewBearer].
type BearerConfig struct {
	// Verify decides about a token; see [VerifyFunc]. Required.
	Verify VerifyFunc
	// Recognize reports whether a token is of the kind that Verify knows, by its shape alone: a prefix, three
	// parts. It lets several kinds share Authorization: Bearer. Nil recognises every token.
	Recognize func(token string) bool
	// Name is the scheme's name. "" is "bearer".
	Name string
	// Realm is the protection space in challenges. "" leaves it out.
	Realm string
	// BearerFormat and Description are for API descriptions.
	BearerFormat, Description string
	// MaxBytes limits a token's length. 0 is 8 KiB; the maximum is 1 MiB.
	MaxBytes int
}

// A VerifyFunc returns the principal that a token stands for. It refuses with [Invalid], returns [ErrUnrecognized] for a
// token that another authenticator may know, and any other error where the question can't be decided now. It must be safe
// for concurrent use, compare in constant time and keep the token out of its errors.
type VerifyFunc func(ctx context.Context, token string) (*Principal, error)

// A Bearer authenticates requests by Authorization: Bearer (RFC 6750 §2.1) with a function that knows the tokens.
// It is safe for concurrent use.
type Bearer struct {
	c       BearerConfig
	schemes []Scheme
}

const (
	defaultBearerBytes = 8 << 10
	maxBearerBytes     = 1 << 20
)

// NewBearer returns an authenticator that hands the bearer token of a request to c.Verify. A token that is not a
// b64token (RFC 6750 §2.1) or longer than c.MaxBytes is refused before that.
func NewBearer(c BearerConfig) (*Bearer, error) {
	var errs []error
	if c.Verify == nil {
		errs = append(errs, errors.New("auth: BearerConfig.Verify is nil: set the function that knows your tokens"))
	}
	if c.MaxBytes < 0 || c.MaxBytes > maxBearerBytes {
		errs = append(errs, errors.New("auth: BearerConfig.MaxBytes: use 0 for 8 KiB, or 1 to 1048576"))
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultBearerBytes
	}
	if c.Name == "" {
		c.Name = "bearer"
	}
	b := &Bearer{c: c, schemes: []Scheme{{
		Name: c.Name, Type: "http", In: InHeader, Parameter: "Authorization", AuthScheme: "Bearer",
		Realm: c.Realm, BearerFormat: c.BearerFormat, Description: c.Description,
	}}}
	errs = append(errs, b.schemes[0].Validate())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b, nil
}

// Schemes implements [Authenticator].
func (b *Bearer) Schemes() []Scheme { return b.schemes }

// Authenticate implements [Authenticator].
func (b *Bearer) Authenticate(r *http.Request) (*Principal, error) {
	token, err := Credentials(r, "Bearer", b.c.MaxBytes)
	if err != nil {
		if b.c.Recognize != nil && AsError(err).Reason == ReasonTooLong {
			return nil, ErrUnrecognized // too long to be of this kind; another member's may be longer
		}
		return nil, err
	}
	if !isToken68(token) {
		return nil, Invalid(ReasonMalformed, nil)
	}
	if b.c.Recognize != nil && !b.c.Recognize(token) {
		return nil, ErrUnrecognized
	}
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, Unavailable(err)
	}
	p, err := b.c.Verify(ctx, token)
	if err != nil || p == nil {
		return p, afterProof(err)
	}
	return p.as(b.c.Name, ""), nil
}
