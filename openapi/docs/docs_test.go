package docs_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/openapi/docs"
)

func newPage(t testing.TB, c docs.Config) *docs.Page {
	t.Helper()
	p, err := docs.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(t testing.TB, h http.Handler, path string) (*http.Response, string) {
	t.Helper()
	resp := authtest.Do(h, authtest.Request("GET", path))
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(data)
}

func TestPageServesEveryFileItNames(t *testing.T) {
	p := newPage(t, docs.Config{Title: "<Notes>"})
	resp, body := get(t, p, "/docs/")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(body, "<title>&lt;Notes&gt;</title>") {
		t.Fatalf("got %d %q", resp.StatusCode, body)
	}
	named := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(named) < 5 {
		t.Fatalf("the page names %d files, want 5", len(named))
	}
	for _, m := range named {
		if resp, body := get(t, p, "/docs/"+m[1]); resp.StatusCode != 200 || body == "" {
			t.Errorf("%s: got %d, want 200", m[1], resp.StatusCode)
		}
	}
	for name, mediaType := range map[string]string{
		"swagger-ui-bundle.js": "text/javascript; charset=utf-8", "initializer.js": "text/javascript; charset=utf-8",
		"swagger-ui.css": "text/css; charset=utf-8", "oauth2-redirect.html": "text/html; charset=utf-8",
		"oauth2-redirect.js": "text/javascript; charset=utf-8", "favicon-32x32.png": "image/png", "LICENSE": "text/plain; charset=utf-8",
		"NOTICE": "text/plain; charset=utf-8", "swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
	} {
		resp, _ := get(t, p, "/docs/"+name)
		if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || got != mediaType {
			t.Errorf("%s: got %d %q, want 200 %q", name, resp.StatusCode, got, mediaType)
		}
	}
}

func TestPageLoadsNothingFromElsewhere(t *testing.T) {
	p := newPage(t, docs.Config{})
	for _, name := range []string{"", "initializer.js", "oauth2-redirect.html", "oauth2-redirect.js", "index.css"} {
		if _, body := get(t, p, "/docs/"+name); strings.Contains(body, "//") {
			t.Errorf("%q: got a URL with a host in it:\n%s", name, body)
		}
	}
	_, css := get(t, p, "/docs/swagger-ui.css")
	for _, m := range regexp.MustCompile(`url\(["']?([^)]{0,12})`).FindAllStringSubmatch(css, -1) {
		if !strings.HasPrefix(m[1], "data:") {
			t.Errorf("the style sheet loads %q", m[1])
		}
	}
	if strings.Contains(css, "@import") {
		t.Error("the style sheet imports another")
	}
}

func TestPageHasNoInlineScriptOrStyle(t *testing.T) {
	p := newPage(t, docs.Config{})
	for _, name := range []string{"", "oauth2-redirect.html"} {
		_, body := get(t, p, "/docs/"+name)
		for _, bad := range []string{"<style", "style=", "<script>", " on", "javascript:"} {
			if strings.Contains(body, bad) {
				t.Errorf("%q: got %s in the page", name, bad)
			}
		}
	}
}

func TestEveryAnswerHasThePolicy(t *testing.T) {
	p := newPage(t, docs.Config{DocumentURL: "https://api.example/openapi.json", Connect: []string{"https://accounts.example"}})
	const want = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"connect-src 'self' https://accounts.example https://api.example; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for _, path := range []string{"/docs/", "/docs/initializer.js", "/docs/nothing", "/elsewhere"} {
		resp, _ := get(t, p, path)
		for name, want := range map[string]string{"Content-Security-Policy": want, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: got %s %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	p := newPage(t, docs.Config{})
	for _, tt := range []struct {
		name, method, path string
		status             int
	}{
		{"a file that is not there", "GET", "/docs/index.html", 404},
		{"the folder of the files", "GET", "/docs/assets/", 404},
		{"a way out", "GET", "/docs/../docs.go", 404},
		{"a path that is not below the page", "GET", "/swagger-ui.css", 404},
		{"another method", "POST", "/docs/", 405},
		{"HEAD", "HEAD", "/docs/", 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := authtest.Do(p, authtest.Request(tt.method, tt.path)).StatusCode; got != tt.status {
				t.Errorf("got %d, want %d", got, tt.status)
			}
		})
	}
	resp, _ := get(t, p, "/docs/swagger-ui-bundle.js")
	if got := resp.Header.Get("Cache-Control"); got != "no-cache" {
		t.Errorf("got Cache-Control %q, want no-cache", got)
	}
	if got := authtest.Do(p, authtest.Request("GET", "/docs/swagger-ui-bundle.js", "If-None-Match", resp.Header.Get("ETag"))).StatusCode; got != 304 {
		t.Errorf("got %d for the ETag that was given, want 304", got)
	}
	private := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private")
		p.ServeHTTP(w, r)
	})
	if resp, _ := get(t, private, "/docs/"); resp.Header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("got Cache-Control %q behind a guard, want private, no-cache", resp.Header.Get("Cache-Control"))
	}
}

