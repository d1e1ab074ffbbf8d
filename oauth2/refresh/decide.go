package refresh

import (
	"slices"
	"time"

	"github.com/cardea-go/auth"
)

// verdict is what is to be done about a token.
type verdict uint8

const (
	verdictRefuse verdict = iota // the error says why; nothing changes
	verdictRotate                // the current token: a successor
	verdictReplay                // the one before it, a moment ago: the same successor again
	verdictReuse                 // spent: the grant ends
)

// decide says what a refresh token is worth, by the grant that it names. It changes nothing. The order matters: who
// can't use the grant learns nothing of it and does nothing to it (a replay that would not itself be valid revokes
// nothing), and a grant that has ended comes before the age of the token, so that a grace window can't revive it.
func (i *Issuer) decide(g Grant, st *state, t *token, q *Request, now time.Time) (verdict, error) {
	switch {
	case !t.authentic(i.keys, st):
		return verdictRefuse, refuse(auth.ReasonMismatch)
	case g.Client != q.Client:
		return verdictRefuse, refuse(ReasonClient)
	case st.Revoked != 0:
		return verdictRefuse, refuse(auth.ReasonRevoked)
	case g.Expires.Sub(now) < minRemaining || fromMillis(st.Ends).Sub(now) < minRemaining:
		return verdictRefuse, refuse(auth.ReasonExpired)
	case st.JKT != "" && st.JKT != q.JWKThumbprint:
		return verdictRefuse, refuse(ReasonBinding)
	case t.counter > st.Counter:
		return verdictRefuse, refuse(ReasonFuture)
	case t.counter == st.Counter:
		return verdictRotate, i.narrow(st, q)
	case t.counter+1 == st.Counter && i.inGrace(st, now):
		return verdictReplay, i.narrow(st, q)
	}
	return verdictReuse, refuse(ReasonReuse)
}

// inGrace reports whether the last rotation was a moment ago. Another instance's clock may be ahead of ours: a rotation to
// come counts as well, within the same bounds.
func (i *Issuer) inGrace(st *state, now time.Time) bool {
	return now.Sub(fromMillis(st.Rotated)).Abs() < i.grace
}

// minRemaining is the least life that is worth a token: exp counts whole seconds.
const minRemaining = time.Second

// narrow sets what q leaves open, and refuses what exceeds the grant (RFC 6749 §6: "MUST NOT include any scope not
// originally granted by the resource owner").
func (i *Issuer) narrow(st *state, q *Request) error {
	granted, err := st.scopes()
	if err != nil {
		return auth.Unavailable(err)
	}
	switch {
	case q.Scopes.Len() == 0 && !q.Scopes.IsUnlimited():
		q.Scopes = granted // "if omitted is treated as equal to the scope originally granted"
	case !granted.Covers(q.Scopes):
		return auth.Forbidden(auth.ReasonMissingScope, ErrScope)
	}
	if len(q.Audience) == 0 {
		q.Audience = st.Aud
		return nil
	}
	for _, name := range q.Audience {
		if !slices.Contains(st.Aud, name) {
			return auth.Forbidden(ReasonTarget, ErrTarget)
		}
	}
	return nil
}
