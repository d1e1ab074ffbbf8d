package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Documents are trees of yaml.Node whichever format they came in: both formats fit, and members keep their order.

const (
	maxBytes = 16 << 20
	maxDepth = 200
	maxNodes = 1_000_000 // after aliases are written out
)

func text(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off": // booleans of YAML 1.1
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func truth() *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"} }

func number(s string) *yaml.Node {
	tag := "!!int"
	if strings.ContainsAny(s, ".eE") {
		tag = "!!float"
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: s}
}

// object makes a mapping of keys and values that take turns. A value is a string, a node or nil, which is left out, as is
// the empty string.
func object(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, _ := pairs[i].(string)
		switch v := pairs[i+1].(type) {
		case string:
			if v != "" {
				set(n, key, text(v))
			}
		case *yaml.Node:
			if v != nil {
				set(n, key, v)
			}
		}
	}
	return n
}

func list(items ...*yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
	if len(items) == 0 {
		n.Style = yaml.FlowStyle
	}
	return n
}

func texts(items []string) *yaml.Node {
	n := list()
	for _, s := range items {
		n.Content = append(n.Content, text(s))
	}
	if len(items) > 0 {
		n.Style = 0
	}
	return n
}

// get returns a member of a mapping, and nil where there is none.
func get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				found = n.Content[i+1]
			}
		}
		n = found
	}
	return n
}

func value(n *yaml.Node, keys ...string) string {
	if n = get(n, keys...); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

func set(n *yaml.Node, key string, v *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content[i+1] = v
			return
		}
	}
	n.Style &^= yaml.FlowStyle
	n.Content = append(n.Content, text(key), v)
}

// within returns the mapping at key, made where it is not there.
func within(n *yaml.Node, key string) (*yaml.Node, error) {
	m := get(n, key)
	if m == nil {
		m = object()
		set(n, key, m)
	}
	if m.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("openapi: %q of the document is no object: mend the document", key)
	}
	return m, nil
}

func keys(n *yaml.Node) []string {
	var names []string
	if n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			names = append(names, n.Content[i].Value)
		}
	}
	return names
}

// same reports whether two trees say the same, whatever the order of members and the style of writing.
func same(a, b *yaml.Node) bool {
	if a == nil || b == nil || a.Kind != b.Kind {
		return a == b
	}
	switch a.Kind {
	case yaml.MappingNode:
		if len(a.Content) != len(b.Content) {
			return false
		}
		for _, k := range keys(a) {
			if !same(get(a, k), get(b, k)) {
				return false
			}
		}
		return true
	case yaml.SequenceNode:
		return slices.EqualFunc(a.Content, b.Content, same)
	default:
		return a.ShortTag() == b.ShortTag() && a.Value == b.Value
	}
}

// toNode encodes a Go value as JSON does.
func toNode(v any) (*yaml.Node, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return parse(data)
}

// parse reads a JSON or YAML document.
func parse(data []byte) (*yaml.Node, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("openapi: document of %d bytes: the limit is %d", len(data), maxBytes)
	}
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(data) {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		return parseJSON(d, 0)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("openapi: document is neither JSON nor YAML: %w", err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("openapi: file of more than one YAML document: give one")
	}
	budget := maxNodes
	return plain(doc.Content[0], 0, &budget)
}

func parseJSON(d *json.Decoder, depth int) (*yaml.Node, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("openapi: document is no JSON: %w", err)
	}
	switch t := token.(type) {
	case json.Delim:
		return parseCollection(d, t, depth)
	case string:
		return text(t), nil
	case json.Number:
		return number(t.String()), nil
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(t)}, nil
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
}

func parseCollection(d *json.Decoder, open json.Delim, depth int) (*yaml.Node, error) {
	n := list()
	if open == '{' {
		n = object()
	}
	for d.More() {
		item, err := parseJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.Content = append(n.Content, item)
	}
	if len(n.Content) > 0 {
		n.Style = 0
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("openapi: document is no JSON: %w", err)
	}
	return n, unique(n)
}

var errDepth = fmt.Errorf("openapi: document is nested deeper than %d levels", maxDepth)

// plain copies a YAML tree without anchors, aliases and what JSON has no word for.
func plain(n *yaml.Node, depth int, budget *int) (*yaml.Node, error) {
	if *budget--; *budget < 0 {
		return nil, fmt.Errorf("openapi: document of more than %d values once aliases are written out", maxNodes)
	}
	if depth > maxDepth {
		return nil, errDepth
	}
	switch n.Kind {
	case yaml.AliasNode:
		return plain(n.Alias, depth+1, budget)
	case yaml.ScalarNode:
		return plainScalar(n)
	default:
		return plainCollection(n, depth, budget)
	}
}

func plainCollection(n *yaml.Node, depth int, budget *int) (*yaml.Node, error) {
	c := *n
	c.Anchor, c.Content = "", make([]*yaml.Node, len(n.Content))
	for i, item := range n.Content {
		isKey := n.Kind == yaml.MappingNode && i%2 == 0
		if isKey && (item.Kind != yaml.ScalarNode || item.ShortTag() == "!!merge") {
			return nil, fmt.Errorf("openapi: line %d: a key that JSON does not have: write it out", item.Line)
		}
		p, err := plain(item, depth+1, budget)
		if err != nil {
			return nil, err
		}
		if isKey {
			p.Tag = "!!str" // 200: and on: are names here
		}
		c.Content[i] = p
	}
	return &c, unique(&c)
}

func plainScalar(n *yaml.Node) (*yaml.Node, error) {
	c := *n
	c.Anchor = ""
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp":
		c.Tag = "!!str"
	case "!!null":
		c.Tag, c.Value = tag, "null"
	case "!!bool", "!!int", "!!float":
		var v any
		err := n.Decode(&v)
		data, jsonErr := json.Marshal(v)
		if err = errors.Join(err, jsonErr); err != nil {
			return nil, fmt.Errorf("openapi: line %d: a value that JSON does not have: %w", n.Line, err)
		}
		c.Tag = tag
		if !json.Valid([]byte(n.Value)) {
			c.Value = string(data)
		}
	default:
		return nil, fmt.Errorf("openapi: line %d: a value of type %s: OpenAPI has none", n.Line, tag)
	}
	return &c, nil
}

func unique(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for _, k := range keys(n) {
		if seen[k] {
			return fmt.Errorf("openapi: member %q comes twice: name it once", k)
		}
		seen[k] = true
	}
	return nil
}

func writeJSON(b *bytes.Buffer, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, n.Content[i].Value)
			b.WriteByte(':')
			writeJSON(b, n.Content[i+1])
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				b.WriteByte(',')
			}
			writeJSON(b, item)
		}
		b.WriteByte(']')
	default:
		if n.ShortTag() == "!!str" {
			writeString(b, n.Value)
			return
		}
		b.WriteString(n.Value)
	}
}

func writeString(b *bytes.Buffer, s string) {
	data, _ := json.Marshal(s) // a string can't fail
	b.Write(data)
}
