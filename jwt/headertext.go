package jwt

import (
	"sync/atomic"

	"github.com/cardea-go/auth/internal/jose"
)

// headerTexts remembers the header of the key that signs now.
type headerTexts struct{ last atomic.Pointer[headerText] }

type headerText struct {
	key  *jose.Key
	text string
}

// of returns the header for key as base64url text.
func (t *headerTexts) of(key *jose.Signer, typ string) string {
	if h := t.last.Load(); h != nil && h.key == key.Key {
		return h.text
	}
	b := append([]byte(`{"alg":"`), key.Key.Alg.String()...)
	b = append(b, `","typ":"`...)
	b = append(b, typ...)
	b = append(b, '"')
	b = appendText(b, "kid", key.Key.ID)
	h := &headerText{key.Key, jose.Encode(append(b, '}'))}
	t.last.Store(h)
	return h.text
}
