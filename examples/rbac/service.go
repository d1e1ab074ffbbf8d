package main

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/rbac"
)

// service is the program without its listener.
type service struct {
	keys       *apikey.Keys
	authorizer *rbac.Authorizer
	reloader   *rbac.Reloader
	handler    http.Handler
}

// assignments would be a table of the database.
var assignments = map[string]rbac.Bindings{
	"vera": rbac.In("acme", "viewer"),
	"carl": append(rbac.In("acme", "clerk"), rbac.In("other", "viewer")...),
	"dora": rbac.Everywhere("chief"),
}

func newService(ctx context.Context, source rbac.Source, logger *slog.Logger) (*service, error) {
	text, err := source.Load(ctx)
	if err != nil {
		return nil, err
	}
	policy, err := rbac.Parse(text.Name, text.Data, rbac.Config{})
	if err != nil {
		return nil, err
	}
	s := &service{}
	if s.authorizer, err = rbac.NewAuthorizer(rbac.AuthorizerConfig{
		Policy: policy,
		Logger: logger,
		Audit: func(ctx context.Context, d *rbac.Decision) {
			if d.Answer == rbac.Denied {
				logger.InfoContext(ctx, "denied", "decision", d)
			}
		},
	}); err != nil {
		return nil, err
	}
	if s.reloader, err = rbac.NewReloader(rbac.ReloaderConfig{
		Authorizer: s.authorizer, Source: source, RequireTests: true,
		Report: func(ctx context.Context, st rbac.Status) {
			logger.InfoContext(ctx, "policy", "generation", st.Generation, "version", st.Version, "error", st.Err)
		},
	}); err != nil {
		return nil, err
	}
	if s.keys, err = apikey.New(apikey.Config{Prefix: "inv", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}); err != nil {
		return nil, err
	}
	authenticator, err := s.keys.Authenticator(apikey.AuthenticatorConfig{})
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{Authenticator: auth.Map(authenticator, assign)})
	if err != nil {
		return nil, err
	}
	s.handler, err = s.routes(guard)
	return s, err
}

// assign attaches what the principal is assigned. A failing look-up would be returned as the error.
func assign(_ context.Context, p *auth.Principal) (*auth.Principal, error) {
	return p.Derive(func(c *auth.PrincipalConfig) { c.Data = assignments[p.Subject()] })
}

func (s *service) routes(guard *middleware.Guard) (http.Handler, error) {
	i := newInvoices(s.authorizer)
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /invoices", middleware.Require(s.authorizer.Require("invoice:list")), i.list)
	mux.HandleFunc("POST /invoices", middleware.Require(s.authorizer.Require("invoice:create")), i.create)
	// Whether a clerk may delete depends on the invoice: the handler checks again, and Track sees to it.
	mux.HandleFunc("DELETE /invoices/{id}", middleware.Require(s.authorizer.RequireConditional("invoice:delete")), i.remove)
	built, err := mux.Build()
	if err != nil {
		return nil, err
	}
	return s.authorizer.Track(built), nil
}

// seed makes a key for everybody, in the tenant acme.
func (s *service) seed(ctx context.Context) (map[string]apikey.Secret, error) {
	keys := map[string]apikey.Secret{}
	for name := range assignments {
		issued, err := s.keys.Create(ctx, apikey.Request{Subject: name, Tenant: "acme", Name: "laptop", Scopes: auth.MustScopeSet("invoices")})
		if err != nil {
			return nil, err
		}
		keys[name] = issued.Secret
	}
	issued, err := s.keys.Create(ctx, apikey.Request{Subject: "dora", Tenant: "acme", Name: "dashboard", Scopes: auth.MustScopeSet("invoices.read")})
	keys["dora's dashboard"] = issued.Secret
	return keys, err
}
