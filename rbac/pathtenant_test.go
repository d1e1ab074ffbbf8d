package rbac_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/rbac"
)

const pathPolicy = `
version: 1
permissions: {note: [read, write]}
roles:
  reader: {allow: ["note:read"]}
  writer: {inherits: [reader], allow: ["note:write"]}
`

// pathService has ann write in acme and read in globex, and sue read everywhere.
func pathService() (http.Handler, error) {
	policy, err := rbac.Parse("policy.yaml", []byte(pathPolicy), rbac.Config{})
	if err != nil {
		return nil, err
	}
	authorizer, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: policy, Tenant: rbac.PathTenant})
	if err != nil {
		return nil, err
	}
	principal := func(subject string, roles rbac.Bindings) (*auth.Principal, error) {
		return auth.NewPrincipal(auth.PrincipalConfig{Subject: subject, Scheme: "test", Scopes: auth.Unlimited(), Data: roles})
	}
	ann, err := principal("ann", append(rbac.In("acme", "writer"), rbac.In("globex", "reader")...))
	if err != nil {
		return nil, err
	}
	sue, err := principal("sue", rbac.Everywhere("reader"))
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{Authenticator: authtest.Tokens(map[string]*auth.Principal{"ann": ann, "sue": sue})})
	if err != nil {
		return nil, err
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard, Around: rbac.TenantFromPath("tenant")})
	ok := func(http.ResponseWriter, *http.Request) {}
	mux.HandleFunc("GET /t/{tenant}/notes", middleware.Require(authorizer.Require("note:read")), ok)
	mux.HandleFunc("POST /t/{tenant}/notes", middleware.Require(authorizer.Require("note:write")), ok)
	mux.HandleFunc("GET /notes", middleware.Require(authorizer.Require("note:read")), ok)
	return mux.Build()
}

func TestTenantFromPath(t *testing.T) {
	h, err := pathService()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, who, method, path string
		status                  int
	}{
		{"a role counts in the tenant of the path", "ann", "POST", "/t/acme/notes", 200},
		{"and in no other", "ann", "POST", "/t/globex/notes", 403},
		{"where another one counts", "ann", "GET", "/t/globex/notes", 200},
		{"a tenant in which nobody holds a role", "ann", "GET", "/t/none/notes", 403},
		{"a tenant's name in other letters is another tenant", "ann", "GET", "/t/ACME/notes", 403},
		{"a route about no tenant", "ann", "GET", "/notes", 403},
		{"a role that is held everywhere counts there too", "sue", "GET", "/notes", 200},
		{"and in each tenant", "sue", "GET", "/t/acme/notes", 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := authtest.Do(h, authtest.Request(tt.method, tt.path, "Authorization", "Bearer "+tt.who))
			if resp.StatusCode != tt.status {
				t.Errorf("got status %d, want %d", resp.StatusCode, tt.status)
			}
		})
	}
}

// A person who writes in one tenant and reads in another.
func ExampleTenantFromPath() {
	h, err := pathService()
	if err != nil {
		panic(err)
	}
	for _, tenant := range []string{"acme", "globex"} {
		fmt.Println(authtest.Do(h, authtest.Request("POST", "/t/"+tenant+"/notes", "Authorization", "Bearer ann")).StatusCode)
	}
	// Output:
	// 200
	// 403
}
