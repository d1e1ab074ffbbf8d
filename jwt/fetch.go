package jwt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-go/auth/internal/discovery"
	"github.com/cardea-go/auth/internal/jose"
)

// Errors of fetching keys. They are for logs: what the other end sent is not in their texts.
var (
	errTooLarge = fmt.Errorf("jwt: keys: response of more than %d bytes", JWKSBytes)
	errNoKeys   = errors.New("jwt: keys: response without a key that can be used")
	errTooMany  = fmt.Errorf("jwt: keys: response with more than %d keys", MaxKeys)
	errMetadata = errors.New("jwt: keys: metadata is not a JSON object with issuer and jwks_uri")
	errIssuer   = errors.New("jwt: keys: metadata names another issuer: set Issuer to its issuer member, to the letter, a slash at the end included")
	errLocation = errors.New("jwt: keys: metadata has a jwks_uri that keys must not come from: it must be https://host/path")
	errPanic    = errors.New("jwt: keys: fetching them panicked")
)

// locationError is a failure at an address that the other end sent, and that its text therefore leaves out.
type locationError struct{ cause error }

func (e *locationError) Error() string {
	return "jwt: keys: the request to the jwks_uri of the metadata failed"
}
func (e *locationError) Unwrap() error { return e.cause }

// jitter spreads d by a tenth in both directions, so that many instances do not ask at once.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1) //nolint:gosec // spreads load, keeps no secret
}

// fetch gets the set once, its address first where that has to be found.
func (r *Remote) fetch(ctx context.Context, old *snapshot) (*snapshot, error) {
	location := r.c.URL
	if r.c.Issuer != "" {
		var err error
		if location, err = r.discover(ctx); err != nil {
			return nil, err
		}
	}
	etag := ""
	if old != nil && old.location == location {
		etag = old.etag
	}
	body, header, err := r.get(ctx, location, etag)
	if _, ok := errors.AsType[*url.Error](err); ok && r.c.Issuer != "" {
		return nil, &locationError{err}
	}
	if err != nil {
		return nil, err
	}
	s := &snapshot{location: location, etag: header.Get("ETag")}
	if body == nil { // 304
		s.set, s.skipped, s.etag = old.set, old.skipped, old.etag
	} else if s.set, s.skipped, err = usableKeys(string(body), r.rsa); err != nil {
		return nil, err
	}
	s.refreshAt = r.c.Clock().Add(min(jitter(r.freshness(header)), r.c.Expire-r.c.Expire/10))
	return s, nil
}

// get makes a request. A nil body without an error is a 304.
//
//nolint:gosec // the address is the configuration's or its issuer's, and checked
func (r *Remote) get(ctx context.Context, address, etag string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, nil, errors.New("jwt: keys: address that is not a URL")
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, nil, fmt.Errorf("jwt: keys: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusNotModified && etag != "":
		return nil, res.Header, nil
	case res.StatusCode != http.StatusOK:
		return nil, nil, fmt.Errorf("jwt: keys: status %d, want 200 (redirects are not followed)", res.StatusCode)
	case res.ContentLength > JWKSBytes:
		return nil, nil, errTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, JWKSBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("jwt: keys: reading: %w", err)
	}
	if len(body) > JWKSBytes {
		return nil, nil, errTooLarge
	}
	return body, res.Header, nil
}

// freshness returns how long an answer is fresh: its max-age where it has one, within bounds, and Refresh otherwise.
func (r *Remote) freshness(h http.Header) time.Duration {
	for field := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if !strings.EqualFold(name, "max-age") {
			continue
		}
		if seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31); err == nil {
			return min(max(time.Duration(seconds)*time.Second, minRefresh), maxRefresh, r.c.Expire)
		}
	}
	if at, err := http.ParseTime(h.Get("Expires")); err == nil && h.Get("Cache-Control") == "" {
		return min(max(at.Sub(r.c.Clock()), minRefresh), maxRefresh, r.c.Expire)
	}
	return r.c.Refresh
}

// usableKeys reads a set from elsewhere: what can't be used is skipped, not an error, because issuers publish keys for
// other purposes and of future kinds beside ours. So is a key that comes twice, and one without a name beside others of
// its algorithm, which no token can choose. Two different keys of one name are an error, since nobody could say which is
// meant.
func usableKeys(text string, rsaAlg jose.Alg) (set *KeySet, skipped int, err error) {
	entries, isSet, err := splitJWKS(text)
	if err != nil || !isSet {
		return nil, 0, errJWKS
	}
	if len(entries) > MaxKeys {
		return nil, 0, errTooMany
	}
	var keys []*PublicKey
	for _, entry := range entries {
		k, err := parsePublicJWK(entry, rsaAlg)
		if err != nil {
			continue
		}
		keys = append(keys, k)
	}
	keys = selectable(keys)
	skipped = len(entries) - len(keys)
	if len(keys) == 0 {
		return nil, skipped, errNoKeys
	}
	set, err = NewKeySet(keys...)
	return set, skipped, err
}

// selectable leaves out repeated keys, and keys without a name beside others of their algorithm.
func selectable(keys []*PublicKey) []*PublicKey {
	type name struct{ id, alg, thumbprint string }
	seen := make(map[name]bool)
	keys = slices.DeleteFunc(keys, func(k *PublicKey) bool {
		n := name{k.ID(), k.k.Alg.String(), k.Thumbprint()}
		twice := seen[n]
		seen[n] = true
		return twice
	})
	perAlg := make(map[jose.Alg]int)
	for _, k := range keys {
		perAlg[k.k.Alg]++
	}
	return slices.DeleteFunc(keys, func(k *PublicKey) bool { return k.ID() == "" && perAlg[k.k.Alg] > 1 })
}

// discover finds the address of the set in the issuer's metadata.
func (r *Remote) discover(ctx context.Context) (string, error) {
	var errs []error
	for _, address := range discovery.Addresses(r.c.Issuer) {
		body, _, err := r.get(ctx, address, "")
		var location string
		if err == nil {
			location, err = r.readMetadata(body)
		}
		if err == nil {
			return location, nil
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

func (r *Remote) readMetadata(body []byte) (string, error) {
	var issuer, location string
	o := jose.NewObject(string(body), true)
	for o.Next() {
		switch o.Name {
		case "issuer":
			issuer, _ = o.Value.String()
		case "jwks_uri":
			location, _ = o.Value.String()
		}
	}
	if o.Err() != nil || location == "" {
		return "", errMetadata
	}
	// RFC 8414 §3.3: "identical to the authorization server's issuer identifier value".
	if issuer != r.c.Issuer {
		return "", errIssuer
	}
	if r.c.checkURL(location) != nil {
		return "", errLocation
	}
	return location, nil
}
