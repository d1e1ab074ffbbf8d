package auth_test

import (
	"context"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
)

func TestForwardedForMappedEverybody(t *testing.T) {
	f, err := auth.ForwardedFor(netip.MustParsePrefix("::ffff:0.0.0.0/96"))
	if err != nil {
		return
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "198.51.100.7:1"
	r.Header.Set("X-Forwarded-For", "10.0.0.1")
	if a, _ := f(r); a != netip.MustParseAddr("198.51.100.7") {
		t.Errorf("got %v: the prefix trusts every IPv4 peer, which /0 is refused for", a)
	}
}

func TestChallengeStringIsAlwaysParseable(t *testing.T) {
	c := auth.Challenge{Scheme: "Bearer", Params: []auth.Param{{Name: "a", Value: "1"}, {Name: "A", Value: "2"}}}
	if _, err := auth.ParseChallenges(c.String()); err != nil {
		t.Errorf("%q: %v; String leaves out what Validate refuses", c, err)
	}
}

func TestParserWantsASpaceBeforeParameters(t *testing.T) {
	for _, v := range []string{`Bearer,realm="x"`, `Basic , realm=x, error="y`} {
		if c, err := auth.ParseChallenges(v); err == nil {
			t.Errorf("%s: got %q, want an error (RFC 9110 §11.3: auth-scheme 1*SP auth-params)", v, c)
		}
	}
}

func TestALongTokenOfAnotherKindReachesItsMember(t *testing.T) {
	p, _ := auth.NewPrincipal(auth.PrincipalConfig{Subject: "ann"})
	yes := func(context.Context, string) (*auth.Principal, error) { return p, nil }
	key, _ := auth.NewBearer(auth.BearerConfig{Name: "key", MaxBytes: 64, Verify: yes,
		Recognize: func(s string) bool { return strings.HasPrefix(s, "key_") }})
	jwt, _ := auth.NewBearer(auth.BearerConfig{Name: "jwt", Verify: yes})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+strings.Repeat("a", 500))
	if _, err := auth.FirstOf(key, jwt).Authenticate(r); err != nil {
		t.Errorf("got %v (%v): the key's limit refuses a token that is not its own", err, auth.AsError(err).Reason)
	}
}
