package apikey

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
)

// A ForeignFormat reads the keys of a system that is being replaced, so that they go on working: their digests are
// imported with [Keys.Import], and the first use of each key replaces the digest by one of ours.
//
// Import only keys with 112 random bits or more. Anything weaker can be guessed from a plain digest, and for a key
// without an id of its own the record's id, which is public, holds 96 bits of that digest.
type ForeignFormat struct {
	// Name names the system, in record ids: a lower-case letter and 1 to 11 lower-case letters or digits. Required.
	Name string
	// Split reports whether key is of this format. It returns the key's public id, "" where it has none, and the
	// text that the other system hashed: the whole key, or a part of it. It gets what a stranger sent, up to 256
	// bytes, and must not panic. Required.
	Split func(key string) (id, hashed string, ok bool)
	// Hash is crypto.SHA256 or crypto.SHA512. Required.
	Hash crypto.Hash
}

const foreignPrefix = "x"

func (f *ForeignFormat) validate() error {
	var errs []error
	if !isWord(f.Name) {
		errs = append(errs, fmt.Errorf("apikey: ForeignFormat.Name %q: use a lower-case letter and 1 to 11 lower-case letters or digits", f.Name))
	}
	if f.Split == nil {
		errs = append(errs, errors.New("apikey: ForeignFormat.Split is nil: set the function that knows the format"))
	}
	if f.Hash != crypto.SHA256 && f.Hash != crypto.SHA512 {
		errs = append(errs, errors.New("apikey: ForeignFormat.Hash: use crypto.SHA256 or crypto.SHA512"))
	}
	return errors.Join(errs...)
}

// digest returns the stored form of the hexadecimal digits of a plain digest.
func (f *ForeignFormat) digest(digits string) string {
	if f.Hash == crypto.SHA512 {
		return foreignPrefix + "512$" + digits
	}
	return foreignPrefix + "256$" + digits
}

// recordID returns the id that a foreign key's record has; "" where the key's own is unusable.
func (f *ForeignFormat) recordID(id, digits string) string {
	if id == "" {
		id = digits[:24]
	}
	if len(id) > 64 || strings.Trim(id, alphabet+"._-") != "" {
		return ""
	}
	return f.Name + "-" + id
}

func (f *ForeignFormat) parse(key string) (parsed, bool) {
	id, hashed, ok := f.Split(key)
	if !ok || hashed == "" || len(hashed) > maxKeyBytes {
		return parsed{}, false
	}
	digits := ""
	if id == "" {
		digits = foreignDigits(f.Hash == crypto.SHA512, hashed)
	}
	p := parsed{id: f.recordID(id, digits), foreign: hashed}
	return p, p.id != ""
}

func foreignDigits(long bool, hashed string) string {
	if long {
		sum := sha512.Sum512([]byte(hashed))
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256([]byte(hashed))
	return hex.EncodeToString(sum[:])
}

// checkForeign compares a plain digest of another system in constant time.
func checkForeign(stored, hashed string) verdict {
	form, digits, _ := strings.Cut(strings.TrimPrefix(stored, foreignPrefix), "$")
	if form != "256" && form != "512" {
		return digestUnusable
	}
	if subtle.ConstantTimeCompare([]byte(foreignDigits(form == "512", hashed)), []byte(digits)) != 1 {
		return digestMismatch
	}
	return digestMatchOld
}

// An Import is a key of another system. The request's limits are those of a new key; the successor of a rotation is a
// key of ours.
type Import struct {
	Request
	// Format is the name of the key's [ForeignFormat].
	Format string
	// ID is the key's public id in the other system; "" where its keys have none.
	ID string
	// Digest is the other system's digest: 32 bytes of SHA-256 or 64 of SHA-512.
	Digest []byte
}

// Import takes over a key of another system by its digest; the key itself is not needed. It returns ErrExists for a key
// that is there already. With [Config.Peppers] it needs [Config.AllowPlainDigests].
func (k *Keys) Import(ctx context.Context, in Import) (*Record, error) {
	i := slices.IndexFunc(k.c.ForeignFormats, func(f ForeignFormat) bool { return f.Name == in.Format })
	if i < 0 {
		return nil, &RequestError{[]string{"Format: use the name of one of Config.ForeignFormats"}}
	}
	f := &k.c.ForeignFormats[i]
	if len(in.Digest) != f.Hash.Size() {
		return nil, &RequestError{[]string{fmt.Sprintf("Digest: use the %d bytes of the format's hash", f.Hash.Size())}}
	}
	r, err := k.record(in.Request)
	if err != nil {
		return nil, err
	}
	if !k.digests.plain {
		return nil, errPlainDigest
	}
	digits := hex.EncodeToString(in.Digest)
	if r.ID = f.recordID(in.ID, digits); r.ID == "" {
		return nil, &RequestError{[]string{"ID: use up to 64 of a-z, A-Z, 0-9, \".\", \"_\" and \"-\""}}
	}
	r.Family, r.Digest = r.ID, f.digest(digits)
	if err := k.c.Store.Create(ctx, r); err != nil {
		return nil, changeError(err)
	}
	k.changed(ctx, ActionImported, r, "")
	shown := public(r)
	return &shown, nil
}

var errPlainDigest = errors.New("apikey: Import with Config.Peppers: the key would be refused for its plain digest: set AllowPlainDigests until all are used")

// recognizeForeign reads a key that is none of ours.
func (k *Keys) recognizeForeign(key string) (parsed, error) {
	if len(key) <= maxKeyBytes {
		for i := range k.c.ForeignFormats {
			if p, ok := k.c.ForeignFormats[i].parse(key); ok {
				return p, nil
			}
		}
	}
	return parsed{}, auth.ErrUnrecognized
}
