package vectors_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"
	"github.com/cardea-go/auth/internal/jose"
)

// group is a group of tests in any of Wycheproof's files on JOSE.
type group struct {
	Type    string          `json:"type"`
	Comment string          `json:"comment"`
	Private json.RawMessage `json:"private"`
	Public  json.RawMessage `json:"public"`
	Tests   []struct {
		ID      int             `json:"tcId"`
		Comment string          `json:"comment"`
		JWS     json.RawMessage `json:"jws"`
		JWE     json.RawMessage `json:"jwe"`
		Result  string          `json:"result"`
	} `json:"tests"`
}

func load(t *testing.T, file string, v any) {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// defects are vectors that contradict themselves or each other, by file and tcId.
var defects = map[string]map[int]string{
	"json_web_signature_test.json": {
		346: "marked valid; the key is for PS256 and the header says PS384: one key, one algorithm",
		347: `marked valid; the key's alg is "ES521", which is no algorithm`,
		350: "as 346",
		351: "as 347",
		367: "marked invalid; byte for byte the valid vector 357, the padding that its comment names was lost",
		370: "as 367",
		372: `marked valid; holds "?", which is in no base64 alphabet`,
		373: "as 372",
		259: "an empty payload: valid as a JWS, but no claims, so that we need not take it",
		264: "as 259",
		268: "as 259",
		272: "as 259",
		320: "as 259",
		325: "as 259",
	},
	"rsa_pss_2048_sha256_mgf1_0_test.json": {69: "the one whose salt was made 32 bytes long, which is PS256's"},
}

func TestWycheproofJOSE(t *testing.T) {
	for _, tt := range []struct {
		file          string
		least         int // tests that must have run
		leastAccepted int
	}{
		{file: "json_web_signature_test.json", least: 387, leastAccepted: 34},
		{file: "json_web_crypto_test.json", least: 83, leastAccepted: 1},
		{file: "json_web_key_test.json", least: 26, leastAccepted: 1},
		{file: "json_web_encryption_test.json", least: 139},
	} {
		t.Run(tt.file, func(t *testing.T) {
			var f struct {
				TestGroups []group `json:"testGroups"`
			}
			load(t, tt.file, &f)
			ran, accepted := 0, 0
			for _, g := range f.TestGroups {
				keys := readKeys(g)
				for _, test := range g.Tests {
					if defects[tt.file][test.ID] != "" {
						continue
					}
					ran++
					token := test.JWS
					if len(test.JWE) > 0 {
						token = test.JWE // must be refused, as what is no JWS
					}
					got := verifies(keys, token)
					want := test.Result == "valid" && len(test.JWE) == 0
					if got {
						accepted++
					}
					if got && !want {
						t.Errorf("%d (%s, %s) is accepted and %s", test.ID, g.Comment, test.Comment, test.Result)
					}
					if !got && want {
						t.Errorf("%d (%s, %s) is refused and valid", test.ID, g.Comment, test.Comment)
					}
				}
			}
			if ran < tt.least || accepted < tt.leastAccepted {
				t.Errorf("ran %d vectors and accepted %d, want at least %d and %d", ran, accepted, tt.least, tt.leastAccepted)
			}
		})
	}
}

// readKeys reads the keys of a group as package jwt would: the public half, or a secret that stands alone.
func readKeys(g group) []*jose.Key {
	text := g.Public
	if len(text) == 0 {
		text = g.Private
	}
	var set struct{ Keys []json.RawMessage }
	if json.Unmarshal(text, &set) == nil && set.Keys != nil {
		var keys, secrets []*jose.Key
		for _, entry := range set.Keys {
			if k := publicKey(string(entry)); k != nil {
				keys = append(keys, k)
			} else if k := secretKey(string(entry)); k != nil {
				secrets = append(secrets, k)
			} else { // ParseKeySet is strict
				return nil
			}
		}
		switch {
		case len(keys) > 0 && len(secrets) > 0: // NewKeySet takes no secret, NewHMACVerifier no public key
			return nil
		case len(secrets) > 0:
			keys = secrets
		}
		for i, k := range keys {
			for _, other := range keys[:i] {
				if other.ID == k.ID && other.Alg == k.Alg { // NewKeySet refuses the set
					return nil
				}
			}
		}
		return keys
	}
	for _, k := range []*jose.Key{secretKey(string(text)), publicKey(string(text))} {
		if k != nil {
			return []*jose.Key{k}
		}
	}
	return nil
}

func secretKey(text string) *jose.Key {
	j, err := jose.ParseJWK(text)
	if err != nil || j.Type != "oct" {
		return nil
	}
	secret, err := j.Secret()
	if err != nil {
		return nil
	}
	k, err := jose.NewHMACKey(j.KeyID, j.Alg, secret)
	if err != nil {
		return nil
	}
	return k
}

func publicKey(text string) *jose.Key {
	j, err := jose.ParseJWK(text)
	if err != nil || j.Type == "oct" {
		return nil
	}
	if !j.Private {
		k, err := j.PublicKey(jose.RS256)
		if err != nil {
			return nil
		}
		return k
	}
	signer, err := j.PrivateKey()
	if err != nil {
		return nil
	}
	k, err := jose.NewPublicKey(j.KeyID, j.Alg, signer.Public())
	if err != nil {
		return nil
	}
	return k
}

// verifies goes the way of jwt.Verifier up to the claims, which these payloads are not.
func verifies(keys []*jose.Key, raw json.RawMessage) bool {
	var token string
	if json.Unmarshal(raw, &token) != nil {
		return false // a JSON serialization
	}
	compact, err := jose.Split(token)
	if err != nil {
		return false
	}
	header, err := jose.ParseHeader(compact.Header, 16<<10)
	if err != nil {
		return false
	}
	for _, k := range keys {
		if k.Alg != header.Alg || header.KeyID != "" && k.ID != "" && header.KeyID != k.ID {
			continue
		}
		_, ok, err := compact.Verify(k)
		return ok && err == nil
	}
	return false
}

// TestWycheproofSignatures runs the vectors of the primitives, whose messages are no tokens.
func TestWycheproofSignatures(t *testing.T) {
	for _, tt := range []struct {
		file  string
		alg   jose.Alg
		least int
		none  bool // all must be refused
	}{
		{"ecdsa_secp256r1_sha256_p1363_test.json", jose.ES256, 250, false},
		{"ecdsa_secp384r1_sha384_p1363_test.json", jose.ES384, 270, false},
		{"ecdsa_secp521r1_sha512_p1363_test.json", jose.ES512, 300, false},
		{"ed25519_test.json", jose.EdDSA, 150, false},
		{"hmac_sha256_test.json", jose.HS256, 174, false},
		{"hmac_sha384_test.json", jose.HS384, 174, false},
		{"hmac_sha512_test.json", jose.HS512, 174, false},
		{"rsa_signature_2048_sha256_test.json", jose.RS256, 250, false},
		{"rsa_pss_2048_sha256_mgf1_32_test.json", jose.PS256, 100, false},
		{"rsa_pss_2048_sha256_mgf1_0_test.json", jose.PS256, 100, true}, // salt of another length: RFC 7518 §3.5
	} {
		t.Run(tt.file, func(t *testing.T) {
			var f struct {
				TestGroups []signatureGroup `json:"testGroups"`
			}
			load(t, tt.file, &f)
			ran := 0
			for _, g := range f.TestGroups {
				for _, test := range g.Tests {
					ran++
					if defects[tt.file][test.ID] != "" {
						continue
					}
					key := g.key(t, tt.alg, test.Key)
					if key == nil { // too short for JWA, and so refused
						continue
					}
					sig := decode(t, test.Sig+test.Tag)
					if g.TagSize != 0 && g.TagSize < 8*tt.alg.HashSize() && test.Result == "valid" {
						continue // a truncated tag, which JWA does not have
					}
					got := key.Verify(decode(t, test.Msg), sig)
					if want := test.Result == "valid" && !tt.none; got != want && test.Result != "acceptable" {
						t.Errorf("%d (%s): got %v, want %v", test.ID, test.Comment, got, want)
					}
				}
			}
			if ran < tt.least {
				t.Errorf("ran %d vectors, want at least %d", ran, tt.least)
			}
		})
	}
}

type signatureGroup struct {
	PublicKeyDER string `json:"publicKeyDer"`
	TagSize      int    `json:"tagSize"`
	Tests        []struct {
		ID      int    `json:"tcId"`
		Comment string `json:"comment"`
		Key     string `json:"key"`
		Msg     string `json:"msg"`
		Sig     string `json:"sig"`
		Tag     string `json:"tag"`
		Result  string `json:"result"`
	} `json:"tests"`
}

func (g signatureGroup) key(t *testing.T, alg jose.Alg, secret string) *jose.Key {
	t.Helper()
	if alg.Symmetric() {
		k, err := jose.NewHMACKey("", alg, decode(t, secret))
		if err != nil {
			return nil
		}
		return k
	}
	k, err := jose.NewPublicKey("", alg, parsePublic(t, g.PublicKeyDER))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestEveryDefectHasItsReason(t *testing.T) {
	for file, ids := range defects {
		for id, reason := range ids {
			if strings.TrimSpace(reason) == "" {
				t.Errorf("%s %d is skipped without a reason", file, id)
			}
		}
	}
}
