package tasks_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEachTaskTakesThirtyLines counts what a user has to write: not the package clause, imports, comments, lines of closing
// brackets alone, what is embedded, and the helper must.
func TestEachTaskTakesThirtyLines(t *testing.T) {
	programs, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) < 5 {
		t.Fatalf("got %d programs, want at least 5", len(programs))
	}
	for _, program := range programs {
		source, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		if got := ownLines(string(source)); got > 30 || got < 10 {
			t.Errorf("%s: got %d lines of its own, want 10 to 30", program, got)
		}
	}
}

var left = []*regexp.Regexp{
	regexp.MustCompile(`(?ms)^package .*?^import \(.*?^\)`),
	regexp.MustCompile(`(?ms)^func must\[.*?^\}`),
	regexp.MustCompile(`(?m)^//go:embed.*\n.*$`),
	regexp.MustCompile(`(?m)^\s*//.*$`),
	regexp.MustCompile(`(?m)^[\s(){}\],]*$`),
}

func ownLines(source string) int {
	for _, r := range left {
		source = r.ReplaceAllString(source, "")
	}
	n := 0
	for line := range strings.Lines(source) {
		if strings.TrimSpace(line) != "" {
			n++
		}
	}
	return n
}
