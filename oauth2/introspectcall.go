package oauth2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// call makes one introspection request (RFC 7662 §2.1) and returns the body of its answer. Its errors hold neither the
// token nor what the server said.
func (i *Introspector) call(ctx context.Context, token string) (string, error) {
	header := http.Header{
		"Content-Type": {"application/x-www-form-urlencoded"},
		"Accept":       {"application/json"},
	}
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}
	if err := i.c.Client.authenticate(ctx, header, form); err != nil {
		return "", fmt.Errorf("oauth2: introspection: client authentication: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.c.Endpoint, strings.NewReader(form.Encode())) //nolint:gosec // the endpoint is the configuration's
	if err != nil {
		return "", errors.New("oauth2: introspection: the request can't be made")
	}
	r.Header = header
	resp, err := i.client.Do(r) //nolint:gosec // the endpoint is the configuration's
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the URL
		}
		return "", fmt.Errorf("oauth2: introspection: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or is not wanted
	if resp.StatusCode != http.StatusOK {
		// 401 is about us, not about the token: RFC 7662 §2.3.
		return "", fmt.Errorf("oauth2: introspection: the endpoint answered with status %d", resp.StatusCode)
	}
	if t, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return "", errors.New("oauth2: introspection: the answer is not application/json")
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(i.c.MaxResponseBytes)+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("oauth2: introspection: reading the answer: %w", err)
	case len(body) > i.c.MaxResponseBytes:
		return "", errors.New("oauth2: introspection: the answer is too long")
	}
	return string(body), nil
}
