package jwt

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cardea-go/auth/internal/jose"
)

// maxCachedHeaders bounds a headerCache. An issuer uses one header per key.
const maxCachedHeaders = 64

// A headerCache holds parsed headers by their text. Only headers of tokens with a good signature are added, so that
// nobody but the issuers can fill it, and it never grows beyond its bound.
type headerCache struct {
	m  atomic.Pointer[map[string]*jose.Header]
	mu sync.Mutex
}

func (c *headerCache) find(text string) *jose.Header {
	m := c.m.Load()
	if m == nil {
		return nil
	}
	return (*m)[text]
}

func (c *headerCache) add(text string, h *jose.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := make(map[string]*jose.Header)
	if m := c.m.Load(); m != nil {
		if len(*m) >= maxCachedHeaders {
			return
		}
		maps.Copy(next, *m)
	}
	next[strings.Clone(text)] = h
	c.m.Store(&next)
}
