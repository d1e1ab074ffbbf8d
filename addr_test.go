package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cardea-go/auth"
)

func TestClientAddresses(t *testing.T) {
	forwarded := func(trusted ...string) auth.AddrFunc {
		f, err := auth.ForwardedFor(prefixes(trusted...)...)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	local := forwarded("10.0.0.0/8", "::1/128", "::ffff:192.168.0.0/112")
	for _, tt := range []struct {
		name  string
		f     auth.AddrFunc
		peer  string
		lines []string
		want  string // "": an error
	}{
		{"the peer", auth.PeerAddr, "192.0.2.1:80", nil, "192.0.2.1"},
		{"the peer, and no header", auth.PeerAddr, "10.0.0.1:80", []string{"192.0.2.9"}, "10.0.0.1"},
		{"a peer without a port", auth.PeerAddr, "192.0.2.1", nil, "192.0.2.1"},
		{"IPv4 in IPv6 is IPv4", auth.PeerAddr, "[::ffff:192.0.2.1]:80", nil, "192.0.2.1"},
		{"a zone is dropped", auth.PeerAddr, "[fe80::1%eth0]:80", nil, "fe80::1"},
		{"a socket's name is no address", auth.PeerAddr, "@", nil, ""},
		{"an untrusted peer's header is not looked at", local, "192.0.2.1:80", []string{"198.51.100.1"}, "192.0.2.1"},
		{"a proxy's client", local, "10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"what the client wrote stands left of it", local, "10.0.0.1:80", []string{"1.2.3.4, 198.51.100.1"}, "198.51.100.1"},
		{"several proxies, several lines", local, "10.0.0.1:80", []string{"1.2.3.4", "198.51.100.1, 192.168.3.4", "10.0.0.2"}, "198.51.100.1"},
		{"only proxies: the leftmost of them", local, "10.0.0.1:80", []string{"10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		{"a proxy that says nothing", local, "10.0.0.1:80", nil, "10.0.0.1"},
		{"garbage on the way", local, "10.0.0.1:80", []string{"198.51.100.1, garbage"}, ""},
		{"an empty element on the way", local, "10.0.0.1:80", []string{"198.51.100.1,"}, ""},
		{"garbage further left does not matter", local, "10.0.0.1:80", []string{"garbage, 198.51.100.1"}, "198.51.100.1"},
		{"a peer that is no address", local, "@", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = tt.peer
			r.Header["X-Forwarded-For"] = tt.lines
			got, err := tt.f(r)
			if (err == nil) != (tt.want != "") || err == nil && got.String() != tt.want {
				t.Errorf("got %v and error %v, want %q", got, err, tt.want)
			}
		})
	}
	for _, bad := range [][]string{nil, {""}, {"0.0.0.0/0"}, {"::/0"}} {
		if _, err := auth.ForwardedFor(prefixes(bad...)...); err == nil {
			t.Errorf("got no error for %q", bad)
		}
	}
}
