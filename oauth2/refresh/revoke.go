package refresh

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/jwt"
)

// revokeTries is how often a revocation starts over because the grant was changed meanwhile. Each failure is a refresh
// that succeeded, and a grant has one current token, so that a few are plenty.
const revokeTries = 64

// Revoke ends the session that a refresh token belongs to, whether the token is current or spent: logout. A token that
// is forged, unknown or another client's changes nothing and is no error (RFC 7009 §2.2); "" is [Config.Client].
//
// Once it has returned nil, no refresh token of the session is accepted any more, even one whose issue was under way.
// An error, which has [auth.KindUnavailable], says that the session may live on.
func (i *Issuer) Revoke(ctx context.Context, token, client string) error {
	if client == "" {
		client = i.c.Client
	}
	t, ok := parseToken(token)
	if !ok {
		return nil
	}
	g, err := i.find(ctx, t.id)
	if errors.Is(err, ErrInvalid) {
		return nil
	}
	if err != nil {
		return i.report(ctx, Grant{}, err)
	}
	st, err := decodeState(g)
	if err != nil {
		return i.report(ctx, g, auth.Unavailable(err))
	}
	if g.Client != client || !t.authentic(i.keys, st) {
		return nil
	}
	return i.RevokeSession(ctx, g.ID)
}

// RevokeSession ends a session; one that is unknown or has ended is no error. See [Issuer.Revoke].
func (i *Issuer) RevokeSession(ctx context.Context, id GrantID) error {
	if err := i.revoke(ctx, id, ReasonLogout); err != nil {
		return i.report(ctx, Grant{ID: id}, err)
	}
	return nil
}

// revoke leaves a tombstone: the grant, marked. It competes with refreshes for the same record, so that both can't win.
func (i *Issuer) revoke(ctx context.Context, id GrantID, why auth.Reason) error {
	for range revokeTries {
		g, err := i.find(ctx, id)
		if errors.Is(err, ErrInvalid) {
			return nil
		}
		if err != nil {
			return err
		}
		st, err := decodeState(g)
		if err != nil {
			return auth.Unavailable(err)
		}
		if st.Revoked != 0 {
			return nil
		}
		next := g
		next.Version++
		st.Revoked, st.Why = max(millis(i.c.Clock()), 1), string(why)
		next.Body = st.encode()
		switch err := i.c.Store.Swap(ctx, g, next); {
		case errors.Is(err, ErrConflict):
			continue
		case errors.Is(err, ErrNotFound):
			return nil
		case err != nil:
			return auth.Unavailable(err)
		}
		i.tell(ctx, g, ReasonLogout)
		return nil
	}
	return auth.Unavailable(ErrConflict)
}

// RevokeSubject ends every session of a subject: after a change of password, or "log out everywhere". It returns how many
// live ones it found. A session that a login starts meanwhile may live on; a refresh can't save one.
func (i *Issuer) RevokeSubject(ctx context.Context, subject string) (int, error) {
	return i.revokeAll(ctx, Query{Subject: subject})
}

// RevokeClient ends every session of a client. See [Issuer.RevokeSubject].
func (i *Issuer) RevokeClient(ctx context.Context, client string) (int, error) {
	return i.revokeAll(ctx, Query{Client: client})
}

func (i *Issuer) revokeAll(ctx context.Context, q Query) (int, error) {
	ended := 0
	err := i.each(ctx, q, func(g Grant, st *state) error {
		if st.Revoked != 0 {
			return nil
		}
		if err := i.revoke(ctx, g.ID, ReasonLogout); err != nil {
			return err
		}
		ended++
		return nil
	})
	if err != nil && !errors.Is(err, ErrNoLister) {
		err = i.report(ctx, Grant{Subject: q.Subject}, err)
	}
	return ended, err
}

// page is how many grants are read at a time.
const page = 100

// each calls do with every grant that q asks for. What can't be done about one does not keep the others from it: the first
// error is returned at the end.
func (i *Issuer) each(ctx context.Context, q Query, do func(Grant, *state) error) error {
	lister, ok := i.c.Store.(Lister)
	if !ok {
		return ErrNoLister
	}
	if q.Subject == "" && q.Client == "" {
		return nil // nobody's
	}
	q.Limit = page
	var failed error
	for {
		list, err := lister.List(ctx, q)
		if err != nil {
			return auth.Unavailable(err)
		}
		if len(list) == 0 {
			return failed
		}
		for _, g := range list {
			if !q.asksFor(g) {
				return auth.Unavailable(errLister)
			}
			q.After = g.ID
			st, err := decodeState(g)
			if err != nil {
				err = auth.Unavailable(err)
			} else {
				err = do(g, st)
			}
			if failed == nil {
				failed = err
			}
		}
	}
}

