package password

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
)

// ErrMalformed says that a stored hash can't be used: an unknown scheme, a cost above its ceiling, a parameter out of
// order, anything after the end. It never holds the hash.
var ErrMalformed = errors.New("password: the stored hash is not of a known form, or its costs are above the limits")

// maxStoredBytes limits a stored hash.
const maxStoredBytes = 512

var (
	strictRaw = base64.RawStdEncoding.Strict()
	strictStd = base64.StdEncoding.Strict()
)

// decode reads base64 in its one canonical spelling. Strict refuses loose bits; package base64 skips line breaks even
// so, and they are refused here.
func decode(enc *base64.Encoding, s string, minBytes int) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := enc.DecodeString(s)
	return b, err == nil && len(b) >= minBytes && len(b) <= maxStoredPart
}

// decimal reads a number without sign or leading zero, as the PHC format has it, that is at most limit.
func decimal(s string, limit uint32) (uint32, bool) {
	if s == "" || len(s) > 10 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	var n uint64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = 10*n + uint64(s[i]-'0')
	}
	if n > math.MaxUint32 || n > uint64(limit) {
		return 0, false
	}
	return uint32(n), true
}

// phcParams reads "a=1,b=2" with exactly these names in this order, and an optional keyid at the end.
type phcParams struct {
	rest string
	ok   bool
}

// take reads the next parameter.
func (p *phcParams) take(name string, limit uint32) uint32 {
	value, rest, _ := strings.Cut(p.rest, ",")
	value, found := strings.CutPrefix(value, name+"=")
	n, ok := decimal(value, limit)
	p.ok = p.ok && found && ok
	p.rest = rest
	return n
}

// keyID reads the optional last parameter.
func (p *phcParams) keyID() string {
	if p.rest == "" {
		return ""
	}
	id, found := strings.CutPrefix(p.rest, "keyid=")
	p.ok = p.ok && found && validKeyID(id)
	return id
}

// newParams refuses the trailing comma that Cut would not show.
func newParams(s string) *phcParams {
	return &phcParams{rest: s, ok: !strings.HasSuffix(s, ",")}
}

func validKeyID(id string) bool {
	if id == "" || len(id) > 32 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && strings.IndexByte("._-", c) < 0 {
			return false
		}
	}
	return true
}

// split cuts a hash at its dollars into exactly n parts, the first of which is empty in PHC strings.
func split(s string, n int) ([]string, bool) {
	if strings.Count(s, "$") != n-1 {
		return nil, false
	}
	return strings.Split(s, "$"), true
}
