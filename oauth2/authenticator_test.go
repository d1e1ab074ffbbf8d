package oauth2_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2"
	"github.com/cardea-go/auth/oauth2/dpop"
)

func TestPrincipal(t *testing.T) {
	as := newIssuer(testIssuer)
	v := must(oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: as.config(), RolesPath: []string{"realm_access", "roles"}, TenantPath: []string{"tenant"}}))
	a := newAuthenticator(t, v, nil)
	token := as.token(func(g *jwt.Grant) {
		g.ACR, g.AuthenticatedAt = "mfa", testTime.Add(-time.Minute)
		g.Claims = object{"realm_access": object{"roles": []string{"editor"}}, "tenant": "acme"}
	})
	p, err := a.Authenticate(bearer(token))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(p.Issuer(), p.Subject(), p.Scheme(), p.CredentialID(), p.ClientID(), p.Scopes(), p.Roles(), p.Tenant(), p.ACR(),
		p.AuthenticatedAt().Equal(testTime.Add(-time.Minute)), p.IssuedAt().Equal(testTime), p.ExpiresAt().Equal(testTime.Add(jwt.DefaultLifetime)))
	if want := fmt.Sprintln(testIssuer, "alice", "oauth2", "t1", "app", "notes:read notes:write", []string{"editor"}, "acme", "mfa", true, true, true); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	data, ok := auth.Data[*oauth2.Token](p)
	if !ok {
		t.Fatal("got no *oauth2.Token")
	}
	if c, ok := data.Data.(*jwt.Claims); !ok || c.Subject() != "alice" || data.Audience[0] != testAudience {
		t.Errorf("got %+v", *data)
	}
	if text := fmt.Sprintf("%v %+v %#v", data, data, data); strings.Contains(text, "alice") {
		t.Errorf("got %s printed", text)
	}
	if text := data.LogValue().String(); !strings.Contains(text, "alice") || !strings.Contains(text, "t1") {
		t.Errorf("got %s logged", text)
	}
	if (*oauth2.Token)(nil).LogValue().Any() != nil {
		t.Error("got something logged of no token")
	}
	bad := newAuthenticator(t, must(oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: as.config(), RolesPath: []string{"tenant"}, TenantPath: []string{"realm_access"}})), nil)
	for _, claims := range []object{{"tenant": "not a list"}, {"realm_access": []string{"not a string"}}} {
		_, err := bad.Authenticate(bearer(as.token(func(g *jwt.Grant) { g.Claims = claims })))
		if !errors.Is(err, jwt.ErrClaims) || auth.KindOf(err) != auth.KindInvalid {
			t.Errorf("got %v for %v", err, claims)
		}
	}
}

// A verifier that breaks its contract lets nobody in and accuses nobody.
func TestVerifiersThatBreakTheirContract(t *testing.T) {
	for _, tt := range []struct {
		name  string
		token *oauth2.Token
		err   error
		kind  auth.Kind
	}{
		{"neither a token nor an error", nil, nil, auth.KindUnavailable},
		{"an error of its own", nil, errors.New("the database is down"), auth.KindUnavailable},
		{"an error that says there is no token", nil, auth.ErrNoCredential, auth.KindUnavailable},
		{"unlimited scopes", &oauth2.Token{Subject: "alice", Scopes: auth.Unlimited()}, nil, auth.KindUnavailable},
		{"no subject", &oauth2.Token{}, nil, auth.KindInvalid},
		{"a token and an error", &oauth2.Token{Subject: "alice"}, auth.Invalid("x", nil), auth.KindInvalid},
		{"unrecognized", nil, auth.ErrUnrecognized, auth.KindInvalid},
		{"a deadline", nil, context.DeadlineExceeded, auth.KindUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newAuthenticator(t, oauth2.VerifierFunc(func(context.Context, string) (*oauth2.Token, error) { return tt.token, tt.err }), nil)
			d := auth.Decide(a, bearer("t"))
			if d.Principal != nil || auth.KindOf(d.Err) != tt.kind {
				t.Errorf("got %v and %v, want kind %v", d.Principal, d.Err, tt.kind)
			}
			g := must(middleware.New(middleware.Config{Authenticator: a, Optional: true}))
			if g.Check(bearer("t")).Err == nil {
				t.Error("got an anonymous caller on an optional route")
			}
		})
	}
}

