package auth_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
)

func TestChallengeString(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    auth.Challenge
		want string
		ok   bool // Validate accepts it
	}{
		{"a scheme alone", auth.Challenge{Scheme: "Negotiate"}, `Negotiate`, true},
		{"a token68", auth.Challenge{Scheme: "Negotiate", Token68: "a87421000492aa874209af8bc028=="}, `Negotiate a87421000492aa874209af8bc028==`, true},
		{"every value is a quoted-string", auth.Challenge{Scheme: "Bearer", Params: []auth.Param{{"realm", "a b"}, {"error", "invalid_token"}}}, `Bearer realm="a b", error="invalid_token"`, true},
		{"quotes and backslashes are escaped", auth.Challenge{Scheme: "Basic", Params: []auth.Param{{"realm", `a"b\c`}}}, `Basic realm="a\"b\\c"`, true},
		{"an empty value", auth.Challenge{Scheme: "Basic", Params: []auth.Param{{"realm", ""}}}, `Basic realm=""`, true},
		{"a line break is replaced", auth.Challenge{Scheme: "Basic", Params: []auth.Param{{"realm", "a\r\nSet-Cookie: x=1"}}}, `Basic realm="a??Set-Cookie: x=1"`, false},
		{"bytes outside ASCII are replaced", auth.Challenge{Scheme: "Basic", Params: []auth.Param{{"realm", "ä"}}}, `Basic realm="??"`, false},
		{"a parameter name that is no token is left out", auth.Challenge{Scheme: "Basic", Params: []auth.Param{{"re alm", "x"}, {"a", "1"}}}, `Basic a="1"`, false},
		{"a scheme that is no token gives nothing", auth.Challenge{Scheme: "Ba sic"}, ``, false},
		{"a parameter twice", auth.Challenge{Scheme: "Basic", Params: []auth.Param{{"realm", "1"}, {"REALM", "2"}}}, `Basic realm="1"`, false},
		{"a token68 beside parameters is left out", auth.Challenge{Scheme: "X", Token68: "abc", Params: []auth.Param{{"a", "1"}}}, `X a="1"`, false},
		{"a token68 of another alphabet is left out", auth.Challenge{Scheme: "X", Token68: "a b"}, `X`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.c.String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if err := tt.c.Validate(); (err == nil) != tt.ok {
				t.Errorf("got error %v, want accepted %v", err, tt.ok)
			}
		})
	}
}

