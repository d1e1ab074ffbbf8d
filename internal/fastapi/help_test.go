package fastapi_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/openapi"
)

// whoami answers with the subject, or "nobody" where there is no principal.
func whoami(w http.ResponseWriter, r *http.Request) {
	if p, found := auth.FromContext(r.Context()); found {
		fmt.Fprint(w, p.Subject())
		return
	}
	fmt.Fprint(w, "nobody")
}

// guard stands in front of whoami.
func guard(t *testing.T, a auth.Authenticator, reqs ...auth.Requirement) http.Handler {
	t.Helper()
	return newGuard(t, a, reqs...).HandlerFunc(whoami)
}

func newGuard(t *testing.T, a auth.Authenticator, reqs ...auth.Requirement) *middleware.Guard {
	t.Helper()
	c := middleware.Config{Authenticator: a}
	if len(reqs) > 0 {
		c.Require = auth.All(reqs...)
	}
	return must(middleware.New(c))
}

func optional(t *testing.T, a auth.Authenticator) http.Handler {
	t.Helper()
	return must(middleware.New(middleware.Config{Authenticator: a, Optional: true})).HandlerFunc(whoami)
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func get(fields ...string) *http.Request { return authtest.Request("GET", "/", fields...) }

func bearer(token string) *http.Request { return get("Authorization", "Bearer "+token) }

// wantOK fails the test unless r goes through; it returns the body.
func wantOK(t *testing.T, h http.Handler, r *http.Request) string {
	t.Helper()
	return want(t, h, r, 200)
}

// want fails the test unless r is answered with the status and exactly these challenges; it returns the body.
func want(t *testing.T, h http.Handler, r *http.Request, status int, challenges ...string) string {
	t.Helper()
	resp := authtest.Do(h, r)
	body := must(io.ReadAll(resp.Body))
	if resp.StatusCode != status {
		t.Errorf("got status %d for %s %s, want %d: %s", resp.StatusCode, r.Method, r.URL.Path, status, body)
	}
	authtest.AssertChallenges(t, resp, challenges...)
	return string(body)
}

// wantText fails the test unless the two are the same.
func wantText(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// newKeys returns keys and the authenticator that c describes.
func newKeys(t *testing.T, c apikey.AuthenticatorConfig) (*apikey.Keys, *apikey.Authenticator) {
	t.Helper()
	keys := must(apikey.New(apikey.Config{Prefix: "acme", Store: apikey.NewMemoryStore(apikey.MemoryConfig{})}))
	t.Cleanup(func() { _ = keys.Close(t.Context()) })
	return keys, must(keys.Authenticator(c))
}

func in(places ...apikey.Placement) apikey.AuthenticatorConfig {
	return apikey.AuthenticatorConfig{Placements: places}
}

// newKey issues a key to alice.
func newKey(t *testing.T, keys *apikey.Keys) string {
	t.Helper()
	return must(keys.Create(t.Context(), apikey.Request{Subject: "alice"})).Secret.Reveal()
}

// cheap hashes are for tests, where no thief tries passwords.
var cheap = password.Config{Params: password.Params{Algorithm: password.Argon2id, Memory: 64, Time: 1, Threads: 1}}

// newPeople knows a few users, each by the password given.
func newPeople(t *testing.T, passwords map[string]string) *basic.Authenticator {
	t.Helper()
	hasher := must(password.New(cheap))
	var users []basic.User
	for name, pw := range passwords {
		users = append(users, basic.User{Name: name, PasswordHash: must(hasher.Hash(t.Context(), pw))})
	}
	static := must(basic.NewStatic(hasher, users...))
	return must(basic.New(basic.Config{Realm: "notes", Users: static, Hasher: hasher}))
}

func withPassword(name, pw string) *http.Request {
	r := get()
	r.SetBasicAuth(name, pw)
	return r
}

// post is a POST of a form, given as name, value, name, value.
func post(path string, fields ...string) *http.Request {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// login is the form of the tutorial for a user and a password, with further fields.
func login(name, pw string, fields ...string) *http.Request {
	return post("/token", append([]string{"grant_type", "password", "username", name, "password", pw}, fields...)...)
}

// tokens is an answer of a token endpoint (RFC 6749 §5.1).
type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
}

func wantTokens(t *testing.T, h http.Handler, r *http.Request) tokens {
	t.Helper()
	var answer tokens
	if err := json.Unmarshal([]byte(wantOK(t, h, r)), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func newSessions(t *testing.T) refresh.Config {
	t.Helper()
	pepper := make([]byte, 32)
	_, _ = rand.Read(pepper) // never fails
	return refresh.Config{Store: must(refresh.NewMemoryStore(refresh.MemoryConfig{})), Keys: [][]byte{pepper}}
}

// never is the verifier of tokens that nobody issues.
func never(context.Context, string) (*auth.Principal, error) {
	return nil, auth.Invalid(auth.ReasonUnknown, nil)
}

// document is what a description says of schemes and operations.
type document struct {
	Paths      map[string]map[string]map[string]any
	Webhooks   any
	Components struct {
		SecuritySchemes map[string]any
		Responses       map[string]struct{ Headers map[string]any }
	}
}

// describe reads the description of the routes of a mux.
func describe(t *testing.T, mux *middleware.Mux) document {
	t.Helper()
	if _, err := mux.Build(); err != nil {
		t.Fatal(err)
	}
	doc := must(openapi.New(openapi.Config{Title: "Notes", Version: "1.0.0", Routes: mux.Routes()}))
	return read(t, doc)
}

func read(t *testing.T, doc *openapi.Document) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(doc.JSON(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// describeOne describes one route that a is in front of, GET /notes, with requirements.
func describeOne(t *testing.T, a auth.Authenticator, reqs ...auth.Requirement) document {
	t.Helper()
	mux := middleware.NewMux(middleware.MuxConfig{Guard: newGuard(t, a, reqs...)})
	mux.HandleFunc("GET /notes", middleware.Authenticated(), ok)
	return describe(t, mux)
}

// wantJSON fails the test unless got, as JSON, is want.
func wantJSON(t *testing.T, got any, want string) {
	t.Helper()
	var wanted any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	text := must(json.Marshal(got))
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(plain, wanted) {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
