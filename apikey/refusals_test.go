package apikey_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

func TestRefusedBeforeTheStoreIsAsked(t *testing.T) {
	const id = "AAAAAAAAAAAA"
	secret := strings.Repeat("s", 32)
	good := sealed("acme_live_" + id + "_" + secret)
	for _, row := range []struct {
		name, key string
		reason    auth.Reason
	}{
		{"an empty value", "", auth.ReasonUnrecognized},
		{"a space", " ", auth.ReasonUnrecognized},
		{"a tab", "\t", auth.ReasonUnrecognized},
		{"a leading space is not trimmed", " " + good, auth.ReasonUnrecognized},
		{"a trailing space is not trimmed", good + " ", auth.ReasonMalformed},
		{"a trailing line feed", good + "\n", auth.ReasonMalformed},
		{"a zero-width space inside", good[:20] + "\u200b" + good[20:], auth.ReasonMalformed},
		{"full-width letters", "acme_live_" + strings.Repeat("Ａ", 4) + good[22:], auth.ReasonMalformed},
		{"NUL inside", good[:30] + "\x00" + good[31:], auth.ReasonMalformed},
		{"the right key in upper case", strings.ToUpper(good), auth.ReasonUnrecognized},
		{"the right key in lower case", strings.ToLower(good), apikey.ReasonChecksum},
		{"256 bytes", "acme_" + strings.Repeat("a", 251), auth.ReasonMalformed},
		{"257 bytes", "acme_" + strings.Repeat("a", 252), auth.ReasonTooLong},
		{"512 KiB", "acme_" + strings.Repeat("a", 512<<10), auth.ReasonTooLong},
		{"512 KiB of somebody else's", strings.Repeat("a", 512<<10), auth.ReasonUnrecognized},
		{"the prefix of somebody else", sealed("acne_live_" + id + "_" + secret), auth.ReasonUnrecognized},
		{"the prefix and nothing", "acme_", auth.ReasonMalformed},
		{"the prefix alone", "acme", auth.ReasonUnrecognized},
		{"a test key on a live server", sealed("acme_test_" + id + "_" + secret), apikey.ReasonEnvironment},
		{"an environment that nobody has", sealed("acme_prod_" + id + "_" + secret), apikey.ReasonEnvironment},
		{"a kind that is not configured", sealed("acme_pat_live_" + id + "_" + secret), auth.ReasonUnrecognized},
		{"a checksum one letter off", good[:len(good)-1] + "!", auth.ReasonMalformed},
		{"a checksum of another key", good[:len(good)-6] + "000000", apikey.ReasonChecksum},
		{"a checksum without its zeros", unpadded(t), auth.ReasonMalformed},
		{"a checksum over 2^32", good[:len(good)-6] + "zzzzzz", apikey.ReasonChecksum},
		{"an underline inside the secret", sealed("acme_live_" + id + "_" + strings.Repeat("s", 15) + "_" + strings.Repeat("s", 16)), auth.ReasonMalformed},
		{"two keys as a list", good + ", " + good, auth.ReasonMalformed},
		{"a stored digest", "h1$2026$" + strings.Repeat("ab", 32), auth.ReasonUnrecognized},
		{"a plain stored digest", "s1$" + strings.Repeat("ab", 32), auth.ReasonUnrecognized},
		{"a digest in hexadecimal", strings.Repeat("ab", 32), auth.ReasonUnrecognized},
		{"a digest after the prefix", "acme_live_" + id + "_" + strings.Repeat("ab", 19), apikey.ReasonChecksum},
	} {
		t.Run(row.name, func(t *testing.T) {
			v := newService(t, setup{})
			v.want(v.send(row.key), http.StatusUnauthorized, row.reason)
			if n := v.store.finds.Load(); n != 0 {
				t.Errorf("the store was asked %d times", n)
			}
			optional := newService(t, setup{guard: func(c *middleware.Config) { c.Optional = true }})
			optional.want(optional.send(row.key), http.StatusUnauthorized, row.reason)
		})
	}
}

