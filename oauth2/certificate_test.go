package oauth2_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/oauth2"
)

func newCertificate(t *testing.T) *x509.Certificate {
	t.Helper()
	as := newIssuer("")
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: testTime.Add(time.Hour)}
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, as.key.Public(), as.key))))
}

func over(r *http.Request, c *x509.Certificate) *http.Request {
	r.TLS = &tls.ConnectionState{}
	if c != nil {
		r.TLS.PeerCertificates = []*x509.Certificate{c}
	}
	return r
}

// A token with cnf.x5t#S256 needs the same client certificate on this connection; a forwarded-certificate header counts
// only from listed proxies and is stripped otherwise.
func TestStatement66CertificateBoundTokens(t *testing.T) {
	as, mine, other := newIssuer(testIssuer), newCertificate(t), newCertificate(t)
	token := as.token(bound("", oauth2.CertificateThumbprint(mine.Raw)))
	h := handler(t, newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) { c.Certificate = oauth2.PeerCertificate }))
	wantOK(t, h, over(bearer(token), mine))
	wantOK(t, h, bearer(as.token(nil)))
	for name, r := range map[string]*http.Request{
		"another certificate":                  over(bearer(token), other),
		"no certificate":                       over(bearer(token), nil),
		"no TLS":                               bearer(token),
		"a header of its own":                  get("Authorization", "Bearer "+token, "Client-Cert", ":"+base64.StdEncoding.EncodeToString(mine.Raw)+":"),
		"no certificate, and a token for none": over(bearer(as.token(bound("", oauth2.CertificateThumbprint(nil)))), nil),
		"cut thumbprint":                       over(bearer(as.token(bound("", oauth2.CertificateThumbprint(mine.Raw)[:40]))), mine),
	} {
		t.Run(name, func(t *testing.T) { wantRefusal(t, h, r, 401, "Bearer", "error", "invalid_token") })
	}
	unaware := handler(t, newAuthenticator(t, as.verifier(), nil))
	wantRefusal(t, unaware, over(bearer(token), mine), 401, "Bearer", "error", "invalid_token")
	strict := handler(t, newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		c.Certificate, c.RequireBinding = oauth2.PeerCertificate, true
	}))
	wantOK(t, strict, over(bearer(token), mine))
	wantRefusal(t, strict, over(bearer(as.token(nil)), mine), 401, "Bearer", "error", "invalid_token")
}

