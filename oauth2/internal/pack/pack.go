// Package pack writes a few numbers and texts into bytes and reads them again: what is stored of a grant and what is
// sealed in an opaque token. The order of the values is their writer's; a first byte says which order it is.
package pack

import "encoding/binary"

// AppendInt appends a number.
func AppendInt(b []byte, n int64) []byte { return binary.AppendVarint(b, n) }

// AppendString appends a text with its length.
func AppendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// AppendStrings appends a list.
func AppendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = AppendString(b, s)
	}
	return b
}

// A Reader reads values in the order in which they were written. After the first that is not there, all are zero, and
// [Reader.Done] is false.
type Reader struct {
	rest string
	bad  bool
}

// NewReader reads b, of which it keeps a copy that all texts share.
func NewReader(b []byte) *Reader { return &Reader{rest: string(b)} }

// Done reports whether everything was there and nothing is left.
func (r *Reader) Done() bool { return !r.bad && r.rest == "" }

// Raw returns the next n bytes.
func (r *Reader) Raw(n int) string {
	if r.bad || n < 0 || n > len(r.rest) {
		r.bad = true
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// Int returns the next number.
func (r *Reader) Int() int64 {
	u := r.uint()
	n := int64(u >> 1) // zigzag, as encoding/binary has it
	if u&1 != 0 {
		n = ^n
	}
	return n
}

// String returns the next text.
func (r *Reader) String() string {
	n := r.uint()
	if n > uint64(len(r.rest)) {
		r.bad = true
		return ""
	}
	return r.Raw(int(n)) //nolint:gosec // at most the length of rest
}

// Strings returns the next list; one without members is nil.
func (r *Reader) Strings() []string {
	n := r.uint()
	if n > uint64(len(r.rest)) { // each has a byte for its length
		r.bad = true
	}
	if r.bad || n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = r.String()
	}
	return list
}

func (r *Reader) uint() uint64 {
	var u uint64
	for i := 0; i < binary.MaxVarintLen64 && i < len(r.rest); i++ {
		c := r.rest[i]
		if c < 0x80 {
			if i == binary.MaxVarintLen64-1 && c > 1 || i > 0 && c == 0 {
				break // too large, or longer than it need be
			}
			r.rest = r.rest[i+1:]
			return u | uint64(c)<<(7*i)
		}
		u |= uint64(c&0x7f) << (7 * i)
	}
	r.bad = true
	r.rest = ""
	return 0
}