// unpadded returns a key whose checksum begins with a zero that was left out.
func unpadded(t *testing.T) string {
	t.Helper()
	for i := range 4096 {
		body := "acme_live_AAAAAAAAAAAA_" + strings.Repeat("s", 29) + string([]byte{'a' + byte(i%26), 'a' + byte(i/26%26), 'a' + byte(i/676)})
		if sum := apikey.Checksum(body); sum[0] == '0' {
			return body + sum[1:]
		}
	}
	t.Fatal("no checksum begins with a zero")
	return ""
}

func TestRefusedByTheStoreOrTheDigest(t *testing.T) {
	v := newService(t, setup{})
	id, key := v.issued.Record.ID, v.key()
	other := mustCreate(t, v.keys, nil)
	wrong := sealed("acme_live_" + id + "_" + strings.Repeat("w", 32))

	unknown := v.send(sealed("acme_live_AAAAAAAAAAAA_" + strings.Repeat("s", 32)))
	v.want(unknown, 401, auth.ReasonUnknown)
	if unknown.event.CredentialID != "" {
		t.Errorf("the event names %q, which no key has", unknown.event.CredentialID)
	}
	mismatch := v.send(wrong)
	v.want(mismatch, 401, auth.ReasonMismatch)
	if mismatch.event.CredentialID != id {
		t.Errorf("the event names %q, want the key %q", mismatch.event.CredentialID, id)
	}
	swapped := v.send(sealed(key[:len("acme_live_")+12] + "_" + other.Secret.Reveal()[23:55]))
	v.want(swapped, 401, auth.ReasonMismatch)
	if unknown.body != mismatch.body || strings.Join(unknown.challenges, "\n") != strings.Join(mismatch.challenges, "\n") {
		t.Errorf("an unknown key and a wrong secret are answered differently:\n%s\n%s", unknown.body, mismatch.body)
	}
	if v.send(key).status != 200 {
		t.Error("the right key was refused")
	}
}

