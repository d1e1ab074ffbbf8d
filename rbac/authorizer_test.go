package rbac_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/rbac"
)

func TestARequestSeesOnePolicy(t *testing.T) {
	first, second := parse(t, readers, rbac.Config{}), parse(t, listers, rbac.Config{})
	a, other := authorizer(t, rbac.AuthorizerConfig{Policy: first}), authorizer(t, rbac.AuthorizerConfig{Policy: second})
	who := principal(t, principalNamed("ada", "viewer"))
	asked := 0
	handler := a.Track(a.Track(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked++
		ctx := auth.NewContext(r.Context(), who)
		before, err := a.Subject(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Swap(second); err != nil {
			t.Fatal(err)
		}
		after, err := a.Subject(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if before.Policy() != first || after.Policy() != first {
			t.Error("a request sees two policies")
		}
		checkError(t, a.Require("invoice:read").Check(ctx, who), 0, "")
		if s := other.Resolve(ctx, who); s.Policy() != second {
			t.Error("another authorizer answers by this one's policy")
		}
		if s := a.Resolve(t.Context(), who); s.Policy() != second {
			t.Error("outside of the request the old policy answers")
		}
	})))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	if s := a.Resolve(t.Context(), who); asked != 1 || s.Policy() != second {
		t.Error("the next request sees the old policy")
	}
}

func TestSubjectOfAHandler(t *testing.T) {
	failure := error(nil)
	a := authorizer(t, rbac.AuthorizerConfig{Tenant: func(context.Context, *auth.Principal) (string, error) { return "acme", failure }})
	_, err := a.Subject(t.Context())
	checkError(t, err, auth.KindNoCredential, auth.ReasonAbsent)
	ctx := auth.NewContext(t.Context(), principal(t, auth.PrincipalConfig{Scopes: unlimited, Data: rbac.In("acme", "viewer")}))
	s, err := a.Subject(ctx)
	if err != nil || s.Tenant() != "acme" || !s.Can("invoice:read") {
		t.Errorf("got tenant %q, %v", s.Tenant(), err)
	}
	failure = errors.New("the directory is down")
	s, err = a.Subject(ctx)
	checkError(t, err, auth.KindUnavailable, auth.ReasonUnavailable)
	if s.Can("invoice:read") {
		t.Error("a subject that can't be resolved is allowed something")
	}
}

// TestUndeclaredPermissionsAreInTheLog has a program ask for what its policy does not know: a refusal like any other outside.
func TestUndeclaredPermissionsAreInTheLog(t *testing.T) {
	var log strings.Builder
	a := authorizer(t, rbac.AuthorizerConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ctx := auth.NewContext(t.Context(), principal(t, auth.PrincipalConfig{Subject: "carl", Scopes: unlimited, Roles: []string{"clerk"}}))
	for _, check := range []func(permission string) error{
		func(p string) error { return a.Check(ctx, p) },
		func(p string) error { return a.CheckOn(ctx, p, rbac.Resource{ID: "1"}) },
	} {
		log.Reset()
		checkError(t, check("invoice:reed"), auth.KindForbidden, rbac.ReasonUndeclared)
		if !strings.Contains(log.String(), "did you mean") || !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("got log %q, want the permission that is meant", log.String())
		}
		log.Reset()
		checkError(t, check("invoice:approve"), auth.KindForbidden, rbac.ReasonMissingPermission)
		if log.Len() > 0 {
			t.Errorf("got log %q for a refusal", log.String())
		}
	}
	zero := rbac.Subject{}
	checkError(t, zero.Check(ctx, "invoice:read"), auth.KindForbidden, rbac.ReasonUndeclared)
	var asked auth.Describer
	if err := a.Check(ctx, "invoice:approve"); !errors.As(err, &asked) || asked.Describe().String() != "permission(invoice:approve)" {
		t.Errorf("got %v, want a refusal that says what was asked for", asked)
	}
}

// TestCheckIsSubjectAndCheckInOne asks for whoever is in the context.
func TestCheckIsSubjectAndCheckInOne(t *testing.T) {
	failure := error(nil)
	a := authorizer(t, rbac.AuthorizerConfig{Tenant: func(context.Context, *auth.Principal) (string, error) { return "acme", failure }})
	checkError(t, a.Check(t.Context(), "invoice:read"), auth.KindNoCredential, auth.ReasonAbsent)
	checkError(t, a.CheckOn(t.Context(), "invoice:delete", rbac.Resource{}), auth.KindNoCredential, auth.ReasonAbsent)
	ctx := auth.NewContext(t.Context(), principal(t, auth.PrincipalConfig{Subject: "carl", Scopes: unlimited, Data: rbac.In("acme", "clerk")}))
	checkError(t, a.Check(ctx, "invoice:read"), 0, "")
	checkError(t, a.Check(ctx, "invoice:approve"), auth.KindForbidden, rbac.ReasonMissingPermission)
	checkError(t, a.CheckOn(ctx, "invoice:delete", rbac.Resource{ID: "1", Owner: "carl"}), 0, "")
	checkError(t, a.CheckOn(ctx, "invoice:delete", rbac.Resource{ID: "1", Owner: "dora"}), auth.KindForbidden, rbac.ReasonCondition)
	checkError(t, a.CheckOn(ctx, "invoice:delete", rbac.Resource{ID: "1", Tenant: "other", Owner: "carl"}), auth.KindForbidden, rbac.ReasonTenant)
	failure = errors.New("the directory is down")
	checkError(t, a.Check(ctx, "invoice:read"), auth.KindUnavailable, auth.ReasonUnavailable)
	checkError(t, a.CheckOn(ctx, "invoice:delete", rbac.Resource{ID: "1", Owner: "carl"}), auth.KindUnavailable, auth.ReasonUnavailable)
}
