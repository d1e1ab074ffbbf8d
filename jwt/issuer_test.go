package jwt_test

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

func signingKey() *jwt.SigningKey { return must(jwt.NewSigningKey("k1", "", testKeys.ed())) }

func newIssuer(change func(*jwt.IssuerConfig)) *jwt.Issuer {
	c := jwt.IssuerConfig{Issuer: testIssuer, Keys: signingKey(), Audience: []string{testAudience}, Clock: testClock}
	if change != nil {
		change(&c)
	}
	return must(jwt.NewIssuer(c))
}

func fullGrant() jwt.Grant {
	return jwt.Grant{
		Subject: `al"ice`, ClientID: "app", Scopes: auth.MustScopeSet("notes:read", "notes:write"), ID: "t1", SessionID: "s1",
		Lifetime: 5 * time.Minute, NotBefore: testTime, AuthenticatedAt: testTime.Add(-time.Hour), ACR: "urn:loa:2",
		Confirmation: jwt.Confirmation{JWKThumbprint: "jkt", CertificateThumbprint: "x5t"},
		Claims:       map[string]any{"tenant": "acme", "realm_access": object{"roles": []string{"admin", "büro"}}},
	}
}

func TestIssueAndVerify(t *testing.T) {
	secret := must(jwt.NewHMACKey("h1", jwt.HS512, slices.Concat(sha256Sum([]byte("a")), sha256Sum([]byte("b")))))
	for _, tt := range []struct {
		alg jwt.Algorithm
		key crypto.Signer
	}{
		{jwt.EdDSA, testKeys.ed()}, {jwt.ES256, testKeys.p256()}, {jwt.ES384, testKeys.p384()}, {jwt.ES512, testKeys.p521()},
		{jwt.RS256, testKeys.rsa()}, {jwt.RS512, testKeys.rsa()}, {jwt.PS256, testKeys.rsa()}, {jwt.PS384, testKeys.rsa()},
		{jwt.ES256, wrapped{testKeys.p256()}}, {jwt.PS512, wrapped{testKeys.rsa()}}, {jwt.EdDSA, wrapped{testKeys.ed()}}, {jwt.HS512, nil},
	} {
		t.Run(fmt.Sprintf("%s with a %T", tt.alg, tt.key), func(t *testing.T) {
			c := testConfig()
			c.Algorithms = []jwt.Algorithm{tt.alg}
			var v *jwt.Verifier
			var i *jwt.Issuer
			if tt.key == nil {
				c.Keys = nil
				i = newIssuer(func(c *jwt.IssuerConfig) { c.Keys = secret })
				v = must(jwt.NewHMACVerifier(c, secret))
			} else {
				key := must(jwt.NewSigningKey("", tt.alg, tt.key))
				if key.Public().ID() != key.Public().Thumbprint() {
					t.Errorf("got the id %q, want the thumbprint", key.Public().ID())
				}
				c.Keys = must(jwt.NewKeySet(key.Public()))
				i = newIssuer(func(c *jwt.IssuerConfig) { c.Keys = key })
				v = must(jwt.NewVerifier(c))
			}
			issued, err := i.Issue(context.Background(), fullGrant())
			if err != nil {
				t.Fatal(err)
			}
			claims, err := v.Verify(context.Background(), issued.Token)
			if err != nil {
				t.Fatal(errors.Unwrap(err))
			}
			checkFullClaims(t, claims, issued)
		})
	}
}

// wrapped is a key that is not in memory, as far as its user can tell.
type wrapped struct{ crypto.Signer }

func checkFullClaims(t *testing.T, c *jwt.Claims, issued jwt.Issued) {
	t.Helper()
	cnf, bound := c.Confirmation()
	got := fmt.Sprint(c.Issuer(), c.Subject(), c.Audience(), c.ClientID(), c.ID(), c.SessionID(), c.ACR(), c.Type(),
		c.ExpiresAt().Equal(issued.ExpiresAt), c.ExpiresAt().Sub(testTime), c.IssuedAt().Equal(testTime), c.NotBefore().Equal(testTime),
		testTime.Sub(c.AuthenticatedAt()), c.KeyID() == issued.KeyID, cnf.JWKThumbprint, cnf.CertificateThumbprint, bound)
	want := fmt.Sprint(testIssuer, `al"ice`, []string{testAudience}, "app", "t1", "s1", "urn:loa:2", "at+jwt",
		true, 5*time.Minute, true, true, time.Hour, true, "jkt", "x5t", true)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	scopes, err := c.Scopes()
	if err != nil || scopes.String() != "notes:read notes:write" || !c.HasScope("notes:read") || c.HasScope("notes") || c.HasScope("") {
		t.Errorf("got scopes %v, %v", scopes, err)
	}
	if roles, err := jwt.Claim[[]string](c, "realm_access", "roles"); err != nil || !slices.Equal(roles, []string{"admin", "büro"}) {
		t.Errorf("got roles %v, %v", roles, err)
	}
	type custom struct{ Tenant string }
	if v, err := jwt.As[custom](c); err != nil || v.Tenant != "acme" {
		t.Errorf("got %+v, %v", v, err)
	}
}

