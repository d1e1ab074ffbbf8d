package jose

// Limits of a header.
const (
	DefaultHeaderBytes = 1 << 10 // of base64url text
	MaxKeyIDBytes      = 128
)

// A Header is a JOSE header (RFC 7515 §4), reduced to what a verifier acts on. Keys and addresses of keys that a token
// brings along (jwk, jku, x5c, x5u) are not read at all: RFC 8725 §3.10. It is immutable.
type Header struct {
	Alg   Alg
	KeyID string
	Type  string
	// JWK is the text of the "jwk" member, for proofs that carry their key by definition (RFC 9449 §4.2).
	// A verifier of tokens never looks at it.
	JWK string
}

// ParseHeader reads the header part of a token, which must be base64url text of at most maxBytes. Every member that
// would change how the token is to be read is refused: crit, even with names that we know (RFC 7515 §4.1.11), b64
// (RFC 7797), zip and enc (RFC 7516), cty that says the payload is another token (RFC 7519 §5.2).
func ParseHeader(text string, maxBytes int) (*Header, error) {
	if len(text) > maxBytes {
		return nil, ErrHeader
	}
	raw, err := Decode(text)
	if err != nil {
		return nil, err
	}
	return scanHeader(string(raw))
}

func scanHeader(raw string) (*Header, error) {
	h := &Header{}
	o := NewObject(raw, true)
	alg, ok := "", true
	extension := false
	for o.Next() && ok {
		switch o.Name {
		case "alg":
			alg, ok = o.Value.String()
		case "kid":
			h.KeyID, ok = o.Value.String()
			ok = ok && h.KeyID != "" && len(h.KeyID) <= MaxKeyIDBytes
		case "typ":
			h.Type, ok = o.Value.String()
			ok = ok && h.Type != ""
		case "cty":
			var cty string
			cty, ok = o.Value.String()
			extension = extension || MediaType(cty, "JWT")
		case "jwk":
			h.JWK, ok = o.Value.Raw, o.Value.Kind == '{'
		case "crit", "b64", "zip", "enc":
			extension = true
		default:
			ok = !reservedHeader(o.Name)
		}
	}
	switch {
	case !ok || o.Err() != nil:
		return nil, ErrHeader
	case extension:
		return nil, ErrExtension
	}
	if h.Alg, ok = ParseAlg(alg); !ok {
		return nil, ErrAlg
	}
	return h, nil
}

// reservedHeader reports whether name is that of a member that we act on, in another case: whoever reads the header
// with encoding/json would take it for that member.
func reservedHeader(name string) bool {
	for _, known := range [...]string{"alg", "kid", "typ", "cty", "crit", "b64", "zip", "enc", "jwk"} {
		if equalFold(name, known) {
			return true
		}
	}
	return false
}

// MediaType reports whether typ is the media type short, in any case, with or without the prefix "application/"
// (RFC 7515 §4.1.9).
func MediaType(typ, short string) bool {
	const prefix = "application/"
	if len(typ) > len(prefix) && equalFold(typ[:len(prefix)], prefix) {
		typ = typ[len(prefix):]
	}
	return equalFold(typ, short)
}
