package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math/big"
	"slices"
)

// Errors of reading a JWK. They hold no input.
var (
	errJWK         = errors.New("not a valid JWK")
	errKeyType     = errors.New("a key type that is not supported")
	errSymmetric   = errors.New("a symmetric key where only public keys belong")
	errPrivate     = errors.New("a private key where only public keys belong")
	errKeyUse      = errors.New("a key that is not for signatures")
	errKeyAlg      = errors.New("an alg that is not supported")
	errExponent    = errors.New("an RSA key with an exponent beyond 2^31-1")
	errPair        = errors.New("a private key beside the public key of another")
	errNotCanon    = errors.New("a number in a JWK that is not in its shortest or full-length form")
	ErrUnsupported = errors.New("unsupported key")
)

// privateMembers are those that only a private or symmetric JWK has (RFC 7518 §6.2.2, 6.3.2, 6.4).
var privateMembers = [...]string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// A JWK is what a JSON Web Key says about itself (RFC 7517 §4).
type JWK struct {
	Type, Curve, KeyID string
	Alg                Alg // 0 where it names none
	Private            bool

	text       string
	n, e, x, y string
}

// ParseJWK reads the text of a JWK strictly, and refuses one that says that it is not for verifying signatures. An
// unknown key type, curve or algorithm is an error that errors.Is ErrUnsupported.
func ParseJWK(text string) (*JWK, error) {
	k := &JWK{text: text}
	alg, use, ok := "", "", true
	var ops []string
	o := NewObject(text, true)
	for o.Next() && ok {
		switch o.Name {
		case "kty":
			k.Type, ok = o.Value.String()
		case "crv":
			k.Curve, ok = o.Value.String()
		case "kid":
			k.KeyID, ok = o.Value.String()
			ok = ok && len(k.KeyID) <= MaxKeyIDBytes
		case "alg":
			alg, ok = o.Value.String()
		case "use":
			use, ok = o.Value.String()
		case "key_ops":
			ops, ok = o.Value.Strings()
		case "n":
			k.n, ok = o.Value.String()
		case "e":
			k.e, ok = o.Value.String()
		case "x":
			k.x, ok = o.Value.String()
		case "y":
			k.y, ok = o.Value.String()
		}
		k.Private = k.Private || slices.Contains(privateMembers[:], o.Name)
	}
	if !ok || o.Err() != nil {
		return nil, errJWK
	}
	switch k.Type {
	case "RSA", "EC", "oct":
	case "OKP":
		if k.Curve != "Ed25519" {
			return nil, errors.Join(ErrUnsupported, errKeyType)
		}
	case "":
		return nil, errJWK
	default:
		return nil, errors.Join(ErrUnsupported, errKeyType)
	}
	op := "verify"
	if k.Private {
		op = "sign" // or an HMAC's both
	}
	if use != "" && use != "sig" || ops != nil && !slices.Contains(ops, op) {
		return nil, errors.Join(ErrUnsupported, errKeyUse)
	}
	if alg != "" {
		var known bool
		if k.Alg, known = ParseAlg(alg); !known {
			return nil, errors.Join(ErrUnsupported, errKeyAlg)
		}
	}
	return k, nil
}

// PublicKey returns the key, bound to the algorithm that the JWK names, else to the one that fits, and for RSA to
// rsaAlg. A symmetric or private JWK is an error: whoever publishes one has lost it.
func (k *JWK) PublicKey(rsaAlg Alg) (*Key, error) {
	switch {
	case k.Type == "oct":
		return nil, errSymmetric
	case k.Private:
		return nil, errPrivate
	}
	if err := k.checkNumbers(); err != nil {
		return nil, err
	}
	public, err := parseMaterial([]byte(k.text))
	if err != nil {
		return nil, err
	}
	alg := k.Alg
	if alg == 0 && k.Type == "RSA" {
		alg = rsaAlg
	}
	return NewPublicKey(k.KeyID, alg, public)
}

// checkNumbers refuses what jwx takes: coordinates that are too long or too short (RFC 7518 §6.2.1.2 "the length of
// this octet string MUST be the full size of a coordinate") and encodings that are not strict base64url.
func (k *JWK) checkNumbers() error {
	switch k.Type {
	case "RSA":
		for _, text := range [...]string{k.n, k.e} {
			b, err := Decode(text)
			if err != nil || len(b) == 0 || b[0] == 0 { // RFC 7518 §2: Base64urlUInt is as short as can be
				return errNotCanon
			}
			if text == k.e && len(b) > 4 { // RFC 3447 has no such limit; crypto/rsa has, and jwx cuts off what is above
				return errExponent
			}
		}
	case "EC":
		size := 0
		for a := ES256; a <= ES512; a++ {
			if algs[a].curve == k.Curve {
				size = algs[a].size / 2
			}
		}
		if size == 0 {
			return errors.Join(ErrUnsupported, errKeyType)
		}
		for _, text := range [...]string{k.x, k.y} {
			if b, err := Decode(text); err != nil || len(b) != size {
				return errNotCanon
			}
		}
	case "OKP":
		if b, err := Decode(k.x); err != nil || len(b) != ed25519.PublicKeySize {
			return errNotCanon
		}
	}
	return nil
}

