package apikey

import (
	"net/http"
	"net/netip"

	"github.com/cardea-go/auth"
)

const schemeName = "apikey"

// An AuthenticatorConfig configures [Keys.Authenticator]. Its zero value is ready to use.
type AuthenticatorConfig struct {
	// Placements are where a key may come. Nil is Authorization: Bearer and X-API-Key.
	Placements []Placement
	// Name is the scheme's name in events and API descriptions. "" is "apikey".
	Name string
	// Realm is the protection space in challenges. "" leaves it out.
	Realm string
	// Description is for people, in API descriptions.
	Description string
	// ClientAddr finds the client's address, for keys that are bound to networks. Nil is [auth.PeerAddr], which is
	// right where there is no proxy.
	ClientAddr auth.AddrFunc
}

// An Authenticator accepts keys from requests. It is safe for concurrent use.
type Authenticator struct {
	keys    *Keys
	c       AuthenticatorConfig
	schemes []auth.Scheme
}

// Authenticator returns an authenticator of these keys.
func (k *Keys) Authenticator(c AuthenticatorConfig) (*Authenticator, error) {
	if c.Placements == nil {
		c.Placements = []Placement{Bearer(), Header("X-API-Key")}
	}
	if c.Name == "" {
		c.Name = schemeName
	}
	if c.ClientAddr == nil {
		c.ClientAddr = auth.PeerAddr
	}
	a := &Authenticator{keys: k, c: c}
	var err error
	a.c.Placements, a.schemes, err = describe(c)
	return a, err
}

// Schemes implements [auth.Authenticator].
func (a *Authenticator) Schemes() []auth.Scheme { return a.schemes }

// Authenticate implements [auth.Authenticator].
func (a *Authenticator) Authenticate(r *http.Request) (*auth.Principal, error) {
	key, err := a.read(r)
	if err != nil {
		return nil, err
	}
	p, err := a.keys.recognize(key)
	if err != nil {
		return nil, err
	}
	return a.keys.verify(r.Context(), p, key, func() (netip.Addr, error) { return a.c.ClientAddr(r) })
}

// read returns the one key of the request.
func (a *Authenticator) read(r *http.Request) (string, error) {
	var key string
	filled, foreign := 0, false
	for i := range a.c.Placements {
		value, err := a.c.Placements[i].read(r)
		switch err { //nolint:errorlint // the reader returns the sentinels as they are
		case nil:
		case auth.ErrNoCredential:
			continue
		case auth.ErrUnrecognized:
			foreign = true
			continue
		default:
			return "", err
		}
		if a.c.Placements[i].shared && !a.ours(value) {
			foreign = true // another authenticator's token in Authorization
			continue
		}
		if filled++; filled > 1 {
			return "", auth.Malformed(auth.ReasonMultiple, nil)
		}
		key = value
	}
	switch {
	case filled == 1:
		return key, nil
	case foreign:
		return "", auth.ErrUnrecognized
	}
	return "", auth.ErrNoCredential
}

func (a *Authenticator) ours(key string) bool {
	_, shape := a.keys.format.parse(key)
	return shape != shapeForeign
}
