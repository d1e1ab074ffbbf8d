package password

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
)

// A Record is a stored hash that was parsed and found usable.
type Record struct {
	// Shape names the algorithm and its costs, such as "argon2id m=19456,t=2,p=1": two records of one shape take
	// the same time to verify. Required.
	Shape string
	// Memory is what one verification needs, in KiB.
	Memory uint32
	// Threads is how many CPUs one verification uses. 0 is 1.
	Threads uint8
	// Verify computes the hash of a prepared password and compares it in constant time. It takes the same time
	// whatever the password. Required.
	Verify func(password string) bool
	// Decoy returns a stored hash of the same shape with a random salt and a random result, for names that
	// nobody has. Required.
	Decoy func() string

	params    Params // for NeedsRehash; the zero value for what is verified only
	keyID     string
	current   bool // made by Hash, as far as the form goes
	truncated bool // a bcrypt record, which reads 72 bytes
}

// A Scheme verifies one more form of stored hash, such as that of a system users are imported from.
type Scheme interface {
	// Parse returns the record, [ErrForeign] where stored is not of this form, and [ErrMalformed] where it is
	// and can't be used: broken, or above a ceiling of cost. It computes nothing.
	Parse(stored string) (*Record, error)
}

// ErrForeign is what a [Scheme] returns for a hash of another form.
var ErrForeign = errors.New("password: the stored hash is of another form")

// Limits are the ceilings of cost for stored hashes. A record above one is refused before anything is allocated.
type Limits struct {
	// Memory is argon2's and scrypt's, in KiB. 0 is 262144 (256 MiB); the maximum is 4194304.
	Memory uint32
	// Iterations is PBKDF2's. 0 is 10000000, which is the maximum too.
	Iterations uint32
	// BcryptCost is bcrypt's. 0 is 14; the maximum is 17.
	BcryptCost uint32
}

func (l Limits) withDefaults() Limits {
	if l.Memory == 0 {
		l.Memory = 256 << 10
	}
	if l.Iterations == 0 {
		l.Iterations = maxIterations
	}
	if l.BcryptCost == 0 {
		l.BcryptCost = 14
	}
	return l
}

func (l Limits) validate() error {
	var errs []error
	if l.Memory > maxMemory {
		errs = append(errs, fmt.Errorf("password: Limits.Memory %d: use up to 4194304 KiB", l.Memory))
	}
	if l.Iterations > maxIterations {
		errs = append(errs, fmt.Errorf("password: Limits.Iterations %d: use up to 10000000", l.Iterations))
	}
	if l.BcryptCost > 17 {
		errs = append(errs, fmt.Errorf("password: Limits.BcryptCost %d: use up to 17", l.BcryptCost))
	}
	return errors.Join(errs...)
}

// parser knows the forms of this package.
type parser func(l Limits, stored string) (*Record, error)

var parsers = [...]parser{parseArgon2, parseBcrypt, parsePBKDF2, parseScrypt, parseBcryptSHA256}

// parse returns the record of a stored hash: of this package's forms, layered, or of a scheme that was configured.
func (h *Hasher) parse(stored string) (*Record, error) {
	if stored == "" || len(stored) > maxStoredBytes {
		return nil, ErrMalformed
	}
	if isWrapped(stored) {
		return h.parseWrapped(stored)
	}
	for _, p := range parsers {
		if r, err := p(h.limits, stored); !errors.Is(err, ErrForeign) {
			return h.peppered(r, err)
		}
	}
	for _, s := range h.schemes {
		r, err := s.Parse(stored)
		switch {
		case errors.Is(err, ErrForeign):
			continue
		case err != nil || r == nil || r.Verify == nil || r.Decoy == nil || r.Shape == "":
			return nil, ErrMalformed
		}
		return &Record{Shape: r.Shape, Memory: r.Memory, Threads: r.Threads, Verify: r.Verify, Decoy: r.Decoy}, nil
	}
	return nil, ErrMalformed
}

func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// random returns n random bytes. [rand.Read] does not fail: it ends the process where there is no randomness.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
