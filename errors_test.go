package auth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

var alice = authtest.Principal("alice", "a", "b")

func TestDecideHoldsAuthenticatorsToTheirContract(t *testing.T) {
	var typedNil *auth.Error
	refused := auth.Invalid(auth.ReasonExpired, nil)
	for _, tt := range []struct {
		name   string
		p      *auth.Principal
		err    error
		kind   auth.Kind // 0: a principal
		reason auth.Reason
	}{
		{"a principal", alice, nil, 0, ""},
		{"nothing sent", nil, auth.ErrNoCredential, auth.KindNoCredential, auth.ReasonAbsent},
		{"nothing sent, wrapped", nil, fmt.Errorf("x: %w", auth.ErrNoCredential), auth.KindNoCredential, auth.ReasonAbsent},
		{"not recognised", nil, auth.ErrUnrecognized, auth.KindInvalid, auth.ReasonUnrecognized},
		{"refused", nil, refused, auth.KindInvalid, auth.ReasonExpired},
		{"refused, wrapped", nil, fmt.Errorf("x: %w", refused), auth.KindInvalid, auth.ReasonExpired},
		{"neither", nil, nil, auth.KindUnavailable, auth.ReasonContract},
		{"both", alice, refused, auth.KindUnavailable, auth.ReasonContract},
		{"both, with a sentinel", alice, auth.ErrNoCredential, auth.KindUnavailable, auth.ReasonContract},
		{"a typed nil error", nil, typedNil, auth.KindUnavailable, auth.ReasonContract},
		{"an error without a kind", nil, &auth.Error{}, auth.KindUnavailable, auth.ReasonContract},
		{"an error of an unknown kind", nil, &auth.Error{Kind: 200}, auth.KindUnavailable, auth.ReasonContract},
		{"an untyped error", nil, errors.New("dial tcp: refused"), auth.KindUnavailable, auth.ReasonUnavailable},
		{"a cancelled context", nil, fmt.Errorf("query: %w", context.Canceled), auth.KindUnavailable, auth.ReasonCancelled},
		{"a passed deadline", nil, context.DeadlineExceeded, auth.KindUnavailable, auth.ReasonDeadline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &authtest.Fake{Func: func(*http.Request) (*auth.Principal, error) { return tt.p, tt.err }}
			for _, wrapped := range []auth.Authenticator{a, auth.Named("n", a), auth.FirstOf(a)} {
				d := auth.Decide(wrapped, httptest.NewRequest(http.MethodGet, "/", nil))
				if (d.Principal != nil) != (tt.kind == 0) || auth.KindOf(d.Err) != tt.kind {
					t.Fatalf("%T: got principal %v and kind %v, want kind %v", wrapped, d.Principal, auth.KindOf(d.Err), tt.kind)
				}
				if tt.kind != 0 && auth.AsError(d.Err).Reason != tt.reason {
					t.Errorf("%T: got reason %s, want %s", wrapped, auth.AsError(d.Err).Reason, tt.reason)
				}
			}
		})
	}
	if d := auth.Decide(nil, httptest.NewRequest(http.MethodGet, "/", nil)); auth.KindOf(d.Err) != auth.KindUnavailable {
		t.Errorf("got kind %v for a nil authenticator, want unavailable", auth.KindOf(d.Err))
	}
}

func TestErrorShowsThePublicTextOnly(t *testing.T) {
	cause := errors.New("pq: password of auth_rw is hunter2")
	e := auth.Unavailable(cause)
	for _, verb := range []string{"%v", "%+v", "%s"} {
		if got := fmt.Sprintf(verb, e); got != auth.KindUnavailable.Text() {
			t.Errorf("got %q with %s, want the public text", got, verb)
		}
	}
	if !errors.Is(e, cause) {
		t.Error("got no cause by errors.Is")
	}
	if got := e.LogValue().String(); !strings.Contains(got, "hunter2") || !strings.Contains(got, "unavailable") {
		t.Errorf("got log value %s, want kind and cause", got)
	}
	for _, sentinel := range []error{auth.ErrNoCredential, auth.ErrUnrecognized} {
		outage := auth.Unavailable(fmt.Errorf("store: %w", sentinel))
		if errors.Is(outage, sentinel) || auth.KindOf(outage) != auth.KindUnavailable || !strings.Contains(outage.Unwrap().Error(), "store") {
			t.Errorf("got an outage that is %v", sentinel)
		}
	}
	custom := &auth.Error{Kind: auth.KindInvalid, Message: "sign in again"}
	if custom.Error() != "sign in again" {
		t.Errorf("got %q, want the message", custom.Error())
	}
	var typedNil *auth.Error
	if typedNil.Error() == "" || errors.Is(typedNil, auth.ErrNoCredential) || typedNil.Unwrap() != nil || typedNil.LogValue().Any() != nil {
		t.Error("a nil *Error does not behave")
	}
	if !errors.Is(auth.AsError(auth.ErrUnrecognized), auth.ErrUnrecognized) || errors.Is(e, auth.ErrUnrecognized) || errors.Is(e, io.EOF) {
		t.Error("sentinels are not what errors.Is finds")
	}
	if auth.KindOf(nil) != 0 || auth.AsError(nil) != nil {
		t.Error("nil is some kind of error")
	}
}

func TestKinds(t *testing.T) {
	for kind, want := range map[auth.Kind]struct {
		name, code string
		status     int
	}{
		auth.KindNoCredential: {"no_credential", "", 401},
		auth.KindMalformed:    {"malformed", "invalid_request", 400},
		auth.KindInvalid:      {"invalid", "invalid_token", 401},
		auth.KindForbidden:    {"forbidden", "insufficient_scope", 403},
		auth.KindStepUp:       {"step_up", "insufficient_user_authentication", 401},
		auth.KindThrottled:    {"throttled", "", 429},
		auth.KindUnavailable:  {"unavailable", "", 503},
		0:                     {"", "", 503},
		99:                    {"unavailable", "", 503},
	} {
		if kind.String() != want.name || kind.BearerCode() != want.code || kind.Status() != want.status || kind.Text() == "" {
			t.Errorf("kind %d: got %s %q %d %q, want %+v", kind, kind, kind.BearerCode(), kind.Status(), kind.Text(), want)
		}
	}
}

// TestFirstOfEveryPair has two schemes, each absent, unrecognised, good, bad or down.
