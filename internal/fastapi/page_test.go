package fastapi_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const page = "../../docs/fastapi.md"

// row is one row of the page's tables: what it says, as a test.
type row struct {
	name string
	test func(t *testing.T)
}

// TestFastAPI runs the test of every row, and compares what ran with the rows that there are.
func TestFastAPI(t *testing.T) {
	var ran []string
	for _, r := range slices.Concat(apiKeyRows, httpRows, oauth2Rows, formRows, scopeRows, tutorialRows, aroundRows, openapiRows, askedRows) {
		t.Run(r.name, func(t *testing.T) {
			r.test(t)
			ran = append(ran, r.name) // not where the test skips itself
		})
	}
	if strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
		return // only some were asked for
	}
	const least = 87
	if len(ran) < least {
		t.Errorf("got %d rows, want at least %d", len(ran), least)
	}
	written := tableRows(t)
	for _, r := range written {
		if i := slices.Index(ran, r.name); i >= 0 {
			ran = slices.Delete(ran, i, i+1)
		} else if !r.absent {
			t.Errorf("the page's row %q has no test that ran, or comes twice", r.name)
		}
	}
	for _, name := range ran {
		t.Errorf("the page has no row %q, or one that says it is not here", name)
	}
}

// tableRow is a row as the page has it.
type tableRow struct {
	name   string
	absent bool // it says that there is no such thing, so that no test can show it
}

// tableRows reads the page's tables. A row of a name and nothing else is a heading.
func tableRows(t *testing.T) []tableRow {
	t.Helper()
	var rows []tableRow
	lines := strings.Split(readPage(t), "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|---") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		name, rest, last := cells[0], cells[1:], cells[len(cells)-1]
		if strings.Join(rest, "") == "" {
			continue
		}
		if slices.Contains(cells, "") {
			t.Errorf("row %q has an empty cell", name)
		}
		verdict := regexp.MustCompile(`^(Same|Better)\b`)
		if len(cells) == 4 && !verdict.MatchString(last) {
			t.Errorf("row %q says neither Same nor Better", name)
		}
		rows = append(rows, tableRow{name, len(cells) == 3 && strings.HasPrefix(last, "Not here")})
	}
	return rows
}

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestThePagesCodeIsExampleCode holds every Go block of the page to the example, which is compiled and run.
func TestThePagesCodeIsExampleCode(t *testing.T) {
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readPage(t), -1)
	if len(blocks) < 3 {
		t.Fatalf("got %d Go blocks, want at least 3", len(blocks))
	}
	for _, block := range blocks {
		if !strings.Contains(withoutIndent(string(example)), withoutIndent(block[1])) {
			t.Errorf("got a block that is not in the example:\n%s", block[1])
		}
	}
}

func withoutIndent(text string) string {
	return regexp.MustCompile(`(?m)^[\t ]+`).ReplaceAllString(text, "")
}

// TestThePagesLinksLeadSomewhere follows the links into the repository.
func TestThePagesLinksLeadSomewhere(t *testing.T) {
	links := regexp.MustCompile(`\]\((\.\./[^)#]+)`).FindAllStringSubmatch(readPage(t), -1)
	if len(links) < 8 {
		t.Fatalf("got %d links, want at least 8", len(links))
	}
	for _, link := range links {
		if _, err := os.Stat("../../docs/" + link[1]); err != nil {
			t.Error(err)
		}
	}
}
