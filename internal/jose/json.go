package jose

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrJSON says that a text is not the JSON that this package takes: one object (RFC 8259) in UTF-8 without a byte
// order mark, at most MaxDepth deep, no name twice in an object, no lone surrogate in a string, nothing after it.
var ErrJSON = errors.New("not a strict JSON object")

// MaxDepth is how deep objects and arrays may nest.
const MaxDepth = 32

// A Value is one member's value, checked and not decoded.
type Value struct {
	// Raw is the text of the value, without space around it.
	Raw string
	// Kind is its first byte, or '0' for any number.
	Kind byte
	// plain says that a string has no escape in it.
	plain bool
}

// String returns the string that v is, and whether it is one.
func (v Value) String() (string, bool) {
	if v.Kind != '"' {
		return "", false
	}
	if v.plain {
		return v.Raw[1 : len(v.Raw)-1], true
	}
	return unquote(v.Raw), true
}

// Null reports whether v is null.
func (v Value) Null() bool { return v.Kind == 'n' }

// unquote decodes a string that the scanner has accepted.
func unquote(raw string) string {
	var s string
	_ = json.Unmarshal([]byte(raw), &s) // can't fail: the scanner is stricter than encoding/json
	return s
}

// An Object reads the members of a JSON object one after another, checking as it goes. What it returned before an
// error must not be used.
//
//	o := NewObject(text)
//	for o.Next() { switch o.Name {…} }
//	if o.Err() != nil {…}
type Object struct {
	Name  string
	Value Value

	s     scanner
	names nameSet
	begun bool
	done  bool
}

// NewObject returns a reader for an object that is the whole of text. Top-level names that differ in case only are
// refused too, where fold is set: encoding/json would take one for the other.
func NewObject(text string, fold bool) Object {
	o := Object{s: scanner{text: text}}
	o.names.fold = fold
	ascii, plain := classify(text)
	o.s.plain = plain
	if !ascii && !utf8.ValidString(text) {
		o.s.failed = true
	}
	return o
}

// Next reads the next member. It returns false at the end and after an error; see Err.
func (o *Object) Next() bool {
	if o.done || o.s.failed {
		return false
	}
	if !o.begun {
		o.begun = true
		o.s.space()
		o.s.expect('{')
		o.s.space()
		if o.s.take('}') {
			return o.end()
		}
	} else {
		o.s.space()
		if o.s.take('}') {
			return o.end()
		}
		o.s.expect(',')
		o.s.space()
	}
	name := o.s.name(&o.names)
	v := o.s.value(1)
	if o.s.failed {
		return false
	}
	o.Name, o.Value = name, v
	return true
}

func (o *Object) end() bool {
	o.done = true
	o.s.space()
	if o.s.i != len(o.s.text) {
		o.s.failed = true
	}
	return false
}

// Err returns ErrJSON if the text was refused, or not read to its end.
func (o *Object) Err() error {
	if o.s.failed || !o.done {
		return ErrJSON
	}
	return nil
}

// Elements returns the texts of the elements of the array v, and false where it is no array.
func (v Value) Elements() ([]string, bool) {
	elements, ok := v.elements()
	texts := make([]string, len(elements))
	for i, e := range elements {
		texts[i] = e.Raw
	}
	return texts, ok
}

// Strings returns the strings of the array v, and false where it is no array or has any other element. An empty array
// gives a slice that is not nil.
func (v Value) Strings() ([]string, bool) {
	elements, ok := v.elements()
	texts := make([]string, len(elements))
	for i, e := range elements {
		text, isString := e.String()
		texts[i], ok = text, ok && isString
	}
	return texts, ok
}

func (v Value) elements() ([]Value, bool) {
	if v.Kind != '[' {
		return nil, false
	}
	s := scanner{text: v.Raw, i: 1} // checked once already
	s.space()
	if s.take(']') {
		return nil, true
	}
	elements := make([]Value, 0, 4)
	for !s.failed {
		elements = append(elements, s.value(1))
		s.space()
		if s.take(']') {
			return elements, true
		}
		s.expect(',')
		s.space()
	}
	return nil, false
}

// Lookup returns the value at path: the member path[0] of the object v, the member path[1] of that, and so on.
// v must come from a scanned text.
func (v Value) Lookup(path ...string) (Value, bool) {
	for _, name := range path {
		if v.Kind != '{' {
			return Value{}, false
		}
		found := false
		for o := NewObject(v.Raw, false); o.Next(); {
			if o.Name == name {
				v, found = o.Value, true
				break
			}
		}
		if !found {
			return Value{}, false
		}
	}
	return v, true
}

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

// nameSet holds the names of one object, to find one that comes twice. The usual object has few: their hashes are
// compared one by one, without an allocation. Beyond that, a map keeps the cost of a long object linear.
type nameSet struct {
	fold   bool
	n      int
	hashes [24]uint32
	small  [24]string
	big    map[string]struct{}
}

// add adds a name and reports whether it is new.
func (set *nameSet) add(name string) bool {
	hash, ascii := hashName(name)
	if set.big != nil {
		return set.addBig(name)
	}
	if set.n == len(set.small) || set.fold && !ascii {
		set.big = make(map[string]struct{}, 2*len(set.small))
		for _, other := range set.small[:set.n] {
			set.addBig(other)
		}
		return set.addBig(name)
	}
	for i, h := range set.hashes[:set.n] {
		if h == hash && (set.small[i] == name || set.fold && strings.EqualFold(set.small[i], name)) {
			return false
		}
	}
	set.hashes[set.n], set.small[set.n] = hash, name
	set.n++
	return true
}

// hashName returns a hash that names have in common which differ in the case of ASCII letters only.
func hashName(name string) (hash uint32, ascii bool) {
	hash = uint32(len(name))
	or := byte(0)
	for i := range len(name) {
		or |= name[i]
		hash = hash*31 + uint32(name[i]|0x20)
	}
	return hash, or < utf8.RuneSelf
}

func (set *nameSet) addBig(name string) bool {
	if set.fold {
		name = strings.Map(foldRune, name)
	}
	if _, twice := set.big[name]; twice {
		return false
	}
	set.big[name] = struct{}{}
	return true
}

// foldRune returns the least rune that r equals under simple folding.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}
