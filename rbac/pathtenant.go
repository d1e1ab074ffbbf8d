package rbac

import (
	"context"
	"net/http"

	"github.com/cardea-go/auth"
)

type pathTenantKey struct{}

// TenantFromPath returns what says which tenant a request is about, by a wildcard of the route's pattern, such as "tenant" of
// "GET /t/{tenant}/notes". It belongs around routes once they have matched and before a guard asks, which is where
// middleware.MuxConfig.Around is; [PathTenant] then finds it:
//
//	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard, Around: rbac.TenantFromPath("tenant")})
//	authorizer, err := rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: policy, Tenant: rbac.PathTenant})
//
// A route without that wildcard is about no tenant.
func TenantFromPath(wildcard string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), pathTenantKey{}, r.PathValue(wildcard))))
		})
	}
}

// PathTenant is an [AuthorizerConfig].Tenant: the tenant that [TenantFromPath] found, and "" where the route is about none, in
// which only roles that are held everywhere count.
func PathTenant(ctx context.Context, _ *auth.Principal) (string, error) {
	tenant, _ := ctx.Value(pathTenantKey{}).(string)
	return tenant, nil
}
