package dpop

import (
	"net/http"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
)

// The header fields of RFC 9449.
const (
	Header      = "DPoP"       // a proof, in requests
	NonceHeader = "DPoP-Nonce" // the nonce for the next proof, in responses
)

// FromHeader returns the proof in the headers of a request. It refuses as [ErrMissing] where there is none, and as
// [auth.KindMalformed] where there are two (RFC 9449 §4.3: "not more than one DPoP HTTP request header field").
func FromHeader(h http.Header) (string, error) {
	values := h["Dpop"]
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", refuse(ErrMissing)
	case len(values) > 1:
		return "", auth.Malformed(auth.ReasonRepeated, nil)
	}
	return values[0], nil
}

// claims are those of a proof whose signature is right.
type claims struct {
	id, method, url  string
	tokenHash, nonce string
	issued           int64
}

// Limits of claims, in bytes.
const (
	maxID    = 256
	maxNonce = 256
	maxURL   = 2 << 10
)

// open returns the key that a proof carries and the claims that it signed.
func (v *Verifier) open(proof string) (*boundKey, *claims, error) {
	switch {
	case proof == "":
		return nil, nil, ErrMissing
	case len(proof) > v.c.MaxBytes:
		return nil, nil, ErrTooLong
	}
	compact, err := jose.Split(proof)
	if err != nil {
		return nil, nil, ErrMalformed
	}
	key := v.known.find(compact.Header)
	if key == nil {
		if key, err = v.key(compact.Header); err != nil {
			return nil, nil, err
		}
	}
	payload, ok, err := compact.Verify(key.Key)
	switch {
	case err != nil:
		return nil, nil, ErrMalformed
	case !ok:
		return nil, nil, ErrSignature
	}
	c, err := scan(payload)
	return key, c, err
}

// key returns the key of a header. Only here is a key taken from what it is to verify: RFC 9449 §4.2 wants it so, and
// the caller compares its thumbprint with the one that the token is bound to.
func (v *Verifier) key(text string) (*boundKey, error) {
	h, err := jose.ParseHeader(text, v.c.MaxBytes)
	switch {
	case err == jose.ErrAlg: //nolint:errorlint // identity of the sentinel is meant
		return nil, ErrAlgorithm
	case err != nil:
		return nil, ErrMalformed
	case !jose.MediaType(h.Type, "dpop+jwt"):
		return nil, ErrType
	case !v.algs.Has(h.Alg):
		return nil, ErrAlgorithm
	case h.JWK == "":
		return nil, ErrKey
	}
	jwk, err := jose.ParseJWK(h.JWK)
	if err != nil {
		return nil, ErrKey
	}
	key, err := jwk.PublicKey(h.Alg)
	if err != nil || key.Alg != h.Alg {
		return nil, ErrKey
	}
	thumbprint, err := jose.Thumbprint(key.Public)
	return &boundKey{key, thumbprint, strings.Clone(text)}, err
}

// scan reads the claims strictly; those that it does not know are nobody's business.
func scan(payload string) (*claims, error) {
	c := &claims{}
	hasIssued, ok := false, true
	o := jose.NewObject(payload, true)
	for o.Next() && ok {
		switch o.Name {
		case "jti":
			c.id, ok = o.Value.String()
		case "htm":
			c.method, ok = o.Value.String()
		case "htu":
			c.url, ok = o.Value.String()
		case "iat":
			c.issued, ok = o.Value.Date()
			hasIssued = true
		case "ath":
			c.tokenHash, ok = o.Value.String()
		case "nonce":
			c.nonce, ok = o.Value.String()
		}
	}
	switch {
	case !ok || o.Err() != nil || !hasIssued,
		c.id == "" || len(c.id) > maxID,
		c.method == "" || c.url == "" || len(c.url) > maxURL || len(c.nonce) > maxNonce:
		return nil, ErrClaims
	}
	return c, nil
}
