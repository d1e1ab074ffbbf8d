package oauth2

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
)

// An Introspection is an issuer's answer about an active token. It is immutable and prints without its content.
type Introspection struct{ body string }

// Raw returns a copy of the answer's JSON text.
func (i *Introspection) Raw() json.RawMessage { return json.RawMessage(i.body) }

// Into decodes the answer into v with encoding/json.
func (i *Introspection) Into(v any) error { return json.Unmarshal([]byte(i.body), v) }

// String returns a text without the answer, which may be personal.
func (i *Introspection) String() string { return "introspection" }

// GoString returns the same as String.
func (i *Introspection) GoString() string { return i.String() }

// response is what is read of an answer (RFC 7662 §2.2).
type response struct {
	active, hasActive                    bool
	issuer, subject, client, id, scope   string
	tokenType, tokenUse, typ, acr        string
	audience, scopes                     []string
	expires, notBefore, issued, authTime int64
	cnf                                  jose.Value
}

var errAnswer = errors.New("oauth2: introspection: the answer is malformed")

// judge decides about an answer. One that can't be read, or does not say whether the token is active, is no answer.
func (c *IntrospectorConfig) judge(body string, now time.Time) (*Token, error) {
	r, ok := scanResponse(body)
	switch {
	case !ok:
		return nil, auth.Unavailable(errAnswer)
	case !r.active:
		return nil, refuse(ErrInactive)
	}
	t, err := r.token(body)
	if err != nil {
		return nil, auth.Unavailable(errAnswer)
	}
	if t.Subject == "" && c.ClientAsSubject {
		t.Subject = t.ClientID
	}
	t.Issuer = c.Issuer
	switch {
	case r.issuer != "" && r.issuer != c.Issuer:
		return nil, refuse(ErrIssuer)
	case !r.isAccessToken():
		return nil, refuse(ErrTokenType)
	case !c.InsecureAnyAudience && !slices.ContainsFunc(r.audience, func(a string) bool { return slices.Contains(c.Audience, a) }):
		return nil, refuse(ErrAudience)
	case t.Subject == "":
		return nil, refuse(ErrNoSubject)
	case r.expires != 0 && !now.Before(t.ExpiresAt.Add(introspectionLeeway)):
		return nil, refuse(ErrExpired)
	case r.notBefore != 0 && now.Add(introspectionLeeway).Before(time.Unix(r.notBefore, 0)):
		return nil, refuse(ErrNotYetValid)
	}
	return t, nil
}

// isAccessToken tells access tokens from what else endpoints call active. RFC 7662 has no member for it: token_use is
// Ory's, typ Keycloak's, and some write it into token_type.
func (r *response) isAccessToken() bool {
	is := func(got string, names ...string) bool {
		return got == "" || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(got, n) })
	}
	return is(r.tokenType, "Bearer", "DPoP", "access_token", "N_A", "mac") &&
		is(r.tokenUse, "access_token", "access") && !strings.EqualFold(r.typ, "Refresh") &&
		!strings.EqualFold(r.typ, "Offline") && !strings.EqualFold(r.typ, "ID")
}

// scanResponse reads an answer strictly, but for null, which many servers write for what they do not know.
func scanResponse(body string) (*response, bool) {
	r, ok := &response{}, true
	o := jose.NewObject(body, true)
	for o.Next() && ok {
		if v := o.Value; !v.Null() {
			ok = r.member(o.Name, v)
		}
	}
	return r, ok && o.Err() == nil && r.hasActive
}

func (r *response) member(name string, v jose.Value) (ok bool) {
	switch name {
	case "active":
		r.active, r.hasActive = v.Kind == 't', true
		return v.Kind == 't' || v.Kind == 'f'
	case "iss":
		r.issuer, ok = v.String()
	case "sub":
		r.subject, ok = v.String()
	case "client_id":
		r.client, ok = v.String()
	case "jti":
		r.id, ok = v.String()
	case "token_type":
		r.tokenType, ok = v.String()
	case "token_use":
		r.tokenUse, ok = v.String()
	case "typ":
		r.typ, ok = v.String()
	case "acr":
		r.acr, ok = v.String()
	case "scope":
		if r.scope, ok = v.String(); !ok {
			r.scopes, ok = v.Strings() // not by the RFC, but there is only one way to understand it
		}
	case "aud":
		var one string
		if one, ok = v.String(); ok {
			r.audience = []string{one}
		} else {
			r.audience, ok = v.Strings()
		}
	case "exp":
		r.expires, ok = v.Date()
	case "nbf":
		r.notBefore, ok = v.Date()
	case "iat":
		r.issued, ok = v.Date()
	case "auth_time":
		r.authTime, ok = v.Date()
	case "cnf":
		r.cnf, ok = v, v.Kind == '{'
	default:
		ok = true
	}
	return ok
}

func (r *response) token(body string) (*Token, error) {
	t := &Token{
		Subject: r.subject, ClientID: r.client, ID: r.id, Audience: r.audience, ACR: r.acr,
		AuthenticatedAt: date(r.authTime), IssuedAt: date(r.issued), ExpiresAt: date(r.expires), Data: &Introspection{body},
	}
	var err error
	if r.scopes != nil {
		t.Scopes, err = auth.NewScopeSet(r.scopes...)
	} else {
		t.Scopes, err = auth.ParseScopeSet(r.scope)
	}
	if err != nil {
		return nil, err
	}
	if r.cnf.Raw != "" {
		if t.Confirmation, err = r.confirmation(); err != nil {
			return nil, err
		}
	} else if strings.EqualFold(r.tokenType, "DPoP") {
		t.Confirmation = &Confirmation{} // bound, and we were not told to what
	}
	return t, nil
}

func (r *response) confirmation() (*Confirmation, error) {
	c, ok := &Confirmation{}, true
	o := jose.NewObject(r.cnf.Raw, false)
	for o.Next() && ok {
		switch o.Name {
		case "jkt":
			c.JWKThumbprint, ok = o.Value.String()
		case "x5t#S256":
			c.CertificateThumbprint, ok = o.Value.String()
		}
	}
	if !ok || o.Err() != nil {
		return nil, errAnswer
	}
	return c, nil
}

func date(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
