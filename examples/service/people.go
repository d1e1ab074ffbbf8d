package main

import (
	"context"
	"crypto/rand"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic"
	"github.com/cardea-go/auth/basic/password"
)

// people stands for the table of users: their passwords and their roles.
type people struct {
	hasher   *password.Hasher
	users    *basic.Static
	roles    map[string][]string
	password string // alice's, made anew at each start
}

func newPeople(ctx context.Context) (*people, error) {
	p := &people{
		roles:    map[string][]string{"alice": {"member"}, "bob": {"member"}, "root": {"admin"}},
		password: rand.Text(),
	}
	var err error
	if p.hasher, err = password.New(password.Config{}); err != nil {
		return nil, err
	}
	hash, err := p.hasher.Hash(ctx, p.password)
	if err != nil {
		return nil, err
	}
	p.users, err = basic.NewStatic(p.hasher,
		basic.User{Name: "alice", PasswordHash: hash, Scopes: auth.Unlimited()}, // a login of her own: nothing narrows it
		basic.User{Name: "bob"}, // has no password: only keys of his get in
	)
	return p, err
}

// authenticator lets people in by name and password, with a limit on guesses.
func (p *people) authenticator() (*basic.Authenticator, error) {
	return basic.New(basic.Config{Realm: "notes", Users: p.users, Hasher: p.hasher})
}

// load looks up whoever was proved, by key, token or password. The credential says who it is; what they may do is ours to
// say. The tokens are our own, so their subjects are our own users.
func (p *people) load(_ context.Context, who *auth.Principal) (*auth.Principal, error) {
	roles, known := p.roles[who.Subject()]
	if !known {
		return nil, auth.Forbidden(auth.ReasonUnknown, nil)
	}
	return who.Derive(func(c *auth.PrincipalConfig) {
		c.Roles = roles
		if c.Issuer == issuer {
			c.Issuer = ""
		}
	})
}
