package jose_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/cardea-go/auth/internal/jose"
)

// FuzzSplit: what is accepted is put together again from its parts, none of which is empty or holds a dot.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"a.b.c", "..", "a.b", "a.b.c.d.e", ".a.b", "a..b", "a.b."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, token string) {
		c, err := jose.Split(token)
		if err != nil {
			return
		}
		for _, part := range []string{c.Header, c.Payload, c.Signature} {
			if part == "" || strings.Contains(part, ".") {
				t.Errorf("got the part %q", part)
			}
		}
		if c.Input()+"."+c.Signature != token || c.Header+"."+c.Payload != c.Input() {
			t.Errorf("the parts of %q do not make it", token)
		}
	})
}

// FuzzDecode: what is accepted has one spelling only.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "Zm9v", "Zm9vYg", "Zm9vYh", "Zm9v\n", "Zm 9v", "Zm9vYg==", "+/+/", "-_-_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := jose.Decode(text)
		if err == nil && base64.RawURLEncoding.EncodeToString(b) != text {
			t.Errorf("%q was accepted and is spelt otherwise", text)
		}
	})
}

// FuzzHeader: what is accepted says the same to encoding/json.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{
		`{"alg":"EdDSA","kid":"k","typ":"at+jwt"}`, `{"alg":"ES256","crit":["x"]}`, `{"alg":"ES256","ALG":"none"}`, `{"alg":"none"}`,
		`{"alg":"ES256","jwk":{"kty":"EC"},"x5c":["x"]}`, `{"\u0061lg":"RS256"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		h, err := jose.ParseHeader(base64.RawURLEncoding.EncodeToString([]byte(raw)), 4096)
		if err != nil {
			return
		}
		var v struct{ Alg, Kid, Typ string }
		if err := json.Unmarshal([]byte(raw), &v); err != nil {
			t.Fatalf("accepted, and encoding/json says %v", err)
		}
		if alg, ok := jose.ParseAlg(v.Alg); !ok || alg != h.Alg || v.Kid != h.KeyID || v.Typ != h.Type {
			t.Errorf("got %+v, encoding/json %+v", h, v)
		}
	})
}

// FuzzObject: what is accepted is an object for encoding/json too, with the same members, each name once at every level,
// and the same strings.
func FuzzObject(f *testing.F) {
	for _, s := range []string{
		`{}`, ` {"a":1} `, `{"a":1,"a":2}`, `{"a":{"b":1,"b":2}}`, `{"a":"\ud83d\ude00\n"}`, `{"a":"\ud800"}`, `{"a":[1,-0.5e+3,true,false,null,"x",{}]}`,
		`{"a":01}`, `{"a":1.}`, `{"a":.1}`, `{"a":1e}`, `{"a":tru}`, `{"a":"` + "\x01" + `"}`, `{"a":"` + "\xff" + `"}`, `{"a":1}}`, `{"a":1,}`, `[1]`, `{"a" 1}`, `{"a":"b`,
		`{"a":"\u00"}`, `{"K":1,"` + "\u212a" + `":2}`, `{"a":"\x"}`, strings.Repeat(`{"a":`, 40), `{"é":1,"É":2}`, `{"":"","\u0000":0}`, `{"a":6E6666466}`,
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, fold bool) {
		type member struct {
			name string
			v    jose.Value
		}
		var members []member
		o := jose.NewObject(text, fold)
		for o.Next() {
			members = append(members, member{o.Name, o.Value})
		}
		if o.Err() != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("accepted, and encoding/json says %v", err)
		}
		if len(want) != len(members) || hasDuplicates(text) {
			t.Fatalf("got %d members, encoding/json %d, or a name twice", len(members), len(want))
		}
		for i, m := range members {
			if raw, ok := want[m.name]; !ok || string(raw) != m.v.Raw {
				t.Errorf("member %q: got %q, encoding/json %q", m.name, m.v.Raw, raw)
			}
			var s string
			if text, ok := m.v.String(); ok && (json.Unmarshal([]byte(m.v.Raw), &s) != nil || s != text) {
				t.Errorf("member %q: got the string %q, encoding/json %q", m.name, text, s)
			}
			var list []string
			if got, ok := m.v.Strings(); ok && (json.Unmarshal([]byte(m.v.Raw), &list) != nil || !reflect.DeepEqual(got, list)) {
				t.Errorf("member %q: got the list %q, encoding/json %q", m.name, got, list)
			}
			for _, other := range members[:i] {
				if fold && strings.EqualFold(m.name, other.name) {
					t.Errorf("the names %q and %q differ in case only", m.name, other.name)
				}
			}
		}
	})
}

// hasDuplicates looks for a name that comes twice in one object, by the decoder of encoding/json.
func hasDuplicates(text string) bool {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // one that no float64 holds is a number too
	type frame struct {
		names map[string]bool // nil in an array
		name  bool            // a name is next
	}
	var stack []frame
	for {
		token, err := d.Token()
		if err == io.EOF {
			return false
		}
		if err != nil {
			return true
		}
		top := len(stack) - 1
		if top >= 0 && stack[top].names != nil && stack[top].name {
			if name, ok := token.(string); ok {
				if stack[top].names[name] {
					return true
				}
				stack[top].names[name], stack[top].name = true, false
				continue
			}
		}
		if top >= 0 {
			stack[top].name = true
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, frame{map[string]bool{}, true})
		case json.Delim('['):
			stack = append(stack, frame{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}

// FuzzJWK: what is accepted as a public key is written and read again as the same key, without a private member.
func FuzzJWK(f *testing.F) {
	for _, s := range []string{
		rfcEdKey, rfcA2Key, `{"kty":"oct","k":"AAAA"}`, `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"k","use":"sig"}`,
		strings.Replace(rfcEdKey, "}", `,"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`, 1), `{"kty":"RSA","n":"AA","e":"AQAB"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		j, err := jose.ParseJWK(text)
		if err != nil {
			return
		}
		k, err := j.PublicKey(jose.RS256)
		if err != nil {
			return
		}
		written, err := jose.AppendPublicJWK(nil, k)
		if err != nil {
			t.Fatal(err)
		}
		for _, private := range []string{`"d"`, `"p"`, `"q"`, `"k"`} {
			if bytes.Contains(written, []byte(private)) && !strings.Contains(k.ID, private[1:2]) {
				t.Errorf("the public JWK has the member %s", private)
			}
		}
		j, err = jose.ParseJWK(string(written))
		if err != nil {
			t.Fatalf("what was written is refused: %v", err)
		}
		again, err := j.PublicKey(jose.RS256)
		if err != nil || again.ID != k.ID || again.Alg != k.Alg || !reflect.DeepEqual(again.Public, k.Public) {
			t.Errorf("got %+v again, %v, want %+v", again, err, k)
		}
	})
}
