package jwt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/cardea-go/auth/internal/jose"
)

// Limits and defaults of a [Config].
const (
	DefaultMaxBytes = 8 << 10
	MaxMaxBytes     = 1 << 20
	DefaultLeeway   = 30 * time.Second
	MaxLeeway       = 5 * time.Minute
	// NoLeeway as [Config.Leeway] is none at all.
	NoLeeway = time.Duration(-1)
)

// A Config configures [NewVerifier]. Issuer and Keys (or Issuers), Audience and Algorithms are required.
type Config struct {
	// Issuer is what iss must be, byte for byte. Keys are the issuer's keys.
	Issuer string
	Keys   KeySource
	// Issuers are further issuers, each with keys of its own. With more than one issuer, the iss of a token that
	// is not verified yet chooses the keys; a key of one issuer never verifies a token of another.
	Issuers []TrustedIssuer

	// Audience are our own names: aud must hold one of them.
	Audience []string
	// InsecureAnyAudience takes tokens that were made for somebody else. Audience must then be empty.
	InsecureAnyAudience bool

	// Algorithms are those that tokens may be signed with.
	Algorithms []Algorithm

	// Profile is the kind of token. The zero Profile is [ProfileAccessToken].
	Profile Profile
	// Require names claims that must be there and not be null, beside those of the profile.
	Require []string
	// InsecureNoExpiry takes tokens without exp, which are good for ever.
	InsecureNoExpiry bool

	// Leeway is how far clocks may differ, for exp, nbf and iat. 0 is 30 s; at most 5 min; see [NoLeeway].
	Leeway time.Duration
	// MaxAge is how long ago iat may be, which is then required. 0 does not limit it.
	MaxAge time.Duration

	// Validate checks the claims further, after every check of ours but revocation and expiry. To refuse a token
	// it returns an error that errors.Is [ErrRefused], or an [*auth.Error]; any other error says that it can't
	// decide now. Nil checks nothing.
	Validate func(ctx context.Context, c *Claims) error

	// Revoker is asked whether a token has been withdrawn. iat and one of jti and sid are then required. Nil asks
	// nobody.
	Revoker Revoker
	// InsecureIgnoreRevokerErrors takes tokens while Revoker fails and does not say that they are revoked. Without it they are refused as unavailable, as
	// they are in any case where the context has ended.
	InsecureIgnoreRevokerErrors bool

	// MaxBytes limits a token's length. 0 is 8 KiB; at most 1 MiB.
	MaxBytes int
	// MaxHeaderBytes limits the length of the header part, in base64url characters. 0 is 1 KiB; at most 16 KiB.
	MaxHeaderBytes int

	// Clock tells the time. Nil is time.Now.
	Clock func() time.Time
}

// A TrustedIssuer is an issuer with its keys.
type TrustedIssuer struct {
	Issuer string
	Keys   KeySource
}

const maxHeaderBytes = 16 << 10

// check reports every mistake in c and fills in its defaults.
func (c *Config) check() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("jwt: Config."+format, args...)) }
	if c.Issuer != "" || c.Keys != nil {
		c.Issuers = append([]TrustedIssuer{{c.Issuer, c.Keys}}, c.Issuers...)
	}
	if len(c.Issuers) == 0 {
		add("Issuer is empty: set what iss of your tokens is, exactly")
	}
	seen := make(map[string]bool)
	for _, i := range c.Issuers {
		if i.Issuer == "" {
			add("Issuer is empty: set what iss of your tokens is, exactly")
		}
		if isNil(i.Keys) {
			add("Keys of issuer %q is nil: set a KeySet, a Remote or a KeyRing", i.Issuer)
		}
		if seen[i.Issuer] {
			add("Issuers: %q comes twice: name each issuer once", i.Issuer)
		}
		seen[i.Issuer] = true
	}
	c.checkAudience(add)
	if len(c.Algorithms) == 0 {
		add("Algorithms is empty: list those that your issuer signs with, such as jwt.EdDSA")
	}
	if c.Profile >= profileEnd {
		add("Profile %d is unknown: use one of the Profile constants", c.Profile)
	}
	if c.InsecureNoExpiry && c.Profile != ProfileLegacy {
		add("InsecureNoExpiry: an %s has an expiry by definition: use ProfileLegacy", c.Profile)
	}
	if slices.Contains(c.Require, "") {
		add("Require holds an empty name: remove it")
	}
	c.checkLimits(add)
	if c.Revoker != nil && isNil(c.Revoker) {
		add("Revoker is a nil pointer: give one that is made, or leave the field nil")
	}
	if c.InsecureIgnoreRevokerErrors && c.Revoker == nil {
		add("InsecureIgnoreRevokerErrors without a Revoker: remove it")
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return errors.Join(errs...)
}

func (c *Config) checkAudience(add func(string, ...any)) {
	switch {
	case c.InsecureAnyAudience && len(c.Audience) > 0:
		add("InsecureAnyAudience beside Audience: set one of them")
	case !c.InsecureAnyAudience && len(c.Audience) == 0:
		add("Audience is empty: set the name that tokens for you have in aud")
	case slices.Contains(c.Audience, ""):
		add("Audience holds an empty name: remove it")
	}
}

func (c *Config) checkLimits(add func(string, ...any)) {
	switch {
	case c.Leeway == NoLeeway:
		c.Leeway = 0
	case c.Leeway == 0:
		c.Leeway = DefaultLeeway
	case c.Leeway < 0 || c.Leeway > MaxLeeway:
		add("Leeway is %v: use 0 for %v, or up to %v", c.Leeway, DefaultLeeway, MaxLeeway)
	}
	if c.MaxAge < 0 {
		add("MaxAge is %v: use 0 for no limit, or more", c.MaxAge)
	}
	if c.MaxBytes < 0 || c.MaxBytes > MaxMaxBytes {
		add("MaxBytes is %d: use 0 for %d, or up to %d", c.MaxBytes, DefaultMaxBytes, MaxMaxBytes)
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.MaxHeaderBytes < 0 || c.MaxHeaderBytes > maxHeaderBytes {
		add("MaxHeaderBytes is %d: use 0 for %d, or up to %d", c.MaxHeaderBytes, jose.DefaultHeaderBytes, maxHeaderBytes)
	}
	if c.MaxHeaderBytes == 0 {
		c.MaxHeaderBytes = jose.DefaultHeaderBytes
	}
}

// algorithms returns the set of c.Algorithms, which must all be symmetric or all be not.
func (c *Config) algorithms(symmetric bool) (jose.Set, error) {
	var set jose.Set
	var errs []error
	for _, name := range c.Algorithms {
		a, ok := name.parse()
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("jwt: Config.Algorithms: %q is unknown: use one of the Algorithm constants", name))
		case a.Symmetric() && !symmetric:
			errs = append(errs, fmt.Errorf("jwt: Config.Algorithms: %q is an HMAC: use NewHMACVerifier, which takes no public keys", name))
		case !a.Symmetric() && symmetric:
			errs = append(errs, fmt.Errorf("jwt: Config.Algorithms: %q is no HMAC: use NewVerifier", name))
		default:
			set = set.Add(a)
		}
	}
	return set, errors.Join(errs...)
}

// isNil finds nil in interfaces, at construction.
func isNil(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() { //nolint:exhaustive // the others can't be nil
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan:
		return r.IsNil()
	}
	return !r.IsValid()
}
