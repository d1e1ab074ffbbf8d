package rbac_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

// TestWhatSettlesASecondCheck lets a clerk in on a condition and has the handler check in ways of its own.
func TestWhatSettlesASecondCheck(t *testing.T) {
	a, other := authorizer(t, rbac.AuthorizerConfig{}), authorizer(t, rbac.AuthorizerConfig{})
	clerk := principal(t, auth.PrincipalConfig{Roles: []string{"clerk"}, Scopes: unlimited})
	admin := principal(t, auth.PrincipalConfig{Subject: "43", Roles: []string{"admin"}, Scopes: unlimited})
	namesake := principal(t, auth.PrincipalConfig{Issuer: "https://other", Roles: []string{"admin"}, Scopes: unlimited})
	derived, err := clerk.Derive(func(c *auth.PrincipalConfig) { c.Roles = append(c.Roles, "viewer") })
	if err != nil {
		t.Fatal(err)
	}
	mine := rbac.Resource{Owner: "42"}
	check := func(r *http.Request, s rbac.Subject) bool { return s.CanOn(r.Context(), "invoice:delete", mine) }
	plain := func(h http.Handler) http.Handler { return h }
	for _, tt := range []struct {
		name   string
		inner  func(http.Handler) http.Handler // between the guard and the handler
		check  func(r *http.Request) bool
		status int
	}{
		{"a check of the caller", plain, func(r *http.Request) bool { return check(r, a.Resolve(r.Context(), clerk)) }, 200},
		{"a check of a principal made of the caller's", plain, func(r *http.Request) bool { return check(r, a.Resolve(r.Context(), derived)) }, 200},
		{"a check of the bindings that the handler found", plain, func(r *http.Request) bool {
			return check(r, a.Policy().Resolve("", rbac.Everywhere("admin"), unlimited))
		}, 200},
		{"a check in a goroutine that is waited for", plain, func(r *http.Request) bool {
			done := make(chan bool)
			go func() { done <- check(r, a.Resolve(r.Context(), clerk)) }()
			return <-done
		}, 200},
		{"a check of somebody else does not do", plain, func(r *http.Request) bool { return check(r, a.Resolve(r.Context(), admin)) }, 500},
		{"nor one of a namesake of another issuer", plain, func(r *http.Request) bool { return check(r, a.Resolve(r.Context(), namesake)) }, 500},
		{"nor a filter for somebody else", plain, func(r *http.Request) bool {
			s := a.Resolve(r.Context(), admin)
			return len(s.Filter(r.Context(), "invoice:delete").Clauses) == 0
		}, 500},
		{"nor a check by another authorizer", plain, func(r *http.Request) bool { return check(r, other.Resolve(r.Context(), clerk)) }, 500},
		{"nor a check without a resource", plain, func(r *http.Request) bool {
			s := a.Resolve(r.Context(), clerk)
			return s.Check(r.Context(), "invoice:delete") != nil
		}, 500},
		{"nor a look at the reasons", plain, func(r *http.Request) bool {
			s := a.Resolve(r.Context(), clerk)
			return s.Explain(r.Context(), "invoice:delete", &mine).Answer == rbac.Allowed
		}, 500},
		{"a check inside of a second Track settles what the first is owed", a.Track, func(r *http.Request) bool {
			return check(r, a.Resolve(r.Context(), clerk))
		}, 200},
		{"and inside of another authorizer's", other.Track, func(r *http.Request) bool { return check(r, a.Resolve(r.Context(), clerk)) }, 200},
		{"where the first still is owed it without", other.Track, func(*http.Request) bool { return true }, 500},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checked := false
			handler := tt.inner(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				checked = tt.check(r)
				_, _ = io.WriteString(w, "gone")
			}))
			guard := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := a.RequireConditional("invoice:delete").Check(r.Context(), clerk); err != nil {
					t.Error(err)
				}
				handler.ServeHTTP(w, r)
			})
			w := httptest.NewRecorder()
			a.Track(guard).ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/", http.NoBody))
			if w.Code != tt.status || (w.Body.String() == "gone") != (tt.status == 200) {
				t.Errorf("got %d %q, want %d", w.Code, w.Body, tt.status)
			}
			if !checked && tt.name != "nor a filter for somebody else" {
				t.Error("the check that the row is about said no")
			}
		})
	}
}

func TestARequestSeesOnePolicyOfEachAuthorizer(t *testing.T) {
	first, second := parse(t, readers, rbac.Config{}), parse(t, listers, rbac.Config{})
	a, other := authorizer(t, rbac.AuthorizerConfig{Policy: first}), authorizer(t, rbac.AuthorizerConfig{})
	who := principal(t, principalNamed("ada", "viewer"))
	a.Track(other.Track(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := a.Swap(second); err != nil {
			t.Error(err)
		}
		if s := a.Resolve(r.Context(), who); s.Policy() != first {
			t.Error("another authorizer's Track hides the request's policy")
		}
	}))).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody))
}

// TestNothingOfAForgetfulHandlerIsSent has trailers, which are written when the handler is done.
func TestNothingOfAForgetfulHandlerIsSent(t *testing.T) {
	a := authorizer(t, rbac.AuthorizerConfig{})
	clerk := principal(t, auth.PrincipalConfig{Roles: []string{"clerk"}, Scopes: unlimited})
	server := httptest.NewUnstartedServer(a.Track(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := a.RequireConditional("invoice:delete").Check(r.Context(), clerk); err != nil {
			t.Error(err)
		}
		w.Header().Set("Trailer", "X-Declared")
		_, _ = io.WriteString(w, "secret")
		_ = http.NewResponseController(w).Flush()
		w.Header().Set("X-Declared", "secret")
		w.Header().Set(http.TrailerPrefix+"X-Undeclared", "secret")
		w.WriteHeader(http.StatusOK)
	})))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // a test
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != 500 || string(body) != "Internal Server Error\n" || err != nil || len(resp.Trailer) != 0 || resp.ProtoMajor != 2 {
		t.Errorf("got %s %d %q with trailers %v (%v), want 500 and nothing of the handler's", resp.Proto, resp.StatusCode, body, resp.Trailer, err)
	}
}
