package fastapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

// readers knows two tokens: one with the scopes "me" and "items", one with "me".
func readers() auth.Authenticator {
	return authtest.Tokens(map[string]*auth.Principal{
		"both": authtest.Principal("alice", "me", "items"),
		"me":   authtest.Principal("bob", "me"),
	})
}

var scopeRows = []row{
	{"A request without a credential goes on where it is optional", func(t *testing.T) {
		mux := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, readers())})
		mux.HandleFunc("GET /", middleware.Optional(), whoami)
		h := must(mux.Build())
		wantText(t, wantOK(t, h, get()), "nobody")
		wantText(t, wantOK(t, h, bearer("me")), "bob")
	}},
	{"A wrong credential is refused where it is optional", func(t *testing.T) {
		keys, a := newKeys(t, in(apikey.Header("X-API-Key")))
		h := optional(t, auth.FirstOf(readers(), a))
		wantText(t, wantOK(t, h, get("X-API-Key", newKey(t, keys))), "alice")
		want(t, h, bearer("guessed"), 401, invalidToken)
		want(t, h, get("X-API-Key", "guessed"), 401, keyChallenge)
	}},
	{"Too little scope is forbidden", func(t *testing.T) {
		h := guard(t, readers(), auth.Scopes("items"))
		wantOK(t, h, bearer("both"))
		want(t, h, bearer("me"), 403, `Bearer error="insufficient_scope", scope="items"`)
	}},
	{"A request without a credential is told which scopes it takes", func(t *testing.T) {
		h := guard(t, readers(), auth.Scopes("me", "items"))
		want(t, h, get(), 401, `Bearer scope="me items"`)
		want(t, h, bearer("guessed"), 401, `Bearer error="invalid_token", scope="me items"`)
		want(t, guard(t, readers()), get(), 401, "Bearer")
	}},
	{"Scopes of nested guards add up", func(t *testing.T) {
		g := newGuard(t, readers())
		nested := g.MustRequire(auth.Scopes("me")).Handler(g.MustRequire(auth.Scopes("items", "me")).Handler(g.MustRequire(auth.Scopes("admin")).HandlerFunc(whoami)))
		want(t, nested, bearer("both"), 403, `Bearer error="insufficient_scope", scope="me items admin"`)
		mux := middleware.NewMux(middleware.MuxConfig{Guard: g})
		group := mux.Group(middleware.Require(auth.Scopes("me"))).Group(middleware.Require(auth.Scopes("items", "me")))
		group.HandleFunc("GET /", middleware.Require(auth.Scopes("admin")), whoami)
		want(t, must(mux.Build()), bearer("both"), 403, `Bearer error="insufficient_scope", scope="me items admin"`)
	}},
}

