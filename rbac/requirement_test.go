package rbac_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

func authorizer(t testing.TB, c rbac.AuthorizerConfig) *rbac.Authorizer {
	t.Helper()
	if c.Policy == nil {
		c.Policy = parse(t, books, (&state{}).config())
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	a, err := rbac.NewAuthorizer(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRequirement(t *testing.T) {
	tests := []struct {
		name       string
		who        *auth.PrincipalConfig
		permission string
		kind       auth.Kind
		reason     auth.Reason
		scope      string
	}{
		{"who holds the role goes on", &auth.PrincipalConfig{Roles: []string{"viewer"}, Scopes: unlimited}, "invoice:read", 0, "", ""},
		{"nobody is asked to log in", nil, "invoice:read", auth.KindNoCredential, auth.ReasonAbsent, ""},
		{"who lacks the role is forbidden", &auth.PrincipalConfig{Roles: []string{"viewer"}, Scopes: unlimited}, "invoice:create", auth.KindForbidden, rbac.ReasonMissingPermission, ""},
		{"a token without scopes is told the narrowest scope", &auth.PrincipalConfig{Roles: []string{"viewer"}}, "invoice:read", auth.KindForbidden, auth.ReasonMissingScope, "invoices.read"},
		{"a scope does not help who lacks the role", &auth.PrincipalConfig{Roles: []string{"viewer"}}, "invoice:create", auth.KindForbidden, rbac.ReasonMissingPermission, ""},
		{"a permission that no scope covers names none", &auth.PrincipalConfig{Roles: []string{"viewer"}}, "report:read", auth.KindForbidden, auth.ReasonMissingScope, ""},
		{"a permission under a condition does not do", &auth.PrincipalConfig{Roles: []string{"clerk"}, Scopes: unlimited}, "invoice:delete", auth.KindForbidden, rbac.ReasonConditional, ""},
		{"exclusive roles are refused", &auth.PrincipalConfig{Roles: []string{"clerk", "approver"}, Scopes: unlimited}, "invoice:read", auth.KindForbidden, rbac.ReasonExclusive, ""},
		{"a permission that the policy does not declare is refused", &auth.PrincipalConfig{Roles: []string{"admin"}, Scopes: unlimited}, "invoice:raed", auth.KindForbidden, rbac.ReasonUndeclared, ""},
	}
	a := authorizer(t, rbac.AuthorizerConfig{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var who *auth.Principal
			if tt.who != nil {
				who = principal(t, *tt.who)
			}
			err := a.Require(tt.permission).Check(t.Context(), who)
			checkError(t, err, tt.kind, tt.reason)
			if tt.kind != auth.KindForbidden {
				return
			}
			e := auth.AsError(err)
			d, ok := errors.AsType[*rbac.Decision](err)
			if !ok || d.Reason != tt.reason || d.Answer == rbac.Allowed || d.Permission != tt.permission {
				t.Errorf("the cause is %v", d)
			}
			scope := ""
			for _, p := range e.Params {
				if p.Name == "scope" {
					scope = p.Value
				}
			}
			if scope != tt.scope {
				t.Errorf("got scope %q, want %q", scope, tt.scope)
			}
			if text := e.Error(); strings.Contains(text, "clerk") || strings.Contains(text, "42") {
				t.Errorf("the public text %q tells too much", text)
			}
		})
	}
}

func checkError(t *testing.T, err error, kind auth.Kind, reason auth.Reason) {
	t.Helper()
	if kind == 0 {
		if err != nil {
			t.Errorf("got %v, want no error", errors.Unwrap(err))
		}
		return
	}
	if e := auth.AsError(err); e == nil || e.Kind != kind || e.Reason != reason {
		t.Errorf("got %#v (%v), want %v, %s", e, errors.Unwrap(err), kind, reason)
	}
}

func TestRequirementIsDescribedAndValidated(t *testing.T) {
	a := authorizer(t, rbac.AuthorizerConfig{})
	good := a.Require("invoice:read", "invoice:list")
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	if got, want := auth.Describe(good), (auth.Rule{Kind: "permission", Names: []string{"invoice:read", "invoice:list"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := good.Permissions(); len(got) != 2 {
		t.Errorf("got %v", got)
	}
	who := principal(t, auth.PrincipalConfig{Roles: []string{"admin"}, Scopes: unlimited})
	var none *rbac.Requirement
	for name, bad := range map[string]*rbac.Requirement{"no permission": a.Require(), "zero": {}, "nil": none} {
		if bad.Validate() == nil {
			t.Errorf("%s: Validate reports nothing", name)
		}
		checkError(t, bad.Check(t.Context(), who), auth.KindUnavailable, auth.ReasonConfiguration)
		if auth.Describe(bad).Kind != "permission" {
			t.Errorf("%s: not described", name)
		}
	}
	err := a.Require("invoice:raed").Validate()
	if err == nil || !strings.Contains(err.Error(), `did you mean "invoice:read"?`) {
		t.Errorf("got %v, want the nearest name", err)
	}
}

func TestTenantOfARequirement(t *testing.T) {
	tenant, failure := "acme", error(nil)
	a := authorizer(t, rbac.AuthorizerConfig{Tenant: func(context.Context, *auth.Principal) (string, error) { return tenant, failure }})
	read := a.Require("invoice:read")
	bound := principal(t, auth.PrincipalConfig{Scopes: unlimited, Roles: []string{"admin"}, Tenant: "other", Data: rbac.In("acme", "viewer")})
	own := principal(t, auth.PrincipalConfig{Scopes: unlimited, Roles: []string{"viewer"}, Tenant: "other"})
	loose := principal(t, auth.PrincipalConfig{Scopes: unlimited, Roles: []string{"viewer"}})
	checkError(t, read.Check(t.Context(), bound), 0, "")
	checkError(t, a.Require("invoice:create").Check(t.Context(), bound), auth.KindForbidden, rbac.ReasonMissingPermission) // bindings replace roles
	checkError(t, read.Check(t.Context(), own), auth.KindForbidden, rbac.ReasonMissingPermission)
	checkError(t, read.Check(t.Context(), loose), auth.KindForbidden, rbac.ReasonMissingPermission)
	tenant = "other"
	checkError(t, read.Check(t.Context(), own), 0, "")
	checkError(t, read.Check(t.Context(), bound), auth.KindForbidden, rbac.ReasonMissingPermission)
	tenant = ""
	checkError(t, read.Check(t.Context(), loose), 0, "")
	failure = errors.New("the directory is down")
	checkError(t, read.Check(t.Context(), own), auth.KindUnavailable, auth.ReasonUnavailable)
}

func TestStrictRoles(t *testing.T) {
	who := principal(t, auth.PrincipalConfig{Roles: []string{"viewer", "root"}, Scopes: unlimited})
	lenient, strict := authorizer(t, rbac.AuthorizerConfig{}), authorizer(t, rbac.AuthorizerConfig{StrictRoles: true})
	checkError(t, lenient.Require("invoice:read").Check(t.Context(), who), 0, "")
	err := strict.Require("invoice:read").Check(t.Context(), who)
	checkError(t, err, auth.KindForbidden, rbac.ReasonUnknownRole)
	if d, _ := errors.AsType[*rbac.Decision](err); len(d.Unknown) != 1 || d.Unknown[0] != "root" {
		t.Errorf("the decision names %v", d.Unknown)
	}
	if lenient.UnknownRoles() != 1 {
		t.Errorf("got %d principals with unknown roles, want 1", lenient.UnknownRoles())
	}
}

func TestConditions(t *testing.T) {
	mine := rbac.Resource{ID: "7", Owner: "42"}
	outage := errors.New("the ledger is down")
	tests := []struct {
		name     string
		role     string
		resource rbac.Resource
		state    state
		kind     auth.Kind
		reason   auth.Reason
	}{
		{"the owner may", "clerk", mine, state{}, 0, ""},
		{"somebody else may not", "clerk", rbac.Resource{Owner: "43"}, state{}, auth.KindForbidden, rbac.ReasonCondition},
		{"the same name of another issuer is somebody else", "clerk", rbac.Resource{Owner: "42", OwnerIssuer: "https://other"}, state{}, auth.KindForbidden, rbac.ReasonCondition},
		{"nobody owns what has no owner", "clerk", rbac.Resource{ID: "7"}, state{}, auth.KindForbidden, rbac.ReasonCondition},
		{"a guardrail stops the owner", "clerk", mine, state{closed: true}, auth.KindForbidden, rbac.ReasonGuardrail},
		{"a guardrail that fails stops the owner", "clerk", mine, state{err: outage}, auth.KindUnavailable, auth.ReasonUnavailable},
		{"a guardrail that lacks its input stops the owner", "clerk", mine, state{err: rbac.ErrNeedsResource}, auth.KindForbidden, rbac.ReasonGuardrail},
		{"a guardrail leaves its exceptions alone, failing or not", "admin", mine, state{closed: true, err: outage}, 0, ""},
		{"a resource in another tenant is denied", "admin", rbac.Resource{Tenant: "acme"}, state{}, auth.KindForbidden, rbac.ReasonTenant},
		{"a cancelled condition can't be decided", "clerk", mine, state{err: context.Canceled}, auth.KindUnavailable, auth.ReasonCancelled},
		{"a condition may ask for a stronger login", "clerk", mine, state{err: &auth.Error{Kind: auth.KindStepUp, Reason: auth.ReasonTooWeak}}, auth.KindStepUp, auth.ReasonTooWeak},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := authorizer(t, rbac.AuthorizerConfig{Policy: parse(t, books, tt.state.config())})
			s := a.Resolve(t.Context(), principal(t, auth.PrincipalConfig{Roles: []string{tt.role}, Scopes: unlimited}))
			checkError(t, s.CheckOn(t.Context(), "invoice:delete", tt.resource), tt.kind, tt.reason)
			if got := s.CanOn(t.Context(), "invoice:delete", tt.resource); got != (tt.kind == 0) {
				t.Errorf("CanOn: got %v", got)
			}
			h, _ := a.Policy().Catalog().Permission("invoice:delete")
			if got := s.HasOn(t.Context(), h, tt.resource); got != (tt.kind == 0) {
				t.Errorf("HasOn: got %v", got)
			}
		})
	}
}

func TestATenantRefusesFromOutsideAsFromInside(t *testing.T) {
	a := authorizer(t, rbac.AuthorizerConfig{StrictRoles: true})
	clerk := rbac.Everywhere("clerk")
	for _, tt := range []struct {
		name     string
		bindings rbac.Bindings
		kind     auth.Kind
		reason   auth.Reason
	}{
		{"what is held everywhere counts", clerk, 0, ""},
		{"beside roles in another tenant", append(rbac.In("other", "approver", "ghost"), clerk...), 0, ""},
		{"not beside a role of the tenant that excludes it", append(rbac.In("acme", "approver"), clerk...), auth.KindForbidden, rbac.ReasonExclusive},
		{"nor beside one that the policy lacks", append(rbac.In("acme", "ghost"), clerk...), auth.KindForbidden, rbac.ReasonUnknownRole},
	} {
		t.Run(tt.name, func(t *testing.T) {
			who := principal(t, auth.PrincipalConfig{Scopes: unlimited, Data: tt.bindings})
			for _, tenant := range []string{"", "acme"} {
				s := a.ResolveIn(t.Context(), who, tenant)
				checkError(t, s.CheckOn(t.Context(), "invoice:create", rbac.Resource{Tenant: "acme"}), tt.kind, tt.reason)
			}
		})
	}
}

func TestNobodyOwnsNothing(t *testing.T) {
	s := parse(t, books, (&state{}).config()).Resolve("", rbac.Everywhere("clerk"), unlimited)
	if s.CanOn(t.Context(), "invoice:delete", rbac.Resource{ID: "7"}) {
		t.Error("a subject without a name owns what has no owner")
	}
}

func TestAConditionThatFailsDoesNotGrant(t *testing.T) {
	const text = "version: 1\npermissions: {invoice: [read]}\nroles: {viewer: {allow: [{permission: 'invoice:read', when: [first, second]}]}}\n"
	result := func(ok bool, err error) rbac.Condition {
		return func(context.Context, rbac.Input) (bool, error) { return ok, err }
	}
	boom := func(context.Context, rbac.Input) (bool, error) { panic("secret") }
	outage := errors.New("down")
	tests := []struct {
		name          string
		first, second rbac.Condition
		kind          auth.Kind
		reason        auth.Reason
	}{
		{"both hold", result(true, nil), result(true, nil), 0, ""},
		{"one does not", result(true, nil), result(false, nil), auth.KindForbidden, rbac.ReasonCondition},
		{"one says yes and fails", result(true, outage), result(true, nil), auth.KindUnavailable, auth.ReasonUnavailable},
		{"one fails and the other does not hold", result(true, outage), result(false, nil), auth.KindForbidden, rbac.ReasonCondition},
		{"the same the other way round", result(false, nil), result(true, outage), auth.KindForbidden, rbac.ReasonCondition},
		{"one panics", result(true, nil), boom, auth.KindUnavailable, auth.ReasonPanic},
		{"one lacks a resource and the other fails", result(false, rbac.ErrNeedsResource), result(true, outage), auth.KindUnavailable, auth.ReasonUnavailable},
		{"one lacks a resource", result(true, nil), result(true, rbac.ErrNeedsResource), auth.KindForbidden, rbac.ReasonConditional},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := parse(t, text, rbac.Config{Conditions: map[string]rbac.Condition{"first": tt.first, "second": tt.second}})
			s := p.Resolve("", rbac.Everywhere("viewer"), unlimited)
			err := s.Check(t.Context(), "invoice:read")
			checkError(t, err, tt.kind, tt.reason)
			if err != nil && strings.Contains(errors.Unwrap(err).Error(), "secret") {
				t.Errorf("the cause %v holds what the panic did", errors.Unwrap(err))
			}
			if s.Can("invoice:read") {
				t.Error("Can is true under a condition")
			}
		})
	}
}

func TestTrack(t *testing.T) {
	var log strings.Builder
	a := authorizer(t, rbac.AuthorizerConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	handler := func(f func(w http.ResponseWriter, r *http.Request, s *rbac.Subject)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			who, _ := auth.FromContext(r.Context())
			if err := a.RequireConditional("invoice:delete").Check(r.Context(), who); err != nil {
				w.WriteHeader(auth.KindOf(err).Status())
				return
			}
			s := a.Resolve(t.Context(), who)
			w.Header().Set("X-Secret", "1")
			f(w, r, &s)
		}
	}
	mine, theirs := rbac.Resource{Owner: "42"}, rbac.Resource{Owner: "43"}
	tests := []struct {
		name    string
		role    string
		handler func(w http.ResponseWriter, r *http.Request, s *rbac.Subject)
		status  int
		body    string
	}{
		{"a handler that checks may answer", "clerk", func(w http.ResponseWriter, r *http.Request, s *rbac.Subject) {
			if s.CanOn(r.Context(), "invoice:delete", mine) {
				_, _ = w.Write([]byte("gone"))
			}
		}, 200, "gone"},
		{"a handler that filters may answer", "clerk", func(w http.ResponseWriter, r *http.Request, s *rbac.Subject) {
			s.Filter(r.Context(), "invoice:delete")
			_, _ = w.Write([]byte("some"))
		}, 200, "some"},
		{"a handler that forgets fails", "clerk", func(w http.ResponseWriter, _ *http.Request, _ *rbac.Subject) {
			_, _ = w.Write([]byte("gone"))
		}, 500, "Internal Server Error\n"},
		{"a handler that writes nothing fails", "clerk", func(http.ResponseWriter, *http.Request, *rbac.Subject) {}, 500, "Internal Server Error\n"},
		{"a handler that checks something else fails", "clerk", func(w http.ResponseWriter, r *http.Request, s *rbac.Subject) {
			s.CanOn(r.Context(), "invoice:read", mine)
			w.WriteHeader(http.StatusNoContent)
			w.WriteHeader(http.StatusOK)
		}, 500, "Internal Server Error\n"},
		{"a handler that goes on after a no fails", "clerk", func(w http.ResponseWriter, r *http.Request, s *rbac.Subject) {
			s.CanOn(r.Context(), "invoice:delete", theirs)
			_, _ = w.Write([]byte("gone"))
		}, 500, "Internal Server Error\n"},
		{"a handler that flushes fails", "clerk", func(w http.ResponseWriter, _ *http.Request, _ *rbac.Subject) {
			w.(http.Flusher).Flush()
		}, 500, "Internal Server Error\n"},
		{"a handler that takes the connection fails", "clerk", func(w http.ResponseWriter, _ *http.Request, _ *rbac.Subject) {
			if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
				t.Error("the connection was given away")
			}
		}, 500, "Internal Server Error\n"},
		{"a handler that checks may take the connection", "clerk", func(w http.ResponseWriter, r *http.Request, s *rbac.Subject) {
			if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
				t.Errorf("a deadline: %v", err)
			}
			s.CanOn(r.Context(), "invoice:delete", mine)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine"))
			_ = conn.Close()
		}, 200, "mine"},
		{"a refusal needs no check", "clerk", func(w http.ResponseWriter, _ *http.Request, _ *rbac.Subject) {
			w.WriteHeader(http.StatusEarlyHints)
			http.Error(w, "no such invoice", http.StatusNotFound)
		}, 404, "no such invoice\n"},
		{"nor does the first of the refusals", "clerk", func(w http.ResponseWriter, _ *http.Request, _ *rbac.Subject) {
			http.Error(w, "not so", http.StatusBadRequest)
		}, 400, "not so\n"},
		{"the last status that is none needs one", "clerk", func(w http.ResponseWriter, _ *http.Request, _ *rbac.Subject) {
			w.WriteHeader(399)
		}, 500, "Internal Server Error\n"},
		{"a handler that switches protocols fails", "clerk", func(w http.ResponseWriter, _ *http.Request, _ *rbac.Subject) {
			w.WriteHeader(http.StatusSwitchingProtocols)
		}, 500, "Internal Server Error\n"},
		{"who is allowed whatever the resource needs no second check", "admin", func(w http.ResponseWriter, _ *http.Request, _ *rbac.Subject) {
			_, _ = w.Write([]byte("gone"))
		}, 200, "gone"},
		{"who is denied does not get in", "viewer", nil, 403, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log.Reset()
			who := principal(t, auth.PrincipalConfig{Roles: []string{tt.role}, Scopes: unlimited})
			server := httptest.NewServer(a.Track(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				handler(tt.handler)(w, r.WithContext(auth.NewContext(r.Context(), who)))
			})))
			defer server.Close()
			resp, err := server.Client().Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close() //nolint:errcheck // a test
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode != tt.status || string(body) != tt.body || err != nil {
				t.Errorf("got %d %q (%v), want %d %q", resp.StatusCode, body, err, tt.status, tt.body)
			}
			if logged := strings.Contains(log.String(), string(rbac.ReasonUnchecked)); logged != (tt.status == 500) {
				t.Errorf("got log %q", log.String())
			}
			if tt.status == 500 && resp.Header.Get("X-Secret") != "" {
				t.Error("the handler's header is sent")
			}
		})
	}
	who := principal(t, auth.PrincipalConfig{Roles: []string{"clerk"}, Scopes: unlimited})
	log.Reset()
	checkError(t, a.RequireConditional("invoice:delete").Check(t.Context(), who), auth.KindUnavailable, auth.ReasonConfiguration)
	if !strings.Contains(log.String(), "outside of Authorizer.Track") {
		t.Errorf("got log %q, want it to say what is missing", log.String())
	}
}

