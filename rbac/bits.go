package rbac

import (
	"iter"
	"math/bits"
)

// A set is an immutable set of permission indexes. It stores only the words between its first and its last member, so
// that a role with one permission costs eight bytes however many permissions there are.
type set struct {
	low   uint32 // index of the first stored word
	words []uint64
}

func (s *set) has(i uint32) bool {
	w := i>>6 - s.low
	return w < uint32(len(s.words)) && s.words[w]>>(i&63)&1 != 0 //nolint:gosec // at most MaxPermissions/64 words
}

func (s *set) empty() bool { return len(s.words) == 0 }

func (s *set) all() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for w, word := range s.words {
			for ; word != 0; word &= word - 1 {
				if !yield((s.low+uint32(w))<<6 | uint32(bits.TrailingZeros64(word))) { //nolint:gosec // at most 64
					return
				}
			}
		}
	}
}

func (s *set) len() int {
	n := 0
	for _, word := range s.words {
		n += bits.OnesCount64(word)
	}
	return n
}

// word returns the members in [64w, 64w+64).
func (s *set) word(w uint32) uint64 {
	if w -= s.low; w < uint32(len(s.words)) { //nolint:gosec // at most MaxPermissions/64 words
		return s.words[w]
	}
	return 0
}

func (s *set) equal(t *set) bool {
	if s.low != t.low || len(s.words) != len(t.words) {
		return false
	}
	for i, word := range s.words {
		if t.words[i] != word {
			return false
		}
	}
	return true
}

// within reports whether every member of s is one of t.
func (s *set) within(t *set) bool {
	for i, word := range s.words {
		if word&^t.word(s.low+uint32(i)) != 0 {
			return false
		}
	}
	return true
}

// A dense set is a set while it is being built: every word is there.
type dense []uint64

func newDense(n int) dense { return make(dense, (n+63)/64) }

func (d dense) has(i uint32) bool { return d[i>>6]>>(i&63)&1 != 0 }
func (d dense) add(i uint32)      { d[i>>6] |= 1 << (i & 63) }

func (d dense) union(s *set) {
	for i, word := range s.words {
		d[int(s.low)+i] |= word
	}
}

// freeze returns what d holds as a set of its own.
func (d dense) freeze() set {
	low, high := 0, len(d)
	for low < high && d[low] == 0 {
		low++
	}
	for high > low && d[high-1] == 0 {
		high--
	}
	if low == high {
		return set{}
	}
	words := make([]uint64, high-low)
	copy(words, d[low:high])
	return set{uint32(low), words}
}
