package apikey

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/cardea-go/auth"
)

// A Placement is a place in a request where a key may come: [Bearer], [Authorization], [Header].
type Placement struct {
	in     auth.Location
	name   string // of the header, parameter or cookie
	scheme string // in Authorization
	shared bool   // the place is other schemes' too
}

// Bearer places the key in Authorization: Bearer (RFC 6750 §2.1), as most clients and gateways can.
func Bearer() Placement { return Authorization("Bearer") }

// Authorization places the key in the Authorization header under a scheme of that name, such as "ApiKey".
func Authorization(scheme string) Placement {
	return Placement{in: auth.InHeader, name: "Authorization", scheme: scheme, shared: true}
}

// Header places the key, alone, in the header of that name, such as "X-API-Key".
func Header(name string) Placement {
	return Placement{in: auth.InHeader, name: textproto.CanonicalMIMEHeaderKey(name)}
}

// read returns what the place holds. The errors are those of an [auth.Authenticator].
func (p *Placement) read(r *http.Request) (string, error) {
	if p.shared {
		return auth.Credentials(r, p.scheme, maxBearerBytes)
	}
	return one(r.Header[p.name])
}

// maxBearerBytes lets longer tokens of other schemes pass by, to be found foreign.
const maxBearerBytes = 1 << 20

func one(values []string) (string, error) {
	switch len(values) {
	case 0:
		return "", auth.ErrNoCredential
	case 1:
		return values[0], nil
	}
	return "", auth.Malformed(auth.ReasonRepeated, nil)
}

// describe returns the placements, checked, and a scheme for each.
func describe(c AuthenticatorConfig) ([]Placement, []auth.Scheme, error) {
	if len(c.Placements) == 0 {
		return nil, nil, errors.New("apikey: AuthenticatorConfig.Placements is empty: name a place, or leave it nil")
	}
	var (
		errs       []error
		placements []Placement
		schemes    []auth.Scheme
	)
	for i, p := range c.Placements {
		if p.in == 0 {
			errs = append(errs, fmt.Errorf("apikey: AuthenticatorConfig.Placements[%d] is zero: use Bearer, Authorization or Header", i))
			continue
		}
		s := p.describe(c)
		if i > 0 {
			s.Name = fmt.Sprintf("%s-%d", c.Name, i+1)
		}
		for _, other := range placements {
			if other.in == p.in && other.name == p.name && strings.EqualFold(other.scheme, p.scheme) {
				errs = append(errs, fmt.Errorf("apikey: AuthenticatorConfig.Placements[%d]: the place comes twice", i))
			}
		}
		errs = append(errs, s.Validate())
		placements, schemes = append(placements, p), append(schemes, s)
	}
	return placements, schemes, errors.Join(errs...)
}

func (p *Placement) describe(c AuthenticatorConfig) auth.Scheme {
	s := auth.Scheme{
		Name: c.Name, Type: "apiKey", In: p.in, Parameter: p.name,
		AuthScheme: "ApiKey", Realm: c.Realm, Description: c.Description,
	}
	if p.shared {
		s.Type, s.AuthScheme = "http", p.scheme
	}
	return s
}
