package browser_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// signIn opens the page and signs in.
func (s service) signIn(b *tab, name string) {
	b.t.Helper()
	b.do("open the page", chromedp.Navigate(s.base))
	b.fill(form("Sign in"), "Name", name)
	b.fill(form("Sign in"), "Password", s.password)
	b.click(form("Sign in"), "button", "Sign in")
	b.see(form("Write a note"))
}

// elsewhere runs a promise beside the page's own program, as another tab would, and waits for it.
func (b *tab) elsewhere(what, promise string) {
	b.t.Helper()
	run(b, what, chromedp.Evaluate[any](fmt.Sprintf(`delete document.body.dataset.done; void (%s).then(() => { document.body.dataset.done = ""; })`, promise)))
	b.see(`//body[@data-done]`)
}

const signOutElsewhere = `fetch("/session/logout", {method: "POST"})`

// TestServiceAsSomebodyElse has another tab sign in as bob. What alice then asks for is not done as bob, who could do it.
func TestServiceAsSomebodyElse(t *testing.T) {
	s := start(t)
	b := open(t, 1280, 850)
	s.signIn(b, "alice")
	b.fill(form("Write a note"), "Text", "of alice alone")
	b.elsewhere("sign in as bob", signOutElsewhere+fmt.Sprintf(
		`.then(() => fetch("/session/login", {method: "POST", headers: {Authorization: "Basic " + btoa("bob:%s")}}))`, s.password))
	b.click(form("Write a note"), "button", "Write a note")
	b.see(`//header/span[.="bob"]`)
	b.see(form("Write a note"))
	if _, notes := s.ask(t, "GET", "/api/teams/"+s.team+"/notes", "", "X-API-Key", s.key); strings.Contains(notes, "of alice alone") {
		t.Errorf("got %s, want no note of bob's", notes)
	}
	b.quiet()
}

// TestServiceSignsOutWithoutASession signs out after another tab has.
func TestServiceSignsOutWithoutASession(t *testing.T) {
	s := start(t)
	b := open(t, 1280, 850)
	s.signIn(b, "alice")
	b.elsewhere("sign out", signOutElsewhere)
	b.click("//header", "button", "Sign out")
	b.see(form("Sign in"))
	b.quiet()
}

// TestServiceShowsNothingAfterSigningOut has an answer come after its reader has gone.
func TestServiceShowsNothingAfterSigningOut(t *testing.T) {
	s := start(t)
	b := open(t, 1280, 850)
	s.signIn(b, "alice")
	run(b, "hold answers back", chromedp.Evaluate[any](`void (() => {
		const ask = window.fetch;
		window.held = new Promise((go) => { window.go = go; });
		window.fetch = async (url, ...rest) => {
			const answer = await ask(url, ...rest);
			if (url.endsWith("/sessions")) await window.held;
			return answer;
		};
	})()`))
	b.click("//nav", "button", "Sessions")
	b.click("//header", "button", "Sign out")
	b.see(form("Sign in"))
	b.elsewhere("let the answer go", `(window.go(), window.held.then(() => fetch("/health")))`)
	b.see(form("Sign in"))
	if text := run(b, "read", chromedp.Evaluate[string](`document.body.innerText`)); strings.Contains(text, "Where you are signed in") {
		t.Errorf("got %q, want nothing of alice's", text)
	}
	b.quiet()
}

// TestServiceForWhoIsInNoTeam leaves the last one, and makes another.
func TestServiceForWhoIsInNoTeam(t *testing.T) {
	s := start(t)
	bearer := func() string {
		grant := url.Values{"grant_type": {"password"}, "username": {"bob"}, "password": {s.password}}
		_, body := s.ask(t, "POST", "/oauth/token", grant.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		return "Bearer " + regexp.MustCompile(`"access_token":"([^"]+)`).FindStringSubmatch(body)[1]
	}()
	_, teams := s.ask(t, "GET", "/api/teams", "", "Authorization", bearer)
	own := regexp.MustCompile(`"id":"(team-\w+)","name":"bob's`).FindStringSubmatch(teams)[1]
	for _, change := range [][3]string{
		{"PUT", "/api/teams/" + own + "/members/root", `{"role":"owner"}`},
		{"DELETE", "/api/teams/" + own + "/members/bob", ""},
	} {
		if status, body := s.ask(t, change[0], change[1], change[2], "Authorization", bearer); status != 204 {
			t.Fatalf("got %d %s", status, body)
		}
	}
	if status, body := s.ask(t, "DELETE", "/api/teams/"+s.team+"/members/bob", "", "X-API-Key", s.key); status != 204 {
		t.Fatalf("got %d %s", status, body)
	}
	b := open(t, 1280, 850)
	b.do("open the page", chromedp.Navigate(s.base))
	b.fill(form("Sign in"), "Name", "bob")
	b.fill(form("Sign in"), "Password", s.password)
	b.click(form("Sign in"), "button", "Sign in")
	b.see(`//main//p[contains(., "no team")]`)
	b.click("//nav", "button", "Teams")
	b.fill(form("New team"), "Name", "another")
	b.click(form("New team"), "button", "New team")
	b.see(row("bob"))
	b.quiet()
}

// TestServiceTellsOtherTabs hears of another tab that has signed out.
func TestServiceTellsOtherTabs(t *testing.T) {
	s := start(t)
	b := open(t, 1280, 850)
	s.signIn(b, "alice")
	b.elsewhere("sign out", signOutElsewhere)
	run(b, "say so", chromedp.Evaluate[any](`new BroadcastChannel("session").postMessage("")`))
	b.see(form("Sign in"))
	b.quiet()
}
