package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi"
	"github.com/cardea-go/auth/rbac"
	"github.com/cardea-go/auth/throttle"
)

//go:embed policy.yaml
var policyText []byte

// service is the whole: who may come in, and what is behind the door.
type service struct {
	log      *slog.Logger
	people   *people
	teams    *teams
	keys     *apikey.Keys
	tokens   *tokens
	policy   *rbac.Authorizer
	callers  auth.Authenticator
	routes   []middleware.Route
	document *openapi.Document
	handler  http.Handler
}

// newService makes the service that is reached at base, such as https://notes.example. The database is its caller's to close,
// after the keys: they write when they were last used.
func newService(ctx context.Context, base string, db *database, logger *slog.Logger) (*service, error) {
	s := &service{log: logger, teams: &teams{db.DB}}
	var err error
	if s.people, err = newPeople(db.DB); err != nil {
		return nil, err
	}
	if s.tokens, err = newTokens(ctx, base, db, s.people, s.teams, logger); err != nil {
		return nil, err
	}
	if s.keys, err = apikey.New(apikey.Config{ // of one person, 100 fit; sessions end by themselves: no store has a limit
		Prefix: "notes", Store: db.credentials.APIKeys(),
		OnError: func(err error) { logger.Error("API keys", "error", err) },
	}); err != nil {
		return nil, err
	}
	// Keys that ended are kept for a while, for questions about them. A service that runs for months does this every day.
	if _, err := s.keys.DeleteExpired(ctx, time.Now().AddDate(0, -1, 0)); err != nil {
		return nil, err
	}
	policy, err := rbac.Parse("policy.yaml", policyText, rbac.Config{})
	if err != nil {
		return nil, err
	}
	if s.policy, err = rbac.NewAuthorizer(rbac.AuthorizerConfig{Policy: policy, Tenant: rbac.PathTenant, Logger: logger}); err != nil {
		return nil, err
	}
	return s, s.build()
}

// guards returns the guard of the API and that of the login.
func (s *service) guards() (api, login *middleware.Guard, err error) {
	keys, err := s.keys.Authenticator(apikey.AuthenticatorConfig{Realm: "notes"})
	if err != nil {
		return nil, nil, err
	}
	passwords, err := basic.New(basic.Config{Realm: "notes", Users: s.people, Hasher: s.people.hasher, Throttle: s.people.logins})
	if err != nil {
		return nil, nil, err
	}
	// Programs come with a key or a token of their own, people with a token, for which they log in with a password.
	s.callers = auth.Map(auth.FirstOf(keys, s.tokens.accepted), s.load)
	api, err = middleware.New(middleware.Config{
		Authenticator: s.callers,
		Observer:      auth.NewLogObserver(s.log),
		ErrorLog:      s.log,
	})
	if err != nil {
		return nil, nil, err
	}
	login, err = api.With(func(c *middleware.Config) {
		c.Authenticator = passwords
		c.HideBasicFromScripts = true // our page has a form of its own
	})
	return api, login, err
}

