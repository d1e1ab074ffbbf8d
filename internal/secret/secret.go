// Package secret looks at keys that programs give to constructors.
package secret

import "slices"

// Empty reports whether a key is nothing but zeros: it was made and never filled, and everybody knows it.
func Empty(key []byte) bool {
	return !slices.ContainsFunc(key, func(b byte) bool { return b != 0 })
}

// FillIt is what a constructor says of such a key, after its name.
const FillIt = "is nothing but zeros: fill it with crypto/rand.Read"