func TestIssuerDefaults(t *testing.T) {
	i := newIssuer(nil)
	a := must(i.Issue(context.Background(), jwt.Grant{Subject: "alice", ClientID: "app"}))
	b := must(i.Issue(context.Background(), jwt.Grant{Subject: "alice", ClientID: "app"}))
	if a.ID == b.ID || len(a.ID) < 22 {
		t.Errorf("got the ids %q and %q, want two of 128 random bits", a.ID, b.ID)
	}
	if got := a.ExpiresAt.Sub(testTime); got != jwt.DefaultLifetime {
		t.Errorf("got a lifetime of %v, want %v", got, jwt.DefaultLifetime)
	}
	_, payload, _ := cut(a.Token)
	var claims object
	if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(payload)), &claims); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nbf", "auth_time", "acr", "sid", "scope", "cnf", "azp"} {
		if _, ok := claims[name]; ok {
			t.Errorf("%s was written and not granted", name)
		}
	}
}

func TestIssuerProfiles(t *testing.T) {
	for profile, want := range map[jwt.Profile]string{
		jwt.ProfileAccessToken: "at+jwt client_id", jwt.ProfileIDToken: "JWT azp", jwt.ProfileLegacy: "JWT client_id",
	} {
		i := newIssuer(func(c *jwt.IssuerConfig) { c.Profile = profile })
		token := must(i.Issue(context.Background(), jwt.Grant{Subject: "alice", ClientID: "app", Audience: []string{testAudience, "app"}})).Token
		c, err := newVerifier(func(c *jwt.Config) { c.Profile, c.Audience = profile, []string{testAudience, "app"} }).Verify(context.Background(), token)
		if err != nil {
			t.Fatalf("%v: %v", profile, errors.Unwrap(err))
		}
		typ, name, _ := strings.Cut(want, " ")
		if c.Type() != typ || !c.Has(name) || c.ClientID() != "app" || len(c.Audience()) != 2 {
			t.Errorf("%v: got typ %q and claims %s, want %s", profile, c.Type(), c.Raw(), want)
		}
	}
}

func TestIssueRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*jwt.Grant)
	}{
		{"no subject", func(g *jwt.Grant) { g.Subject = "" }},
		{"no client", func(g *jwt.Grant) { g.ClientID = "" }},
		{"an empty audience", func(g *jwt.Grant) { g.Audience = []string{} }},
		{"an audience without a name", func(g *jwt.Grant) { g.Audience = []string{"a", ""} }},
		{"unlimited scopes", func(g *jwt.Grant) { g.Scopes = auth.Unlimited() }},
		{"a lifetime beyond the issuer's", func(g *jwt.Grant) { g.Lifetime = time.Hour }},
		{"a negative lifetime", func(g *jwt.Grant) { g.Lifetime = -time.Second }},
		{"a confirmation that is no JSON", func(g *jwt.Grant) { g.Confirmation.JWK = json.RawMessage("{") }},
		{"a registered claim as a custom one", func(g *jwt.Grant) { g.Claims = object{"sub": "mallory"} }},
		{"a registered claim in another case", func(g *jwt.Grant) { g.Claims = object{"EXP": 1} }},
		{"a claim that we write", func(g *jwt.Grant) { g.Claims = object{"azp": "x"} }},
		{"a name in two cases", func(g *jwt.Grant) { g.Claims = object{"role": 1, "Role": 2} }},
		{"claims that are no object", func(g *jwt.Grant) { g.Claims = []string{"a"} }},
		{"claims that are no JSON", func(g *jwt.Grant) { g.Claims = object{"f": func() {}} }},
		{"a claim that we write in another case", func(g *jwt.Grant) { g.Claims = object{"Auth_Time": 1} }},
		{"a subject that is not UTF-8", func(g *jwt.Grant) { g.Subject = "b\xfeb" }},
		{"an id that is not UTF-8", func(g *jwt.Grant) { g.ID = "\xff" }},
		{"a session that is not UTF-8", func(g *jwt.Grant) { g.SessionID = "\x80" }},
		{"an audience that is not UTF-8", func(g *jwt.Grant) { g.Audience = []string{"\xff"} }},
		{"a start after the end", func(g *jwt.Grant) { g.NotBefore = testTime.Add(time.Hour) }},
		{"a login beyond the year 9999", func(g *jwt.Grant) { g.AuthenticatedAt = time.Unix(1<<40, 0) }},
		{"a token that no verifier takes for its length", func(g *jwt.Grant) { g.Claims = object{"x": strings.Repeat("x", jwt.MaxMaxBytes)} }},
		{"a confirmation with a name twice", func(g *jwt.Grant) { g.Confirmation.JWK = json.RawMessage(`{"kty":"EC","kty":"RSA"}`) }},
		{"a confirmation with a private key", func(g *jwt.Grant) {
			g.Confirmation.JWK = json.RawMessage(`{"kty":"OKP","crv":"Ed25519","x":"","d":"AAAA"}`)
		}},
		{"a confirmation with a secret", func(g *jwt.Grant) { g.Confirmation.JWK = json.RawMessage(`{"kty":"oct"}`) }},
		{"a confirmation that is no object", func(g *jwt.Grant) { g.Confirmation.JWK = json.RawMessage(`"x"`) }},
		{"a confirmation that is too deep", func(g *jwt.Grant) {
			g.Confirmation.JWK = json.RawMessage(`{"kty":"EC","x":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}`)
		}},
		{"claims that write themselves twice", func(g *jwt.Grant) { g.Claims = json.RawMessage(`{"a":1,"a":2}`) }},
	} {
		g := fullGrant()
		tt.change(&g)
		if issued, err := newIssuer(nil).Issue(context.Background(), g); err == nil || issued.Token != "" || !strings.HasPrefix(err.Error(), "jwt: ") {
			t.Errorf("%s: got %v, want an error of jwt", tt.name, err)
		}
	}
}