func TestStatement66ForwardedCertificates(t *testing.T) {
	as, mine, proxys := newIssuer(testIssuer), newCertificate(t), newCertificate(t)
	token := as.token(bound("", oauth2.CertificateThumbprint(mine.Raw)))
	inPEM := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mine.Raw}))
	byteSequence := ":" + base64.StdEncoding.EncodeToString(mine.Raw) + ":"
	f := must(oauth2.NewForwardedCertificates(oauth2.ForwardedCertificatesConfig{
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::ffff:192.168.0.0/112")},
	}))
	h := handler(t, newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) { c.Certificate = f.Certificate }))
	for _, tt := range []struct {
		name, peer string
		values     []string
		connection *x509.Certificate
		status     int
	}{
		{"RFC 9440 from a proxy", "10.1.2.3:4", []string{byteSequence}, nil, 200},
		{"percent-encoded PEM from a proxy", "10.1.2.3:4", []string{url.PathEscape(inPEM)}, nil, 200},
		{"PEM with plus signs as they are", "10.1.2.3:4", []string{strings.NewReplacer("\n", "%0A", " ", "%20").Replace(inPEM)}, nil, 200},
		{"from a proxy that was named in IPv6", "192.168.0.9:4", []string{byteSequence}, nil, 200},
		{"the proxy's own certificate does not matter", "10.1.2.3:4", []string{byteSequence}, proxys, 200},
		{"the proxy's own certificate is not the client's", "10.1.2.3:4", nil, mine, 401},
		{"from a client that names itself a proxy", "203.0.113.1:4", []string{byteSequence}, nil, 401},
		{"from a client with the certificate itself", "203.0.113.1:4", nil, mine, 200},
		{"from somewhere unknown", "@", []string{byteSequence}, nil, 401},
		{"an empty field is no certificate", "10.1.2.3:4", []string{""}, nil, 401},
		{"two fields", "10.1.2.3:4", []string{byteSequence, byteSequence}, nil, 400},
		{"garbage", "10.1.2.3:4", []string{"garbage"}, nil, 400},
		{"a byte sequence that does not end", "10.1.2.3:4", []string{byteSequence[:20]}, nil, 400},
		{"an empty byte sequence", "10.1.2.3:4", []string{"::"}, nil, 400},
		{"a bad percent-encoding", "10.1.2.3:4", []string{"%zz"}, nil, 400},
		{"PEM of a key", "10.1.2.3:4", []string{url.PathEscape(strings.ReplaceAll(inPEM, "CERTIFICATE", "PRIVATE KEY"))}, nil, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := over(bearer(token), tt.connection)
			r.RemoteAddr = tt.peer
			r.Header["Client-Cert"] = tt.values
			if resp := authtest.Do(h, r); resp.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
			}
			var behind []string
			f.Strip(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { behind = r.Header["Client-Cert"] })).ServeHTTP(nil, r)
			if fromProxy := strings.HasPrefix(tt.peer, "10.") || strings.HasPrefix(tt.peer, "192."); !fromProxy && behind != nil {
				t.Errorf("got %q behind Strip", behind)
			} else if fromProxy && len(behind) != len(tt.values) {
				t.Errorf("got %q behind Strip, want what the proxy sent", behind)
			}
		})
	}
	for name, c := range map[string]oauth2.ForwardedCertificatesConfig{
		"no proxy":                           {},
		"everybody":                          {Proxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}},
		"everybody in IPv4, written as IPv6": {Proxies: []netip.Prefix{netip.MustParsePrefix("::ffff:0.0.0.0/96")}},
		"no valid prefix":                    {Proxies: []netip.Prefix{{}}},
		"no field name":                      {Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Header: "a b"},
	} {
		if f, err := oauth2.NewForwardedCertificates(c); f != nil || err == nil {
			t.Errorf("%s: got %v and %v", name, f, err)
		}
	}
}

// What is read of a forwarded certificate is what base64 holds in it, or nothing.
func FuzzForwardedCertificate(f *testing.F) {
	c := must(oauth2.NewForwardedCertificates(oauth2.ForwardedCertificatesConfig{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}))
	f.Add(":AQID:")
	f.Add("-----BEGIN%20CERTIFICATE-----%0AAQID%0A-----END%20CERTIFICATE-----%0A")
	f.Add("")
	f.Add("::")
	f.Fuzz(func(t *testing.T, value string) {
		r := get()
		r.RemoteAddr, r.Header["Client-Cert"] = "10.0.0.1:1", []string{value}
		der, err := c.Certificate(r)
		if err != nil && (der != nil || auth.KindOf(err) != auth.KindMalformed) {
			t.Fatalf("got %x and %v", der, err)
		}
		if len(der) > len(value) {
			t.Fatalf("got %d bytes of %d", len(der), len(value))
		}
	})
}

// The same over real connections, with a self-signed certificate that nobody vouches for (RFC 8705 §2.2).
func TestStatement66OverTLS(t *testing.T) {
	as, client := newIssuer(testIssuer), newIssuer("")
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: time.Now().Add(time.Hour)}
	der := must(x509.CreateCertificate(rand.Reader, template, template, client.key.Public(), client.key))
	token := as.token(bound("", oauth2.CertificateThumbprint(der)))
	server := httptest.NewUnstartedServer(handler(t, newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		c.Certificate = oauth2.PeerCertificate
	})))
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS13}
	server.StartTLS()
	defer server.Close()
	for _, tt := range []struct {
		name         string
		certificates []tls.Certificate
		status       int
	}{
		{"with the certificate", []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: client.key}}, 200},
		{"without it", nil, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := server.Client()
			transport := c.Transport.(*http.Transport).Clone()
			transport.TLSClientConfig.Certificates = tt.certificates
			defer transport.CloseIdleConnections()
			r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil))
			r.Header.Set("Authorization", "Bearer "+token)
			resp, err := (&http.Client{Transport: transport}).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
}
