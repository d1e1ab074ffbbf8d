package jwt_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

func TestNewVerifierRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*jwt.Config)
	}{
		{"no issuer", func(c *jwt.Config) { c.Issuer = "" }},
		{"neither issuer nor keys", func(c *jwt.Config) { c.Issuer, c.Keys = "", nil }},
		{"no keys", func(c *jwt.Config) { c.Keys = nil }},
		{"keys that are a nil pointer", func(c *jwt.Config) { c.Keys = (*jwt.KeySet)(nil) }},
		{"keys that are a nil function", func(c *jwt.Config) { c.Keys = keySourceFunc(nil) }},
		{"a revoker that is a nil pointer", func(c *jwt.Config) { c.Revoker = (*jwt.MemoryRevoker)(nil) }},
		{"an issuer twice", func(c *jwt.Config) { c.Issuers = []jwt.TrustedIssuer{{testIssuer, edKeySet()}} }},
		{"a further issuer without keys", func(c *jwt.Config) { c.Issuers = []jwt.TrustedIssuer{{"x", nil}} }},
		{"no audience", func(c *jwt.Config) { c.Audience = nil }},
		{"an empty audience", func(c *jwt.Config) { c.Audience = []string{""} }},
		{"an audience and any audience", func(c *jwt.Config) { c.InsecureAnyAudience = true }},
		{"no algorithm", func(c *jwt.Config) { c.Algorithms = nil }},
		{"the algorithm none", func(c *jwt.Config) { c.Algorithms = []jwt.Algorithm{"none"} }},
		{"an HMAC", func(c *jwt.Config) { c.Algorithms = []jwt.Algorithm{jwt.EdDSA, jwt.HS256} }},
		{"a profile that is none", func(c *jwt.Config) { c.Profile = 9 }},
		{"no expiry in access tokens", func(c *jwt.Config) { c.InsecureNoExpiry = true }},
		{"a required claim without a name", func(c *jwt.Config) { c.Require = []string{""} }},
		{"a negative leeway", func(c *jwt.Config) { c.Leeway = -time.Second }},
		{"a leeway of an hour", func(c *jwt.Config) { c.Leeway = time.Hour }},
		{"a negative age", func(c *jwt.Config) { c.MaxAge = -1 }},
		{"a negative length", func(c *jwt.Config) { c.MaxBytes = -1 }},
		{"a length of 2 MiB", func(c *jwt.Config) { c.MaxBytes = 2 << 20 }},
		{"a negative header", func(c *jwt.Config) { c.MaxHeaderBytes = -1 }},
		{"a header of 32 KiB", func(c *jwt.Config) { c.MaxHeaderBytes = 32 << 10 }},
		{"revoker's errors without a revoker", func(c *jwt.Config) { c.InsecureIgnoreRevokerErrors = true }},
	} {
		c := testConfig()
		tt.change(&c)
		if v, err := jwt.NewVerifier(c); err == nil || v != nil || !strings.HasPrefix(err.Error(), "jwt: ") {
			t.Errorf("%s: got %v, want an error of jwt", tt.name, err)
		}
	}
	if _, err := jwt.NewVerifier(jwt.Config{}); err == nil || strings.Count(err.Error(), "\n") < 2 {
		t.Errorf("the zero Config: got %v, want every mistake at once", err)
	}
}

func TestNewHMACVerifierRefuses(t *testing.T) {
	key := must(jwt.NewHMACKey("h1", jwt.HS256, sha256Sum([]byte("a"))))
	config := jwt.Config{Issuer: testIssuer, Audience: []string{testAudience}, Algorithms: []jwt.Algorithm{jwt.HS256}}
	with := func(change func(*jwt.Config)) jwt.Config { c := config; change(&c); return c }
	for _, tt := range []struct {
		name string
		c    jwt.Config
		keys []*jwt.HMACKey
	}{
		{"no key", config, nil},
		{"a nil key", config, []*jwt.HMACKey{nil}},
		{"a key twice", config, []*jwt.HMACKey{key, key}},
		{"public keys beside", with(func(c *jwt.Config) { c.Keys = edKeySet() }), []*jwt.HMACKey{key}},
		{"further issuers", with(func(c *jwt.Config) { c.Issuers = []jwt.TrustedIssuer{{"x", edKeySet()}} }), []*jwt.HMACKey{key}},
		{"an algorithm for public keys", with(func(c *jwt.Config) { c.Algorithms = []jwt.Algorithm{jwt.EdDSA} }), []*jwt.HMACKey{key}},
	} {
		if v, err := jwt.NewHMACVerifier(tt.c, tt.keys...); err == nil || v != nil {
			t.Errorf("%s: got no error, want one", tt.name)
		}
	}
	for _, tt := range []struct {
		name, id string
		alg      jwt.Algorithm
		secret   string
	}{
		{"an empty secret", "", jwt.HS256, ""},
		{`the secret "secret" (CVE-2026-48031)`, "", jwt.HS256, "secret"},
		{"a secret shorter than the hash", "", jwt.HS256, string(sha256Sum([]byte("a"))[:31])},
		{"a secret shorter than SHA-512", "", jwt.HS512, string(sha256Sum([]byte("a")))},
		{"a word repeated", "", jwt.HS256, strings.Repeat("secret", 10)},
		{"an algorithm for public keys", "", jwt.ES256, string(sha256Sum([]byte("a")))},
		{"an id that is too long", strings.Repeat("x", 129), jwt.HS256, string(sha256Sum([]byte("a")))},
	} {
		if k, err := jwt.NewHMACKey(tt.id, tt.alg, []byte(tt.secret)); err == nil || k != nil {
			t.Errorf("%s: got no error, want one", tt.name)
		} else if tt.secret != "" && strings.Contains(err.Error(), tt.secret) && tt.secret != "secret" {
			t.Errorf("%s: the error quotes the secret", tt.name)
		}
	}
}

