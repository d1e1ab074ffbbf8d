package jwt

import "github.com/cardea-go/auth/internal/jose"

// An Algorithm is a signature algorithm, by its registered name (RFC 7518 §3.1, RFC 8037 §3.1).
type Algorithm string

// The algorithms. There is no "none", no ES256K and no encryption.
const (
	EdDSA Algorithm = "EdDSA" // with Ed25519; tokens may name it "Ed25519" as well (RFC 9864)
	ES256 Algorithm = "ES256"
	ES384 Algorithm = "ES384"
	ES512 Algorithm = "ES512"
	PS256 Algorithm = "PS256"
	PS384 Algorithm = "PS384"
	PS512 Algorithm = "PS512"
	RS256 Algorithm = "RS256"
	RS384 Algorithm = "RS384"
	RS512 Algorithm = "RS512"
	HS256 Algorithm = "HS256" // HMACs are for NewHMACVerifier only
	HS384 Algorithm = "HS384"
	HS512 Algorithm = "HS512"
)

func (a Algorithm) parse() (jose.Alg, bool) { return jose.ParseAlg(string(a)) }
