package openapi

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// A path is that of a ServeMux pattern, or of a document, taken apart.
type path struct {
	template   string   // as OpenAPI writes it
	shape      string   // the template with every parameter as {}: two paths of one shape are one path
	parameters []string // names, in order
	rest       bool     // the last parameter takes every segment that is left
	subtree    bool     // the path ends in "/" and stands for all below it
}

// parsePath reads the path of a ServeMux pattern: {name}, {name...} and {$}, each a whole segment.
func parsePath(pattern string) path {
	var p path
	trimmed, exact := strings.CutSuffix(pattern, "/{$}")
	if exact {
		trimmed += "/"
	}
	p.subtree = !exact && strings.HasSuffix(pattern, "/")
	segments := strings.Split(trimmed, "/")
	shapes := make([]string, len(segments))
	for i, s := range segments {
		shapes[i] = s
		if name, ok := parameter(s); ok {
			name, p.rest = strings.CutSuffix(name, "...")
			p.parameters = append(p.parameters, name)
			segments[i], shapes[i] = "{"+name+"}", "{}"
		}
	}
	p.template, p.shape = strings.Join(segments, "/"), strings.Join(shapes, "/")
	return p
}

func parameter(segment string) (string, bool) {
	if len(segment) > 2 && segment[0] == '{' && segment[len(segment)-1] == '}' {
		return segment[1 : len(segment)-1], true
	}
	return "", false
}

// shapeOf returns the shape of a path of a document, in which a parameter may be part of a segment.
func shapeOf(template string) string {
	var b strings.Builder
	for template != "" {
		before, after, open := strings.Cut(template, "{")
		b.WriteString(before)
		if !open {
			break
		}
		b.WriteString("{}")
		_, template, _ = strings.Cut(after, "}")
	}
	return b.String()
}

func (p path) parametersNode() *yaml.Node {
	n := list()
	n.Style = 0
	for i, name := range p.parameters {
		o := object("name", name, "in", "path", "required", truth(), "schema", object("type", "string"))
		if p.rest && i == len(p.parameters)-1 {
			set(o, "description", text("One or more path segments."))
			set(o, "x-multi-segment", truth())
		}
		n.Content = append(n.Content, o)
	}
	return n
}

// operationID makes getNotesById of GET /notes/{id}.
func operationID(method, template string) string {
	var b strings.Builder
	b.WriteString(strings.ToLower(method))
	for segment := range strings.SplitSeq(template, "/") {
		name, isParameter := parameter(segment)
		if isParameter {
			b.WriteString("By")
			segment = name
		}
		for word := range strings.FieldsFuncSeq(segment, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		}) {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
