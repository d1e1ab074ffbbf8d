package authtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/cardea-go/auth"
)

// Request returns a request for tests with header fields given as name, value, name, value. A name that comes twice gives
// two lines. It panics on an odd number of fields.
func Request(method, target string, fields ...string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, target, nil)
	for pair := range slices.Chunk(fields, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	return r
}

// Do serves r by h and returns the response.
func Do(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// Challenges returns the challenges of a response, in order, and fails the test where WWW-Authenticate is not as RFC 9110
// §11.6.1 writes it.
func Challenges(tb testing.TB, resp *http.Response) []auth.Challenge {
	tb.Helper()
	challenges, err := auth.ParseChallenges(resp.Header.Values("WWW-Authenticate")...)
	if err != nil {
		tb.Fatalf("got WWW-Authenticate %q: %v", resp.Header.Values("WWW-Authenticate"), err)
	}
	for _, c := range challenges {
		if err := c.Validate(); err != nil {
			tb.Errorf("got challenge %q: %v", c, err)
		}
	}
	return challenges
}

// AssertChallenges fails the test unless the response has exactly the challenges want, in order, each as
// [auth.Challenge.String] writes it. None at all is asserted with no want.
func AssertChallenges(tb testing.TB, resp *http.Response, want ...string) {
	tb.Helper()
	got := Challenges(tb, resp)
	if len(got) != len(want) {
		tb.Errorf("got challenges %q, want %q", got, want)
		return
	}
	for i := range got {
		if got[i].String() != want[i] {
			tb.Errorf("got challenge %q, want %q", got[i], want[i])
		}
	}
}

// AssertChallenge fails the test unless the response has exactly one challenge of the scheme, with each of the parameters
// given as name, value, name, value. "" as the value asserts that the parameter is not there. It returns the challenge.
func AssertChallenge(tb testing.TB, resp *http.Response, scheme string, params ...string) auth.Challenge {
	tb.Helper()
	var found []auth.Challenge
	for _, c := range Challenges(tb, resp) {
		if http.CanonicalHeaderKey(c.Scheme) == http.CanonicalHeaderKey(scheme) {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		tb.Errorf("got %d challenges of scheme %s in %q, want 1", len(found), scheme, resp.Header.Values("WWW-Authenticate"))
		return auth.Challenge{}
	}
	for i := 0; i+1 < len(params); i += 2 {
		got, ok := found[0].Param(params[i])
		if got != params[i+1] || ok != (params[i+1] != "") {
			tb.Errorf("got %s=%q in %q, want %q", params[i], got, found[0], params[i+1])
		}
	}
	return found[0]
}
