package rbac

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/cardea-go/auth"
)

// A Step is a role on the way from one that is held to one that allows, and where it is defined.
type Step struct {
	Role     string
	Position Position
}

// A Decision is an answer with its reasons. As an error it is for logs: Error names roles, files and the subject. What a
// client may see is [Decision.Public].
type Decision struct { //nolint:errname // a decision, which happens to be an error where it is a denial
	Permission string
	Answer     Answer
	// Reason is the stable code of an answer that is not Allowed.
	Reason auth.Reason
	// Subject, Issuer and Tenant say who asked and where; Resource is the resource's ID.
	Subject, Issuer, Tenant, Resource string
	// Policy is the version of the policy that answered.
	Policy string

	// Path leads from a role held to the one whose grant allows, or would under conditions: When.
	Path []Step
	// Grant is that grant as it is written, GrantedAt where.
	Grant     string
	GrantedAt Position
	When      []string

	// Held are the roles that counted; Elsewhere those held in other tenants only; Unknown those that the policy lacks.
	Held      []Step
	Elsewhere []Binding
	Unknown   []string
	// AllowedBy are roles that would allow.
	AllowedBy []Step
	// MissingScopes are scopes that would leave the permission in place, the narrowest first.
	MissingScopes []string
	// Condition is the one that decided, Err what it failed with.
	Condition string
	Err       error
	// Guardrail is the reason of the guardrail that denied, GuardrailAt where it is.
	Guardrail   string
	GuardrailAt Position
	// Exclusive are roles held that exclude each other.
	Exclusive []string
}

// Describe implements [auth.Describer]: what was asked for. Where a handler hands the error on to middleware.Refuse, the event
// says it.
func (d *Decision) Describe() auth.Rule {
	return auth.Rule{Kind: "permission", Names: []string{d.Permission}}
}

// sentences are the cores of the texts by reason, for logs.
var sentences = map[auth.Reason]string{
	ReasonMissingPermission: "none of the roles held allows it",
	ReasonUndeclared:        "the policy declares no such permission",
	ReasonCondition:         "a condition does not hold",
	ReasonConditional:       "a condition has to see the resource",
	ReasonGuardrail:         "a guardrail denies it",
	ReasonExclusive:         "roles are held that exclude each other",
	ReasonUnknownRole:       "a role is held that the policy lacks",
	ReasonTenant:            "the resource is in another tenant",
	ReasonUnchecked:         "the handler ended without checking the resource",
	auth.ReasonMissingScope: "the roles allow it and the token's scopes do not",
}

// Error returns everything on one line, for logs. Whatever came from a request is quoted.
func (d *Decision) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rbac: %s %s", d.name(), d.Answer)
	if d.Subject != "" {
		fmt.Fprintf(&b, " for %q", d.Subject)
	}
	if d.Tenant != "" {
		fmt.Fprintf(&b, " in tenant %q", d.Tenant)
	}
	if d.Reason != "" {
		b.WriteString(": " + sentences[d.Reason])
	}
	for _, detail := range d.details() {
		b.WriteString("; " + detail)
	}
	return b.String()
}

// name returns the permission, quoted where it is none: it may come from a request.
func (d *Decision) name() string {
	if validPermission(d.Permission) {
		return d.Permission
	}
	return strconv.Quote(d.Permission)
}

// String returns the decision for a terminal: a line that says what, and one for each detail.
func (d *Decision) String() string {
	line := fmt.Sprintf("%s: %s", d.name(), d.Answer)
	if d.Reason != "" {
		line += ", " + sentences[d.Reason]
	}
	return strings.Join(append([]string{line}, d.details()...), "\n  ")
}

