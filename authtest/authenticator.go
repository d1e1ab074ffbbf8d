package authtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
)

// AuthenticatorKit is what the conformance kit needs to know about an authenticator.
type AuthenticatorKit struct {
	// Authenticator is the one under test. Required.
	Authenticator auth.Authenticator
	// Good returns a new request that it accepts. Required.
	Good func() *http.Request
	// Bad returns new requests with credentials that are of its kind and not accepted: wrong, expired, revoked.
	// At least one. Required.
	Bad func() []*http.Request
	// Outage is the same authenticator over a store or key source that fails, for requests like Good's. Nil where
	// it depends on nothing.
	Outage auth.Authenticator
}

// TestAuthenticator checks kit's authenticator against the contract of [auth.Authenticator], one subtest a rule. It makes
// a few thousand requests.
func TestAuthenticator(t *testing.T, kit AuthenticatorKit) {
	t.Helper()
	run(t, kit, authenticatorRules)
}

// CheckAuthenticator is [TestAuthenticator] without a test: it returns the broken rules, joined, or nil.
func CheckAuthenticator(kit AuthenticatorKit) error { return all(kit, authenticatorRules) }

var authenticatorRules = []rule[AuthenticatorKit]{
	{
		"the kit is complete",
		"without a request that is accepted and one that is refused the other rules prove nothing",
		func(k AuthenticatorKit) error {
			if k.Authenticator == nil || k.Good == nil || k.Bad == nil || len(k.Bad()) == 0 {
				return errors.New("set Authenticator, Good and Bad, and let Bad return at least one request")
			}
			return nil
		},
	},
	{
		"its schemes are valid and stay the same",
		"challenges and API descriptions are made from Schemes once, and the guard refuses schemes that can't be written",
		func(k AuthenticatorKit) error {
			if err := auth.ValidateAuthenticator(k.Authenticator); err != nil {
				return err
			}
			if a, b := k.Authenticator.Schemes(), k.Authenticator.Schemes(); !reflect.DeepEqual(a, b) {
				return fmt.Errorf("got schemes %v, then %v", a, b)
			}
			return nil
		},
	},
	{
		"a request without a credential has no credential",
		"return auth.ErrNoCredential where nothing was sent, so that a chain asks its next member",
		func(k AuthenticatorKit) error {
			return wantErr(k.Authenticator, Request(http.MethodGet, "/"), auth.ErrNoCredential)
		},
	},
	{
		"another Authorization scheme is no credential",
		"a front proxy's Negotiate is none of this authenticator's business: return auth.ErrNoCredential",
		func(k AuthenticatorKit) error {
			return wantErr(k.Authenticator, Request(http.MethodGet, "/", "Authorization", "Vapid t=abc"), auth.ErrNoCredential)
		},
	},
	{
		"a good credential proves a principal",
		"the principal has a subject, names the scheme that proved it, and comes with a nil error",
		func(k AuthenticatorKit) error { return wantPrincipal(auth.Decide(k.Authenticator, k.Good())) },
	},
	{
		"a good credential fills a place that the schemes describe",
		"guards look for credentials, cut them out and choose challenges by Scheme.In and Scheme.Parameter",
		func(k AuthenticatorKit) error {
			for _, s := range k.Authenticator.Schemes() {
				if s.In == 0 || s.Present(k.Good()) {
					return nil
				}
			}
			return errors.New("no scheme's place is filled in the good request")
		},
	},
	{
		"the request is not changed",
		"a chain shows the same request to every member, and the handler gets it afterwards",
		func(k AuthenticatorKit) error {
			r := k.Good()
			header, u := r.Header.Clone(), r.URL.String()
			auth.Decide(k.Authenticator, r)
			if !reflect.DeepEqual(r.Header, header) || r.URL.String() != u {
				return errors.New("its headers or its URL differ afterwards")
			}
			return nil
		},
	},
	{
		"a bad credential is refused, and is not absent",
		"a credential that is there and not accepted must not become an anonymous caller, nor fall to a later scheme",
		func(k AuthenticatorKit) error {
			return each(k.Bad(), func(r *http.Request) error { return wantRefused(k.Authenticator, r, false) })
		},
	},
	{
		"a refusal holds no credential",
		"errors end up in logs and often in responses: keep the credential out of the text and out of every cause",
		func(k AuthenticatorKit) error {
			return each(k.Bad(), func(r *http.Request) error { return wantNoLeak(k.Authenticator, r) })
		},
	},
	{
		"the scheme's name is matched in any case",
		"RFC 9110 §11.1: the name of an authentication scheme is case-insensitive",
		checkAnyCase,
	},
	{
		"a repeated header, cookie or parameter is ambiguous",
		"two values in one place are a request that two readers can understand differently: answer auth.KindMalformed, as auth.HeaderValue and auth.CookieValue do",
		checkRepeated,
	},
	{
		"garbage of the scheme is refused without a panic",
		"whatever follows the scheme's name, the answer is a refusal or auth.ErrUnrecognized, never absence, a pass or a panic; auth.CookieValue also sees cookies that Request.Cookie drops",
		checkGarbage,
	},
	{
		"a cancelled request is not a bad credential",
		"when the caller goes away nothing was found out: auth.KindUnavailable, or the principal where no wait was needed",
		func(k AuthenticatorKit) error {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			d := auth.Decide(k.Authenticator, k.Good().WithContext(ctx))
			if d.Err != nil && auth.KindOf(d.Err) != auth.KindUnavailable {
				return fmt.Errorf("got %v, want a principal or kind unavailable", auth.KindOf(d.Err))
			}
			return nil
		},
	},
	{
		"an outage is not a bad credential",
		"a store that fails answers auth.KindUnavailable (503): 401 makes clients throw their credentials away",
		func(k AuthenticatorKit) error {
			if k.Outage == nil {
				return nil
			}
			if d := auth.Decide(k.Outage, k.Good()); auth.KindOf(d.Err) != auth.KindUnavailable {
				return fmt.Errorf("got %v and principal %v, want kind unavailable", auth.KindOf(d.Err), d.Principal)
			}
			return nil
		},
	},
	{
		"it can be used by many goroutines",
		"a guard serves every request with the same authenticator; run the test with -race",
		checkConcurrent,
	},
}

