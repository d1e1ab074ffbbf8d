package password

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cardea-go/auth/internal/secret"
)

// A Config configures [New]. The zero value is right.
type Config struct {
	// Params say how new hashes are made. The zero value is [Default].
	Params Params
	// Limits are the ceilings of cost for stored hashes.
	Limits Limits
	// Gate limits how much is hashed at once.
	Gate GateConfig
	// Schemes verify further forms of stored hashes, after those of this package. Their hashes need a rehash.
	Schemes []Scheme
	// Peppers are secret keys that are not in the store, by an id that is ([A-Za-z0-9._-], 1 to 32 bytes); each
	// has 32 bytes or more. A password is replaced by its HMAC-SHA-256 under the key before it is hashed. Losing a
	// key loses the passwords hashed under it. They and DecoyKey are left out wherever a Config is printed, logged or
	// written as JSON.
	Peppers map[string][]byte `json:"-"`
	// PepperID names the key for new hashes. "" hashes without.
	PepperID string
	// AllowTruncated accepts a password of more than 72 bytes where a bcrypt hash matches its first 72, for users
	// whose password was cut when it was set. It is rehashed as a whole.
	AllowTruncated bool
	// DecoyKey decides which kind of decoy a name gets. With a key that stays the same, 16 bytes or more, a name that
	// nobody has looks the same after a restart and in every process. Nil is a random key for this process.
	DecoyKey []byte `json:"-"`
}

// Format prints how new hashes are made, under every verb.
func (c Config) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "config(%s)", c.Params) }

// LogValue returns how new hashes are made.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(slog.String("params", c.Params.String()))
}

// A Hasher makes and verifies password hashes. It is immutable and safe for concurrent use.
type Hasher struct {
	params         Params
	limits         Limits
	gate           *gate
	schemes        []Scheme
	peppers        map[string]hidden
	pepperID       string
	allowTruncated bool
	decoyKey       hidden
	fallback       *Mix
	pace           pace
}

// hidden is a key that no printer shows: none looks into a function.
type hidden func() []byte

func hide(key []byte) hidden {
	key = slices.Clone(key)
	return func() []byte { return key }
}

