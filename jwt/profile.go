package jwt

import (
	"slices"

	"github.com/cardea-go/auth/internal/jose"
)

// A Profile says which kind of token a verifier takes, so that one kind can't pass for another (RFC 8725 §3.11-12).
type Profile uint8

const (
	// ProfileAccessToken takes access tokens of RFC 9068: typ is "at+jwt", and exp, iat, sub, client_id and jti
	// are there. It is the default.
	ProfileAccessToken Profile = iota
	// ProfileIDToken takes ID tokens of OpenID Connect Core §2: typ is "JWT" or absent, and exp, iat and sub are
	// there. Where aud has several members, azp must be one of [Config.Audience]. A logout token (OpenID Connect
	// Back-Channel Logout §2.4) is refused. The caller compares nonce.
	ProfileIDToken
	// ProfileLegacy takes tokens of issuers that do not follow RFC 9068: typ is "JWT", "at+jwt" or absent, and exp
	// is there. It can't tell an access token from an ID token: only the audience does. A security event, such as
	// a logout token, is refused (RFC 8417 §2.2: it has an object events).
	ProfileLegacy
	profileEnd
)

var profiles = [profileEnd]struct {
	name     string
	required []string
}{
	ProfileAccessToken: {"access token", []string{"exp", "iat", "sub", "client_id", "jti"}},
	ProfileIDToken:     {"ID token", []string{"exp", "iat", "sub"}},
	ProfileLegacy:      {"legacy", []string{"exp"}},
}

// String returns the profile's name.
func (p Profile) String() string {
	if p >= profileEnd {
		return "unknown"
	}
	return profiles[p].name
}

// takes reports whether a token with that typ is of the profile.
func (p Profile) takes(typ string) bool {
	switch p {
	case ProfileAccessToken:
		return jose.MediaType(typ, "at+jwt")
	case ProfileIDToken:
		return typ == "" || jose.MediaType(typ, "JWT")
	case ProfileLegacy:
		return typ == "" || jose.MediaType(typ, "JWT") || jose.MediaType(typ, "at+jwt")
	default:
		return false
	}
}

// has reports whether a required claim is there and not empty.
func (c *Claims) has(name string) bool {
	switch name {
	case "exp":
		return c.hasExpires
	case "nbf":
		return c.hasNotBefore
	case "iat":
		return c.hasIssued
	case "auth_time":
		return c.hasAuthTime
	case "sub":
		return c.subject != ""
	case "jti":
		return c.id != ""
	case "sid":
		return c.session != ""
	case "client_id":
		return c.clientID != "" // RFC 9068 §2.2: azp does not do
	case "iss": // checked by value, always
		return true
	case "aud":
		return len(c.audience) > 0 && !slices.Contains(c.audience, "")
	}
	v, ok := c.lookup([]string{name})
	return ok && !v.Null()
}
