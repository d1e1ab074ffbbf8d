package server_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/oauth2/server"
)

// A client that may not refresh gets an access token alone, and nothing is kept.
func TestPasswordWithoutSession(t *testing.T) {
	var fail bool
	w := newWorld(t, func(c *server.Config) {
		c.Policy = func(_ context.Context, a server.Ask) (auth.ScopeSet, error) {
			if fail {
				return auth.ScopeSet{}, errDown
			}
			return a.Scopes, nil
		}
	})
	form := form("grant_type", "password", "username", "alice", "password", "right", "client_id", "kiosk")
	kiosk := w.client(server.ClientConfig{ID: "kiosk", Public: true, Grants: []server.Grant{server.GrantLegacyPassword}, Resources: []string{api}})
	c := w.config
	var err error
	c.Clients, err = server.NewClients(kiosk)
	check(t, err)
	s, err := server.New(c)
	check(t, err)
	w.handler = s.Handler()
	got := w.token(form)
	if got.status != 200 || got.body["refresh_token"] != nil || w.store.calls.Load() != 0 {
		t.Errorf("got %d %v, %d calls of the store", got.status, got.body, w.store.calls.Load())
	}
	fail = true
	w.token(form).is(t, 503, "temporarily_unavailable")
}

// A session that names no audience was not made by this server, and gets no token for everybody.
func TestSessionWithoutAudience(t *testing.T) {
	w := newWorld(t, nil)
	other, err := refresh.New(refresh.Config{
		Store: w.store, Keys: w.config.Sessions.Keys, Clock: w.clock.now,
		Access: refresh.AccessFunc(func(context.Context, refresh.Access) (refresh.AccessToken, error) {
			return refresh.AccessToken{Token: "x"}, nil
		}),
	})
	check(t, err)
	tokens, err := other.Issue(t.Context(), refresh.Login{Subject: "alice", Client: "phone"})
	check(t, err)
	w.token(form("grant_type", "refresh_token", "client_id", "phone", "refresh_token", tokens.RefreshToken)).is(t, 400, "invalid_target")
}

// An opaque token that is too long to be sent is not made.
func TestOpaqueTokenTooLong(t *testing.T) {
	var resources []string
	for n := range 16 {
		resources = append(resources, "https://api.example.com/"+strings.Repeat(string(rune('a'+n)), 450))
	}
	var err error
	w := newWorld(t, func(c *server.Config) {
		opaque(c)
		c.Resources = resources
	})
	big := w.client(server.ClientConfig{ID: "big", Secrets: w.secrets("big", 1), Grants: []server.Grant{server.GrantClientCredentials}, Resources: resources})
	c := w.config
	kiosk := w.client(server.ClientConfig{ID: "phone", Public: true, Grants: []server.Grant{server.GrantLegacyPassword}, Resources: resources})
	c.Clients, err = server.NewClients(big, kiosk)
	check(t, err)
	s, err := server.New(c)
	check(t, err)
	w.handler = s.Handler()
	pairs := []string{"grant_type", "client_credentials"}
	for _, r := range resources {
		pairs = append(pairs, "resource", r)
	}
	w.token(form(pairs...), w.as("big")).is(t, 503, "temporarily_unavailable")
	pairs[1] = "password"
	w.token(form(append(pairs, "username", "alice", "password", "right")...)).is(t, 503, "temporarily_unavailable")
}

func TestIntrospectionOfBoundRefreshToken(t *testing.T) {
	w := newWorld(t, nil)
	key := authtest.NewDPoPKey(w.clock.now)
	tokens, err := w.server.Sessions().Issue(t.Context(), refresh.Login{Subject: "alice", Client: "web", JWKThumbprint: key.Thumbprint()})
	check(t, err)
	got := w.post("/introspect", form("token", tokens.RefreshToken), w.as("web"))
	if cnf, _ := got.body["cnf"].(map[string]any); cnf["jkt"] != key.Thumbprint() {
		t.Errorf("got %v", got.body)
	}
}

