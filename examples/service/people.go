package main

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/oauth2/server"
	"github.com/cardea-go/auth/throttle"
)

// people stands for the table of users. It is a [basic.Users].
type people struct {
	hasher *password.Hasher
	logins *throttle.Logins // one count of guesses, whichever door they come to

	mu       sync.RWMutex
	accounts map[string]account
}

type account struct {
	Name     string `json:"name"`
	Admin    bool   `json:"admin"`
	Disabled bool   `json:"disabled"`
	hash     string
}

const maxPeople = 10_000

func newPeople() (*people, error) {
	p := &people{accounts: map[string]account{}}
	var err error
	if p.hasher, err = password.New(password.Config{}); err != nil {
		return nil, err
	}
	p.logins, err = throttle.NewLogins(throttle.LoginsConfig{})
	return p, err
}

// Find implements [basic.Users]. A login that nothing narrowed is unlimited; the sessions that it starts are not.
func (p *people) Find(_ context.Context, name string) (basic.User, bool, error) {
	a, ok := p.find(name)
	return basic.User{Name: a.Name, PasswordHash: a.hash, Disabled: a.Disabled, Scopes: auth.Unlimited()}, ok, nil
}

func (p *people) find(name string) (account, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	a, ok := p.accounts[name]
	return a, ok
}

// verify is the password grant's way in. Who does not exist costs the same as who does.
func (p *people) verify(ctx context.Context, name, pw string) (string, error) {
	a, known := p.find(name)
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

// add makes an account. That a name is taken can't be hidden from whoever wants to have it.
func (p *people) add(ctx context.Context, name, pw string, admin bool) error {
	if !validName.MatchString(name) {
		return errName
	}
	policy := password.Policy{} // 15 characters; for production, set Blocked to a list of leaked passwords
	if err := policy.Check(ctx, pw); err != nil {
		return err
	}
	if _, taken := p.find(name); taken {
		return errTaken
	}
	hash, err := p.hasher.Hash(ctx, pw)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch _, taken := p.accounts[name]; { // meanwhile
	case taken:
		return errTaken
	case len(p.accounts) >= maxPeople:
		return errFull
	}
	p.accounts[name] = account{Name: name, Admin: admin, hash: hash}
	return nil
}

// setDisabled reports whether there is such a person.
func (p *people) setDisabled(name string, disabled bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.accounts[name]
	if ok {
		a.Disabled = disabled
		p.accounts[name] = a
	}
	return ok
}

func (p *people) all() []account {
	p.mu.RLock()
	defer p.mu.RUnlock()
	list := make([]account, 0, len(p.accounts))
	for _, a := range p.accounts {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b account) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// signUp makes an account and a first team for it. It is public, and a limit of its own is in front of it: hashing costs.
func (s *service) signUp(w http.ResponseWriter, r *http.Request) {
	var in struct{ Name, Password string }
	if !readJSON(w, r, &in) {
		return
	}
	err := s.people.add(r.Context(), in.Name, in.Password, false)
	switch {
	case errors.Is(err, errTaken):
		http.Error(w, err.Error(), http.StatusConflict)
	case errors.Is(err, errName), errors.Is(err, password.ErrTooShort), errors.Is(err, password.ErrBlocked), errors.Is(err, password.ErrUnusable):
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	case err != nil:
		s.fail(w, r, err)
	default:
		if _, err := s.teams.add(in.Name+"'s notes", in.Name); err != nil {
			s.fail(w, r, err)
			return
		}
		writeJSON(w, http.StatusCreated, map[string]string{"name": in.Name})
	}
}

// listPeople, disable and enable are the administrators'.
func (s *service) listPeople(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.people.all())
}

// disable acts at once: load refuses whatever the person still has, and the sessions end.
func (s *service) disable(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("user")
	if name == principal(r).Subject() {
		http.Error(w, "nobody disables themselves", http.StatusConflict)
		return
	}
	if !s.people.setDisabled(name, true) {
		http.NotFound(w, r)
		return
	}
	if _, err := s.tokens.sessions().RevokeSubject(r.Context(), name); err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *service) enable(w http.ResponseWriter, r *http.Request) {
	if !s.people.setDisabled(r.PathValue("user"), false) {
		http.NotFound(w, r)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
