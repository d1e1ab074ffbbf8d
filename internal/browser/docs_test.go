package browser_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A panel of the Authorize dialog is that of one scheme, or of one flow of it.
func panel(title string) string {
	return fmt.Sprintf(`//div[@class="auth-container" and contains(.//h4, %q)]`, title)
}

// authorize fills in a panel of the dialog, by the ids of its fields, and closes the dialog.
func (b *tab) authorize(title string, fields ...string) {
	b.t.Helper()
	b.do("open the dialog", chromedp.Click(`//div[@class="auth-wrapper"]/button[contains(., "Authorize")]`))
	b.see(panel(title))
	for i := 0; i < len(fields); i += 2 {
		b.overwrite(fmt.Sprintf(`%s//*[@id=%q]`, panel(title), fields[i]), fields[i+1])
	}
	b.picture("dialog")
	b.click(panel(title), "button", "Authorize")
	b.see(panel(title) + element("", "button", "Logout"))
	b.do("close the dialog", chromedp.Click(`//button[contains(@class, "close-modal")]`))
}

// try opens an operation, executes it, and returns the status and the text of the answer.
func (b *tab) try(operation string) (status, body string) {
	b.t.Helper()
	within := fmt.Sprintf(`//div[@id=%q]`, operation)
	b.do("open "+operation, chromedp.Click(within+`//button[contains(@class, "opblock-summary-control")]`))
	b.click(within, "button", "Try it out")
	b.click(within, "button", "Execute")
	live := within + `//table[contains(@class, "live-responses-table")]//tr[@class="response"]`
	b.do("look at the answer", chromedp.ScrollIntoView(live))
	b.picture("answer")
	return b.text(live + `/td[contains(@class, "response-col_status")]`), b.text(live)
}

// TestDocsPageAuthorizesWithEachScheme reads the page that the service publishes, gives it a credential by the Authorize
// button, and tries an operation.
func TestDocsPageAuthorizesWithEachScheme(t *testing.T) {
	s := start(t)
	b := open(t, 1280, 900)
	id, secret, _ := strings.Cut(s.program, ":")
	b.do("open the page", chromedp.Navigate(s.base+"/docs/"))
	b.picture("page")
	if status, _ := b.try("operations-teams-getApiTeams"); status != "401" {
		t.Errorf("got %s without a credential, want 401", status)
	}
	for _, tt := range []struct {
		name, panel string
		fields      []string
		operation   string
		want        string
	}{
		{"API key", "(apiKey)", []string{"api_key_value", s.key}, "operations-people-getApiMe", `"name": "alice"`},
		{"bearer token", "(http, Bearer)", []string{"auth-bearer-value", s.key}, "operations-people-getApiMe", `"name": "alice"`},
		{
			"Basic", "(http, Basic)", []string{"auth-basic-username", "alice", "auth-basic-password", s.password},
			"operations-people-postSessionLogin", `"access_token"`,
		},
		{
			"password flow", "(OAuth2, password)", []string{"oauth_username", "alice", "oauth_password", s.password},
			"operations-people-getApiMe", `"name": "alice"`,
		},
		{
			"client credentials flow", "(OAuth2, clientCredentials)",
			[]string{"client_id_clientCredentials", id, "client_secret_clientCredentials", secret},
			"operations-people-getApiMe", `"name": "client:` + id,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.t = t
			b.do("open the page, which forgets what it was given", chromedp.Navigate("about:blank"), chromedp.Navigate(s.base+"/docs/"))
			b.authorize(tt.panel, tt.fields...)
			status, body := b.try(tt.operation)
			if status != "200" || !strings.Contains(body, tt.want) {
				t.Errorf("got %s %s, want 200 and %s", status, body, tt.want)
			}
			b.quiet()
		})
	}
}

// TestDocsPageOnAPhone looks at the page in a narrow window.
func TestDocsPageOnAPhone(t *testing.T) {
	s := start(t)
	b := open(t, 390, 844)
	b.do("open the page", chromedp.Navigate(s.base+"/docs/"))
	b.see(`//div[@id="operations-people-getApiMe"]`)
	b.picture("page")
	b.fits()
	b.quiet()
}
