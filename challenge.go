package auth

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Challenge is one challenge of a WWW-Authenticate header (RFC 9110 §11.3): a scheme, and either parameters or a
// token68 value.
type Challenge struct {
	Scheme  string
	Token68 string
	Params  []Param
}

// A Param is one auth-param of a challenge (RFC 9110 §11.2). Names are case-insensitive.
type Param struct{ Name, Value string }

func (p Param) sameName(q Param) bool { return strings.EqualFold(p.Name, q.Name) }

// Param returns the value of the parameter of that name, in any case, and whether it is there.
func (c Challenge) Param(name string) (string, bool) {
	for _, p := range c.Params {
		if strings.EqualFold(p.Name, name) {
			return p.Value, true
		}
	}
	return "", false
}

// Validate reports everything that can't be written as it is: a scheme or parameter name that is not a token, a
// name that comes twice, a value with a control character or a byte outside ASCII (for which the grammar has no
// agreed reading), a token68 beside parameters.
func (c Challenge) Validate() error {
	var errs []error
	if !isToken(c.Scheme) {
		errs = append(errs, fmt.Errorf("auth: challenge scheme %q: use an RFC 9110 token such as Bearer", c.Scheme))
	}
	if c.Token68 != "" && (!isToken68(c.Token68) || len(c.Params) > 0) {
		errs = append(errs, errors.New("auth: challenge: a token68 has its own alphabet and stands alone, without parameters"))
	}
	for i, p := range c.Params {
		if !isToken(p.Name) {
			errs = append(errs, fmt.Errorf("auth: challenge parameter %q: use an RFC 9110 token such as realm", p.Name))
		}
		if slices.ContainsFunc(c.Params[:i], p.sameName) {
			errs = append(errs, fmt.Errorf("auth: challenge parameter %q is set twice", p.Name))
		}
		if i := strings.IndexFunc(p.Value, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
			errs = append(errs, fmt.Errorf("auth: challenge parameter %s=%q: use printable ASCII only", p.Name, p.Value))
		}
	}
	return errors.Join(errs...)
}

// String returns the challenge as a header value. Every parameter value is a quoted-string, which RFC 9110 §11.2
// allows everywhere and §11.5 demands of realm. What [Challenge.Validate] refuses is left out or replaced by "?", so
// that no value can end a header line or a quoted-string.
func (c Challenge) String() string {
	var b strings.Builder
	if !isToken(c.Scheme) {
		return ""
	}
	b.WriteString(c.Scheme)
	if c.Token68 != "" && len(c.Params) == 0 && isToken68(c.Token68) {
		b.WriteByte(' ')
		b.WriteString(c.Token68)
		return b.String()
	}
	separator := " "
	for i, p := range c.Params {
		if !isToken(p.Name) || slices.ContainsFunc(c.Params[:i], p.sameName) {
			continue
		}
		b.WriteString(separator)
		b.WriteString(p.Name)
		b.WriteByte('=')
		writeQuoted(&b, p.Value)
		separator = ", "
	}
	return b.String()
}

func writeQuoted(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			b.WriteByte('?')
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

// ParseChallenges reads the values of one or more WWW-Authenticate header lines. Several challenges may share a
// line (RFC 9110 §11.6.1), so the number of results can differ from the number of values. A parameter that comes
// twice in a challenge is an error.
func ParseChallenges(values ...string) ([]Challenge, error) {
	var all []Challenge
	for _, v := range values {
		p := challengeParser{rest: v}
		cs, err := p.challenges()
		if err != nil {
			return nil, err
		}
		all = append(all, cs...)
	}
	return all, nil
}

var errChallenge = errors.New("auth: malformed WWW-Authenticate value (RFC 9110 §11.6.1)")

type challengeParser struct{ rest string }

func (p *challengeParser) challenges() ([]Challenge, error) {
	var all []Challenge
	for {
		p.skip(", \t")
		if p.rest == "" {
			return all, nil
		}
		c, err := p.challenge()
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
}

// challenge reads a scheme and what belongs to it, and leaves the rest at the next scheme.
func (p *challengeParser) challenge() (Challenge, error) {
	c := Challenge{Scheme: p.token()}
	if c.Scheme == "" {
		return c, errChallenge
	}
	spaced := p.skip(" \t")
	if p.rest == "" {
		return c, nil
	}
	if !spaced {
		if p.rest[0] != ',' {
			return c, errChallenge
		}
		return c, nil // a scheme without parameters; another challenge follows
	}
	if t := p.token68(); t != "" {
		c.Token68 = t
		return c, nil
	}
	for {
		before := p.rest
		p.skip(", \t")
		param, ok, err := p.param()
		if err != nil {
			return c, err
		}
		if !ok {
			p.rest = before // the next challenge, or the end
			if p.rest != "" && p.rest[0] != ',' {
				return c, errChallenge
			}
			return c, nil
		}
		if _, twice := c.Param(param.Name); twice {
			return c, errChallenge
		}
		c.Params = append(c.Params, param)
		p.skip(" \t")
		if p.rest != "" && p.rest[0] != ',' {
			return c, errChallenge
		}
	}
}

// token68 takes a token68 that ends the list element, and takes nothing where a parameter stands instead.
func (p *challengeParser) token68() string {
	end := strings.IndexAny(p.rest, ", \t")
	if end < 0 {
		end = len(p.rest)
	}
	if !isToken68(p.rest[:end]) {
		return ""
	}
	after := strings.TrimLeft(p.rest[end:], " \t")
	if after != "" && after[0] != ',' {
		return ""
	}
	t := p.rest[:end]
	p.rest = after
	return t
}

// param takes name=value. Where a token without "=" stands, it takes nothing: that is the next scheme.
func (p *challengeParser) param() (Param, bool, error) {
	before := p.rest
	name := p.token()
	p.skip(" \t")
	if name == "" || p.rest == "" || p.rest[0] != '=' {
		p.rest = before
		return Param{}, false, nil
	}
	p.rest = p.rest[1:]
	p.skip(" \t")
	if p.rest != "" && p.rest[0] == '"' {
		value, err := p.quoted()
		return Param{name, value}, true, err
	}
	value := p.token()
	if value == "" {
		return Param{}, false, errChallenge
	}
	return Param{name, value}, true, nil
}

func (p *challengeParser) quoted() (string, error) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case c == '\\' && i+1 < len(p.rest):
			i++
			if c = p.rest[i]; c < ' ' && c != '\t' || c == 0x7f {
				return "", errChallenge
			}
			b.WriteByte(c)
		case c < ' ' && c != '\t' || c == 0x7f || c == '\\':
			return "", errChallenge
		default:
			b.WriteByte(c)
		}
	}
	return "", errChallenge
}

func (p *challengeParser) token() string {
	n := 0
	for n < len(p.rest) && isTokenByte(p.rest[n]) {
		n++
	}
	t := p.rest[:n]
	p.rest = p.rest[n:]
	return t
}

func (p *challengeParser) skip(cutset string) bool {
	before := len(p.rest)
	p.rest = strings.TrimLeft(p.rest, cutset)
	return len(p.rest) < before
}

// isToken reports whether s is a token (RFC 9110 §5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// isToken68 reports whether s is a token68 (RFC 9110 §11.2).
func isToken68(s string) bool {
	body := strings.TrimRight(s, "=")
	for i := range len(body) {
		if c := body[i]; !isAlphanumeric(c) && strings.IndexByte("-._~+/", c) < 0 {
			return false
		}
	}
	return body != ""
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