func TestAudit(t *testing.T) {
	var told []*rbac.Decision
	a := authorizer(t, rbac.AuthorizerConfig{Audit: func(_ context.Context, d *rbac.Decision) { told = append(told, d) }})
	who := principal(t, auth.PrincipalConfig{Issuer: "https://issuer", Roles: []string{"clerk"}, Scopes: unlimited, Tenant: "acme"})
	_ = a.Require("invoice:read").Check(t.Context(), who)
	_ = a.Require("invoice:approve").Check(t.Context(), who)
	s := a.Resolve(t.Context(), who)
	s.CanOn(t.Context(), "invoice:delete", rbac.Resource{ID: "7", Owner: "42", OwnerIssuer: "https://issuer"})
	if len(told) != 3 {
		t.Fatalf("told %d decisions, want 3", len(told))
	}
	for i, want := range []rbac.Answer{rbac.Allowed, rbac.Denied, rbac.Allowed} {
		if d := told[i]; d.Answer != want || d.Subject != "42" || d.Issuer != "https://issuer" || d.Tenant != "acme" || d.Policy != a.Policy().Version() {
			t.Errorf("decision %d: got %+v", i, d)
		}
	}
	if told[2].Resource != "7" || told[2].Grant != "invoice:delete" || told[2].When[0] != "owner" {
		t.Errorf("got %+v", told[2])
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("decided", "decision", told[1])
	for _, want := range []string{"permission=invoice:approve", "reason=missing_permission", "approver (policy.yaml:9:3)", "answer=denied"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in %s", want, log.String())
		}
	}
}