func TestOtherMethods(t *testing.T) {
	w := newWorld(t, func(c *server.Config) { c.Observer = nil })
	for _, path := range []string{"/token", "/revoke", "/introspect"} {
		got := w.post(path, "", func(r *http.Request) { r.Method = http.MethodGet })
		if got.status != 405 || got.header.Get("Allow") != "POST" {
			t.Errorf("%s: got %d, Allow %q", path, got.status, got.header.Get("Allow"))
		}
	}
	if got := w.credentials("worker"); got.status != 200 {
		t.Errorf("without an observer: got %d", got.status)
	}
}

// What a policy may answer beside the usual.
func TestPolicyAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"step up":   {&auth.Error{Kind: auth.KindStepUp}, 400, "unauthorized_client"},
		"malformed": {auth.Malformed("x", nil), 400, "invalid_request"},
		"throttled": {auth.Throttled(0), 429, "temporarily_unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *server.Config) {
				c.Policy = func(context.Context, server.Ask) (auth.ScopeSet, error) { return auth.ScopeSet{}, tt.err }
			})
			w.credentials("worker").is(t, tt.status, tt.code)
			w.login("web").is(t, tt.status, tt.code)
		})
	}
}

// Keys and lists that the caller changes later are not ours.
func TestConfigIsCopied(t *testing.T) {
	key := bytes.Repeat([]byte("a"), 32)
	resources := []string{api, files}
	w := newWorld(t, func(c *server.Config) { c.Keys, c.OpaqueKeys, c.Resources = nil, [][]byte{key}, resources })
	token := w.credentials("worker").text("access_token")
	key[0], resources[0] = 'b', "https://evil.example"
	if got := w.introspect(token); got.body["active"] != true {
		t.Errorf("got %v", got.body)
	}
	if got := w.credentials("worker"); got.status != 200 {
		t.Errorf("got %d %v", got.status, got.body)
	}
}

// A client's registration does not widen the server's, and a source that returns another client is not believed.
func TestClientsAreChecked(t *testing.T) {
	w := newWorld(t, nil)
	foreign := w.client(server.ClientConfig{
		ID: "foreign", Secrets: w.secrets("foreign", 1), Grants: []server.Grant{server.GrantClientCredentials}, Resources: []string{"https://other.example"},
	})
	c := w.config
	c.Clients = server.ClientFunc(func(context.Context, string) (*server.Client, error) { return foreign, nil })
	s, err := server.New(c)
	check(t, err)
	w.handler = s.Handler()
	w.credentials("foreign").is(t, 400, "invalid_target")
	w.token(form("grant_type", "client_credentials", "client_id", "somebody", "client_secret", w.secret["foreign"])).is(t, 401, "invalid_client")
	phone := w.client(server.ClientConfig{ID: "phone", Public: true, Grants: []server.Grant{server.GrantRefresh}, Resources: []string{api}})
	c.Clients = server.ClientFunc(func(context.Context, string) (*server.Client, error) { return phone, nil })
	s, err = server.New(c)
	check(t, err)
	if _, err := s.Sessions().Issue(t.Context(), refresh.Login{Subject: "alice", Client: "PHONE"}); auth.KindOf(err) != auth.KindForbidden {
		t.Errorf("a session for another client than was found: got %v", err)
	}
}

// The right password forgets the failures before it.
func TestPasswordSuccessCounts(t *testing.T) {
	w := newWorld(t, nil)
	guess := func(password string) reply {
		return w.token(form("grant_type", "password", "username", "alice", "password", password))
	}
	for range 3 {
		for range 4 {
			guess("wrong").is(t, 400, "invalid_grant")
		}
		if got := guess("right"); got.status != 200 {
			t.Fatalf("got %d %v", got.status, got.body)
		}
	}
}