func TestClaimNamesCanNotInject(t *testing.T) { // GHSA-4cf7-xm37-g63h
	g := fullGrant()
	g.Claims = object{`x":1,"sub":"mallory","y`: 1}
	claims, err := newVerifier(nil).Verify(context.Background(), must(newIssuer(nil).Issue(context.Background(), g)).Token)
	if err != nil || claims.Subject() != g.Subject || !claims.Has(`x":1,"sub":"mallory","y`) {
		t.Errorf("got %v, subject %v, want the name as it is", err, claims)
	}
}

func TestIssueWithEmptyCustomClaims(t *testing.T) {
	for _, claims := range []any{nil, struct{}{}, object{}, object(nil), (*jwt.Confirmation)(nil)} {
		g := fullGrant()
		g.Claims = claims
		if _, err := newVerifier(nil).Verify(context.Background(), must(newIssuer(nil).Issue(context.Background(), g)).Token); err != nil {
			t.Errorf("%#v: %v", claims, errors.Unwrap(err))
		}
	}
}

type failingSigner struct{ crypto.Signer }

func (failingSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, io.ErrUnexpectedEOF
}

func TestIssuePassesOnTheErrorOfTheSigner(t *testing.T) {
	i := newIssuer(func(c *jwt.IssuerConfig) { c.Keys = must(jwt.NewSigningKey("", "", failingSigner{testKeys.ed()})) })
	if issued, err := i.Issue(context.Background(), fullGrant()); !errors.Is(err, io.ErrUnexpectedEOF) || issued.Token != "" {
		t.Errorf("got %v, want the error of the signer", err)
	}
}

// opaqueSigner hides what kind of key it is, as a KMS does.
type opaqueSigner struct{ s crypto.Signer }

func (o opaqueSigner) Public() crypto.PublicKey { return o.s.Public() }
func (o opaqueSigner) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return o.s.Sign(r, digest, opts)
}

func TestTokensOfSignersThatAreNotInMemoryVerify(t *testing.T) {
	for alg, key := range map[jwt.Algorithm]crypto.Signer{
		jwt.EdDSA: testKeys.ed(), jwt.ES256: testKeys.p256(), jwt.ES384: testKeys.p384(), jwt.ES512: testKeys.p521(),
		jwt.RS256: testKeys.rsa(), jwt.PS256: testKeys.rsa(), jwt.PS512: testKeys.rsa(),
	} {
		k := must(jwt.NewSigningKey("k1", alg, opaqueSigner{key}))
		i := newIssuer(func(c *jwt.IssuerConfig) { c.Keys = k })
		v := newVerifier(func(c *jwt.Config) { c.Algorithms, c.Keys = []jwt.Algorithm{alg}, must(jwt.NewKeySet(k.Public())) })
		for range 10 { // an ECDSA signature has leading zeros now and then
			if _, err := v.Verify(t.Context(), must(i.Issue(t.Context(), fullGrant())).Token); err != nil {
				t.Errorf("%s: got %v", alg, errors.Unwrap(err))
			}
		}
	}
}

