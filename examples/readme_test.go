package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestREADMECodeIsExampleCode holds every Go block of the README to code of an example, which is compiled and run.
func TestREADMECodeIsExampleCode(t *testing.T) {
	var code strings.Builder
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || path == "readme_test.go" {
			return err
		}
		text, err := os.ReadFile(path)
		code.WriteString(withoutIndent(string(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	if len(blocks) < 1 {
		t.Fatal("got no Go block, want at least 1")
	}
	for _, block := range blocks {
		if !strings.Contains(code.String(), withoutIndent(block[1])) {
			t.Errorf("got a block that is in no example:\n%s", block[1])
		}
	}
}

// TestREADMEHasEveryExample looks for a row and a test for each directory with a program.
func TestREADMEHasEveryExample(t *testing.T) {
	text := readme(t)
	programs, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(programs) < 14 {
		t.Fatalf("got %d examples, want at least 14", len(programs))
	}
	for _, program := range programs {
		name := filepath.Dir(program)
		if !strings.Contains(text, "| ["+name+"]("+name+"/") {
			t.Errorf("%s has no row in the README", name)
		}
		if _, err := os.Stat(filepath.Join(name, "main_test.go")); err != nil {
			t.Errorf("%s has no test: %v", name, err)
		}
	}
}

// TestREADMELinksLeadSomewhere follows the links into the examples.
func TestREADMELinksLeadSomewhere(t *testing.T) {
	links := regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(readme(t), -1)
	if len(links) < 14 {
		t.Fatalf("got %d links, want at least 14", len(links))
	}
	for _, link := range links {
		if _, err := os.Stat(link[1]); err != nil {
			t.Error(err)
		}
	}
}

func withoutIndent(text string) string {
	return regexp.MustCompile(`(?m)^[\t ]+`).ReplaceAllString(text, "")
}