func TestVerifyWithoutHTTP(t *testing.T) {
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(testClock)
	a := newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		withDPoP(newDPoP(nil))(c)
		c.Certificate = oauth2.PeerCertificate
	})
	if p, err := a.Verify(t.Context(), as.token(nil)); err != nil || p.Subject() != "alice" || p.Scheme() != "oauth2" {
		t.Errorf("got %v and %v", p, err)
	}
	for _, token := range []string{as.token(bound(key.Thumbprint(), "")), as.token(bound("", "x"))} {
		if p, err := a.Verify(t.Context(), token); p != nil || !errors.Is(err, oauth2.ErrBound) {
			t.Errorf("got %v and %v for a bound token, want ErrBound", p, err)
		}
	}
	if _, err := a.Verify(t.Context(), "a b"); auth.KindOf(err) != auth.KindMalformed {
		t.Errorf("got %v for what is no token", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Verify(ctx, as.token(nil)); auth.AsError(err).Reason != auth.ReasonCancelled {
		t.Errorf("got %v where the caller went away", err)
	}
}

func TestErrorsOfCertificates(t *testing.T) {
	as := newIssuer(testIssuer)
	for name, tt := range map[string]struct {
		err  error
		kind auth.Kind
	}{
		"an error of its own":  {errors.New("no"), auth.KindUnavailable},
		"one that is refused":  {auth.Invalid("x", nil), auth.KindInvalid},
		"one that is absent":   {auth.ErrNoCredential, auth.KindUnavailable},
		"one that is nobody's": {auth.ErrUnrecognized, auth.KindUnavailable},
	} {
		a := newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
			c.Certificate = func(*http.Request) ([]byte, error) { return nil, tt.err }
		})
		d := auth.Decide(a, bearer(as.token(bound("", "x"))))
		if auth.KindOf(d.Err) != tt.kind || errors.Is(d.Err, auth.ErrNoCredential) || errors.Is(d.Err, auth.ErrUnrecognized) {
			t.Errorf("%s: got %v, want kind %v", name, d.Err, tt.kind)
		}
	}
}

func TestSchemes(t *testing.T) {
	as := newIssuer(testIssuer)
	a := newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		withDPoP(newDPoP(onlyES256))(c)
		c.Name, c.Realm, c.Flows = "notes", "api", []auth.Flow{{Grant: "clientCredentials", TokenURL: testIssuer + "/token"}}
	})
	authtest.AssertChallenges(t, authtest.Do(handler(t, a), get()), `DPoP realm="api", algs="ES256"`, `Bearer realm="api"`)
	s := a.Schemes()
	if len(s) != 2 || s[0].Name != "notes-dpop" || s[1].Name != "notes" || s[1].Type != "oauth2" || s[1].BearerFormat != "JWT" {
		t.Errorf("got %+v", s)
	}
	provider := newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		c.OpenIDConnectURL = "/.well-known/openid-configuration"
	}).Schemes()
	if len(provider) != 1 || provider[0].Type != "openIdConnect" || provider[0].URL != "/.well-known/openid-configuration" || provider[0].AuthScheme != "Bearer" {
		t.Errorf("got %+v", provider)
	}
	opaque := newAuthenticator(t, named("alice"), nil).Schemes()
	if len(opaque) != 1 || opaque[0].Type != "http" || opaque[0].BearerFormat != "" {
		t.Errorf("got %+v", opaque)
	}
}

func TestEventsNameTheScheme(t *testing.T) {
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(testClock)
	var events authtest.Recorder
	g := must(middleware.New(middleware.Config{
		Authenticator: newAuthenticator(t, as.verifier(), withDPoP(newDPoP(nil))), Observer: &events, Clock: testClock,
	}))
	token := as.token(bound(key.Thumbprint(), ""))
	g.Check(key.Request("GET", testURL, token, ""))
	if e := events.Last(); e.Scheme != "oauth2-dpop" || e.Subject != "alice" || e.CredentialID != "t1" {
		t.Errorf("got %+v", e)
	}
	g.Check(bearer(token))
	if e := events.Last(); e.Reason != oauth2.ReasonDowngrade || e.Kind != auth.KindInvalid {
		t.Errorf("got %+v", e)
	}
}

func TestAChainWithAnotherBearerScheme(t *testing.T) {
	as := newIssuer(testIssuer)
	other := authtest.Tokens(map[string]*auth.Principal{"opaque": authtest.Principal("bob")})
	h := handler(t, auth.FirstOf(newAuthenticator(t, as.verifier(), nil), other))
	wantOK(t, h, bearer("opaque"))
	wantOK(t, h, bearer(as.token(nil)))
	if resp := authtest.Do(h, bearer("neither")); resp.StatusCode != 401 {
		t.Errorf("got status %d", resp.StatusCode)
	}
}

