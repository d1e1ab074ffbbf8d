package authtest

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-go/auth/jwt"
)

// A Provider is an OpenID provider on a real HTTP server, for tests of logins: it approves every login at once, in the name of
// whoever LogIn said. It checks what a provider must: the client, its secret, its redirect URL, PKCE, and that a code is used
// once; and it refuses what a client must not leave out (RFC 9700 §2.1): state, nonce and PKCE. Whether the client looks at what
// comes back is for tests to see, with Answer and LogIn. It takes client credentials too. Its access tokens are those of
// [Issuer.Token], with the scopes that were asked for, which verifiers by [Issuer.Config] accept. It is safe for concurrent use;
// set the fields before.
type Provider struct {
	*Issuer
	// ClientID is the only client, ClientSecret its secret; "" is a public client.
	ClientID, ClientSecret string
	// BeforeToken is called with each request to the token endpoint before it is answered: it may write an answer of its
	// own, or return false for the usual one. Nil does nothing.
	BeforeToken func(w http.ResponseWriter, r *http.Request) (answered bool)

	redirect string
	tb       testing.TB

	mu      sync.Mutex
	subject string
	changes []TokenChange
	answer  url.Values
	codes   map[string]url.Values // requests by code
	tokens  int
}

// A ProviderConfig configures [NewProvider].
type ProviderConfig struct {
	// ClientID and ClientSecret are those of the only client. "" is "test-client", and a public client.
	ClientID, ClientSecret string
	// RedirectURL is the client's. "" is "https://app.example/login/callback".
	RedirectURL string
	// Issuer configures what signs. Its Algorithm is RS256 where none is given, as that of most providers is.
	Issuer IssuerConfig
}

