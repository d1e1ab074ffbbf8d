package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/rbac"
)

func start(t *testing.T) (*service, map[string]string) {
	t.Helper()
	s, err := newService()
	if err != nil {
		t.Fatal(err)
	}
	s.database.of("globex").put("secret", "of globex")
	keys := map[string]string{}
	for _, who := range []string{"olga acme", "rita acme", "rita globex", "gus globex", "gus acme", "sue acme", "sue "} {
		subject, tenant, _ := strings.Cut(who, " ")
		key, err := s.newKey(t.Context(), subject, tenant)
		if err != nil {
			t.Fatal(err)
		}
		keys[who] = key.Reveal()
	}
	narrow, err := s.keys.Create(t.Context(), apikey.Request{Subject: "olga", Tenant: "acme", Scopes: auth.MustScopeSet("members")})
	if err != nil {
		t.Fatal(err)
	}
	keys["olga, members only"] = narrow.Secret.Reveal()
	return s, keys
}

func do(h http.Handler, key, route string) (int, string) {
	method, path, _ := strings.Cut(route, " ")
	r := httptest.NewRequest(method, path, strings.NewReader("new text"))
	r.Header.Set("X-API-Key", key)
	resp := authtest.Do(h, r)
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func TestNobodyReachesAnotherTenant(t *testing.T) {
	s, keys := start(t)
	for _, tt := range []struct { // in order: the database remembers
		name, key, route string
		status           int
		body             string
	}{
		{"one's own document", "olga acme", "GET /documents/plan", 200, "sell anvils"},
		{"of two with the same id, one's own", "gus globex", "GET /documents/plan", 200, "take over"},
		{"another's is not there", "olga acme", "GET /documents/secret", 404, ""},
		{"and not listed", "olga acme", "GET /documents", 200, "[plan]\n"},
		{"a key for a tenant that one has no role in", "gus acme", "GET /documents/plan", 403, ""},
		{"support reads where its key is for", "sue acme", "GET /documents/plan", 200, "sell anvils"},
		{"a key for no tenant, whatever the role", "sue ", "GET /documents", 403, ""},
		{"a reader here does not write", "rita acme", "PUT /documents/plan", 403, ""},
		{"though she does there", "rita globex", "PUT /documents/plan", 200, ""},
		{"where it is written", "gus globex", "GET /documents/plan", 200, "new text"},
		{"and nowhere else", "olga acme", "GET /documents/plan", 200, "sell anvils"},
		{"a reader makes no members", "rita acme", "PUT /members/rita/owner", 403, ""},
		{"a role that is not there", "olga acme", "PUT /members/rita/king", 404, ""},
		{"a key gives away no more than its scopes leave", "olga, members only", "PUT /members/rita/writer", 403, ""},
		{"an owner makes a writer", "olga acme", "PUT /members/rita/writer", 204, ""},
		{"who writes at once", "rita acme", "PUT /documents/plan", 200, ""},
		{"in that tenant", "olga acme", "GET /documents/plan", 200, "new text"},
		{"an owner's guest is nobody next door", "gus acme", "PUT /documents/plan", 403, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, body := do(s.handler, keys[tt.key], tt.route)
			if status != tt.status || tt.body != "" && body != tt.body {
				t.Errorf("got %d %q, want %d %q", status, body, tt.status, tt.body)
			}
		})
	}
}

func TestASecondLockHoldsWhereAQueryIsWrong(t *testing.T) {
	s, keys := start(t)
	s.database.documents[[2]string{"acme", "stray"}] = document{"stray", "globex", "of globex"} // a row in the wrong place
	if status, body := do(s.handler, keys["olga acme"], "GET /documents/stray"); status != 403 || strings.Contains(body, "globex") {
		t.Errorf("got %d %q, want 403", status, body)
	}
}

func TestWhatIsNotKnownLetsNobodyIn(t *testing.T) {
	s, keys := start(t)
	s.database.suspended["acme"] = true
	if status, _ := do(s.handler, keys["olga acme"], "GET /documents"); status != 403 {
		t.Errorf("suspended: got %d, want 403", status)
	}
	if status, _ := do(s.handler, keys["gus globex"], "GET /documents"); status != 200 {
		t.Errorf("the other tenant: got %d, want 200", status)
	}
	s.database.down = true
	if status, _ := do(s.handler, keys["gus globex"], "GET /documents"); status != 503 {
		t.Errorf("down: got %d, want 503", status)
	}
}

// TestMembersChangeWhileRequestsRun is for the race detector: members are assigned while requests load them.
func TestMembersChangeWhileRequestsRun(t *testing.T) {
	s, keys := start(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			_ = s.database.assign("rita", rbac.Binding{Role: "reader", Tenant: "acme"}, s.authorizer.Policy().CheckAssignment)
		}
	}()
	for range 20 {
		if status, _ := do(s.handler, keys["rita acme"], "GET /documents"); status != 200 {
			t.Errorf("got %d, want 200", status)
		}
	}
	<-done
	if _, err := s.database.bindings(context.Background(), "acme", "rita"); err != nil {
		t.Error(err)
	}
}