func TestAuthenticatorConfigurationsThatAreRefused(t *testing.T) {
	v := newIssuer(testIssuer).verifier()
	for _, tt := range []struct {
		name   string
		change func(*oauth2.AuthenticatorConfig)
		want   string
	}{
		{"no verifier", func(c *oauth2.AuthenticatorConfig) { c.Verifier = nil }, "Verifier is nil"},
		{"a verifier that is a nil pointer", func(c *oauth2.AuthenticatorConfig) { c.Verifier = (*oauth2.Router)(nil) }, "Verifier is nil"},
		{"DPoP without a URL", func(c *oauth2.AuthenticatorConfig) { c.DPoP = newDPoP(nil) }, "ExternalURL is empty"},
		{"a URL without DPoP", func(c *oauth2.AuthenticatorConfig) { c.ExternalURL = "https://api.example" }, "without DPoP"},
		{"a URL without a host", func(c *oauth2.AuthenticatorConfig) { c.DPoP, c.ExternalURL = newDPoP(nil), "/x" }, "ExternalURL"},
		{"a URL with a query", func(c *oauth2.AuthenticatorConfig) { c.DPoP, c.ExternalURL = newDPoP(nil), "https://a?b" }, "ExternalURL"},
		{"a URL of another scheme", func(c *oauth2.AuthenticatorConfig) { c.DPoP, c.ExternalURL = newDPoP(nil), "ftp://a" }, "ExternalURL"},
		{"binding that nothing checks", func(c *oauth2.AuthenticatorConfig) { c.RequireBinding = true }, "RequireBinding"},
		{"flows beside a discovery document", func(c *oauth2.AuthenticatorConfig) {
			c.Flows, c.OpenIDConnectURL = []auth.Flow{{Grant: "clientCredentials", TokenURL: "/token"}}, "https://id.example/.well-known/openid-configuration"
		}, "beside Flows"},
		{"a discovery document of another scheme", func(c *oauth2.AuthenticatorConfig) { c.OpenIDConnectURL = "javascript:alert(1)" }, "OpenIDConnectURL"},
		{"a discovery document that is no URL", func(c *oauth2.AuthenticatorConfig) { c.OpenIDConnectURL = "https://id.example:x" }, "OpenIDConnectURL"},
		{"a negative length", func(c *oauth2.AuthenticatorConfig) { c.MaxBytes = -1 }, "MaxBytes"},
		{"a scope with a space", func(c *oauth2.AuthenticatorConfig) { c.AskFor = []string{"a b"} }, "AskFor"},
		{"a name with a space", func(c *oauth2.AuthenticatorConfig) { c.Name = "a b" }, "scheme name"},
		{"a realm with a line break", func(c *oauth2.AuthenticatorConfig) { c.Realm = "a\nb" }, "realm"},
		{"a resource that is none", func(c *oauth2.AuthenticatorConfig) { c.Resource = &oauth2.Resource{} }, "Resource"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := oauth2.AuthenticatorConfig{Verifier: v}
			tt.change(&c)
			if a, err := oauth2.NewAuthenticator(c); a != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v and %v, want an error about %s", a, err, tt.want)
			}
		})
	}
	_, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{RequireBinding: true, MaxBytes: -1})
	if n := strings.Count(fmt.Sprint(err), "\n") + 1; n != 3 {
		t.Errorf("got %d mistakes reported at once, want 3: %v", n, err)
	}
	bad := newIssuer(testIssuer).config()
	bad.Audience = nil
	if _, err := oauth2.NewJWTVerifier(oauth2.JWTConfig{Config: bad}); err == nil {
		t.Error("got no error of a configuration that package jwt refuses")
	}
}

// The URL of DPoP proofs is that of the resource, where no other is said.
func TestExternalURLFromTheResource(t *testing.T) {
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(testClock)
	a := newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		c.DPoP = newDPoP(nil)
		c.Resource = &oauth2.Resource{URL: "https://api.example/notes", AuthorizationServers: []string{testIssuer}}
	})
	wantOK(t, handler(t, a), key.Request("GET", testURL, as.token(bound(key.Thumbprint(), "")), ""))
}

