package openapi

import (
	"fmt"

	"github.com/cardea-go/auth/middleware"
	"go.yaml.in/yaml/v3"
)

// A refusal is an answer of the guard, kept under components/responses.
type refusal struct {
	status, name, description string
	headers                   []string
}

var refusals = []refusal{
	{"400", "AuthMalformed", "The credential is malformed, repeated, or one of several.", []string{"WWW-Authenticate"}},
	{"401", "AuthRequired", "No credential, one that is not accepted, or a login that is too old or too weak.", []string{"WWW-Authenticate"}},
	{"403", "AuthForbidden", "The credential is accepted and not enough.", []string{"WWW-Authenticate"}},
	{"429", "AuthThrottled", "Too many tries.", []string{"Retry-After"}},
	{"503", "AuthUnavailable", "The credential can't be checked at the moment.", []string{"Retry-After"}},
}

// concealed is the only refusal of a concealed route.
var concealed = refusal{"404", "AuthConcealed", "There is nothing here, or nothing for this caller.", nil}

func headerObject(name string) *yaml.Node {
	if name == "Retry-After" {
		return object("description", "After how many seconds to try again (RFC 9110 §10.2.3).", "required", truth(), "schema", object("type", "integer", "minimum", number("1")))
	}
	return object("description", "Challenges: which credentials are taken, and what is wrong with the one sent (RFC 9110 §11.6.1).", "schema", object("type", "string"))
}

func refusalsOf(r middleware.Route) []refusal {
	switch {
	case r.Access == "public":
		return nil
	case r.Concealed:
		return []refusal{concealed}
	}
	return refusals
}

func (r refusal) object(problem string) *yaml.Node {
	headers := object()
	for _, name := range r.headers {
		set(headers, name, headerObject(name))
	}
	n := object("description", r.description)
	if len(r.headers) > 0 {
		set(n, "headers", headers)
	}
	set(n, "content", object("application/problem+json", object("schema", object("$ref", "#/components/schemas/"+problem))))
	return n
}

// problemSchema is what the guard's default ErrorWriter sends.
func problemSchema() *yaml.Node {
	str := func(description string) *yaml.Node { return object("type", "string", "description", description) }
	return object(
		"type", "object",
		"description", "A problem (RFC 9457).",
		"required", texts([]string{"type", "title", "status"}),
		"properties", object(
			"type", str("What kind of problem this is; about:blank where the status says it all."),
			"title", str("The status in words."),
			"status", object("type", "integer", "minimum", number("400"), "maximum", number("599")),
			"detail", str("What is wrong, for people."),
		),
	)
}

// place puts o under components/kind by the name given, or by that name with a number where another object has it, and
// returns the name.
func (d *draft) place(kind, name string, o *yaml.Node) (string, error) {
	components, err := within(d.root, "components")
	if err != nil {
		return "", err
	}
	m, err := within(components, kind)
	if err != nil {
		return "", err
	}
	for i := 2; ; i++ {
		there := get(m, name)
		if there == nil {
			set(m, name, o)
		}
		if there == nil || same(there, o) {
			return name, nil
		}
		name = fmt.Sprintf("%s%d", trimDigits(name), i)
	}
}

func trimDigits(s string) string {
	for s != "" && s[len(s)-1] >= '0' && s[len(s)-1] <= '9' {
		s = s[:len(s)-1]
	}
	return s
}
