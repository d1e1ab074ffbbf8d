package sitepath_test

import (
	"testing"

	"github.com/cardea-go/auth/internal/sitepath"
)

func TestIs(t *testing.T) {
	for _, text := range []string{"/", "/notes", "/notes?a=//b#//c", "/a//b", "/%2F%2Fevil.example", "/.//evil.example", "/@evil.example", "/é", "/／evil.example"} {
		if !sitepath.Is(text) {
			t.Errorf("%q is a path of this site", text)
		}
	}
	for _, text := range []string{
		"", "notes", "?a", "#a", ".", "//evil.example", "///evil.example", "////evil.example", `/\evil.example`, `\/evil.example`, `/a\b`, "/\t/evil.example",
		"/\r/evil.example", " /", "/a b", "/\x00", "/\x7f", "/%zz", "https:/evil.example", "https:///evil.example", "javascript:alert(1)", "data:,",
	} {
		if sitepath.Is(text) {
			t.Errorf("%q leads elsewhere", text)
		}
	}
}