func TestNewIssuerRefuses(t *testing.T) {
	for name, c := range map[string]jwt.IssuerConfig{
		"no issuer":                 {Keys: signingKey()},
		"no keys":                   {Issuer: testIssuer},
		"a nil key":                 {Issuer: testIssuer, Keys: (*jwt.SigningKey)(nil)},
		"a query":                   {Issuer: "https://h.example/?tenant=1", Keys: signingKey()},
		"an empty query":            {Issuer: "https://h.example?", Keys: signingKey()},
		"an issuer not in UTF-8":    {Issuer: "https://h.example/\xff", Keys: signingKey()},
		"a key that nothing made":   {Issuer: testIssuer, Keys: &jwt.SigningKey{}},
		"a secret nothing made":     {Issuer: testIssuer, Keys: &jwt.HMACKey{}},
		"a ring that nothing made":  {Issuer: testIssuer, Keys: &jwt.KeyRing{}},
		"a nil ring":                {Issuer: testIssuer, Keys: (*jwt.KeyRing)(nil)},
		"an audience without name":  {Issuer: testIssuer, Keys: signingKey(), Audience: []string{""}},
		"a profile that is none":    {Issuer: testIssuer, Keys: signingKey(), Profile: 9},
		"a lifetime that is a week": {Issuer: testIssuer, Keys: signingKey(), Lifetime: 7 * 24 * time.Hour},
	} {
		if i, err := jwt.NewIssuer(c); err == nil || i != nil {
			t.Errorf("%s: got no error, want one", name)
		}
	}
}

func TestSecretsPrintNothing(t *testing.T) {
	hmacKey := must(jwt.NewHMACKey("h1", jwt.HS256, sha256Sum([]byte("a secret"))))
	issued := must(newIssuer(nil).Issue(context.Background(), fullGrant()))
	for _, secret := range []any{hmacKey, signingKey(), issued} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(format, secret); got != "[redacted]" {
				t.Errorf("%T with %s: got %q, want [redacted]", secret, format, got)
			}
		}
		if got := fmt.Sprint(slog.AnyValue(secret).Resolve()); strings.Contains(got, issued.Token) || strings.Contains(got, "eyJ") {
			t.Errorf("%T in a log: got %q", secret, got)
		}
	}
	for _, secret := range []any{hmacKey, signingKey()} {
		if got := string(must(json.Marshal(secret))); got != `"[redacted]"` {
			t.Errorf("%T in JSON: got %s, want [redacted]", secret, got)
		}
		s := secret.(interface {
			fmt.Stringer
			fmt.GoStringer
			slog.LogValuer
		})
		if s.String()+s.GoString()+s.LogValue().String() != "[redacted][redacted][redacted]" {
			t.Errorf("%T: String, GoString or LogValue tell", secret)
		}
	}
	if issued.String()+issued.GoString() != "[redacted][redacted]" {
		t.Error("Issued: String or GoString tell")
	}
}

func TestPublicJWKSHoldsNothingPrivate(t *testing.T) {
	var keys []*jwt.PublicKey
	for _, key := range []crypto.Signer{testKeys.ed(), testKeys.p256(), testKeys.p521(), testKeys.rsa()} {
		keys = append(keys, must(jwt.NewSigningKey("", "", key)).Public())
	}
	text := must(jwt.PublicJWKS(keys...))
	var set struct{ Keys []object }
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) != 4 {
		t.Fatalf("got %s, %v, want four keys", text, err)
	}
	allowed := []string{"kty", "crv", "x", "y", "n", "e", "use", "alg", "kid"}
	for _, key := range set.Keys {
		for name := range key {
			if !slices.Contains(allowed, name) {
				t.Errorf("a published key has the member %q", name)
			}
		}
	}
	read, err := jwt.ParseKeySet(text, jwt.KeyOptions{})
	if err != nil || len(read.Keys()) != 4 {
		t.Errorf("the set is not read again: %v", err)
	}
	for _, bad := range []*jwt.PublicKey{nil} {
		if got, err := jwt.PublicJWKS(bad); err == nil || got != nil {
			t.Error("a nil key was published")
		}
	}
	for _, tt := range []struct {
		age  time.Duration
		keys []*jwt.PublicKey
	}{{time.Second, keys}, {48 * time.Hour, keys}, {time.Hour, nil}, {time.Hour, []*jwt.PublicKey{nil}}} {
		if h, err := jwt.NewJWKSHandler(tt.age, tt.keys...); err == nil && h != nil {
			t.Errorf("max-age %v with %d keys was taken, want an error", tt.age, len(tt.keys))
		}
	}
}
