package refresh

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/problem"
	"github.com/cardea-go/auth/internal/sitepath"
	"github.com/cardea-go/auth/oauth2/dpop"
	"github.com/cardea-go/auth/oauth2/internal/wire"
)

// An EndpointsConfig configures [Issuer.Endpoints]. The zero value carries refresh tokens in bodies.
type EndpointsConfig struct {
	// Client is whose sessions the endpoints serve. "" is [Config.Client].
	Client string
	// Scopes are those of the sessions that [Endpoints.Login] starts, as far as the login covers them. The empty set is
	// no scope at all; an unlimited one is an error.
	Scopes auth.ScopeSet
	// Cookie carries refresh tokens in a cookie, for pages in a browser: no script sees one. Nil carries them in
	// bodies, for every other client.
	Cookie *CookieConfig
	// DPoP checks the proofs that come with refresh requests (RFC 9449 §5), and URL is that of [Endpoints.Refresh] as
	// clients see it. Nil looks at no proof, which refuses sessions that are bound to a key.
	DPoP *dpop.Verifier
	URL  string
}

// A CookieConfig configures the cookie that carries refresh tokens. It is Secure, HttpOnly and SameSite=Strict, and has
// no Domain. The zero value is the usual choice.
type CookieConfig struct {
	// Path is the path that both endpoints are below, such as "/auth", to which the browser then sends the cookie and
	// nowhere else. The cookie is then called __Secure-refresh. "" is "/", and the cookie is called __Host-refresh,
	// which no other host of the site can set; browsers allow that name for "/" only.
	Path string
	// TrustedOrigins are other origins, such as "https://app.example.com", whose pages may use the endpoints. They
	// must be of the same site, or the browser keeps the cookie back. Nil: pages of this origin only.
	TrustedOrigins []string
}

// Endpoints are ready handlers over an [Issuer]. They are safe for concurrent use.
type Endpoints struct {
	i      *Issuer
	client string
	scopes auth.ScopeSet
	dpop   *dpop.Verifier
	url    string
	cookie *http.Cookie // a template, or nil
	origin *http.CrossOriginProtection
}

