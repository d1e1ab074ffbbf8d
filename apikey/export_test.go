package apikey

import "io"

// Generate is generate, for tests of the random source.
func Generate(random io.Reader, head string) (key, id string, err error) {
	return generate(random, head)
}

// Checksum returns the checksum of a key's body.
func Checksum(body string) string {
	var sum [crcLength]byte
	checksum(&sum, body)
	return string(sum[:])
}

// MaxPendingUses is the bound of the table of last-used times.
const MaxPendingUses = maxPendingUses
