package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"iter"
)

// A Mix is what the hashes of a store look like: their shapes and how often each occurs. Decoys are drawn from it, so
// that names which nobody has take as long as those which somebody has, old bcrypt hashes included. It holds no hash of
// the store. It is immutable.
type Mix struct {
	decoys []mixEntry
	total  uint64
}

type mixEntry struct {
	stored string
	upTo   uint64 // of total, cumulative
}

// NewMix returns the mix of the hashes given: all of a store, or a fair sample. Hashes that can't be read are left out,
// and so are shapes beyond the 64th. An empty mix is as new hashes.
func (h *Hasher) NewMix(hashes iter.Seq[string]) *Mix {
	m := &Mix{}
	places := make(map[string]int) // in decoys, by shape
	for stored := range hashes {
		r, err := h.parse(stored)
		if err != nil {
			continue
		}
		i, ok := places[r.Shape]
		if !ok {
			decoy := r.Decoy()
			if len(m.decoys) == maxShapes || h.Valid(decoy) != nil {
				continue
			}
			i = len(m.decoys)
			places[r.Shape] = i
			m.decoys = append(m.decoys, mixEntry{stored: decoy})
		}
		m.decoys[i].upTo++
	}
	for i := range m.decoys {
		m.total += m.decoys[i].upTo
		m.decoys[i].upTo = m.total
	}
	return m
}

// Decoy returns the stored hash that stands for a name which nobody has: always the same for one name, in the
// proportions of m over many. Its result is random, so that no password has it. A nil m is as new hashes.
func (h *Hasher) Decoy(m *Mix, username string) string {
	if m == nil || m.total == 0 {
		m = h.fallback
	}
	mac := hmac.New(sha256.New, h.decoyKey())
	mac.Write([]byte(username))
	var sum [sha256.Size]byte
	at := binary.BigEndian.Uint64(mac.Sum(sum[:0])) % m.total
	for _, d := range m.decoys {
		if at < d.upTo {
			return d.stored
		}
	}
	return m.decoys[0].stored // not reached: the last upTo is total
}

func (h *Hasher) decoy(m *Mix, username string) (*Record, error) {
	return h.parse(h.Decoy(m, username))
}
