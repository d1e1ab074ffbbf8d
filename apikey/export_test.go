package apikey

import (
	"hash"
	"io"
	"sync/atomic"
)

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

// CountDigests counts the keyed digests that k, fresh and with a pepper, computes from now on.
func CountDigests(k *Keys) *atomic.Int64 {
	var n atomic.Int64
	pool := &k.digests.peppers[0].pool
	fresh := pool.New
	pool.New = func() any {
		k := fresh().(*keyed)
		k.mac = countingHash{k.mac, &n}
		return k
	}
	return &n
}

type countingHash struct {
	hash.Hash
	n *atomic.Int64
}

func (h countingHash) Sum(b []byte) []byte {
	h.n.Add(1)
	return h.Hash.Sum(b)
}
