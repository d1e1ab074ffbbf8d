package apikey

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/cardea-go/auth"
)

const schemeName = "apikey"

// An AuthenticatorConfig configures [Keys.Authenticator]. Its zero value is ready to use.
type AuthenticatorConfig struct {
	// Placements are where a key may come, each once. Keys in two of them are an ambiguous request (400). Nil is
	// Authorization: Bearer and X-API-Key.
	Placements []Placement
	// Kinds are those that are accepted here, of [Config.Kinds]; a key of another kind is not this authenticator's.
	// Keys of a [ForeignFormat] have no kind to see and are then not accepted. Nil is every kind.
	Kinds []string
	// Name is the scheme's name in events and API descriptions; further placements get their place, as in
	// "apikey-header". "" is "apikey".
	Name string
	// Realm is the protection space in challenges. "" leaves it out.
	Realm string
	// Description is for people, in API descriptions.
	Description string
	// ClientAddr finds the client's address, for keys that are bound to networks and for [Config.Misses]. Nil is
	// [auth.PeerAddr], which is right where there is no proxy.
	ClientAddr auth.AddrFunc
	// RequireTLS refuses keys that come over plain HTTP with 403, before they are looked up. Such a key was shown
	// to the network: the event says [ReasonExposed].
	RequireTLS bool
	// ReachedByTLS reports whether a request came over TLS, where a proxy in front ended it. Only with RequireTLS.
	// Nil asks the connection.
	ReachedByTLS func(r *http.Request) bool
}

// An Authenticator accepts keys from requests. It is safe for concurrent use.
type Authenticator struct {
	keys    *Keys
	c       AuthenticatorConfig
	schemes []auth.Scheme
}

// Authenticator returns an authenticator of these keys, and every mistake in c at once.
func (k *Keys) Authenticator(c AuthenticatorConfig) (*Authenticator, error) {
	var errs []error
	if c.Placements == nil {
		c.Placements = []Placement{Bearer(), Header("X-API-Key")}
	}
	if c.Name == "" {
		c.Name = schemeName
	}
	if c.ClientAddr == nil {
		c.ClientAddr = auth.PeerAddr
	}
	if c.ReachedByTLS != nil && !c.RequireTLS {
		errs = append(errs, errors.New("apikey: AuthenticatorConfig.ReachedByTLS without RequireTLS is never asked: set both or neither"))
	}
	if c.ReachedByTLS == nil {
		c.ReachedByTLS = func(r *http.Request) bool { return r.TLS != nil }
	}
	c.Kinds = slices.Clone(c.Kinds)
	for _, kind := range c.Kinds {
		if k.head(kind) == nil {
			errs = append(errs, fmt.Errorf("apikey: AuthenticatorConfig.Kinds: %q: use one of Config.Kinds", kind))
		}
	}
	if c.Kinds != nil && len(c.Kinds) == 0 {
		errs = append(errs, errors.New("apikey: AuthenticatorConfig.Kinds is empty, which accepts no key: name a kind, or leave it nil"))
	}
	a := &Authenticator{keys: k, c: c}
	var err error
	a.c.Placements, a.schemes, err = describe(c)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return a, nil
}

// Schemes implements [auth.Authenticator].
func (a *Authenticator) Schemes() []auth.Scheme { return a.schemes }

// Authenticate implements [auth.Authenticator].
func (a *Authenticator) Authenticate(r *http.Request) (*auth.Principal, error) {
	sent, err := a.read(r)
	if err != nil {
		return nil, err
	}
	if a.c.RequireTLS && !a.c.ReachedByTLS(r) {
		return nil, &auth.Error{Kind: auth.KindForbidden, Reason: ReasonExposed, Message: textExposed}
	}
	if err := sent.place.allow(r); err != nil {
		return nil, err
	}
	return a.keys.verify(r.Context(), sent.parsed, sent.key, source{known: true, find: a.c.ClientAddr, req: r})
}

const textExposed = "API keys are accepted over TLS only; this one was exposed: replace it"

func (a *Authenticator) recognize(key string) (parsed, error) {
	p, err := a.keys.recognize(key)
	if a.c.Kinds != nil && (p.head == nil || !slices.Contains(a.c.Kinds, p.head.kind)) {
		if err == nil || p.head != nil {
			return parsed{}, auth.ErrUnrecognized
		}
	}
	return p, err
}

// sent is a key that a request carries, and where.
type sent struct {
	key    string
	parsed parsed
	place  *Placement
}

// read returns the one key of the request. A place that is ours alone counts as filled by whatever it holds;
// Authorization by a key of ours only, as other schemes share it.
func (a *Authenticator) read(r *http.Request) (sent, error) {
	var (
		found   sent
		refusal error
		foreign bool
	)
	for i := range a.c.Placements {
		place := &a.c.Placements[i]
		var p parsed
		key, err := place.read(r)
		switch {
		case errors.Is(err, auth.ErrNoCredential):
			continue
		case err == nil:
			p, err = a.recognize(key)
		case !errors.Is(err, auth.ErrUnrecognized):
			return sent{}, err
		}
		if place.inAuthorization() && errors.Is(err, auth.ErrUnrecognized) {
			foreign = true
			continue
		}
		if found.place != nil {
			return sent{}, auth.Malformed(auth.ReasonMultiple, nil)
		}
		found, refusal = sent{key, p, place}, err
	}
	switch {
	case found.place != nil:
		return found, refusal
	case foreign:
		return sent{}, auth.ErrUnrecognized
	}
	return sent{}, auth.ErrNoCredential
}
