package apikey_test

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cardea-go/auth/apikey"
)

func scan(t testing.TB, k *apikey.Keys, r io.Reader) []apikey.Leak {
	t.Helper()
	var all []apikey.Leak
	for leak, err := range k.Scan(r) {
		must(t, err)
		all = append(all, leak)
	}
	return all
}

func TestScanFindsKeysInText(t *testing.T) {
	k := newKeys(t, nil)
	key := sealed("acme_live_AAAAAAAAAAAA_" + strings.Repeat("s", 32))
	test := sealed("acme_test_BBBBBBBBBBBB_" + strings.Repeat("t", 32))
	text := "first\nexport KEY=" + key + "\n\n\"" + test + "\""
	got := scan(t, k, strings.NewReader(text))
	if len(got) != 2 || got[0].Secret.Reveal() != key || got[0].Line != 2 || got[0].Offset != 17 || got[0].ID != "AAAAAAAAAAAA" ||
		got[0].Environment != "live" || got[1].Secret.Reveal() != test || got[1].Line != 4 || got[1].Environment != "test" {
		t.Errorf("got %+v", got)
	}
	for name, text := range map[string]string{
		"a wrong checksum":       mistyped(key),
		"a letter before":        "x" + key,
		"a letter after":         key + "x",
		"an underline after":     key + "_",
		"a very long word":       strings.Repeat("x", 300) + key,
		"an unknown environment": sealed("acme_prod_AAAAAAAAAAAA_" + strings.Repeat("s", 32)),
		"nothing":                "",
	} {
		if got := scan(t, k, strings.NewReader(text)); len(got) != 0 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestScanPassesOnReadErrorsAndStopsWhenTold(t *testing.T) {
	k := newKeys(t, nil)
	key := sealed("acme_live_AAAAAAAAAAAA_" + strings.Repeat("s", 32))
	broken := errors.New("disk")
	var leaks, errs int
	for _, err := range k.Scan(io.MultiReader(strings.NewReader(key+" "+key), iotest.ErrReader(broken))) {
		if err != nil {
			errs++
			if !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
			continue
		}
		leaks++
	}
	if leaks != 2 || errs != 1 {
		t.Errorf("got %d keys and %d errors, want 2 and 1", leaks, errs)
	}
	leaks = 0
	for _, err := range k.Scan(strings.NewReader(key + " " + key)) {
		must(t, err)
		leaks++
		break
	}
	if leaks != 1 {
		t.Errorf("it went on after break")
	}
}

func FuzzScan(f *testing.F) {
	key := sealed("acme_live_AAAAAAAAAAAA_" + strings.Repeat("s", 32))
	for _, s := range []string{key, key + "\n" + key, "x" + key, key + "é" + key, strings.Repeat("a_", 200) + key, "acme_live_"} {
		f.Add(s)
	}
	k := newKeys(f, nil)
	pattern := regexp.MustCompile(k.Pattern())
	f.Fuzz(func(t *testing.T, text string) {
		var want []string
		for _, m := range pattern.FindAllString(text, -1) {
			if apikey.Checksum(m[:len(m)-6]) == m[len(m)-6:] {
				want = append(want, m)
			}
		}
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			got := scan(t, k, r)
			if len(got) != len(want) {
				t.Fatalf("got %d keys, the pattern finds %d in %q", len(got), len(want), text)
			}
			for i, leak := range got {
				if s := leak.Secret.Reveal(); s != want[i] || text[leak.Offset:leak.Offset+int64(len(s))] != s ||
					leak.Line != 1+strings.Count(text[:leak.Offset], "\n") {
					t.Errorf("got %+v in %q", leak, text)
				}
			}
		}
	})
}
