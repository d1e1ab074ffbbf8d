package jwt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-go/auth/jwt"
)

func pemBlock(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func spki(key any) string { return pemBlock("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(key))) }

func TestParseKeySet(t *testing.T) {
	ed, ec, rs := spki(testKeys.ed().Public()), spki(testKeys.p256().Public()), spki(testKeys.rsa().Public())
	jwk := func(id string) string { return string(must(publicKey(id).MarshalJSON())) }
	for _, tt := range []struct {
		name, text string
		rsa        jwt.Algorithm
		want       []jwt.Algorithm // nil: refused
	}{
		{"one PEM block", ed, "", []jwt.Algorithm{jwt.EdDSA}},
		{"three PEM blocks with text between", "a comment\n" + ed + "another\n" + ec + rs, "", []jwt.Algorithm{jwt.EdDSA, jwt.ES256, jwt.RS256}},
		{"an RSA key for PS512", rs, jwt.PS512, []jwt.Algorithm{jwt.PS512}},
		{"PKCS #1", pemBlock("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&testKeys.rsa().PublicKey)), "", []jwt.Algorithm{jwt.RS256}},
		{"a JWK", jwk("a"), "", []jwt.Algorithm{jwt.EdDSA}},
		{"a JWK Set", ` {"keys":[` + jwk("a") + `,` + jwk("b") + `]} `, "", []jwt.Algorithm{jwt.EdDSA, jwt.EdDSA}},
		{"an RSA JWK without alg for PS256", strings.Replace(string(must(must(jwt.NewPublicKey("r", "", testKeys.rsa().Public())).MarshalJSON())), `"alg":"RS256",`, "", 1), jwt.PS256, []jwt.Algorithm{jwt.PS256}},

		{"nothing", "", "", nil},
		{"text", "not a key", "", nil},
		{"PEM with text after it", ed + "rest", "", nil},
		{"a private PEM block", pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(testKeys.ed()))), "", nil},
		{"a PEM block that lies", pemBlock("PUBLIC KEY", []byte("x")), "", nil},
		{"a PKCS #1 block that lies", pemBlock("RSA PUBLIC KEY", []byte("x")), "", nil},
		{"a certificate that lies", pemBlock("CERTIFICATE", []byte("x")), "", nil},
		{"a weak key in PEM", spki(weakKeys()[0].key), "", nil},
		{"the same PEM block twice", ed + ed, "", nil},
		{"a set without keys", `{"keys":[]}`, "", nil},
		{"a set with keys that is no list", `{"keys":{}}`, "", nil},
		{"a set with something that is no key", `{"keys":[1]}`, "", nil},
		{"keys twice", `{"keys":[` + jwk("a") + `],"keys":[]}`, "", nil},
		{"an id twice", `{"keys":[` + jwk("a") + `,` + jwk("a") + `]}`, "", nil},
		{"broken JSON", `{"keys":[`, "", nil},
		{"a secret in a set", `{"keys":[` + jwk("a") + `,{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`, "", nil},
		{"a private JWK", privateJWK, "", nil},
		{"an unknown kty", `{"kty":"future"}`, "", nil},
		{"no kty", `{}`, "", nil},
		{"an unknown curve", `{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`, "", nil},
		{"Ed448", `{"kty":"OKP","crv":"Ed448","x":"AA"}`, "", nil},
		{"a key to encrypt with", strings.Replace(jwk("a"), `"sig"`, `"enc"`, 1), "", nil},
		{"key_ops without verify", strings.Replace(jwk("a"), `"use":"sig"`, `"key_ops":["sign"]`, 1), "", nil},
		{"key_ops with verify", strings.Replace(jwk("a"), `"use":"sig"`, `"key_ops":["verify"]`, 1), "", []jwt.Algorithm{jwt.EdDSA}},
		{"key_ops that are none", strings.Replace(jwk("a"), `"use":"sig"`, `"key_ops":[]`, 1), "", nil},
		{"an alg of another type", strings.Replace(jwk("a"), `"EdDSA"`, `"ES256"`, 1), "", nil},
		{"an unknown alg", strings.Replace(jwk("a"), `"EdDSA"`, `"X"`, 1), "", nil},
		{"a kid that is a number", strings.Replace(jwk("a"), `"a"`, `1`, 1), "", nil},
		{"a member twice", strings.Replace(jwk("a"), `"kty"`, `"kty":"OKP","kty"`, 1), "", nil},
		{"a coordinate that is short", `{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`, "", nil},
		{"a coordinate with a zero before it", longCoordinates(), "", nil},
		{"an RSA exponent with a zero before it", strings.Replace(string(must(must(jwt.NewPublicKey("r", "", testKeys.rsa().Public())).MarshalJSON())), `"AQAB"`, `"AAEAAQ"`, 1), "", nil},
		{"an RSA algorithm that is none", ed, jwt.ES256, nil},
		{"an algorithm that is none", ed, "none", nil},
		{"more than 512 KiB", strings.Repeat(" ", 512<<10) + ed, "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			set, err := jwt.ParseKeySet([]byte(tt.text), jwt.KeyOptions{RSA: tt.rsa})
			if tt.want == nil {
				if err == nil || set != nil || !strings.HasPrefix(err.Error(), "jwt: ") {
					t.Fatalf("got %v, want an error of jwt", err)
				}
				if strings.Contains(err.Error(), "AAAAAAAA") {
					t.Errorf("the error quotes the key: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []jwt.Algorithm
			for _, k := range set.Keys() {
				got = append(got, k.Algorithm())
			}
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
}

// longCoordinates returns the JWK of a good key whose coordinates are a byte too long (RFC 7518 §6.2.1.2).
func longCoordinates() string {
	point := must(testKeys.p256().PublicKey.Bytes())
	long := func(b []byte) string { return b64(append([]byte{0}, b...)) }
	return `{"kty":"EC","crv":"P-256","x":"` + long(point[1:33]) + `","y":"` + long(point[33:]) + `"}`
}

// privateJWK is the key of RFC 8037 appendix A.1.
const privateJWK = `{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

func TestParseSigningKey(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		rsa        jwt.Algorithm
		want       jwt.Algorithm // "": refused
	}{
		{"PKCS #8", pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(testKeys.ed()))), "", jwt.EdDSA},
		{"PKCS #8 with an RSA key", pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(testKeys.rsa()))), "", jwt.RS256},
		{"PKCS #8 with an RSA key for PS384", pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(testKeys.rsa()))), jwt.PS384, jwt.PS384},
		{"PKCS #1", pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(testKeys.rsa())), "", jwt.RS256},
		{"SEC 1", pemBlock("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(testKeys.p384()))), "", jwt.ES384},
		{"a JWK", privateJWK, "", jwt.EdDSA},
		{"a public key", spki(testKeys.ed().Public()), "", ""},
		{"a public JWK", string(must(publicKey("a").MarshalJSON())), "", ""},
		{"a secret", `{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`, "", ""},
		{"two keys", strings.Repeat(pemBlock("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(testKeys.ed()))), 2), "", ""},
		{"a block that lies", pemBlock("PRIVATE KEY", []byte("x")), "", ""},
		{"nothing", "", "", ""},
		{"a JWK that is none", `{"kty":1}`, "", ""},
		{"a JWK whose halves do not fit", strings.Replace(privateJWK, "11q", "12q", 1), "", ""},
		{"an RSA algorithm that is none", privateJWK, jwt.HS256, ""},
		{"more than 512 KiB", privateJWK + strings.Repeat(" ", 512<<10), "", ""},
	} {
		k, err := jwt.ParseSigningKey([]byte(tt.text), jwt.KeyOptions{RSA: tt.rsa})
		switch {
		case tt.want == "" && (err == nil || k != nil || !strings.HasPrefix(err.Error(), "jwt: ")):
			t.Errorf("%s: got %v, want an error of jwt", tt.name, err)
		case tt.want != "" && (err != nil || k.Public().Algorithm() != tt.want):
			t.Errorf("%s: got %v, want a key for %s", tt.name, err, tt.want)
		}
	}
	for _, bad := range []struct {
		alg jwt.Algorithm
		id  string
	}{{jwt.HS256, ""}, {jwt.RS256, ""}, {"", strings.Repeat("x", 129)}} {
		if k, err := jwt.NewSigningKey(bad.id, bad.alg, testKeys.ed()); err == nil || k != nil {
			t.Errorf("%+v: got a key, want an error", bad)
		}
	}
	if k, err := jwt.NewSigningKey("", "", nil); err == nil || k != nil {
		t.Error("a nil key was taken")
	}
}

func TestLoadKeys(t *testing.T) {
	dir := t.TempDir()
	public, private := filepath.Join(dir, "public.pem"), filepath.Join(dir, "private.jwk")
	for name, text := range map[string]string{public: spki(testKeys.ed().Public()), private: privateJWK} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if set, err := jwt.LoadKeySet(public, jwt.KeyOptions{}); err != nil || len(set.Keys()) != 1 {
		t.Errorf("got %v, want one key", err)
	}
	if _, err := jwt.LoadSigningKey(private, jwt.KeyOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := jwt.LoadKeySet(private, jwt.KeyOptions{}); err == nil || !strings.Contains(err.Error(), private) {
		t.Errorf("got %v, want an error that names the file", err)
	}
	if _, err := jwt.LoadSigningKey(public, jwt.KeyOptions{}); err == nil || !strings.Contains(err.Error(), public) {
		t.Errorf("got %v, want an error that names the file", err)
	}
	if _, err := jwt.LoadKeySet(filepath.Join(dir, "none"), jwt.KeyOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that there is no file", err)
	}
	if _, err := jwt.LoadSigningKey(dir, jwt.KeyOptions{}); err == nil {
		t.Error("a directory was read as a key")
	}
}

func TestKeySetFindsByIDAndAlgorithm(t *testing.T) {
	rs := must(jwt.NewPublicKey("k1", jwt.RS256, testKeys.rsa().Public()))
	ps := must(jwt.NewPublicKey("k1", jwt.PS256, testKeys.rsa().Public()))
	set := must(jwt.NewKeySet(rs, ps, publicKey("k2")))
	for _, tt := range []struct {
		id   string
		alg  jwt.Algorithm
		want *jwt.PublicKey
		err  error
	}{
		{"k1", jwt.RS256, rs, nil}, {"k1", jwt.PS256, ps, nil}, {"k1", jwt.RS512, nil, jwt.ErrAlgorithm}, {"k1", jwt.EdDSA, nil, jwt.ErrAlgorithm},
		{"k3", jwt.EdDSA, nil, jwt.ErrUnknownKey}, {"", jwt.PS256, ps, nil}, {"", jwt.ES256, nil, jwt.ErrUnknownKey}, {"", "none", nil, jwt.ErrUnknownKey},
	} {
		if k, err := set.Key(context.Background(), tt.id, tt.alg); k != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%q, %s: got %v, %v, want %v", tt.id, tt.alg, k, err, tt.err)
		}
	}
	if rs.ID() != "k1" || rs.Public() != testKeys.rsa().Public() && !testKeys.rsa().PublicKey.Equal(rs.Public()) {
		t.Error("the key is another one")
	}
	many := make([]*jwt.PublicKey, 101)
	for i := range many {
		many[i] = publicKey(strings.Repeat("x", i+1))
	}
	for name, keys := range map[string][]*jwt.PublicKey{
		"no key": nil, "a nil key": {nil}, "a key twice": {rs, rs}, "too many": many, "unnamed beside named": {publicKey(""), publicKey("a")},
	} {
		if s, err := jwt.NewKeySet(keys...); err == nil || s != nil {
			t.Errorf("%s: got a set, want an error", name)
		}
	}
}

func TestAnHMACKeyTellsItsNameOnly(t *testing.T) {
	k := must(jwt.NewHMACKey("h1", jwt.HS256, sha256Sum([]byte("a secret"))))
	if k.ID() != "h1" || k.Algorithm() != jwt.HS256 {
		t.Errorf("got %q, %s", k.ID(), k.Algorithm())
	}
}

func TestClaimsPrintNothing(t *testing.T) {
	c := must(newVerifier(nil).Verify(context.Background(), sign(goodHeader, goodClaims(object{"email": "alice@example.com"}))))
	if c.String() != "claims" || c.GoString() != "claims" || !strings.Contains(c.LogValue().String(), "alice") || strings.Contains(c.LogValue().String(), "@") {
		t.Errorf("got %v, %#v, %v", c, c, c.LogValue())
	}
	if c.Algorithm() != jwt.EdDSA || !c.NotBefore().IsZero() || !c.AuthenticatedAt().IsZero() {
		t.Error("got another algorithm, or times that the token does not have")
	}
	raw := c.Raw()
	raw[0] = 'x'
	if !json.Valid(c.Raw()) {
		t.Error("Raw shares its memory")
	}
	if _, ok := c.Confirmation(); ok {
		t.Error("got a confirmation that the token does not have")
	}
	if _, err := jwt.Claim[string](c, "email", "x"); !errors.Is(err, jwt.ErrNoClaim) {
		t.Errorf("got %v, want ErrNoClaim", err)
	}
	if _, err := jwt.Claim[int](c, "email"); err == nil || errors.Is(err, jwt.ErrNoClaim) {
		t.Errorf("got %v, want an error about the type", err)
	}
	if _, err := jwt.As[struct{ Email int }](c); err == nil {
		t.Error("a string went into an int")
	}
	odd := must(newVerifier(nil).Verify(context.Background(), sign(goodHeader, goodClaims(object{"cnf": object{"jkt": 1}}))))
	if cnf, ok := odd.Confirmation(); !ok || cnf.JWKThumbprint != "" {
		t.Error("a confirmation that can't be read counts as none")
	}
	for _, list := range []string{"a  b", " a", "a "} {
		c := must(newVerifier(nil).Verify(context.Background(), sign(goodHeader, goodClaims(object{"scope": list}))))
		if c.HasScope("a") {
			t.Errorf("the malformed list %q has a scope", list)
		}
	}
	scp := must(newVerifier(nil).Verify(context.Background(), sign(goodHeader, goodClaims(object{"scope": nil, "scp": []string{"a"}}))))
	if !scp.HasScope("a") || scp.HasScope("b") {
		t.Error("HasScope does not read scp")
	}
}

func TestKeysThatNothingMadeAreErrors(t *testing.T) {
	config := testConfig()
	config.Keys, config.Algorithms = nil, []jwt.Algorithm{jwt.HS256}
	for name, f := range map[string]func() error{
		"a set":         func() error { _, err := jwt.NewKeySet(&jwt.PublicKey{}); return err },
		"a JWKS":        func() error { _, err := jwt.PublicJWKS(&jwt.PublicKey{}); return err },
		"a verifier":    func() error { _, err := jwt.NewHMACVerifier(config, &jwt.HMACKey{}); return err },
		"a signing key": func() error { _, err := jwt.NewSigningKey("k", "", ed25519.PrivateKey(nil)); return err },
		"a nil pointer": func() error { _, err := jwt.NewSigningKey("k", "", (*ecdsa.PrivateKey)(nil)); return err },
	} {
		if err := f(); err == nil || !strings.HasPrefix(err.Error(), "jwt: ") {
			t.Errorf("%s: got %v, want an error of jwt", name, err)
		}
	}
}

func TestAPublicKeyIsNoSecret(t *testing.T) { // CVE-2015-9235
	der := must(x509.MarshalPKIXPublicKey(testKeys.rsa().Public()))
	for name, secret := range map[string][]byte{
		"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "DER": der,
		"PKCS #1": x509.MarshalPKCS1PublicKey(&testKeys.rsa().PublicKey),
		"JWK":     must(must(jwt.NewPublicKey("k", "", testKeys.rsa().Public())).MarshalJSON()),
	} {
		if _, err := jwt.NewHMACKey("", jwt.HS256, secret); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestABrokenPEMBlockIsAnError(t *testing.T) {
	good := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(testKeys.ed().Public()))}))
	broken := strings.Replace(good, "M", "*", 1)
	for name, text := range map[string]string{"before": broken + good, "after": good + broken, "alone": broken} {
		if set, err := jwt.ParseKeySet([]byte(text), jwt.KeyOptions{}); err == nil {
			t.Errorf("%s: got a set of %d keys and no error", name, len(set.Keys()))
		}
	}
	if _, err := jwt.ParseKeySet([]byte("Subject: explanatory text\n"+good), jwt.KeyOptions{}); err != nil {
		t.Errorf("text before a block (RFC 7468 §2): got %v", err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(testKeys.ed()))}))
	if _, err := jwt.ParseSigningKey([]byte(strings.Replace(private, "M", "*", 1)+private), jwt.KeyOptions{}); err == nil {
		t.Error("a broken private key before a good one: got no error")
	}
}

func TestAnExponentIsNotCutOff(t *testing.T) {
	n, e := b64(testKeys.rsa().N.Bytes()), b64([]byte{1, 0, 0, 0, 0, 0, 1, 0, 1}) // 2^64+65537
	if _, err := jwt.ParseKeySet([]byte(`{"kty":"RSA","n":"`+n+`","e":"`+e+`"}`), jwt.KeyOptions{}); err == nil {
		t.Error("got no error")
	}
}

func TestAKeyIsNotChangedFromOutside(t *testing.T) {
	public := append(ed25519.PublicKey(nil), testKeys.ed().Public().(ed25519.PublicKey)...)
	set := must(jwt.NewKeySet(must(jwt.NewPublicKey("k1", "", public))))
	clear(public) // which is of small order
	if err := verifyGood(t, func(c *jwt.Config) { c.Keys = set }, nil); err != nil {
		t.Errorf("got %v, want none: the key was lent", err)
	}
}

func TestAKeyIDIsUTF8(t *testing.T) {
	if _, err := jwt.NewPublicKey("\xff", "", testKeys.ed().Public()); err == nil {
		t.Error("got no error")
	}
}

func TestASigningJWKIsOnePair(t *testing.T) {
	d := b64(must(testKeys.p256().Bytes()))
	point := must(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey.Bytes())
	x, y := b64(point[1:33]), b64(point[33:])
	seed, other := b64(testKeys.ed().Seed()), b64(testKeys.other().Public().(ed25519.PublicKey))
	for _, text := range []string{
		`{"kty":"EC","crv":"P-256","d":"` + d + `","x":"` + x + `","y":"` + y + `"}`,
		`{"kty":"OKP","crv":"Ed25519","d":"` + seed + `","x":"` + other + `"}`,
	} {
		if _, err := jwt.ParseSigningKey([]byte(text), jwt.KeyOptions{}); err == nil {
			t.Error("got no error for a private key with another's public key: every token would be refused")
		}
	}
}
