package authtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/middleware"
)

var tokens = authtest.Tokens(map[string]*auth.Principal{"good-token": authtest.Principal("alice", "a")})

func goodRequest() *http.Request {
	return authtest.Request(http.MethodGet, "/", "Authorization", "Bearer good-token")
}

func badRequests() []*http.Request {
	return []*http.Request{authtest.Request(http.MethodGet, "/", "Authorization", "Bearer wrong-token")}
}

func kit(a auth.Authenticator) authtest.AuthenticatorKit {
	return authtest.AuthenticatorKit{Authenticator: a, Good: goodRequest, Bad: badRequests}
}

func TestTokensConform(t *testing.T) { authtest.TestAuthenticator(t, kit(tokens)) }

// TestBrokenAuthenticatorsAreCaught breaks each rule once and expects the kit to name it.
func TestBrokenAuthenticatorsAreCaught(t *testing.T) {
	fake := func(change func(r *http.Request, p *auth.Principal, err error) (*auth.Principal, error)) *authtest.Fake {
		return &authtest.Fake{Func: func(r *http.Request) (*auth.Principal, error) {
			p, err := tokens.Authenticate(r)
			return change(r, p, err)
		}}
	}
	refusedWith := func(want error) *authtest.Fake {
		return fake(func(_ *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if auth.KindOf(err) == auth.KindInvalid {
				return nil, want
			}
			return p, err
		})
	}
	var calls atomic.Int64
	for _, tt := range []struct {
		rule string
		kit  authtest.AuthenticatorKit
	}{
		{"the kit is complete", authtest.AuthenticatorKit{Authenticator: tokens}},
		{"its schemes are valid and stay the same", kit(&schemes{list: func() []auth.Scheme { return nil }})},
		{"its schemes are valid and stay the same", kit(&schemes{list: func() []auth.Scheme {
			s := tokens.Schemes()[0]
			s.Name = fmt.Sprintf("n%d", calls.Add(1))
			return []auth.Scheme{s}
		}})},
		{"a request without a credential has no credential", kit(fake(func(r *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if r.Header.Get("Authorization") == "" {
				return nil, auth.Invalid(auth.ReasonAbsent, nil)
			}
			return p, err
		}))},
		{"another Authorization scheme is no credential", kit(fake(func(_ *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if errors.Is(err, auth.ErrNoCredential) {
				return nil, auth.Invalid(auth.ReasonMalformed, nil)
			}
			return p, err
		}))},
		{"a good credential proves a principal", kit(fake(func(_ *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if p != nil {
				return nil, nil
			}
			return nil, err
		}))},
		{"a good credential fills a place that the schemes describe", kit(&schemes{list: func() []auth.Scheme {
			s := tokens.Schemes()[0]
			s.Parameter, s.AuthScheme = "X-Elsewhere", "ApiKey"
			return []auth.Scheme{s}
		}})},
		{"the request is not changed", kit(fake(func(r *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if p != nil {
				r.Header.Set("X-Seen", "1")
			}
			return p, err
		}))},
		{"a bad credential is refused, and is not absent", kit(refusedWith(auth.ErrNoCredential))},
		{"a bad credential is refused, and is not absent", kit(refusedWith(errors.New("no such token")))},
		{"a refusal holds no credential", kit(refusedWith(auth.Invalid(auth.ReasonUnknown, errors.New("no token wrong-token"))))},
		{"the scheme's name is matched in any case", kit(fake(func(r *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if p != nil && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
				return nil, auth.ErrNoCredential
			}
			return p, err
		}))},
		{"a repeated header, cookie or parameter is ambiguous", kit(fake(func(r *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if auth.KindOf(err) == auth.KindMalformed {
				return authtest.Principal("first"), nil
			}
			return p, err
		}))},
		{"garbage of the scheme is refused without a panic", kit(fake(func(r *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if v := r.Header.Get("Authorization"); len(v) > 100 {
				_ = v[:len(v)-1<<20]
			}
			return p, err
		}))},
		{"garbage of the scheme is refused without a panic", kit(fake(func(r *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if strings.HasSuffix(r.Header.Get("Authorization"), "\xfe") {
				return nil, auth.ErrNoCredential
			}
			return p, err
		}))},
		{"a cancelled request is not a bad credential", kit(fake(func(r *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if r.Context().Err() != nil {
				return nil, auth.Invalid(auth.ReasonUnknown, nil)
			}
			return p, err
		}))},
		{"an outage is not a bad credential", authtest.AuthenticatorKit{
			Authenticator: tokens, Good: goodRequest, Bad: badRequests, Outage: authtest.Tokens(nil),
		}},
		{"it can be used by many goroutines", kit(fake(func(_ *http.Request, p *auth.Principal, err error) (*auth.Principal, error) {
			if calls.Add(1) > 200 {
				return nil, auth.Throttled(0)
			}
			return p, err
		}))},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			calls.Store(0)
			err := authtest.CheckAuthenticator(tt.kit)
			if err == nil || !strings.Contains(err.Error(), tt.rule+":") || !strings.Contains(err.Error(), "(why: ") {
				t.Errorf("got %v, want the rule and its reason", err)
			}
		})
	}
}

