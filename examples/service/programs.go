package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strings"

	"github.com/cardea-go/auth/oauth2/server"
)

// program is a machine client: it gets tokens for itself, by client credentials. It holds one role in one team.
type program struct {
	ID   string `json:"client_id"`
	Name string `json:"name"`
	Role string `json:"role"`

	team   string
	secret server.SecretHash
}

const maxPrograms = 10_000

// programID returns the client id of a subject, and false for a person's, which has no colon.
func programID(subject string) (string, bool) { return strings.CutPrefix(subject, "client:") }

const programColumns = "id, name, role, team, secret"

func (p *program) columns() []any { return []any{&p.ID, &p.Name, &p.Role, &p.team, &p.secret} }

// program is asked for each token that a program wants, and on each request that it comes with.
func (t *teams) program(ctx context.Context, id string) (p program, known bool, err error) {
	err = t.db.QueryRowContext(ctx, "SELECT "+programColumns+" FROM programs WHERE id = $1", id).Scan(p.columns()...)
	if errors.Is(err, sql.ErrNoRows) {
		return program{}, false, nil
	}
	return p, err == nil, err
}

func (s *service) listPrograms(w http.ResponseWriter, r *http.Request) {
	all, err := s.teams.programs(r.Context(), r.PathValue("team"))
	s.answer(w, r, http.StatusOK, all, err)
}

func (t *teams) programs(ctx context.Context, team string) ([]program, error) {
	return list(ctx, t.db, (*program).columns, "SELECT "+programColumns+" FROM programs WHERE team = $1 ORDER BY id", team)
}

func (s *service) addProgram(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Role string }
	if !s.read(w, r, "team:manage", &in) {
		return
	}
	if in.Name == "" || len(in.Name) > 100 || in.Role == "owner" {
		http.Error(w, `send {"name": "…", "role": "reader"}, or member: programs own nothing`, http.StatusUnprocessableEntity)
		return
	}
	if !s.mayGive(w, r, in.Role) {
		return
	}
	p, secret, err := s.teams.addProgram(r.Context(), in.Name, in.Role, r.PathValue("team"))
	s.answer(w, r, http.StatusCreated, struct {
		program
		Secret string `json:"client_secret"` // here and nowhere else: what is kept is its hash
	}{p, secret.Reveal()}, err)
}

func (t *teams) addProgram(ctx context.Context, name, role, team string) (program, server.Secret, error) {
	secret, hash := server.NewSecret()
	p := program{newID("program"), name, role, team, hash}
	return p, secret, within(ctx, t.db, func(tx *sql.Tx) error {
		var all, siblings int
		err := tx.QueryRowContext(ctx, "SELECT count(*), count(*) FILTER (WHERE team = $1) FROM programs", team).Scan(&all, &siblings)
		switch {
		case err != nil:
			return err
		case siblings >= maxEach || all >= maxPrograms:
			return errNoRoom
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO programs ("+programColumns+") VALUES ($1, $2, $3, $4, $5)", p.ID, name, role, team, hash)
		return err
	})
}

// removeProgram acts at once: load refuses the tokens that are still out.
func (s *service) removeProgram(w http.ResponseWriter, r *http.Request) {
	s.done(w, r, s.teams.removeProgram(r.Context(), r.PathValue("team"), r.PathValue("client")))
}

// removeProgram takes somebody else's for none.
func (t *teams) removeProgram(ctx context.Context, team, id string) error {
	return changed(t.db.ExecContext(ctx, "DELETE FROM programs WHERE id = $1 AND team = $2", id, team))
}
