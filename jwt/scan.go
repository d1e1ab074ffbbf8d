package jwt

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cardea-go/auth/internal/jose"
)

// maxDate is the first second of the year 10000. A date beyond it is a mistake, such as milliseconds.
const maxDate = 253402300800

// scanClaims reads the claims of a payload whose signature is right. Every claim that it knows must have the type that
// its definition gives it; null is no type. No name may come twice, in any case.
func scanClaims(payload string, header *jose.Header) (*Claims, error) {
	c := &Claims{payload: payload, header: header}
	o := jose.NewObject(payload, true)
	ok := true
	for ok && o.Next() {
		v := o.Value
		switch o.Name {
		case "iss":
			c.issuer, ok = v.String()
		case "sub":
			c.subject, ok = v.String()
		case "aud":
			ok = c.scanAudience(v)
		case "exp":
			c.expires, ok = numericDate(v, math.Floor)
			c.hasExpires = true
		case "nbf":
			c.notBefore, ok = numericDate(v, math.Ceil)
			c.hasNotBefore = true
		case "iat":
			c.issued, ok = numericDate(v, math.Floor)
			c.hasIssued = true
		case "jti":
			c.id, ok = v.String()
		case "auth_time":
			c.authenticated, ok = numericDate(v, math.Floor)
			c.hasAuthTime = true
		case "client_id":
			c.clientID, ok = v.String()
		case "azp":
			c.azp, ok = v.String()
		case "sid":
			c.session, ok = v.String()
		case "acr":
			c.acr, ok = v.String()
		case "scope":
			c.scope, ok = v.String()
			c.hasScope = ok
		case "scp":
			c.scp = v
		case "cnf":
			c.confirmation, c.hasConfirmation = v, true
			ok = v.Kind == '{'
		case "events":
			c.securityEvent = v.Kind == '{'
		default:
			ok = !miscased(o.Name)
		}
	}
	if !ok || o.Err() != nil {
		return nil, ErrClaims
	}
	return c, nil
}

func (c *Claims) scanAudience(v jose.Value) bool {
	// RFC 7519 §4.1.3: an array of strings or, in the special case of one audience, a string.
	if text, ok := v.String(); ok {
		c.oneAudience[0] = text
		c.audience = c.oneAudience[:]
		return true
	}
	var ok bool
	c.audience, ok = v.Strings()
	return ok
}

// known are the claims that this package reads and writes.
var known = [...]string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "azp", "scope", "scp", "sid", "acr", "auth_time", "cnf",
}

// miscased reports whether a name is that of a claim that we know, in another case. encoding/json would take it for
// that claim, in a structure that somebody decodes the claims into.
func miscased(name string) bool {
	if strings.IndexFunc(name, func(r rune) bool { return r < 'a' && r != '_' || r > 'z' }) < 0 {
		return false // the usual name of a claim of the user's own
	}
	return slices.ContainsFunc(known[:], func(k string) bool { return strings.EqualFold(name, k) })
}

// numericDate reads a date (RFC 7519 §2): a JSON number of seconds, with or without a fraction.
func numericDate(v jose.Value, round func(float64) float64) (int64, bool) {
	if v.Kind != '0' {
		return 0, false
	}
	if n, err := strconv.ParseInt(v.Raw, 10, 64); err == nil {
		return n, n < maxDate && n > -maxDate
	}
	f, err := strconv.ParseFloat(v.Raw, 64)
	f = round(f)
	if err != nil || f >= maxDate || f <= -maxDate {
		return 0, false
	}
	return int64(f), true
}

// unverifiedIssuer returns iss of a payload whose signature was not checked, to choose among issuers by it.
// It is "" where there is none.
func unverifiedIssuer(payload string) string {
	for o := jose.NewObject(payload, false); o.Next(); {
		if o.Name == "iss" {
			name, _ := o.Value.String()
			return name
		}
	}
	return ""
}
