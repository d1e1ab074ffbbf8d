package password

import (
	"context"
	"crypto/md5"  //nolint:gosec // what is being replaced
	"crypto/sha1" //nolint:gosec // what is being replaced
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// wrapPrefix starts a layered hash: $wrap$md5$argon2id$v=19$…: the inner hash is over the hexadecimal digest of the
// password, so that a table of bare digests can be hardened without knowing any password.
const wrapPrefix = "$wrap$"

func isWrapped(stored string) bool { return strings.HasPrefix(stored, wrapPrefix) }

func prehash(name, password string) (digest string, ok bool) {
	switch name {
	case "md5":
		d := md5.Sum([]byte(password)) //nolint:gosec // inside a real hash
		return hex.EncodeToString(d[:]), true
	case "sha1":
		d := sha1.Sum([]byte(password)) //nolint:gosec // inside a real hash
		return hex.EncodeToString(d[:]), true
	case "sha256":
		d := sha256.Sum256([]byte(password))
		return hex.EncodeToString(d[:]), true
	}
	return "", false
}

// Wrap hashes a bare hexadecimal digest of a password ("md5", "sha1" or "sha256", unsalted) as it stands in an old
// table, so that the table can be replaced today. The result verifies the password, and NeedsRehash is true for it: it
// is replaced by a plain hash at the next login. It waits for the gate as [Hasher.Hash] does.
func (h *Hasher) Wrap(ctx context.Context, digest, value string) (string, error) {
	sample, ok := prehash(digest, "")
	raw, err := hex.DecodeString(value)
	if !ok || err != nil || len(value) != len(sample) {
		return "", ErrMalformed
	}
	inner, err := h.hash(ctx, hex.EncodeToString(raw))
	if err != nil {
		return "", err
	}
	return wrapPrefix + digest + inner, nil
}

func (h *Hasher) parseWrapped(stored string) (*Record, error) {
	name, inner, ok := strings.Cut(stored[len(wrapPrefix):], "$")
	if _, known := prehash(name, ""); !ok || !known {
		return nil, ErrMalformed
	}
	r, err := parseArgon2(h.limits, "$"+inner)
	if err != nil {
		r, err = parsePBKDF2(h.limits, "$"+inner)
	}
	if err != nil {
		return nil, ErrMalformed
	}
	if r, err = h.peppered(r, nil); err != nil {
		return nil, err
	}
	verify, decoy := r.Verify, r.Decoy
	r.current = false
	r.Shape = "wrap " + name + " " + r.Shape
	r.Verify = func(password string) bool {
		digest, _ := prehash(name, password)
		return verify(digest)
	}
	r.Decoy = func() string { return wrapPrefix + name + decoy() }
	return r, nil
}
