package basic

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/throttle"
)

// Reasons of this package.
const (
	ReasonNoPassword auth.Reason = "no_password"    // the user has none
	ReasonBadRecord  auth.Reason = "bad_record"     // the user's stored hash can't be used
	ReasonTruncated  auth.Reason = "bcrypt_over_72" // right up to where bcrypt stops reading
	ReasonOverloaded auth.Reason = "overloaded"     // too many hashes at once
)

// A Config configures [New]. Realm, Users and Hasher are required.
type Config struct {
	// Realm is the protection space that the challenge names: printable ASCII. Required (RFC 7617 §2).
	Realm string
	// Users finds users by name. Required.
	Users Users
	// Hasher verifies passwords. Share it with what sets them. Required.
	Hasher *password.Hasher
	// Canonical returns the one form of a user name under which it is looked up, throttled, cached and reported, or
	// an error where it can't be a name. It gets up to 256 bytes of UTF-8 without control characters.
	// Nil is [CanonicalName].
	Canonical func(name string) (string, error)

	// Throttle limits guesses. Nil is throttle.NewLogins with its defaults.
	Throttle *throttle.Logins
	// InsecureNoThrottle turns the limit off: for tests, and where something in front of the service limits guesses.
	InsecureNoThrottle bool
	// Addr resolves the client's address for the limit. Nil is auth.PeerAddr, which is right without proxies.
	// Clients whose address is not known share one limit.
	Addr auth.AddrFunc

	// Cache remembers verified passwords for some minutes. It is off by default.
	Cache CacheConfig

	// Name is the scheme's name. "" is "basic".
	Name string
	// Description is for people, in API descriptions.
	Description string
	// OnError is told of what went wrong beside a decision: a hash that could not be replaced. It must be safe for
	// concurrent use. Nil tells nobody.
	OnError func(error)
	// Clock tells the time. Nil is [time.Now].
	Clock func() time.Time
}

// An Authenticator authenticates requests by HTTP Basic. It is safe for concurrent use.
type Authenticator struct {
	c       Config
	schemes []auth.Scheme
	prover  *prover
	cache   *cache
	flights flights
}

// New returns the authenticator that c describes. It reports every mistake at once.
func New(c Config) (*Authenticator, error) {
	errs := []error{c.Cache.validate()}
	if c.Realm == "" {
		errs = append(errs, errors.New("basic: Config.Realm is empty: name the protection space, such as the service"))
	}
	if c.Users == nil {
		errs = append(errs, errors.New("basic: Config.Users is nil: set a source of users, such as NewStatic"))
	}
	if c.Hasher == nil {
		errs = append(errs, errors.New("basic: Config.Hasher is nil: set what password.New returns"))
	}
	if c.Throttle != nil && c.InsecureNoThrottle {
		errs = append(errs, errors.New("basic: Config.Throttle together with InsecureNoThrottle: leave one out"))
	}
	if c.Throttle == nil && !c.InsecureNoThrottle {
		var err error
		c.Throttle, err = throttle.NewLogins(throttle.LoginsConfig{OnError: c.OnError, Clock: c.Clock})
		errs = append(errs, err)
	}
	c.fill()
	a := &Authenticator{c: c, prover: newProver(), cache: newCache(c.Cache, c.Clock), flights: flights{going: make(map[flightKey]*flight)}}
	a.schemes = []auth.Scheme{{
		Name: c.Name, Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Basic",
		Realm: c.Realm, Params: []auth.Param{{Name: "charset", Value: "UTF-8"}}, Description: c.Description,
	}}
	if err := a.schemes[0].Validate(); err != nil {
		errs = append(errs, fmt.Errorf("basic: Config: %w", err))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return a, nil
}

func (c *Config) fill() {
	if c.Canonical == nil {
		c.Canonical = CanonicalName
	}
	if c.Addr == nil {
		c.Addr = auth.PeerAddr
	}
	if c.Name == "" {
		c.Name = "basic"
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
}

func (c CacheConfig) validate() error {
	var errs []error
	if !c.Enable && c != (CacheConfig{}) {
		errs = append(errs, errors.New("basic: Config.Cache is set and not enabled: set Enable too"))
	}
	if c.TTL < 0 || c.TTL > maxTTL {
		errs = append(errs, errors.New("basic: Config.Cache.TTL: use 0 for 5 min, or up to 1 h"))
	}
	if c.MaxEntries < 0 || c.MaxEntries > maxMaxEntries {
		errs = append(errs, errors.New("basic: Config.Cache.MaxEntries: use 0 for 10000, or up to 1000000"))
	}
	return errors.Join(errs...)
}

// Schemes implements [auth.Authenticator].
func (a *Authenticator) Schemes() []auth.Scheme { return a.schemes }

// Authenticate implements [auth.Authenticator].
func (a *Authenticator) Authenticate(r *http.Request) (*auth.Principal, error) {
	value, err := auth.Credentials(r, "Basic", maxEncoded)
	if err != nil {
		return nil, err
	}
	name, pw, err := parseCredentials(value)
	if err != nil {
		return nil, err
	}
	addr, err := a.c.Addr(r)
	if err != nil {
		addr = netip.Addr{}
	}
	return a.Verify(r.Context(), name, pw, addr)
}

// Purge forgets every verified password. It is not needed when a user or a password changes.
func (a *Authenticator) Purge() { a.cache.purge() }