func (d *Decision) details() []string {
	var list []string
	add := func(title string, text string) {
		if text != "" {
			list = append(list, title+": "+text)
		}
	}
	if len(d.Path) > 0 {
		add("by", fmt.Sprintf("%s, which allows %s (%s)", steps(d.Path, " > "), d.Grant, d.GrantedAt))
	}
	add("when", strings.Join(d.When, ", "))
	add("condition", d.Condition)
	if d.Err != nil {
		add("failed with", fmt.Sprintf("%q", d.Err))
	}
	if d.Guardrail != "" {
		add("guardrail", fmt.Sprintf("%s (%s)", d.Guardrail, d.GuardrailAt))
	}
	add("missing one of the scopes", strings.Join(d.MissingScopes, ", "))
	add("exclusive", strings.Join(d.Exclusive, ", "))
	if d.Answer != Allowed {
		add("held", steps(d.Held, ", "))
		elsewhere := make([]string, len(d.Elsewhere))
		for i, b := range d.Elsewhere {
			elsewhere[i] = fmt.Sprintf("%q in %q", b.Role, b.Tenant)
		}
		add("held elsewhere", strings.Join(elsewhere, ", "))
		add("allowed by", steps(d.AllowedBy, ", "))
	}
	add("not in the policy", quoted(d.Unknown))
	return list
}

func steps(list []Step, separator string) string {
	parts := make([]string, len(list))
	for i, s := range list {
		parts[i] = fmt.Sprintf("%s (%s)", s.Role, s.Position)
	}
	return strings.Join(parts, separator)
}

// Public returns a sentence that a client may see: it names the permission and, where a guardrail denied, the reason
// that the policy gives; no role, no file, nothing of the request.
func (d *Decision) Public() string {
	switch {
	case d.Answer == Allowed:
		return "allowed: " + d.Permission
	case d.Reason == ReasonUndeclared: // the name may come from the request
		return "not allowed"
	case d.Guardrail != "" && d.Err == nil && d.Answer == Denied:
		return fmt.Sprintf("not allowed: %s: %s", d.Permission, d.Guardrail)
	case d.Reason == auth.ReasonMissingScope:
		return "the token's scope does not cover " + d.Permission
	}
	return "not allowed: " + d.Permission
}

// Unwrap returns what the deciding condition failed with, or nil.
func (d *Decision) Unwrap() error { return d.Err }

// LogValue returns the permission, the answer and what led to it.
func (d *Decision) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("permission", d.Permission), slog.String("answer", d.Answer.String()), slog.String("reason", string(d.Reason)),
		slog.String("issuer", d.Issuer), slog.String("subject", d.Subject), slog.String("tenant", d.Tenant),
		slog.String("resource", d.Resource), slog.String("policy", d.Policy),
	}
	if details := d.details(); len(details) > 0 {
		attrs = append(attrs, slog.Any("details", details))
	}
	return slog.GroupValue(attrs...)
}

// authError returns the refusal that d is the cause of.
func (d *Decision) authError() *auth.Error {
	if d.Err != nil {
		return d.failure()
	}
	e := auth.Forbidden(d.Reason, d)
	switch {
	case d.Reason == auth.ReasonMissingScope && len(d.MissingScopes) > 0:
		// RFC 6750 §3.1: the scope attribute tells the scope necessary to access the resource.
		e.Params = []auth.Param{{Name: "scope", Value: d.MissingScopes[0]}}
	case d.Reason == ReasonGuardrail:
		e.Message = d.Public()
	}
	return e
}

// failure is the refusal after a condition failed. The condition may choose it by returning an [*auth.Error], such as one
// of [auth.KindStepUp]; whatever else it returns says that it can't be decided.
func (d *Decision) failure() *auth.Error {
	if said, ok := errors.AsType[*auth.Error](d.Err); ok {
		said = auth.AsError(said)
		return &auth.Error{Kind: said.Kind, Reason: said.Reason, Message: said.Message, RetryAfter: said.RetryAfter, Params: said.Params, Err: d}
	}
	e := auth.Unavailable(d)
	if _, ok := errors.AsType[*PanicError](d.Err); ok {
		e.Reason = auth.ReasonPanic
	}
	if errors.Is(d.Err, ErrNeedsResource) {
		return auth.Forbidden(d.Reason, d)
	}
	return e
}
