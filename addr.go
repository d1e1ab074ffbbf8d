package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// An AddrFunc returns the address of the client behind a request, for address rules, throttling and events. It is safe
// for concurrent use. An error means that the address is not known: rules that need it refuse.
type AddrFunc func(r *http.Request) (netip.Addr, error)

var errPeer = errors.New("auth: the request's remote address is not an IP address")

// PeerAddr is the [AddrFunc] of a server without proxies: the address of the connection's other end. IPv4 in IPv6 is
// unmapped and a zone is dropped.
func PeerAddr(r *http.Request) (netip.Addr, error) {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return plain(ap.Addr()), nil
	}
	if a, err := netip.ParseAddr(r.RemoteAddr); err == nil {
		return plain(a), nil
	}
	return netip.Addr{}, errPeer
}

func plain(a netip.Addr) netip.Addr { return a.WithZone("").Unmap() }

// ForwardedFor returns the [AddrFunc] of a server behind proxies of the prefixes given. Where the peer is one of them,
// X-Forwarded-For is walked from the right, over every line, past trusted addresses, to the first that is not: what
// stands left of that was written by the client. Where the peer is not trusted, the header is not looked at. A value on
// the way that is no address makes the client unknown, which is an error.
func ForwardedFor(trusted ...netip.Prefix) (AddrFunc, error) {
	if len(trusted) == 0 {
		return nil, errors.New("auth: ForwardedFor without a proxy: name the prefixes of yours, or use PeerAddr")
	}
	trusted = slices.Clone(trusted)
	for i, p := range trusted {
		if !p.IsValid() {
			return nil, fmt.Errorf("auth: ForwardedFor: prefix %d is not valid", i+1)
		}
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			trusted[i] = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		if trusted[i].Bits() == 0 {
			return nil, fmt.Errorf("auth: ForwardedFor: %s trusts everybody: name the prefixes of your proxies", p)
		}
	}
	isTrusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return func(r *http.Request) (netip.Addr, error) {
		client, err := PeerAddr(r)
		if err != nil || !isTrusted(client) {
			return client, err
		}
		lines := r.Header["X-Forwarded-For"]
		for _, rest := range slices.Backward(lines) {
			for more := true; more; {
				var hop string
				if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
					rest, hop = rest[:comma], rest[comma+1:]
				} else {
					hop, more = rest, false
				}
				a, err := netip.ParseAddr(strings.Trim(hop, " \t"))
				if err != nil {
					return netip.Addr{}, errForwarded
				}
				if client = plain(a); !isTrusted(client) {
					return client, nil
				}
			}
		}
		return client, nil
	}, nil
}

var errForwarded = errors.New("auth: X-Forwarded-For holds a value that is no IP address")
