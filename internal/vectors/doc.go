// Package vectors holds tests of package jwt that need other modules: the Wycheproof vectors, and a comparison with two
// other libraries. It has no code of its own.
package vectors
