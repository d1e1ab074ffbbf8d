package apikey

import (
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
)

const (
	alphabet    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	idLength    = 12 // 71 bits
	secretLen   = 32 // 190 bits
	crcLength   = 6  // 62^6 > 2^32
	tailLength  = 1 + idLength + 1 + secretLen + crcLength
	maxKeyBytes = 256
)

// A format is the set of keys that one service issues and knows: their heads, such as "acme_live". What follows a head
// has a fixed length, so that a key is read from its right end and a "_" in a head does no harm.
type format struct {
	prefix string
	heads  []head
}

type head struct {
	text      string // prefix, kind and environment, joined by "_"
	stem      string // prefix and kind
	kind, env string
	elsewhere bool // of an environment that is not served here
}

func newFormat(prefix string, kinds []string, env string, envs []string) format {
	f := format{prefix: prefix}
	if len(kinds) == 0 {
		kinds = []string{""}
	}
	for _, kind := range kinds {
		stem := prefix
		if kind != "" {
			stem += "_" + kind
		}
		for _, e := range envs {
			f.heads = append(f.heads, head{text: stem + "_" + e, stem: stem, kind: kind, env: e, elsewhere: e != env})
		}
	}
	return f
}

// parsed is a key that has the shape of ours, or of another system's that we imported from.
type parsed struct {
	head    *head // nil for a foreign key
	id      string
	foreign string // what the other system's digest is made of
}

// shape is what can be said of a key before anything is looked up.
type shape uint8

const (
	shapeForeign     shape = iota // not of our kinds
	shapeMalformed                // ours by its prefix, and of no key's grammar
	shapeChecksum                 // all but the checksum is right
	shapeEnvironment              // ours, for an environment that is not served here
	shapeGood
)

func (f *format) parse(key string) (parsed, shape) {
	if len(key) <= len(f.prefix) || key[:len(f.prefix)] != f.prefix || key[len(f.prefix)] != '_' {
		return parsed{}, shapeForeign
	}
	if len(key) > maxKeyBytes || len(key) <= tailLength {
		return parsed{}, shapeMalformed
	}
	start, tail := key[:len(key)-tailLength], key[len(key)-tailLength:]
	id, secret := tail[1:1+idLength], tail[2+idLength:]
	if tail[0] != '_' || tail[1+idLength] != '_' || !isBase62(id) || !isBase62(secret) {
		return parsed{}, shapeMalformed
	}
	i := slices.IndexFunc(f.heads, func(h head) bool { return h.text == start })
	if i < 0 {
		return parsed{}, f.otherHead(start)
	}
	p := parsed{head: &f.heads[i], id: id}
	if !checksumMatches(key) {
		return p, shapeChecksum
	}
	if p.head.elsewhere {
		return p, shapeEnvironment
	}
	return p, shapeGood
}

// otherHead tells a key of a kind that somebody else may serve from one of ours in an unknown environment.
func (f *format) otherHead(start string) shape {
	stem := start[:max(strings.LastIndexByte(start, '_'), 0)]
	switch {
	case slices.ContainsFunc(f.heads, func(h head) bool { return h.stem == stem }):
		return shapeEnvironment
	case strings.Trim(start, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return shapeMalformed
	}
	return shapeForeign
}

func checksumMatches(key string) bool {
	body, sum := key[:len(key)-crcLength], key[len(key)-crcLength:]
	var want [crcLength]byte
	checksum(&want, body)
	return string(want[:]) == sum
}

// checksum writes the CRC-32 (IEEE) of body in base-62, padded with zeros to a fixed length. It finds typing errors and
// false alarms of scanners; it protects nothing.
func checksum(dst *[crcLength]byte, body string) {
	// crc32.ChecksumIEEE takes bytes, and lets them escape: the copy would be an allocation for every request.
	n := ^uint32(0)
	for i := range len(body) {
		n = crc32.IEEETable[byte(n&0xFF)^body[i]] ^ n>>8
	}
	n = ^n
	for i := crcLength - 1; i >= 0; i-- {
		dst[i] = alphabet[n%62]
		n /= 62
	}
}

// generate returns a new key under a head and its id.
func generate(random io.Reader, head string) (key, id string, err error) {
	var digits [idLength + secretLen]byte
	if err := fillBase62(random, digits[:]); err != nil {
		return "", "", err
	}
	id = string(digits[:idLength])
	body := head + "_" + id + "_" + string(digits[idLength:])
	var sum [crcLength]byte
	checksum(&sum, body)
	return body + string(sum[:]), id, nil
}

// fillBase62 fills dst with digits, each equally likely: a byte of 248 or more, the part of 256 beyond a multiple of 62,
// is thrown away.
func fillBase62(random io.Reader, dst []byte) error {
	var buf [64]byte
	for n := 0; n < len(dst); {
		if _, err := io.ReadFull(random, buf[:]); err != nil {
			return fmt.Errorf("apikey: random source: %w", err)
		}
		for _, b := range buf {
			if b < 248 && n < len(dst) {
				dst[n] = alphabet[b%62]
				n++
			}
		}
	}
	return nil
}

// base62 has a bit for each byte of the alphabet.
const (
	base62Low  = 0x03FF_0000_0000_0000 // 0-9
	base62High = 0x07FF_FFFE_07FF_FFFE // A-Z, a-z
)

func isBase62(s string) bool {
	ok := uint64(1)
	for i := range len(s) {
		c := s[i]
		mask := uint64(base62Low)
		if c >= 64 {
			mask = base62High
		}
		ok &= mask >> (c & 63) & (1 - uint64(c>>7))
	}
	return ok == 1
}

// isWord reports whether s is [a-z][a-z0-9]{1,11}, which a prefix, a kind and an environment are.
func isWord(s string) bool {
	if len(s) < 2 || len(s) > 12 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}
