package oauth2_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2"
)

func TestClientAuthentication(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	verifier := must(jwt.NewVerifier(jwt.Config{
		Issuer: "notes", Audience: []string{testIssuer}, Algorithms: []jwt.Algorithm{jwt.EdDSA}, Profile: jwt.ProfileLegacy,
		Keys: must(jwt.NewKeySet(must(jwt.NewPublicKey("", jwt.EdDSA, public)))), Require: []string{"jti", "sub", "iat"}, Clock: testClock,
	}))
	t.Run("by Basic, form-encoded", func(t *testing.T) {
		as, i := introspection(t, nil)
		as.Set("t", active(nil))
		if _, err := i.Verify(t.Context(), "t"); err != nil {
			t.Error(err)
		}
		if form := as.LastForm(); form.Get("token") != "t" || form.Get("token_type_hint") != "access_token" || form.Has("client_secret") {
			t.Errorf("got the form %v", form)
		}
	})
	t.Run("in the form", func(t *testing.T) {
		as, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.Client = oauth2.ClientSecretPost("notes", "s3cret+%41:é") })
		as.Set("t", active(nil))
		if _, err := i.Verify(t.Context(), "t"); err != nil {
			t.Error(err)
		}
	})
	t.Run("with a wrong secret it is us who are refused, not the token", func(t *testing.T) {
		as, i := introspection(t, func(c *oauth2.IntrospectorConfig) { c.Client = oauth2.ClientSecretPost("notes", "wrong") })
		as.Set("t", active(nil))
		if _, err := i.Verify(t.Context(), "t"); auth.KindOf(err) != auth.KindUnavailable {
			t.Errorf("got %v", err)
		}
	})
	t.Run("by a signed assertion, new each time", func(t *testing.T) {
		as, i := introspection(t, func(c *oauth2.IntrospectorConfig) {
			c.Client = oauth2.PrivateKeyJWT(oauth2.PrivateKeyJWTConfig{ClientID: "notes", Key: private, Clock: testClock})
		})
		as.ClientID = ""
		seen := map[string]bool{}
		for _, token := range []string{"t", "u"} {
			as.Set(token, active(nil))
			if _, err := i.Verify(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			form := as.LastForm()
			claims, err := verifier.Verify(t.Context(), form.Get("client_assertion"))
			if err != nil {
				t.Fatal(err, errors.Unwrap(err))
			}
			if claims.Subject() != "notes" || claims.ExpiresAt().Sub(claims.IssuedAt()) != time.Minute || seen[claims.ID()] {
				t.Errorf("got %s", claims.Raw())
			}
			if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Get("client_id") != "notes" {
				t.Errorf("got the form %v", form)
			}
			seen[claims.ID()] = true
		}
	})
	t.Run("an error of one's own is an outage", func(t *testing.T) {
		_, i := introspection(t, func(c *oauth2.IntrospectorConfig) {
			c.Client = oauth2.ClientAuthenticationFunc(func(context.Context, http.Header, url.Values) error { return errors.New("no token") })
		})
		if _, err := i.Verify(t.Context(), "t"); auth.KindOf(err) != auth.KindUnavailable {
			t.Errorf("got %v", err)
		}
	})
	for _, c := range []oauth2.ClientAuthentication{
		oauth2.ClientSecretBasic("notes", "s3cret"), oauth2.ClientSecretPost("notes", "s3cret"),
		oauth2.PrivateKeyJWT(oauth2.PrivateKeyJWTConfig{ClientID: "notes", Key: private}),
	} {
		if got := c.(slog.LogValuer).LogValue().String() + c.(fmt.Stringer).String() + c.(fmt.GoStringer).GoString(); got != strings.Repeat("[redacted]", 3) {
			t.Errorf("got %s", got)
		}
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if got := fmt.Sprintf(format, c); got != "[redacted]" {
				t.Errorf("got %s printed with %s", got, format)
			}
		}
	}
}

func TestPrepareClientAuthenticationWithoutAnAudience(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f, err := oauth2.PrepareClientAuthentication(oauth2.PrivateKeyJWT(oauth2.PrivateKeyJWTConfig{ClientID: "notes", Key: private}), "")
	if err == nil || f != nil || !strings.Contains(err.Error(), "Audience is empty") {
		t.Errorf("got %v, want an error that names Audience", err)
	}
}

