package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
)

func mustECDSA() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}
