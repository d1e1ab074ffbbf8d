package oauth2

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/dpop"
)

// confirm checks that the sender of a token is the one that it was issued to, as far as the token says who that is. r is
// nil where there is no request to check anything of. The certificate comes first: a proof is used up by checking it.
func (a *Authenticator) confirm(r *http.Request, t *Token, token string, asDPoP bool) (*dpop.Proof, error) {
	cnf := t.Confirmation
	switch {
	case cnf == nil && (asDPoP || a.c.RequireBinding):
		return nil, refuse(ErrNotBound) // RFC 9449 §7.1: the token "MUST" be bound where it comes as DPoP
	case cnf == nil:
		return nil, nil
	case cnf.JWKThumbprint == "" && cnf.CertificateThumbprint == "" || r == nil:
		return nil, refuse(ErrBound)
	case cnf.JWKThumbprint == "" && asDPoP:
		return nil, refuse(ErrNotBound)
	case cnf.JWKThumbprint != "" && a.c.DPoP == nil, cnf.CertificateThumbprint != "" && a.c.Certificate == nil:
		return nil, refuse(ErrBound)
	case cnf.JWKThumbprint != "" && !asDPoP:
		return nil, refuse(ErrDowngrade) // RFC 9449 §7.2
	}
	if cnf.CertificateThumbprint != "" {
		if err := a.confirmCertificate(r, cnf.CertificateThumbprint); err != nil {
			return nil, err
		}
	}
	if cnf.JWKThumbprint == "" {
		return nil, nil
	}
	proof, err := dpop.FromHeader(r.Header)
	if err != nil {
		return nil, err
	}
	return a.c.DPoP.Verify(r.Context(), proof, dpop.Request{
		Method: r.Method, URL: a.c.ExternalURL + requestPath(r), AccessToken: token, Thumbprint: cnf.JWKThumbprint,
	})
}

func (a *Authenticator) confirmCertificate(r *http.Request, thumbprint string) error {
	der, err := a.c.Certificate(r)
	switch {
	case errors.Is(err, auth.ErrNoCredential), errors.Is(err, auth.ErrUnrecognized):
		return auth.Unavailable(errAbsent) // the token is recognised: no later member of a chain may rescue it
	case err != nil:
		return auth.AsError(err)
	case len(der) == 0:
		return refuse(ErrCertificate)
	}
	if subtle.ConstantTimeCompare([]byte(CertificateThumbprint(der)), []byte(thumbprint)) != 1 {
		return refuse(ErrCertificate)
	}
	return nil
}

// CertificateThumbprint returns what x5t#S256 is for a certificate in DER (RFC 8705 §3.1).
func CertificateThumbprint(der []byte) string {
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// requestPath returns the path that the client asked for, as it wrote it. r.URL is not that behind a handler that cuts a
// prefix off.
func requestPath(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, _, _ := strings.Cut(r.RequestURI, "?")
		return path
	}
	return r.URL.EscapedPath()
}

func joinAlgorithms(algs []jwt.Algorithm) string {
	names := make([]string, len(algs))
	for i, a := range algs {
		names[i] = string(a)
	}
	return strings.Join(names, " ")
}
