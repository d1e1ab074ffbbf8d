package main

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"

	"github.com/cardea-go/auth/rbac"
)

type note struct {
	ID     int    `json:"id"`
	Author string `json:"author"`
	Text   string `json:"text"`
}

const (
	maxNotes = 1000     // of a team
	maxNote  = 16 << 10 // bytes
)

func (s *service) listNotes(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, s.teams.notes(r.PathValue("team")))
}

// notes returns a copy, as everything that is listed is one: whoever reads an answer slowly must not hold the lock.
func (t *teams) notes(id string) []note {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return append([]note{}, t.teams[id].notes...) // whoever is allowed here holds a role in it
}

func (s *service) addNote(w http.ResponseWriter, r *http.Request) {
	var in struct{ Text string }
	if !s.read(w, r, "note:write", &in) {
		return
	}
	if in.Text == "" || len(in.Text) > maxNote {
		http.Error(w, `send {"text": "…"}, up to 16 KiB`, http.StatusUnprocessableEntity)
		return
	}
	n, err := s.teams.addNote(r.PathValue("team"), note{Author: principal(r).Subject(), Text: in.Text})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, n)
}

func (t *teams) addNote(id string, n note) (note, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	team := t.teams[id]
	if len(team.notes) >= maxNotes {
		return note{}, errNoRoom
	}
	t.lastNote++
	n.ID = t.lastNote
	team.notes = append(team.notes, n)
	return n, nil
}

// removeNote is a conditional route: whether a member may depends on whose note it is. Track fails the request should this
// handler forget its second check.
func (s *service) removeNote(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.Atoi(r.PathValue("id"))
	s.done(w, r, s.teams.removeNote(r.PathValue("team"), id, func(n note) error { //nolint:contextcheck // it is r's
		return s.policy.CheckOn(r.Context(), "note:delete", rbac.Resource{ID: strconv.Itoa(n.ID), Tenant: r.PathValue("team"), Owner: n.Author})
	}))
}

func (t *teams) removeNote(id string, n int, check func(note) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	team := t.teams[id]
	i := slices.IndexFunc(team.notes, func(other note) bool { return other.ID == n })
	if i < 0 {
		return cmp.Or(check(note{}), errNoSuch) // only whoever may delete every note learns that there is none
	}
	if err := check(team.notes[i]); err != nil {
		return err
	}
	team.notes = slices.Delete(slices.Clone(team.notes), i, i+1)
	return nil
}