// PrivateKey returns the signing key that a private JWK holds.
func (k *JWK) PrivateKey() (crypto.Signer, error) {
	if !k.Private || k.Type == "oct" {
		return nil, errors.New("not the JWK of a private key")
	}
	raw, err := parseMaterial([]byte(k.text))
	if err != nil {
		return nil, err
	}
	signer, ok := raw.(crypto.Signer)
	if !ok {
		return nil, errKeyType
	}
	if !isPair(signer) {
		return nil, errPair
	}
	return signer, nil
}

// isPair reports whether the two halves of a private key belong together. jwx takes both from the JWK as they are.
func isPair(key crypto.Signer) bool {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k.Validate() == nil
	case *ecdsa.PrivateKey:
		d, err := k.Bytes()
		if err != nil {
			return false
		}
		derived, err := ecdsa.ParseRawPrivateKey(k.Curve, d)
		return err == nil && derived.PublicKey.Equal(&k.PublicKey)
	case ed25519.PrivateKey:
		return ed25519.NewKeyFromSeed(k.Seed()).Equal(k)
	}
	return false
}

// IsPublicJWK reports whether text is the JWK of a public key, of whatever type, by its names: it may be for another
// purpose than signatures that we verify.
func IsPublicJWK(text string) bool {
	kty := ""
	o := NewObject(text, true)
	for o.Next() {
		if slices.Contains(privateMembers[:], o.Name) {
			return false
		}
		if o.Name == "kty" {
			kty, _ = o.Value.String()
		}
	}
	return o.Err() == nil && kty != "" && kty != "oct"
}

// Secret returns the bytes of a symmetric JWK.
func (k *JWK) Secret() ([]byte, error) {
	o := NewObject(k.text, true)
	for o.Next() {
		if o.Name == "k" && k.Type == "oct" {
			text, _ := o.Value.String()
			return Decode(text)
		}
	}
	return nil, errors.New("not a symmetric JWK")
}

// AppendPublicJWK appends the JWK of a public key, written member by member, so that nothing else can get into it.
func AppendPublicJWK(dst []byte, k *Key) ([]byte, error) {
	dst, err := appendRequired(dst, k.Public)
	if err != nil {
		return nil, err
	}
	dst = append(dst[:len(dst)-1], `,"use":"sig","alg":"`...)
	dst = append(dst, k.Alg.String()...)
	dst = append(dst, '"')
	if k.ID != "" {
		dst = append(dst, `,"kid":`...)
		dst = AppendString(dst, k.ID)
	}
	return append(dst, '}'), nil
}

// Thumbprint returns the RFC 7638 thumbprint of a public key by SHA-256, as base64url text.
func Thumbprint(public crypto.PublicKey) (string, error) {
	text, err := appendRequired(nil, public)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return Encode(sum[:]), nil
}

// appendRequired appends a JWK of the required members only, in lexicographic order and without space: the input of
// RFC 7638 §3.
func appendRequired(dst []byte, public crypto.PublicKey) ([]byte, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		dst = append(dst, `{"e":"`...)
		dst = AppendEncoded(dst, big.NewInt(int64(k.E)).Bytes())
		dst = append(dst, `","kty":"RSA","n":"`...)
		dst = AppendEncoded(dst, k.N.Bytes())
	case *ecdsa.PublicKey:
		point, err := k.Bytes() // 4, x, y
		if err != nil {
			return nil, err
		}
		half := (len(point) - 1) / 2
		dst = append(dst, `{"crv":"`...)
		dst = append(dst, k.Curve.Params().Name...)
		dst = append(dst, `","kty":"EC","x":"`...)
		dst = AppendEncoded(dst, point[1:1+half])
		dst = append(dst, `","y":"`...)
		dst = AppendEncoded(dst, point[1+half:])
	case ed25519.PublicKey:
		dst = append(dst, `{"crv":"Ed25519","kty":"OKP","x":"`...)
		dst = AppendEncoded(dst, k)
	default:
		return nil, errKeyType
	}
	return append(dst, `"}`...), nil
}
