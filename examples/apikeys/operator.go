package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
)

// What follows the service does itself: Keys asks nobody's leave, where Keys.For(principal) and Keys.Handler do.

// rotateAll gives each key of the subject a successor. The old keys go on for a day, so that programs can be changed one
// after the other. After a leak the overlap would be 0.
func (s *service) rotateAll(ctx context.Context, subject string) (map[string]apikey.Secret, error) {
	var ids []string
	for after := ""; ; { // all pages before the first change: successors would be on the later ones
		page, err := s.keys.List(ctx, "", subject, after, apikey.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, record := range page.Records {
			ids = append(ids, record.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	successors := map[string]apikey.Secret{}
	for _, id := range ids {
		issued, err := s.keys.Rotate(ctx, id, 24*time.Hour)
		if errors.Is(err, apikey.ErrState) {
			continue // revoked, ended, or rotated before
		}
		if err != nil {
			return successors, err // what was made so far is in force: don't lose it
		}
		successors[id] = issued.Secret
	}
	return successors, nil
}

// revokeLeaks revokes each key of ours that is in text, and returns how many there were. It reads a stream of any length:
// a repository's history, a log, a paste.
func (s *service) revokeLeaks(ctx context.Context, text io.Reader) (int, error) {
	revoked := 0
	for leak, err := range s.keys.Scan(text) {
		if err != nil {
			return revoked, err
		}
		// Anybody can write a text that looks like a key of somebody else's: the secret in it has to be right.
		_, err := s.keys.RevokeLeaked(ctx, leak.Secret.Reveal(), "leaked")
		switch {
		case err == nil:
			revoked++
		case auth.KindOf(err) == auth.KindUnavailable:
			return revoked, err
		}
	}
	return revoked, nil
}

func (s *service) reportLeak(w http.ResponseWriter, r *http.Request) {
	// For production, put throttle.NewMiddleware in front: each look-alike costs a look-up.
	revoked, err := s.revokeLeaks(r.Context(), http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		log.Print(err)
		http.Error(w, "the report was not taken whole; try again", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "revoked %d\n", revoked)
}
