// Package password hashes passwords and verifies stored hashes: argon2id (RFC 9106) and PBKDF2 (RFC 8018) for new ones,
// and bcrypt, scrypt, argon2i and the spellings of Django and passlib for those that are there already.
//
//	h, err := password.New(password.Config{})
//	...
//	stored, err := h.Hash(ctx, newPassword)
//	...
//	v, err := h.Check(ctx, password.Attempt{Username: name, Password: sent, Found: found, Stored: stored})
//	if err != nil {
//		// nothing was decided: 503
//	}
//	if v.OK {
//		// and where v.NeedsRehash, store a new hash if the old one is still there
//	}
//
// [Hasher.Check] does the same work whether or not the account exists, and a gate keeps a flood of logins from taking
// all memory. It is not for keys and tokens that a machine made: those have enough entropy for a plain digest.
//
// # Security considerations
//
// Hashing is bounded: at most as many at once as there are CPUs, within a budget of memory, with a queue of bounded
// length and time. Beyond that the answer is [ErrBusy]; attempts that do not need a hash are not affected.
//
// A name that nobody has is answered in the time of one that somebody has only if decoys look like the store: give
// [Hasher.NewMix] its hashes, and [Config] a DecoyKey that survives restarts.
//
// A stored hash is not trusted: its form is read strictly and its costs have ceilings. What can't be read is refused
// like a wrong password; it is never compared as text.
//
// bcrypt reads 72 bytes. A longer password is refused for a bcrypt hash, even if the rest matches, unless
// AllowTruncated is set.
//
// A pepper is applied before the hash: the password is replaced by base64(HMAC-SHA-256(key, password)).
//
// # Limits
//
//   - MaxBytes: a password has 1 to 1024 bytes of UTF-8 without control characters.
//   - A stored hash has up to 512 bytes, its salt 8 to 64 bytes, its result 16 to 64.
//   - Limits.Memory: 256 MiB for argon2 and scrypt, maximum 4 GiB; passes and lanes up to 16.
//   - Limits.Iterations: 10000000 for PBKDF2. Limits.BcryptCost: 4 to 14, maximum 17.
//   - GateConfig.Memory: 256 MiB, maximum 64 GiB. CPUs: GOMAXPROCS. Queue: 16 for each that may run. Wait: 1 s.
//   - A Mix holds up to 64 shapes of hashes.
//
// # Compatibility
//
// New hashes are PHC strings, $argon2id$v=19$m=19456,t=2,p=1$salt$tag or $pbkdf2-sha256$i=600000$salt$tag, which other
// implementations read; only keyid= and $wrap$ are this package's own. golang.org/x/text is needed for Unicode
// normalization form C, without which a password typed on another keyboard is another password.
package password
