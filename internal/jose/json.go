package jose

import (
	"encoding/json"
	"errors"
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