func TestInitializerIsSafeWhateverIsConfigured(t *testing.T) {
	_, js := get(t, newPage(t, docs.Config{ClientID: `"};alert(1)//</script>`, Scopes: []string{"a\u2028b"}}), "/docs/initializer.js")
	for _, want := range []string{
		`"clientId":"\"};alert(1)//\u003c/script\u003e"`, `["a\u2028b"]`, "persistAuthorization: false", "validatorUrl: null",
		"usePkceWithAuthorizationCodeGrant: true", `oauth2RedirectUrl: new URL("oauth2-redirect.html", document.baseURI).href`, `"url":"/openapi.json"`,
	} {
		if !strings.Contains(js, want) {
			t.Errorf("got an initializer without %s:\n%s", want, js)
		}
	}
}

func TestNewReportsEveryMistake(t *testing.T) {
	_, err := docs.New(docs.Config{Path: "docs", DocumentURL: "javascript:alert(1)", Connect: []string{"https://a.example/path", "https://a;script-src *", "ftp://a", "%"}})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{`Path "docs"`, "DocumentURL", `"https://a.example/path"`, `"https://a;script-src *"`, `"ftp://a"`, `"%"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got error %q, want one with %s", err, want)
		}
	}
	for _, path := range []string{"/docs", "/docs//", "/a/../docs/", "//"} {
		if _, err := docs.New(docs.Config{Path: path}); err == nil {
			t.Errorf("got no error for Path %q", path)
		}
	}
	if resp, _ := get(t, newPage(t, docs.Config{Path: "/"}), "/"); resp.StatusCode != 200 {
		t.Errorf("got %d for a page at the root, want 200", resp.StatusCode)
	}
}

func TestFilesAreThoseOfTheDistribution(t *testing.T) {
	sums, err := os.ReadFile("SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := 0
	for s := bufio.NewScanner(bytes.NewReader(sums)); s.Scan(); listed++ {
		want, name, _ := strings.Cut(s.Text(), "  ")
		data, err := os.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not the file of the distribution", name)
		}
	}
	entries, err := os.ReadDir("assets")
	if err != nil || listed < 9 || len(entries) != listed {
		t.Errorf("got %d files and %d sums (%v), want 9 of each", len(entries), listed, err)
	}
}

func ExampleNew() {
	page, err := docs.New(docs.Config{Title: "Notes", DocumentURL: "/openapi.json"})
	if err != nil {
		panic(err)
	}
	mux := middleware.NewMux(middleware.MuxConfig{})
	mux.Handle("GET /docs/", middleware.Public(), page)
	handler, err := mux.Build()
	if err != nil {
		panic(err)
	}
	resp := authtest.Do(handler, authtest.Request("GET", "/docs/"))
	fmt.Println(resp.StatusCode, resp.Header.Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}
