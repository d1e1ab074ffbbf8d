package server

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/secret"
	"github.com/cardea-go/auth/oauth2/internal/pack"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// OpaquePrefix is what every opaque access token starts with.
const OpaquePrefix = "at1_"

// opaqueFormat seals claims instead of storing them:
//
//	at1_ base64url( salt 16 B || nonce 12 B || AES-256-GCM(HMAC-SHA-256(key, label || salt), nonce, claims, issuer) )
//
// A key for each token keeps the number of tokens under one key far from where random nonces of 96 bits repeat. The issuer
// is authenticated and not sent: a token of one does not open for another that has the same keys.
type opaqueFormat struct {
	issuer []byte
	keys   [][]byte
	clock  func() time.Time
}

const (
	opaqueLabel   = "cardea opaque access token v1\x00"
	opaqueSalt    = 16
	opaqueLongest = 8 << 10
)

func newOpaque(issuer string, keys [][]byte, clock func() time.Time) (*opaqueFormat, error) {
	var errs []error
	if len(keys) > maxOpaqueKeys {
		errs = append(errs, fmt.Errorf("server: Config.OpaqueKeys has %d members: use up to %d", len(keys), maxOpaqueKeys))
	}
	f := &opaqueFormat{issuer: []byte(issuer), clock: clock}
	for n, key := range keys {
		if len(key) != opaqueKeyBytes {
			errs = append(errs, fmt.Errorf("server: Config.OpaqueKeys[%d] has %d bytes: use %d random bytes", n, len(key), opaqueKeyBytes))
		} else if secret.Empty(key) {
			errs = append(errs, fmt.Errorf("server: Config.OpaqueKeys[%d] "+secret.FillIt, n))
		}
		f.keys = append(f.keys, slices.Clone(key))
	}
	return f, errors.Join(errs...)
}

// box returns the AEAD of one token.
func box(key, salt []byte) cipher.AEAD {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(opaqueLabel))
	h.Write(salt)
	block, err := aes.NewCipher(h.Sum(nil))
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // AES has the block size
	}
	return aead
}

func (f *opaqueFormat) make(_ context.Context, a refresh.Access) (refresh.AccessToken, error) {
	c := accessClaims{
		Subject: a.Subject, Client: a.Client, Audience: a.Audience, Scope: a.Scopes.String(), ID: rand.Text(),
		Session: a.Session, Thumbprint: a.JWKThumbprint, Issued: a.Now.Unix(), Expires: a.NotAfter.Unix(),
		Authentic: unixOrZero(a.AuthenticatedAt), ACR: a.ACR,
	}
	text := c.encode()
	raw := make([]byte, opaqueSalt, opaqueSalt+12+len(text)+16)
	_, _ = rand.Read(raw)                                    // never fails
	raw = box(f.keys[0], raw).Seal(raw, nil, text, f.issuer) //nolint:gosec // this AEAD draws its own nonce
	token := OpaquePrefix + base64.RawURLEncoding.EncodeToString(raw)
	if len(token) > opaqueLongest {
		return refresh.AccessToken{}, errOpaqueLong
	}
	return refresh.AccessToken{Token: token, ExpiresAt: time.Unix(c.Expires, 0).UTC()}, nil
}

var errOpaqueLong = fmt.Errorf("server: an access token of more than %d bytes: name fewer scopes and resources", opaqueLongest)

// opaqueClaims is the first byte of what is sealed.
const opaqueClaims = 1

func (c *accessClaims) encode() []byte {
	b := append(make([]byte, 0, 256), opaqueClaims)
	for _, text := range [...]string{c.Subject, c.Client, c.Scope, c.ID, c.Session, c.Thumbprint, c.ACR} {
		b = pack.AppendString(b, text)
	}
	for _, n := range [...]int64{c.Issued, c.Expires, c.Authentic} {
		b = pack.AppendInt(b, n)
	}
	return pack.AppendStrings(b, c.Audience)
}

func decodeClaims(b []byte) (c accessClaims, ok bool) {
	if len(b) == 0 || b[0] != opaqueClaims {
		return c, false
	}
	r := pack.NewReader(b[1:])
	for _, text := range [...]*string{&c.Subject, &c.Client, &c.Scope, &c.ID, &c.Session, &c.Thumbprint, &c.ACR} {
		*text = r.String()
	}
	for _, n := range [...]*int64{&c.Issued, &c.Expires, &c.Authentic} {
		*n = r.Int()
	}
	c.Audience = r.Strings()
	return c, r.Done()
}

var errOpaque = errors.New("server: an access token that one of our keys has sealed, of a form that this version does not know")

func (f *opaqueFormat) read(_ context.Context, token string) (accessClaims, error) {
	text, ok := strings.CutPrefix(token, OpaquePrefix)
	if !ok || len(token) > opaqueLongest {
		return accessClaims{}, auth.Invalid(auth.ReasonMalformed, nil)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < opaqueSalt {
		return accessClaims{}, auth.Invalid(auth.ReasonMalformed, nil)
	}
	for _, key := range f.keys {
		plain, err := box(key, raw[:opaqueSalt]).Open(nil, nil, raw[opaqueSalt:], f.issuer)
		if err != nil {
			continue
		}
		c, ok := decodeClaims(plain)
		if !ok {
			return accessClaims{}, auth.Unavailable(errOpaque)
		}
		if f.clock().Unix() >= c.Expires {
			return accessClaims{}, auth.Invalid(auth.ReasonExpired, nil)
		}
		return c, nil
	}
	return accessClaims{}, auth.Invalid(auth.ReasonMismatch, nil)
}
