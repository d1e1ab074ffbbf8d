package basic

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic/password"
	"github.com/cardea-go/auth/throttle"
)

var errOtherUser = errors.New("basic: Users returned a user of another name than it was asked for")

// outcome is what a guess came to, for everybody who made it at the same time.
type outcome struct {
	verdict password.Verdict
	wait    throttle.Decision
	err     error
}

// guess is one request's view of a guess.
type guess struct {
	name, password string
	addr           netip.Addr
	user           User
	known, active  bool   // there is such a user; it may log in with a password
	stored         string // the user's hash, or a decoy
}

// Verify returns the principal behind a user name and a password that came from addr. It is [Authenticator.Authenticate]
// without HTTP, under the same limits. The zero addr is one that is not known. The errors are those of an authenticator
// that found its credential: an [*auth.Error].
func (a *Authenticator) Verify(ctx context.Context, name, pw string, addr netip.Addr) (*auth.Principal, error) {
	g := guess{addr: addr}
	var err error
	if g.name, g.password, err = a.prepare(name, pw); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, auth.Unavailable(err)
	}
	// Over the limit the password is not looked at, not even for the cache: the right one is no different.
	if a.c.Throttle != nil {
		if d := a.c.Throttle.Peek(ctx, g.name, addr); !d.Allowed {
			return nil, auth.Throttled(d.RetryAfter)
		}
	}
	if err := a.find(ctx, &g); err != nil {
		return nil, auth.Unavailable(err)
	}
	proof := a.prover.prove(a.c.Realm, g.name, g.password, g.stored)
	if g.active && a.cache.has(proof) {
		return a.principal(g.user)
	}
	out, mine := a.flights.share(ctx, newFlightKey(proof, addr), func() outcome { return a.compute(ctx, g) })
	if !mine && out.err == nil && out.wait.Allowed && !out.verdict.OK {
		out.wait = a.count(ctx, g)
	}
	if err := a.refusal(ctx, g, out); err != nil {
		return nil, err
	}
	if mine {
		a.cache.add(proof)
		a.rehash(ctx, g, out.verdict)
	}
	return a.principal(g.user)
}

// prepare returns name and password in the forms that they are compared in.
func (a *Authenticator) prepare(name, pw string) (canonical, prepared string, err error) {
	if len(name) > MaxNameBytes || len(pw) > password.MaxBytes {
		return "", "", auth.Invalid(auth.ReasonTooLong, nil)
	}
	prepared, err = password.Prepare(pw)
	if err != nil {
		return "", "", auth.Invalid(auth.ReasonMalformed, nil)
	}
	if _, err = password.Prepare(name); err != nil || strings.Contains(name, ":") {
		return "", "", auth.Invalid(auth.ReasonMalformed, nil)
	}
	canonical, err = a.c.Canonical(name)
	if err != nil || canonical == "" {
		return "", "", auth.Invalid(auth.ReasonMalformed, nil)
	}
	return canonical, prepared, nil
}

// find reads the user, and the decoy where there is none that may log in.
func (a *Authenticator) find(ctx context.Context, g *guess) error {
	user, known, err := a.c.Users.Find(ctx, g.name)
	if err != nil {
		return err
	}
	if known && user.Name != g.name {
		return errOtherUser
	}
	g.known = known
	if g.active = known && !user.Disabled && user.PasswordHash != ""; g.active {
		g.user, g.stored = user, user.PasswordHash
		return nil
	}
	if known {
		g.user = user
	}
	g.stored = a.c.Hasher.Decoy(a.mix(), g.name)
	return nil
}

func (a *Authenticator) mix() *password.Mix {
	if m, ok := a.c.Users.(Mixer); ok {
		return m.Mix()
	}
	return nil
}

// compute charges the guess and verifies it.
func (a *Authenticator) compute(ctx context.Context, g guess) outcome {
	var attempt throttle.Attempt
	if a.c.Throttle != nil {
		var d throttle.Decision
		if attempt, d = a.c.Throttle.Reserve(ctx, g.name, g.addr); !d.Allowed {
			return outcome{wait: d}
		}
	}
	v, err := a.c.Hasher.Check(ctx, password.Attempt{
		Username: g.name, Password: g.password, Found: g.active, Stored: g.stored, Mix: a.mix(),
	})
	switch {
	case err != nil:
		attempt.Cancel(ctx)
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			err = errors.Join(errAbandoned, err)
		}
	case v.OK:
		attempt.Succeed(ctx)
	}
	return outcome{verdict: v, err: err, wait: throttle.Decision{Allowed: true}}
}

// count charges a guess that somebody else computed: each of a hundred equal failures is one.
func (a *Authenticator) count(ctx context.Context, g guess) throttle.Decision {
	if a.c.Throttle == nil {
		return throttle.Decision{Allowed: true}
	}
	_, d := a.c.Throttle.Reserve(ctx, g.name, g.addr)
	return d
}

// refusal returns the error that answers an outcome, and nil for a success.
func (a *Authenticator) refusal(ctx context.Context, g guess, out outcome) error {
	switch {
	case errors.Is(out.err, password.ErrBusy):
		return &auth.Error{Kind: auth.KindUnavailable, Reason: ReasonOverloaded, Err: out.err, RetryAfter: time.Second}
	case out.err != nil:
		return auth.Unavailable(out.err)
	case !out.wait.Allowed:
		return auth.Throttled(out.wait.RetryAfter)
	case out.verdict.OK && g.active:
		if err := ctx.Err(); err != nil {
			return auth.Unavailable(err)
		}
		return nil
	}
	e := auth.Invalid(g.reason(out.verdict), nil)
	if g.known {
		e.CredentialID = g.name // for the event; what nobody is called may be a password in the wrong field
	}
	return e
}

// reason is for events only.
func (g guess) reason(v password.Verdict) auth.Reason {
	switch {
	case !g.known:
		return auth.ReasonUnknown
	case g.user.Disabled:
		return auth.ReasonDisabled
	case !g.active:
		return ReasonNoPassword
	case v.BadRecord:
		return ReasonBadRecord
	case v.Truncated:
		return ReasonTruncated
	}
	return auth.ReasonMismatch
}

// rehashTimeout is how long a request waits for the store to take a new hash.
const rehashTimeout = time.Second

// rehash replaces a weak hash after a success. Whatever happens here, the login stands.
func (a *Authenticator) rehash(ctx context.Context, g guess, v password.Verdict) {
	store, ok := a.c.Users.(Rehasher)
	if !ok || !v.NeedsRehash {
		return
	}
	hash, err := a.c.Hasher.Hash(ctx, g.password)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, rehashTimeout)
		defer cancel()
		_, err = store.UpdateHash(ctx, g.name, g.stored, hash)
	}
	if err != nil {
		a.c.OnError(err)
	}
}

func (a *Authenticator) principal(u User) (*auth.Principal, error) {
	subject := u.Subject
	if subject == "" {
		subject = u.Name
	}
	return auth.NewPrincipal(auth.PrincipalConfig{
		Subject: subject, Scheme: a.c.Name, Scopes: u.Scopes, Roles: u.Roles, Tenant: u.Tenant,
		AuthenticatedAt: a.c.Clock(), Data: u.Data,
	})
}