func TestParseChallenges(t *testing.T) {
	p := func(pairs ...string) []auth.Param {
		var params []auth.Param
		for i := 0; i < len(pairs); i += 2 {
			params = append(params, auth.Param{Name: pairs[i], Value: pairs[i+1]})
		}
		return params
	}
	for _, tt := range []struct {
		name   string
		values []string
		want   []auth.Challenge
	}{
		{"RFC 9110 §11.6.1: two challenges in one line, one with a comma in a value",
			[]string{`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`},
			[]auth.Challenge{{Scheme: "Basic", Params: p("realm", "simple")}, {Scheme: "Newauth", Params: p("realm", "apps", "type", "1", "title", `Login to "apps"`)}}},
		{"RFC 6750 §3: a token that was not accepted",
			[]string{"Bearer realm=\"example\",\n                       error=\"invalid_token\",\n                       error_description=\"The access token expired\""[:22] + `, error="invalid_token"`},
			[]auth.Challenge{{Scheme: "Bearer", Params: p("realm", "example", "error", "invalid_token")}}},
		{"RFC 9449 §7.1: DPoP with algorithms",
			[]string{`DPoP realm="WallyWorld", algs="ES256 PS256"`},
			[]auth.Challenge{{Scheme: "DPoP", Params: p("realm", "WallyWorld", "algs", "ES256 PS256")}}},
		{"two lines", []string{`Bearer`, `Basic realm="x"`}, []auth.Challenge{{Scheme: "Bearer"}, {Scheme: "Basic", Params: p("realm", "x")}}},
		{"schemes alone in one line", []string{`Negotiate, NTLM`}, []auth.Challenge{{Scheme: "Negotiate"}, {Scheme: "NTLM"}}},
		{"a token68 and another scheme", []string{`Negotiate abc==, Basic realm="x"`}, []auth.Challenge{{Scheme: "Negotiate", Token68: "abc=="}, {Scheme: "Basic", Params: p("realm", "x")}}},
		{"empty list elements", []string{`, ,Bearer realm="x",, error="y" ,`}, []auth.Challenge{{Scheme: "Bearer", Params: p("realm", "x", "error", "y")}}},
		{"white space around the equals sign", []string{"Bearer realm\t= \"x\""}, []auth.Challenge{{Scheme: "Bearer", Params: p("realm", "x")}}},
		{"bytes above ASCII in a quoted-string", []string{`Basic realm="ä"`}, []auth.Challenge{{Scheme: "Basic", Params: p("realm", "ä")}}},
		{"nothing", nil, nil},
		{"an empty line", []string{""}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := auth.ParseChallenges(tt.values...)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q and error %v, want %q", got, err, tt.want)
			}
		})
	}
	for name, value := range map[string]string{
		"an unbalanced quote":           `Basic realm="x`,
		"a backslash at the end":        `Basic realm="x\`,
		"a control byte in a value":     "Basic realm=\"a\x00b\"",
		"an escaped control byte":       "Basic realm=\"a\\\nb\"",
		"a parameter twice":             `Basic realm="x", Realm="y"`,
		"a parameter without a value":   `Basic a=b, realm=`,
		"a quoted-string as the scheme": `"Basic" realm="x"`,
		"two values for one parameter":  `Basic realm="x" "y"`,
		"text after a parameter":        `Basic realm="x" y`,
		"a tab in the scheme's place":   "Basic/x",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := auth.ParseChallenges(value); err == nil {
				t.Errorf("got %q, want an error", got)
			}
		})
	}
}

func FuzzParseChallenges(f *testing.F) {
	for _, s := range []string{
		`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`, `Negotiate abc==`, `Bearer`, `,,`, `a=b`, `A b=c d=e`, "A \"", `A b="\""`, "\x00", `A  b`, `A b,c`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		challenges, err := auth.ParseChallenges(value)
		if err != nil {
			if challenges != nil {
				t.Errorf("got challenges %q with error %v", challenges, err)
			}
			return
		}
		for _, c := range challenges {
			if c.Validate() != nil {
				continue // it came with bytes that we read and do not write
			}
			again, err := auth.ParseChallenges(c.String())
			if err != nil || len(again) != 1 || !reflect.DeepEqual(again[0], c) {
				t.Errorf("got %q and error %v from %q, want %q", again, err, c.String(), c)
			}
		}
	})
}

func FuzzChallengeString(f *testing.F) {
	f.Add("Bearer", "realm", "x", "error", "a\"b\\c\r\n", "")
	f.Add("B d", "re=alm", "\xff", "", "", "abc==")
	f.Fuzz(func(t *testing.T, scheme, name1, value1, name2, value2, token68 string) {
		c := auth.Challenge{Scheme: scheme, Token68: token68}
		for _, p := range []auth.Param{{Name: name1, Value: value1}, {Name: name2, Value: value2}} {
			if p.Name != "" {
				c.Params = append(c.Params, p)
			}
		}
		s := c.String()
		if strings.ContainsAny(s, "\r\n\x00") {
			t.Errorf("got %q, with a byte that ends a header line", s)
		}
		if unescaped := strings.NewReplacer(`\\`, "", `\"`, "").Replace(s); strings.Count(unescaped, `"`)%2 != 0 {
			t.Errorf("got %q, with an unbalanced quote", s)
		}
		if c.Validate() != nil {
			return
		}
		again, err := auth.ParseChallenges(s)
		if err != nil || len(again) != 1 || !reflect.DeepEqual(again[0], c) {
			t.Errorf("got %q and error %v back from %q", again, err, s)
		}
	})
}
