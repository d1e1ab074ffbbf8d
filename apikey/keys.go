package apikey

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/throttle"
)

// A Config configures [New]. Prefix and Store are required.
type Config struct {
	// Prefix begins every key, so that people and scanners see whose it is: a lower-case letter and 1 to 11
	// lower-case letters and digits, such as "acme". Required.
	Prefix string
	// Kinds are words that follow the prefix, such as "pat" and "srv" for acme_pat_… and acme_srv_…; each is of the
	// prefix's grammar. With kinds every key has one of them. Nil: keys have none.
	Kinds []string
	// Environment is the one that this service serves. "" is "live". Keys of another are refused before the store
	// is asked.
	Environment string
	// Environments are all that exist, for the scan pattern. Nil is "live", "test" and Environment.
	Environments []string
	// Store keeps the records. Required.
	Store Store
	// Peppers key the digests at rest. The first makes new ones; a key whose digest was made with another gets a new
	// digest when it is next used. Taking a pepper out refuses the keys that still rest on it. Nil: digests are plain
	// SHA-256.
	Peppers []Pepper
	// AllowPlainDigests accepts, beside keyed digests, those that were made without a pepper, before there were any or
	// by the system that a key was imported from; such a key gets a keyed digest when it is next used. Anybody can
	// compute a plain digest: while this is on, who can write to the store can plant a key of his own. Set it for the
	// time of a change, and only with Peppers. Off, with Peppers, such keys are refused and none is imported.
	AllowPlainDigests bool
	// Lifetime is how long a key lives where its request does not say. 0 is 90 days, or MaxLifetime if shorter.
	Lifetime time.Duration
	// MaxLifetime is the longest that a key may live. 0 is 366 days; the minimum is a minute, the maximum 100 years.
	MaxLifetime time.Duration
	// MaxPerSubject is how many keys in force one subject may have, where it makes them itself; see [Keys.For].
	// 0 is 100; the maximum is 1000. A subject is refused, too, while ten times as many of its keys are kept.
	MaxPerSubject int
	// Admin says who may make and manage keys of other subjects through [Keys.For], such as auth.Roles("admin").
	// A scope is no good sign of it: a login that nothing narrowed holds every scope. Who acts in a tenant manages the
	// keys of that tenant; who has none, those of all. Nil is nobody.
	Admin auth.Requirement
	// ForeignFormats are those of systems that keys were imported from.
	ForeignFormats []ForeignFormat
	// Misses limits how many keys that do not exist, or have a wrong secret, one network may try. Right keys cost
	// nothing, but wait like the rest while their network is over the limit. Nil does not limit.
	Misses *throttle.Sources
	// Limit is charged 1 under the key's family for each request that it is accepted for. Nil does not limit.
	Limit throttle.Limiter
	// LastUsedInterval is how far LastUsedAt may lag behind. 0 is a minute; the minimum is a second, the maximum a
	// day. Close the keys to have the last ones written.
	LastUsedInterval time.Duration
	// OnChange is told of every change of a key, after the store acknowledged it. It must be safe for concurrent
	// use. Nil tells nobody.
	OnChange func(context.Context, Change)
	// OnError is told of failures that no caller waits for: a digest or a last-used time that was not written. It
	// must be safe for concurrent use. Nil tells nobody.
	OnError func(error)
	// ExplainRefusals tells a caller who proved that it has the key's secret why it is refused: the key has
	// expired, was revoked, or is switched off. Off, every refusal reads the same.
	ExplainRefusals bool
	// Clock is the time of day. Nil is time.Now.
	Clock func() time.Time
}

const (
	defaultEnvironment = "live"
	testEnvironment    = "test"
	defaultLifetime    = 90 * 24 * time.Hour
	defaultMaxLifetime = 366 * 24 * time.Hour
	maxMaxLifetime     = 100 * 366 * 24 * time.Hour
	defaultPerSubject  = 100
	maxPerSubject      = 1000
	// MaxGrace is the longest overlap that a rotation may have.
	MaxGrace = 30 * 24 * time.Hour
)

// Keys issues and verifies the API keys of one service. It is safe for concurrent use.
type Keys struct {
	c       Config
	format  format
	digests *digester
	uses    uses
}

