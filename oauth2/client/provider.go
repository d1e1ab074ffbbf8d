package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cardea-go/auth/internal/discovery"
	"github.com/cardea-go/auth/internal/jose"
)

const (
	metadataBytes = 512 << 10
	metadataFresh = time.Hour
	metadataStale = 24 * time.Hour // while the provider does not answer
	metadataRetry = time.Minute
)

// provider is an authorization server of which the metadata are known when they are needed.
type provider struct {
	issuer string
	client *http.Client
	clock  func() time.Time
	known  *cell[metadata]
}

// metadata is what RFC 8414 §2 and OpenID Connect Discovery 1.0 §3 say of a server, as far as we want to know it.
type metadata struct {
	authorization, token string
	s256, iss            bool
	found, freshUntil    time.Time
}

func newProvider(issuer string, client *http.Client, clock func() time.Time) *provider {
	return &provider{issuer: issuer, client: client, clock: clock, known: newCell[metadata](clock)}
}

// newHTTPClient follows no redirect: it would carry codes and secrets elsewhere.
func newHTTPClient(transport http.RoundTripper, timeout time.Duration) *http.Client {
	if transport == nil {
		transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
			TLSHandshakeTimeout: timeout, MaxResponseHeaderBytes: 64 << 10,
		}
	}
	return &http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// checkURL refuses what secrets must not be sent to.
func checkURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(address, "#"):
		return errors.New("use https://host/path, without user information and fragment")
	case u.Scheme == "https", u.Scheme == "http" && discovery.IsLoopback(u.Hostname()):
		return nil
	}
	return errors.New("use https (http is for loopback addresses only)")
}

// metadata returns what is known, and asks the provider where that is older than an hour.
func (p *provider) metadata(ctx context.Context) (*metadata, error) {
	return p.known.get(ctx, func(m *metadata) bool { return p.clock().Before(m.freshUntil) }, p.find)
}

func (p *provider) find(ctx context.Context) (*metadata, error) {
	var errs []error
	for _, address := range discovery.Addresses(p.issuer) {
		m, err := p.fetch(ctx, address)
		if err == nil {
			return m, nil
		}
		if len(errs) == 0 || errs[0].Error() != err.Error() {
			errs = append(errs, err)
		}
	}
	now := p.clock()
	if old := p.known.value.Load(); old != nil && now.Before(old.found.Add(metadataStale)) {
		again := *old
		again.freshUntil = now.Add(metadataRetry)
		return &again, nil
	}
	return nil, errors.Join(errs...)
}

func (p *provider) fetch(ctx context.Context, address string) (*metadata, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, errors.New("client: metadata: the address is not a URL")
	}
	r.Header.Set("Accept", "application/json")
	status, body, err := do(p.client, r, metadataBytes)
	if err != nil {
		return nil, fmt.Errorf("client: metadata: %w", err)
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("client: metadata: status %d, want 200 (redirects are not followed)", status)
	}
	m, err := readMetadata(body, p.issuer)
	if err != nil {
		return nil, err
	}
	m.found = p.clock()
	m.freshUntil = m.found.Add(metadataFresh)
	return m, nil
}

// do makes a request and returns what was answered, up to limit bytes. Its errors do not hold the URL.
func do(client *http.Client, r *http.Request, limit int64) (status int, body string, err error) {
	resp, err := client.Do(r)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or is not wanted
	b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return 0, "", fmt.Errorf("reading the answer: %w", err)
	case int64(len(b)) > limit:
		return 0, "", errors.New("the answer is too long")
	}
	return resp.StatusCode, string(b), nil
}

func readMetadata(body, issuer string) (*metadata, error) {
	m := &metadata{}
	said := ""
	o := jose.NewObject(body, true)
	for o.Next() {
		switch o.Name {
		case "issuer":
			said, _ = o.Value.String()
		case "authorization_endpoint":
			m.authorization, _ = o.Value.String()
		case "token_endpoint":
			m.token, _ = o.Value.String()
		case "code_challenge_methods_supported":
			methods, _ := o.Value.Strings()
			m.s256 = slices.Contains(methods, "S256")
		case "authorization_response_iss_parameter_supported": // RFC 9207 §3
			m.iss = o.Value.Raw == "true"
		}
	}
	switch {
	case o.Err() != nil:
		return nil, errors.New("client: metadata: not a JSON object")
	case said != issuer: // RFC 8414 §3.3
		return nil, errors.New("client: metadata: they name another issuer: set Issuer to their issuer member, to the letter, a slash at the end included, and a tenant's id instead of common")
	case checkURL(m.token) != nil:
		return nil, errors.New("client: metadata: without a token_endpoint that is https://host/path")
	case m.authorization != "" && checkURL(m.authorization) != nil:
		return nil, errors.New("client: metadata: with an authorization_endpoint that is not https://host/path")
	}
	return m, nil
}
