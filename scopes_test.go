package auth_test

import (
	"slices"
	"testing"

	"github.com/cardea-go/auth"
)

func TestScopeSets(t *testing.T) {
	ab, none, all := auth.MustScopeSet("a", "b", "a"), auth.ScopeSet{}, auth.Unlimited()
	for _, tt := range []struct {
		name string
		got  bool
	}{
		{"a set holds what it names", ab.Has("a") && ab.Has("b") && !ab.Has("c")},
		{"each scope once, in order", ab.Len() == 2 && ab.String() == "a b" && slices.Equal(slices.Collect(ab.All()), []string{"a", "b"})},
		{"the empty set holds nothing", !none.Has("a") && !none.Has("") && none.String() == ""},
		{"the unlimited set holds everything and names nothing", all.Has("a") && all.IsUnlimited() && all.Len() == 0 && all.String() == ""},
		{"a set covers its subsets", ab.Covers(auth.MustScopeSet("b")) && ab.Covers(none) && none.Covers(none)},
		{"and not what it lacks", !ab.Covers(auth.MustScopeSet("a", "c")) && !none.Covers(ab)},
		{"only the unlimited set covers itself", all.Covers(all) && all.Covers(ab) && !ab.Covers(all) && !none.Covers(all)},
	} {
		if !tt.got {
			t.Errorf("not so: %s", tt.name)
		}
	}
	for _, bad := range []string{" ", "a  b", " a", "a ", "a\tb", `a"b`, `a\b`, "ä", "a\x00", "\x7f"} {
		if set, err := auth.ParseScopeSet(bad); err == nil || set.Len() != 0 {
			t.Errorf("got %q and error %v from %q, want an error", set, err, bad)
		}
	}
	if _, err := auth.NewScopeSet(slices.Repeat([]string{"a"}, 1001)...); err == nil {
		t.Error("got no error for 1001 scopes")
	}
	if set, err := auth.ParseScopeSet("openid https://x/y:read"); err != nil || set.Len() != 2 {
		t.Errorf("got %q and error %v", set, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("got no panic from MustScopeSet")
		}
	}()
	auth.MustScopeSet("a b")
}

func FuzzParseScopeSet(f *testing.F) {
	for _, s := range []string{"", "a", "a b", "a  b", " ", "a\tb", "é", `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := auth.ParseScopeSet(s)
		if err != nil {
			if set.Len() != 0 || set.IsUnlimited() {
				t.Errorf("got %q with error %v", set, err)
			}
			return
		}
		again, err := auth.ParseScopeSet(set.String())
		if err != nil || again.String() != set.String() || !set.Covers(again) || !again.Covers(set) {
			t.Errorf("got %q and error %v back from %q", again, err, set)
		}
	})
}
