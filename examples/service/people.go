package main

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/http"
	"regexp"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/oauth2/server"
	"github.com/cardea-go/auth/throttle"
)

// people is the table of users. It is a [basic.Users].
type people struct {
	db     *sql.DB
	hasher *password.Hasher
	logins *throttle.Logins // one count of guesses, whichever door they come to
}

type account struct {
	Name     string `json:"name"`
	Admin    bool   `json:"admin"`
	Disabled bool   `json:"disabled"`
	hash     string
}

const maxPeople = 10_000

func newPeople(db *sql.DB) (*people, error) {
	p := &people{db: db}
	var err error
	if p.hasher, err = password.New(password.Config{}); err != nil {
		return nil, err
	}
	p.logins, err = throttle.NewLogins(throttle.LoginsConfig{})
	return p, err
}

// Find implements [basic.Users]. A login that nothing narrowed is unlimited; the sessions that it starts are not.
func (p *people) Find(ctx context.Context, name string) (basic.User, bool, error) {
	a, known, err := p.find(ctx, name)
	return basic.User{Name: a.Name, PasswordHash: a.hash, Disabled: a.Disabled, Scopes: auth.Unlimited()}, known, err
}

// find is asked on every request, and never says that there is nobody where it could not look.
func (p *people) find(ctx context.Context, name string) (a account, known bool, err error) {
	err = p.db.QueryRowContext(ctx, "SELECT name, admin, disabled, hash FROM people WHERE name = $1", name).
		Scan(&a.Name, &a.Admin, &a.Disabled, &a.hash)
	if errors.Is(err, sql.ErrNoRows) {
		return account{}, false, nil
	}
	return a, err == nil, err
}

// verify is the password grant's way in. Who does not exist costs the same as who does.
func (p *people) verify(ctx context.Context, name, pw string) (string, error) {
	a, known, err := p.find(ctx, name)
	if err != nil {
		return "", err
	}
	verdict, err := p.hasher.Check(ctx, password.Attempt{Username: name, Password: pw, Found: known && !a.Disabled, Stored: a.hash})
	switch {
	case errors.Is(err, password.ErrUnusable), err == nil && !verdict.OK:
		return "", server.ErrWrongPassword
	case err != nil:
		return "", err
	}
	return a.Name, nil
}

// validName keeps names apart from the subjects of programs, which have a colon.
var validName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)

var (
	errName  = errors.New("a name has 2 to 32 of a-z, 0-9 and -, and begins with a letter")
	errTaken = errors.New("the name is taken")
	errFull  = errors.New("there is room for no more people")
)

// add makes an account and a first team for it, or neither, and returns the team's id. That a name is taken can't be hidden
// from whoever wants to have it.
func (p *people) add(ctx context.Context, name, pw string, admin bool) (team string, err error) {
	if !validName.MatchString(name) {
		return "", errName
	}
	policy := password.Policy{} // 15 characters; for production, set Blocked to a list of leaked passwords
	if err := policy.Check(ctx, pw); err != nil {
		return "", err
	}
	if _, taken, err := p.find(ctx, name); taken || err != nil { // before the work
		return "", cmp.Or(err, errTaken)
	}
	hash, err := p.hasher.Hash(ctx, pw)
	if err != nil {
		return "", err
	}
	return p.insert(ctx, account{Name: name, Admin: admin, hash: hash})
}

func (p *people) insert(ctx context.Context, a account) (team string, err error) {
	err = within(ctx, p.db, func(tx *sql.Tx) error {
		var all, taken int // meanwhile
		err := tx.QueryRowContext(ctx, "SELECT count(*), count(*) FILTER (WHERE name = $1) FROM people", a.Name).Scan(&all, &taken)
		switch {
		case err != nil:
			return err
		case taken > 0:
			return errTaken
		case all >= maxPeople:
			return errFull
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO people (name, hash, admin) VALUES ($1, $2, $3)", a.Name, a.hash, a.Admin); err != nil {
			return err
		}
		team, err = addTeam(ctx, tx, a.Name+"'s notes", a.Name)
		return err
	})
	return team, err
}

// setDisabled returns errNoSuch where there is no such person.
func (p *people) setDisabled(ctx context.Context, name string, disabled bool) error {
	return changed(p.db.ExecContext(ctx, "UPDATE people SET disabled = $1 WHERE name = $2", disabled, name))
}

func (p *people) all(ctx context.Context) ([]account, error) {
	return list(ctx, p.db, func(a *account) []any { return []any{&a.Name, &a.Admin, &a.Disabled} },
		"SELECT name, admin, disabled FROM people ORDER BY name")
}

// any reports whether there is anybody.
func (p *people) any(ctx context.Context) (found bool, err error) {
	err = p.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM people)").Scan(&found)
	return found, err
}

// signUp is public, and a limit of its own is in front of it: hashing costs.
func (s *service) signUp(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Password string }
	if !readJSON(w, r, &in) {
		return
	}
	_, err := s.people.add(r.Context(), in.Name, in.Password, false)
	switch {
	case errors.Is(err, errTaken):
		http.Error(w, err.Error(), http.StatusConflict)
	case errors.Is(err, errName), errors.Is(err, password.ErrTooShort), errors.Is(err, password.ErrBlocked), errors.Is(err, password.ErrUnusable):
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	default:
		s.answer(w, r, http.StatusCreated, map[string]string{"name": in.Name}, err)
	}
}

// listPeople, disable and enable are the administrators'.
func (s *service) listPeople(w http.ResponseWriter, r *http.Request) {
	all, err := s.people.all(r.Context())
	s.answer(w, r, http.StatusOK, all, err)
}

// disable acts at once: load refuses whatever the person still has, and the sessions end.
func (s *service) disable(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("user")
	if name == principal(r).Subject() {
		http.Error(w, "nobody disables themselves", http.StatusConflict)
		return
	}
	err := s.people.setDisabled(r.Context(), name, true)
	if err == nil {
		_, err = s.tokens.sessions().RevokeSubject(r.Context(), name)
	}
	s.done(w, r, err)
}

func (s *service) enable(w http.ResponseWriter, r *http.Request) {
	s.done(w, r, s.people.setDisabled(r.Context(), r.PathValue("user"), false))
}