// build states for each route who may use it. One that stated nothing would not build.
func (s *service) build() error {
	api, login, err := s.guards()
	if err != nil {
		return err
	}
	signUps, err := signUpLimit()
	if err != nil {
		return err
	}
	page, err := newPage()
	if err != nil {
		return err
	}
	mux := middleware.NewMux(middleware.MuxConfig{Guard: api, Around: rbac.TenantFromPath("team")})
	account := mux.Group(middleware.Require(auth.Scopes("account")))
	public := middleware.Public()

	mux.HandleFunc("GET /health", public, health)
	mux.Handle("POST /signup", public, signUps(http.HandlerFunc(s.signUp)))
	mux.HandleFunc("POST /session/login", middleware.Authenticated().Via(login), s.tokens.web.Login)
	mux.HandleFunc("POST /session/refresh", public, s.tokens.web.Refresh) // the cookie is the credential
	mux.HandleFunc("POST /session/logout", public, s.tokens.web.Logout)
	mux.Handle("/oauth/", public, s.tokens.server.Handler())
	mux.Handle("GET /.well-known/oauth-authorization-server/oauth", public, s.tokens.server.Handler())
	mux.Handle("GET "+s.tokens.accepted.Metadata().Path(), public, s.tokens.accepted.Metadata())

	mux.HandleFunc("GET /api/hello", middleware.Optional(), hello)
	mux.HandleFunc("GET /api/me", middleware.Authenticated(), s.me)
	mux.HandleFunc("GET /api/teams", middleware.Authenticated(), s.listTeams)
	mux.HandleFunc("POST /api/teams", middleware.Require(auth.Scopes("teams")), s.addTeam)
	mux.HandleFunc("GET /api/teams/{team}/notes", s.allows("note:list"), s.listNotes)
	mux.HandleFunc("POST /api/teams/{team}/notes", s.allows("note:write"), s.addNote)
	mux.HandleFunc("DELETE /api/teams/{team}/notes/{id}", middleware.Require(s.policy.RequireConditional("note:delete")), s.removeNote)
	mux.HandleFunc("GET /api/teams/{team}/members", s.allows("team:read"), s.listMembers)
	mux.HandleFunc("PUT /api/teams/{team}/members/{user}", s.allows("team:manage"), s.putMember)
	mux.HandleFunc("DELETE /api/teams/{team}/members/{user}", s.allows("team:manage"), s.removeMember)
	mux.HandleFunc("GET /api/teams/{team}/programs", s.allows("team:manage"), s.listPrograms)
	mux.HandleFunc("POST /api/teams/{team}/programs", s.allows("team:manage"), s.addProgram)
	mux.HandleFunc("DELETE /api/teams/{team}/programs/{client}", s.allows("team:manage"), s.removeProgram)

	ownKeys := s.afterBody(http.StripPrefix("/api/keys", s.keys.Handler()))
	for _, route := range []string{"GET /api/keys", "POST /api/keys", "GET /api/keys/{key}", "DELETE /api/keys/{key}", "POST /api/keys/{key}/rotate"} {
		account.Handle(route, middleware.Authenticated(), ownKeys)
	}
	account.HandleFunc("GET /api/sessions", middleware.Authenticated(), s.listSessions)
	account.HandleFunc("DELETE /api/sessions/{id}", middleware.Authenticated(), s.endSession)

	mux.HandleFunc("GET /api/admin/people", s.allows("person:list").Conceal(), s.listPeople)
	mux.HandleFunc("POST /api/admin/people/{user}/disable", s.allows("person:disable").Conceal(), s.disable)
	mux.HandleFunc("POST /api/admin/people/{user}/enable", s.allows("person:disable").Conceal(), s.enable)

	s.routes = mux.Routes()
	if s.document, err = describe(s.routes); err != nil {
		return err
	}
	mux.Handle("GET /openapi.json", public, s.document.JSONHandler())
	mux.Handle("GET /docs/", public, page.docs)
	for _, file := range page.paths() {
		mux.Handle("GET "+file, public, page)
	}
	built, err := mux.Build()
	if err != nil {
		return err
	}
	s.handler = s.policy.Track(built)
	return nil
}

// allows is the access of a route that needs a permission of the policy.
func (s *service) allows(permission string) middleware.Access {
	return middleware.Require(s.policy.Require(permission))
}

// signUpLimit is ten accounts from one network at once, and one more every ten minutes.
func signUpLimit() (func(http.Handler) http.Handler, error) {
	bucket, err := throttle.NewBucket(throttle.BucketConfig{Burst: 10, Every: 10 * time.Minute})
	if err != nil {
		return nil, err
	}
	return throttle.NewMiddleware(throttle.MiddlewareConfig{Limiter: bucket, Key: throttle.ByAddr(auth.PeerAddr)}) // behind a proxy: auth.ForwardedFor
}

