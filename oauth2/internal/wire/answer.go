package wire

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Error codes of RFC 6749 §5.2, and of the RFCs named.
const (
	InvalidRequest       = "invalid_request"
	InvalidClient        = "invalid_client"
	InvalidGrant         = "invalid_grant"
	UnauthorizedClient   = "unauthorized_client"
	UnsupportedGrantType = "unsupported_grant_type"
	InvalidScope         = "invalid_scope"
	InvalidTarget        = "invalid_target"          // RFC 8707 §2
	UnsupportedTokenType = "unsupported_token_type"  // RFC 7009 §2.2.1
	InvalidDPoPProof     = "invalid_dpop_proof"      // RFC 9449 §5
	UseDPoPNonce         = "use_dpop_nonce"          // RFC 9449 §8
	AccessDenied         = "access_denied"           // RFC 6749 §4.1.2.1
	Unavailable          = "temporarily_unavailable" // RFC 6749 §4.1.2.1
)

// An Error is a refusal as it is sent. Description is a constant.
type Error struct {
	Status            int
	Code, Description string
	Challenge, Allow  string        // the headers WWW-Authenticate and Allow
	RetryAfter        time.Duration // with 429 and 503
}

// Error implements error, for tests.
func (e *Error) Error() string { return e.Code + ": " + e.Description }

// Bad is invalid_request.
func Bad(description string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: InvalidRequest, Description: description}
}

// UsePOST refuses another method.
func UsePOST() *Error {
	return &Error{Status: http.StatusMethodNotAllowed, Code: InvalidRequest, Description: "use POST", Allow: http.MethodPost}
}

// Fail writes a refusal (RFC 6749 §5.2).
func Fail(w http.ResponseWriter, e *Error) {
	h := w.Header()
	set := func(name, value string) {
		if value != "" {
			h.Set(name, value)
		}
	}
	set("WWW-Authenticate", e.Challenge)
	set("Allow", e.Allow)
	if e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", strconv.Itoa(seconds(e.RetryAfter)))
	}
	JSON(w, e.Status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description,omitempty"`
	}{e.Code, e.Description})
}

// seconds rounds up, to one at least.
func seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }

// Tokens is the answer of RFC 6749 §5.1.
type Tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// JSON writes v. RFC 6749 §5.1: "The authorization server MUST include the HTTP 'Cache-Control' response header field
// with a value of 'no-store' in any response containing tokens".
func JSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // of strings and numbers: can't be
		status, body = http.StatusServiceUnavailable, []byte(`{"error":"temporarily_unavailable"}`)
	}
	h := w.Header()
	NoStore(h)
	values := []string{"application/json", strconv.Itoa(len(body))} // one allocation for all
	h["Content-Type"], h["Content-Length"] = values[0:1:1], values[1:2:2]
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client went away
}

// NoStore keeps an answer out of caches, and from being taken for a page.
func NoStore(h http.Header) {
	v := []string{"no-store", "no-cache", "nosniff"} // one allocation for all
	h["Cache-Control"], h["X-Content-Type-Options"] = v[0:1:1], v[2:3:3]
	h["Pragma"] = v[1:2:2] // RFC 6749 §5.1
}
