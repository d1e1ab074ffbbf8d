package openapi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/middleware"
	"go.yaml.in/yaml/v3"
)

// version is the minor version of a document of OpenAPI 3.
type version struct{ minor int }

// A draft is a document to which what guards enforce is added.
type draft struct {
	root    *yaml.Node
	version version
	replace bool
	report  Report
	errs    []error

	schemes []auth.Scheme       // of the operations, each once
	needed  map[string][]string // scopes by scheme
	placed  map[string]string   // names of responses by status
}

// secure adds to an operation what r enforces. where names the operation in reports.
func (d *draft) secure(where string, op *yaml.Node, r middleware.Route) {
	if err := d.tryToSecure(where, op, r); err != nil {
		d.errs = append(d.errs, fmt.Errorf("openapi: route %q: %w", r.Pattern, err))
	}
}

func (d *draft) tryToSecure(where string, op *yaml.Node, r middleware.Route) error {
	if op.Kind != yaml.MappingNode {
		return errors.New("its operation in the document is no object: mend the document")
	}
	enforced, err := security(r, d.version)
	if err != nil {
		return err
	}
	if err := d.collect(r); err != nil {
		return err
	}
	if inherited := get(d.root, "security"); inherited != nil && get(op, "security") == nil && !same(inherited, enforced) {
		d.report.Replaced = append(d.report.Replaced, where+"/security (was inherited)")
	}
	d.say(where, op, member{"security", enforced})
	for _, e := range extensions(wholeRule(r)) {
		d.say(where, op, e)
	}
	return d.addRefusals(where, op, r)
}

// collect notes the schemes that an operation uses and the scopes that it needs of them.
func (d *draft) collect(r middleware.Route) error {
	for _, g := range guardsOf(r) {
		sets, err := alternatives(g.Rule)
		if err != nil {
			return err
		}
		for _, s := range g.Schemes {
			if err := d.collectScheme(s, slices.Concat(sets...)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *draft) collectScheme(s auth.Scheme, scopes []string) error {
	i := slices.IndexFunc(d.schemes, func(t auth.Scheme) bool { return t.Name == s.Name })
	if i < 0 {
		d.schemes = append(d.schemes, s)
	} else if !sameScheme(d.schemes[i], s) {
		return fmt.Errorf("its scheme %q is not the %[1]q of other routes: wrap one of the authenticators in auth.Named", s.Name)
	}
	d.needed[s.Name] = union(d.needed[s.Name], scopes)
	return nil
}

func sameScheme(a, b auth.Scheme) bool {
	return a.Type == b.Type && a.In == b.In && a.Parameter == b.Parameter && strings.EqualFold(a.AuthScheme, b.AuthScheme) &&
		a.BearerFormat == b.BearerFormat && a.URL == b.URL && slices.EqualFunc(a.Flows, b.Flows, sameFlow)
}

func sameFlow(a, b auth.Flow) bool {
	return a.Grant == b.Grant && a.AuthorizationURL == b.AuthorizationURL && a.TokenURL == b.TokenURL &&
		a.RefreshURL == b.RefreshURL && slices.Equal(a.Scopes, b.Scopes)
}

// say sets a member that the document does not have. Where it says something else, that is a conflict.
func (d *draft) say(where string, n *yaml.Node, m member) {
	there := get(n, m.key)
	switch where += "/" + m.key; {
	case there == nil:
		set(n, m.key, m.value)
	case same(there, m.value):
	case d.replace:
		d.report.Replaced = append(d.report.Replaced, where)
		set(n, m.key, m.value)
	default:
		d.errs = append(d.errs, fmt.Errorf("openapi: %s says something else than what is enforced: mend it, or set MergeConfig.Replace", where))
	}
}

// addRefusals adds the answers of the guard. Where the operation describes a status itself, that stays.
func (d *draft) addRefusals(where string, op *yaml.Node, r middleware.Route) error {
	responses, err := within(op, "responses")
	if err != nil {
		return err
	}
	for _, answer := range refusalsOf(r) {
		if get(responses, answer.status) != nil {
			d.report.Kept = append(d.report.Kept, where+"/responses/"+answer.status)
			continue
		}
		name, err := d.response(answer)
		if err != nil {
			return err
		}
		set(responses, answer.status, object("$ref", "#/components/responses/"+name))
	}
	return nil
}

func (d *draft) response(answer refusal) (string, error) {
	if name, ok := d.placed[answer.status]; ok {
		return name, nil
	}
	problem, err := d.place("schemas", "AuthProblem", problemSchema())
	if err != nil {
		return "", err
	}
	name, err := d.place("responses", answer.name, answer.object(problem))
	if err != nil {
		return "", err
	}
	d.placed[answer.status] = name
	return name, nil
}

// finish adds the schemes and writes the document out.
func (d *draft) finish() (*Document, error) {
	if err := d.addSchemes(); err != nil {
		d.errs = append(d.errs, err)
	}
	if err := errors.Join(d.errs...); err != nil {
		return nil, err
	}
	return finish(d.root)
}

func (d *draft) addSchemes() error {
	if len(d.schemes) == 0 {
		return nil
	}
	components, err := within(d.root, "components")
	if err != nil {
		return err
	}
	schemes, err := within(components, "securitySchemes")
	if err != nil {
		return err
	}
	slices.SortFunc(d.schemes, func(a, b auth.Scheme) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range d.schemes {
		o, err := schemeObject(s, d.needed[s.Name], d.version)
		if err != nil {
			d.errs = append(d.errs, err)
			continue
		}
		d.say("#/components/securitySchemes", schemes, member{s.Name, o})
	}
	return nil
}
