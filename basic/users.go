package basic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic/password"
)

// A User is an account that may log in with a password.
type User struct {
	// Name is the user's name in its canonical form, as [Users] was asked for it. Required.
	Name string
	// Subject is what the principal is called. "" is Name. Set it where names can change hands.
	Subject string
	// PasswordHash is the stored hash. "" is no password: nobody gets in with one. It is left out wherever a User is
	// printed, logged or written as JSON.
	PasswordHash string `json:"-"`
	// Disabled users are refused as with a wrong password.
	Disabled bool
	// Scopes of the principal. The zero set is no scope, and every route that asks for one refuses; for a person it is
	// usually [auth.Unlimited], a login that nothing narrowed.
	Scopes auth.ScopeSet
	// Roles and Tenant of the principal.
	Roles  []string
	Tenant string
	// Data is found with auth.Data in the principal.
	Data any
}

// Format prints the user's name, under every verb.
func (u User) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "user(%q)", u.Name) }

// LogValue returns name and subject.
func (u User) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", u.Name), slog.String("subject", u.Subject), slog.Bool("disabled", u.Disabled))
}

// Users finds users by name. It is asked on every request, so that what changes there acts at once. It must be safe for
// concurrent use, and should take the same time whether or not a name exists.
//
// A store implements [Mixer] so that unknown names are not told by the time they take, and [Rehasher] so that old
// hashes are replaced.
type Users interface {
	// Find returns the user of this canonical name, and false where nobody has it. An error means that it can't be
	// told now.
	Find(ctx context.Context, name string) (User, bool, error)
}

// UsersFunc is a [Users] made of a function.
type UsersFunc func(ctx context.Context, name string) (User, bool, error)

// Find implements [Users].
func (f UsersFunc) Find(ctx context.Context, name string) (User, bool, error) { return f(ctx, name) }

// A Mixer is a [Users] that knows what its hashes look like.
type Mixer interface {
	// Mix returns the mix of the store's hashes, made by the hasher that verifies them. It must be cheap. Nil is
	// as new hashes.
	Mix() *password.Mix
}

// A Rehasher is a [Users] whose hashes can be replaced.
type Rehasher interface {
	// UpdateHash replaces the user's hash where it still is oldHash, as one atomic step, and reports whether it did: a
	// password that was changed meanwhile stays.
	UpdateHash(ctx context.Context, name, oldHash, newHash string) (bool, error)
}

// Static is a [Users] of a fixed list. It is immutable and safe for concurrent use.
type Static struct {
	users map[string]User
	mix   *password.Mix
}

// NewStatic returns the list of users given, whose hashes h can verify. It reports every mistake at once, without
// hashes.
func NewStatic(h *password.Hasher, users ...User) (*Static, error) {
	if h == nil {
		return nil, errors.New("basic: NewStatic without a hasher: give it the one of Config.Hasher")
	}
	var errs []error
	s := &Static{users: make(map[string]User, len(users))}
	for i, u := range users {
		if err := validateUser(h, u); err != nil {
			errs = append(errs, fmt.Errorf("basic: NewStatic: user %d, %q: %w", i+1, u.Name, err))
		}
		if _, twice := s.users[u.Name]; twice {
			errs = append(errs, fmt.Errorf("basic: NewStatic: user %d: the name %q is there twice", i+1, u.Name))
		}
		u.Roles = slices.Clone(u.Roles)
		s.users[u.Name] = u
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	hashes := make([]string, 0, len(users))
	for _, u := range users {
		hashes = append(hashes, u.PasswordHash)
	}
	s.mix = h.NewMix(slices.Values(hashes))
	return s, nil
}

func validateUser(h *password.Hasher, u User) error {
	name, err := CanonicalName(u.Name)
	if err != nil {
		return err
	}
	if name != u.Name {
		return fmt.Errorf("the name %q is not in normalization form C: write it as %q", u.Name, name)
	}
	if u.PasswordHash == "" {
		return nil
	}
	if err := h.Valid(u.PasswordHash); err != nil {
		return fmt.Errorf("%w: store what Hasher.Hash returns", err)
	}
	return nil
}

// Find implements [Users].
func (s *Static) Find(_ context.Context, name string) (User, bool, error) {
	u, ok := s.users[name]
	return u, ok, nil
}

// Mix implements [Mixer].
func (s *Static) Mix() *password.Mix { return s.mix }
