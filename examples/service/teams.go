package main

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/middleware"
	"github.com/cardea-go/auth/oauth2/server"
	"github.com/cardea-go/auth/rbac"
)

// teams stands for the tables of what belongs to teams. A team is a tenant of the policy: a role counts in the team where it
// is held. Programs are its machine clients, which hold one role in one team.
type teams struct {
	mu       sync.RWMutex
	teams    map[string]*team
	programs map[string]program // by client id
	lastNote int
}

type team struct {
	ID   string
	Name string

	founder string            // whose room it takes
	members map[string]string // roles by name
	notes   []note
}

type program struct {
	ID   string `json:"client_id"`
	Name string `json:"name"`
	Role string `json:"role"`

	team   string
	client *server.Client
}

const (
	maxTeams    = 10_000
	maxPrograms = 10_000
	maxMembers  = 100
	maxEach     = 20 // teams of one founder, and programs of one team: nobody takes the room of others
)

var (
	errNoSuch    = errors.New("there is no such thing")
	errNoRoom    = errors.New("there is no more room")
	errLastOwner = errors.New("a team keeps one owner")
)

func newTeams() *teams { return &teams{teams: map[string]*team{}, programs: map[string]program{}} }

func newID(kind string) string { return kind + "-" + strings.ToLower(rand.Text()[:12]) }

func (t *teams) add(name, owner string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	founded := 0
	for _, other := range t.teams {
		if other.founder == owner {
			founded++
		}
	}
	if founded >= maxEach || len(t.teams) >= maxTeams {
		return "", errNoRoom
	}
	id := newID("team")
	t.teams[id] = &team{ID: id, Name: name, founder: owner, members: map[string]string{owner: "owner"}}
	return id, nil
}

// bindings returns what a person is assigned, in all teams.
func (t *teams) bindings(name string) rbac.Bindings {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var all rbac.Bindings
	for id, team := range t.teams {
		if role, ok := team.members[name]; ok {
			all = append(all, rbac.Binding{Role: role, Tenant: id})
		}
	}
	return all
}

func (t *teams) program(id string) (program, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	p, ok := t.programs[id]
	return p, ok
}

// setMember gives a role to somebody, or takes it away where the role is "".
func (t *teams) setMember(id, name, role string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	team, ok := t.teams[id]
	if !ok {
		return errNoSuch
	}
	next := maps.Clone(team.members)
	if next[name] = role; role == "" {
		delete(next, name)
	}
	switch {
	case len(next) > maxMembers:
		return errNoRoom
	case !slices.Contains(slices.Collect(maps.Values(next)), "owner"):
		return errLastOwner
	}
	team.members = next
	return nil
}

type teamJSON struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
}

func (s *service) listTeams(w http.ResponseWriter, r *http.Request) {
	list := []teamJSON{}
	bindings, _ := auth.Data[rbac.Bindings](principal(r))
	s.teams.mu.RLock()
	for _, b := range bindings {
		if team := s.teams.teams[b.Tenant]; team != nil {
			list = append(list, teamJSON{team.ID, team.Name, b.Role})
		}
	}
	s.teams.mu.RUnlock()
	slices.SortFunc(list, func(a, b teamJSON) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	writeJSON(w, http.StatusOK, list)
}

func (s *service) addTeam(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name string }
	if !s.read(w, r, "", &in) {
		return
	}
	owner := principal(r).Subject()
	if _, person := s.people.find(owner); !person || in.Name == "" || len(in.Name) > 100 {
		http.Error(w, `people send {"name": "…"}, up to 100 bytes`, http.StatusUnprocessableEntity)
		return
	}
	id, err := s.teams.add(in.Name, owner)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, teamJSON{id, in.Name, "owner"})
}

type memberJSON struct {
	Name string `json:"name"`
	Role string `json:"role"`
}

func (s *service) listMembers(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, s.teams.members(r.PathValue("team")))
}

func (t *teams) members(id string) []memberJSON {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := []memberJSON{}
	for name, role := range t.teams[id].members { // whoever is allowed here holds a role in it
		list = append(list, memberJSON{name, role})
	}
	slices.SortFunc(list, func(a, b memberJSON) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func (s *service) putMember(w http.ResponseWriter, r *http.Request) {
	var in struct{ Role string }
	if !s.read(w, r, "team:manage", &in) {
		return
	}
	if _, ok := s.people.find(r.PathValue("user")); !ok {
		http.Error(w, "there is nobody of that name", http.StatusNotFound)
		return
	}
	if !s.mayGive(w, r, in.Role) {
		return
	}
	s.done(w, r, s.teams.setMember(r.PathValue("team"), r.PathValue("user"), in.Role))
}

func (s *service) removeMember(w http.ResponseWriter, r *http.Request) {
	s.done(w, r, s.teams.setMember(r.PathValue("team"), r.PathValue("user"), ""))
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

// listPrograms, addProgram and removeProgram are for machine clients: they get tokens for themselves, by client credentials.
func (s *service) listPrograms(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, s.teams.programsOf(r.PathValue("team")))
}

func (t *teams) programsOf(id string) []program {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := []program{}
	for _, p := range t.programs {
		if p.team == id {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b program) int { return strings.Compare(a.ID, b.ID) })
	return list
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
	p, secret, err := s.newProgram(in.Name, in.Role, r.PathValue("team"))
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusCreated, struct {
		program
		Secret string `json:"client_secret"` // here and nowhere else
	}{p, secret.Reveal()})
}

func (s *service) newProgram(name, role, team string) (program, server.Secret, error) {
	secret, hash := server.NewSecret()
	client, err := s.tokens.newProgram(newID("program"), hash)
	if err != nil {
		return program{}, server.Secret{}, err
	}
	p := program{ID: client.ID(), Name: name, Role: role, team: team, client: client}
	return p, secret, s.teams.addProgram(p)
}

func (t *teams) addProgram(p program) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	siblings := 0
	for _, other := range t.programs {
		if other.team == p.team {
			siblings++
		}
	}
	if siblings >= maxEach || len(t.programs) >= maxPrograms {
		return errNoRoom
	}
	t.programs[p.ID] = p
	return nil
}

// removeProgram acts at once: load refuses the tokens that are still out.
func (s *service) removeProgram(w http.ResponseWriter, r *http.Request) {
	s.done(w, r, s.teams.removeProgram(r.PathValue("team"), r.PathValue("client")))
}

func (t *teams) removeProgram(team, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.programs[id].team != team { // somebody else's looks like none
		return errNoSuch
	}
	delete(t.programs, id)
	return nil
}

// Client implements [server.ClientSource] for programs.
func (t *teams) Client(_ context.Context, id string) (*server.Client, error) {
	if p, ok := t.program(id); ok {
		return p.client, nil
	}
	return nil, server.ErrUnknownClient
}
