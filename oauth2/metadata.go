package oauth2

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/discovery"
	"github.com/cardea-go/auth/jwt"
)

// A Resource describes a service to clients that do not know yet where its tokens come from (RFC 9728). URL and
// AuthorizationServers are required.
type Resource struct {
	// URL is the resource identifier: what clients call the service, and what aud of its tokens should be. It is an
	// https URL without query and fragment; http is for loopback addresses only. Required.
	URL string
	// AuthorizationServers are the issuers of its tokens. Required.
	AuthorizationServers []string
	// Scopes are those that clients may ask for. Nil lists none.
	Scopes []string
	// Name is for people; Documentation, Policy and Terms are URLs. "" leaves them out.
	Name, Documentation, Policy, Terms string

	// DPoPAlgorithms, DPoPRequired and CertificateBound say how tokens are bound. [NewAuthenticator] fills them in from
	// what it enforces.
	DPoPAlgorithms   []jwt.Algorithm
	DPoPRequired     bool
	CertificateBound bool
}

// resource returns c.Resource with what the authenticator enforces.
func (c *AuthenticatorConfig) resource() Resource {
	r := *c.Resource
	r.DPoPAlgorithms, r.DPoPRequired, r.CertificateBound = nil, false, c.Certificate != nil
	if c.DPoP != nil {
		r.DPoPAlgorithms = c.DPoP.Algorithms()
		r.DPoPRequired = c.RequireBinding && c.Certificate == nil
	}
	return r
}

// Metadata is the handler of a protected resource's metadata. It is safe for concurrent use.
type Metadata struct {
	url, path string
	body      []byte
}

const wellKnown = "/.well-known/oauth-protected-resource"

// NewMetadata returns the handler for the metadata of r. Mount it, without a guard, on [Metadata.Path].
func NewMetadata(r Resource) (*Metadata, error) {
	errs := []error{checkResourceURL("URL", r.URL)}
	if len(r.AuthorizationServers) == 0 {
		errs = append(errs, errors.New("oauth2: Resource.AuthorizationServers is empty: name the issuer of your tokens"))
	}
	for _, issuer := range r.AuthorizationServers {
		errs = append(errs, checkResourceURL("AuthorizationServers", issuer))
	}
	if _, err := auth.NewScopeSet(r.Scopes...); err != nil {
		errs = append(errs, fmt.Errorf("oauth2: Resource.Scopes: %w", err))
	}
	if slices.Contains(r.Scopes, "offline_access") {
		errs = append(errs, errors.New("oauth2: Resource.Scopes: offline_access asks for a refresh token, which is no business of a resource: leave it out"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	body, _ := json.Marshal(struct { // RFC 9728 §2; plain strings can't fail
		Resource             string          `json:"resource"`
		AuthorizationServers []string        `json:"authorization_servers"`
		Scopes               []string        `json:"scopes_supported,omitempty"`
		Methods              []string        `json:"bearer_methods_supported"`
		Name                 string          `json:"resource_name,omitempty"`
		Documentation        string          `json:"resource_documentation,omitempty"`
		Policy               string          `json:"resource_policy_uri,omitempty"`
		Terms                string          `json:"resource_tos_uri,omitempty"`
		CertificateBound     bool            `json:"tls_client_certificate_bound_access_tokens,omitempty"`
		DPoPAlgorithms       []jwt.Algorithm `json:"dpop_signing_alg_values_supported,omitempty"`
		DPoPRequired         bool            `json:"dpop_bound_access_tokens_required,omitempty"`
	}{
		r.URL, r.AuthorizationServers, r.Scopes, []string{"header"}, r.Name, r.Documentation, r.Policy, r.Terms,
		r.CertificateBound, r.DPoPAlgorithms, r.DPoPRequired,
	})
	// RFC 9728 §3.1: the well-known path comes between host and path, and a slash that ends the host goes.
	base := origin(r.URL)
	path := wellKnown
	if rest := r.URL[len(base):]; rest != "/" {
		path += rest
	}
	return &Metadata{url: base + path, path: path, body: append(body, '\n')}, nil
}

// checkResourceURL refuses what RFC 9728 §1.2 and RFC 8414 §2 do not take as an identifier.
func checkResourceURL(field, text string) error {
	u, err := url.Parse(text)
	if err != nil || !isHTTP(u) || u.RawQuery != "" || u.ForceQuery || strings.ContainsAny(text, "#\"\\ {}<>^`|") {
		return fmt.Errorf("oauth2: Resource.%s: %q: use a URL such as https://api.example.com, without query and fragment", field, text)
	}
	if u.Scheme != "https" && !discovery.IsLoopback(u.Hostname()) {
		return fmt.Errorf("oauth2: Resource.%s: %q: use https; http is for loopback addresses only", field, text)
	}
	return nil
}

// origin returns scheme and host of a URL that has been checked.
func origin(text string) string {
	start := strings.Index(text, "//") + 2
	if i := strings.IndexByte(text[start:], '/'); i >= 0 {
		return text[:start+i]
	}
	return text
}

// URL is where clients find the metadata: what resource_metadata says in challenges.
func (m *Metadata) URL() string { return m.url }

// Path is the path of URL, to mount the handler on.
func (m *Metadata) Path() string { return m.path }

// ServeHTTP answers GET and HEAD, from any origin: there is nothing secret in it, and clients in browsers need it.
func (m *Metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=3600")
		h.Set("Content-Length", strconv.Itoa(len(m.body)))
		_, _ = w.Write(m.body) // a client that has gone away is no error of ours
	case http.MethodOptions:
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		h.Set("Access-Control-Allow-Headers", "*")
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}
