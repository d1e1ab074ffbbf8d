package dpop

import (
	"net/url"
	"strings"
)

// sameTarget reports whether htu names the URL of the request, "ignoring any query and fragment parts" (RFC 9449 §4.3)
// and after the normalization that the section recommends (RFC 3986 §6.2.2 and §6.2.3). Equal strings, which are the
// rule, cost nothing.
func sameTarget(htu, target string) bool {
	htu, target = beforeQuery(htu), beforeQuery(target)
	if htu == target {
		return isPlain(target) || normalize(target) != ""
	}
	a := normalize(htu)
	return a != "" && a == normalize(target)
}

func beforeQuery(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		return s[:i]
	}
	return s
}

// isPlain reports whether s is an http URL without anything that a closer look could find wrong: user information.
func isPlain(s string) bool {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		rest, ok = strings.CutPrefix(s, "http://")
	}
	return ok && rest != "" && rest[0] != '/' && strings.IndexByte(rest, '@') < 0
}

// normalize returns an http URL in the one form that equal URLs have in common, or "" where s is none.
func normalize(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Opaque != "" {
		return "" // url.Parse has the scheme in lower case
	}
	host := strings.ToLower(u.Hostname())
	if strings.IndexByte(host, ':') >= 0 {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host += ":" + port
	}
	return u.Scheme + "://" + host + normalizePath(u.EscapedPath())
}

// normalizePath removes dot segments and writes percent-encodings in one way: those of unreserved characters decoded,
// the others in upper case (RFC 3986 §6.2.2.1 to §6.2.2.3). An encoded slash stays one that is encoded.
func normalizePath(escaped string) string {
	if escaped == "" {
		return "/"
	}
	var b strings.Builder
	for i := 0; i < len(escaped); i++ {
		if escaped[i] != '%' || i+2 >= len(escaped) {
			b.WriteByte(escaped[i])
			continue
		}
		c := unhex(escaped[i+1])<<4 | unhex(escaped[i+2])
		if isUnreserved(c) {
			b.WriteByte(c)
		} else {
			b.WriteString(strings.ToUpper(escaped[i : i+3]))
		}
		i += 2
	}
	return removeDots(b.String())
}

// removeDots is RFC 3986 §5.2.4. It keeps empty segments, which path.Clean would drop.
func removeDots(p string) string {
	if !strings.Contains(p, "/.") {
		return p
	}
	var kept []string
	segments := strings.Split(strings.TrimPrefix(p, "/"), "/")
	for i, s := range segments {
		last := i == len(segments)-1
		switch s {
		case ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, s)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// unhex returns the value of a hexadecimal digit that url.Parse has accepted.
func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