type schemes struct {
	authtest.Fake
	list func() []auth.Scheme
}

func (s *schemes) Schemes() []auth.Scheme { return s.list() }

func (s *schemes) Authenticate(r *http.Request) (*auth.Principal, error) {
	return tokens.Authenticate(r)
}

func TestBrokenRequirementsAreCaught(t *testing.T) {
	alice, bob := authtest.Principal("alice"), authtest.Principal("bob")
	isAlice := func(p *auth.Principal) error {
		if p.Same(alice) {
			return nil
		}
		return auth.Forbidden(auth.ReasonNotAllowed, nil)
	}
	kit := func(f func(p *auth.Principal) error) authtest.RequirementKit {
		return authtest.RequirementKit{Requirement: checked(f), Allowed: []*auth.Principal{alice}, Refused: []*auth.Principal{bob}}
	}
	var calls atomic.Int64
	for _, tt := range []struct {
		rule string
		kit  authtest.RequirementKit
	}{
		{"the kit is complete", authtest.RequirementKit{Requirement: auth.Roles("a")}},
		{"it was built right", authtest.RequirementKit{Requirement: auth.Roles(), Allowed: []*auth.Principal{alice}, Refused: []*auth.Principal{bob}}},
		{"no principal is answered with no credential", kit(func(p *auth.Principal) error { return isAlice(p) })},
		{"no principal is answered with no credential", kit(func(p *auth.Principal) error { _ = p.Subject(); return nil })},
		{"allowed principals go on", kit(func(*auth.Principal) error { return auth.Forbidden(auth.ReasonNotAllowed, nil) })},
		{"refused principals are forbidden, or asked to step up", kit(func(*auth.Principal) error { return nil })},
		{"refused principals are forbidden, or asked to step up", kit(func(p *auth.Principal) error {
			if isAlice(p) == nil {
				return nil
			}
			return errors.New("no")
		})},
		{"its description stays the same", authtest.RequirementKit{Requirement: described(func() string { return fmt.Sprint(calls.Add(1)) }), Allowed: []*auth.Principal{alice}, Refused: []*auth.Principal{bob}}},
		{"it can be used by many goroutines", kit(func(p *auth.Principal) error {
			if calls.Add(1) > 100 {
				return auth.Unavailable(nil)
			}
			return isAlice(p)
		})},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			calls.Store(0)
			err := authtest.CheckRequirement(tt.kit)
			if err == nil || !strings.Contains(err.Error(), tt.rule+":") {
				t.Errorf("got %v, want the rule", err)
			}
		})
	}
}

type checked func(p *auth.Principal) error

func (f checked) Check(_ context.Context, p *auth.Principal) error { return f(p) }

type described func() string

func (described) Check(context.Context, *auth.Principal) error { return nil }
func (f described) Describe() auth.Rule                        { return auth.Rule{Kind: f()} }

func TestChallengeAssertionsFailWhereTheyShould(t *testing.T) {
	resp := &http.Response{Header: http.Header{"Www-Authenticate": {`Bearer realm="r"`, `Basic realm="r"`}}}
	broken := &http.Response{Header: http.Header{"Www-Authenticate": {`Basic realm=r"`}}}
	for _, tt := range []struct {
		name   string
		assert func(tb testing.TB)
		fails  bool
	}{
		{"all challenges, in order", func(tb testing.TB) { authtest.AssertChallenges(tb, resp, `Bearer realm="r"`, `Basic realm="r"`) }, false},
		{"another order", func(tb testing.TB) { authtest.AssertChallenges(tb, resp, `Basic realm="r"`, `Bearer realm="r"`) }, true},
		{"one too few", func(tb testing.TB) { authtest.AssertChallenges(tb, resp, `Bearer realm="r"`) }, true},
		{"one by scheme, in any case", func(tb testing.TB) { authtest.AssertChallenge(tb, resp, "bearer", "realm", "r", "error", "") }, false},
		{"a parameter that is not there", func(tb testing.TB) { authtest.AssertChallenge(tb, resp, "Bearer", "error", "x") }, true},
		{"a parameter that should not be there", func(tb testing.TB) { authtest.AssertChallenge(tb, resp, "Bearer", "realm", "") }, true},
		{"a scheme that is not there", func(tb testing.TB) { authtest.AssertChallenge(tb, resp, "DPoP") }, true},
		{"a header that can't be read", func(tb testing.TB) { authtest.Challenges(tb, broken) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake := &fakeT{TB: t}
			func() {
				defer func() {
					if v := recover(); v != nil && v != any(fatal{}) {
						panic(v)
					}
				}()
				tt.assert(fake)
			}()
			if fake.failed != tt.fails {
				t.Errorf("got failed %v, want %v", fake.failed, tt.fails)
			}
		})
	}
}