// What an MCP server needs of a resource server, in one configuration.
func TestMCP(t *testing.T) {
	as := newIssuer(testIssuer)
	a := newAuthenticator(t, as.verifier(), func(c *oauth2.AuthenticatorConfig) {
		c.Resource = &oauth2.Resource{URL: testAudience, AuthorizationServers: []string{testIssuer}, Scopes: []string{"notes:read", "notes:write", "notes:delete"}}
		c.AskFor = []string{"profile", "notes:read"}
	})
	h := handler(t, a, auth.Scopes("notes:read", "notes:delete"))
	where := "https://api.example/.well-known/oauth-protected-resource/notes"
	wantRefusal(t, h, get(), 401, "Bearer", "resource_metadata", where, "scope", "profile notes:read notes:delete", "error", "")
	wantRefusal(t, handler(t, a), get(), 401, "Bearer", "scope", "profile notes:read")
	wantRefusal(t, h, bearer("expired"), 401, "Bearer", "resource_metadata", where, "error", "invalid_token")
	wantRefusal(t, h, bearer(as.token(nil)), 403, "Bearer", "resource_metadata", where, "error", "insufficient_scope", "scope", "notes:read notes:delete")
	foreign := as.token(func(g *jwt.Grant) { g.Audience = []string{"https://other.example/mcp"} })
	wantRefusal(t, h, bearer(foreign), 401, "Bearer", "error", "invalid_token")
	g := must(middleware.New(middleware.Config{Authenticator: a, RemoveCredentials: true}))
	wantOK(t, g.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			w.WriteHeader(500) // the token must not be passed through
		}
	}), bearer(as.token(nil)))
}

func TestAuthenticatorConforms(t *testing.T) {
	as, key := newIssuer(testIssuer), authtest.NewDPoPKey(testClock)
	endpoint, i := introspection(t, nil)
	endpoint.Set("good-token", active(nil))
	broken, down := introspection(t, nil)
	broken.Before = answerWith(500, "application/json", "{}")
	token, boundToken, expired := as.token(nil), as.token(bound(key.Thumbprint(), "")), as.sign(object{"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}, object{"exp": 1})
	for _, tt := range []struct {
		name string
		kit  authtest.AuthenticatorKit
	}{
		{"JWT", authtest.AuthenticatorKit{
			Authenticator: newAuthenticator(t, as.verifier(), nil),
			Good:          func() *http.Request { return bearer(token) },
			Bad:           func() []*http.Request { return []*http.Request{bearer(expired), bearer(boundToken)} },
		}},
		{"introspection", authtest.AuthenticatorKit{
			Authenticator: newAuthenticator(t, i, nil),
			Good:          func() *http.Request { return bearer("good-token") },
			Bad:           func() []*http.Request { return []*http.Request{bearer("wrong-token")} },
			Outage:        newAuthenticator(t, down, nil),
		}},
		{"DPoP", authtest.AuthenticatorKit{
			Authenticator: newAuthenticator(t, as.verifier(), withDPoP(newDPoP(nil))),
			Good:          func() *http.Request { return key.Request("GET", testURL, boundToken, "") },
			Bad: func() []*http.Request {
				return []*http.Request{misdirected(key.Request("GET", testURL, boundToken, "")), key.Request("GET", testURL, expired, ""), key.Request("GET", testURL, token, "")}
			},
			Outage: newAuthenticator(t, as.verifier(), withDPoP(newDPoP(func(c *dpop.Config) { c.Replays = noReplays{} }))),
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { authtest.TestAuthenticator(t, tt.kit) })
	}
}

type noReplays struct{}

func (noReplays) Once(context.Context, string, time.Time) (bool, error) {
	return false, errors.New("the store is down")
}

func misdirected(r *http.Request) *http.Request {
	r.Method = http.MethodDelete
	return r
}

// Whatever else is in the query: a token there beside the header is found where net/url finds one.
func FuzzQuery(f *testing.F) {
	a, err := oauth2.NewAuthenticator(oauth2.AuthenticatorConfig{Verifier: named("alice")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("access_token=x")
	f.Add("a=b&access%5ftoken=x&c")
	f.Add("access_token;x=1")
	f.Add("%zz&+access_token=")
	f.Fuzz(func(t *testing.T, query string) {
		r := bearer("token")
		r.URL.RawQuery = query
		err := auth.Decide(a, r).Err
		if r.URL.Query().Has("access_token") && auth.KindOf(err) != auth.KindMalformed {
			t.Fatalf("got %v for %q", err, query)
		}
		if !strings.Contains(query, "%") && !strings.Contains(query, "access_token") && err != nil {
			t.Fatalf("got %v for %q, which has no token", err, query)
		}
	})
}
