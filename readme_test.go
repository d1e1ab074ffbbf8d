package auth_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestREADMECodeIsExampleCode holds every Go and YAML block of the README to an example that is compiled and run.
func TestREADMECodeIsExampleCode(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for _, file := range []string{"example_test.go", "tasks_example_test.go", "middleware/example_test.go", "store/sqlstore/example_test.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples.WriteString(withoutIndent(string(text)))
	}
	blocks := regexp.MustCompile("(?s)```(?:go|yaml)\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 8 {
		t.Fatalf("got %d blocks, want at least 8", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(examples.String(), withoutIndent(block[1])) {
			t.Errorf("got a block that is in no example:\n%s", block[1])
		}
	}
}

func withoutIndent(text string) string {
	return regexp.MustCompile(`(?m)^[\t ]+`).ReplaceAllString(text, "")
}
