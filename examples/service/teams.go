package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/rbac"
)

// teams is the tables of what belongs to teams: members, programs, notes. A team is a tenant of the policy: a role counts in
// the team where it is held.
type teams struct{ db *sql.DB }

const (
	maxTeams   = 10_000
	maxMembers = 100
	maxEach    = 20 // teams of one founder, and programs of one team: nobody takes the room of others
)

var (
	errNoSuch    = errors.New("there is no such thing")
	errNoRoom    = errors.New("there is no more room")
	errLastOwner = errors.New("a team keeps one owner")
)

func newID(kind string) string { return kind + "-" + strings.ToLower(rand.Text()[:12]) }

func (t *teams) add(ctx context.Context, name, owner string) (id string, err error) {
	err = within(ctx, t.db, func(tx *sql.Tx) error {
		id, err = addTeam(ctx, tx, name, owner)
		return err
	})
	return id, err
}

func addTeam(ctx context.Context, tx *sql.Tx, name, owner string) (id string, err error) {
	var all, founded int
	err = tx.QueryRowContext(ctx, "SELECT count(*), count(*) FILTER (WHERE founder = $1) FROM teams", owner).Scan(&all, &founded)
	switch {
	case err != nil:
		return "", err
	case founded >= maxEach || all >= maxTeams:
		return "", errNoRoom
	}
	id = newID("team")
	if _, err := tx.ExecContext(ctx, "INSERT INTO teams (id, name, founder) VALUES ($1, $2, $3)", id, name, owner); err != nil {
		return "", err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO members (team, name, role) VALUES ($1, $2, 'owner')", id, owner)
	return id, err
}

// bindings returns what a person is assigned, in all teams.
func (t *teams) bindings(ctx context.Context, name string) (rbac.Bindings, error) {
	return list(ctx, t.db, func(b *rbac.Binding) []any { return []any{&b.Tenant, &b.Role} },
		"SELECT team, role FROM members WHERE name = $1", name)
}

// setMember gives a role to somebody.
func (t *teams) setMember(ctx context.Context, team, name, role string) error {
	return t.changeMembers(ctx, team, `INSERT INTO members (team, name, role) VALUES ($1, $2, $3)
		ON CONFLICT (team, name) DO UPDATE SET role = excluded.role`, team, name, role)
}

// removeMember takes the role of somebody away, who may have had none.
func (t *teams) removeMember(ctx context.Context, team, name string) error {
	return t.changeMembers(ctx, team, "DELETE FROM members WHERE team = $1 AND name = $2", team, name)
}

// changeMembers counts after the change, which is undone where it left too many, or no owner.
func (t *teams) changeMembers(ctx context.Context, team, change string, args ...any) error {
	return within(ctx, t.db, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, change, args...); err != nil {
			return err
		}
		var all, owners int
		err := tx.QueryRowContext(ctx, "SELECT count(*), count(*) FILTER (WHERE role = 'owner') FROM members WHERE team = $1", team).
			Scan(&all, &owners)
		switch {
		case err != nil:
			return err
		case all > maxMembers:
			return errNoRoom
		case owners == 0:
			return errLastOwner
		}
		return nil
	})
}

type teamJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
}

func (s *service) listTeams(w http.ResponseWriter, r *http.Request) {
	all, err := s.teams.of(r.Context(), principal(r).Subject())
	s.answer(w, r, http.StatusOK, all, err)
}

// of returns the teams in which a person or a program has a role.
func (t *teams) of(ctx context.Context, subject string) ([]teamJSON, error) {
	query, holder := "SELECT t.id, t.name, m.role FROM members m JOIN teams t ON t.id = m.team WHERE m.name = $1 ORDER BY t.name, t.id", subject
	if id, ok := programID(subject); ok {
		query, holder = "SELECT t.id, t.name, p.role FROM programs p JOIN teams t ON t.id = p.team WHERE p.id = $1", id
	}
	return list(ctx, t.db, func(t *teamJSON) []any { return []any{&t.ID, &t.Name, &t.Role} }, query, holder)
}

func (s *service) addTeam(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name string }
	if !s.read(w, r, "", &in) {
		return
	}
	owner := principal(r).Subject()
	if _, program := programID(owner); program || in.Name == "" || len(in.Name) > 100 {
		http.Error(w, `people send {"name": "…"}, up to 100 bytes`, http.StatusUnprocessableEntity)
		return
	}
	id, err := s.teams.add(r.Context(), in.Name, owner)
	s.answer(w, r, http.StatusCreated, teamJSON{id, in.Name, "owner"}, err)
}

type memberJSON struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

func (s *service) listMembers(w http.ResponseWriter, r *http.Request) {
	all, err := s.teams.members(r.Context(), r.PathValue("team"))
	s.answer(w, r, http.StatusOK, all, err)
}

func (t *teams) members(ctx context.Context, team string) ([]memberJSON, error) {
	return list(ctx, t.db, func(m *memberJSON) []any { return []any{&m.Name, &m.Role} },
		"SELECT name, role FROM members WHERE team = $1 ORDER BY name", team)
}

func (s *service) putMember(w http.ResponseWriter, r *http.Request) {
	var in struct{ Role string }
	if !s.read(w, r, "team:manage", &in) {
		return
	}
	switch _, known, err := s.people.find(r.Context(), r.PathValue("user")); {
	case err != nil:
		s.fail(w, r, err)
		return
	case !known:
		http.Error(w, "there is nobody of that name", http.StatusNotFound)
		return
	}
	if !s.mayGive(w, r, in.Role) {
		return
	}
	s.done(w, r, s.teams.setMember(r.Context(), r.PathValue("team"), r.PathValue("user"), in.Role))
}

func (s *service) removeMember(w http.ResponseWriter, r *http.Request) {
	s.done(w, r, s.teams.removeMember(r.Context(), r.PathValue("team"), r.PathValue("user")))
}

// mayGive answers, and returns false, where the caller does not have all that the role allows: nobody gives away more than
// they hold, and the scopes of their token or key count.
func (s *service) mayGive(w http.ResponseWriter, r *http.Request, role string) bool {
	subject, err := s.policy.Subject(r.Context())
	switch {
	case err != nil:
		s.fail(w, r, err)
	case !slices.Contains([]string{"reader", "member", "owner"}, role):
		http.Error(w, "a role is reader, member or owner", http.StatusUnprocessableEntity)
	case !subject.Covers(rbac.Binding{Role: role, Tenant: subject.Tenant()}):
		middleware.Refuse(w, r, auth.Forbidden(auth.ReasonNotAllowed, nil))
	default:
		return true
	}
	return false
}
