package oauth2_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
)

// Any-of and hierarchical scopes are expressible per route, and the challenge names them.
func TestStatement68Scopes(t *testing.T) {
	as := newIssuer(testIssuer)
	a := newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		c.AskFor = []string{"notes:read"}
		c.Hierarchy = oauth2.ScopeHierarchy{"admin": {"notes"}, "notes": {"notes:read", "notes:write"}}
	})
	with := func(scopes ...string) *http.Request {
		return bearer(as.token(func(g *jwt.Grant) { g.Scopes = auth.MustScopeSet(scopes...) }))
	}
	read, write, anyOf := handler(t, a, auth.Scopes("notes:read")), handler(t, a, auth.Scopes("notes:write"), auth.Scopes("notes:read")),
		handler(t, a, auth.Any(auth.Scopes("notes:write"), auth.Scopes("export")))
	for _, tt := range []struct {
		name   string
		h      http.Handler
		r      *http.Request
		status int
		scope  string
	}{
		{"the scope itself", read, with("notes:read"), 200, ""},
		{"a scope that includes it", read, with("notes"), 200, ""},
		{"a scope that includes one that includes it", read, with("admin"), 200, ""},
		{"the scope's sibling", read, with("notes:write"), 403, "notes:read"},
		{"a scope includes nothing upwards", handler(t, a, auth.Scopes("notes")), with("notes:read", "notes:write"), 403, "notes"},
		{"all of two", write, with("notes:read"), 403, "notes:write notes:read"},
		{"all of two by one that includes them", write, with("notes"), 200, ""},
		{"one of two", anyOf, with("export"), 200, ""},
		{"the other of two, included", anyOf, with("notes"), 200, ""},
		{"none of two", anyOf, with("notes:read"), 403, "notes:write"},
		{"no scope at all", read, bearer(as.token(func(g *jwt.Grant) { g.Scopes = auth.ScopeSet{} })), 403, "notes:read"},
		{"no token: what to ask for", read, get(), 401, "notes:read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.status == 200 {
				wantOK(t, tt.h, tt.r)
				return
			}
			wantRefusal(t, tt.h, tt.r, tt.status, "Bearer", "scope", tt.scope)
		})
	}
}

// Scopes of nested guards add up, and a 403 lists what the whole route needs.
func TestStatement68NestedGuards(t *testing.T) {
	as := newIssuer(testIssuer)
	outer := must(middleware.New(middleware.Config{Authenticator: newAuthenticator(t, as.verifier(), nil), Require: auth.Scopes("notes:read")}))
	inner := outer.MustRequire(auth.Scopes("notes:delete"))
	h := outer.Handler(inner.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	wantRefusal(t, h, bearer(as.token(nil)), 403, "Bearer", "error", "insufficient_scope", "scope", "notes:read notes:delete")
}

// The principal keeps what was granted beside what it stands for.
func TestStatement68GrantedScopesStayAsTheyWere(t *testing.T) {
	as := newIssuer(testIssuer)
	a := newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		c.Hierarchy = oauth2.ScopeHierarchy{"notes:write": {"notes:read", "notes:list"}}
	})
	p, err := a.Authenticate(bearer(as.token(nil)))
	if err != nil {
		t.Fatal(err)
	}
	token, ok := auth.Data[*oauth2.Token](p)
	if !ok || token.Scopes.String() != "notes:read notes:write" || p.Scopes().String() != "notes:read notes:write notes:list" {
		t.Errorf("got granted %q and principal %q", token.Scopes, p.Scopes())
	}
	for name, h := range map[string]oauth2.ScopeHierarchy{
		"a circle":               {"a": {"b"}, "b": {"c"}, "c": {"a"}},
		"a scope with a space":   {"a": {"b c"}},
		"an empty scope":         {"": {"b"}},
		"a scope that is itself": {"a": {"a"}},
	} {
		if _, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{Verifier: as.verifier(), Hierarchy: h}); err == nil || !strings.Contains(err.Error(), "ScopeHierarchy") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
