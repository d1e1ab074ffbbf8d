package rbac

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
)

// jsonReader walks the tokens of a JSON text and keeps where each begins, which encoding/json alone does not tell.
type jsonReader struct {
	data  []byte
	dec   *json.Decoder
	ps    *problems
	lines lineCounter
	depth int
}

// readJSON returns the value that data holds, or nil after a syntax error.
func readJSON(data []byte, ps *problems) *node {
	r := &jsonReader{data: data, dec: json.NewDecoder(bytes.NewReader(data)), ps: ps, lines: lineCounter{data: data}}
	r.dec.UseNumber()
	at, token, err := r.next()
	if err != nil {
		r.fail(err)
		return nil
	}
	n := r.value(at, token)
	if n == nil {
		return nil
	}
	if at, _, err := r.next(); !errors.Is(err, io.EOF) {
		ps.addf(at, "something follows the end of the policy")
		return nil
	}
	return n
}

// next returns the next token and where it begins.
func (r *jsonReader) next() (pos, json.Token, error) {
	start := int(r.dec.InputOffset())
	for start < len(r.data) && strings.IndexByte(" \t\r\n,:", r.data[start]) >= 0 {
		start++
	}
	at := r.lines.at(start)
	token, err := r.dec.Token()
	return at, token, err
}

func (r *jsonReader) fail(err error) {
	offset := len(r.data)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = int(syntax.Offset) - 1
	}
	what := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		what = "the file ends in the middle of the policy"
	}
	lines := lineCounter{data: r.data}
	r.ps.addf(lines.at(offset), "not JSON: %s", strings.TrimPrefix(what, "json: "))
}

// value returns the node that begins with token, or nil after a problem that ends the reading.
func (r *jsonReader) value(at pos, token json.Token) *node {
	switch t := token.(type) {
	case string:
		return &node{kind: textNode, at: at, text: t}
	case json.Number:
		kind := otherNode
		if strings.Trim(t.String(), "0123456789") == "" {
			kind = numberNode
		}
		return &node{kind: kind, at: at, text: t.String()}
	case json.Delim:
		if r.depth++; r.depth > maxDepth {
			r.ps.addf(at, "lists and maps nest deeper than %d levels", maxDepth)
			return nil
		}
		defer func() { r.depth-- }()
		if t == '[' {
			return r.collection(&node{kind: listNode, at: at})
		}
		return r.collection(&node{kind: mapNode, at: at})
	case bool:
		return &node{kind: otherNode, at: at, text: strconv.FormatBool(t)}
	}
	return &node{kind: otherNode, at: at}
}

// collection reads into n up to the delimiter that closes it.
func (r *jsonReader) collection(n *node) *node {
	for {
		at, token, err := r.next()
		if err != nil {
			r.fail(err)
			return nil
		}
		if d, ok := token.(json.Delim); ok && (d == ']' || d == '}') {
			break
		}
		if n.kind == mapNode {
			key, _ := token.(string) // the decoder lets nothing else be a key
			n.keys = append(n.keys, &node{kind: textNode, at: at, text: key})
			if at, token, err = r.next(); err != nil {
				r.fail(err)
				return nil
			}
		}
		item := r.value(at, token)
		if item == nil {
			return nil
		}
		n.items = append(n.items, item)
	}
	if n.kind == mapNode {
		n.checkKeys(r.ps)
	}
	return n
}

// lineCounter turns growing offsets into positions, reading each byte once.
type lineCounter struct {
	data                 []byte
	offset, line, column int // of the byte at offset, line and column counted from 0
}

func (c *lineCounter) at(offset int) pos {
	offset = max(0, min(offset, len(c.data)))
	for ; c.offset < offset; c.offset++ {
		switch b := c.data[c.offset]; {
		case b == '\n':
			c.line++
			c.column = 0
		case b&0xC0 != 0x80: // not the second or later byte of a character
			c.column++
		}
	}
	return pos{uint32(c.line + 1), uint32(c.column + 1)} //nolint:gosec // at most MaxFileBytes
}