// load looks up whoever was proved, by key or token. The credential says who it is; what they may do is ours to say, and
// looked up on every request. The tokens are our own, so their subjects are our own people and programs. An error of the
// database says neither yes nor no, and is answered with 503.
func (s *service) load(ctx context.Context, who *auth.Principal) (*auth.Principal, error) {
	var bindings rbac.Bindings
	if id, ok := programID(who.Subject()); ok {
		p, known, err := s.teams.program(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case !known:
			return nil, auth.Forbidden(auth.ReasonUnknown, nil)
		}
		bindings = rbac.In(p.team, p.Role)
	} else {
		a, known, err := s.people.find(ctx, who.Subject())
		switch {
		case err != nil:
			return nil, err
		case !known:
			return nil, auth.Forbidden(auth.ReasonUnknown, nil)
		case a.Disabled:
			return nil, auth.Forbidden(auth.ReasonDisabled, nil)
		}
		if bindings, err = s.teams.bindings(ctx, a.Name); err != nil {
			return nil, err
		}
		if a.Admin {
			bindings = append(bindings, rbac.Everywhere("admin")...)
		}
	}
	return who.Derive(func(c *auth.PrincipalConfig) { c.Issuer, c.Data = "", bindings })
}

// principal returns who is behind r. Every route that asks is behind a guard that proved one.
func principal(r *http.Request) *auth.Principal {
	p, _ := auth.FromContext(r.Context())
	return p
}

func health(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

func hello(w http.ResponseWriter, r *http.Request) {
	name := "stranger"
	if p, ok := auth.FromContext(r.Context()); ok {
		name = p.Subject()
	}
	writeJSON(w, http.StatusOK, map[string]string{"hello": name})
}

// me tells callers what they are, and whether to show them the administrators' page.
func (s *service) me(w http.ResponseWriter, r *http.Request) {
	p := principal(r)
	subject := s.policy.Resolve(r.Context(), p)
	writeJSON(w, http.StatusOK, map[string]any{
		"name": p.Subject(), "scopes": p.Scopes().String(), "credential": p.Scheme(), "admin": subject.Can("person:list"),
	})
}

// answer shows what was found or made, or answers err.
func (s *service) answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, status, v)
}

// done answers a change that has nothing to show.
func (s *service) done(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// fail answers an error. What is no error of the service is a refusal of package auth, or an outage, which is logged and not
// shown. An outage is 503 also where the route is concealed from others: a guard let the caller in, and "not found" would be
// untrue.
func (s *service) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errNoSuch):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, errLastOwner):
		http.Error(w, err.Error(), http.StatusConflict)
	case errors.Is(err, errNoRoom), errors.Is(err, errFull):
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
	default:
		middleware.Refuse(w, r, err)
	}
}

const maxBody = 32 << 10

// readJSON reads a body, or answers that it can't and returns false.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		http.Error(w, "the body is not the JSON object that is expected here", http.StatusBadRequest)
		return false
	}
	return true
}

// read reads a body as readJSON does, and then asks again whether the caller may; "" is no permission. The guard decided when
// the headers were there, and a body may take its time: whoever is put out of a team, disabled or logged out would hold a
// request open, and come back with it.
func (s *service) read(w http.ResponseWriter, r *http.Request, permission string, into any) bool {
	if !readJSON(w, r, into) {
		return false
	}
	if err := s.again(r, permission); err != nil {
		s.fail(w, r, err)
		return false
	}
	return true
}

func (s *service) again(r *http.Request, permission string) error {
	p, err := s.callers.Authenticate(r)
	if err == nil && permission != "" {
		err = s.policy.Require(permission).Check(r.Context(), p)
	}
	return err
}

// afterBody does the same for a handler that reads bodies by itself.
func (s *service) afterBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, apikey.MaxBody+1)) // one more byte than next takes
		if err != nil {
			http.Error(w, "the body could not be read", http.StatusBadRequest)
			return
		}
		if err := s.again(r, ""); err != nil {
			s.fail(w, r, err)
			return
		}
		r = r.WithContext(r.Context()) // a copy
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// writeJSON answers what is for one caller, and no cache's.
func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the status is out; a client that has gone away is no error of ours
}