var aroundRows = []row{
	{"A guard stands around the application, a group or a route", func(t *testing.T) {
		g := newGuard(t, readers())
		mux := middleware.NewMux(middleware.MuxConfig{Guard: g})
		mux.HandleFunc("GET /open", middleware.Public(), whoami)
		group := mux.Group(middleware.Require(auth.Scopes("me")))
		group.HandleFunc("GET /group", middleware.Authenticated(), whoami)
		group.HandleFunc("GET /route", middleware.Require(auth.Scopes("items")), whoami)
		router := must(mux.Build())
		application := g.Handler(router)
		for _, tt := range []struct {
			h                 http.Handler
			path, token, body string
			status            int
		}{
			{router, "/open", "", "nobody", 200}, {router, "/group", "me", "bob", 200}, {router, "/route", "both", "alice", 200},
			{application, "/open", "me", "bob", 200},
		} {
			r := authtest.Request("GET", tt.path)
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			wantText(t, want(t, tt.h, r, tt.status), tt.body)
		}
		want(t, router, authtest.Request("GET", "/group"), 401, `Bearer scope="me"`)
		want(t, router, authtest.Request("GET", "/route", "Authorization", "Bearer me"), 403, `Bearer error="insufficient_scope", scope="me items"`)
		want(t, application, authtest.Request("GET", "/open"), 401, "Bearer")
	}},
	{"A credential is proved once for nested guards", func(t *testing.T) {
		calls := 0
		a := must(auth.NewBearer(auth.BearerConfig{Verify: func(context.Context, string) (*auth.Principal, error) {
			calls++
			return authtest.Principal("alice", "me", "items"), nil
		}}))
		g := newGuard(t, a)
		wantText(t, wantOK(t, g.Handler(g.MustRequire(auth.Scopes("me")).Handler(guard(t, a, auth.Scopes("items")))), bearer("abc")), "alice")
		if calls != 1 {
			t.Errorf("got %d proofs of one credential, want 1", calls)
		}
	}},
	{"Either of two schemes is enough", func(t *testing.T) {
		keys, a := newKeys(t, in(apikey.Header("X-API-Key")))
		h := guard(t, auth.FirstOf(readers(), a))
		wantText(t, wantOK(t, h, bearer("me")), "bob")
		wantText(t, wantOK(t, h, get("X-API-Key", newKey(t, keys))), "alice")
		want(t, h, get(), 401, "Bearer", keyChallenge)
		want(t, h, get("X-API-Key", "guessed"), 401, keyChallenge)
	}},
	{"Both of two schemes are needed", func(t *testing.T) {
		keys, a := newKeys(t, in(apikey.Header("X-API-Key")))
		key := newKey(t, keys)
		mux := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, readers())})
		mux.HandleFunc("GET /", middleware.Authenticated().Also(newGuard(t, a)), whoami)
		for _, h := range []http.Handler{must(mux.Build()), newGuard(t, a).Handler(guard(t, readers()))} {
			wantText(t, wantOK(t, h, get("X-API-Key", key, "Authorization", "Bearer me")), "bob")
			want(t, h, bearer("me"), 401, keyChallenge)
			want(t, h, get("X-API-Key", key), 401, "Bearer")
		}
	}},
	{"Two credentials of one kind are refused", func(t *testing.T) {
		keys, a := newKeys(t, in(apikey.Header("X-API-Key"), apikey.InsecureQuery("api_key")))
		key := newKey(t, keys)
		want(t, guard(t, a), authtest.Request("GET", "/?api_key="+key, "X-API-Key", key), 400)
		want(t, guard(t, a), get("X-API-Key", key, "X-API-Key", key), 400)
		want(t, guard(t, readers()), get("Authorization", "Bearer me", "Authorization", "Bearer both"), 400, `Bearer error="invalid_request"`)
		want(t, guard(t, auth.FirstOf(readers(), a).RefuseMultiple()), get("Authorization", "Bearer me", "X-API-Key", key), 400, `Bearer error="invalid_request"`)
	}},
	{"A test puts a user in front of a handler", func(t *testing.T) {
		h := newTutorial(t.Context(), cheap).handler
		wantOK(t, h, authtest.As(authtest.Request("GET", "/users/me/items"), authtest.Principal("alice", "me", "items")))
		want(t, h, authtest.As(authtest.Request("GET", "/users/me/items"), authtest.Principal("alice", "me")), 403, `Bearer error="insufficient_scope", scope="me items"`)
	}},
	{"A test replaces the authenticator", func(t *testing.T) {
		served := newGuard(t, newPeople(t, nil), auth.Scopes("items"))
		h := must(served.With(func(c *middleware.Config) { c.Authenticator = readers() })).HandlerFunc(whoami)
		wantText(t, wantOK(t, h, bearer("both")), "alice")
		want(t, h, bearer("me"), 403, `Bearer error="insufficient_scope", scope="items"`)
	}},
	{"A WebSocket is refused before the upgrade", func(t *testing.T) {
		s := httptest.NewServer(newGuard(t, readers()).HandlerFunc(upgrade))
		defer s.Close()
		for token, status := range map[string]int{"both": 101, "guessed": 401} {
			r := must(http.NewRequestWithContext(t.Context(), "GET", s.URL, nil))
			r.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Authorization": {"Bearer " + token}}
			resp := must(s.Client().Do(r))
			_ = resp.Body.Close()
			if resp.StatusCode != status {
				t.Errorf("got status %d with the token %s, want %d", resp.StatusCode, token, status)
			}
		}
	}},
	{"A credential is verified without a request", func(t *testing.T) {
		issuer, tokens := provider(t, nil)
		keys, _ := newKeys(t, in(apikey.Header("X-API-Key")))
		people := newPeople(t, map[string]string{"john": "secret"})
		ctx := t.Context()
		for name, p := range map[string]*auth.Principal{
			"alice": must(tokens.Verify(ctx, issuer.Token(t, "alice"))),
			"john":  must(people.Verify(ctx, "john", "secret", netip.MustParseAddr("192.0.2.1"))),
		} {
			wantText(t, p.Subject(), name)
		}
		wantText(t, must(keys.Verify(ctx, newKey(t, keys))).Subject(), "alice")
		if _, err := keys.Verify(ctx, "guessed"); auth.KindOf(err) != auth.KindInvalid {
			t.Errorf("got %v for a key that was never issued", err)
		}
	}},
}

// upgrade switches protocols, as a WebSocket library does.
func upgrade(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
}
