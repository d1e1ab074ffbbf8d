package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/cardea-go/auth/jwt"
)

// metadata is RFC 8414 §2. What this server does not do is not in it: there is no authorization endpoint, so that
// code_challenge_methods_supported is absent too.
type metadata struct {
	Issuer               string          `json:"issuer"`
	TokenEndpoint        string          `json:"token_endpoint"`
	JWKS                 string          `json:"jwks_uri,omitempty"`
	ResponseTypes        []string        `json:"response_types_supported"`
	Grants               []string        `json:"grant_types_supported"`
	TokenAuth            []string        `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs        []jwt.Algorithm `json:"token_endpoint_auth_signing_alg_values_supported"`
	Revocation           string          `json:"revocation_endpoint"`
	RevocationAuth       []string        `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgs   []jwt.Algorithm `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	Introspection        string          `json:"introspection_endpoint"`
	IntrospectionAuth    []string        `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAuthAlg []jwt.Algorithm `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	DPoPAlgs             []jwt.Algorithm `json:"dpop_signing_alg_values_supported,omitempty"`
	ProtectedResources   []string        `json:"protected_resources,omitempty"` // RFC 9728 §4
}

// algorithms are those of signatures that a public key verifies.
func algorithms() []jwt.Algorithm {
	return []jwt.Algorithm{jwt.EdDSA, jwt.ES256, jwt.ES384, jwt.ES512, jwt.PS256, jwt.PS384, jwt.PS512, jwt.RS256, jwt.RS384, jwt.RS512}
}

// document is written once.
func (s *Server) document() []byte {
	confidential := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	all := append(slices.Clone(confidential), "none")
	algorithms := algorithms()
	m := metadata{
		Issuer: s.c.Issuer, TokenEndpoint: s.tokenURL, ResponseTypes: []string{}, Grants: slices.Sorted(maps.Keys(s.grants)),
		TokenAuth: all, TokenAuthAlgs: algorithms,
		Revocation: s.endpoint("/revoke"), RevocationAuth: all, RevocationAuthAlgs: algorithms,
		Introspection: s.endpoint("/introspect"), IntrospectionAuth: confidential, IntrospectionAuthAlg: algorithms,
		ProtectedResources: s.c.Resources,
	}
	if s.c.Keys != nil {
		m.JWKS = s.endpoint("/jwks")
	}
	if s.c.DPoP != nil {
		m.DPoPAlgs = s.c.DPoP.Algorithms()
	}
	text, _ := json.Marshal(m) // of strings
	return text
}

const metadataControl = "public, max-age=300"

func (s *Server) serveMetadata(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", metadataControl)
	h.Set("Access-Control-Allow-Origin", "*") // for clients in browsers; there is nothing in it to protect
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(s.metadata)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(s.metadata) // the client went away
	}
}