// Endpoints returns handlers for login, refresh and logout.
func (i *Issuer) Endpoints(c EndpointsConfig) (*Endpoints, error) {
	e := &Endpoints{i: i, client: c.Client, scopes: c.Scopes, dpop: c.DPoP, url: c.URL}
	if e.client == "" {
		e.client = i.c.Client
	}
	var errs []error
	if err := checkName(e.client); err != nil {
		errs = append(errs, fmt.Errorf("refresh: EndpointsConfig.Client: %w", err))
	}
	if (c.DPoP == nil) != (c.URL == "") {
		errs = append(errs, errors.New("refresh: EndpointsConfig.DPoP and URL: set both or neither"))
	}
	if c.Scopes.IsUnlimited() {
		errs = append(errs, errUnlimited)
	}
	if c.Cookie != nil {
		errs = append(errs, e.useCookie(*c.Cookie))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Endpoints) useCookie(c CookieConfig) error {
	e.cookie = &http.Cookie{Name: "__Host-refresh", Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if c.Path != "" && c.Path != "/" {
		e.cookie.Name, e.cookie.Path = "__Secure-refresh", c.Path //nolint:gosec // they are set above
	}
	var errs []error
	if !strings.HasPrefix(e.cookie.Path, "/") || e.cookie.Valid() != nil {
		errs = append(errs, fmt.Errorf("refresh: CookieConfig.Path is %q: use an absolute path such as \"/auth\"", c.Path))
	}
	e.origin = http.NewCrossOriginProtection()
	for _, origin := range c.TrustedOrigins {
		if err := e.origin.AddTrustedOrigin(origin); err != nil {
			errs = append(errs, fmt.Errorf("refresh: CookieConfig.TrustedOrigins: %q: use scheme://host[:port]", origin))
		}
	}
	return errors.Join(errs...)
}

// Answer writes tokens as the token endpoint does (RFC 6749 §5.1): what your login handler ends with. The refresh token
// is in the cookie, where there is one, and then not in the body.
func (e *Endpoints) Answer(w http.ResponseWriter, t Tokens) {
	if t.now.IsZero() { // not from Issue or Refresh
		t.now = e.i.c.Clock()
	}
	answer := wire.Tokens{
		AccessToken: t.AccessToken, TokenType: t.TokenType, RefreshToken: t.RefreshToken, Scope: t.Scopes.String(),
		ExpiresIn: max(0, int64(t.ExpiresAt.Sub(t.now)/time.Second)),
	}
	if e.cookie != nil {
		answer.RefreshToken = ""
		e.setCookie(w, t.RefreshToken, int(t.RefreshExpiresAt.Sub(t.now)/time.Second))
	}
	wire.JSON(w, http.StatusOK, answer)
}

// Redirect ends a login that came by a link, such as that of oauth2/client: it sets the cookie and sends the browser to path,
// a path of this site, where the page gets its first access token from [Endpoints.Refresh]. What is no such path becomes "/".
// Without [EndpointsConfig.Cookie] the answer is 500, as tokens have no place in a URL.
func (e *Endpoints) Redirect(w http.ResponseWriter, r *http.Request, t Tokens, path string) {
	if e.cookie == nil {
		problem.Write(w, http.StatusInternalServerError, "this login needs a cookie: set EndpointsConfig.Cookie")
		return
	}
	if t.now.IsZero() { // not from Issue or Refresh
		t.now = e.i.c.Clock()
	}
	if !sitepath.Is(path) {
		path = "/"
	}
	e.setCookie(w, t.RefreshToken, int(t.RefreshExpiresAt.Sub(t.now)/time.Second))
	wire.NoStore(w.Header())
	http.Redirect(w, r, path, http.StatusSeeOther)
}

func (e *Endpoints) setCookie(w http.ResponseWriter, value string, maxAge int) {
	cookie := *e.cookie //nolint:gosec // a copy of one that has them all
	cookie.Value, cookie.MaxAge = value, maxAge
	http.SetCookie(w, &cookie)
}

// Refresh serves a refresh request (RFC 6749 §6): a POST of a form with grant_type=refresh_token, refresh_token, and a scope
// that may narrow the access token. With a cookie it takes a POST without a body, as a page's
// fetch("/refresh", {method: "POST"}) sends it. Refusals are those of §5.2. It must be mounted where CookieConfig.Path allows.
func (e *Endpoints) Refresh(w http.ResponseWriter, r *http.Request) {
	form, token, refusal := e.read(r, "refresh_token")
	if refusal != nil {
		wire.Fail(w, refusal)
		return
	}
	if e.cookie == nil && !strings.HasPrefix(token, Prefix) {
		_ = e.i.report(r.Context(), Grant{}, refuse(auth.ReasonMalformed))
		wire.Fail(w, &wire.Error{Status: http.StatusBadRequest, Code: wire.InvalidGrant, Description: "that is no refresh token"})
		return
	}
	q := Request{Token: token, Client: e.client}
	if refusal := e.fill(&q, w, r, form); refusal != nil {
		wire.Fail(w, refusal)
		return
	}
	tokens, err := e.i.Refresh(r.Context(), q)
	if err != nil {
		refusal := refusalOf(err)
		if e.cookie != nil && refusal.Code == wire.InvalidGrant {
			e.setCookie(w, "", -1)
		}
		wire.Fail(w, refusal)
		return
	}
	e.Answer(w, tokens)
}

// Logout ends the session that a refresh token belongs to: a POST of a form with token (RFC 7009 §2.1) or refresh_token, or
// of an empty one where the token is in the cookie. The answer is 200 also for a refresh token that is not accepted, and 503
// where the session may live on. What is no refresh token at all, such as the access token, ends nothing, and the answer says
// so: 400, unsupported_token_type.
func (e *Endpoints) Logout(w http.ResponseWriter, r *http.Request) {
	_, token, refusal := e.read(r, "token", "refresh_token")
	if refusal == nil && e.cookie == nil && !strings.HasPrefix(token, Prefix) {
		refusal = &wire.Error{Status: http.StatusBadRequest, Code: wire.UnsupportedTokenType, Description: "that is no refresh token: send the refresh token as token"}
	}
	if refusal != nil {
		wire.Fail(w, refusal)
		return
	}
	if err := e.i.Revoke(r.Context(), token, e.client); err != nil {
		wire.Fail(w, refusalOf(err))
		return
	}
	if e.cookie != nil {
		e.setCookie(w, "", -1)
	}
	wire.NoStore(w.Header())
	w.WriteHeader(http.StatusOK)
}

// read returns the form and the refresh token, from the one place where it may be: one of the parameters, or the cookie.
func (e *Endpoints) read(r *http.Request, parameters ...string) (wire.Form, string, *wire.Error) {
	form, refusal := e.form(r)
	if refusal != nil {
		return nil, "", refusal
	}
	if id := form.Value("client_id"); id != "" && id != e.client {
		return nil, "", &wire.Error{Status: http.StatusUnauthorized, Code: wire.InvalidClient, Description: "another client's endpoint"}
	}
	token := ""
	for _, name := range parameters {
		value := form.Value(name)
		if value != "" && token != "" {
			return nil, "", wire.Bad("the refresh token is repeated")
		}
		token += value
	}
	if e.cookie != nil {
		if token != "" {
			return nil, "", wire.Bad("the refresh token belongs in the cookie")
		}
		cookies := r.CookiesNamed(e.cookie.Name)
		if len(cookies) > 1 {
			return nil, "", wire.Bad("the cookie is repeated")
		}
		for _, c := range cookies {
			token = c.Value
		}
	}
	if token == "" {
		return nil, "", wire.Bad("the refresh token is missing: send it as " + parameters[0])
	}
	return form, token, nil
}

// form reads the body. With a cookie it checks the origin first, and the body may be empty.
func (e *Endpoints) form(r *http.Request) (wire.Form, *wire.Error) {
	if e.cookie == nil {
		return wire.ReadForm(r)
	}
	if r.Method == http.MethodPost && e.origin.Check(r) != nil {
		return nil, crossOrigin()
	}
	if r.Method == http.MethodPost && r.ContentLength == 0 {
		return nil, nil
	}
	return wire.ReadForm(r)
}

func crossOrigin() *wire.Error {
	return &wire.Error{Status: http.StatusForbidden, Code: wire.InvalidRequest, Description: "cross-origin request"}
}

// fill reads what a refresh request may say beside the token.
func (e *Endpoints) fill(q *Request, w http.ResponseWriter, r *http.Request, form wire.Form) *wire.Error {
	switch grant := form.Value("grant_type"); {
	case grant == "refresh_token" || grant == "" && e.cookie != nil:
	case grant == "":
		return wire.Bad("grant_type is missing")
	default:
		return &wire.Error{Status: http.StatusBadRequest, Code: wire.UnsupportedGrantType}
	}
	var err error
	if q.Scopes, err = auth.ParseScopeSet(form.Value("scope")); err != nil {
		return &wire.Error{Status: http.StatusBadRequest, Code: wire.InvalidScope, Description: "the scope is malformed"}
	}
	var refusal *wire.Error
	q.JWKThumbprint, _, refusal = wire.Proof(w, r, e.dpop, e.url)
	return refusal
}

// refusalOf translates an error of [Issuer.Refresh] (RFC 6749 §5.2).
func refusalOf(err error) *wire.Error {
	if errors.Is(err, ErrScope) {
		return &wire.Error{Status: http.StatusBadRequest, Code: wire.InvalidScope, Description: "the scope exceeds what was granted"}
	}
	return wire.Refusal(err)
}
