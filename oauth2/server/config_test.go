package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

func TestConfigNamesEveryMistake(t *testing.T) {
	w := newWorld(t, nil)
	for _, tt := range []struct {
		name   string
		change func(*server.Config)
		want   string
	}{
		{"no issuer", func(c *server.Config) { c.Issuer = "" }, "Issuer"},
		{"an issuer without a host", func(c *server.Config) { c.Issuer = "https:///x" }, "Issuer"},
		{"an issuer with a user", func(c *server.Config) { c.Issuer = "https://a@b.example" }, "Issuer"},
		{"an issuer with a query", func(c *server.Config) { c.Issuer = "https://a.example?" }, "query"},
		{"an issuer with a fragment", func(c *server.Config) { c.Issuer = "https://a.example#x" }, "fragment"},
		{"an issuer with a wildcard", func(c *server.Config) { c.Issuer = "https://a.example/{x}" }, "path"},
		{"an issuer with an empty segment", func(c *server.Config) { c.Issuer = "https://a.example//x" }, "path"},
		{"an issuer that ends in two slashes", func(c *server.Config) { c.Issuer = "https://a.example/x//" }, "path"},
		{"an issuer with dots for segments", func(c *server.Config) { c.Issuer = "https://a.example/../x" }, "path"},
		{"an issuer that is not ASCII", func(c *server.Config) { c.Issuer = "https://a.example/ä" }, "path"},
		{"http", func(c *server.Config) { c.Issuer = "http://a.example" }, "https"},
		{"no clients", func(c *server.Config) { c.Clients = nil }, "Clients"},
		{"no resources", func(c *server.Config) { c.Resources = nil }, "Resources"},
		{"a relative resource", func(c *server.Config) { c.Resources = []string{"api"} }, "Resources"},
		{"no keys", func(c *server.Config) { c.Keys = nil }, "OpaqueKeys"},
		{"two kinds of keys", func(c *server.Config) { c.OpaqueKeys = [][]byte{make([]byte, 32)} }, "OpaqueKeys"},
		{"a short key", func(c *server.Config) { c.Keys, c.OpaqueKeys = nil, [][]byte{make([]byte, 31)} }, "OpaqueKeys[0]"},
		{"a key that was never filled", func(c *server.Config) { c.Keys, c.OpaqueKeys = nil, [][]byte{make([]byte, 32)} }, "OpaqueKeys[0] is nothing but zeros"},
		{"five keys", func(c *server.Config) { c.Keys, c.OpaqueKeys = nil, make([][]byte, 5) }, "up to 4"},
		{"a long life", func(c *server.Config) { c.AccessLifetime = 2 * time.Hour }, "AccessLifetime"},
		{"a short life", func(c *server.Config) { c.AccessLifetime = time.Second }, "AccessLifetime"},
		{"an issuer that is not for JWTs", func(c *server.Config) { c.Sessions.Client = "x" }, "Sessions"},
		{"sessions of its own", func(c *server.Config) { c.Sessions.Access = refresh.JWT(nil) }, "Sessions"},
		{"no store", func(c *server.Config) { c.Sessions.Store = nil }, "Store"},
		{"no password check", func(c *server.Config) { c.LegacyPassword = &server.LegacyPassword{} }, "Verify"},
		{"a password client that can't be", func(c *server.Config) {
			c.LegacyPassword = &server.LegacyPassword{Verify: verifyPassword, Client: "a b"}
		}, "LegacyPassword.Client"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := w.config
			tt.change(&c)
			if _, err := server.New(c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one about %s", err, tt.want)
			}
		})
	}
	if _, err := server.New(server.Config{}); err == nil || strings.Count(err.Error(), "\n") < 2 {
		t.Errorf("got %v, want every mistake", err)
	}
	local := w.config
	local.Issuer = "http://127.0.0.1:8080/"
	if _, err := server.New(local); err != nil {
		t.Errorf("loopback: got %v", err)
	}
}

