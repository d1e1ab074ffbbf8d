package rbac

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
)

func (t *testEntry) title(i int) string {
	if t.name != "" {
		return fmt.Sprintf("%q", t.name)
	}
	return fmt.Sprintf("%d", i+1)
}

// A TestReport is what the tests of a policy came to.
type TestReport struct {
	// Tests is how many there are.
	Tests    int
	Failures []Problem
	// Grants is how many grants the roles have. Untested are those that no test with "allow" or "conditional" relied on.
	Grants   int
	Untested []Problem
}

// Err returns the failures as one error, or nil.
func (r TestReport) Err() error {
	if len(r.Failures) == 0 {
		return nil
	}
	return &TestError{r.Failures}
}

// A TestError says that a policy fails its own tests.
type TestError struct{ Failures []Problem }

// Error returns one line for each failure.
func (e *TestError) Error() string { return (&LoadError{e.Failures}).Error() }

// RunTests runs the policy's own tests. In a test exactly the conditions that it gives hold; the program's functions are
// not called.
func (p *Policy) RunTests() TestReport {
	r := TestReport{Tests: len(p.doc.tests)}
	c := coverage{}
	for i := range p.doc.tests {
		r.Failures = append(r.Failures, p.runTest(&p.doc.tests[i], i, c)...)
	}
	for role := range p.doc.roles {
		for k := range p.doc.roles[role].allow {
			g := &p.doc.roles[role].allow[k]
			r.Grants++
			if !c[g] {
				r.Untested = append(r.Untested, Problem{p.at(g.permission.at),
					fmt.Sprintf("no test relies on role %q allowing %q", p.doc.roles[role].name.text, g.permission.text)})
			}
		}
	}
	return r
}

// T is what [Policy.Test] needs of a [testing.TB].
type T interface {
	Helper()
	Error(args ...any)
}

// Test runs the policy's own tests in a Go test. A policy without tests fails.
func (p *Policy) Test(t T) {
	t.Helper()
	report := p.RunTests()
	for _, failure := range report.Failures {
		t.Error(failure)
	}
	if report.Tests == 0 {
		t.Error("rbac: the policy has no tests")
	}
}

type coverage map[*grantEntry]bool

func (p *Policy) runTest(t *testEntry, n int, c coverage) []Problem {
	scopes := auth.Unlimited()
	if t.limited {
		scopes, _ = auth.NewScopeSet(texts(t.scopes)...) // checked when the policy was compiled
	}
	s := p.Resolve("", Everywhere(texts(t.roles)...), scopes)
	var failures []Problem
	for _, list := range []struct {
		want    Answer
		given   []entry
		entries []entry
	}{{Allowed, t.given, t.allow}, {Denied, t.given, t.deny}, {Conditional, nil, t.conditional}} {
		for _, e := range list.entries {
			for _, i := range p.membersOf(e.text) {
				got := s.suppose(i, texts(list.given), list.want == Conditional)
				if got != list.want {
					failures = append(failures, Problem{p.at(e.at), fmt.Sprintf("test %s: %s with roles %s%s: got %s, want %s",
						t.title(n), p.catalog.names[i], strings.Join(texts(t.roles), ", "), givenText(list.given), got, list.want)})
				} else if list.want != Denied {
					c.note(&s, i)
				}
			}
		}
	}
	return failures
}

func givenText(given []entry) string {
	if len(given) == 0 {
		return ""
	}
	return " given " + strings.Join(texts(given), ", ")
}

// membersOf returns what a name or pattern stands for; the compiler has seen it already.
func (p *Policy) membersOf(text string) []uint32 {
	if i, ok := p.index(text); ok {
		return []uint32{i}
	}
	return p.expand.known[text]
}

// suppose answers for permission i where exactly the given conditions hold; with open, where none is known yet.
func (s *Subject) suppose(i uint32, given []string, open bool) Answer {
	if open {
		return s.answer(i)
	}
	holds := func(c *combo) bool {
		return !slices.ContainsFunc(c.names, func(name string) bool { return !slices.Contains(given, name) })
	}
	if s.answer(i) == Denied {
		return Denied
	}
	for k := range s.policy.guards {
		if g := &s.policy.guards[k]; g.set.has(i) && !s.exempt(g) && holds(&s.policy.combos[g.combo]) {
			return Denied
		}
	}
	if s.sure(i) {
		return Allowed
	}
	for combo := range s.under(i) {
		if holds(&s.policy.combos[combo]) {
			return Allowed
		}
	}
	return Denied
}

// note marks every grant that gives i to the subject.
func (c coverage) note(s *Subject, i uint32) {
	seen := map[uint32]bool{}
	var queue []uint32
	for role := range s.allRoles {
		queue = append(queue, role)
	}
	for len(queue) > 0 {
		role := queue[0]
		queue = queue[1:]
		if seen[role] {
			continue
		}
		seen[role] = true
		r := &s.policy.doc.roles[role]
		excepted := slices.ContainsFunc(r.except, func(e entry) bool { return s.policy.matches(e.text, i) })
		for k := range r.allow {
			if !excepted && s.policy.matches(r.allow[k].permission.text, i) {
				c[&r.allow[k]] = true
			}
		}
		queue = append(queue, s.policy.parents[role]...)
	}
}
