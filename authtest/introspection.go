package authtest

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Introspection is a fake introspection endpoint (RFC 7662) with knobs for what real ones do when they fail. The zero
// value knows no token and takes every client. It is an http.Handler and, for tests without a network, an
// http.RoundTripper. It is safe for concurrent use; set the fields before.
type Introspection struct {
	// ClientID and ClientSecret are those of the only client, by Basic or in the form. "" takes every client.
	ClientID, ClientSecret string
	// Before is called with each request before it is answered: it may wait, write an answer of its own, or return false
	// for the usual one. Nil does nothing.
	Before func(w http.ResponseWriter, r *http.Request) (answered bool)

	mu     sync.Mutex
	tokens map[string]map[string]any
	calls  int
	forms  []url.Values
}

// Set makes a token active with the members given; "active" is added unless it is among them. Nil forgets the token.
func (s *Introspection) Set(token string, members map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = make(map[string]map[string]any)
	}
	if members == nil {
		delete(s.tokens, token)
		return
	}
	m := map[string]any{"active": true}
	maps.Copy(m, members)
	s.tokens[token] = m
}

// Calls returns how many requests came in.
func (s *Introspection) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// LastForm returns the form of the newest request, nil where there was none.
func (s *Introspection) LastForm() url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.forms) == 0 {
		return nil
	}
	return s.forms[len(s.forms)-1]
}

// ServeHTTP implements [http.Handler].
func (s *Introspection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	_ = r.ParseForm() // an empty form has no token
	s.mu.Lock()
	s.calls++
	s.forms = append(s.forms, r.PostForm)
	s.mu.Unlock()
	if s.Before != nil && s.Before(w, r) {
		return
	}
	if !s.isClient(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="introspection"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	members := s.tokens[r.PostForm.Get("token")]
	s.mu.Unlock()
	if members == nil {
		members = map[string]any{"active": false}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(members) // a client that has gone away
}

func (s *Introspection) isClient(r *http.Request) bool {
	return s.ClientID == "" || isClient(r, s.ClientID, s.ClientSecret)
}

// isClient reports whether a request whose form is parsed comes from a client, by Basic or by its form.
func isClient(r *http.Request, wantID, wantSecret string) bool {
	id, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Basic "); ok {
		pair, _ := base64.StdEncoding.DecodeString(text)
		a, b, _ := strings.Cut(string(pair), ":")
		id, _ = url.QueryUnescape(a)
		secret, _ = url.QueryUnescape(b)
	}
	return id == wantID && secret == wantSecret
}

// RoundTrip implements [http.RoundTripper] without a network.
func (s *Introspection) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return Do(s, r), nil
}
