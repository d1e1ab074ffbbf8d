package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/cardea-go/auth"
)

// note is one note. The owner is a party, which issuer and subject name together.
type note struct {
	ID    int    `json:"id"`
	Owner string `json:"owner"`
	Text  string `json:"text"`

	issuer string
}

func (n note) ownedBy(p *auth.Principal) bool {
	return n.Owner == p.Subject() && n.issuer == p.Issuer()
}

const (
	maxBody  = 16 << 10
	maxNotes = 1000
)

// notebook keeps the notes in memory. It is safe for concurrent use.
type notebook struct {
	mu    sync.Mutex
	last  int
	notes []note
}

func newNotebook() *notebook { return &notebook{} }

// principal returns who is behind r. Every route that asks is behind a guard that proved one.
func principal(r *http.Request) *auth.Principal {
	p, _ := auth.FromContext(r.Context())
	return p
}

func (b *notebook) list(w http.ResponseWriter, r *http.Request) {
	p := principal(r)
	writeJSON(w, http.StatusOK, b.where(func(n note) bool { return n.ownedBy(p) }))
}

func (b *notebook) listAll(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, b.where(func(note) bool { return true }))
}

func (b *notebook) show(w http.ResponseWriter, r *http.Request) {
	found := b.where(ownAndAsked(r))
	if len(found) == 0 {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, found[0])
}

func (b *notebook) add(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Text string `json:"text"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	if err := decoder.Decode(&in); err != nil || in.Text == "" {
		http.Error(w, `send {"text": "…"}, up to 16 KiB`, http.StatusBadRequest)
		return
	}
	p := principal(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.notes) >= maxNotes {
		http.Error(w, "the notebook is full", http.StatusInsufficientStorage)
		return
	}
	b.last++
	n := note{ID: b.last, Owner: p.Subject(), Text: in.Text, issuer: p.Issuer()}
	b.notes = append(b.notes, n)
	writeJSON(w, http.StatusCreated, n)
}

func (b *notebook) remove(w http.ResponseWriter, r *http.Request) {
	asked := ownAndAsked(r)
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, n := range b.notes {
		if asked(n) {
			b.notes = append(b.notes[:i:i], b.notes[i+1:]...)
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	http.NotFound(w, r)
}

// ownAndAsked matches the note that the path names, if it is the caller's: somebody else's looks like none.
func ownAndAsked(r *http.Request) func(note) bool {
	p := principal(r)
	id, err := strconv.Atoi(r.PathValue("id"))
	return func(n note) bool { return err == nil && n.ID == id && n.ownedBy(p) }
}

func (b *notebook) where(match func(note) bool) []note {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []note{}
	for _, n := range b.notes {
		if match(n) {
			found = append(found, n)
		}
	}
	return found
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the status is out; a client that has gone away is no error of ours
}
