package jose

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
)

// Errors of parsing. They hold no input.
var (
	ErrCompact   = errors.New("not a JWS in compact serialization")
	ErrEncrypted = errors.New("an encrypted token (JWE), which is not supported")
	ErrBase64    = errors.New("a part is not strict base64url")
	ErrHeader    = errors.New("header is malformed")
	ErrExtension = errors.New("header demands an extension that is not supported")
	ErrAlg       = errors.New("header names no supported algorithm")
)

// A Compact is a JWS in compact serialization, cut at its dots. Nothing in it is decoded or verified.
type Compact struct {
	Token                      string
	Header, Payload, Signature string
}

// Split cuts a token at its dots and allocates nothing. It does not look at the characters between them: the decoder
// of each part does.
func Split(token string) (Compact, error) {
	c := Compact{Token: token}
	var rest string
	var ok bool
	if c.Header, rest, ok = strings.Cut(token, "."); !ok {
		return Compact{}, ErrCompact
	}
	if c.Payload, c.Signature, ok = strings.Cut(rest, "."); !ok {
		return Compact{}, ErrCompact
	}
	if strings.IndexByte(c.Signature, '.') >= 0 {
		if strings.Count(c.Signature, ".") == 2 { // five parts: RFC 7516 §9
			return Compact{}, ErrEncrypted
		}
		return Compact{}, ErrCompact
	}
	if c.Header == "" || c.Payload == "" || c.Signature == "" {
		return Compact{}, ErrCompact
	}
	return c, nil
}

// Input returns the signing input (RFC 7515 §5.1), exactly as it was received.
func (c Compact) Input() string { return c.Token[:len(c.Header)+1+len(c.Payload)] }

// strict refuses padding, other alphabets and non-zero trailing bits. Go's decoder still skips CR and LF.
var strict = base64.RawURLEncoding.Strict()

// appendDecoded appends what the base64url text src stands for.
func appendDecoded(dst, src []byte) ([]byte, error) {
	if bytes.IndexByte(src, '\r') >= 0 || bytes.IndexByte(src, '\n') >= 0 {
		return nil, ErrBase64
	}
	n := len(dst)
	dst = grow(dst, strict.DecodedLen(len(src)))
	m, err := strict.Decode(dst[n:cap(dst)], src)
	if err != nil {
		return nil, ErrBase64
	}
	return dst[:n+m], nil
}

// Decode returns what strict base64url text stands for (RFC 7515 §2).
func Decode(text string) ([]byte, error) {
	return appendDecoded(nil, []byte(text))
}

// Encode returns base64url text without padding.
func Encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// AppendEncoded appends base64url text without padding.
func AppendEncoded(dst, data []byte) []byte { return base64.RawURLEncoding.AppendEncode(dst, data) }

func grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	return append(make([]byte, 0, 2*cap(b)+n), b...)
}

// scratch is the memory of one verification. Tokens are public to their bearer, so it is not wiped.
type scratch struct {
	in     []byte // the token
	out    []byte // a decoded part
	digest [64]byte
	der    [144]byte
}

var scratches = sync.Pool{New: func() any {
	return &scratch{in: make([]byte, 0, 1024), out: make([]byte, 0, 1024)}
}}

// maxPooled bounds what a single long token leaves behind in the pool.
const maxPooled = 16 << 10

func (s *scratch) release() {
	if cap(s.in) <= maxPooled && cap(s.out) <= maxPooled {
		scratches.Put(s)
	}
}

// Verify checks the token's signature with k and, only then, decodes the payload.
func (c Compact) Verify(k *Key) (payload string, ok bool, err error) {
	s := scratches.Get().(*scratch)
	defer s.release()
	s.in = append(s.in[:0], c.Token...)
	inputLen := len(c.Header) + 1 + len(c.Payload)
	signature, err := appendDecoded(s.out[:0], s.in[inputLen+1:])
	if err != nil {
		return "", false, err
	}
	s.out = signature
	if !k.verify(s, s.in[:inputLen], signature) {
		return "", false, nil
	}
	body, err := appendDecoded(s.out[:0], s.in[len(c.Header)+1:inputLen])
	if err != nil {
		return "", false, err
	}
	s.out = body
	return string(body), true, nil
}

// UnverifiedPayload decodes the payload of a token whose signature has not been checked, to route by its issuer.
func (c Compact) UnverifiedPayload() (string, error) {
	s := scratches.Get().(*scratch)
	defer s.release()
	s.in = append(s.in[:0], c.Payload...)
	body, err := appendDecoded(s.out[:0], s.in)
	if err != nil {
		return "", err
	}
	s.out = body
	return string(body), nil
}