func verifyGood(t *testing.T, change func(*jwt.Config), claims object) error {
	t.Helper()
	c, err := newVerifier(change).Verify(context.Background(), sign(goodHeader, goodClaims(claims)))
	if (err == nil) != (c != nil) {
		t.Error("got both claims and an error, or neither")
	}
	return err
}

func TestRequiredClaims(t *testing.T) {
	need := func(names ...string) func(*jwt.Config) { return func(c *jwt.Config) { c.Require = names } }
	for _, tt := range []struct {
		name   string
		change func(*jwt.Config)
		claims object
		want   error
	}{
		{"a claim that is there", need("tenant"), object{"tenant": "acme"}, nil},
		{"a claim that is missing", need("tenant"), nil, jwt.ErrMissingClaim},
		{"one of two that is missing", need("scope", "tenant"), nil, jwt.ErrMissingClaim},
		{"nbf", need("nbf"), nil, jwt.ErrMissingClaim},
		{"auth_time", need("auth_time"), nil, jwt.ErrMissingClaim},
		{"sid", need("sid"), nil, jwt.ErrMissingClaim},
		{"sid that is empty", need("sid"), object{"sid": ""}, jwt.ErrMissingClaim},
		{"what is checked anyway", need("iss", "aud"), nil, nil},
		{"iat for a maximum age, with the legacy profile", func(c *jwt.Config) { c.Profile, c.MaxAge = jwt.ProfileLegacy, time.Hour }, object{"iat": nil}, jwt.ErrMissingClaim},
		{"a token that is too old", func(c *jwt.Config) { c.MaxAge = time.Hour }, object{"iat": testTime.Add(-61 * time.Minute).Unix()}, jwt.ErrTooOld},
		{"a token that is just young enough", func(c *jwt.Config) { c.MaxAge = time.Hour }, object{"iat": testTime.Add(-time.Hour).Unix()}, nil},
		{"an audience, whosever it is", func(c *jwt.Config) { c.Audience, c.InsecureAnyAudience, c.Require = nil, true, []string{"aud"} }, object{"aud": nil}, jwt.ErrMissingClaim},
		{"an audience without a name", func(c *jwt.Config) { c.Audience, c.InsecureAnyAudience, c.Require = nil, true, []string{"aud"} }, object{"aud": ""}, jwt.ErrMissingClaim},
		{"client_id, for which azp does not do", nil, object{"client_id": nil, "azp": "app"}, jwt.ErrMissingClaim},
		{"the longest maximum age there is, with a leeway", func(c *jwt.Config) { c.MaxAge, c.Leeway = maxDuration, time.Minute }, nil, nil},
		{"any audience", func(c *jwt.Config) { c.Audience, c.InsecureAnyAudience = nil, true }, object{"aud": nil}, nil},
	} {
		if err := verifyGood(t, tt.change, tt.claims); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, errors.Unwrap(err), tt.want)
		}
	}
	null := strings.TrimSuffix(goodClaims(nil), "}") + `,"tenant":null}`
	if _, err := newVerifier(need("tenant")).Verify(context.Background(), sign(goodHeader, null)); !errors.Is(err, jwt.ErrMissingClaim) {
		t.Errorf("null: got %v, want ErrMissingClaim", err)
	}
}

