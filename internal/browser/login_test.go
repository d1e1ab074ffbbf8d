package browser_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/client"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// page gets its first access token as a page does after a login, and says whether it came.
const page = `<!doctype html><title>notes</title><body><script>
fetch("/session/refresh", {method: "POST"}).then(r => r.json()).then(a => {
	document.body.append(a.access_token ? "has a token" : "has no token", document.cookie ? ", sees " + document.cookie : "");
	document.body.dataset.done = "";
});
</script>`

// TestLoginThroughAProvider follows a link on another site's page, as one in a mail: to the login, to the provider, which is
// another site too, and back. The cookie of the login has to come along then, which is SameSite=Lax, and that of the session,
// which is SameSite=Strict, with what the page fetches.
func TestLoginThroughAProvider(t *testing.T) {
	mux := http.NewServeMux()
	app := httptest.NewServer(mux)
	t.Cleanup(app.Close)
	base := strings.Replace(app.URL, "127.0.0.1", "localhost", 1) // another site than 127.0.0.1
	provider := authtest.NewProvider(t, authtest.ProviderConfig{RedirectURL: base + "/login/callback"})
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `<!doctype html><title>mail</title><main><a href="%s/login?return_to=/notes%%3Fpage=2">Log in</a></main>`, base)
	}))
	t.Cleanup(elsewhere.Close)

	endpoints := sessions(t, base)
	login, err := client.NewLogin(client.LoginConfig{
		Issuer: provider.URL, ClientID: provider.ClientID, RedirectURL: provider.RedirectURL(), Keys: [][]byte{bytes.Repeat([]byte{7}, 32)},
		Done: func(w http.ResponseWriter, r *http.Request, who *client.Identity) {
			tokens, err := endpoints.issuer.Issue(r.Context(), refresh.Login{Subject: who.Claims.Subject(), Scopes: auth.MustScopeSet("notes:read")})
			if err != nil {
				t.Error(err)
			}
			endpoints.Redirect(w, r, tokens, who.ReturnTo)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = login.Close() })
	mux.HandleFunc("GET /login", login.Start)
	mux.HandleFunc("GET /login/callback", login.Callback)
	mux.HandleFunc("POST /session/refresh", endpoints.Refresh)
	mux.HandleFunc("GET /notes", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(page)) })

	b := open(t, 1280, 850)
	b.do("open the mail", chromedp.Navigate(elsewhere.URL))
	b.click("//main", "a", "Log in")
	b.see(`//body[@data-done]`)
	if got := b.text("//body"); got != "has a token" {
		t.Errorf("the page %s, want that it has a token", got)
	}
	if got := run(b, "where it is", chromedp.Location()); got != base+"/notes?page=2" {
		t.Errorf("got to %s", got)
	}
	b.quiet()
}

// endpoints are those of sessions in a cookie.
type endpoints struct {
	*refresh.Endpoints
	issuer *refresh.Issuer
}

func sessions(t *testing.T, base string) endpoints {
	t.Helper()
	ring, err := jwt.NewKeyRing(t.Context(), jwt.KeyRingConfig{})
	if err != nil {
		t.Fatal(err)
	}
	access, err := jwt.NewIssuer(jwt.IssuerConfig{Issuer: base, Audience: []string{base}, Keys: ring})
	if err != nil {
		t.Fatal(err)
	}
	store, err := refresh.NewMemoryStore(refresh.MemoryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := refresh.New(refresh.Config{Store: store, Access: refresh.JWT(access), Keys: [][]byte{bytes.Repeat([]byte{8}, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := issuer.Endpoints(refresh.EndpointsConfig{Cookie: &refresh.CookieConfig{}})
	if err != nil {
		t.Fatal(err)
	}
	return endpoints{e, issuer}
}
