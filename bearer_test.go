package auth_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/authtest"
)

func TestBearerRefusesMistakes(t *testing.T) {
	_, err := auth.NewBearer(auth.BearerConfig{MaxBytes: -1, Realm: "a\nb", Name: "a b"})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, part := range []string{"Verify is nil", "MaxBytes", "realm", `"a b"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got error %q, want it to name %s", err, part)
		}
	}
}

func TestBearerConforms(t *testing.T) {
	verify := func(_ context.Context, token string) (*auth.Principal, error) {
		if token == "good-token" {
			return auth.NewPrincipal(auth.PrincipalConfig{Subject: "alice"})
		}
		return nil, auth.Invalid(auth.ReasonUnknown, nil)
	}
	newBearer := func(verify auth.VerifyFunc) auth.Authenticator {
		b, err := auth.NewBearer(auth.BearerConfig{Verify: verify})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	authtest.TestAuthenticator(t, authtest.AuthenticatorKit{
		Authenticator: newBearer(verify),
		Good: func() *http.Request {
			return authtest.Request(http.MethodGet, "/", "Authorization", "Bearer good-token")
		},
		Bad: func() []*http.Request {
			return []*http.Request{authtest.Request(http.MethodGet, "/", "Authorization", "Bearer wrong-token")}
		},
		Outage: newBearer(func(context.Context, string) (*auth.Principal, error) { return nil, io.ErrUnexpectedEOF }),
	})
}

func FuzzCredentials(f *testing.F) {
	for _, v := range []string{"", "Bearer", "Bearer ", "Bearer x", "bearer  x", "Bearer\tx", "Bearerx", "Basic Og==", "x", "Negotiate", "Bearer a b", "\x00", "Bearer é"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{value}
		got, err := auth.Credentials(r, "Bearer", 64)
		switch {
		case err == nil:
			if !strings.EqualFold(value, "Bearer "+got) || got == "" || len(got) > 64 || got[0] == ' ' {
				t.Errorf("got %q from %q", got, value)
			}
		case got != "":
			t.Errorf("got %q with error %v", got, err)
		case errors.Is(err, auth.ErrNoCredential) && strings.HasPrefix(strings.ToLower(value), "bearer "):
			t.Errorf("got no credential from %q", value)
		}
	})
}

func TestCredentialsArePrintable(t *testing.T) {
	for _, value := range []string{"Bearer a\x00b", "Bearer \xff", "Bearer \ta"} {
		if got, err := auth.Credentials(authtest.Request(http.MethodGet, "/", "Authorization", value), "Bearer", 64); err == nil {
			t.Errorf("got %q from %q, want an error", got, value)
		}
	}
}

func TestValuesThatHoldACredentialAlone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values []string
		want   string
		kind   auth.Kind
	}{
		{"absent", nil, "", auth.KindNoCredential},
		{"a value", []string{"abc"}, "abc", 0},
		{"empty", []string{""}, "", auth.KindInvalid},
		{"twice", []string{"abc", "abc"}, "", auth.KindMalformed},
		{"too long", []string{strings.Repeat("a", 9)}, "", auth.KindInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := authtest.Request(http.MethodGet, "/")
			for _, v := range tt.values {
				r.Header.Add("X-Key", v)
				r.Header.Add("Cookie", "sid="+v)
			}
			got, err := auth.HeaderValue(r, "x-key", 8)
			if got != tt.want || auth.KindOf(err) != tt.kind {
				t.Errorf("header: got %q and %v, want %q and kind %v", got, err, tt.want, tt.kind)
			}
			got, err = auth.CookieValue(r, "sid", 8)
			if got != tt.want || auth.KindOf(err) != tt.kind {
				t.Errorf("cookie: got %q and %v, want %q and kind %v", got, err, tt.want, tt.kind)
			}
		})
	}
	if _, err := auth.HeaderValue(authtest.Request(http.MethodGet, "/", "X-Key", "a\x00"), "X-Key", 8); auth.KindOf(err) != auth.KindInvalid {
		t.Errorf("got %v for a control byte, want invalid", err)
	}
	if _, err := auth.CookieValue(authtest.Request(http.MethodGet, "/", "Cookie", "sid=good; sid=\x00"), "sid", 8); auth.KindOf(err) != auth.KindMalformed {
		t.Errorf("got %v for two cookies of which net/http drops one, want malformed", err)
	}
	if _, err := auth.CookieValue(authtest.Request(http.MethodGet, "/", "Cookie", "sid=\x00"), "sid", 8); auth.KindOf(err) != auth.KindInvalid {
		t.Errorf("got %v for a cookie that net/http drops, want invalid", err)
	}
}
