package htpasswd

import (
	"crypto/md5" //nolint:gosec // what is imported
	"strings"

	"github.com/cardea-go/auth/basic/password"
)

const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// encode24 appends three bytes as n characters, least significant first, as crypt(3) writes them.
func encode24(dst []byte, b2, b1, b0 byte, n int) []byte {
	w := uint(b2)<<16 | uint(b1)<<8 | uint(b0)
	for range n {
		dst = append(dst, cryptAlphabet[w&0x3f])
		w >>= 6
	}
	return dst
}

func isCrypt64(s string) bool { return strings.Trim(s, cryptAlphabet) == "" }

// md5Crypt reads $apr1$salt$hash, Apache's, and $1$salt$hash, FreeBSD's: a thousand rounds of MD5.
func md5Crypt(stored string) (*password.Record, error) {
	magic := "$apr1$"
	if !strings.HasPrefix(stored, magic) {
		if magic = "$1$"; !strings.HasPrefix(stored, magic) {
			return nil, password.ErrForeign
		}
	}
	salt, tag, ok := strings.Cut(stored[len(magic):], "$")
	if !ok || len(salt) < 1 || len(salt) > 8 || !isCrypt64(salt) || len(tag) != 22 || !isCrypt64(tag) {
		return nil, password.ErrMalformed
	}
	return &password.Record{
		Shape: "md5crypt " + magic, Memory: 1,
		Verify: func(pw string) bool { return equal(computeMD5Crypt(pw, salt, magic), tag) },
		Decoy:  func() string { return magic + randomCrypt64(len(salt)) + "$" + randomCrypt64(22) },
	}, nil
}

// computeMD5Crypt is Poul-Henning Kamp's algorithm, as apr_md5_encode has it.
func computeMD5Crypt(pw, salt, magic string) string {
	key := []byte(pw)
	inner := md5.Sum([]byte(pw + salt + pw)) //nolint:gosec // what is imported
	d := md5.New()                           //nolint:gosec // what is imported
	d.Write([]byte(pw + magic + salt))
	for n := len(key); n > 0; n -= md5.Size {
		d.Write(inner[:min(n, md5.Size)])
	}
	for n := len(key); n > 0; n >>= 1 {
		if n&1 == 1 {
			d.Write([]byte{0})
		} else {
			d.Write(key[:1])
		}
	}
	sum := d.Sum(nil)
	for i := range 1000 {
		d.Reset()
		write := func(swap bool) {
			if swap {
				d.Write(key)
			} else {
				d.Write(sum)
			}
		}
		write(i&1 == 1)
		if i%3 != 0 {
			d.Write([]byte(salt))
		}
		if i%7 != 0 {
			d.Write(key)
		}
		write(i&1 == 0)
		sum = d.Sum(sum[:0])
	}
	out := make([]byte, 0, 22)
	for i := range 5 {
		last := i + 12
		if i == 4 {
			last = 5
		}
		out = encode24(out, sum[i], sum[i+6], sum[last], 4)
	}
	return string(encode24(out, 0, 0, sum[11], 2))
}
