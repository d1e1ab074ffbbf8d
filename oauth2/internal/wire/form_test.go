package wire_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-go/auth/oauth2/internal/wire"
)

func TestParseForm(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     wire.Form // nil is an error
	}{
		{"nothing", "", wire.Form{}},
		{"pairs in order", "b=2&a=1", wire.Form{{"b", "2"}, {"a", "1"}}},
		{"escapes and pluses", "a=x+y%3D&b%20c=1", wire.Form{{"a", "x y="}, {"b c", "1"}}},
		{"empty pairs", "&&a=1&", wire.Form{{"a", "1"}}},
		{"a value with =", "a=b=c", wire.Form{{"a", "b=c"}}},
		{"without a value, which counts as absent", "a&b=&c=1", wire.Form{{"c", "1"}}},
		{"repeated where it may be", "r=1&r=2", wire.Form{{"r", "1"}, {"r", "2"}}},
		{"repeated", "a=1&a=2", nil},
		{"repeated, once without a value", "a=&a=2", nil},
		{"a broken escape", "a=%", nil},
		{"a broken escape in a name", "%=a", nil},
		{"a long value", "a=" + strings.Repeat("x", wire.MaxValueBytes+1), nil},
		{"a long name", strings.Repeat("x", wire.MaxValueBytes+1) + "=1", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.ParseForm(tt.in, "r")
			if (err != nil) != (tt.want == nil) || err == nil && !slices.Equal(got, tt.want) {
				t.Errorf("got %v, error %v, want %v", got, err, tt.want)
			}
		})
	}
	f, _ := wire.ParseForm("r=1&r=2&a=3", "r")
	if f.Value("a") != "3" || f.Value("b") != "" || !slices.Equal(f.Values("r"), []string{"1", "2"}) || f.Values("b") != nil {
		t.Errorf("got %v", f)
	}
}

// What is accepted is what net/url reads, less what is empty.
func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"a=1&b=2", "a=%41+b", "a=1&a=2", "r=1&r=2", "&=&", "a=%zz", ";a=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := wire.ParseForm(s, "r")
		if err != nil {
			if got != nil {
				t.Fatal("got a form together with an error")
			}
			return
		}
		want, err := url.ParseQuery(strings.ReplaceAll(s, ";", "%3B"))
		if err != nil {
			t.Fatalf("net/url: %v", err)
		}
		for _, p := range got {
			if p.Value == "" || !slices.Contains(want[p.Name], p.Value) {
				t.Fatalf("got %q=%q, net/url has %q", p.Name, p.Value, want[p.Name])
			}
		}
		n := 0
		for _, values := range want {
			for _, v := range values {
				if v != "" {
					n++
				}
			}
		}
		if n != len(got) {
			t.Fatalf("got %d parameters, net/url has %d", len(got), n)
		}
	})
}
