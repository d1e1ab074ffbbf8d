package apikey

import (
	"bufio"
	"errors"
	"io"
	"iter"
	"strings"
)

// Pattern returns a regular expression (RE2 and PCRE) that finds keys of this service in text, for secret scanners. One
// match in 4 thousand million of those that are no keys also has the right checksum; [Keys.Scan] checks it.
func (k *Keys) Pattern() string {
	var b strings.Builder
	b.WriteString(`\b` + k.c.Prefix + `_`)
	if len(k.c.Kinds) > 0 {
		b.WriteString(`(?:` + strings.Join(k.c.Kinds, "|") + `)_`)
	}
	b.WriteString(`(?:` + strings.Join(k.c.Environments, "|") + `)_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}\b`)
	return b.String()
}

// A Leak is a key found in a text.
type Leak struct {
	// Offset is the byte at which it begins, Line its line, from 1.
	Offset int64
	Line   int
	// ID, Kind and Environment are as in the key.
	ID, Kind, Environment string
	// Secret is the key, for [Keys.RevokeLeaked].
	Secret Secret
}

// Scan looks for keys of this service, of every environment, in what r holds, and reads only as far as the caller
// iterates, in memory of constant size. It finds what [Keys.Pattern] finds and has the right checksum. An error of r is
// the last thing it yields.
func (k *Keys) Scan(r io.Reader) iter.Seq2[Leak, error] {
	return func(yield func(Leak, error) bool) {
		s := scanner{format: &k.format, in: bufio.NewReaderSize(r, 64<<10), line: 1}
		for {
			leak, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(leak, err) || err != nil {
				return
			}
		}
	}
}

// scanner reads words, as a key is always a whole word: letters, digits and "_" with something else on both sides.
type scanner struct {
	format *format
	in     *bufio.Reader
	offset int64
	line   int
	word   [maxKeyBytes]byte
	ended  error
}

// next returns the next key. A word that is longer than a key can be is skipped.
func (s *scanner) next() (Leak, error) {
	for s.ended == nil {
		start, line, n := s.offset, s.line, 0
		var c byte
		for {
			if c, s.ended = s.in.ReadByte(); s.ended != nil {
				break
			}
			s.offset++
			if !isWordByte(c) {
				break
			}
			if n < len(s.word) {
				s.word[n] = c
			}
			n++
		}
		if s.ended == nil && c == '\n' {
			s.line++
		}
		if n > len(s.word) || n <= tailLength {
			continue
		}
		key := string(s.word[:n])
		if p, shape := s.format.parse(key); p.head != nil && (shape == shapeGood || shape == shapeEnvironment) {
			return Leak{Offset: start, Line: line, ID: p.id, Kind: p.head.kind, Environment: p.head.env, Secret: newSecret(key)}, nil
		}
	}
	return Leak{}, s.ended
}

func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}
