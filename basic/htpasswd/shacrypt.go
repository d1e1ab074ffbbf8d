package htpasswd

import (
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"strconv"
	"strings"

	"github.com/cardea-go/auth/basic/password"
)

// SHA-crypt's numbers, from Ulrich Drepper's specification. It allows 999999999 rounds; here is a ceiling.
const (
	defaultRounds = 5000
	minRounds     = 1000
	maxRounds     = 1_000_000
	maxCryptSalt  = 16
)

// shaCryptVariant is $5$ or $6$.
type shaCryptVariant struct {
	prefix string
	hash   func() hash.Hash
	size   int
	order  [][3]int // which bytes stand together in the result
	chars  int
}

var (
	sha256Crypt = shaCryptVariant{"$5$", sha256.New, 32, cryptOrder(10, 20), 43}
	sha512Crypt = shaCryptVariant{"$6$", sha512.New, 64, cryptOrder(21, 42), 86}
)

// cryptOrder returns the groups of the specification's table: three indices that start step apart and rotate.
func cryptOrder(step, twice int) [][3]int {
	order := make([][3]int, step)
	for i := range order {
		group := [3]int{i, i + step, i + twice}
		turn := i % 3
		if step == 10 { // SHA-256 rotates the other way
			turn = (3 - turn) % 3
		}
		for j := range group {
			order[i][j] = group[(j+turn)%3]
		}
	}
	return order
}

// shaCrypt reads $5$[rounds=n$]salt$hash and $6$….
func shaCrypt(stored string) (*password.Record, error) {
	v := sha256Crypt
	if !strings.HasPrefix(stored, v.prefix) {
		if v = sha512Crypt; !strings.HasPrefix(stored, v.prefix) {
			return nil, password.ErrForeign
		}
	}
	rest, rounds, explicit := stored[len(v.prefix):], defaultRounds, ""
	if r, ok := strings.CutPrefix(rest, "rounds="); ok {
		digits, after, found := strings.Cut(r, "$")
		n, err := strconv.Atoi(digits)
		if !found || err != nil || strconv.Itoa(n) != digits || n < minRounds || n > maxRounds {
			return nil, password.ErrMalformed
		}
		rest, rounds, explicit = after, n, "rounds="+digits+"$"
	}
	salt, tag, ok := strings.Cut(rest, "$")
	if !ok || len(salt) < 1 || len(salt) > maxCryptSalt || !isCrypt64(salt) || len(tag) != v.chars || !isCrypt64(tag) {
		return nil, password.ErrMalformed
	}
	return &password.Record{
		Shape: fmt.Sprintf("shacrypt %s %d", v.prefix, rounds), Memory: 1,
		Verify: func(pw string) bool { return equal(v.compute([]byte(pw), []byte(salt), rounds), tag) },
		Decoy: func() string {
			return v.prefix + explicit + randomCrypt64(len(salt)) + "$" + randomCrypt64(v.chars)
		},
	}, nil
}

// compute follows the specification's steps, whose numbers stand beside them.
func (v shaCryptVariant) compute(key, salt []byte, rounds int) string {
	b := v.hash() // 4-8
	b.Write(key)
	b.Write(salt)
	b.Write(key)
	sumB := b.Sum(nil)

	a := v.hash() // 1-3
	a.Write(key)
	a.Write(salt)
	a.Write(stretch(sumB, len(key)))    // 9-10
	for n := len(key); n > 0; n >>= 1 { // 11
		if n&1 == 1 {
			a.Write(sumB)
		} else {
			a.Write(key)
		}
	}
	sum := a.Sum(nil) // 12

	p := stretch(v.repeated(key, len(key)), len(key))         // 13-16
	s := stretch(v.repeated(salt, 16+int(sum[0])), len(salt)) // 17-20
	c := v.hash()
	for i := range rounds { // 21
		c.Reset()
		first, last := sum, p
		if i&1 == 1 {
			first, last = p, sum
		}
		c.Write(first)
		if i%3 != 0 {
			c.Write(s)
		}
		if i%7 != 0 {
			c.Write(p)
		}
		c.Write(last)
		sum = c.Sum(sum[:0])
	}
	return v.encode(sum) // 22
}

// repeated hashes part n times over.
func (v shaCryptVariant) repeated(part []byte, n int) []byte {
	h := v.hash()
	for range n {
		h.Write(part)
	}
	return h.Sum(nil)
}

// stretch repeats sum to n bytes.
func stretch(sum []byte, n int) []byte {
	out := make([]byte, 0, n)
	for len(out) < n {
		out = append(out, sum[:min(len(sum), n-len(out))]...)
	}
	return out
}

func (v shaCryptVariant) encode(sum []byte) string {
	out := make([]byte, 0, v.chars)
	for _, g := range v.order {
		out = encode24(out, sum[g[0]], sum[g[1]], sum[g[2]], 4)
	}
	if v.size == sha256.Size {
		return string(encode24(out, 0, sum[31], sum[30], 3))
	}
	return string(encode24(out, 0, 0, sum[63], 2))
}
