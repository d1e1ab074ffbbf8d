// Command multitenant keeps the documents of several tenants apart. A key belongs to one tenant; who holds which role there
// is loaded from the database after the key was proved. Nobody reaches another tenant's data: not by an id, not by a role
// that is held elsewhere, not by giving a role away.
//
//	go run -C examples ./multitenant
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/rbac"
)

//go:embed policy.yaml
var policyText []byte

func main() {
	s, err := newService()
	if err != nil {
		log.Fatal(err)
	}
	for _, who := range []struct{ subject, tenant string }{{"olga", "acme"}, {"rita", "acme"}, {"rita", "globex"}, {"gus", "globex"}} {
		key, err := s.newKey(context.Background(), who.subject, who.tenant)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("curl -i -H 'X-API-Key: %s' http://localhost:8080/documents/plan # %s in %s\n", key.Reveal(), who.subject, who.tenant)
	}
	server := &http.Server{Addr: "localhost:8080", Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

type service struct {
	keys       *apikey.Keys
	database   *database
	authorizer *rbac.Authorizer
	handler    http.Handler
}

func newService() (*service, error) {
	s := &service{database: &database{
		suspended: map[string]bool{},
		members: map[string]rbac.Bindings{
			"olga": rbac.In("acme", "owner"),
			"rita": append(rbac.In("acme", "reader"), rbac.In("globex", "writer")...), // works for both
			"gus":  rbac.In("globex", "owner"),
			"sue":  rbac.Everywhere("reader"), // support: still with a key for each tenant, so that it shows in the log
		},
		documents: map[[2]string]document{},
	}}
	s.database.of("acme").put("plan", "sell anvils")
	s.database.of("globex").put("plan", "take over")
	policy, err := rbac.Parse("policy.yaml", policyText, rbac.Config{})
	if err != nil {
		return nil, err
	}
	// The tenant of a check is the principal's own, which is the key's. Where it comes from the URL or the host instead, a
	// middleware puts it into the context and AuthorizerConfig.Tenant takes it from there: bindings count where they say.
	if s.authorizer, err = rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: policy}); err != nil {
		return nil, err
	}
	if s.keys, err = apikey.New(apikey.Config{Prefix: "docs", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}); err != nil {
		return nil, err
	}
	authenticator, err := s.keys.Authenticator(apikey.AuthenticatorConfig{})
	if err != nil {
		return nil, err
	}
	guard, err := middleware.New(middleware.Config{Authenticator: auth.Map(authenticator, s.load)})
	if err != nil {
		return nil, err
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: guard})
	mux.HandleFunc("GET /documents", s.allows("document:list"), s.list)
	mux.HandleFunc("GET /documents/{id}", s.allows("document:read"), s.show)
	mux.HandleFunc("PUT /documents/{id}", s.allows("document:write"), s.put)
	mux.HandleFunc("PUT /members/{subject}/{role}", s.allows("member:assign"), s.assign)
	s.handler, err = mux.Build()
	return s, err
}

func (s *service) allows(permission string) middleware.Access {
	return middleware.Require(s.authorizer.Require(permission))
}

// load runs after the key was proved and before anything is decided, on each request: a role that was taken away is gone
// with the next one. For production, this is one query by an index; where that is too dear, cache it for seconds.
func (s *service) load(ctx context.Context, p *auth.Principal) (*auth.Principal, error) {
	if p.Tenant() == "" {
		return nil, auth.Forbidden(auth.ReasonNotAllowed, nil) // a key from before there were tenants is good for none
	}
	bindings, err := s.database.bindings(ctx, p.Tenant(), p.Subject())
	if errors.Is(err, errSuspended) {
		return nil, auth.Forbidden(auth.ReasonDisabled, err)
	}
	if err != nil {
		return nil, err // can't be decided now: 503, and never a principal without its roles
	}
	return p.Derive(func(c *auth.PrincipalConfig) { c.Data = bindings })
}

func (s *service) list(w http.ResponseWriter, r *http.Request) {
	p, _ := auth.FromContext(r.Context())
	fmt.Fprintln(w, s.database.of(p.Tenant()).ids())
}

func (s *service) show(w http.ResponseWriter, r *http.Request) {
	p, _ := auth.FromContext(r.Context())
	doc, ok := s.database.of(p.Tenant()).find(r.PathValue("id")) // the tenant is the principal's, never the request's
	if !ok {
		http.Error(w, "no such document", http.StatusNotFound) // 404 and not 403: whether others have one is theirs to tell
		return
	}
	// A second lock: the row says itself whose it is. A query with a mistake in it then leads to 403 and not to a leak.
	if err := s.authorizer.CheckOn(r.Context(), "document:read", rbac.Resource{ID: doc.ID, Tenant: doc.Tenant}); err != nil {
		middleware.Refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8") // what others wrote is no page of ours
	_, _ = io.WriteString(w, doc.Text)
}

func (s *service) put(w http.ResponseWriter, r *http.Request) {
	p, _ := auth.FromContext(r.Context())
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil {
		http.Error(w, "the text is too long", http.StatusRequestEntityTooLarge)
		return
	}
	s.database.of(p.Tenant()).put(r.PathValue("id"), string(text))
}
