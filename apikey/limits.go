package apikey

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What a request may ask for. The figures are in the package's documentation.
const (
	maxSubjectBytes  = 255
	maxNameBytes     = 100
	maxReasonBytes   = 200
	maxScopes        = 64
	maxScopeBytes    = 100
	maxNetworks      = 64
	maxMetadata      = 16
	maxMetadataName  = 40
	maxMetadataValue = 500
)

// A RequestError says what is wrong with a request for a key. Its text has no input in it and may be shown.
type RequestError struct {
	// Mistakes are sentences of the form "Field: remedy".
	Mistakes []string
}

// Error joins the mistakes.
func (e *RequestError) Error() string { return "apikey: " + strings.Join(e.Mistakes, "; ") }

func (e *RequestError) add(format string, args ...any) {
	e.Mistakes = append(e.Mistakes, fmt.Sprintf(format, args...))
}

// or returns e where it holds a mistake, and else nil.
func (e *RequestError) or() error {
	if len(e.Mistakes) > 0 {
		return e
	}
	return nil
}

// isText reports whether s is UTF-8 of at most limit bytes that a terminal and a log line show as they are: no control
// and no invisible characters.
func isText(s string, limit int) bool {
	if len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return true
}

func (e *RequestError) text(field, s string, limit int) {
	if !isText(s, limit) {
		e.add("%s: use up to %d bytes of printable UTF-8", field, limit)
	}
}

func (e *RequestError) scopes(scopes []string) {
	if len(scopes) > maxScopes {
		e.add("Scopes: use up to %d", maxScopes)
	}
	for _, s := range scopes {
		if len(s) > maxScopeBytes {
			e.add("Scopes: use up to %d bytes for each", maxScopeBytes)
			return
		}
	}
}

func (e *RequestError) metadata(m map[string]string) {
	if len(m) > maxMetadata {
		e.add("Metadata: use up to %d entries", maxMetadata)
		return
	}
	for name, value := range m {
		if name == "" || len(name) > maxMetadataName || strings.Trim(name, alphabet+"._-") != "" {
			e.add("Metadata: use names of 1 to %d of a-z, A-Z, 0-9, \".\", \"_\" and \"-\"", maxMetadataName)
		}
		if !isText(value, maxMetadataValue) {
			e.add("Metadata: use values of up to %d bytes of printable UTF-8", maxMetadataValue)
		}
	}
}

// networks returns the list in the form that addresses are matched against: masked, and IPv4 as IPv4.
func (e *RequestError) networks(list []netip.Prefix) []netip.Prefix {
	switch {
	case list == nil:
		return nil
	case len(list) == 0:
		e.add("Networks: is empty, which is nowhere: name a network, or leave it nil")
	case len(list) > maxNetworks:
		e.add("Networks: use up to %d", maxNetworks) // and no sentence for each of a thousand
		return nil
	}
	plain := make([]netip.Prefix, len(list))
	for i, n := range list {
		switch {
		case !n.IsValid():
			e.add("Networks: one is not valid: use a prefix such as 192.0.2.0/24")
		case n.Addr().Is4In6() && n.Bits() < 96:
			e.add("Networks: an IPv4-mapped one is wider than all of IPv4: use the IPv4 form")
		case n.Addr().Is4In6():
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
		}
		plain[i] = n.Masked()
	}
	return plain
}

// within reports whether every network of inner lies in one of outer.
func within(inner, outer []netip.Prefix) bool {
	for _, n := range inner {
		found := false
		for _, o := range outer {
			found = found || o.Bits() <= n.Bits() && o.Contains(n.Addr())
		}
		if !found {
			return false
		}
	}
	return true
}
