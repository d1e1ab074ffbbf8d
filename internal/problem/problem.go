// Package problem writes the answers to refused requests: application/problem+json (RFC 9457).
package problem

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Write answers with status and detail, which may be "". Both are shown to the client.
func Write(w http.ResponseWriter, status int, detail string) {
	body, _ := json.Marshal(struct { // plain strings and a number can't fail
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
	}{"about:blank", http.StatusText(status), status, detail})
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that has gone away is no error of ours
}

// RetryAfter writes a delay as RFC 9110 §10.2.3 has it: whole seconds, rounded up, at least one.
func RetryAfter(d time.Duration) string {
	seconds := d / time.Second
	if d%time.Second > 0 {
		seconds++
	}
	return strconv.FormatInt(max(1, int64(seconds)), 10)
}
