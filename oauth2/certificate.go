package oauth2

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
)

// A CertificateFunc returns the certificate that the client of a request has proved to hold, in DER; nil where it has
// none. An error means that the request is not to be believed, or that this is not known.
type CertificateFunc func(r *http.Request) (der []byte, err error)

// PeerCertificate is the [CertificateFunc] of a server that ends TLS itself: the certificate of the connection. It need
// not be issued by anybody in particular (RFC 8705 §2.2 takes self-signed ones), but the server must ask for it: set
// ClientAuth of tls.Config to at least tls.RequestClientCert.
func PeerCertificate(r *http.Request) ([]byte, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, nil
	}
	return r.TLS.PeerCertificates[0].Raw, nil
}

// A ForwardedCertificatesConfig configures [NewForwardedCertificates]. Proxies is required.
type ForwardedCertificatesConfig struct {
	// Proxies are the addresses of the proxies that end TLS and write Header. Required.
	Proxies []netip.Prefix
	// Header is the field that they write the certificate to. "" is Client-Cert (RFC 9440). The value is RFC 9440's
	// byte sequence, or PEM in percent-encoding, as nginx ($ssl_client_escaped_cert) and AWS write it.
	Header string
}

// ForwardedCertificates takes the certificates that proxies forward in a header. The header counts only in requests of
// the proxies that are listed; in any other it is the client's own invention, and the connection's certificate counts.
type ForwardedCertificates struct {
	proxies []netip.Prefix
	header  string
}

// NewForwardedCertificates returns what c describes.
func NewForwardedCertificates(c ForwardedCertificatesConfig) (*ForwardedCertificates, error) {
	var errs []error
	if len(c.Proxies) == 0 {
		errs = append(errs, errors.New("oauth2: ForwardedCertificatesConfig.Proxies is empty: name the prefixes of your proxies, or use PeerCertificate"))
	}
	f := &ForwardedCertificates{header: c.Header}
	for i, p := range c.Proxies {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		switch {
		case !p.IsValid():
			errs = append(errs, fmt.Errorf("oauth2: ForwardedCertificatesConfig.Proxies: prefix %d is not valid", i+1))
		case p.Bits() == 0:
			errs = append(errs, fmt.Errorf("oauth2: ForwardedCertificatesConfig.Proxies: %s trusts everybody: name the prefixes of your proxies", c.Proxies[i]))
		}
		f.proxies = append(f.proxies, p)
	}
	if f.header == "" {
		f.header = "Client-Cert"
	}
	f.header = http.CanonicalHeaderKey(f.header)
	if strings.Trim(f.header, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
		errs = append(errs, fmt.Errorf("oauth2: ForwardedCertificatesConfig.Header is %q: use the name of a header field", c.Header))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return f, nil
}

// Certificate is a [CertificateFunc].
func (f *ForwardedCertificates) Certificate(r *http.Request) ([]byte, error) {
	if !f.trusts(r) {
		return PeerCertificate(r)
	}
	values := r.Header[f.header]
	switch len(values) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, auth.Malformed(auth.ReasonRepeated, errForwardedTwice)
	}
	if values[0] == "" { // what nginx writes where there was no certificate
		return nil, nil
	}
	der, ok := decodeCertificate(values[0])
	if !ok {
		return nil, auth.Malformed(auth.ReasonMalformed, errForwardedForm)
	}
	return der, nil
}

var (
	errForwardedTwice = errors.New("oauth2: two forwarded certificates: the proxy must replace the field, not add to it")
	errForwardedForm  = errors.New("oauth2: forwarded certificate is neither RFC 9440 nor PEM in percent-encoding")
)

// Strip returns a handler that takes the header out of requests that do not come from a proxy, before next sees them, so
// that nothing behind it can take it for more than it is.
func (f *ForwardedCertificates) Strip(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, sent := r.Header[f.header]; sent && !f.trusts(r) {
			r = r.Clone(r.Context())
			r.Header.Del(f.header)
		}
		next.ServeHTTP(w, r)
	})
}

func (f *ForwardedCertificates) trusts(r *http.Request) bool {
	peer, err := auth.PeerAddr(r)
	return err == nil && slices.ContainsFunc(f.proxies, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// decodeCertificate reads a byte sequence (RFC 8941 §3.3.5: base64 between colons), or percent-encoded PEM.
func decodeCertificate(value string) ([]byte, bool) {
	if strings.HasPrefix(value, ":") {
		text, ok := strings.CutSuffix(value[1:], ":")
		der, err := base64.StdEncoding.DecodeString(text)
		return der, ok && err == nil && len(der) > 0
	}
	text, err := url.PathUnescape(value) // "+" is one of base64's characters here
	if err != nil {
		return nil, false
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, false
	}
	return block.Bytes, true
}