func TestProfiles(t *testing.T) {
	logout := object{"events": object{"http://schemas.openid.net/event/backchannel-logout": object{}}}
	for _, tt := range []struct {
		name    string
		profile jwt.Profile
		typ     string // with the comma before it
		claims  object
		want    error
	}{
		{"an access token by the long name of its type", jwt.ProfileAccessToken, `,"typ":"application/at+jwt"`, nil, nil},
		{"an access token in capitals", jwt.ProfileAccessToken, `,"typ":"AT+JWT"`, nil, nil},
		{"an ID token", jwt.ProfileIDToken, `,"typ":"JWT"`, object{"client_id": nil, "jti": nil}, nil},
		{"an ID token without typ", jwt.ProfileIDToken, "", nil, nil},
		{"an access token as an ID token", jwt.ProfileIDToken, `,"typ":"at+jwt"`, nil, jwt.ErrType},
		{"an ID token without sub", jwt.ProfileIDToken, "", object{"sub": nil}, jwt.ErrMissingClaim},
		{"an ID token for several, ours by azp", jwt.ProfileIDToken, "", object{"aud": []string{"x", testAudience}, "azp": testAudience}, nil},
		{"an ID token for several, of another by azp", jwt.ProfileIDToken, "", object{"aud": []string{"x", testAudience}, "azp": "x"}, jwt.ErrAudience},
		{"an ID token for several without azp", jwt.ProfileIDToken, "", object{"aud": []string{"x", testAudience}, "client_id": testAudience}, jwt.ErrAudience},
		{"a legacy token without typ", jwt.ProfileLegacy, "", object{"client_id": nil, "jti": nil, "iat": nil, "sub": nil}, nil},
		{"a legacy token that follows RFC 9068", jwt.ProfileLegacy, `,"typ":"at+jwt"`, nil, nil},
		{"a logout token as a legacy token", jwt.ProfileLegacy, `,"typ":"logout+jwt"`, nil, jwt.ErrType},
		{"a logout token without typ as an ID token", jwt.ProfileIDToken, "", logout, jwt.ErrType},
		{"a logout token without typ as a legacy token", jwt.ProfileLegacy, "", logout, jwt.ErrType},
		{"a claim events that is of another kind", jwt.ProfileLegacy, "", object{"events": []string{"login"}}, nil},
		{"a legacy token without exp", jwt.ProfileLegacy, "", object{"exp": nil}, jwt.ErrMissingClaim},
	} {
		v := newVerifier(func(c *jwt.Config) { c.Profile = tt.profile })
		_, err := v.Verify(context.Background(), sign(`{"alg":"EdDSA","kid":"k1"`+tt.typ+`}`, goodClaims(tt.claims)))
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, errors.Unwrap(err), tt.want)
		}
	}
	forever := newVerifier(func(c *jwt.Config) { c.Profile, c.InsecureNoExpiry = jwt.ProfileLegacy, true })
	claims, err := forever.Verify(context.Background(), sign(goodHeader, goodClaims(object{"exp": nil})))
	if err != nil || !claims.ExpiresAt().IsZero() {
		t.Errorf("without expiry: got %v, want the claims", err)
	}
	if _, err := forever.Verify(context.Background(), sign(goodHeader, goodClaims(object{"exp": 1}))); !errors.Is(err, jwt.ErrExpired) {
		t.Errorf("an exp that is there counts: got %v", err)
	}
	if jwt.ProfileIDToken.String() != "ID token" || jwt.Profile(9).String() != "unknown" {
		t.Error("profiles have other names")
	}
}

