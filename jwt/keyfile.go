package jwt

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cardea-go/auth/internal/jose"
)

// maxKeyFile limits what is read as keys, in bytes.
const maxKeyFile = 512 << 10

// KeyOptions say how keys are read that leave something open. The zero value is the usual choice.
type KeyOptions struct {
	// RSA is the algorithm of RSA keys that name none: a JWK without alg, a PEM block. "" is RS256.
	RSA Algorithm
}

func (o KeyOptions) rsa() (jose.Alg, error) {
	if o.RSA == "" {
		return jose.RS256, nil
	}
	a, err := asymmetric(o.RSA)
	if err == nil && a != jose.RS256 && a != jose.RS384 && a != jose.RS512 && a != jose.PS256 && a != jose.PS384 && a != jose.PS512 {
		err = fmt.Errorf("jwt: KeyOptions.RSA %q: use an RS or PS algorithm", o.RSA)
	}
	return a, err
}

// LoadKeySet reads public keys from a file as [ParseKeySet] does.
func LoadKeySet(path string, o KeyOptions) (*KeySet, error) {
	data, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	s, err := ParseKeySet(data, o)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return s, nil
}

func readKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the path is the caller's
	if err != nil {
		return nil, fmt.Errorf("jwt: key file: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("jwt: key file: %w", err)
	}
	return data, nil
}

// ParseKeySet reads public keys: PEM blocks (PUBLIC KEY, RSA PUBLIC KEY, CERTIFICATE), one JWK, or a JWK Set
// (RFC 7517). It is strict: one key that can't be used is an error, a private or symmetric key above all. Text before a PEM
// block is ignored, as RFC 7468 §2 has it. In a certificate, only the key is looked at. At most 512 KiB and [MaxKeys] keys.
func ParseKeySet(data []byte, o KeyOptions) (*KeySet, error) {
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("jwt: keys: more than %d bytes", maxKeyFile)
	}
	rsaAlg, err := o.rsa()
	if err != nil {
		return nil, err
	}
	var keys []*PublicKey
	if data = bytes.TrimSpace(data); bytes.HasPrefix(data, []byte("{")) {
		keys, err = parseJWKs(string(data), rsaAlg)
	} else {
		keys, err = parsePublicPEM(data, rsaAlg)
	}
	if err != nil {
		return nil, err
	}
	return NewKeySet(keys...)
}

func parseJWKs(text string, rsaAlg jose.Alg) ([]*PublicKey, error) {
	entries, isSet, err := splitJWKS(text)
	if err != nil {
		return nil, err
	}
	if !isSet {
		entries = []string{text}
	}
	var keys []*PublicKey
	var errs []error
	for i, entry := range entries {
		k, err := parsePublicJWK(entry, rsaAlg)
		if err != nil {
			errs = append(errs, fmt.Errorf("jwt: JWK %d: %w", i, err))
			continue
		}
		keys = append(keys, k)
	}
	return keys, errors.Join(errs...)
}

var errJWKS = errors.New("jwt: keys: not a JWK Set: expected an object with an array \"keys\" (RFC 7517 §5)")

// splitJWKS returns the texts of a set's keys, and whether text is a set at all.
func splitJWKS(text string) (entries []string, isSet bool, err error) {
	o := jose.NewObject(text, true)
	ok := true
	for o.Next() {
		if o.Name == "keys" {
			isSet = true
			entries, ok = o.Value.Elements()
		}
	}
	if o.Err() != nil || !ok {
		return nil, false, errJWKS
	}
	return entries, isSet, nil
}

func parsePublicJWK(text string, rsaAlg jose.Alg) (*PublicKey, error) {
	j, err := jose.ParseJWK(text)
	if err != nil {
		return nil, err
	}
	k, err := j.PublicKey(rsaAlg)
	if err != nil {
		return nil, err
	}
	return &PublicKey{k}, nil
}

func parsePublicPEM(data []byte, rsaAlg jose.Alg) ([]*PublicKey, error) {
	var keys []*PublicKey
	for len(keys) <= MaxKeys {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		if bytes.Count(data[:len(data)-len(rest)], []byte("-----BEGIN ")) > 1 { // encoding/pem skips what is broken
			return nil, errBrokenPEM
		}
		data = rest
		public, err := publicFromPEM(block)
		if err != nil {
			return nil, err
		}
		alg := jose.Alg(0)
		if _, ok := public.(*rsa.PublicKey); ok {
			alg = rsaAlg
		}
		k, err := jose.NewPublicKey("", alg, public)
		if err != nil {
			return nil, fmt.Errorf("jwt: PEM block %d: %w", len(keys), err)
		}
		keys = append(keys, &PublicKey{k})
	}
	if len(bytes.TrimSpace(data)) > 0 && len(keys) <= MaxKeys {
		return nil, errors.New("jwt: keys: neither PEM, nor a JWK, nor a JWK Set")
	}
	if len(keys) > 1 { // tokens choose among them by kid, which PEM can't say: RFC 7638 does
		for _, k := range keys {
			k.k.ID = k.Thumbprint()
		}
	}
	return keys, nil
}

var errBrokenPEM = errors.New("jwt: keys: a PEM block that is broken: repair or remove it")

func publicFromPEM(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PUBLIC KEY":
		if k, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			return k, nil
		}
	case "RSA PUBLIC KEY":
		if k, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
			return k, nil
		}
	case "CERTIFICATE":
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			return c.PublicKey, nil
		}
	default:
		return nil, fmt.Errorf("jwt: PEM block %q: use PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE", block.Type)
	}
	return nil, fmt.Errorf("jwt: PEM block %q: its content is not what its name says", block.Type)
}

// LoadSigningKey reads a private key from a file as [ParseSigningKey] does.
func LoadSigningKey(path string, o KeyOptions) (*SigningKey, error) {
	data, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	k, err := ParseSigningKey(data, o)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return k, nil
}

// ParseSigningKey reads one private key: a PEM block (PRIVATE KEY, RSA PRIVATE KEY, EC PRIVATE KEY) or a JWK. Its id is
// the JWK's kid, else the RFC 7638 thumbprint.
func ParseSigningKey(data []byte, o KeyOptions) (*SigningKey, error) {
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("jwt: signing key: more than %d bytes", maxKeyFile)
	}
	rsaAlg, err := o.rsa()
	if err != nil {
		return nil, err
	}
	id, alg := "", Algorithm("")
	var key crypto.Signer
	if data = bytes.TrimSpace(data); bytes.HasPrefix(data, []byte("{")) {
		j, err := jose.ParseJWK(string(data))
		if err != nil {
			return nil, fmt.Errorf("jwt: signing key: %w", err)
		}
		if key, err = j.PrivateKey(); err != nil {
			return nil, fmt.Errorf("jwt: signing key: %w", err)
		}
		id, alg = j.KeyID, Algorithm(j.Alg.String())
	} else if key, err = privateFromPEM(data); err != nil {
		return nil, err
	}
	if _, ok := key.(*rsa.PrivateKey); ok && alg == "" {
		alg = Algorithm(rsaAlg.String())
	}
	return NewSigningKey(id, alg, key)
}

var errPrivatePEM = errors.New("jwt: signing key: expected one PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY, not encrypted, or a private JWK")

func privateFromPEM(data []byte) (crypto.Signer, error) {
	block, rest := pem.Decode(data)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 || bytes.Count(data, []byte("-----BEGIN ")) > 1 {
		return nil, errPrivatePEM
	}
	var k any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		k, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		k, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		k, err = x509.ParseECPrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, errPrivatePEM
	}
	switch k := k.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, errPrivatePEM
}