func TestClientConfigNamesEveryMistake(t *testing.T) {
	_, hash := server.NewSecret()
	key, err := jwt.NewSigningKey("", "", mustECDSA())
	check(t, err)
	keys, err := jwt.NewKeySet(key.Public())
	check(t, err)
	for _, tt := range []struct {
		name   string
		change func(*server.ClientConfig)
		want   string
	}{
		{"no id", func(c *server.ClientConfig) { c.ID = "" }, "ID"},
		{"an id with a space", func(c *server.ClientConfig) { c.ID = "a b" }, "ID"},
		{"a long id", func(c *server.ClientConfig) { c.ID = strings.Repeat("x", 129) }, "ID"},
		{"no way to authenticate", func(c *server.ClientConfig) { c.Secrets = nil }, "exactly one"},
		{"public with secrets", func(c *server.ClientConfig) { c.Public = true }, "exactly one"},
		{"five secrets", func(c *server.ClientConfig) { c.Secrets = []server.SecretHash{hash, hash, hash, hash, hash} }, "up to 4"},
		{"a secret in clear", func(c *server.ClientConfig) { c.Secrets = []server.SecretHash{"secret"} }, "Secrets[0]"},
		{"a broken hash", func(c *server.ClientConfig) {
			c.Secrets = []server.SecretHash{server.SecretHash("sha256:" + strings.Repeat("!", 43))}
		}, "Secrets[0]"},
		{"keys without algorithms", func(c *server.ClientConfig) { c.Secrets, c.Keys = nil, keys }, "Algorithms"},
		{"an algorithm that is none", func(c *server.ClientConfig) {
			c.Secrets, c.Keys, c.Algorithms = nil, keys, []jwt.Algorithm{"none"}
		}, "none"},
		{"an unknown grant", func(c *server.ClientConfig) { c.Grants = []server.Grant{"implicit"} }, "implicit"},
		{"a login as a grant", func(c *server.ClientConfig) { c.Grants = []server.Grant{server.GrantLogin} }, "login"},
		{"client credentials of a public client", func(c *server.ClientConfig) { c.Secrets, c.Public = nil, true }, "public"},
		{"unlimited scopes", func(c *server.ClientConfig) { c.Scopes = auth.Unlimited() }, "unlimited"},
		{"defaults beyond the scopes", func(c *server.ClientConfig) { c.DefaultScopes = auth.MustScopeSet("x") }, "DefaultScopes"},
		{"no resources", func(c *server.ClientConfig) { c.Resources = nil }, "Resources"},
		{"a resource with a fragment", func(c *server.ClientConfig) { c.Resources = []string{api + "#x"} }, "Resources"},
		{"a public service", func(c *server.ClientConfig) { c.Secrets, c.Public, c.Grants, c.Serves = nil, true, nil, []string{api} }, "Serves"},
		{"a service without a URI", func(c *server.ClientConfig) { c.Serves = []string{"api"} }, "Serves"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := server.ClientConfig{ID: "c", Secrets: []server.SecretHash{hash}, Grants: []server.Grant{server.GrantClientCredentials}, Resources: []string{api}}
			tt.change(&c)
			if _, err := server.NewClient(c); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one about %s", err, tt.want)
			}
		})
	}
	client, err := server.NewClient(server.ClientConfig{ID: "c", Public: true, Scopes: auth.MustScopeSet("read")})
	check(t, err)
	if client.Scopes().String() != "read" || len(client.Resources()) != 0 || !client.Public() {
		t.Error("a client forgets what it is")
	}
	if _, err := server.NewClients(client, client); err == nil {
		t.Error("got no error for one id twice")
	}
	if _, err := server.NewClients(nil); err == nil {
		t.Error("got no error for a nil client")
	}
	source, err := server.NewClients(client)
	check(t, err)
	if _, err := source.Client(context.Background(), "x"); !errors.Is(err, server.ErrUnknownClient) {
		t.Errorf("got %v", err)
	}
}
