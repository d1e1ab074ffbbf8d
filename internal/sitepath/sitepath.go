// Package sitepath tells paths of this site from what leads elsewhere.
package sitepath

import (
	"net/url"
	"strings"
)

// Is reports whether text is a path, with or without a query and a fragment, that no browser takes for another site (RFC 9700
// §4.11): no scheme, no host, no backslash, no space and no control character.
func Is(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
		return false
	}
	return !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f })
}
