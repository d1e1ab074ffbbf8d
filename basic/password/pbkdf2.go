package password

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
)

// pbkdf2Hash is one of three spellings:
//
//	$pbkdf2-sha256$i=600000[,keyid=id]$salt$tag  what Hash writes
//	$pbkdf2-sha256$29000$salt$tag                passlib's, with "." for "+"; -sha512 too
//	pbkdf2_sha256$600000$salt$tag                Django's: the salt is text, the tag padded base64
type pbkdf2Hash struct {
	form, prefix string
	iterations   uint32
	keyID        string
	salt, tag    []byte
	hash         func() hash.Hash
}

const (
	formOwn     = "own"
	formPasslib = "passlib"
	formDjango  = "django"

	pbkdf2Memory = 4 // KiB, rounded up
)

func parsePBKDF2(l Limits, stored string) (*Record, error) {
	h := pbkdf2Hash{hash: sha256.New}
	switch {
	case strings.HasPrefix(stored, "pbkdf2_sha256$"):
		h.form, h.prefix = formDjango, "pbkdf2_sha256$"
	case strings.HasPrefix(stored, "$pbkdf2-sha256$i="):
		h.form, h.prefix = formOwn, "$pbkdf2-sha256$"
	case strings.HasPrefix(stored, "$pbkdf2-sha256$"):
		h.form, h.prefix = formPasslib, "$pbkdf2-sha256$"
	case strings.HasPrefix(stored, "$pbkdf2-sha512$"):
		h.form, h.prefix, h.hash = formPasslib, "$pbkdf2-sha512$", sha512.New
	default:
		return nil, ErrForeign
	}
	parts, ok := split(stored[len(h.prefix):], 3)
	if !ok || !h.read(l, parts) || h.iterations < 1 {
		return nil, ErrMalformed
	}
	return h.record(), nil
}

func (h *pbkdf2Hash) read(l Limits, parts []string) bool {
	if h.form == formOwn {
		p := newParams(parts[0])
		h.iterations, h.keyID = p.take("i", l.Iterations), p.keyID()
		return p.ok && h.readBytes(strictRaw, parts)
	}
	var ok bool
	if h.iterations, ok = decimal(parts[0], l.Iterations); !ok {
		return false
	}
	if h.form == formPasslib {
		return !strings.Contains(parts[1]+parts[2], "+") &&
			h.readBytes(strictRaw, []string{"", strings.ReplaceAll(parts[1], ".", "+"), strings.ReplaceAll(parts[2], ".", "+")})
	}
	h.salt = []byte(parts[1])
	h.tag, ok = decode(strictStd, parts[2], minStoredTag)
	return ok && len(h.salt) >= minStoredSalt && len(h.salt) <= maxStoredPart && !strings.ContainsAny(parts[1], "\r\n")
}

func (h *pbkdf2Hash) readBytes(enc *base64.Encoding, parts []string) bool {
	var saltOK, tagOK bool
	h.salt, saltOK = decode(enc, parts[1], minStoredSalt)
	h.tag, tagOK = decode(enc, parts[2], minStoredTag)
	return saltOK && tagOK
}

func (h *pbkdf2Hash) record() *Record {
	r := &Record{
		Shape:  fmt.Sprintf("%s%s i=%d,salt=%d,tag=%d", h.prefix, h.form, h.iterations, len(h.salt), len(h.tag)),
		Memory: pbkdf2Memory, keyID: h.keyID,
		Verify: func(password string) bool { return equal(h.compute(password), h.tag) },
		Decoy: func() string {
			d := *h
			d.salt, d.tag = random(len(h.salt)), random(len(h.tag))
			if h.form == formDjango { // the salt is text of the same length
				d.salt = []byte(strictRaw.EncodeToString(d.salt))[:len(h.salt)]
			}
			return d.String()
		},
	}
	if h.form == formOwn {
		r.params = Params{Algorithm: PBKDF2SHA256, Iterations: h.iterations}
		r.current = len(h.salt) >= saltBytes && len(h.tag) >= tagBytes
	}
	return r
}

// compute can only fail on lengths that FIPS 140 mode does not allow; such a record matches nothing.
func (h *pbkdf2Hash) compute(password string) []byte {
	tag, err := pbkdf2.Key(h.hash, password, h.salt, int(h.iterations), len(h.tag))
	if err != nil {
		return nil
	}
	return tag
}

func (h *pbkdf2Hash) String() string {
	salt, tag := strictRaw.EncodeToString(h.salt), strictRaw.EncodeToString(h.tag)
	switch h.form {
	case formDjango:
		return fmt.Sprintf("%s%d$%s$%s", h.prefix, h.iterations, h.salt, strictStd.EncodeToString(h.tag))
	case formPasslib:
		return fmt.Sprintf("%s%d$%s$%s", h.prefix, h.iterations, strings.ReplaceAll(salt, "+", "."), strings.ReplaceAll(tag, "+", "."))
	}
	return fmt.Sprintf("%si=%d%s$%s$%s", h.prefix, h.iterations, keyIDParam(h.keyID), salt, tag)
}
