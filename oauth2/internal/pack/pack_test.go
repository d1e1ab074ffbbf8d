package pack_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-go/auth/oauth2/internal/pack"
)

func TestRoundTrip(t *testing.T) {
	numbers := []int64{0, 1, -1, 63, 64, -64, -65, 1 << 40, math.MaxInt64, math.MinInt64}
	texts := []string{"", "a", strings.Repeat("é", 300), "\x00\xff"}
	lists := [][]string{nil, {""}, {"a", "", "b"}}
	b := []byte("raw")
	for _, n := range numbers {
		b = pack.AppendInt(b, n)
	}
	for _, s := range texts {
		b = pack.AppendString(b, s)
	}
	for _, l := range lists {
		b = pack.AppendStrings(b, l)
	}
	read := func(b []byte) (ok bool) {
		r := pack.NewReader(b)
		ok = r.Raw(3) == "raw"
		for _, n := range numbers {
			ok = r.Int() == n && ok
		}
		for _, s := range texts {
			ok = r.String() == s && ok
		}
		for _, l := range lists {
			ok = slices.Equal(r.Strings(), l) && ok
		}
		return r.Done() && ok
	}
	if !read(b) {
		t.Error("got other values than were written")
	}
	for n := range b {
		if read(b[:n]) {
			t.Errorf("%d bytes of %d were taken for all", n, len(b))
		}
	}
	if read(append(bytes.Clone(b), 0)) {
		t.Error("a byte more was not noticed")
	}
	if r := pack.NewReader(nil); r.Raw(-1) != "" || r.Done() {
		t.Error("got something from nothing")
	}
}

// What is read is written the same again: there is one spelling.
func FuzzReader(f *testing.F) {
	f.Add(pack.AppendStrings(pack.AppendString(pack.AppendInt(nil, -5), "text"), []string{"a", "b"}))
	f.Add([]byte{0x80, 0x00})
	f.Add(bytes.Repeat([]byte{0xff}, 12))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := pack.NewReader(b)
		n, s, l := r.Int(), r.String(), r.Strings()
		if r.Done() && !bytes.Equal(pack.AppendStrings(pack.AppendString(pack.AppendInt(nil, n), s), l), b) {
			t.Errorf("%x: read as %d %q %q, which is written otherwise", b, n, s, l)
		}
	})
}