func TestARowCopiedToAnotherIDOrEnvironmentIsRefused(t *testing.T) {
	v := newService(t, setup{})
	found, err := v.store.Store.Find(t.Context(), v.issued.Record.ID)
	if err != nil {
		t.Fatal(err)
	}
	copied := found.Clone()
	copied.ID = "BBBBBBBBBBBB"
	if err := v.store.Create(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	v.want(v.send(sealed("acme_live_BBBBBBBBBBBB_"+v.key()[23:55])), 401, auth.ReasonMismatch)

	elsewhere := newService(t, setup{config: func(c *apikey.Config) { c.Environment = "test" }})
	if err := elsewhere.store.Create(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	elsewhere.want(elsewhere.send(sealed("acme_test_"+v.key()[10:55])), 401, auth.ReasonMismatch)
	elsewhere.want(elsewhere.send(v.key()), 401, apikey.ReasonEnvironment)

	moved := found.Clone() // the row says that it is of another environment than its key
	moved.Environment = "test"
	if err := v.store.Store.Update(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	v.want(v.send(v.key()), 401, apikey.ReasonEnvironment)

	kinds := newService(t, setup{
		config: func(c *apikey.Config) { c.Kinds = []string{"pat", "srv"} },
		key:    func(r *apikey.Request) { r.Kind = "pat" },
	})
	found, err = kinds.store.Store.Find(t.Context(), kinds.issued.Record.ID)
	must(t, err)
	moved = found.Clone() // or of another kind
	moved.Kind = "srv"
	must(t, kinds.store.Store.Update(t.Context(), moved))
	kinds.want(kinds.send(kinds.key()), 401, apikey.ReasonBadRecord)
}

func TestAmbiguousRequests(t *testing.T) {
	placements := []apikey.Placement{
		apikey.Bearer(), apikey.Authorization("ApiKey"), apikey.Header("x-api-key"), apikey.Header("X-Old-Key"),
		apikey.InsecureQuery("api_key"), apikey.Cookie("key"),
	}
	v := newService(t, setup{authn: apikey.AuthenticatorConfig{Placements: placements}})
	key := v.key()
	for _, row := range []struct {
		name   string
		fill   func(*http.Request)
		status int
		reason auth.Reason
	}{
		{"nothing sent", func(*http.Request) {}, 401, auth.ReasonAbsent},
		{"another scheme only", func(r *http.Request) { r.Header.Set("Authorization", "Digest x=y") }, 401, auth.ReasonForeign},
		{"bearer", func(r *http.Request) { r.Header.Set("Authorization", "bEARER "+key) }, 200, ""},
		{"ApiKey", func(r *http.Request) { r.Header.Set("Authorization", "apikey "+key) }, 200, ""},
		{"header", func(r *http.Request) { r.Header.Set("X-API-Key", key) }, 200, ""},
		{"query", func(r *http.Request) { r.URL.RawQuery = "a=1&api_key=" + key }, 200, ""},
		{"cookie", func(r *http.Request) { r.Header.Set("Cookie", "a=b; key="+key) }, 200, ""},
		{"bearer with two spaces", func(r *http.Request) { r.Header.Set("Authorization", "Bearer  "+key) }, 401, auth.ReasonMalformed},
		{"bearer with a tab", func(r *http.Request) { r.Header.Set("Authorization", "Bearer\t"+key) }, 401, auth.ReasonMalformed},
		{"bearer with nothing", func(r *http.Request) { r.Header.Set("Authorization", "Bearer") }, 401, auth.ReasonMalformed},
		{"the key bare in Authorization", func(r *http.Request) { r.Header.Set("Authorization", key) }, 401, auth.ReasonUnrecognized},
		{"somebody else's token", func(r *http.Request) { r.Header.Set("Authorization", "Bearer a.b.c") }, 401, auth.ReasonUnrecognized},
		{"somebody else's token beside the key", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer a.b.c")
			r.Header.Set("X-API-Key", key)
		}, 200, ""},
		{"two Authorization lines", func(r *http.Request) {
			r.Header["Authorization"] = []string{"Bearer " + key, "Bearer " + key}
		}, 400, auth.ReasonRepeated},
		{"a header twice", func(r *http.Request) { r.Header["X-Api-Key"] = []string{key, key} }, 400, auth.ReasonRepeated},
		{"a parameter twice", func(r *http.Request) { r.URL.RawQuery = "api_key=" + key + "&api%5fkey=" + key }, 400, auth.ReasonRepeated},
		{"a cookie twice", func(r *http.Request) { r.Header.Set("Cookie", "key="+key+"; key="+key) }, 400, auth.ReasonRepeated},
		{"bearer and header", func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set("X-API-Key", key)
		}, 400, auth.ReasonMultiple},
		{"header and query", func(r *http.Request) {
			r.Header.Set("X-API-Key", key)
			r.URL.RawQuery = "api_key=" + key
		}, 400, auth.ReasonMultiple},
		{"query and cookie", func(r *http.Request) {
			r.URL.RawQuery = "api_key=" + key
			r.Header.Set("Cookie", "key="+key)
		}, 400, auth.ReasonMultiple},
		{"a header and an empty parameter", func(r *http.Request) {
			r.Header.Set("X-API-Key", key)
			r.URL.RawQuery = "api_key="
		}, 400, auth.ReasonMultiple},
		{"two headers of ours", func(r *http.Request) {
			r.Header.Set("X-API-Key", key)
			r.Header.Set("X-Old-Key", "x")
		}, 400, auth.ReasonMultiple},
		{"a parameter that does not unescape", func(r *http.Request) { r.URL.RawQuery = "api_key=%zz" }, 401, auth.ReasonUnrecognized},
		{"a cookie that does not parse", func(r *http.Request) { r.Header.Set("Cookie", "key=\x7f") }, 401, auth.ReasonUnrecognized},
		{"a header and a parameter that does not unescape", func(r *http.Request) {
			r.Header.Set("X-API-Key", key)
			r.URL.RawQuery = "api_key=%zz"
		}, 400, auth.ReasonMultiple},
		{"a header and a cookie that does not parse", func(r *http.Request) {
			r.Header.Set("X-API-Key", key)
			r.Header.Set("Cookie", "key=\x7f")
		}, 400, auth.ReasonMultiple},
		{"a cookie beside one that does not parse", func(r *http.Request) {
			r.Header.Set("Cookie", "key=\x7f; key="+key)
		}, 400, auth.ReasonRepeated},
		{"an empty cookie", func(r *http.Request) { r.Header.Set("Cookie", "key=") }, 401, auth.ReasonUnrecognized},
		{"a parameter in other case is another", func(r *http.Request) { r.URL.RawQuery = "API_KEY=" + key }, 401, auth.ReasonAbsent},
	} {
		t.Run(row.name, func(t *testing.T) {
			v.t = t
			v.store.finds.Store(0)
			r := authtest.Request("GET", "/notes")
			row.fill(r)
			a := v.do(r)
			v.want(a, row.status, row.reason)
			if row.status == 400 && v.store.finds.Load() != 0 {
				t.Error("one of the two was tried")
			}
			if row.reason == auth.ReasonAbsent && strings.Contains(strings.Join(a.challenges, " "), "error=") {
				t.Errorf("an error code where nothing was sent: %q", a.challenges)
			}
		})
	}
}

func TestChallengesNameEveryScheme(t *testing.T) {
	v := newService(t, setup{authn: apikey.AuthenticatorConfig{Realm: `a "notes" API`}})
	a := v.do(authtest.Request("GET", "/notes"))
	want := []string{`Bearer realm="a \"notes\" API"`, `ApiKey realm="a \"notes\" API", header="X-API-Key"`}
	if strings.Join(a.challenges, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", a.challenges, want)
	}
	r := authtest.Request("GET", "/notes", "Authorization", "Bearer "+mistyped(v.key()))
	if a := v.do(r); len(a.challenges) != 1 || !strings.Contains(a.challenges[0], `error="invalid_token"`) {
		t.Errorf("got %q for a bad bearer key, want invalid_token", a.challenges)
	}
}

func TestAKeyInADisabledPlaceIsNotSeen(t *testing.T) {
	v := newService(t, setup{authn: apikey.AuthenticatorConfig{Placements: []apikey.Placement{apikey.Header("X-API-Key")}}})
	r := authtest.Request("GET", "/notes?api_key="+v.key())
	r.Header.Set("Cookie", "key="+v.key())
	v.want(v.do(r), 401, auth.ReasonAbsent)
	r = authtest.Request("GET", "/notes", "Authorization", "Bearer "+v.key())
	v.want(v.do(r), 401, auth.ReasonForeign)
}

func TestTheAnswerToAKeyedRequestIsPrivate(t *testing.T) {
	v := newService(t, setup{})
	a := v.send(v.key())
	if vary := a.header.Get("Vary"); !strings.Contains(vary, "X-Api-Key") || a.header.Get("Cache-Control") != "private" {
		t.Errorf("got Vary %q and Cache-Control %q", vary, a.header.Get("Cache-Control"))
	}
}

func TestTheNextHandlerSeesNoKeyInTheURL(t *testing.T) {
	v := newService(t, setup{authn: apikey.AuthenticatorConfig{Placements: []apikey.Placement{apikey.InsecureQuery("api_key")}}})
	r := authtest.Request("GET", "/notes?a=1&api_key="+v.key()+"&b=2")
	a := v.do(r)
	v.want(a, 200, "")
	if v.next.URL.RawQuery != "a=1&b=2" || strings.Contains(v.next.RequestURI, "acme_") {
		t.Errorf("the handler saw %q and %q", v.next.URL.RawQuery, v.next.RequestURI)
	}
	if !a.event.InURL {
		t.Error("the event does not say that the key was in the URL")
	}
}

func TestHeadersAreTakenOutWhereTheGuardIsToldTo(t *testing.T) {
	v := newService(t, setup{guard: func(c *middleware.Config) { c.RemoveCredentials = true }})
	v.want(v.send(v.key()), 200, "")
	if v.next.Header.Get("X-API-Key") != "" {
		t.Error("the handler saw the key")
	}
}

func TestPreflightsAreDecidedOnLikeTheRest(t *testing.T) {
	preflight := func() *http.Request {
		return authtest.Request("OPTIONS", "/notes", "Origin", "https://app.example", "Access-Control-Request-Method", "PUT")
	}
	v := newService(t, setup{})
	v.want(v.do(preflight()), 401, auth.ReasonAbsent)
	v = newService(t, setup{guard: func(c *middleware.Config) { c.AllowPreflight = true }})
	if a := v.do(preflight()); a.status != 200 {
		t.Errorf("got %d where preflights may pass", a.status)
	}
	v.want(v.do(authtest.Request("OPTIONS", "/notes", "Origin", "https://app.example")), 401, auth.ReasonAbsent)
}
