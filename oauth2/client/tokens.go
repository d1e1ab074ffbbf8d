package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/internal/jose"
	"github.com/cardea-go/auth/oauth2"
)

const redacted = "[redacted]"

// Tokens are what a token endpoint answered. They print as "[redacted]".
type Tokens struct {
	_ [0]func() // == does not compile
	// AccessToken is the credential for calls to the provider's services.
	AccessToken string
	// RefreshToken is "" where the provider gave none.
	RefreshToken string
	// IDToken is the ID token as it came, for id_token_hint; "" where there is none.
	IDToken string
	// ExpiresAt is when the access token ends; zero where the provider did not say.
	ExpiresAt time.Time
	// Scopes are those of the access token: what was asked for, where the provider did not say otherwise.
	Scopes auth.ScopeSet
}

// String returns "[redacted]".
func (Tokens) String() string { return redacted }

// GoString returns "[redacted]".
func (Tokens) GoString() string { return redacted }

// Format writes "[redacted]", whatever the verb.
func (Tokens) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue returns "[redacted]".
func (Tokens) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (Tokens) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// tokenBytes limits the answer of a token endpoint.
const tokenBytes = 256 << 10

// A TokenError is the refusal of a token endpoint. It is found in the errors of this package by errors.As.
type TokenError struct {
	// Status is the HTTP status.
	Status int
	// Code is the error code of RFC 6749 §5.2, or "" where it is none of those: what else the provider says is left out.
	Code string
}

// Error says what was answered.
func (e *TokenError) Error() string {
	if e.Code == "" {
		return "client: the token endpoint answered with status " + strconv.Itoa(e.Status)
	}
	return "client: the token endpoint answered with status " + strconv.Itoa(e.Status) + ", " + e.Code
}

// askForTokens makes a request to a token endpoint (RFC 6749 §4.1.3, 4.4.2).
func askForTokens(
	ctx context.Context, client *http.Client, endpoint string, authenticate oauth2.ClientAuthenticationFunc, form url.Values,
	scopes auth.ScopeSet, clock func() time.Time,
) (Tokens, error) {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	if err := authenticate(ctx, header, form); err != nil {
		return Tokens{}, fmt.Errorf("client: client authentication: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return Tokens{}, errors.New("client: the token endpoint is not a URL")
	}
	r.Header = header
	asked := clock() // before the answer: a lifetime counts from when it was written
	status, body, err := do(client, r, tokenBytes)
	if err != nil {
		return Tokens{}, fmt.Errorf("client: token endpoint: %w", err)
	}
	if status != http.StatusOK {
		return Tokens{}, &TokenError{status, errorCode(body)}
	}
	return readTokens(body, scopes, asked)
}

func errorCode(body string) string {
	code := ""
	o := jose.NewObject(body, true)
	for o.Next() {
		if o.Name == "error" {
			code, _ = o.Value.String()
		}
	}
	switch {
	case o.Err() != nil:
		return ""
	case code == "invalid_request", code == "invalid_client", code == "invalid_grant", code == "unauthorized_client",
		code == "unsupported_grant_type", code == "invalid_scope", code == "invalid_target":
		return code
	}
	return ""
}

var errTokens = errors.New("client: the answer of the token endpoint is no JSON object with access_token and token_type Bearer")

// maxLifetime keeps the sum of now and a lifetime a time.
const maxLifetime = 10 * 366 * 24 * 3600

func readTokens(body string, scopes auth.ScopeSet, asked time.Time) (Tokens, error) {
	t := Tokens{Scopes: scopes} // RFC 6749 §5.1: scope is left out where it is what was asked for
	kind := ""
	o := jose.NewObject(body, true)
	for o.Next() {
		switch o.Name {
		case "access_token":
			t.AccessToken, _ = o.Value.String()
		case "token_type":
			kind, _ = o.Value.String()
		case "refresh_token":
			t.RefreshToken, _ = o.Value.String()
		case "id_token":
			t.IDToken, _ = o.Value.String()
		case "scope":
			text, _ := o.Value.String()
			t.Scopes, _ = auth.NewScopeSet(strings.Fields(text)...) // what breaks the grammar is no scope
		case "expires_in": // some write it as a string
			text, isString := o.Value.String()
			if !isString {
				text = o.Value.Raw
			}
			if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
				t.ExpiresAt = asked.Add(time.Duration(min(max(seconds, 0), maxLifetime)) * time.Second)
			}
		}
	}
	// OAuth 2.1 §3.2.3: an access token of an unknown type must not be used.
	if o.Err() != nil || t.AccessToken == "" || strings.ContainsFunc(t.AccessToken, notVisible) || !strings.EqualFold(kind, "Bearer") {
		return Tokens{}, errTokens
	}
	return t, nil
}

// notVisible is what no token has (RFC 6749 §A.12), and no header may.
func notVisible(c rune) bool { return c < ' ' || c > '~' }