func TestIntrospectorConfigurationsThatAreRefused(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := oauth2.PrivateKeyJWTConfig{ClientID: "notes", Key: private}
	for _, tt := range []struct {
		name   string
		change func(*oauth2.IntrospectorConfig)
		want   string
	}{
		{"no endpoint", func(c *oauth2.IntrospectorConfig) { c.Endpoint = "" }, "Endpoint is empty"},
		{"a relative endpoint", func(c *oauth2.IntrospectorConfig) { c.Endpoint = "/introspect" }, "Endpoint"},
		{"an endpoint with a password", func(c *oauth2.IntrospectorConfig) { c.Endpoint = "https://u:hunter2@as.example" }, "Endpoint"},
		{"an endpoint over http", func(c *oauth2.IntrospectorConfig) { c.Endpoint = "http://as.example/introspect" }, "use https"},
		{"no issuer", func(c *oauth2.IntrospectorConfig) { c.Issuer = "" }, "Issuer is empty"},
		{"no client", func(c *oauth2.IntrospectorConfig) { c.Client = nil }, "Client is nil"},
		{"a client without a secret", func(c *oauth2.IntrospectorConfig) { c.Client = oauth2.ClientSecretBasic("notes", "") }, "secret is empty"},
		{"a nil function for a client", func(c *oauth2.IntrospectorConfig) { c.Client = oauth2.ClientAuthenticationFunc(nil) }, "Client is nil"},
		{"an assertion without a key", func(c *oauth2.IntrospectorConfig) {
			c.Client = oauth2.PrivateKeyJWT(oauth2.PrivateKeyJWTConfig{ClientID: "notes"})
		}, "Key is missing"},
		{"an assertion by an HMAC", func(c *oauth2.IntrospectorConfig) {
			k := key
			k.Algorithm = jwt.HS256
			c.Client = oauth2.PrivateKeyJWT(k)
		}, "HS256"},
		{"an algorithm that is not the key's", func(c *oauth2.IntrospectorConfig) {
			k := key
			k.Algorithm = jwt.ES256
			c.Client = oauth2.PrivateKeyJWT(k)
		}, "Key"},
		{"a key that is none", func(c *oauth2.IntrospectorConfig) {
			k := key
			k.Key = oddKey{}
			c.Client = oauth2.PrivateKeyJWT(k)
		}, "Key"},
		{"no audience", func(c *oauth2.IntrospectorConfig) { c.Audience = nil }, "Audience is empty"},
		{"an empty audience", func(c *oauth2.IntrospectorConfig) { c.Audience = []string{""} }, "empty name"},
		{"an audience and any", func(c *oauth2.IntrospectorConfig) { c.InsecureAnyAudience = true }, "InsecureAnyAudience"},
		{"a timeout beyond the limit", func(c *oauth2.IntrospectorConfig) { c.Timeout = time.Hour }, "Timeout"},
		{"a negative time to keep", func(c *oauth2.IntrospectorConfig) { c.CacheFor = -1 }, "CacheFor"},
		{"a refusal kept too long", func(c *oauth2.IntrospectorConfig) { c.CacheInactiveFor = time.Hour }, "CacheInactiveFor"},
		{"too many entries", func(c *oauth2.IntrospectorConfig) { c.CacheEntries = 1e7 }, "CacheEntries"},
		{"negative calls", func(c *oauth2.IntrospectorConfig) { c.MaxCalls = -1 }, "MaxCalls"},
		{"an answer beyond the limit", func(c *oauth2.IntrospectorConfig) { c.MaxResponseBytes = 1e9 }, "MaxResponseBytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := oauth2.IntrospectorConfig{
				Endpoint: testIssuer + "/introspect", Issuer: testIssuer, Audience: []string{testAudience}, Client: oauth2.ClientSecretBasic("notes", "s"),
			}
			tt.change(&c)
			i, err := oauth2.NewIntrospector(c)
			if i != nil || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v and %v, want an error about %s", i, err, tt.want)
			}
		})
	}
	if _, err := oauth2.NewIntrospector(oauth2.IntrospectorConfig{
		Endpoint: "http://127.0.0.1/introspect", Issuer: testIssuer, Audience: []string{testAudience}, Client: oauth2.PrivateKeyJWT(key),
	}); err != nil {
		t.Errorf("got %v for a loopback address and nothing that may be left out", err)
	}
}

// oddKey is a crypto.Signer of a type that nobody knows.
type oddKey struct{ ed25519.PrivateKey }

func (oddKey) Public() crypto.PublicKey { return "odd" }

// failingKey is a KMS that is down.
type failingKey struct{ ed25519.PrivateKey }

func (failingKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("the KMS is down")
}

func TestASignerThatFailsIsAnOutage(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, i := introspection(t, func(c *oauth2.IntrospectorConfig) {
		c.Client = oauth2.PrivateKeyJWT(oauth2.PrivateKeyJWTConfig{ClientID: "notes", Key: failingKey{private}, Audience: testIssuer + "/token"})
	})
	if _, err := i.Verify(t.Context(), "t"); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v", err)
	}
}

func TestRecognize(t *testing.T) {
	as, i := introspection(t, func(c *oauth2.IntrospectorConfig) {
		c.Recognize = func(token string) bool { return strings.HasPrefix(token, "at_") }
	})
	if _, err := i.Verify(t.Context(), "xx_1"); !errors.Is(err, auth.ErrUnrecognized) || as.Calls() != 0 {
		t.Errorf("got %v and %d calls for a token of another shape", err, as.Calls())
	}
	if _, err := i.Verify(t.Context(), "at_1"); !errors.Is(err, oauth2.ErrInactive) {
		t.Errorf("got %v", err)
	}
}

// A real server and connections, without what tests replace.
func TestIntrospectionOverHTTP(t *testing.T) {
	as := &authtest.Introspection{ClientID: "notes", ClientSecret: "s"}
	as.Set("t", active(object{"exp": time.Now().Add(time.Hour).Unix(), "iat": nil}))
	server := httptest.NewServer(as)
	defer server.Close()
	i := must(oauth2.NewIntrospector(oauth2.IntrospectorConfig{
		Endpoint: server.URL, Issuer: testIssuer, Audience: []string{testAudience}, Client: oauth2.ClientSecretBasic("notes", "s"),
	}))
	if token, err := i.Verify(t.Context(), "t"); err != nil || token.Subject != "alice" {
		t.Errorf("got %v and %v", token, err)
	}
	server.Close()
	if _, err := i.Verify(t.Context(), "u"); auth.KindOf(err) != auth.KindUnavailable {
		t.Errorf("got %v from a server that is gone", err)
	}
}
