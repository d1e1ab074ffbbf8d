package refresh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/cardea-go/auth"
)

// A Request is one use of a refresh token.
type Request struct {
	// Token is the refresh token. It is left out wherever a Request is printed, logged or written as JSON.
	Token string `json:"-"`
	// Client is who presents it, authenticated where it is not public. "" is [Config.Client].
	Client string
	// Scopes and Audience narrow this access token; the session keeps what it was granted. The empty set is all of it.
	Scopes   auth.ScopeSet
	Audience []string
	// JWKThumbprint is the key whose possession the caller has checked (RFC 9449 §5). "" is none.
	JWKThumbprint string
	// Access replaces [Config.Access] for this request. Nil does not.
	Access AccessIssuer
}

// Format prints the client, under every verb.
func (q Request) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "refresh request(%q)", q.Client) }

// LogValue returns the client.
func (q Request) LogValue() slog.Value { return slog.GroupValue(slog.String("client", q.Client)) }

// tries is how often a request decides again after another one has changed the grant in between.
const tries = 3

// Refresh uses a refresh token: it returns a new access token and the token's successor, after which the token is
// spent. Inside the grace window the token that was just spent returns the same successor again; a spent token
// otherwise ends its grant, since two parties hold it and nobody knows which of them is the thief (RFC 9700 §4.14.2). That
// is done even if ctx ends meanwhile, and may then take 10 s.
//
// The error is an [*auth.Error] that wraps [ErrInvalid], [ErrScope] or [ErrTarget], has [auth.KindUnavailable] where
// nothing is known, or is what the access issuer refused. Nothing is spent before everything has been checked and the
// answer made. Where the store fails, the token may have been spent or not: the same request again finds out, inside the
// grace window without harm.
func (i *Issuer) Refresh(ctx context.Context, q Request) (Tokens, error) {
	if q.Client == "" {
		q.Client = i.c.Client
	}
	t, ok := parseToken(q.Token)
	if !ok {
		return Tokens{}, i.report(ctx, Grant{}, refuse(auth.ReasonMalformed))
	}
	for range tries {
		g, err := i.find(ctx, t.id)
		if err != nil {
			return Tokens{}, i.report(ctx, Grant{}, err)
		}
		tokens, err := i.use(ctx, g, &t, q)
		if !errors.Is(err, ErrConflict) {
			return tokens, err
		}
	}
	return Tokens{}, i.report(ctx, Grant{ID: t.id}, auth.Unavailable(ErrConflict))
}

// find returns a grant; that there is none is a refusal.
func (i *Issuer) find(ctx context.Context, id GrantID) (Grant, error) {
	g, err := i.c.Store.Find(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Grant{}, refuse(auth.ReasonUnknown)
	case err != nil:
		return Grant{}, auth.Unavailable(err)
	case g.ID != id:
		return Grant{}, auth.Unavailable(errState)
	}
	return g, nil
}

// use decides once, on the grant as it is now. ErrConflict asks for another go.
func (i *Issuer) use(ctx context.Context, g Grant, t *token, q Request) (Tokens, error) {
	st, err := decodeState(g)
	if err != nil {
		return Tokens{}, i.report(ctx, g, auth.Unavailable(err))
	}
	now := i.c.Clock()
	v, err := i.decide(g, st, t, &q, now)
	if v == verdictReuse {
		if e := i.endStolen(ctx, g.ID); e != nil {
			err = e
		}
	}
	if err != nil {
		return Tokens{}, i.report(ctx, g, err)
	}
	if v == verdictReplay {
		return i.replay(ctx, g, st, q, now)
	}
	return i.rotate(ctx, g, st, q, now)
}

// reuseTime is how long a store may take to end a session whose token was used twice.
const reuseTime = 10 * time.Second

// endStolen ends a grant that two parties use, also where the one that has shown it does not wait for the answer.
func (i *Issuer) endStolen(ctx context.Context, id GrantID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reuseTime)
	defer cancel()
	return i.revoke(ctx, id, ReasonReuse)
}

// replay answers as before. The grant is as it was, but for the access token, which is new.
func (i *Issuer) replay(ctx context.Context, g Grant, st *state, q Request, now time.Time) (Tokens, error) {
	tokens, err := i.tokens(ctx, g, st, &q, now)
	if err != nil {
		return Tokens{}, i.report(ctx, g, err)
	}
	tokens.Replayed = true
	i.tell(ctx, g, ReasonReplay)
	return tokens, nil
}

// rotate makes the successor and the answer, and only then spends the token.
func (i *Issuer) rotate(ctx context.Context, g Grant, st *state, q Request, now time.Time) (Tokens, error) {
	next := g
	next.Version++
	st.Counter++
	st.Rotated = millis(now)
	next.Expires = i.expires(st, now)
	next.Body = st.encode()
	tokens, err := i.tokens(ctx, next, st, &q, now)
	if err != nil {
		return Tokens{}, i.report(ctx, g, err)
	}
	switch err := i.c.Store.Swap(ctx, g, next); {
	case errors.Is(err, ErrConflict):
		return Tokens{}, ErrConflict
	case errors.Is(err, ErrNotFound): // it ended a moment ago
		return Tokens{}, i.report(ctx, g, refuse(auth.ReasonExpired))
	case err != nil:
		return Tokens{}, i.report(ctx, g, auth.Unavailable(err))
	}
	i.tell(ctx, g, "")
	return tokens, nil
}

// report tells the observer of a refusal and returns it.
func (i *Issuer) report(ctx context.Context, g Grant, err error) error {
	e := auth.AsError(err)
	if i.c.Observer != nil {
		i.observe(ctx, g, auth.Event{Outcome: auth.OutcomeRefused, Kind: e.Kind, Reason: e.Reason, Status: e.Kind.Status()})
	}
	if i.c.ErrorLog != nil && e.Kind == auth.KindUnavailable {
		i.c.ErrorLog.LogAttrs(ctx, slog.LevelError, "auth: no decision", slog.Any("error", e), slog.String("authenticator", "refresh"))
	}
	return e
}

// tell tells the observer of what was done.
func (i *Issuer) tell(ctx context.Context, g Grant, reason auth.Reason) {
	if i.c.Observer != nil {
		i.observe(ctx, g, auth.Event{Outcome: auth.OutcomeAllowed, Reason: reason})
	}
}

func (i *Issuer) observe(ctx context.Context, g Grant, e auth.Event) {
	e.Time, e.Authenticator, e.Scheme = i.c.Clock(), "refresh", "refresh"
	e.Subject = g.Subject
	if g.ID != (GrantID{}) {
		e.CredentialID = g.ID.String()
	}
	i.c.Observer.Observe(ctx, e)
}
