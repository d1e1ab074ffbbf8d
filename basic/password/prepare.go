package password

import (
	"errors"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxBytes is the longest password that is hashed, in bytes, as sent and as prepared.
const MaxBytes = 1024

// ErrUnusable says that a password can't be one: empty, longer than [MaxBytes] as sent or as prepared, not UTF-8, or with a control character.
var ErrUnusable = errors.New("password: not a usable password: use 1 to 1024 bytes of UTF-8 without control characters")

// Prepare returns s as it is hashed: in Unicode normalization form C, and otherwise as it is (RFC 8265 §4.2, which
// RFC 7617 §2.1 refers to). Nothing is trimmed and no case is folded. The only error is [ErrUnusable].
func Prepare(s string) (string, error) {
	if s == "" || len(s) > MaxBytes {
		return "", ErrUnusable
	}
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c == 0x7f:
			return "", ErrUnusable
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if ascii {
		return s, nil
	}
	if !utf8.ValidString(s) {
		return "", ErrUnusable
	}
	for _, r := range s {
		if r >= 0x80 && r <= 0x9f { // C1 controls
			return "", ErrUnusable
		}
	}
	// Composing can make a string longer too, up to threefold; one that was prepared must be so still.
	if s = norm.NFC.String(s); len(s) > MaxBytes {
		return "", ErrUnusable
	}
	return s, nil
}
