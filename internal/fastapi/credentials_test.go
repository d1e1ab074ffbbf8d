package fastapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
)

const (
	basicChallenge = `Basic realm="notes", charset="UTF-8"`
	keyChallenge   = `ApiKey header="X-API-Key"`
)

var apiKeyRows = []row{
	{"A key comes in a header", func(t *testing.T) {
		keys, a := newKeys(t, in(apikey.Header("X-API-Key")))
		wantText(t, wantOK(t, guard(t, a), get("X-API-Key", newKey(t, keys))), "alice")
	}},
	{"A key comes in the query", func(t *testing.T) {
		keys, a := newKeys(t, in(apikey.InsecureQuery("api_key")))
		url := ""
		h := newGuard(t, a).HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { url = r.URL.String() + " " + r.RequestURI })
		wantOK(t, h, authtest.Request("GET", "/notes?page=2&api_key="+newKey(t, keys)))
		wantText(t, url, "/notes?page=2 /notes?page=2")
	}},
	{"A key comes in a cookie", func(t *testing.T) {
		keys, a := newKeys(t, in(apikey.Cookie("key")))
		key := newKey(t, keys)
		wantOK(t, guard(t, a), get("Cookie", "key="+key))
		want(t, guard(t, a), authtest.Request("POST", "/", "Cookie", "key="+key, "Sec-Fetch-Site", "cross-site"), 403)
	}},
	{"A request without a key is refused", func(t *testing.T) {
		for challenge, place := range map[string]apikey.Placement{
			keyChallenge: apikey.Header("X-API-Key"), `ApiKey query="api_key"`: apikey.InsecureQuery("api_key"), `ApiKey cookie="key"`: apikey.Cookie("key"),
		} {
			_, a := newKeys(t, in(place))
			body := want(t, guard(t, a), get(), 401, challenge)
			wantJSON(t, json.RawMessage(body), `{"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "authentication is required"}`)
			own := must(newGuard(t, a).With(func(c *middleware.Config) { c.ErrorWriter = writeDetail })).HandlerFunc(whoami)
			wantJSON(t, json.RawMessage(want(t, own, get(), 401, challenge)), `{"detail": "Not authenticated"}`)
		}
	}},
	{"An empty key is refused", func(t *testing.T) {
		_, a := newKeys(t, in(apikey.Header("X-API-Key"), apikey.InsecureQuery("api_key"), apikey.Cookie("key")))
		for challenge, r := range map[string]*http.Request{
			keyChallenge: get("X-API-Key", ""), `ApiKey query="api_key"`: authtest.Request("GET", "/?api_key="), `ApiKey cookie="key"`: get("Cookie", "key="),
		} {
			want(t, guard(t, a), r, 401, challenge)
			want(t, optional(t, a), r, 401, challenge)
		}
	}},
	{"A key that is not in force is refused", func(t *testing.T) {
		keys, a := newKeys(t, in(apikey.Header("X-API-Key")))
		want(t, guard(t, a), get("X-API-Key", "guessed"), 401, keyChallenge)
		issued := must(keys.Create(t.Context(), apikey.Request{Subject: "alice"}))
		wantOK(t, guard(t, a), get("X-API-Key", issued.Secret.Reveal()))
		check(keys.Revoke(t.Context(), issued.Record.ID, "lost"))
		want(t, guard(t, a), get("X-API-Key", issued.Secret.Reveal()), 401, keyChallenge)
	}},
}

// another is an authenticator of one's own, for "Authorization: Other …".
type another struct{}

func (another) Schemes() []auth.Scheme {
	return []auth.Scheme{{Name: "other", Type: "http", In: auth.InHeader, Parameter: "Authorization", AuthScheme: "Other"}}
}

func (another) Authenticate(r *http.Request) (*auth.Principal, error) {
	value, err := auth.Credentials(r, "Other", 100)
	if err != nil {
		return nil, err
	}
	if value != "let-me-in" {
		return nil, auth.Invalid(auth.ReasonUnknown, nil)
	}
	return auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice"})
}

