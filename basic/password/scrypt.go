package password

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// scryptHash is $scrypt$ln=17,r=8,p=1$salt$tag, as passlib and the PHC format write it.
type scryptHash struct {
	ln, r, p  uint32
	salt, tag []byte
}

func parseScrypt(l Limits, stored string) (*Record, error) {
	if !strings.HasPrefix(stored, "$scrypt$") {
		return nil, ErrForeign
	}
	parts, ok := split(stored, 5)
	if !ok {
		return nil, ErrMalformed
	}
	params := newParams(parts[2])
	h := scryptHash{ln: params.take("ln", 24), r: params.take("r", 32), p: params.take("p", maxThreads)}
	var saltOK, tagOK bool
	h.salt, saltOK = decode(strictRaw, parts[3], minStoredSalt)
	h.tag, tagOK = decode(strictRaw, parts[4], minStoredTag)
	if !params.ok || params.rest != "" || !saltOK || !tagOK || h.ln < 1 || h.r < 1 || h.p < 1 {
		return nil, ErrMalformed
	}
	// p multiplies the time: a fourfold of what the ceiling of memory allows with p=1.
	if h.memory() > l.Memory || uint64(h.memory())*uint64(h.p) > 4*uint64(l.Memory) {
		return nil, ErrMalformed
	}
	// RFC 7914 §2: N is less than 2^(128r/8).
	if h.ln >= 16*h.r {
		return nil, ErrMalformed
	}
	return &Record{
		Shape:  fmt.Sprintf("scrypt ln=%d,r=%d,p=%d,salt=%d,tag=%d", h.ln, h.r, h.p, len(h.salt), len(h.tag)),
		Memory: h.memory(),
		Verify: func(password string) bool { return equal(h.compute(password), h.tag) },
		Decoy: func() string {
			d := h
			d.salt, d.tag = random(len(h.salt)), random(len(h.tag))
			return d.String()
		},
	}, nil
}

// memory is 128 × N × r for the table and 128 × r × p for the blocks, in KiB; ln and r are bounded, so it does not wrap.
func (h scryptHash) memory() uint32 { return (h.r<<h.ln)/8 + h.r*h.p/8 + 1 }

func (h scryptHash) compute(password string) []byte {
	tag, err := scrypt.Key([]byte(password), h.salt, 1<<h.ln, int(h.r), int(h.p), len(h.tag))
	if err != nil {
		return nil // parameters were checked: not reached
	}
	return tag
}

func (h scryptHash) String() string {
	return fmt.Sprintf("$scrypt$ln=%d,r=%d,p=%d$%s$%s", h.ln, h.r, h.p,
		strictRaw.EncodeToString(h.salt), strictRaw.EncodeToString(h.tag))
}
