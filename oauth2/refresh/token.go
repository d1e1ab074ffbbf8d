package refresh

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// Prefix is what every refresh token starts with, so that secret scanners and people know one.
const Prefix = "rt1_"

// A token names its grant and proves that we made it:
//
//	rt1_ base64url( kind 1 B || grant id 16 B || counter 8 B || tag 32 B )
//	tag = HMAC-SHA-256(key, label || kind || id || counter || seed || client)
//
// The seed is in the grant and nowhere else, the key is in the configuration and nowhere else: a copy of the database
// without the key forges nothing, nor does the key without the database. Neither a token nor its hash is stored, and yet
// a spent token (right tag, old counter) is told from a forged one, and the successor of a token can be made again.
const (
	kindRefresh = 'r'

	headBytes  = 1 + 16 + 8
	tokenBytes = headBytes + sha256.Size
	textBytes  = (tokenBytes*8 + 5) / 6
	label      = "cardea refresh token v1\x00"
)

// TokenBytes is the length of every refresh token.
const TokenBytes = len(Prefix) + textBytes

// token is a refresh token, taken apart; nothing is known yet of its truth.
type token struct {
	id      GrantID
	counter uint64
	tag     [sha256.Size]byte
}

// parseToken reads the one spelling that a token has.
func parseToken(s string) (token, bool) {
	text, ok := strings.CutPrefix(s, Prefix)
	if !ok || len(text) != textBytes {
		return token{}, false
	}
	var raw [tokenBytes]byte
	if _, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(text)); err != nil || raw[0] != kindRefresh {
		return token{}, false
	}
	t := token{counter: binary.BigEndian.Uint64(raw[17:])}
	copy(t.id[:], raw[1:])
	copy(t.tag[:], raw[headBytes:])
	return t, true
}

// makeToken returns the token of a grant at a counter.
func makeToken(key []byte, id GrantID, counter uint64, st *state) string {
	raw := make([]byte, headBytes, tokenBytes)
	raw[0] = kindRefresh
	copy(raw[1:], id[:])
	binary.BigEndian.PutUint64(raw[17:], counter)
	raw = appendTag(raw, key, raw, st)
	b := make([]byte, len(Prefix), TokenBytes)
	copy(b, Prefix)
	return string(base64.RawURLEncoding.AppendEncode(b, raw))
}

// authentic reports whether the token was made by us for this grant, with one of the keys.
func (t *token) authentic(keys [][]byte, st *state) bool {
	var head [headBytes]byte
	head[0] = kindRefresh
	copy(head[1:], t.id[:])
	binary.BigEndian.PutUint64(head[17:], t.counter)
	ok := false
	for _, key := range keys {
		ok = hmac.Equal(appendTag(nil, key, head[:], st), t.tag[:]) || ok
	}
	return ok
}

func appendTag(b, key, head []byte, st *state) []byte {
	message := make([]byte, 0, len(label)+headBytes+len(st.Seed)+len(st.Client))
	message = append(message, label...)
	message = append(message, head...)
	message = append(message, st.Seed[:]...) // of fixed length, as all before it, so nothing can move into the client's name
	message = append(message, st.Client...)
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(b)
}