// New returns the keys that c describes, and every mistake in c at once.
func New(c Config) (*Keys, error) {
	k := &Keys{c: c}
	var errs []error
	report := func(err error) { errs = append(errs, err) }
	if c.Store == nil {
		report(errors.New("apikey: Config.Store is nil: set one, such as NewMemoryStore"))
	}
	report(k.words())
	report(k.lifetimes())
	report(k.rest())
	var err error
	k.digests, err = newDigester(c.Peppers, c.AllowPlainDigests)
	report(err)
	if k.c.Clock == nil {
		k.c.Clock = time.Now
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	k.format = newFormat(k.c.Prefix, k.c.Kinds, k.c.Environment, k.c.Environments)
	k.c.Peppers = nil
	k.uses.store, k.uses.interval, k.uses.onError = c.Store, k.c.LastUsedInterval, k.c.OnError
	k.uses.seed, k.uses.flushing = maphash.MakeSeed(), make(chan struct{}, 1)
	return k, nil
}

// Close writes the last-used times that still wait. Keys go on being verified afterwards; only these times are no
// longer kept. It may be called more than once.
func (k *Keys) Close(ctx context.Context) error { return k.uses.close(ctx) }

func (k *Keys) words() error {
	c := &k.c
	if c.Environment == "" {
		c.Environment = defaultEnvironment
	}
	if c.Environments == nil {
		c.Environments = []string{defaultEnvironment, testEnvironment}
		if !slices.Contains(c.Environments, c.Environment) {
			c.Environments = append(c.Environments, c.Environment)
		}
	}
	c.Environments, c.Kinds = slices.Clone(c.Environments), slices.Clone(c.Kinds)
	var errs []error
	check := func(field string, list ...string) {
		for i, w := range list {
			if !isWord(w) {
				errs = append(errs, fmt.Errorf("apikey: Config.%s %q: use a lower-case letter and 1 to 11 lower-case letters or digits", field, w))
			}
			if slices.Contains(list[:i], w) {
				errs = append(errs, fmt.Errorf("apikey: Config.%s: %q comes twice", field, w))
			}
		}
	}
	check("Prefix", c.Prefix)
	check("Kinds", c.Kinds...)
	check("Environments", c.Environments...)
	if !slices.Contains(c.Environments, c.Environment) {
		errs = append(errs, fmt.Errorf("apikey: Config.Environments lacks %q, which Environment serves: add it", c.Environment))
	}
	return errors.Join(errs...)
}

func (k *Keys) lifetimes() error {
	c := &k.c
	var errs []error
	if c.MaxLifetime == 0 {
		c.MaxLifetime = defaultMaxLifetime
	}
	if c.MaxLifetime < time.Minute || c.MaxLifetime > maxMaxLifetime {
		errs = append(errs, errors.New("apikey: Config.MaxLifetime: use 0 for 366 days, or a minute to 100 years"))
	}
	if c.Lifetime == 0 {
		c.Lifetime = min(defaultLifetime, c.MaxLifetime)
	}
	if c.Lifetime < time.Second || c.Lifetime > c.MaxLifetime {
		errs = append(errs, errors.New("apikey: Config.Lifetime: use 0 for 90 days, or a second to MaxLifetime"))
	}
	return errors.Join(errs...)
}

func (k *Keys) rest() error {
	c := &k.c
	var errs []error
	if c.MaxPerSubject == 0 {
		c.MaxPerSubject = defaultPerSubject
	}
	if c.MaxPerSubject < 0 || c.MaxPerSubject > maxPerSubject {
		errs = append(errs, errors.New("apikey: Config.MaxPerSubject: use 0 for 100, or 1 to 1000"))
	}
	if c.LastUsedInterval == 0 {
		c.LastUsedInterval = defaultLastUsed
	}
	if c.LastUsedInterval < time.Second || c.LastUsedInterval > 24*time.Hour {
		errs = append(errs, errors.New("apikey: Config.LastUsedInterval: use 0 for a minute, or a second to a day"))
	}
	if v, ok := c.Admin.(auth.Validator); ok {
		errs = append(errs, v.Validate())
	}
	c.ForeignFormats = slices.Clone(c.ForeignFormats)
	for i := range c.ForeignFormats {
		f := &c.ForeignFormats[i]
		errs = append(errs, f.validate())
		if slices.ContainsFunc(c.ForeignFormats[:i], func(o ForeignFormat) bool { return o.Name == f.Name }) {
			errs = append(errs, fmt.Errorf("apikey: Config.ForeignFormats: %q comes twice", f.Name))
		}
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	return errors.Join(errs...)
}

// now is the time as records hold it.
func (k *Keys) now() time.Time { return k.c.Clock().UTC().Truncate(time.Microsecond) }

// storeError is an answer of the store that is none of its sentinels, as a refusal to decide.
func storeError(err error) error {
	return auth.Unavailable(fmt.Errorf("apikey: store: %w", err))
}

// find spares the store ids that no record has.
func (k *Keys) find(ctx context.Context, id string) (*Record, error) {
	if !isID(id) {
		return nil, ErrNotFound
	}
	return k.lookUp(ctx, id)
}

// lookUp is find for the id of a key that was parsed.
func (k *Keys) lookUp(ctx context.Context, id string) (*Record, error) {
	r, err := k.c.Store.Find(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound), err == nil && r == nil:
		return nil, ErrNotFound
	case err != nil:
		return nil, storeError(err)
	case r.ID != id:
		return nil, storeError(errWrongRecord)
	}
	return r, nil
}

var errWrongRecord = errors.New("the record found is not one that was asked for")

// maxIDBytes is the length of the longest id: the name of a foreign format, "-" and an id of its own.
const maxIDBytes = 12 + 1 + 64

func isID(id string) bool {
	return id != "" && len(id) <= maxIDBytes && strings.Trim(id, alphabet+"._-") == ""
}
