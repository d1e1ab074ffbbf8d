package jose

import (
	"strings"
	"unicode/utf8"
)

// scanner checks JSON text. After a failure, its methods do nothing that matters: callers look at failed at the end.
type scanner struct {
	text   string
	i      int
	failed bool
	plain  bool // text has no backslash and no control character, so that a string ends at the next quote
}

// classify looks at eight bytes at a time: whether text is ASCII, and whether it has no backslash and no control
// character.
func classify(text string) (ascii, plain bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	var high, special uint64
	for len(text) >= 8 {
		x := uint64(text[0]) | uint64(text[1])<<8 | uint64(text[2])<<16 | uint64(text[3])<<24 |
			uint64(text[4])<<32 | uint64(text[5])<<40 | uint64(text[6])<<48 | uint64(text[7])<<56
		backslash := x ^ '\\'*ones
		high |= x
		special |= (x-' '*ones)&^x | (backslash-ones)&^backslash
		text = text[8:]
	}
	ascii, plain = high&highs == 0, special&highs == 0
	for i := range len(text) {
		ascii = ascii && text[i] < utf8.RuneSelf
		plain = plain && text[i] >= ' ' && text[i] != '\\'
	}
	return ascii, plain
}

func (s *scanner) space() {
	for s.i < len(s.text) {
		switch s.text[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) take(c byte) bool {
	if s.i < len(s.text) && s.text[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scanner) expect(c byte) {
	if !s.take(c) {
		s.fail()
	}
}

// fail stops the scanner: nothing follows the end of the text.
func (s *scanner) fail() {
	s.failed = true
	s.i = len(s.text)
}

func (s *scanner) name(seen *nameSet) string {
	start := s.i
	plain := s.stringLiteral()
	if s.failed {
		return ""
	}
	name := s.text[start+1 : s.i-1]
	if !plain {
		name = unquote(s.text[start:s.i])
	}
	if !seen.add(name) {
		s.fail()
		return ""
	}
	s.space()
	s.expect(':')
	s.space()
	return name
}

func (s *scanner) value(depth int) Value {
	if s.i >= len(s.text) {
		s.fail()
		return Value{}
	}
	start := s.i
	v := Value{Kind: s.text[start]}
	switch v.Kind {
	case '"':
		v.plain = s.stringLiteral()
	case '{':
		s.object(depth + 1)
	case '[':
		s.array(depth + 1)
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		v.Kind = '0'
		s.number()
	}
	if s.failed {
		return Value{}
	}
	v.Raw = s.text[start:s.i]
	return v
}

func (s *scanner) literal(word string) {
	if !strings.HasPrefix(s.text[s.i:], word) {
		s.fail()
		return
	}
	s.i += len(word)
}

func (s *scanner) object(depth int) {
	if depth > MaxDepth {
		s.fail()
		return
	}
	s.i++
	s.space()
	if s.take('}') {
		return
	}
	var names nameSet
	for !s.failed {
		s.name(&names)
		s.value(depth)
		s.space()
		if s.take('}') {
			return
		}
		s.expect(',')
		s.space()
	}
}

func (s *scanner) array(depth int) {
	if depth > MaxDepth {
		s.fail()
		return
	}
	s.i++
	s.space()
	if s.take(']') {
		return
	}
	for !s.failed {
		s.value(depth)
		s.space()
		if s.take(']') {
			return
		}
		s.expect(',')
		s.space()
	}
}

// stringLiteral reads a string and reports whether it has no escape.
func (s *scanner) stringLiteral() (plain bool) {
	s.expect('"')
	if s.plain {
		n := strings.IndexByte(s.text[s.i:], '"')
		if n < 0 {
			s.fail()
			return true
		}
		s.i += n + 1
		return true
	}
	plain = true
	for s.i < len(s.text) {
		switch c := s.text[s.i]; {
		case c == '"':
			s.i++
			return plain
		case c == '\\':
			plain = false
			s.escape()
		case c < ' ':
			s.fail()
		default:
			s.i++
		}
	}
	s.failed = true
	return plain
}

func (s *scanner) escape() {
	rest := s.text[s.i:]
	if len(rest) < 2 {
		s.fail()
		return
	}
	switch rest[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i += 2
		return
	case 'u':
	default:
		s.fail()
		return
	}
	r, ok := hex4(rest[2:])
	s.i += 6
	switch {
	case !ok || 0xdc00 <= r && r < 0xe000:
		s.fail()
	case 0xd800 <= r && r < 0xdc00: // half of a pair: RFC 8259 §7, §8.2
		low, ok := rune(0), false
		if len(rest) >= 12 && rest[6] == '\\' && rest[7] == 'u' {
			low, ok = hex4(rest[8:])
		}
		if !ok || low < 0xdc00 || low >= 0xe000 {
			s.fail()
			return
		}
		s.i += 6
	}
}

func hex4(s string) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for i := range 4 {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// number reads a number by the grammar of RFC 8259 §6.
func (s *scanner) number() {
	s.take('-')
	if !s.take('0') && !s.digits() {
		s.fail()
		return
	}
	if s.take('.') && !s.digits() {
		s.fail()
		return
	}
	if s.take('e') || s.take('E') {
		if !s.take('+') {
			s.take('-')
		}
		if !s.digits() {
			s.fail()
		}
	}
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.text) && '0' <= s.text[s.i] && s.text[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}