var httpRows = []row{
	{"A scheme of your own comes in Authorization", func(t *testing.T) {
		h := guard(t, another{})
		wantOK(t, h, get("Authorization", "Other let-me-in"))
		wantOK(t, h, get("Authorization", "other let-me-in"))
		for _, value := range []string{"Other guessed", "Other", "Bearer let-me-in", "let-me-in"} {
			want(t, h, get("Authorization", value), 401, "Other")
		}
		want(t, h, get(), 401, "Other")
	}},
	{"A name and a password come in Authorization", func(t *testing.T) {
		h := guard(t, newPeople(t, map[string]string{"john": "secret"}))
		wantText(t, wantOK(t, h, withPassword("john", "secret")), "john")
		want(t, h, withPassword("john", "guess"), 401, basicChallenge)
	}},
	{"A request without a password is refused", func(t *testing.T) {
		want(t, guard(t, newPeople(t, nil)), get(), 401, basicChallenge)
	}},
	{"Basic credentials that are not base64 are refused", func(t *testing.T) {
		want(t, guard(t, newPeople(t, nil)), get("Authorization", "Basic notabase64token"), 401, basicChallenge)
	}},
	{"Basic credentials without a colon are refused", func(t *testing.T) {
		want(t, guard(t, newPeople(t, nil)), get("Authorization", "Basic am9obnNlY3JldA=="), 401, basicChallenge)
	}},
	{"A password may have a colon", func(t *testing.T) {
		wantText(t, wantOK(t, guard(t, newPeople(t, map[string]string{"john": "a:b:c"})), withPassword("john", "a:b:c")), "john")
	}},
	{"An empty name or password is refused", func(t *testing.T) {
		hasher := must(password.New(password.Config{Schemes: []password.Scheme{&counting{}}}))
		find := func(context.Context, string) (basic.User, bool, error) {
			return basic.User{Name: "john", PasswordHash: "count:"}, true, nil // whoever it is, the password is empty
		}
		h := guard(t, must(basic.New(basic.Config{Realm: "notes", Users: basic.UsersFunc(find), Hasher: hasher})))
		for _, r := range []*http.Request{withPassword("", ""), withPassword("john", ""), withPassword("", "secret")} {
			want(t, h, r, 401, basicChallenge)
		}
	}},
	{"Another scheme counts as no Basic credentials", func(t *testing.T) {
		people := newPeople(t, nil)
		want(t, guard(t, people), get("Authorization", "Negotiate abc"), 401, basicChallenge)
		wantText(t, wantOK(t, optional(t, people), get("Authorization", "Negotiate abc")), "nobody")
		strict := must(middleware.New(middleware.Config{Authenticator: people, Optional: true, RefuseForeignSchemes: true}))
		want(t, strict.HandlerFunc(whoami), get("Authorization", "Negotiate abc"), 401, basicChallenge)
	}},
	{"Broken Basic credentials are refused where they are optional", func(t *testing.T) {
		h := optional(t, newPeople(t, nil))
		for _, value := range []string{"Basic notabase64token", "Basic am9obnNlY3JldA==", "Basic"} {
			want(t, h, get("Authorization", value), 401, basicChallenge)
		}
	}},
	{"Names and passwords are UTF-8", func(t *testing.T) {
		h := guard(t, newPeople(t, map[string]string{"jürgen": "пароль"}))
		wantText(t, wantOK(t, h, withPassword("jürgen", "пароль")), "jürgen")
		wantText(t, wantOK(t, h, withPassword("ju\u0308rgen", "пароль")), "jürgen") // u with a diaeresis of its own, as macOS writes it
	}},
	{"An unknown name is answered like a wrong password", func(t *testing.T) {
		count := &counting{}
		hasher := must(password.New(password.Config{Schemes: []password.Scheme{count}}))
		users := must(basic.NewStatic(hasher, basic.User{Name: "john", PasswordHash: "count:secret"}))
		h := guard(t, must(basic.New(basic.Config{Realm: "notes", Users: users, Hasher: hasher})))
		wantOK(t, h, withPassword("john", "secret"))
		var bodies []string
		for i, name := range []string{"john", "nobody"} {
			bodies = append(bodies, want(t, h, withPassword(name, "guess"), 401, basicChallenge))
			if got := count.runs.Load(); got != int32(i+2) {
				t.Errorf("got %d hashes after %s, want %d", got, name, i+2)
			}
		}
		wantText(t, bodies[0], bodies[1])
		verdict := must(hasher.Check(t.Context(), password.Attempt{Username: "nobody", Password: "guess", Mix: users.Mix()}))
		if got := count.runs.Load(); verdict.OK || got != 4 {
			t.Errorf("got %+v and %d hashes without HTTP, want no and 4", verdict, got)
		}
	}},
	{"A bearer token comes in Authorization", func(t *testing.T) {
		h := guard(t, authtest.Tokens(map[string]*auth.Principal{"abc": authtest.Principal("alice")}))
		for _, scheme := range []string{"Bearer", "bearer", "BEARER"} {
			wantText(t, wantOK(t, h, get("Authorization", scheme+" abc")), "alice")
		}
	}},
	{"A request without a bearer token is refused", func(t *testing.T) {
		h := guard(t, authtest.Tokens(nil))
		want(t, h, get(), 401, "Bearer")
		want(t, h, get("Authorization", "Basic abc"), 401, "Bearer")
	}},
	{"The word Bearer alone is refused", func(t *testing.T) {
		a := authtest.Tokens(nil)
		for _, h := range []http.Handler{guard(t, a), optional(t, a)} {
			want(t, h, get("Authorization", "Bearer"), 401, `Bearer error="invalid_token"`)
			want(t, h, get("Authorization", "Bearer "), 401, `Bearer error="invalid_token"`)
		}
	}},
	{"A bearer token that nobody issued is refused", func(t *testing.T) {
		h := guard(t, authtest.Tokens(nil))
		body := want(t, h, bearer("abc"), 401, `Bearer error="invalid_token"`)
		wantJSON(t, json.RawMessage(body), `{"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "the credential was not accepted"}`)
	}},
	{"Digest is not offered", func(t *testing.T) {
		a := auth.FirstOf(authtest.Tokens(nil), newPeople(t, nil))
		want(t, guard(t, a), get("Authorization", "Digest foobar"), 401, "Bearer", basicChallenge)
		if text := string(must(json.Marshal(describeOne(t, a).Components.SecuritySchemes))); strings.Contains(strings.ToLower(text), "digest") {
			t.Errorf("got Digest described: %s", text)
		}
	}},
}

// writeDetail is an ErrorWriter that answers as FastAPI does.
func writeDetail(w http.ResponseWriter, _ *http.Request, d middleware.Decision) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(d.Status())
	fmt.Fprint(w, `{"detail": "Not authenticated"}`)
}

// counting is a form of stored passwords that counts how often one is computed: "count:<password>".
type counting struct{ runs atomic.Int32 }

func (c *counting) Parse(stored string) (*password.Record, error) {
	right, found := strings.CutPrefix(stored, "count:")
	if !found {
		return nil, password.ErrForeign
	}
	return &password.Record{
		Shape: "count", Memory: 1, Decoy: func() string { return "count:decoy" },
		Verify: func(pw string) bool { c.runs.Add(1); return pw == right },
	}, nil
}
