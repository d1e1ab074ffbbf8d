package jwt

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cardea-go/auth/internal/jose"
)

// PublicJWKS returns a JWK Set (RFC 7517 §5) of the keys given. It is written from public keys member by member: there
// is no way for a private or symmetric member into it.
func PublicJWKS(keys ...*PublicKey) ([]byte, error) {
	b := []byte(`{"keys":[`)
	for i, k := range keys {
		if k == nil || k.k == nil || k.k.Public == nil {
			return nil, errors.New("jwt: PublicJWKS: a nil or empty key: leave it out")
		}
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = jose.AppendPublicJWK(b, k.k); err != nil {
			return nil, fmt.Errorf("jwt: PublicJWKS: key %q: %w", k.ID(), err)
		}
	}
	return append(b, "]}"...), nil
}

// jwksDocument is a JWK Set as it is served.
type jwksDocument struct {
	body    []byte
	etag    string
	control string
}

func newJWKSDocument(maxAge time.Duration, keys []*PublicKey) (*jwksDocument, error) {
	body, err := PublicJWKS(keys...)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &jwksDocument{
		body: body, etag: `"` + jose.Encode(sum[:12]) + `"`,
		control: "public, max-age=" + strconv.Itoa(int(maxAge/time.Second)),
	}, nil
}

func (d *jwksDocument) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/jwk-set+json") // RFC 7517 §8.5.2
	h.Set("Cache-Control", d.control)
	h.Set("ETag", d.etag)
	h.Set("X-Content-Type-Options", "nosniff")
	if match := r.Header.Get("If-None-Match"); match == d.etag || match == "*" {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(d.body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(d.body) // the client went away
	}
}

// NewJWKSHandler returns a handler that serves fixed keys as a JWK Set, with an ETag and Cache-Control: max-age. maxAge
// must be 1 min to 24 h. For keys that rotate use [KeyRing.Handler].
func NewJWKSHandler(maxAge time.Duration, keys ...*PublicKey) (http.Handler, error) {
	if maxAge < time.Minute || maxAge > 24*time.Hour {
		return nil, fmt.Errorf("jwt: NewJWKSHandler: max-age %v: use 1m to 24h", maxAge)
	}
	if len(keys) == 0 {
		return nil, errors.New("jwt: NewJWKSHandler: no key: a set without keys breaks every verifier that reads it")
	}
	return newJWKSDocument(maxAge, keys)
}
