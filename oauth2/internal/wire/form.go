package wire

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Limits of a form.
const (
	MaxBodyBytes  = 64 << 10
	MaxValueBytes = 16 << 10
	maxParameters = 64
)

// A Form is the parameters of a request, in the order in which they came. Those without a value are left out: RFC 6749
// §3.2, "Parameters sent without a value MUST be treated as if they were omitted".
type Form []Parameter

// A Parameter is a name with a value.
type Parameter struct{ Name, Value string }

// Value returns the value of a parameter that may come once, or "".
func (f Form) Value(name string) string {
	for i := range f {
		if f[i].Name == name {
			return f[i].Value
		}
	}
	return ""
}

// Values returns every value of a parameter that may be repeated.
func (f Form) Values(name string) []string {
	var list []string
	for i := range f {
		if f[i].Name == name {
			list = append(list, f[i].Value)
		}
	}
	return list
}

// ReadForm reads the body of a POST request, and nothing but the body: a parameter in the URL, where others may have
// logged it, counts for nothing. Parameters may come once, but for those named in repeatable.
func ReadForm(r *http.Request, repeatable ...string) (Form, *Error) {
	if r.Method != http.MethodPost {
		return nil, UsePOST()
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, Bad("send the parameters as application/x-www-form-urlencoded")
	}
	if r.ContentLength > MaxBodyBytes {
		return nil, Bad("the request body is too long")
	}
	var b bytes.Buffer
	b.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead)
	switch n, err := b.ReadFrom(io.LimitReader(r.Body, MaxBodyBytes+1)); {
	case err != nil:
		return nil, Bad("the request body could not be read")
	case n > MaxBodyBytes:
		return nil, Bad("the request body is too long")
	}
	f, err := ParseForm(b.String(), repeatable...)
	if err != nil {
		return nil, Bad(err.Error())
	}
	return f, nil
}

// Errors of [ParseForm]. Their texts are sent.
var (
	errForm     = errors.New("the request body is malformed")
	errLong     = errors.New("a parameter is too long")
	errMany     = errors.New("too many parameters")
	errRepeated = errors.New("a parameter is repeated")
)

// ParseForm reads a form. Its errors have constant texts without input.
func ParseForm(s string, repeatable ...string) (Form, error) {
	f := make(Form, 0, 8)
	for s != "" {
		var pair string
		pair, s, _ = strings.Cut(s, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, errForm
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return nil, errForm
		}
		switch {
		case len(name) > MaxValueBytes || len(value) > MaxValueBytes:
			return nil, errLong
		case len(f) == maxParameters:
			return nil, errMany
		case f.has(name) && !slices.Contains(repeatable, name):
			// RFC 6749 §3.2: "Request and response parameters MUST NOT be included more than once."
			return nil, errRepeated
		}
		f = append(f, Parameter{name, value})
	}
	return f.withoutEmpty(), nil
}

func (f Form) has(name string) bool {
	for i := range f {
		if f[i].Name == name {
			return true
		}
	}
	return false
}

func (f Form) withoutEmpty() Form {
	kept := f[:0]
	for _, p := range f {
		if p.Value != "" {
			kept = append(kept, p)
		}
	}
	return kept
}
