package dpop

import (
	"sync"

	"github.com/cardea-go/auth/internal/jose"
)

// maxKnownKeys bounds knownKeys. A client signs many proofs with one key and one header.
const maxKnownKeys = 1024

// boundKey is the key of a header, with its thumbprint.
type boundKey struct {
	*jose.Key
	thumbprint string
	header     string
}

// knownKeys holds keys by the text of the header that carries them: to read a JWK for every proof would cost more than
// anything but the signature. Only those of proofs that were accepted are added; a full map drops any other.
type knownKeys struct {
	mu sync.RWMutex
	m  map[string]*boundKey
}

func (k *knownKeys) find(header string) *boundKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.m[header]
}

func (k *knownKeys) add(key *boundKey) {
	if k.find(key.header) != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.m == nil {
		k.m = make(map[string]*boundKey)
	}
	if len(k.m) >= maxKnownKeys {
		for other := range k.m {
			delete(k.m, other)
			break
		}
	}
	k.m[key.header] = key
}