// NewProvider starts a provider, which stops when the test ends.
func NewProvider(tb testing.TB, c ProviderConfig) *Provider {
	tb.Helper()
	c.Issuer.Algorithm = cmp.Or(c.Issuer.Algorithm, jwt.RS256)
	p := &Provider{
		ClientID: cmp.Or(c.ClientID, "test-client"), ClientSecret: c.ClientSecret, tb: tb,
		redirect: cmp.Or(c.RedirectURL, "https://app.example/login/callback"),
		subject:  "alice", codes: map[string]url.Values{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	p.Issuer = startIssuer(tb, c.Issuer, mux)
	p.SetMetadata("authorization_endpoint", p.URL+"/authorize")
	p.SetMetadata("token_endpoint", p.URL+"/token")
	p.SetMetadata("code_challenge_methods_supported", []string{"S256"})
	p.SetMetadata("authorization_response_iss_parameter_supported", true)
	return p
}

// RedirectURL is the client's.
func (p *Provider) RedirectURL() string { return p.redirect }

// SetMetadata sets a member of the metadata; nil leaves it out.
func (i *Issuer) SetMetadata(name string, value any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.metadata == nil {
		i.metadata = map[string]any{}
	}
	i.metadata[name] = value
}

// LogIn says who logs in from now on, and what is different in their ID tokens. Before, it is alice.
func (p *Provider) LogIn(subject string, changes ...TokenChange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.subject, p.changes = subject, changes
}

// Answer sets parameters of what the browser brings back, such as error; an empty value leaves one out. Nil is the usual.
func (p *Provider) Answer(parameters map[string]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = url.Values{}
	for name, value := range parameters {
		p.answer.Set(name, value)
	}
}

// TokenRequests returns how often the token endpoint was asked.
func (p *Provider) TokenRequests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tokens
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != p.ClientID || q.Get("redirect_uri") != p.redirect { // RFC 6749 §4.1.2.1: not sent back
		http.Error(w, "unknown client_id or redirect_uri", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.URL}}
	if q.Get("response_type") != "code" || q.Get("state") == "" || q.Get("nonce") == "" || q.Get("code_challenge") == "" ||
		q.Get("code_challenge_method") != "S256" || !slices.Contains(strings.Fields(q.Get("scope")), "openid") {
		back.Set("error", "invalid_request")
	} else {
		code := rand.Text()
		back.Set("code", code)
		p.mu.Lock()
		p.codes[code] = q
		p.mu.Unlock()
	}
	p.mu.Lock()
	for name, values := range p.answer {
		if back[name] = values; values[0] == "" {
			delete(back, name)
		}
	}
	p.mu.Unlock()
	http.Redirect(w, r, p.redirect+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.tokens++
	p.mu.Unlock()
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	_ = r.ParseForm() // an empty form is refused
	if p.BeforeToken != nil && p.BeforeToken(w, r) {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if !isClient(r, p.ClientID, p.ClientSecret) {
		refuseToken(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	subject, scope := p.ClientID, r.PostForm.Get("scope")
	answer := map[string]any{"token_type": "Bearer", "expires_in": 600}
	switch r.PostForm.Get("grant_type") {
	case "client_credentials":
	case "authorization_code":
		q, ok := p.redeem(r.PostForm)
		if !ok {
			refuseToken(w, http.StatusBadRequest, "invalid_grant")
			return
		}
		scope = q.Get("scope")
		subject, answer["id_token"] = p.idToken(q.Get("nonce"))
	default:
		refuseToken(w, http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	changes := []TokenChange{WithClaim("client_id", p.ClientID)}
	if scope != "" {
		answer["scope"] = scope
		changes = append(changes, WithScope(scope))
	}
	answer["access_token"] = p.Token(p.tb, subject, changes...)
	writeJSON(w, answer)
}

// redeem returns the request that a code answers, once.
func (p *Provider) redeem(form url.Values) (url.Values, bool) {
	p.mu.Lock()
	q, ok := p.codes[form.Get("code")]
	delete(p.codes, form.Get("code"))
	p.mu.Unlock()
	challenge := sha256.Sum256([]byte(form.Get("code_verifier")))
	return q, ok && form.Get("redirect_uri") == p.redirect && q.Get("code_challenge") == base64.RawURLEncoding.EncodeToString(challenge[:])
}

// idToken returns who has logged in, and an ID token of theirs.
func (p *Provider) idToken(nonce string) (subject, token string) {
	p.mu.Lock()
	subject = p.subject
	changes := p.changes
	p.mu.Unlock()
	usual := []TokenChange{
		WithHeader("typ", "JWT"), WithClaim("aud", p.ClientID), WithClaim("client_id", nil), WithClaim("jti", nil),
		WithClaim("nonce", nonce), WithClaim("auth_time", p.clock().Unix()),
	}
	return subject, p.Token(p.tb, subject, append(usual, changes...)...)
}

func refuseToken(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"error":"` + code + `"}`)) // the client went away
}

// Visit does what a browser does that follows a link to a login: it asks h for the URL start, such as "/login", which must
// answer with a redirect to p, goes there, and comes back to h with what p says and the cookies that h had set. It returns the
// answer to that, or that of h where it sends nobody to p. Cookies that the browser had before are in jar, which may be nil; it
// gets those that h sets.
func (p *Provider) Visit(h http.Handler, start string, jar map[string]string) *http.Response {
	if jar == nil {
		jar = map[string]string{}
	}
	resp := browse(h, start, jar)
	to := resp.Header.Get("Location")
	if !strings.HasPrefix(to, p.URL+"/") {
		return resp
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := http.NewRequestWithContext(p.tb.Context(), http.MethodGet, to, http.NoBody)
	if err != nil {
		p.tb.Fatalf("authtest: %v", err)
	}
	there, err := client.Do(r)
	if err != nil {
		p.tb.Fatalf("authtest: %v", err)
	}
	_ = there.Body.Close()
	if there.StatusCode != http.StatusFound {
		p.tb.Fatalf("authtest: the provider answered with status %d: are client id and redirect URL those of the provider?", there.StatusCode)
	}
	return browse(h, there.Header.Get("Location"), jar)
}

// browse makes a request of h with the cookies of jar, and keeps those of the answer.
func browse(h http.Handler, address string, jar map[string]string) *http.Response {
	r := Request(http.MethodGet, address)
	for name, value := range jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value}) //nolint:gosec // of a request
	}
	resp := Do(h, r)
	for _, c := range resp.Cookies() {
		if jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(jar, c.Name)
		}
	}
	return resp
}
