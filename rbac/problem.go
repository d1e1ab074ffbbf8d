package rbac

import (
	"fmt"
	"slices"
	"strings"
)

// A Position is a place in a policy file. Line and column count from 1, the column in characters; the zero Position
// belongs to a policy that was built in Go.
type Position struct {
	File         string
	Line, Column int
}

// String returns file:line:column, and "policy" for a policy without a file.
func (p Position) String() string {
	switch {
	case p.Line == 0 && p.File == "":
		return "policy"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// A Problem is one mistake in a policy.
type Problem struct {
	Position Position
	// Message says what is wrong and, where one can tell, what was probably meant.
	Message string
}

// String returns the position and the message on one line.
func (p Problem) String() string { return p.Position.String() + ": " + p.Message }

// A LoadError holds everything that is wrong with a policy, in the order of the file.
type LoadError struct{ Problems []Problem }

// Error returns one line for each problem.
func (e *LoadError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// pos is a position without its file, as every entry of a document keeps it.
type pos struct{ line, column uint32 }

func (p pos) in(file string) Position { return Position{file, int(p.line), int(p.column)} }

// problems collects what is wrong with one document.
type problems struct {
	file string
	list []Problem
}

func (ps *problems) addf(at pos, format string, args ...any) {
	ps.list = append(ps.list, Problem{at.in(ps.file), fmt.Sprintf(format, args...)})
}

func (ps *problems) err() error {
	if len(ps.list) == 0 {
		return nil
	}
	slices.SortStableFunc(ps.list, func(a, b Problem) int {
		if a.Position.Line != b.Position.Line {
			return a.Position.Line - b.Position.Line
		}
		return a.Position.Column - b.Position.Column
	})
	return &LoadError{ps.list}
}

// maxSuggestions bounds the work for a document in which nearly every name is wrong.
const maxSuggestions = 50

// meant returns " (did you mean ...)" with the candidate nearest to name, or "" where none is near.
func (ps *problems) meant(name string, candidates func(yield func(string) bool)) string {
	if len(ps.list) >= maxSuggestions {
		return ""
	}
	return meant(name, candidates)
}

func meant(name string, candidates func(yield func(string) bool)) string {
	best, bestDistance := "", len(name)/3+2
	for candidate := range candidates {
		d := distance(name, candidate, bestDistance+1)
		if d < bestDistance || d == bestDistance && best != "" && candidate < best {
			best, bestDistance = candidate, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// distance is the number of single-byte edits, neighbours swapped counting as one, between a and b; limit where it is
// limit or more.
func distance(a, b string, limit int) int {
	if len(a) > 128 || len(b)-len(a) >= limit || len(a)-len(b) >= limit {
		return limit
	}
	before, previous, current := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			current[j] = d
		}
		before, previous, current = previous, current, before
	}
	return min(previous[len(b)], limit)
}