func wantErr(a auth.Authenticator, r *http.Request, want error) error {
	if p, err := a.Authenticate(r); p != nil || !errors.Is(err, want) {
		return fmt.Errorf("got principal %v and error %v, want %v", p, err, want)
	}
	return nil
}

func wantPrincipal(d auth.Decision) error {
	switch p := d.Principal; {
	case d.Err != nil:
		return fmt.Errorf("got error %v (%w)", d.Err, errors.Unwrap(d.Err))
	case p.Subject() == "":
		return errors.New("got a principal without a subject")
	case p.Scheme() == "":
		return errors.New("got a principal that names no scheme")
	}
	return nil
}

// wantRefused asserts a refusal in the contract's form. unrecognized allows [auth.ErrUnrecognized] too.
func wantRefused(a auth.Authenticator, r *http.Request, unrecognized bool) error {
	p, err := a.Authenticate(r)
	if p != nil || err == nil {
		return fmt.Errorf("got principal %v and error %v", p, err)
	}
	if unrecognized && errors.Is(err, auth.ErrUnrecognized) {
		return nil
	}
	if _, ok := errors.AsType[*auth.Error](err); !ok {
		return fmt.Errorf("got %q of type %T, want an *auth.Error such as auth.Invalid(auth.ReasonUnknown, nil)", err, err)
	}
	switch kind := auth.KindOf(err); kind {
	case auth.KindInvalid, auth.KindMalformed, auth.KindForbidden, auth.KindThrottled:
		return nil
	default:
		return fmt.Errorf("got kind %v", kind)
	}
}

func wantNoLeak(a auth.Authenticator, r *http.Request) error {
	_, err := a.Authenticate(r)
	return noLeak(err, secretsOf(r, a.Schemes()))
}

// noLeak looks through err and all of its causes.
func noLeak(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	texts := []string{err.Error()}
	if e, ok := err.(*auth.Error); ok { //nolint:errorlint // this one; its causes come later
		texts = append(texts, string(e.Reason), e.CredentialID)
		for _, p := range e.Params {
			texts = append(texts, p.Value)
		}
	}
	for _, secret := range secrets {
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(text, secret) }) {
			return fmt.Errorf("an error of type %T holds what the client sent", err)
		}
	}
	switch err := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		return noLeak(err.Unwrap(), secrets)
	case interface{ Unwrap() []error }:
		for _, cause := range err.Unwrap() {
			if leak := noLeak(cause, secrets); leak != nil {
				return leak
			}
		}
	}
	return nil
}

