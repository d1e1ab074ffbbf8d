package rbac_test

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/rbac"
)

func TestRequirementMeetsTheContract(t *testing.T) {
	a := authorizer(t, rbac.AuthorizerConfig{})
	authtest.TestRequirement(t, authtest.RequirementKit{
		Requirement: a.Require("invoice:create"),
		Allowed:     []*auth.Principal{principal(t, principalNamed("ada", "clerk")), principal(t, principalNamed("root", "admin"))},
		Refused:     []*auth.Principal{principal(t, principalNamed("bob", "viewer")), authtest.Principal("eve")},
	})
}

// TestOverTheWire asks a mux whose routes require permissions, as a client does.
func TestOverTheWire(t *testing.T) {
	var log strings.Builder
	a := authorizer(t, rbac.AuthorizerConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	token := func(scopes auth.ScopeSet, roles ...string) *auth.Principal {
		return principal(t, auth.PrincipalConfig{Subject: "42", Roles: roles, Scopes: scopes})
	}
	guard, err := middleware.New(middleware.Config{Authenticator: authtest.Tokens(map[string]*auth.Principal{
		"viewer": token(unlimited, "viewer"), "clerk": token(unlimited, "clerk"), "admin": token(unlimited, "admin"),
		"narrow": token(auth.ScopeSet{}, "clerk"), "both": token(unlimited, "clerk", "approver"),
	})})
	if err != nil {
		t.Fatal(err)
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	ok := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
	mux.HandleFunc("GET /invoices", middleware.Require(a.Require("invoice:list")), ok)
	mux.HandleFunc("POST /invoices", middleware.Require(a.Require("invoice:create")), ok)
	mux.HandleFunc("DELETE /invoices/{owner}", middleware.Require(a.RequireConditional("invoice:delete")), func(w http.ResponseWriter, r *http.Request) {
		who, _ := auth.FromContext(r.Context())
		s := a.Resolve(t.Context(), who)
		if s.CanOn(r.Context(), "invoice:delete", rbac.Resource{Owner: r.PathValue("owner")}) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.WriteHeader(http.StatusForbidden)
	})
	mux.HandleFunc("PUT /invoices", middleware.Require(a.RequireConditional("invoice:delete")), ok) // forgets
	built, err := mux.Build()
	if err != nil {
		t.Fatal(err)
	}
	handler := a.Track(built)
	tests := []struct {
		name, method, path, token string
		status                    int
		challenge                 []string
	}{
		{"without a token", "GET", "/invoices", "", 401, []string{"error", ""}},
		{"with a role", "GET", "/invoices", "viewer", 204, nil},
		{"without the role", "POST", "/invoices", "viewer", 403, []string{"error", "insufficient_scope", "scope", ""}},
		{"without the scope", "GET", "/invoices", "narrow", 403, []string{"error", "insufficient_scope", "scope", "invoices.read"}},
		{"with exclusive roles", "GET", "/invoices", "both", 403, []string{"error", "insufficient_scope"}},
		{"on one's own", "DELETE", "/invoices/42", "clerk", 204, nil},
		{"on another's", "DELETE", "/invoices/43", "clerk", 403, nil},
		{"on another's, whatever the owner", "DELETE", "/invoices/43", "admin", 204, nil},
		{"where the handler forgets", "PUT", "/invoices", "clerk", 500, nil},
		{"where the handler forgets what it need not ask", "PUT", "/invoices", "admin", 204, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := authtest.Request(tt.method, tt.path)
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			resp := authtest.Do(handler, r)
			if resp.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
			}
			if tt.challenge != nil {
				authtest.AssertChallenge(t, resp, "Bearer", tt.challenge...)
			}
		})
	}
	if !strings.Contains(log.String(), `route="PUT /invoices"`) {
		t.Errorf("the log does not name the route: %s", log.String())
	}
	var routes []string
	for _, d := range a.Policy().Drift(func(yield func(string, auth.Rule) bool) {
		for _, route := range mux.Routes() {
			if !yield(route.Pattern, route.Rule) {
				return
			}
		}
	}) {
		routes = append(routes, d.String())
	}
	if len(routes) != 0 {
		t.Errorf("got drift %v", routes)
	}
}

func TestAMisspeltPermissionDoesNotBuild(t *testing.T) {
	a := authorizer(t, rbac.AuthorizerConfig{})
	_, err := middleware.New(middleware.Config{Authenticator: authtest.Tokens(nil), Require: a.Require("invoice:raed")})
	if err == nil || !strings.Contains(err.Error(), `did you mean "invoice:read"?`) {
		t.Errorf("got %v", err)
	}
}

func TestEventsCarryTheReason(t *testing.T) {
	a := authorizer(t, rbac.AuthorizerConfig{})
	var seen authtest.Recorder
	g, err := middleware.New(middleware.Config{
		Authenticator: authtest.Tokens(map[string]*auth.Principal{"viewer": principal(t, principalNamed("42", "viewer"))}),
		Require:       a.Require("invoice:create"), Observer: &seen,
	})
	if err != nil {
		t.Fatal(err)
	}
	authtest.Do(g.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), authtest.Request("GET", "/", "Authorization", "Bearer viewer"))
	if e := seen.Last(); e.Reason != rbac.ReasonMissingPermission || !slices.Contains([]string{"permission(invoice:create)"}, e.Missing) {
		t.Errorf("got event %+v", e)
	}
}
