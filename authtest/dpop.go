package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

// A DPoPKey makes proofs of RFC 9449 as a client would, good ones and others. It is written with the standard library
// alone, so that it shares no mistake with what it tests. It is safe for concurrent use.
type DPoPKey struct {
	key   *ecdsa.PrivateKey
	clock func() time.Time
}

// NewDPoPKey returns a new P-256 key. clock dates the proofs; nil is time.Now.
func NewDPoPKey(clock func() time.Time) *DPoPKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	if clock == nil {
		clock = time.Now
	}
	return &DPoPKey{key, clock}
}

// JWK returns the public key as the header of a proof carries it.
func (k *DPoPKey) JWK() map[string]any {
	point, err := k.key.PublicKey.Bytes()
	if err != nil {
		panic(err)
	}
	return map[string]any{"kty": "EC", "crv": "P-256", "x": base64url(point[1:33]), "y": base64url(point[33:])}
}

// Thumbprint returns the key's RFC 7638 thumbprint: the jkt of tokens that are bound to it.
func (k *DPoPKey) Thumbprint() string {
	sum := sha256.Sum256(mustJSON(k.JWK())) // encoding/json sorts the names, which are the required ones
	return base64url(sum[:])
}

// DPoPProof is what a proof is to say. The zero value of a field leaves its claim out.
type DPoPProof struct {
	Method, URL string
	// AccessToken is the token whose hash goes into ath.
	AccessToken string
	Nonce       string
	// Header and Claims replace members of the header and of the claims; a nil value removes one.
	Header, Claims map[string]any
}

// Proof returns a signed proof.
func (k *DPoPKey) Proof(p DPoPProof) string {
	header := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": k.JWK()}
	claims := map[string]any{"jti": rand.Text(), "htm": p.Method, "htu": p.URL, "iat": k.clock().Unix()}
	if p.AccessToken != "" {
		sum := sha256.Sum256([]byte(p.AccessToken))
		claims["ath"] = base64url(sum[:])
	}
	if p.Nonce != "" {
		claims["nonce"] = p.Nonce
	}
	replace(header, p.Header)
	replace(claims, p.Claims)
	input := base64url(mustJSON(header)) + "." + base64url(mustJSON(claims))
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.key, digest[:])
	if err != nil {
		panic(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64url(signature)
}

// Request returns a request to url with the access token and a proof for them both.
func (k *DPoPKey) Request(method, url, accessToken, nonce string) *http.Request {
	proof := k.Proof(DPoPProof{Method: method, URL: url, AccessToken: accessToken, Nonce: nonce})
	return Request(method, url, "Authorization", "DPoP "+accessToken, "DPoP", proof)
}

func replace(m, with map[string]any) {
	maps.Copy(m, with)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