func TestCustomValidation(t *testing.T) {
	for _, tt := range []struct {
		name   string
		err    error
		kind   auth.Kind
		reason auth.Reason
	}{
		{"ErrRefused refuses", jwt.ErrRefused, auth.KindInvalid, auth.ReasonNotAllowed},
		{"an error that wraps it too", errors.Join(io.EOF, jwt.ErrRefused), auth.KindInvalid, auth.ReasonNotAllowed},
		{"an auth.Error is passed on", auth.Invalid(auth.ReasonDisabled, nil), auth.KindInvalid, auth.ReasonDisabled},
		{"any other error can't decide", io.ErrUnexpectedEOF, auth.KindUnavailable, auth.ReasonUnavailable},
		{"a context's error is one", context.Canceled, auth.KindUnavailable, auth.ReasonCancelled},
		{"nobody says that there is no token", auth.ErrNoCredential, auth.KindUnavailable, auth.ReasonUnavailable},
		{"nor that it is not recognised", auth.ErrUnrecognized, auth.KindUnavailable, auth.ReasonUnavailable},
		{"in no form", &auth.Error{Kind: auth.KindNoCredential}, auth.KindUnavailable, auth.ReasonUnavailable},
		{"a nil auth.Error is no consent", (*auth.Error)(nil), auth.KindUnavailable, auth.ReasonUnavailable},
	} {
		for _, exp := range []time.Duration{time.Minute, -time.Minute} { // expired or not: it is asked before
			err := verifyGood(t, func(c *jwt.Config) { c.Validate = func(context.Context, *jwt.Claims) error { return tt.err } },
				object{"exp": testTime.Add(exp).Unix()})
			e := auth.AsError(err)
			if e == nil || e.Kind != tt.kind || e.Reason != tt.reason || errors.Is(err, auth.ErrNoCredential) || errors.Is(err, auth.ErrUnrecognized) {
				t.Errorf("%s: got %v with reason %v, want %v with %v", tt.name, err, e.Reason, tt.kind, tt.reason)
			}
		}
	}
	var seen string
	err := verifyGood(t, func(c *jwt.Config) {
		c.Validate = func(_ context.Context, claims *jwt.Claims) error { seen = claims.Subject(); return nil }
	}, nil)
	if err != nil || seen != "alice" {
		t.Errorf("got %v and the subject %q, want the validator asked about alice", err, seen)
	}
}

type keySourceFunc func(id string, alg jwt.Algorithm) (*jwt.PublicKey, error)

func (f keySourceFunc) Key(_ context.Context, id string, alg jwt.Algorithm) (*jwt.PublicKey, error) {
	return f(id, alg)
}

func TestOwnKeySource(t *testing.T) {
	rsaKey := must(jwt.NewPublicKey("k1", jwt.RS256, testKeys.rsa().Public()))
	for _, tt := range []struct {
		name string
		key  *jwt.PublicKey
		err  error
		kind auth.Kind
		want error
	}{
		{"a key", publicKey("k1"), nil, 0, nil},
		{"no such key", nil, jwt.ErrUnknownKey, auth.KindInvalid, jwt.ErrUnknownKey},
		{"another algorithm", nil, jwt.ErrAlgorithm, auth.KindInvalid, jwt.ErrAlgorithm},
		{"a key of another algorithm", rsaKey, nil, auth.KindInvalid, jwt.ErrAlgorithm},
		{"an outage", nil, io.ErrUnexpectedEOF, auth.KindUnavailable, io.ErrUnexpectedEOF},
		{"neither", nil, nil, auth.KindUnavailable, nil},
		{"a key that nothing made", &jwt.PublicKey{}, nil, auth.KindUnavailable, nil},
	} {
		err := verifyGood(t, func(c *jwt.Config) {
			c.Keys = keySourceFunc(func(id string, alg jwt.Algorithm) (*jwt.PublicKey, error) {
				if id != "k1" || alg != jwt.EdDSA {
					t.Errorf("%s: asked for %q, %q", tt.name, id, alg)
				}
				return tt.key, tt.err
			})
		}, nil)
		if auth.KindOf(err) != tt.kind || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want kind %v and %v", tt.name, err, tt.kind, tt.want)
		}
	}
}

