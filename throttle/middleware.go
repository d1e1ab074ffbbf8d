package throttle

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// A KeyFunc returns what a request is counted under. An error means that it is not known: all such requests share one
// key.
type KeyFunc func(r *http.Request) (string, error)

// ByAddr returns the [KeyFunc] that counts by the network of the client's address; see [PrefixKey]. Use it with
// auth.PeerAddr, or with auth.ForwardedFor behind proxies.
func ByAddr(addr func(*http.Request) (netip.Addr, error)) KeyFunc {
	return func(r *http.Request) (string, error) {
		a, err := addr(r)
		if err != nil {
			return "", err
		}
		return PrefixKey(a), nil
	}
}

// A MiddlewareConfig configures [NewMiddleware].
type MiddlewareConfig struct {
	// Limiter is charged 1 for each request. Required. Where it returns an error the answer is 503; wrap a limiter
	// that can fail in a [Fallback].
	Limiter Limiter
	// Key is what a request is counted under. Required; see [ByAddr].
	Key KeyFunc
}

// NewMiddleware returns a middleware that charges every request and answers 429 where its key has used up its budget
// (RFC 6585 §4): integer Retry-After, problem+json (RFC 9457), no-store. It is for routes that cost much whoever calls
// them. Failed logins are better counted by what failed: see [Logins] and [Sources].
func NewMiddleware(c MiddlewareConfig) (func(http.Handler) http.Handler, error) {
	var errs []error
	if c.Limiter == nil {
		errs = append(errs, errors.New("throttle: MiddlewareConfig.Limiter is nil: set a Bucket, Backoff or Fallback"))
	}
	if c.Key == nil {
		errs = append(errs, errors.New("throttle: MiddlewareConfig.Key is nil: set ByAddr(auth.PeerAddr) or your own"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			key, err := c.Key(r)
			if err != nil {
				key = unknownKey
			}
			d, err := c.Limiter.Reserve(r.Context(), key, 1)
			switch {
			case err != nil:
				refuse(w, http.StatusServiceUnavailable, Decision{RetryAfter: time.Second})
			case !d.Allowed:
				refuse(w, http.StatusTooManyRequests, d)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}, nil
}

// unknownKey is what PrefixKey returns for an address that is not valid.
var unknownKey = PrefixKey(netip.Addr{})

func refuse(w http.ResponseWriter, status int, d Decision) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", strconv.Itoa(d.Seconds()))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"title":"`+http.StatusText(status)+`","status":`+strconv.Itoa(status)+"}\n")
}