// secretsOf returns what r carries in the places of schemes, without scheme names. Short words are no proof of a leak.
func secretsOf(r *http.Request, schemes []auth.Scheme) []string {
	var secrets []string
	for _, s := range schemes {
		switch s.In {
		case auth.InHeader:
			for _, v := range r.Header.Values(s.Parameter) {
				if _, after, ok := strings.Cut(v, " "); ok {
					v = after
				}
				secrets = append(secrets, v)
			}
		case auth.InQuery:
			secrets = append(secrets, r.URL.Query().Get(s.Parameter))
		case auth.InCookie:
			for _, c := range r.CookiesNamed(s.Parameter) {
				secrets = append(secrets, c.Value)
			}
		}
	}
	var long []string
	for _, s := range secrets {
		if len(s) >= 8 {
			long = append(long, s)
		}
	}
	return long
}

func checkAnyCase(k AuthenticatorKit) error {
	for _, change := range []func(string) string{strings.ToLower, strings.ToUpper} {
		r := k.Good()
		scheme, rest, ok := strings.Cut(r.Header.Get("Authorization"), " ")
		if !ok {
			return nil // the credential travels elsewhere
		}
		r.Header.Set("Authorization", change(scheme)+" "+rest)
		if err := wantPrincipal(auth.Decide(k.Authenticator, r)); err != nil {
			return fmt.Errorf("with scheme %s: %w", change(scheme), err)
		}
	}
	return nil
}

func checkRepeated(k AuthenticatorKit) error {
	for _, s := range k.Authenticator.Schemes() {
		r := k.Good()
		if !s.Present(r) {
			continue
		}
		switch s.In {
		case auth.InHeader:
			r.Header.Add(s.Parameter, r.Header.Get(s.Parameter))
		case auth.InCookie:
			for _, c := range r.CookiesNamed(s.Parameter) {
				r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value}) //nolint:gosec // in a request of the test
			}
		case auth.InQuery:
			r.URL.RawQuery += "&" + r.URL.RawQuery
		}
		d := auth.Decide(k.Authenticator, r)
		if d.Err == nil {
			return fmt.Errorf("with %s %s twice it was accepted, want auth.Malformed(auth.ReasonRepeated, nil)", s.In, s.Parameter)
		}
		if kind := auth.KindOf(d.Err); kind != auth.KindMalformed {
			return fmt.Errorf("with %s %s twice: got kind %v, want malformed: auth.Malformed(auth.ReasonRepeated, nil)", s.In, s.Parameter, kind)
		}
	}
	return nil
}

// hostile values follow the scheme's name, or stand alone in a header, query or cookie.
var hostile = []string{
	"x", "=", "==", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", ":", "\x00", "\x7f", "\xff\xfe", "\t", "é", "a b", "a,b", "\"", "\\",
	"%00", "{}", "[]", "null", "_", "__", "___", "bearer", "Og==", "Og", "dTpw", "OnA=", "dTo=", strings.Repeat("a", 1<<10),
	strings.Repeat("a.", 1<<12), strings.Repeat("=", 1<<12), strings.Repeat("_", 1<<12), strings.Repeat("A", 1<<20),
}

func checkGarbage(k AuthenticatorKit) error {
	for _, s := range k.Authenticator.Schemes() {
		for _, v := range hostile {
			r := Request(http.MethodGet, "/")
			switch {
			case s.InAuthorization():
				r.Header["Authorization"] = []string{s.AuthScheme + " " + v}
			case s.In == auth.InHeader:
				r.Header[http.CanonicalHeaderKey(s.Parameter)] = []string{v}
			case s.In == auth.InQuery:
				r.URL.RawQuery = url.QueryEscape(s.Parameter) + "=" + v
			case s.In == auth.InCookie:
				r.Header["Cookie"] = []string{s.Parameter + "=" + v}
			default:
				continue
			}
			if err := wantRefused(k.Authenticator, r, true); err != nil {
				return fmt.Errorf("with %s %s: %.40q: %w", s.In, s.Parameter, v, err)
			}
		}
	}
	return nil
}

func checkConcurrent(k AuthenticatorKit) error {
	return concurrently(k, func(k AuthenticatorKit) error {
		for range 20 {
			if err := wantPrincipal(auth.Decide(k.Authenticator, k.Good())); err != nil {
				return err
			}
			err := each(k.Bad(), func(r *http.Request) error { return wantRefused(k.Authenticator, r, false) })
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func each(requests []*http.Request, check func(*http.Request) error) error {
	for i, r := range requests {
		if err := check(r); err != nil {
			return fmt.Errorf("bad request %d: %w", i+1, err)
		}
	}
	return nil
}
