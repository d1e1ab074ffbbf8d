package password

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	minStoredSalt = 8
	minStoredTag  = 16
	maxStoredPart = 64 // of either
)

// argon2Hash is $argon2id$v=19$m=19456,t=2,p=1[,keyid=id]$salt$tag, or $argon2i$, which is verified only.
type argon2Hash struct {
	name    string // "argon2id" or "argon2i"
	m, t    uint32
	p       uint8
	keyID   string
	salt    []byte
	tag     []byte
	variant func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
}

func parseArgon2(l Limits, stored string) (*Record, error) {
	h := argon2Hash{name: "argon2id", variant: argon2.IDKey}
	stored = strings.TrimPrefix(stored, "argon2") // Django writes its name before the PHC string
	switch {
	case strings.HasPrefix(stored, "$argon2id$"):
	case strings.HasPrefix(stored, "$argon2i$"):
		h.name, h.variant = "argon2i", argon2.Key
	default:
		return nil, ErrForeign
	}
	parts, ok := split(stored, 6)
	if !ok || parts[2] != "v=19" {
		return nil, ErrMalformed
	}
	p := newParams(parts[3])
	h.m = p.take("m", l.Memory)
	h.t = p.take("t", maxTime)
	h.p = uint8(p.take("p", maxThreads)) //nolint:gosec // at most maxThreads
	h.keyID = p.keyID()
	var saltOK, tagOK bool
	h.salt, saltOK = decode(strictRaw, parts[4], minStoredSalt)
	h.tag, tagOK = decode(strictRaw, parts[5], minStoredTag)
	// RFC 9106 §3.1: m is at least 8p, t and p at least 1.
	if !p.ok || !saltOK || !tagOK || h.t < 1 || h.p < 1 || h.m < 8*uint32(h.p) {
		return nil, ErrMalformed
	}
	return h.record(), nil
}

func newArgon2id(p Params) argon2Hash {
	return argon2Hash{name: "argon2id", m: p.Memory, t: p.Time, p: p.Threads, variant: argon2.IDKey}
}

func (h argon2Hash) record() *Record {
	r := &Record{
		Shape:  fmt.Sprintf("%s m=%d,t=%d,p=%d,salt=%d,tag=%d", h.name, h.m, h.t, h.p, len(h.salt), len(h.tag)),
		Memory: h.m, Threads: h.p, keyID: h.keyID,
		Verify: func(password string) bool { return equal(h.compute(password), h.tag) },
		Decoy: func() string {
			d := h
			d.salt, d.tag = random(len(h.salt)), random(len(h.tag))
			return d.String()
		},
	}
	if h.name == "argon2id" {
		r.params = Params{Algorithm: Argon2id, Memory: h.m, Time: h.t, Threads: h.p}
		r.current = len(h.salt) >= saltBytes && len(h.tag) >= tagBytes
	}
	return r
}

func (h argon2Hash) compute(password string) []byte {
	return h.variant([]byte(password), h.salt, h.t, h.m, h.p, uint32(len(h.tag))) //nolint:gosec // at most 64
}

func (h argon2Hash) String() string {
	return fmt.Sprintf("$%s$v=19$m=%d,t=%d,p=%d%s$%s$%s", h.name, h.m, h.t, h.p, keyIDParam(h.keyID),
		strictRaw.EncodeToString(h.salt), strictRaw.EncodeToString(h.tag))
}

func keyIDParam(id string) string {
	if id == "" {
		return ""
	}
	return ",keyid=" + id
}
