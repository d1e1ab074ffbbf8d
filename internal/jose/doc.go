// Package jose holds the parts of RFC 7515, 7517, 7518 and 7638 that packages jwt and oauth2 share: strict compact
// serialization, strict JSON, keys that are bound to one algorithm, JWK, signing and verifying.
//
// Nothing here knows claims, and nothing here trusts a header: a caller takes the key from a source of its own and
// compares the algorithm with the one that the key is bound to.
package jose
