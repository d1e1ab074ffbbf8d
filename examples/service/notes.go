package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strconv"

	"github.com/cardea-go/auth/rbac"
)

type note struct {
	ID     int64  `json:"id"`
	Author string `json:"author"`
	Text   string `json:"text"`
}

const (
	maxNotes = 1000     // of a team
	maxNote  = 16 << 10 // bytes
)

func (s *service) listNotes(w http.ResponseWriter, r *http.Request) {
	all, err := s.teams.notes(r.Context(), r.PathValue("team"))
	s.answer(w, r, http.StatusOK, all, err)
}

func (t *teams) notes(ctx context.Context, team string) ([]note, error) {
	return list(ctx, t.db, func(n *note) []any { return []any{&n.ID, &n.Author, &n.Text} },
		"SELECT id, author, text FROM notes WHERE team = $1 ORDER BY id", team)
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
	n, err := s.teams.addNote(r.Context(), r.PathValue("team"), note{Author: principal(r).Subject(), Text: in.Text})
	s.answer(w, r, http.StatusCreated, n, err)
}

func (t *teams) addNote(ctx context.Context, team string, n note) (note, error) {
	err := within(ctx, t.db, func(tx *sql.Tx) error {
		var count int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM notes WHERE team = $1", team).Scan(&count); err != nil {
			return err
		}
		if count >= maxNotes {
			return errNoRoom
		}
		return tx.QueryRowContext(ctx, "INSERT INTO notes (team, author, text) VALUES ($1, $2, $3) RETURNING id",
			team, n.Author, n.Text).Scan(&n.ID)
	})
	return n, err
}

// removeNote is a conditional route: whether a member may depends on whose note it is. Track fails the request should this
// handler forget its second check.
func (s *service) removeNote(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	team := r.PathValue("team")
	s.done(w, r, s.teams.removeNote(r.Context(), team, id, func(n note) error { //nolint:contextcheck // it is r's
		return s.policy.CheckOn(r.Context(), "note:delete", rbac.Resource{ID: strconv.FormatInt(n.ID, 10), Tenant: team, Owner: n.Author})
	}))
}

// removeNote deletes the very note that check saw: nothing happens to it in between.
func (t *teams) removeNote(ctx context.Context, team string, id int64, check func(note) error) error {
	return within(ctx, t.db, func(tx *sql.Tx) error {
		n := note{ID: id}
		err := tx.QueryRowContext(ctx, "SELECT author FROM notes WHERE team = $1 AND id = $2", team, id).Scan(&n.Author)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return cmp.Or(check(note{}), errNoSuch) // only whoever may delete every note learns that there is none
		case err != nil:
			return err
		}
		if err := check(n); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM notes WHERE id = $1", id)
		return err
	})
}