var errLister = errors.New("refresh: the store listed a grant that was not asked for, or not in the order of ids")

// asksFor reports whether g is a next answer to q. A store that forgets a part of the question would have us end the
// sessions of others, and one that forgets After would never come to an end.
func (q *Query) asksFor(g Grant) bool {
	return (q.Subject == "" || g.Subject == q.Subject) && (q.Client == "" || g.Client == q.Client) &&
		bytes.Compare(g.ID[:], q.After[:]) > 0
}

// A Session is a grant as its subject may see it.
type Session struct {
	ID              GrantID
	Subject, Client string
	// Device is the label that the login gave it.
	Device string
	Scopes auth.ScopeSet
	// Audience is who may accept its access tokens, JWKThumbprint the key it is bound to.
	Audience      []string
	JWKThumbprint string
	// StartedAt is the login, LastUsedAt the last refresh. ExpiresAt is when it ends if nothing refreshes it, EndsAt
	// when it ends in any case.
	StartedAt, LastUsedAt, ExpiresAt, EndsAt time.Time
}

// Sessions returns the live sessions of a subject, in no order that means anything.
func (i *Issuer) Sessions(ctx context.Context, subject string) ([]Session, error) {
	var list []Session
	now := i.c.Clock()
	err := i.each(ctx, Query{Subject: subject}, func(g Grant, st *state) error {
		if st.Revoked != 0 || !now.Before(g.Expires) {
			return nil
		}
		scopes, err := st.scopes()
		if err != nil {
			return auth.Unavailable(err)
		}
		list = append(list, newSession(g, st, scopes))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func newSession(g Grant, st *state, scopes auth.ScopeSet) Session {
	return Session{
		ID: g.ID, Subject: g.Subject, Client: g.Client, Device: st.Device, Scopes: scopes,
		Audience: st.Aud, JWKThumbprint: st.JKT,
		StartedAt: fromMillis(st.Created), LastUsedAt: fromMillis(st.Rotated),
		ExpiresAt: g.Expires, EndsAt: fromMillis(st.Ends),
	}
}

// Inspect returns the session that a refresh token stands for, where it would be accepted from the session's own client
// now, and does not use it: one look-up in the store. The error is that of [Issuer.Refresh].
func (i *Issuer) Inspect(ctx context.Context, token string) (Session, error) {
	t, ok := parseToken(token)
	if !ok {
		return Session{}, refuse(auth.ReasonMalformed)
	}
	g, err := i.find(ctx, t.id)
	if err != nil {
		return Session{}, err
	}
	st, err := decodeState(g)
	if err != nil {
		return Session{}, auth.Unavailable(err)
	}
	q := Request{Client: g.Client, JWKThumbprint: st.JKT}
	if _, err := i.decide(g, st, &t, &q, i.c.Clock()); err != nil {
		return Session{}, err
	}
	return newSession(g, st, q.Scopes), nil
}

// Live reports whether a session is there and has not ended: one look-up in the store.
func (i *Issuer) Live(ctx context.Context, id GrantID) (bool, error) {
	g, err := i.find(ctx, id)
	if errors.Is(err, ErrInvalid) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	st, err := decodeState(g)
	if err != nil {
		return false, auth.Unavailable(err)
	}
	return st.Revoked == 0 && i.c.Clock().Before(g.Expires), nil
}

// Revoked implements [jwt.Revoker] for access tokens that this issuer made: one look-up in the store for each request,
// and a logout stops them at once. Without it they live until they expire. A token without a session is not ours to
// revoke.
func (i *Issuer) Revoked(ctx context.Context, c *jwt.Claims) (bool, error) {
	if c.SessionID() == "" {
		return false, nil
	}
	id, err := ParseGrantID(c.SessionID())
	if err != nil {
		return true, nil //nolint:nilerr // not a session of ours, so not a live one
	}
	live, err := i.Live(ctx, id)
	return err == nil && !live, err
}