// New returns the hasher that c describes. It reports every mistake at once and hashes nothing.
func New(c Config) (*Hasher, error) {
	if c.Params == (Params{}) {
		c.Params = Default()
	}
	errs := []error{c.Params.Validate(), c.Limits.validate(), c.Gate.validate(), validatePeppers(c)}
	if slices.Contains(c.Schemes, nil) {
		errs = append(errs, errors.New("password: Config.Schemes holds nil: leave it out"))
	}
	h := &Hasher{
		params: c.Params, limits: c.Limits.withDefaults(), schemes: slices.Clone(c.Schemes),
		peppers: make(map[string]hidden, len(c.Peppers)), pepperID: c.PepperID,
		allowTruncated: c.AllowTruncated, decoyKey: hide(c.DecoyKey),
		pace: pace{took: make(map[string]time.Duration)},
	}
	if c.Params.Memory > h.limits.Memory || c.Params.Iterations > h.limits.Iterations {
		errs = append(errs, errors.New("password: Config.Params are above Config.Limits: new hashes could not be verified"))
	}
	switch {
	case c.DecoyKey == nil:
		h.decoyKey = hide(random(sha256.Size))
	case len(c.DecoyKey) < 16:
		errs = append(errs, errors.New("password: Config.DecoyKey: use 16 random bytes or more, or nil"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for id, key := range c.Peppers {
		h.peppers[id] = hide(key)
	}
	h.gate = newGate(c.Gate, c.Params.Memory)
	h.fallback = h.NewMix(slices.Values([]string{h.newHash(nil)}))
	return h, nil
}

func validatePeppers(c Config) error {
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(c.Peppers)) {
		if !validKeyID(id) {
			errs = append(errs, fmt.Errorf("password: Config.Peppers: id %q: use 1 to 32 of A-Z a-z 0-9 . _ -", id))
		}
		if len(c.Peppers[id]) < 32 {
			errs = append(errs, fmt.Errorf("password: Config.Peppers: key %q: use 32 random bytes or more", id))
		} else if secret.Empty(c.Peppers[id]) {
			errs = append(errs, fmt.Errorf("password: Config.Peppers: key %q "+secret.FillIt, id))
		}
	}
	if _, ok := c.Peppers[c.PepperID]; c.PepperID != "" && !ok {
		errs = append(errs, fmt.Errorf("password: Config.PepperID %q: add its key to Peppers", c.PepperID))
	}
	return errors.Join(errs...)
}

// Params returns how new hashes are made.
func (h *Hasher) Params() Params { return h.params }

// Hash returns a new hash of password, for storing. It waits for the gate. The errors are [ErrUnusable], [ErrBusy] and
// the context's. Whether a password is a good one is another question: see [Policy].
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	prepared, err := Prepare(password)
	if err != nil {
		return "", err
	}
	return h.hash(ctx, prepared)
}

func (h *Hasher) hash(ctx context.Context, prepared string) (string, error) {
	r := &Record{Shape: "new " + h.params.String(), Memory: h.params.Memory, Threads: h.params.Threads}
	var stored string
	err := h.run(ctx, r, func() { stored = h.newHash(&prepared) })
	return stored, err
}

// newHash makes a hash of a prepared password, or a decoy for none.
func (h *Hasher) newHash(prepared *string) string {
	salt, tag := random(saltBytes), random(tagBytes)
	if h.params.Algorithm == PBKDF2SHA256 {
		n := pbkdf2Hash{form: formOwn, prefix: "$pbkdf2-sha256$", iterations: h.params.Iterations, keyID: h.pepperID, salt: salt, tag: tag, hash: sha256.New}
		if prepared != nil {
			n.tag = n.compute(pepper(h.peppers[h.pepperID], *prepared))
		}
		return n.String()
	}
	n := newArgon2id(h.params)
	n.keyID, n.salt, n.tag = h.pepperID, salt, tag
	if prepared != nil {
		n.tag = n.compute(pepper(h.peppers[h.pepperID], *prepared))
	}
	return n.String()
}

// pepper keys a password. Base64 keeps the result free of NUL and at 44 bytes.
func pepper(key hidden, prepared string) string {
	if key == nil {
		return prepared
	}
	mac := hmac.New(sha256.New, key())
	mac.Write([]byte(prepared))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// peppered makes a record that names a key verify under it. A key that is gone makes the record unusable.
func (h *Hasher) peppered(r *Record, err error) (*Record, error) {
	if err != nil || r.keyID == "" {
		return r, err
	}
	key, ok := h.peppers[r.keyID]
	if !ok {
		return nil, ErrMalformed
	}
	verify := r.Verify
	r.Verify = func(password string) bool { return verify(pepper(key, password)) }
	return r, nil
}

// Valid reports whether a stored hash can be verified here: [ErrMalformed] where it can't. It computes nothing.
func (h *Hasher) Valid(stored string) error {
	_, err := h.parse(stored)
	return err
}

// NeedsRehash reports whether a stored hash is weaker than what [Hasher.Hash] makes: another algorithm, lower costs, a
// layered or imported form, another pepper. Merely different costs are no reason. A hash that can't be read needs one.
func (h *Hasher) NeedsRehash(stored string) bool {
	r, err := h.parse(stored)
	return err != nil || h.needsRehash(r)
}

func (h *Hasher) needsRehash(r *Record) bool {
	return !r.current || r.keyID != h.pepperID || h.params.weaker(r.params)
}

// An Attempt is a password for an account that may or may not exist.
type Attempt struct {
	// Username in its canonical form decides which decoy is run for it.
	Username string
	// Password as it was sent. It and Stored are left out wherever an Attempt is printed, logged or written as JSON.
	Password string `json:"-"`
	// Found says that the account exists and may log in with a password. Stored is its hash, and is not looked at
	// otherwise.
	Found  bool
	Stored string `json:"-"`
	// Mix is what decoys look like. Nil is as new hashes.
	Mix *Mix
}

// Format prints the user name, under every verb.
func (a Attempt) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "attempt(%q)", a.Username) }

