package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

func cookie(name string, f func(r *http.Request) (*auth.Principal, error)) *authtest.Fake {
	return &authtest.Fake{Scheme: auth.Scheme{Name: name, Type: "apiKey", In: auth.InCookie, Parameter: name, AuthScheme: "Session"}, Func: f}
}

func header(name string, outcomes map[string]error) *authtest.Fake {
	return &authtest.Fake{
		Scheme: auth.Scheme{Name: name, Type: "apiKey", In: auth.InHeader, Parameter: "X-" + name, AuthScheme: "ApiKey"},
		Func: func(r *http.Request) (*auth.Principal, error) {
			value := r.Header.Get("X-" + name)
			if value == "" {
				return nil, auth.ErrNoCredential
			}
			if err := outcomes[value]; err != nil {
				return nil, err
			}
			return authtest.Principal(name), nil
		},
	}
}

func TestFirstOfEveryPair(t *testing.T) {
	states := map[string]error{"good": nil, "foreign": auth.ErrUnrecognized, "bad": auth.Invalid(auth.ReasonExpired, nil), "down": errors.New("down")}
	chain := auth.FirstOf(header("A", states), header("B", states))
	for _, a := range []string{"", "foreign", "good", "bad", "down"} {
		for _, b := range []string{"", "foreign", "good", "bad", "down"} {
			first, second := a, b
			if first == "" || first == "foreign" {
				first, second = b, a
			}
			var subject string
			var kind auth.Kind
			switch {
			case first == "good":
				subject = "A"
				if a != "good" {
					subject = "B"
				}
			case first == "bad":
				kind = auth.KindInvalid
			case first == "down":
				kind = auth.KindUnavailable
			case first == "foreign" || second == "foreign":
				kind = auth.KindInvalid
			default:
				kind = auth.KindNoCredential
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			for name, value := range map[string]string{"X-A": a, "X-B": b} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			d := auth.Decide(chain, r)
			if auth.KindOf(d.Err) != kind || kind == 0 && d.Principal.Subject() != subject {
				t.Errorf("A %q, B %q: got %v and kind %v, want %q and kind %v", a, b, d.Principal, auth.KindOf(d.Err), subject, kind)
			}
			if unread := a == "good" && b != "" || a == "foreign" && b == "good"; unread != (len(d.Unread) == 1) {
				t.Errorf("A %q, B %q: got unread %v", a, b, d.Unread)
			}
			p, err := chain.RefuseMultiple().Authenticate(r)
			if multiple := a != "" && b != ""; multiple != (auth.KindOf(err) == auth.KindMalformed) || multiple && p != nil {
				t.Errorf("A %q, B %q, exclusive: got %v and %v", a, b, p, err)
			}
		}
	}
}

func TestChainsReportTheirMistakes(t *testing.T) {
	good := header("A", nil)
	for name, a := range map[string]auth.Authenticator{
		"an empty chain":               auth.FirstOf(),
		"a nil member":                 auth.FirstOf(good, nil),
		"two schemes of one name":      auth.FirstOf(good, header("A", nil)),
		"a chain in a chain":           auth.FirstOf(good, auth.FirstOf()),
		"a nil authenticator":          nil,
		"a wrapped nil":                auth.Named("x", nil),
		"a mapped nil":                 auth.Map(nil, nil),
		"a nil map":                    auth.Map(good, nil),
		"an expired header, forgiven":  auth.StaleAsAnonymous(good),
		"an expired nothing, forgiven": auth.StaleAsAnonymous(nil),
		"a wrapped empty chain":        auth.Named("x", auth.FirstOf()),
		"a name with a space":          auth.Named("a b", good),
		"no scheme":                    &silent{},
	} {
		t.Run(name, func(t *testing.T) {
			if err := auth.ValidateAuthenticator(a); err == nil {
				t.Error("got no error")
			}
			if name == "two schemes of one name" || name == "a name with a space" || name == "no scheme" {
				return // usable, but not describable
			}
			r := authtest.Request(http.MethodGet, "/")
			if d := auth.Decide(a, r); d.Principal != nil || auth.KindOf(d.Err) != auth.KindUnavailable && name != "a chain in a chain" {
				t.Errorf("got %v and %v, want unavailable", d.Principal, d.Err)
			}
			if a != nil {
				if p, err := a.Authenticate(r); p != nil || err == nil {
					t.Errorf("Authenticate returned %v and %v", p, err)
				}
			}
		})
	}
}

type silent struct{ authtest.Fake }

func (*silent) Schemes() []auth.Scheme { return nil }

func TestChainsJoinHeadersAndPlaces(t *testing.T) {
	gone := auth.Invalid(auth.ReasonExpired, nil)
	expired := func(name string) auth.Authenticator {
		return auth.StaleAsAnonymous(cookie(name, func(*http.Request) (*auth.Principal, error) { return nil, gone }))
	}
	d := auth.Decide(auth.FirstOf(expired("a"), expired("b")), authtest.Request(http.MethodGet, "/"))
	if got := d.Header.Values("Set-Cookie"); len(got) != 2 || !strings.HasPrefix(got[0], "a=") || !strings.HasPrefix(got[1], "b=") || d.Stale != "b" {
		t.Errorf("got Set-Cookie %q and stale %q, want both cookies cleared", got, d.Stale)
	}
	good := func(*http.Request) (*auth.Principal, error) { return alice, nil }
	first, second := cookie("sid", good), cookie("sid", good)
	second.Scheme.Name = "other"
	r := authtest.Request(http.MethodGet, "/", "Cookie", "sid=x")
	if _, err := auth.FirstOf(first, second).RefuseMultiple().Authenticate(r); err != nil {
		t.Errorf("got %v for one cookie that two authenticators read, want it to be one credential", err)
	}
}

func TestARepeatedAuthorizationHeaderIsRefusedWhoeverElseWouldDo(t *testing.T) {
	good := cookie("sid", func(*http.Request) (*auth.Principal, error) { return alice, nil })
	bearer := authtest.Tokens(nil)
	r := authtest.Request(http.MethodGet, "/", "Cookie", "sid=x", "Authorization", "Bearer a", "Authorization", "Bearer b")
	if _, err := auth.FirstOf(good, bearer).Authenticate(r); auth.KindOf(err) != auth.KindMalformed {
		t.Errorf("got %v, want malformed", err)
	}
}
