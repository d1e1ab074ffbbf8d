package discovery_test

import (
	"slices"
	"testing"

	"github.com/cardea-go/auth/internal/discovery"
)

func TestAddresses(t *testing.T) {
	for issuer, want := range map[string][]string{
		"https://as.example": {"https://as.example/.well-known/openid-configuration", "https://as.example/.well-known/oauth-authorization-server"},
		// Auth0 has the slash in its issuer.
		"https://as.example/": {"https://as.example/.well-known/openid-configuration", "https://as.example/.well-known/oauth-authorization-server"},
		"https://as.example/realms/a": {
			"https://as.example/realms/a/.well-known/openid-configuration", "https://as.example/.well-known/oauth-authorization-server/realms/a",
		},
		"https://as.example/a/": {"https://as.example/a/.well-known/openid-configuration", "https://as.example/.well-known/oauth-authorization-server/a"},
	} {
		if got := discovery.Addresses(issuer); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", issuer, got, want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for _, host := range []string{"localhost", "127.0.0.1", "127.1.2.3", "::1"} {
		if !discovery.IsLoopback(host) {
			t.Errorf("%s is this machine", host)
		}
	}
	for _, host := range []string{"", "localhost.example", "127.0.0.1.example", "10.0.0.1", "0.0.0.0", "::", "127.1", "2130706433"} {
		if discovery.IsLoopback(host) {
			t.Errorf("%s is not this machine", host)
		}
	}
}