type fatal struct{}

type fakeT struct {
	testing.TB
	failed bool
}

func (f *fakeT) Errorf(string, ...any) { f.failed = true }
func (f *fakeT) Fatalf(string, ...any) { f.failed = true; panic(fatal{}) }
func (f *fakeT) Helper()               {}

func TestFakes(t *testing.T) {
	if _, err := new(authtest.Fake).Authenticate(goodRequest()); !errors.Is(err, auth.ErrNoCredential) {
		t.Errorf("got %v from a fake without a function", err)
	}
	var recorder authtest.Recorder
	if e := recorder.Last(); e.Outcome != "" {
		t.Errorf("got %+v from an empty recorder", e)
	}
	recorder.Observe(t.Context(), auth.Event{Subject: "a"})
	recorder.Observe(t.Context(), auth.Event{Subject: "b"})
	if got := recorder.Events(); len(got) != 2 || recorder.Last().Subject != "b" {
		t.Errorf("got %+v", got)
	}
	for name, f := range map[string]func(){
		"a principal without a subject": func() { authtest.Principal("") },
		"a scope with a space":          func() { authtest.Principal("a", "b c") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("got no panic for %s", name)
				}
			}()
			f()
		}()
	}
}

func TestAsSkipsTheCredential(t *testing.T) {
	guard, err := middleware.New(middleware.Config{Authenticator: tokens, Require: auth.Scopes("a")})
	if err != nil {
		t.Fatal(err)
	}
	var subjects []string
	h := guard.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		p, _ := auth.FromContext(r.Context())
		subjects = append(subjects, p.Subject())
	})
	authtest.Do(h, authtest.As(authtest.Request(http.MethodGet, "/"), authtest.Principal("bob", "a")))
	if resp := authtest.Do(h, authtest.As(authtest.Request(http.MethodGet, "/"), authtest.Principal("eve"))); resp.StatusCode != 403 || !slices.Equal(subjects, []string{"bob"}) {
		t.Errorf("got status %d and subjects %v, want requirements to be asked all the same", resp.StatusCode, subjects)
	}
}

func TestKitSeesALeakInAJoinedError(t *testing.T) {
	leaky := mustBearer(auth.NewBearer(auth.BearerConfig{Name: "b", Verify: func(_ context.Context, tok string) (*auth.Principal, error) {
		if tok == "good" {
			return authtest.Principal("ann"), nil
		}
		return nil, auth.Invalid(auth.ReasonUnknown, errors.Join(errors.New("no such token"), hidden{fmt.Errorf("token %s", tok)}))
	}}))
	err := authtest.CheckAuthenticator(authtest.AuthenticatorKit{
		Authenticator: leaky,
		Good:          func() *http.Request { return authtest.Request("GET", "/", "Authorization", "Bearer good") },
		Bad: func() []*http.Request {
			return []*http.Request{authtest.Request("GET", "/", "Authorization", "Bearer secretsecret")}
		},
	})
	if err == nil {
		t.Error("the kit passes an authenticator whose cause holds the token behind Unwrap() []error")
	}
}

func TestKitSeesALeakInMessageOrIDs(t *testing.T) {
	leaky := mustBearer(auth.NewBearer(auth.BearerConfig{Name: "b", Verify: func(_ context.Context, tok string) (*auth.Principal, error) {
		if tok == "good" {
			return authtest.Principal("ann"), nil
		}
		return nil, &auth.Error{Kind: auth.KindInvalid, CredentialID: tok, Reason: auth.Reason(tok), Params: []auth.Param{{Name: "error_description", Value: tok}}}
	}}))
	err := authtest.CheckAuthenticator(authtest.AuthenticatorKit{
		Authenticator: leaky,
		Good:          func() *http.Request { return authtest.Request("GET", "/", "Authorization", "Bearer good") },
		Bad: func() []*http.Request {
			return []*http.Request{authtest.Request("GET", "/", "Authorization", "Bearer secretsecret")}
		},
	})
	if err == nil {
		t.Error("the kit passes a token in CredentialID, Reason and Params, which go to events and to the client")
	}
}

// hidden is an error whose text is fine and whose cause is not.
type hidden struct{ error }

func (hidden) Error() string   { return "fine" }
func (h hidden) Unwrap() error { return h.error }

func mustBearer(b *auth.Bearer, err error) *auth.Bearer {
	if err != nil {
		panic(err)
	}
	return b
}
