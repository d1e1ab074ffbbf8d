package jose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

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
