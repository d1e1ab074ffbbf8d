package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"time"

	"github.com/cardea-go/auth/jwt"
)

const (
	issuer   = "https://issuer.example"
	audience = "https://api.example"
	keyID    = "2026-11-key-1"
	scope    = "notes:write"
)

var algorithms = []string{"HS256", "RS256", "ES256", "EdDSA"}

var roles = []string{"editor", "auditor", "billing-admin"}

// keyOf has the private key (or the secret) of each algorithm.
var keyOf = func() map[string]any {
	secret := make([]byte, 32)
	rand.Read(secret)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	must(ed, err)
	return map[string]any{
		"HS256": secret,
		"RS256": must(rsa.GenerateKey(rand.Reader, 2048)),
		"ES256": must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)),
		"EdDSA": ed,
	}
}()

// publicOf returns what verifies: the public key, or the secret.
func publicOf(alg string) any {
	if s, ok := keyOf[alg].(crypto.Signer); ok {
		return s.Public()
	}
	return keyOf[alg]
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type roleClaims struct {
	Roles []string `json:"roles"`
}

func ourIssuer(alg string) *jwt.Issuer {
	var keys jwt.SigningSource
	if secret, ok := keyOf[alg].([]byte); ok {
		keys = must(jwt.NewHMACKey(keyID, jwt.HS256, secret))
	} else {
		keys = must(jwt.NewSigningKey(keyID, jwt.Algorithm(alg), keyOf[alg].(crypto.Signer)))
	}
	return must(jwt.NewIssuer(jwt.IssuerConfig{
		Issuer: issuer, Audience: []string{audience}, Keys: keys, Profile: jwt.ProfileLegacy, Lifetime: time.Hour,
	}))
}

func ourVerifier(alg string) *jwt.Verifier {
	c := jwt.Config{
		Issuer: issuer, Audience: []string{audience}, Algorithms: []jwt.Algorithm{jwt.Algorithm(alg)}, Profile: jwt.ProfileLegacy,
	}
	if secret, ok := keyOf[alg].([]byte); ok {
		return must(jwt.NewHMACVerifier(c, must(jwt.NewHMACKey(keyID, jwt.HS256, secret))))
	}
	c.Keys = must(jwt.NewKeySet(must(jwt.NewPublicKey(keyID, jwt.Algorithm(alg), publicOf(alg)))))
	return must(jwt.NewVerifier(c))
}

// badTokens returns tokens with a good signature and one bad claim each.
func badTokens(alg string) map[string]string {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","typ":"JWT","kid":"` + keyID + `"}`))
	now := time.Now().Unix()
	good := floorClaims{
		Issuer: issuer, Subject: "user-4711", Audience: audience, Expires: now + 3600, NotBefore: now, Issued: now, Scope: scope,
	}
	bad := make(map[string]string)
	for what, change := range map[string]func(*floorClaims){
		"another issuer":   func(c *floorClaims) { c.Issuer = "https://other.example" },
		"another audience": func(c *floorClaims) { c.Audience = "https://other.example" },
		"no scope":         func(c *floorClaims) { c.Scope = "notes:read" },
		"a past exp":       func(c *floorClaims) { c.Expires = now - 3600 },
		"a future nbf":     func(c *floorClaims) { c.NotBefore = now + 3600 },
	} {
		c := good
		change(&c)
		bad[what] = must(floorIssue(header, keyOf[alg], &c))
	}
	return bad
}
