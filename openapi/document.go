package openapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A Document is a finished OpenAPI document. It is immutable and safe for concurrent use.
type Document struct {
	json, yaml []byte
}

// finish writes the tree out in both formats.
func finish(root *yaml.Node) (*Document, error) {
	var compact, indented, y bytes.Buffer
	writeJSON(&compact, root)
	if err := json.Indent(&indented, compact.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("openapi: document can't be written as JSON: %w", err)
	}
	indented.WriteByte('\n')
	legible(root)
	e := yaml.NewEncoder(&y)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, fmt.Errorf("openapi: document can't be written as YAML: %w", err)
	}
	return &Document{json: indented.Bytes(), yaml: y.Bytes()}, nil
}

// legible takes styles away in which the encoder can write what reads as something else: folded lines, and a block of lines
// for a string that starts with white space.
func legible(n *yaml.Node) {
	n.Style &^= yaml.FoldedStyle
	if n.Kind == yaml.ScalarNode && n.Value != "" && strings.ContainsAny(n.Value[:1], " \t\r\n") {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, item := range n.Content {
		legible(item)
	}
}

// JSON returns a copy of the document as JSON, indented by two spaces. The same input gives the same bytes.
func (d *Document) JSON() []byte { return bytes.Clone(d.json) }

// YAML returns a copy of the document as YAML. The same input gives the same bytes.
func (d *Document) YAML() []byte { return bytes.Clone(d.yaml) }

// JSONHandler serves the document as application/json to GET and HEAD, with an ETag and Cache-Control: no-cache, so that
// caches ask before they reuse it. Put a guard in front of it where the description is not for everybody.
func (d *Document) JSONHandler() http.Handler { return serve("application/json", d.json) }

// YAMLHandler serves the document as application/yaml (RFC 9512), otherwise like JSONHandler.
func (d *Document) YAMLHandler() http.Handler { return serve("application/yaml", d.yaml) }

func serve(mediaType string, data []byte) http.Handler {
	sum := sha256.Sum256(data)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the method is not allowed here", http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", mediaType)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", etag)
		if control := h.Get("Cache-Control"); control == "" {
			h.Set("Cache-Control", "no-cache")
		} else {
			h.Set("Cache-Control", control+", no-cache") // a guard in front has said private
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	})
}