func TestRevocation(t *testing.T) {
	clock := newFakeClock()
	revoker := func(revoke func(*jwt.MemoryRevoker) error) *jwt.MemoryRevoker {
		m := must(jwt.NewMemoryRevoker(jwt.MemoryRevokerConfig{Clock: clock.Now}))
		if err := revoke(m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	end := testTime.Add(10 * time.Minute)
	for _, tt := range []struct {
		name   string
		revoke func(*jwt.MemoryRevoker) error
		want   error
	}{
		{"nothing", func(*jwt.MemoryRevoker) error { return nil }, nil},
		{"the token", func(m *jwt.MemoryRevoker) error { return m.RevokeToken(testIssuer, "t1", end) }, jwt.ErrRevoked},
		{"another token", func(m *jwt.MemoryRevoker) error { return m.RevokeToken(testIssuer, "t2", end) }, nil},
		{"a token of that id of another issuer", func(m *jwt.MemoryRevoker) error { return m.RevokeToken("x", "t1", end) }, nil},
		{"the session", func(m *jwt.MemoryRevoker) error { return m.RevokeSession(testIssuer, "s1", end) }, jwt.ErrRevoked},
		{"a session of the token's id", func(m *jwt.MemoryRevoker) error { return m.RevokeSession(testIssuer, "t1", end) }, nil},
		{"the subject's earlier tokens", func(m *jwt.MemoryRevoker) error {
			return m.RevokeSubject(testIssuer, "alice", testTime.Add(time.Second), time.Hour)
		}, jwt.ErrRevoked},
		{"the subject's tokens before this one", func(m *jwt.MemoryRevoker) error {
			return m.RevokeSubject(testIssuer, "alice", testTime, time.Hour)
		}, nil},
		{"the subject's tokens twice, the later time counts", func(m *jwt.MemoryRevoker) error {
			return errors.Join(m.RevokeSubject(testIssuer, "alice", testTime.Add(time.Second), time.Hour), m.RevokeSubject(testIssuer, "alice", testTime, time.Minute))
		}, jwt.ErrRevoked},
		{"the subject's tokens twice, the later time last", func(m *jwt.MemoryRevoker) error {
			return errors.Join(m.RevokeSubject(testIssuer, "alice", testTime, time.Hour), m.RevokeSubject(testIssuer, "alice", testTime.Add(time.Second), time.Hour))
		}, jwt.ErrRevoked},
		{"another subject", func(m *jwt.MemoryRevoker) error { return m.RevokeSubject(testIssuer, "bob", end, time.Hour) }, nil},
	} {
		err := verifyGood(t, func(c *jwt.Config) { c.Revoker = revoker(tt.revoke) }, object{"sid": "s1"})
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, errors.Unwrap(err), tt.want)
		}
	}
	nothing := revoker(func(m *jwt.MemoryRevoker) error { return m.RevokeToken(testIssuer, "x", end) })
	err := verifyGood(t, func(c *jwt.Config) { c.Revoker, c.Profile = nothing, jwt.ProfileLegacy }, object{"jti": nil})
	if !errors.Is(err, jwt.ErrMissingClaim) {
		t.Errorf("without jti and sid: got %v, want ErrMissingClaim", err)
	}
	err = verifyGood(t, func(c *jwt.Config) {
		c.Revoker = revoker(func(m *jwt.MemoryRevoker) error { return m.RevokeToken(testIssuer, "t1", end) })
	}, object{"exp": 1})
	if !errors.Is(err, jwt.ErrRevoked) {
		t.Errorf("expired and revoked: got %v, want ErrRevoked", err)
	}
}

type revokerFunc func() (bool, error)

func (f revokerFunc) Revoked(context.Context, *jwt.Claims) (bool, error) { return f() }

func TestARevokerThatFails(t *testing.T) {
	down := revokerFunc(func() (bool, error) { return false, io.ErrUnexpectedEOF })
	err := verifyGood(t, func(c *jwt.Config) { c.Revoker = down }, nil)
	if auth.KindOf(err) != auth.KindUnavailable || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want unavailable", err)
	}
	if err := verifyGood(t, func(c *jwt.Config) { c.Revoker, c.InsecureIgnoreRevokerErrors = down, true }, nil); err != nil {
		t.Errorf("errors ignored: got %v, want the claims", err)
	}
	both := revokerFunc(func() (bool, error) { return true, io.ErrUnexpectedEOF })
	if err := verifyGood(t, func(c *jwt.Config) { c.Revoker = both }, nil); err == nil {
		t.Error("revoked together with an error was taken")
	}
}

func TestMemoryRevokerIsBoundedAndForgets(t *testing.T) {
	clock := newFakeClock()
	m := must(jwt.NewMemoryRevoker(jwt.MemoryRevokerConfig{MaxEntries: 100, Clock: clock.Now}))
	name := func(i int) string { return strings.Repeat("x", i+1) }
	for i := range 100 {
		if err := m.RevokeToken(testIssuer, name(i), clock.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.RevokeToken(testIssuer, "one more", clock.Now().Add(time.Minute)); !errors.Is(err, jwt.ErrRevokerFull) {
		t.Errorf("got %v, want ErrRevokerFull", err)
	}
	if err := m.RevokeToken(testIssuer, name(0), clock.Now().Add(time.Hour)); err != nil {
		t.Errorf("a known one while full: got %v, want it renewed", err)
	}
	clock.advance(time.Minute + jwt.MaxLeeway)
	if err := m.RevokeToken(testIssuer, "one more", clock.Now()); err != nil || m.Len() != 2 {
		t.Errorf("got %v and %d entries, want the ones that have had their time forgotten", err, m.Len())
	}
	for _, err := range []error{m.RevokeToken("", "x", clock.Now()), m.RevokeSession(testIssuer, "", clock.Now())} {
		if err == nil {
			t.Error("an empty name was revoked")
		}
	}
	for _, n := range []int{-1, jwt.MaxRevocations + 1} {
		if _, err := jwt.NewMemoryRevoker(jwt.MemoryRevokerConfig{MaxEntries: n}); err == nil {
			t.Errorf("a limit of %d was taken", n)
		}
	}
}
