package password

import (
	"errors"
	"fmt"
)

// Algorithm is how new hashes are made.
type Algorithm uint8

// The algorithms for new hashes. The zero Algorithm is Argon2id. Others can be verified and are not written.
const (
	Argon2id     Algorithm = iota // RFC 9106
	PBKDF2SHA256                  // RFC 8018, for those who have to use FIPS 140 validated cryptography
)

// Params say how new hashes are made. Use [Default], [Strong], [FIPS] or what [Calibrate] found.
type Params struct {
	Algorithm Algorithm
	// Memory is argon2id's, in KiB; 8 × Threads to 4194304.
	Memory uint32
	// Time is argon2id's number of passes, 1 to 16.
	Time uint32
	// Threads is argon2id's number of lanes, 1 to 16. One lane uses one CPU, which is what a busy server has.
	Threads uint8
	// Iterations is PBKDF2's, 100000 to 10000000.
	Iterations uint32
}

// Default returns argon2id with 19 MiB, two passes and one lane: OWASP's first choice, and of its equals the cheapest in
// time on a small server.
func Default() Params { return Params{Algorithm: Argon2id, Memory: 19456, Time: 2, Threads: 1} }

// Strong returns argon2id with 64 MiB and three passes, the memory and time of RFC 9106's second choice, in one lane.
func Strong() Params { return Params{Algorithm: Argon2id, Memory: 65536, Time: 3, Threads: 1} }

// FIPS returns PBKDF2-HMAC-SHA-256 with 600000 iterations, from crypto/pbkdf2.
func FIPS() Params { return Params{Algorithm: PBKDF2SHA256, Iterations: 600_000} }

const (
	saltBytes = 16
	tagBytes  = 32

	maxTime          = 16
	maxThreads       = 16
	maxMemory        = 4 << 20 // KiB
	minNewIterations = 100_000
	maxIterations    = 10_000_000
)

// Validate reports everything in p that can't be used.
func (p Params) Validate() error {
	var errs []error
	switch p.Algorithm {
	case Argon2id:
		if p.Threads < 1 || p.Threads > maxThreads {
			errs = append(errs, fmt.Errorf("password: Params.Threads %d: use 1 to 16", p.Threads))
		}
		if p.Time < 1 || p.Time > maxTime {
			errs = append(errs, fmt.Errorf("password: Params.Time %d: use 1 to 16", p.Time))
		}
		if p.Memory < 8*uint32(p.Threads) || p.Memory < 8 || p.Memory > maxMemory {
			errs = append(errs, fmt.Errorf("password: Params.Memory %d: use 8 × Threads to 4194304 KiB", p.Memory))
		}
		if p.Iterations != 0 {
			errs = append(errs, errors.New("password: Params.Iterations is PBKDF2's: leave it out for argon2id"))
		}
	case PBKDF2SHA256:
		if p.Iterations < minNewIterations || p.Iterations > maxIterations {
			errs = append(errs, fmt.Errorf("password: Params.Iterations %d: use 100000 to 10000000", p.Iterations))
		}
		if p.Memory != 0 || p.Time != 0 || p.Threads != 0 {
			errs = append(errs, errors.New("password: Params.Memory, Time and Threads are argon2id's: leave them out for PBKDF2"))
		}
	default:
		errs = append(errs, fmt.Errorf("password: Params.Algorithm %d: use Argon2id or PBKDF2SHA256", p.Algorithm))
	}
	return errors.Join(errs...)
}

// String returns the parameters as a hash writes them, such as "argon2id m=19456,t=2,p=1".
func (p Params) String() string {
	if p.Algorithm == PBKDF2SHA256 {
		return fmt.Sprintf("pbkdf2-sha256 i=%d", p.Iterations)
	}
	return fmt.Sprintf("argon2id m=%d,t=%d,p=%d", p.Memory, p.Time, p.Threads)
}

// weaker reports whether a stored hash with parameters q should be replaced by one with p: less than nine tenths of
// p's memory × time, which no two of OWASP's equal choices differ by. Different is not weaker.
func (p Params) weaker(q Params) bool {
	if p.Algorithm != q.Algorithm {
		return true
	}
	if p.Algorithm == PBKDF2SHA256 {
		return q.Iterations < p.Iterations
	}
	return 10*uint64(q.Memory)*uint64(q.Time) < 9*uint64(p.Memory)*uint64(p.Time)
}
