package jwt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// Each row is one attack, named with a CVE where it was one.

// TestAttacksOnTheToken tries whole tokens on a verifier that takes EdDSA access tokens.
func TestAttacksOnTheToken(t *testing.T) {
	v := newVerifier(nil)
	good := sign(goodHeader, goodClaims(nil))
	if _, err := v.Verify(context.Background(), good); err != nil {
		t.Fatalf("the good token is refused: %v", errors.Unwrap(err))
	}
	header, payload, signature := cut(good)
	unsigned := func(h string) string { return b64([]byte(h)) + "." + payload + "." }
	pss := rawSign("PS256", testKeys.rsa(), `{"alg":"PS256","kid":"k1","typ":"at+jwt"}`, goodClaims(nil))
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: must(x509.MarshalPKIXPublicKey(testKeys.ed().Public()))})

	for _, tt := range []struct {
		name  string
		token string
		want  error
	}{
		{"alg none without a signature (CVE-2015-9235)", unsigned(`{"alg":"none","typ":"at+jwt"}`), jwt.ErrMalformed},
		{"alg none with some signature", b64([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + payload + "." + signature, jwt.ErrAlgorithm},
		{"alg noNE", b64([]byte(`{"alg":"noNE","typ":"at+jwt"}`)) + "." + payload + "." + signature, jwt.ErrAlgorithm},
		{"alg empty", sign(`{"alg":"","kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrAlgorithm},
		{"alg missing", sign(`{"kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrAlgorithm},
		{"alg in lower case", sign(`{"alg":"eddsa","kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrAlgorithm},
		{"alg null", sign(`{"alg":null,"kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrMalformed},
		{"alg ES256K", sign(`{"alg":"ES256K","kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrAlgorithm},
		{"HMAC with the public key as the secret (CVE-2026-33322)", rawSign("HS256", publicPEM, `{"alg":"HS256","kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrAlgorithm},
		{"HMAC with the raw public key as the secret", rawSign("HS256", []byte(testKeys.ed()[32:]), `{"alg":"HS256","kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrAlgorithm},
		{"an algorithm that is not allowed", pss, jwt.ErrAlgorithm},
		{"alg says RS256, the signature is EdDSA", sign(`{"alg":"RS256","kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrAlgorithm},

		{"kid that climbs out of a directory", sign(`{"alg":"EdDSA","kid":"../../dev/null","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrUnknownKey},
		{"kid that is SQL", sign(`{"alg":"EdDSA","kid":"x' UNION SELECT 'k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrUnknownKey},
		{"kid of another key", sign(`{"alg":"EdDSA","kid":"k2","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrUnknownKey},
		{"kid too long", sign(`{"alg":"EdDSA","kid":"`+strings.Repeat("k", 129)+`","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrMalformed},
		{"kid empty", sign(`{"alg":"EdDSA","kid":"","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrMalformed},
		{"kid a number", sign(`{"alg":"EdDSA","kid":1,"typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrMalformed},
		{"kid twice", sign(`{"alg":"EdDSA","kid":"k1","kid":"k2","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrMalformed},

		{"another key embedded as jwk (CVE-2018-0114)", rawSign("EdDSA", testKeys.other(), `{"alg":"EdDSA","kid":"k1","typ":"at+jwt","jwk":`+otherJWK()+`}`, goodClaims(nil)), jwt.ErrSignature},
		{"another key by jku (CVE-2026-41413)", rawSign("EdDSA", testKeys.other(), `{"alg":"EdDSA","kid":"k1","typ":"at+jwt","jku":"http://127.0.0.1:1/"}`, goodClaims(nil)), jwt.ErrSignature},
		{"another key by x5u", rawSign("EdDSA", testKeys.other(), `{"alg":"EdDSA","kid":"k1","typ":"at+jwt","x5u":"http://127.0.0.1:1/"}`, goodClaims(nil)), jwt.ErrSignature},
		{"another key by x5c", rawSign("EdDSA", testKeys.other(), `{"alg":"EdDSA","kid":"k1","typ":"at+jwt","x5c":["AAAA"]}`, goodClaims(nil)), jwt.ErrSignature},
		{"another key altogether", rawSign("EdDSA", testKeys.other(), goodHeader, goodClaims(nil)), jwt.ErrSignature},

		{"crit with an unknown name (CVE-2025-59420)", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","crit":["x"],"x":1}`, goodClaims(nil)), jwt.ErrUnsupported},
		{"crit with a name that is absent", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","crit":["x"]}`, goodClaims(nil)), jwt.ErrUnsupported},
		{"crit with a registered name", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","crit":["alg"]}`, goodClaims(nil)), jwt.ErrUnsupported},
		{"crit empty", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","crit":[]}`, goodClaims(nil)), jwt.ErrUnsupported},
		{"CRIT", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","CRIT":["x"]}`, goodClaims(nil)), jwt.ErrMalformed},
		{"b64 false without crit (RFC 7797)", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","b64":false}`, goodClaims(nil)), jwt.ErrUnsupported},
		{"b64 false with crit", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","b64":false,"crit":["b64"]}`, goodClaims(nil)), jwt.ErrUnsupported},
		{"b64 true", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","b64":true}`, goodClaims(nil)), jwt.ErrUnsupported},
		{"zip", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","zip":"DEF"}`, goodClaims(nil)), jwt.ErrUnsupported},
		{"a token in a token (cty JWT)", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","cty":"JWT"}`, goodClaims(nil)), jwt.ErrUnsupported},
		{"cty application/jwt", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","cty":"application/jwt"}`, goodClaims(nil)), jwt.ErrUnsupported},

		{"alg twice, none first", sign(`{"alg":"none","alg":"EdDSA","kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrMalformed},
		{"alg twice, none last", sign(`{"alg":"EdDSA","alg":"none","kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrMalformed},
		{"alg and ALG", sign(`{"alg":"EdDSA","ALG":"none","kid":"k1","typ":"at+jwt"}`, goodClaims(nil)), jwt.ErrMalformed},
		{"header with something after it", sign(goodHeader+`{}`, goodClaims(nil)), jwt.ErrMalformed},
		{"header an array", sign(`["EdDSA"]`, goodClaims(nil)), jwt.ErrMalformed},
		{"header with a byte order mark", sign("\ufeff"+goodHeader, goodClaims(nil)), jwt.ErrMalformed},
		{"header that is no UTF-8", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","x":"`+"\xff"+`"}`, goodClaims(nil)), jwt.ErrMalformed},
		{"header longer than 1 KiB", sign(`{"alg":"EdDSA","kid":"k1","typ":"at+jwt","x":"`+strings.Repeat("x", 1024)+`"}`, goodClaims(nil)), jwt.ErrMalformed},

		{"signature padded", good + "==", jwt.ErrMalformed},
		{"signature in the standard alphabet", header + "." + payload + "." + withStd(header, payload), jwt.ErrMalformed},
		{"LF in the signature", good[:len(good)-5] + "\n" + good[len(good)-5:], jwt.ErrMalformed},
		{"CR in the signature", good[:len(good)-5] + "\r" + good[len(good)-5:], jwt.ErrMalformed},
		{"LF at the end", good + "\n", jwt.ErrMalformed},
		{"space before", " " + good, jwt.ErrMalformed},
		{"space after", good + " ", jwt.ErrMalformed},
		{"last character not canonical", good[:len(good)-1] + nextChar(good[len(good)-1]), jwt.ErrMalformed},
		{"payload padded", header + "." + payload + "=." + signature, jwt.ErrSignature},
		{"LF in the payload, signed so", signRaw(header, payload[:4]+"\n"+payload[4:]), jwt.ErrMalformed},
		{"payload padded, signed so", signRaw(header, payload+"="), jwt.ErrMalformed},
		{"LF in the header, signed so", signRaw(header[:4]+"\n"+header[4:], payload), jwt.ErrMalformed},

		{"empty", "", jwt.ErrMalformed},
		{"one part", header, jwt.ErrMalformed},
		{"two parts", header + "." + payload, jwt.ErrMalformed},
		{"an empty signature", header + "." + payload + ".", jwt.ErrMalformed},
		{"an empty payload", header + ".." + signature, jwt.ErrMalformed},
		{"an empty header", "." + payload + "." + signature, jwt.ErrMalformed},
		{"a dot more", good + ".", jwt.ErrMalformed},
		{"four parts", good + "." + payload, jwt.ErrMalformed},
		{"five parts: encrypted (CVE-2023-51774)", good + "." + payload + "." + payload, jwt.ErrUnsupported},
		{"nothing but dots (CVE-2025-30204)", strings.Repeat(".", 8000), jwt.ErrMalformed},
		{"flattened JSON serialization", `{"protected":"` + header + `","payload":"` + payload + `","signature":"` + signature + `"}`, jwt.ErrMalformed},
		{"JSON serialization around a good token", `{"x":"` + good + `"}`, jwt.ErrMalformed},
		{"longer than 8 KiB", good + strings.Repeat("A", 8192), jwt.ErrTooLong},
		{"1 MiB", strings.Repeat("A", 1<<20), jwt.ErrTooLong},

		{"a DER signature's length", header + "." + payload + "." + b64(make([]byte, 70)), jwt.ErrSignature},
		{"a signature of zeros", header + "." + payload + "." + b64(make([]byte, 64)), jwt.ErrSignature},
		{"a short signature", header + "." + payload + "." + b64(make([]byte, 63)), jwt.ErrSignature},
		{"the payload changed", header + "." + b64([]byte(goodClaims(object{"sub": "mallory"}))) + "." + signature, jwt.ErrSignature},
		{"the header changed", b64([]byte(strings.Replace(goodHeader, "{", "{ ", 1))) + "." + payload + "." + signature, jwt.ErrSignature},

		{"typ of an ID token", sign(`{"alg":"EdDSA","kid":"k1","typ":"JWT"}`, goodClaims(nil)), jwt.ErrType},
		{"no typ", sign(`{"alg":"EdDSA","kid":"k1"}`, goodClaims(nil)), jwt.ErrType},
		{"typ of a logout token", sign(`{"alg":"EdDSA","kid":"k1","typ":"logout+jwt"}`, goodClaims(nil)), jwt.ErrType},
		{"typ of a DPoP proof", sign(`{"alg":"EdDSA","kid":"k1","typ":"dpop+jwt"}`, goodClaims(nil)), jwt.ErrType},
		{"typ of something else that ends so", sign(`{"alg":"EdDSA","kid":"k1","typ":"x/at+jwt"}`, goodClaims(nil)), jwt.ErrType},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims, err := v.Verify(context.Background(), tt.token)
			checkRefusal(t, claims, err, tt.want)
		})
	}
}

func cut(token string) (header, payload, signature string) {
	parts := strings.Split(token, ".")
	return parts[0], parts[1], parts[2]
}

// signRaw signs parts that are encoded already.
func signRaw(header, payload string) string {
	input := header + "." + payload
	return input + "." + b64(rawSignature("EdDSA", testKeys.ed(), input))
}

// withStd returns a good signature with a character of the standard alphabet in it.
func withStd(header, payload string) string {
	sig := rawSignature("EdDSA", testKeys.ed(), header+"."+payload)
	text := base64.RawStdEncoding.EncodeToString(sig)
	if !strings.ContainsAny(text, "+/") {
		text = "+" + text[1:]
	}
	return text
}

// nextChar returns a character that decodes to the same bytes for a decoder that ignores trailing bits.
func nextChar(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)+1:][:1]
}

func otherJWK() string {
	return string(must(must(jwt.NewPublicKey("k1", "", testKeys.other().Public())).MarshalJSON()))
}

// TestAttacksOnTheClaims tries claims that the issuer has signed.
func TestAttacksOnTheClaims(t *testing.T) {
	now := testTime.Unix()
	text := func(member string) string { // the good claims with a member more, whatever they have already
		return strings.TrimSuffix(goodClaims(nil), "}") + "," + member + "}"
	}
	without := func(name, member string) string {
		return strings.TrimSuffix(goodClaims(object{name: nil}), "}") + "," + member + "}"
	}
	for _, tt := range []struct {
		name   string
		claims string
		want   error // nil: accepted
	}{
		{"exp missing", goodClaims(object{"exp": nil}), jwt.ErrMissingClaim},
		{"exp 0", without("exp", `"exp":0`), jwt.ErrExpired},
		{"exp negative", without("exp", `"exp":-1`), jwt.ErrExpired},
		{"exp null", without("exp", `"exp":null`), jwt.ErrClaims},
		{"exp true", without("exp", `"exp":true`), jwt.ErrClaims},
		{"exp a string of digits", without("exp", fmt.Sprintf(`"exp":"%d"`, now+600)), jwt.ErrClaims},
		{"exp an RFC 3339 date", without("exp", `"exp":"2030-01-01T00:00:00Z"`), jwt.ErrClaims},
		{"exp 1e10, which is the year 2286", without("exp", `"exp":1e10`), nil},
		{"exp 1e300", without("exp", `"exp":1e300`), jwt.ErrClaims},
		{"exp 1e400", without("exp", `"exp":1e400`), jwt.ErrClaims},
		{"exp 2^63", without("exp", `"exp":9223372036854775808`), jwt.ErrClaims},
		{"exp in milliseconds", without("exp", fmt.Sprintf(`"exp":%d`, (now+600)*1000)), jwt.ErrClaims},
		{"exp in the year 10000", without("exp", `"exp":253402300800`), jwt.ErrClaims},
		{"exp twice, past and future", text(`"exp":1`), jwt.ErrClaims},
		{"exp and EXP", text(`"EXP":99999999999`), jwt.ErrClaims},
		{"exp written with an escape beside exp", text(`"\u0065xp":1`), jwt.ErrClaims},
		{"exp written with an escape", without("exp", fmt.Sprintf(`"\u0065xp":%d`, now+600)), nil},
		{"exp this second", without("exp", fmt.Sprintf(`"exp":%d`, now)), jwt.ErrExpired},
		{"exp this second and a fraction", without("exp", fmt.Sprintf(`"exp":%d.9`, now)), jwt.ErrExpired},
		{"exp the next second", without("exp", fmt.Sprintf(`"exp":%d`, now+1)), nil},
		{"nbf this second", text(fmt.Sprintf(`"nbf":%d`, now)), nil},
		{"nbf a fraction from now", text(fmt.Sprintf(`"nbf":%d.1`, now)), jwt.ErrNotYetValid},
		{"nbf the next second", text(fmt.Sprintf(`"nbf":%d`, now+1)), jwt.ErrNotYetValid},
		{"nbf a string", text(`"nbf":"0"`), jwt.ErrClaims},
		{"iat the next second", goodClaims(object{"iat": now + 1}), jwt.ErrNotYetValid},
		{"iat a string", goodClaims(object{"iat": "0"}), jwt.ErrClaims},
		{"iat missing", goodClaims(object{"iat": nil}), jwt.ErrMissingClaim},

		{"aud missing (CVE-2023-22482)", goodClaims(object{"aud": nil}), jwt.ErrAudience},
		{"aud another", goodClaims(object{"aud": "https://other.example"}), jwt.ErrAudience},
		{"aud ours and a slash", goodClaims(object{"aud": testAudience + "/"}), jwt.ErrAudience},
		{"aud an array with ours (CVE-2020-26160)", goodClaims(object{"aud": []string{"x", testAudience}}), nil},
		{"aud an array without ours", goodClaims(object{"aud": []string{"x", "y"}}), jwt.ErrAudience},
		{"aud an empty array", goodClaims(object{"aud": []string{}}), jwt.ErrAudience},
		{"aud an empty string", goodClaims(object{"aud": ""}), jwt.ErrAudience},
		{"aud a number", goodClaims(object{"aud": 1}), jwt.ErrClaims},
		{"aud null", without("aud", `"aud":null`), jwt.ErrClaims},
		{"aud an object", goodClaims(object{"aud": object{testAudience: 1}}), jwt.ErrClaims},
		{"aud an array with ours and a number", goodClaims(object{"aud": []any{testAudience, 1}}), jwt.ErrClaims},
		{"aud an array in an array", goodClaims(object{"aud": []any{[]string{testAudience}}}), jwt.ErrClaims},

		{"iss missing", goodClaims(object{"iss": nil}), jwt.ErrIssuer},
		{"iss another", goodClaims(object{"iss": "https://evil.example"}), jwt.ErrIssuer},
		{"iss with a slash more", goodClaims(object{"iss": testIssuer + "/"}), jwt.ErrIssuer},
		{"iss in another case", goodClaims(object{"iss": strings.ToUpper(testIssuer)}), jwt.ErrIssuer},
		{"iss that ours is a prefix of (CVE-2024-5037)", goodClaims(object{"iss": testIssuer + ".evil.example"}), jwt.ErrIssuer},
		{"iss an array", goodClaims(object{"iss": []string{testIssuer}}), jwt.ErrClaims},
		{"iss another and ISS ours", goodClaims(object{"iss": "https://evil.example", "ISS": testIssuer}), jwt.ErrClaims},
		{"ISS alone", goodClaims(object{"iss": nil, "ISS": testIssuer}), jwt.ErrClaims},
		{"iss written with a long s", goodClaims(object{"iſſ": "x"}), jwt.ErrClaims},

		{"sub missing", goodClaims(object{"sub": nil}), jwt.ErrMissingClaim},
		{"sub empty (CVE-2026-23990)", goodClaims(object{"sub": ""}), jwt.ErrMissingClaim},
		{"sub a number", goodClaims(object{"sub": 1}), jwt.ErrClaims},
		{"sub null", without("sub", `"sub":null`), jwt.ErrClaims},
		{"SUB beside sub", text(`"SUB":"admin"`), jwt.ErrClaims},
		{"client_id missing", goodClaims(object{"client_id": nil}), jwt.ErrMissingClaim},
		{"jti missing", goodClaims(object{"jti": nil}), jwt.ErrMissingClaim},
		{"jti a number", goodClaims(object{"jti": 1}), jwt.ErrClaims},
		{"scope an array", goodClaims(object{"scope": []string{"a"}}), jwt.ErrClaims},
		{"cnf a string", goodClaims(object{"cnf": "x"}), jwt.ErrClaims},

		{"a custom claim twice", text(`"a":1,"a":2`), jwt.ErrClaims},
		{"a custom claim twice in an object", text(`"a":{"b":1,"b":2}`), jwt.ErrClaims},
		{"a custom claim in two cases", text(`"role":"user","Role":"admin"`), jwt.ErrClaims},
		{"a custom claim in two cases by Unicode folding", text(`"kind":1,"` + "\u212a" + `ind":2`), jwt.ErrClaims},
		{"names in two cases in an object, as tenants have", text(`"a":{"b":1,"B":2}`), nil},
		{"something after the claims", goodClaims(nil) + `{}`, jwt.ErrClaims},
		{"a byte after the claims", goodClaims(nil) + "\x00", jwt.ErrClaims},
		{"space around the claims", " \r\n\t" + goodClaims(nil) + "\r\n", nil},
		{"claims an array", `[]`, jwt.ErrClaims},
		{"claims a string", `"x"`, jwt.ErrClaims},
		{"claims empty", `{}`, jwt.ErrIssuer},
		{"claims that end early", goodClaims(nil)[:40], jwt.ErrClaims},
		{"a comma at the end", strings.TrimSuffix(goodClaims(nil), "}") + ",}", jwt.ErrClaims},
		{"a byte order mark", "\ufeff" + goodClaims(nil), jwt.ErrClaims},
		{"no UTF-8", text(`"x":"` + "\xff" + `"`), jwt.ErrClaims},
		{"a lone surrogate", text(`"x":"\ud800"`), jwt.ErrClaims},
		{"a lone low surrogate", text(`"x":"\udc00"`), jwt.ErrClaims},
		{"half a pair of surrogates and a letter", text(`"x":"\ud800\u0041"`), jwt.ErrClaims},
		{"a pair of surrogates", text(`"x":"\ud83d\ude00"`), nil},
		{"a control character in a string", text("\"x\":\"\x01\""), jwt.ErrClaims},
		{"nesting 32 deep", text(`"x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31)), nil},
		{"nesting 33 deep", text(`"x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32)), jwt.ErrClaims},
		{"nesting 2000 deep", text(`"x":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000)), jwt.ErrClaims},
		{"expired and another audience: the audience it is", goodClaims(object{"exp": 1, "aud": "x"}), jwt.ErrAudience},
		{"expired and not yet valid: that it is", goodClaims(object{"exp": 1, "nbf": now + 60}), jwt.ErrNotYetValid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := newVerifier(nil)
			for range 2 { // with the header unknown, and known
				claims, err := v.Verify(context.Background(), sign(goodHeader, tt.claims))
				if tt.want != nil {
					checkRefusal(t, claims, err, tt.want)
				} else if err != nil {
					t.Errorf("got %v (cause %v), want the claims", err, errors.Unwrap(err))
				}
			}
		})
	}
}

func TestAnExpiredTokenWithABadSignatureIsNotExpired(t *testing.T) { // CVE-2024-51744
	token := rawSign("EdDSA", testKeys.other(), goodHeader, goodClaims(object{"exp": 1}))
	_, err := newVerifier(nil).Verify(context.Background(), token)
	if errors.Is(err, jwt.ErrExpired) || !errors.Is(err, jwt.ErrSignature) {
		t.Errorf("got %v, want ErrSignature and not ErrExpired", errors.Unwrap(err))
	}
}

// TestAttacksOnKeys tries signatures and keys that fit each other too well.
func TestAttacksOnKeys(t *testing.T) {
	verifier := func(algs []jwt.Algorithm, keys ...*jwt.PublicKey) *jwt.Verifier {
		return newVerifier(func(c *jwt.Config) { c.Algorithms, c.Keys = algs, must(jwt.NewKeySet(keys...)) })
	}
	head := func(alg string) string { return `{"alg":"` + alg + `","kid":"k1","typ":"at+jwt"}` }
	p256 := must(jwt.NewPublicKey("k1", jwt.ES256, &testKeys.p256().PublicKey))
	rs256 := must(jwt.NewPublicKey("k1", jwt.RS256, &testKeys.rsa().PublicKey))
	ps256 := must(jwt.NewPublicKey("k1", jwt.PS256, &testKeys.rsa().PublicKey))
	everything := []jwt.Algorithm{jwt.RS256, jwt.PS256, jwt.ES256, jwt.ES384, jwt.EdDSA}

	good := rawSign("ES256", testKeys.p256(), head("ES256"), goodClaims(nil))
	h, p, s := cut(good)
	sig := must(base64.RawURLEncoding.DecodeString(s))
	order := elliptic.P256().Params().N
	fixed := func(r, s *big.Int) string { return h + "." + p + "." + b64(rawECDSA(testKeys.p256(), r, s)) }
	der := must(testKeys.p256().Sign(nil, sha256Sum([]byte(h+"."+p)), crypto256))

	for _, tt := range []struct {
		name  string
		v     *jwt.Verifier
		token string
		want  error
	}{
		{"an RS256 key and a PS256 token", verifier(everything, rs256), rawSign("PS256", testKeys.rsa(), head("PS256"), goodClaims(nil)), jwt.ErrAlgorithm},
		{"a PS256 key and an RS256 token", verifier(everything, ps256), rawSign("RS256", testKeys.rsa(), head("RS256"), goodClaims(nil)), jwt.ErrAlgorithm},
		{"an ES256 key and an ES384 token", verifier(everything, p256), rawSign("ES384", testKeys.p384(), head("ES384"), goodClaims(nil)), jwt.ErrAlgorithm},
		{"a good RS256 token where ES256 alone is allowed", verifier([]jwt.Algorithm{jwt.ES256}, rs256, p256), rawSign("RS256", testKeys.rsa(), head("RS256"), goodClaims(nil)), jwt.ErrAlgorithm},
		{"a zero more before s", verifier(everything, p256), h + "." + p + "." + b64(slices.Insert(slices.Clone(sig), 32, 0)), jwt.ErrSignature},
		{"RS256 in the header and PSS in the signature", verifier(everything, rs256), h2(head("RS256")) + b64(rawSignature("PS256", testKeys.rsa(), strings.TrimSuffix(h2(head("RS256")), "."))), jwt.ErrSignature},
		{"r = s = 0 (CVE-2022-21449)", verifier(everything, p256), fixed(new(big.Int), new(big.Int)), jwt.ErrSignature},
		{"r = s = n", verifier(everything, p256), fixed(order, order), jwt.ErrSignature},
		{"r = n, s = 1", verifier(everything, p256), fixed(order, big.NewInt(1)), jwt.ErrSignature},
		{"r + n", verifier(everything, p256), h + "." + p + "." + b64(append([]byte{1}, sig...)), jwt.ErrSignature},
		{"a DER signature", verifier(everything, p256), h + "." + p + "." + b64(der), jwt.ErrSignature},
		{"a signature that is too short", verifier(everything, p256), h + "." + p + "." + b64(sig[:63]), jwt.ErrSignature},
		{"PSS with a salt of another length (Wycheproof SaltLenChanged)", verifier(everything, ps256), h2(head("PS256")) + b64(pssWithSalt(20, strings.TrimSuffix(h2(head("PS256")), "."))), jwt.ErrSignature},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims, err := tt.v.Verify(context.Background(), tt.token)
			checkRefusal(t, claims, err, tt.want)
		})
	}
	t.Run("ECDSA is malleable, so that a signature is no identity: s and n-s both verify", func(t *testing.T) {
		r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
		if _, err := verifier(everything, p256).Verify(context.Background(), fixed(r, s.Sub(order, s))); err != nil {
			t.Errorf("got %v; if this is refused now, say so in the documentation", err)
		}
	})
	t.Run("ES256 does not fit a P-384 key", func(t *testing.T) {
		if k, err := jwt.NewPublicKey("k1", jwt.ES256, &testKeys.p384().PublicKey); err == nil || k != nil {
			t.Error("got a key, want an error")
		}
	})
}

// h2 returns the signing input with a dot after it.
func h2(header string) string { return b64([]byte(header)) + "." + b64([]byte(goodClaims(nil))) + "." }

func TestSameKidUnderTwoIssuers(t *testing.T) {
	const other = "https://other.example"
	otherKeys := must(jwt.NewKeySet(must(jwt.NewPublicKey("k1", jwt.EdDSA, testKeys.other().Public()))))
	v := newVerifier(func(c *jwt.Config) { c.Issuers = []jwt.TrustedIssuer{{Issuer: other, Keys: otherKeys}} })
	otherToken := func(iss string) string {
		return rawSign("EdDSA", testKeys.other(), goodHeader, goodClaims(object{"iss": iss}))
	}
	for _, tt := range []struct {
		name, token string
		want        error
	}{
		{"each issuer's token is verified with its own key", sign(goodHeader, goodClaims(nil)), nil},
		{"the other's too", otherToken(other), nil},
		{"a token of one, signed with the key of the other, is refused (CVE-2024-8901)", otherToken(testIssuer), jwt.ErrSignature},
		{"and the other way round", sign(goodHeader, goodClaims(object{"iss": other})), jwt.ErrSignature},
		{"an issuer that is not trusted", sign(goodHeader, goodClaims(object{"iss": "https://evil.example"})), jwt.ErrIssuer},
		{"no issuer", sign(goodHeader, goodClaims(object{"iss": nil})), jwt.ErrIssuer},
		{"issuer twice", sign(goodHeader, `{"iss":"`+testIssuer+`",`+strings.TrimPrefix(goodClaims(nil), "{")), jwt.ErrClaims},
		{"a payload that is no base64", strings.Replace(sign(goodHeader, goodClaims(nil)), ".", ".!", 1), jwt.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			claims, err := v.Verify(context.Background(), tt.token)
			if tt.want != nil {
				checkRefusal(t, claims, err, tt.want)
			} else if err != nil {
				t.Error(errors.Unwrap(err))
			}
		})
	}
}

func TestATokenWithoutKid(t *testing.T) {
	token := sign(`{"alg":"EdDSA","typ":"at+jwt"}`, goodClaims(nil))
	if _, err := newVerifier(nil).Verify(context.Background(), token); err != nil {
		t.Errorf("with one key: got %v, want it verified", err)
	}
	two := newVerifier(func(c *jwt.Config) {
		c.Keys = must(jwt.NewKeySet(must(jwt.NewPublicKey("k1", "", testKeys.ed().Public())), must(jwt.NewPublicKey("k2", "", testKeys.other().Public()))))
	})
	claims, err := two.Verify(context.Background(), token)
	checkRefusal(t, claims, err, jwt.ErrUnknownKey)
	unnamed := newVerifier(func(c *jwt.Config) {
		c.Keys = must(jwt.NewKeySet(must(jwt.NewPublicKey("", "", testKeys.ed().Public()))))
	})
	if _, err := unnamed.Verify(context.Background(), sign(goodHeader, goodClaims(nil))); err != nil {
		t.Errorf("a key without an id takes any kid: got %v", err)
	}
}

func TestALongTokenCostsNothing(t *testing.T) {
	v := newVerifier(nil)
	long := strings.Repeat("A", 1<<20)
	for _, token := range []string{
		long, "eyJ." + long + ".x", long + "." + long + "." + long, strings.Repeat(".", 1<<20),
	} {
		var before, after runtime.MemStats
		const runs = 100
		runtime.ReadMemStats(&before)
		for range runs {
			if _, err := v.Verify(context.Background(), token); !errors.Is(err, jwt.ErrTooLong) {
				t.Fatal("not refused for its length")
			}
		}
		runtime.ReadMemStats(&after)
		if n := (after.TotalAlloc - before.TotalAlloc) / runs; n > 1024 {
			t.Errorf("got %d bytes allocated for a token of %d, want a constant few", n, len(token))
		}
	}
}

func TestAPayloadIsNotDecodedBeforeItsSignatureIsChecked(t *testing.T) {
	// 1 MiB is allowed here, and the payload is no JSON: a verifier that decoded it first would say so, and would have
	// allocated for it.
	v := newVerifier(func(c *jwt.Config) { c.MaxBytes = jwt.MaxMaxBytes })
	_, _, signature := cut(sign(goodHeader, goodClaims(nil)))
	token := b64([]byte(goodHeader)) + "." + strings.Repeat("!", 1<<19) + "." + signature
	claims, err := v.Verify(context.Background(), token)
	checkRefusal(t, claims, err, jwt.ErrSignature)
}

func TestATokenIsNotTakenFromTheURL(t *testing.T) { // CVE-2026-44883
	a := must(jwt.NewAuthenticator(jwt.AuthenticatorConfig{Verifier: newVerifier(nil)}))
	r := httptest.NewRequest("GET", "/?access_token="+sign(goodHeader, goodClaims(nil)), http.NoBody)
	if _, err := a.Authenticate(r); !errors.Is(err, auth.ErrNoCredential) {
		t.Errorf("got %v, want ErrNoCredential", err)
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	v := newVerifier(nil)
	const canary = "canary-4711"
	for _, token := range []string{
		canary, canary + "." + canary + "." + canary,
		sign(`{"alg":"`+canary+`"}`, goodClaims(nil)), sign(goodHeader, canary),
		sign(`{"alg":"EdDSA","kid":"`+canary+`","typ":"at+jwt"}`, goodClaims(nil)),
		sign(`{"alg":"EdDSA","kid":"k1","typ":"`+canary+`"}`, goodClaims(nil)),
		sign(goodHeader, goodClaims(object{"iss": canary})), sign(goodHeader, goodClaims(object{"aud": canary})),
		sign(goodHeader, goodClaims(object{"exp": canary})), sign(goodHeader, goodClaims(object{"sub": canary, "exp": 1})),
	} {
		_, err := v.Verify(context.Background(), token)
		for e := err; e != nil; e = errors.Unwrap(e) {
			if text := fmt.Sprintf("%v %+v %#v", e, e, e); strings.Contains(text, canary) || strings.Contains(text, token) {
				t.Errorf("the error quotes the token: %s", text)
			}
		}
	}
}

func TestLeeway(t *testing.T) {
	v := newVerifier(func(c *jwt.Config) { c.Leeway = 0 }) // 30 s
	for _, tt := range []struct {
		claim  string
		offset time.Duration
		want   error
	}{
		{"exp", -29 * time.Second, nil}, {"exp", -30 * time.Second, jwt.ErrExpired},
		{"nbf", 30 * time.Second, nil}, {"nbf", 31 * time.Second, jwt.ErrNotYetValid},
		{"iat", 30 * time.Second, nil}, {"iat", 31 * time.Second, jwt.ErrNotYetValid},
	} {
		_, err := v.Verify(context.Background(), sign(goodHeader, goodClaims(object{tt.claim: testTime.Add(tt.offset).Unix()})))
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s %v from now: got %v, want %v", tt.claim, tt.offset, errors.Unwrap(err), tt.want)
		}
	}
}

func TestWeakKeysAreRefused(t *testing.T) {
	offCurve := &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)} //nolint:staticcheck // the way to a bad key
	for _, tt := range weakKeys() {
		t.Run(tt.name, func(t *testing.T) {
			if k, err := jwt.NewPublicKey("k1", tt.alg, tt.key); err == nil || k != nil || !strings.HasPrefix(err.Error(), "jwt: ") {
				t.Errorf("got %v, want an error of jwt", err)
			}
		})
	}
	if k, err := jwt.NewPublicKey("k1", "", offCurve); err == nil || k != nil {
		t.Error("a point that is not on the curve was taken")
	}
}
