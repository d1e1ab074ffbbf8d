package main

import (
	"context"
	"log"
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/rbac"
)

// assign gives a role to somebody, in the caller's own tenant.
func (s *service) assign(w http.ResponseWriter, r *http.Request) {
	subject, err := s.authorizer.Subject(r.Context())
	if err != nil {
		middleware.Refuse(w, r, err)
		return
	}
	binding := rbac.Binding{Role: r.PathValue("role"), Tenant: subject.Tenant()} // no tenant from the request, no Everywhere
	policy := subject.Policy()
	if !policy.HasRole(binding.Role) {
		http.Error(w, "no such role", http.StatusNotFound)
		return
	}
	if !subject.Covers(binding) { // nobody gives away what they do not have; the scopes of the key count
		http.Error(w, "you do not have all that the role allows", http.StatusForbidden)
		return
	}
	if err := s.database.assign(r.PathValue("subject"), binding, policy.CheckAssignment); err != nil {
		log.Print(err)
		http.Error(w, "the role can't be held together with others", http.StatusConflict)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// newKey makes a key for somebody in one tenant. It says who calls and for which tenant; what that allows is in the database.
func (s *service) newKey(ctx context.Context, subject, tenant string) (apikey.Secret, error) {
	issued, err := s.keys.Create(ctx, apikey.Request{
		Subject: subject, Tenant: tenant, Name: tenant, Scopes: auth.MustScopeSet("documents", "members"),
	})
	if err != nil {
		return apikey.Secret{}, err
	}
	return issued.Secret, nil
}
