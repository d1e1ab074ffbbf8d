// Package discovery knows where authorization servers keep their metadata.
package discovery

import (
	"net/netip"
	"net/url"
	"strings"
)

// Addresses returns where the metadata of an issuer are: OpenID Connect Discovery 1.0 §4.1 appends the well-known path, RFC
// 8414 §3.1 puts it between host and path.
func Addresses(issuer string) []string {
	addresses := []string{strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"}
	if u, err := url.Parse(issuer); err == nil {
		u.Path = "/.well-known/oauth-authorization-server" + strings.TrimSuffix(u.Path, "/")
		addresses = append(addresses, u.String())
	}
	return addresses
}

// IsLoopback reports whether a host, without a port, is this machine.
func IsLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
