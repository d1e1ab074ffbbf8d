package password

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"
)

// A Policy says which passwords may be set. It is not asked at login. As NIST SP 800-63B-4 §3.1.1.2 has it, there are no
// rules of composition and no forced changes.
type Policy struct {
	// MinLength is in code points after normalization. 0 is 15, for passwords that are the only factor; 8 is the least.
	MinLength int
	// Blocked reports whether a password is too common or known from a breach. It gets the prepared password. A
	// service that is asked over the network should hear a prefix of its digest only, with a timeout.
	// Nil blocks nothing.
	Blocked func(ctx context.Context, password string) (bool, error)
	// AllowUnchecked accepts a password where Blocked returns an error. By default that is an error.
	AllowUnchecked bool
}

// What is wrong with a password. Unlike other texts of this package they are for the person who chose it.
var (
	ErrTooShort = errors.New("the password is too short")
	ErrBlocked  = errors.New("the password is too common, or known from a breach")
)

const (
	defaultMinLength = 15
	leastMinLength   = 8
)

// Check returns nil where password may be set: otherwise [ErrUnusable], [ErrTooShort], [ErrBlocked], or the error of
// Blocked, wrapped.
func (p Policy) Check(ctx context.Context, password string) error {
	prepared, err := Prepare(password)
	if err != nil {
		return err
	}
	least := max(p.MinLength, leastMinLength)
	if p.MinLength == 0 {
		least = defaultMinLength
	}
	if utf8.RuneCountInString(prepared) < least {
		return ErrTooShort
	}
	if p.Blocked == nil {
		return nil
	}
	blocked, err := p.Blocked(ctx, prepared)
	switch {
	case err != nil && p.AllowUnchecked:
		return nil
	case err != nil:
		return fmt.Errorf("password: could not look the password up: %w", err)
	case blocked:
		return ErrBlocked
	}
	return nil
}
