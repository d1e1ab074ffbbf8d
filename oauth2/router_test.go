package oauth2_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2"
)

// named is a verifier that takes every token and tells who took it.
func named(name string) oauth2.Verifier {
	return oauth2.VerifierFunc(func(context.Context, string) (*oauth2.Token, error) { return &oauth2.Token{Subject: name}, nil })
}

func TestRouter(t *testing.T) {
	one, two, stranger := newIssuer("https://one.example"), newIssuer("https://two.example"), newIssuer("https://three.example")
	r := must(oauth2.NewRouter(oauth2.RouterConfig{
		Issuers:  map[string]oauth2.Verifier{one.name: named("one"), two.name: named("two")},
		Prefixes: map[string]oauth2.Verifier{"pat_": named("pat"), "pat_x_": named("longer"), "ey_": named("ey")},
		Opaque:   named("opaque"),
	}))
	header := object{"alg": "EdDSA"}
	for _, tt := range []struct{ name, token, want string }{
		{"a JWT of the first issuer", one.token(nil), "one"},
		{"a JWT of the second", two.token(nil), "two"},
		{"a JWT of a third is nobody's", stranger.token(nil), ""},
		{"a JWT without an issuer is nobody's", one.sign(header, object{"sub": "a"}), ""},
		{"a JWT whose issuer is a number is nobody's", one.sign(header, object{"iss": 1}), ""},
		{"a JWT with a payload that is none is nobody's", "eyJ.!.c", ""},
		{"a JWT without a payload is nobody's", "eyJ..c", ""},
		{"an opaque token", "0123456789", "opaque"},
		{"an opaque token with two dots", "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU", "opaque"},
		{"an encrypted token, which only its issuer can read", "eyJ.a.b.c.d", "opaque"},
		{"a prefix", "pat_1", "pat"},
		{"the longest prefix", "pat_x_1", "longer"},
		{"a prefix goes before the shape", "ey_.a.b", "ey"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			token, err := r.Verify(t.Context(), tt.token)
			switch {
			case tt.want == "":
				if !errors.Is(err, auth.ErrUnrecognized) || token != nil {
					t.Errorf("got %v and %v, want ErrUnrecognized", token, err)
				}
			case err != nil || token.Subject != tt.want:
				t.Errorf("got %v and %v, want %s", token, err, tt.want)
			}
		})
	}
}

// The iss that chose the verifier is not trusted: each verifier checks its own.
func TestRouterChoosesAndTheVerifierChecks(t *testing.T) {
	one, two := newIssuer("https://one.example"), newIssuer("https://two.example")
	r := must(oauth2.NewRouter(oauth2.RouterConfig{Issuers: map[string]oauth2.Verifier{one.name: one.verifier(), two.name: two.verifier()}}))
	h := handler(t, newAuthenticator(t, r, nil))
	wantOK(t, h, bearer(one.token(nil)))
	wantOK(t, h, bearer(two.token(nil)))
	forged := newIssuer(one.name)
	wantRefusal(t, h, bearer(forged.token(nil)), 401, "Bearer", "error", "invalid_token")
	crossed := *one
	crossed.key = two.key
	wantRefusal(t, h, bearer(crossed.token(nil)), 401, "Bearer", "error", "invalid_token")
	wantRefusal(t, h, bearer("opaque"), 401, "Bearer", "error", "invalid_token")
	onlyOpaque := must(oauth2.NewRouter(oauth2.RouterConfig{Opaque: named("opaque")}))
	if _, err := onlyOpaque.Verify(t.Context(), one.token(nil)); !errors.Is(err, auth.ErrUnrecognized) {
		t.Errorf("got %v for a JWT where only opaque tokens are known", err)
	}
}

func TestRouterConfigurationsThatAreRefused(t *testing.T) {
	for name, c := range map[string]oauth2.RouterConfig{
		"no verifier":     {},
		"a nil verifier":  {Issuers: map[string]oauth2.Verifier{"a": nil}},
		"a nil pointer":   {Opaque: (*oauth2.Introspector)(nil)},
		"a nil function":  {Prefixes: map[string]oauth2.Verifier{"a": oauth2.VerifierFunc(nil)}},
		"an empty issuer": {Issuers: map[string]oauth2.Verifier{"": named("a")}},
		"an empty prefix": {Prefixes: map[string]oauth2.Verifier{"": named("a")}},
	} {
		if r, err := oauth2.NewRouter(c); r != nil || err == nil {
			t.Errorf("%s: got %v and %v", name, r, err)
		}
	}
}

func FuzzRouter(f *testing.F) {
	one := newIssuer("https://one.example")
	r := must(oauth2.NewRouter(oauth2.RouterConfig{Issuers: map[string]oauth2.Verifier{one.name: one.verifier()}, Opaque: named("opaque")}))
	f.Add(one.token(nil))
	f.Add("eyJ.e30.a")
	f.Add("..")
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		got, err := r.Verify(t.Context(), token)
		if (got == nil) == (err == nil) {
			t.Fatal("neither or both of a token and an error")
		}
		if err != nil && auth.KindOf(err) != auth.KindInvalid {
			t.Fatalf("got kind %v", auth.KindOf(err))
		}
	})
}
