package rbac

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// yamlReader turns the parser's nodes into ours and refuses what makes a YAML file mean more than it shows: anchors,
// aliases, merge keys, tags of its own, a second document.
type yamlReader struct {
	ps      *problems
	lengths []int // of the lines, in characters
	depth   int
}

// readYAML returns the value that data holds, or nil after a syntax error.
func readYAML(data []byte, ps *problems) *node {
	r := &yamlReader{ps: ps}
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		r.lengths = append(r.lengths, utf8.RuneCount(line))
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := decodeYAML(dec, &doc); err != nil {
		if errors.Is(err, io.EOF) {
			ps.addf(pos{1, 1}, "the policy is empty")
		} else {
			r.fail(err)
		}
		return nil
	}
	if err := decodeYAML(dec, &more); !errors.Is(err, io.EOF) {
		ps.addf(r.at(&more), "a second document: put the whole policy into one")
		return nil
	}
	if len(doc.Content) != 1 {
		ps.addf(pos{1, 1}, "the policy is empty")
		return nil
	}
	return r.value(doc.Content[0])
}

// decodeYAML is dec.Decode that returns the parser's panic as an error: its input comes from a file.
func decodeYAML(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	return dec.Decode(n)
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// fail reports a syntax error. The parser names its line in the text of the error only.
func (r *yamlReader) fail(err error) {
	text := err.Error()
	match := yamlLine.FindStringSubmatch(text)
	line, _ := strconv.Atoi(match[1])
	r.ps.addf(r.place(line, 1), "not YAML: %s", strings.TrimPrefix(text, match[0]))
}

func (r *yamlReader) at(n *yaml.Node) pos {
	return r.place(n.Line, n.Column)
}

// place keeps a position of the parser's inside of the file: to the parser more characters than one end a line.
func (r *yamlReader) place(line, column int) pos {
	line = max(1, min(line, len(r.lengths)))
	column = max(1, min(column, r.lengths[line-1]+1))
	return pos{uint32(line), uint32(column)} //nolint:gosec // at most MaxFileBytes
}

// value returns n as a node. A nil result is a problem that has been reported.
func (r *yamlReader) value(n *yaml.Node) *node {
	at := r.at(n)
	switch {
	case n.Kind == yaml.AliasNode:
		r.ps.addf(at, "alias *%s: write the value out, or let a role inherit", n.Value)
		return nil
	case n.Anchor != "":
		r.ps.addf(at, "anchor &%s: write the value out, or let a role inherit", n.Anchor)
		return nil
	case n.Style&yaml.TaggedStyle != 0:
		r.ps.addf(at, "tag %s: a policy has no tags", n.Tag)
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return scalar(n, at)
	}
	if r.depth++; r.depth > maxDepth {
		r.ps.addf(at, "lists and maps nest deeper than %d levels", maxDepth)
		return nil
	}
	defer func() { r.depth-- }()
	if n.Kind == yaml.SequenceNode {
		return r.list(n, at)
	}
	return r.mapping(n, at)
}

func scalar(n *yaml.Node, at pos) *node {
	result := &node{kind: otherNode, at: at, text: n.Value}
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		result.kind = textNode
	case "!!int":
		if strings.Trim(n.Value, "0123456789") == "" {
			result.kind = numberNode
		}
	}
	return result
}

func (r *yamlReader) list(n *yaml.Node, at pos) *node {
	result := &node{kind: listNode, at: at}
	for _, content := range n.Content {
		if item := r.value(content); item != nil {
			result.items = append(result.items, item)
		}
	}
	return result
}

func (r *yamlReader) mapping(n *yaml.Node, at pos) *node {
	result := &node{kind: mapNode, at: at}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() == "!!merge" {
			r.ps.addf(r.at(n.Content[i]), "merge key <<: write the keys out, or let a role inherit")
			continue
		}
		key, item := r.value(n.Content[i]), r.value(n.Content[i+1])
		if key == nil || item == nil {
			continue
		}
		if key.kind != textNode {
			r.ps.addf(key.at, "a key must be text, not %s", key.what())
			continue
		}
		result.keys = append(result.keys, key)
		result.items = append(result.items, item)
	}
	result.checkKeys(r.ps)
	return result
}
