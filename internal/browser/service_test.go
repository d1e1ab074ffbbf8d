package browser_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A service is the example service, built and running.
type service struct {
	base, password string
	key            string // alice's, that may do all she may
	program        string // id:secret
	team           string
}

// start builds the service, runs it as its README says, and reads what it prints.
func start(t *testing.T) service {
	t.Helper()
	executable(t, browsers...) // before the work
	binary := filepath.Join(t.TempDir(), "service")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../examples", "-o", binary, "./service")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, binary, "-addr", "localhost:0")
	run.Cancel = func() error { return run.Process.Signal(os.Interrupt) }
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "/api/admin/people") && strings.Contains(lines.Text(), "username=root") {
			break // the last of them
		}
	}
	t.Cleanup(func() {
		cancel()
		if err := run.Wait(); err != nil && ctx.Err() == nil {
			t.Errorf("got %v at the end, want a clean one", err)
		}
	})
	find := func(pattern string) string {
		m := regexp.MustCompile(pattern).FindStringSubmatch(said.String())
		if m == nil {
			t.Fatalf("got no %s in %q", pattern, said.String())
		}
		return m[1]
	}
	return service{
		base: find(`service on (http://[^;]+);`), password: find(`the password (\w+)`), key: find(`X-API-Key: (notes_live_[\w-]+)`),
		program: find(`-u (program-\w+:[\w-]+)`), team: find(`/api/teams/(team-\w+)/`),
	}
}

// status is that of the answer to a request, and body its text.
func (s service) ask(t *testing.T, method, path, body string, fields ...string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

const sentence = "correct horse battery staple"

// sections are the service's pages, for whoever is no administrator.
var sections = []string{"Notes", "Teams", "Programs", "Keys", "Sessions"}

// TestServiceFromSignUpToAdmin clicks through the front end as two people would.
func TestServiceFromSignUpToAdmin(t *testing.T) {
	s := start(t)
	b := open(t, 1280, 850)
	b.do("open the page", chromedp.Navigate(s.base))
	b.see(form("Create account"))
	b.picture("doors")

	b.fill(form("Create account"), "Name", "carol")
	b.fill(form("Create account"), "Password", "short")
	b.click(form("Create account"), "button", "Create account")
	b.see(`//p[@class="bad" and contains(., "too short")]`)
	b.fill(form("Create account"), "Password", sentence)
	b.click(form("Create account"), "button", "Create account")
	b.see(form("Write a note"))

	const script = `<img src=x onerror=alert(1)> milk`
	b.fill(form("Write a note"), "Text", script)
	b.click(form("Write a note"), "button", "Write a note")
	b.see(row(script)) // as it was written
	b.picture("notes")
	b.do("reload", chromedp.Reload())
	b.see(row(script)) // the cookie brought a new token

	key := s.useKeys(t, b)
	s.usePrograms(t, b)

	b.click("//nav", "button", "Teams")
	b.fill(form("Add member"), "Name", "alice")
	b.click(form("Add member"), "button", "Add member")
	b.see(row("alice"))
	b.click("//nav", "button", "Notes")
	b.see(row(script))
	b.click(row(script), "button", "Delete")
	b.gone(row(script))

	b.click("//nav", "button", "Sessions")
	b.see(row("this one"))
	b.click("//header", "button", "Sign out")
	b.see(form("Sign in"))
	b.do("reload", chromedp.Reload())
	b.see(form("Sign in")) // the session has ended, not the page's memory alone

	s.administer(t, b, key)
	b.quiet()
}

// useKeys makes a key on the page, uses it as a program would, and returns it.
func (s service) useKeys(t *testing.T, b *tab) string {
	t.Helper()
	b.click("//nav", "button", "Keys")
	b.fill(form("Create key"), "Name", "laptop")
	b.click(form("Create key"), "label", "notes:read")
	b.click(form("Create key"), "button", "Create key")
	b.see(row("laptop"))
	key := b.text(`//section[@class="once"]/code`)
	b.picture("keys")
	if status, body := s.ask(t, "GET", "/api/me", "", "X-API-Key", key); status != 200 || !strings.Contains(body, `"carol"`) {
		t.Errorf("got %d %s with the key of the page, want 200 and carol", status, body)
	}
	if status, _ := s.ask(t, "POST", "/api/teams", `{"name":"more"}`, "X-API-Key", key); status != 403 {
		t.Errorf("got %d for what the key may not do, want 403", status)
	}
	return key
}

// usePrograms registers a machine client on the page and gets a token with what it shows.
func (s service) usePrograms(t *testing.T, b *tab) {
	t.Helper()
	b.click("//nav", "button", "Programs")
	b.fill(form("Register program"), "Name", "importer")
	b.click(form("Register program"), "button", "Register program")
	b.see(row("importer"))
	form := url.Values{
		"grant_type": {"client_credentials"},
		"client_id":  {b.text(`//section[@class="once"]/code[1]`)}, "client_secret": {b.text(`//section[@class="once"]/code[2]`)},
	}
	b.picture("programs")
	status, body := s.ask(t, "POST", "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
		t.Fatalf("got %d %s, want a token", status, body)
	}
	if status, body := s.ask(t, "GET", "/api/teams", "", "Authorization", "Bearer "+answer.Token); status != 200 || !strings.Contains(body, "carol's notes") {
		t.Errorf("got %d %s, want the team of the program", status, body)
	}
}

// administer signs in as the administrator and disables carol, whose key then is worth nothing.
func (s service) administer(t *testing.T, b *tab, key string) {
	t.Helper()
	b.fill(form("Sign in"), "Name", "root")
	b.fill(form("Sign in"), "Password", "a guess")
	b.click(form("Sign in"), "button", "Sign in")
	b.see(`//p[@class="bad" and contains(., "wrong")]`) // and no dialog of the browser's
	b.fill(form("Sign in"), "Password", s.password)
	b.click(form("Sign in"), "button", "Sign in")
	b.click("//nav", "button", "Admin")
	b.click(row("carol"), "button", "Disable")
	b.see(row("carol") + element("", "button", "Enable"))
	b.picture("admin")
	if status, _ := s.ask(t, "GET", "/api/me", "", "X-API-Key", key); status != 403 {
		t.Errorf("got %d for a disabled person's key, want 403", status)
	}
	b.click("//header", "button", "Sign out")
	b.fill(form("Sign in"), "Name", "carol")
	b.fill(form("Sign in"), "Password", sentence)
	b.click(form("Sign in"), "button", "Sign in")
	b.see(`//p[@class="bad" and contains(., "wrong")]`)
}

// TestServiceOnAPhone looks for pages that are wider than a phone.
func TestServiceOnAPhone(t *testing.T) {
	s := start(t)
	b := open(t, 390, 844)
	b.do("open the page", chromedp.Navigate(s.base))
	b.fill(form("Sign in"), "Name", "alice")
	b.picture("doors")
	b.fits()
	b.fill(form("Sign in"), "Password", s.password)
	b.click(form("Sign in"), "button", "Sign in")
	for _, section := range sections {
		b.click("//nav", "button", section)
		b.see(`//nav/button[@aria-current="page" and .="` + section + `"]`)
		b.see(`//main//h2`)
		b.picture(section)
		b.fits()
	}
	b.quiet()
}