// LogValue returns the user name.
func (a Attempt) LogValue() slog.Value { return slog.GroupValue(slog.String("username", a.Username)) }

// A Verdict is what came out of an [Attempt].
type Verdict struct {
	// OK says that the account was found and the password is its own. The rest is for events and for work after a
	// success; nothing of it may reach a client.
	OK bool
	// NeedsRehash says that the hash should be replaced; see [Hasher.NeedsRehash]. Set only where OK.
	NeedsRehash bool
	// BadRecord says that the account was found and its hash can't be used.
	BadRecord bool
	// Truncated says that a bcrypt hash matched the first 72 bytes of a longer password.
	Truncated bool
}

// Check verifies an attempt with exactly one computation of a hash, whatever is wrong with the attempt: for an account
// that was not found, or whose hash can't be used, it is that of a decoy. The errors mean that nothing was decided:
// [ErrBusy], the context's, or a panic of a [Scheme]. A password that can't be one is [ErrUnusable], without a
// computation, for known and unknown accounts alike.
func (h *Hasher) Check(ctx context.Context, a Attempt) (Verdict, error) {
	prepared, err := Prepare(a.Password)
	if err != nil {
		return Verdict{}, err
	}
	var v Verdict
	var r *Record
	if a.Found {
		r, err = h.parse(a.Stored)
		v.BadRecord = err != nil
	}
	found := r != nil
	if !found {
		if r, err = h.decoy(a.Mix, a.Username); err != nil {
			return Verdict{}, err
		}
	}
	var match bool
	if err := h.run(ctx, r, func() { match = r.Verify(prepared) }); err != nil {
		return Verdict{}, err
	}
	v.Truncated = found && match && r.truncated && len(prepared) > bcryptReads
	v.OK = found && match && (!v.Truncated || h.allowTruncated)
	v.NeedsRehash = v.OK && h.needsRehash(r)
	return v, nil
}

// Verify reports whether password has this stored hash, for places where nobody guesses names. The errors are those of
// [Hasher.Check], and [ErrMalformed].
func (h *Hasher) Verify(ctx context.Context, password, stored string) (Verdict, error) {
	if err := h.Valid(stored); err != nil {
		return Verdict{}, err
	}
	return h.Check(ctx, Attempt{Password: password, Found: true, Stored: stored})
}

// run computes within the gate. A computation can't be stopped, so one that would end after the deadline is not begun,
// and one that was begun ends, and gives its permit back then.
func (h *Hasher) run(ctx context.Context, r *Record, compute func()) (err error) {
	if h.pace.late(ctx, r.Shape) {
		return context.DeadlineExceeded
	}
	p := h.gate.permit(r)
	if err := h.gate.acquire(ctx, p); err != nil {
		return err
	}
	defer h.gate.release(p)
	if h.pace.late(ctx, r.Shape) {
		return context.DeadlineExceeded
	}
	defer func() {
		if recover() != nil { // the value could hold the password
			err = errPanicked
		}
	}()
	start := time.Now()
	compute()
	h.pace.note(r.Shape, time.Since(start))
	return nil
}

var errPanicked = errors.New("password: a scheme panicked")

// pace remembers how long a hash of each shape takes.
type pace struct {
	mu   sync.Mutex
	took map[string]time.Duration
}

const maxShapes = 64

func (p *pace) late(ctx context.Context, shape string) bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(deadline) < p.took[shape]
}

// note keeps the shortest of late: a moment of load must not refuse those who come after it.
func (p *pace) note(shape string, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before, ok := p.took[shape]
	switch {
	case !ok && len(p.took) >= maxShapes:
	case !ok || d < before:
		p.took[shape] = d
	default:
		p.took[shape] = before + (d-before)/64
	}
}
