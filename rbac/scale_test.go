package rbac_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

// TestALongChainAndManyDiamondsLoad would not end if anything here grew with the number of paths.
func TestALongChainAndManyDiamondsLoad(t *testing.T) {
	const depth, levels = 10_000, 1_000
	chain := rbac.Model{}
	for i := range depth {
		role := rbac.Role{Name: fmt.Sprintf("r%d", i), Allow: rbac.Grants(fmt.Sprintf("data%d:read", i))}
		if i > 0 {
			role.Inherits = []string{fmt.Sprintf("r%d", i-1)}
		}
		chain.Permissions = append(chain.Permissions, fmt.Sprintf("data%d:read", i))
		chain.Roles = append(chain.Roles, role)
	}
	ladder := rbac.Model{Permissions: []string{"data:read", "data:write"}, Roles: []rbac.Role{
		{Name: "l0", Allow: rbac.Grants("data:read")}, {Name: "r0", Allow: rbac.Grants("data:read")},
	}}
	for i := 1; i < levels; i++ {
		parents := []string{fmt.Sprintf("l%d", i-1), fmt.Sprintf("r%d", i-1)}
		ladder.Roles = append(ladder.Roles, rbac.Role{Name: fmt.Sprintf("l%d", i), Inherits: parents}, rbac.Role{Name: fmt.Sprintf("r%d", i), Inherits: parents})
	}
	p, err := rbac.New(chain, rbac.Config{})
	if err != nil {
		t.Fatal(err)
	}
	last := p.Resolve("", rbac.Everywhere(fmt.Sprintf("r%d", depth-1)), unlimited)
	middle := p.Resolve("", rbac.Everywhere("r5000"), unlimited)
	if !last.Can("data0:read") || !middle.Can("data0:read") || middle.Can("data5001:read") {
		t.Error("the chain answers wrongly")
	}
	if d := last.Explain(t.Context(), "data0:read", nil); len(d.Path) != depth || d.Path[depth-1].Role != "r0" {
		t.Errorf("the path has %d roles, want %d", len(d.Path), depth)
	}
	p, err = rbac.New(ladder, rbac.Config{})
	if err != nil {
		t.Fatal(err)
	}
	top := p.Resolve("", rbac.Everywhere(fmt.Sprintf("l%d", levels-1)), unlimited)
	if !top.Can("data:read") || top.Can("data:write") {
		t.Error("the ladder answers wrongly")
	}
	if d := top.Explain(t.Context(), "data:read", nil); len(d.Path) != levels {
		t.Errorf("the path has %d roles, want %d", len(d.Path), levels)
	}
	for i := range depth - 1 {
		chain.Roles[i].Inherits = []string{fmt.Sprintf("r%d", i+1)}
	}
	chain.Roles[depth-1].Inherits = []string{"r0"}
	if _, err := rbac.New(chain, rbac.Config{}); err == nil || len(err.Error()) > 500 {
		t.Errorf("a cycle of %d roles: got an error of %d bytes", depth, len(fmt.Sprint(err)))
	}
}

func TestSetsThatWouldNotFitAreRefused(t *testing.T) {
	var permissions []string
	for i := range rbac.MaxPermissions {
		permissions = append(permissions, fmt.Sprintf("p%d:read", i))
	}
	wide := rbac.Grants("p0:read", "p65535:read") // a set of all words
	many := rbac.MaxSetBytes/(rbac.MaxPermissions/8) + 1
	for name, fill := range map[string]func(m *rbac.Model){
		"of roles": func(m *rbac.Model) {
			for i := range many {
				m.Roles = append(m.Roles, rbac.Role{Name: fmt.Sprintf("r%d", i), Inherits: []string{"base"}})
			}
		},
		"of scopes": func(m *rbac.Model) {
			for i := range many {
				m.Scopes = append(m.Scopes, rbac.Scope{Name: fmt.Sprintf("s%d", i), Permissions: []string{"p0:read", "p65535:read"}})
			}
		},
		"of guardrails": func(m *rbac.Model) {
			for range many {
				m.Deny = append(m.Deny, rbac.Guardrail{Permissions: []string{"p0:read", "p65535:read"}, Reason: "no"})
			}
		},
		"of exclusive sets": func(m *rbac.Model) {
			for i := range 1024 {
				m.Roles = append(m.Roles, rbac.Role{Name: fmt.Sprintf("r%d", i)})
			}
			for range rbac.MaxSetBytes/8/1024 + 1 {
				m.Exclusive = append(m.Exclusive, rbac.Exclusive{Roles: []string{"r0", "r1"}})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if raceEnabled && name != "of roles" {
				t.Skip("nothing in it runs at once")
			}
			m := rbac.Model{Permissions: permissions, Roles: []rbac.Role{{Name: "base", Allow: wide}}}
			fill(&m)
			if _, err := rbac.New(m, rbac.Config{}); err == nil || strings.Count(err.Error(), "use fewer roles") != 1 {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestHeapDoesNotGrow asks for a million users, permissions and roles that nobody has heard of.
func TestHeapDoesNotGrow(t *testing.T) {
	n := 1_000_000
	if testing.Short() || raceEnabled {
		n = 50_000
	}
	a := authorizer(t, rbac.AuthorizerConfig{})
	ask := func(n int) {
		for i := range n {
			name := fmt.Sprintf("x%d", i)
			who, err := auth.NewPrincipal(auth.PrincipalConfig{Subject: name, Roles: []string{name, "clerk"}, Tenant: name, Scopes: auth.Unlimited()})
			if err != nil {
				t.Fatal(err)
			}
			s := a.Resolve(t.Context(), who)
			if s.Can(name) || s.Can(name+":read") || !s.Can("invoice:read") {
				t.Fatal("answers wrongly")
			}
		}
	}
	ask(1000)
	before := heap()
	ask(n)
	if grown := int64(heap()) - int64(before); grown > 256<<10 {
		t.Errorf("the heap has grown by %d bytes over %d users", grown, n)
	}
	runtime.KeepAlive(a)
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
