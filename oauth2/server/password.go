package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/internal/wire"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/throttle"
)

// ErrWrongPassword is what [LegacyPassword.Verify] returns for a wrong password and for a user who does not exist: the
// same error, after the same work, or callers find out who has an account here.
var ErrWrongPassword = errors.New("server: wrong user name or password")

// LegacyPassword is the password grant (RFC 6749 §4.3): an application asks people for their password and sends it here.
// It trains people to type it anywhere, and no second factor or passkey fits through it; RFC 9700 §2.4 says that it "MUST
// NOT be used". It is here for the forms of API documentation pages and for clients that can't be changed.
type LegacyPassword struct {
	// Verify returns the subject of a user, or [ErrWrongPassword]; any other error says that it can't be decided now. It
	// must do the same work for an unknown user, as package basic/password does, compare in constant time, and keep
	// user name and password out of its errors. Guesses are counted by the name in lower case, without the spaces around
	// it: where more spellings find one user, as in databases that ignore accents, take none but the user's own. Neither
	// text has control characters. Required.
	Verify func(ctx context.Context, username, password string) (subject string, err error)
	// Logins limits guesses. Nil is [throttle.NewLogins] with its defaults, for this process alone.
	Logins *throttle.Logins
	// Addr returns the client's address, which guesses are counted by. Nil is [auth.PeerAddr], which is wrong behind a
	// proxy.
	Addr auth.AddrFunc
	// Client is the client of requests that name none, as documentation pages send them. It must be public. "" refuses
	// such requests.
	Client string
}

func (s *Server) usePassword() error {
	if s.c.LegacyPassword == nil {
		return nil
	}
	p := *s.c.LegacyPassword
	if p.Verify == nil {
		return errors.New("server: Config.LegacyPassword.Verify is nil: set the function that knows your users")
	}
	if p.Logins == nil {
		var err error
		if p.Logins, err = throttle.NewLogins(throttle.LoginsConfig{Clock: s.c.Clock}); err != nil {
			return fmt.Errorf("server: Config.LegacyPassword.Logins: %w", err)
		}
	}
	if p.Addr == nil {
		p.Addr = auth.PeerAddr
	}
	if p.Client != "" && !isClientID(p.Client) {
		return fmt.Errorf("server: Config.LegacyPassword.Client is %q: use the id of a public client", p.Client)
	}
	s.c.LegacyPassword = &p
	return nil
}

const (
	maxUsernameBytes = 320
	maxPasswordBytes = 1 << 10
)

// legacyPassword is RFC 6749 §4.3. Every failure of the login has one answer.
func legacyPassword(ctx context.Context, x *exchange) (wire.Tokens, error) {
	username, password := x.form.Value("username"), x.form.Value("password")
	if !isText(username, maxUsernameBytes) || !isText(password, maxPasswordBytes) {
		return wire.Tokens{}, badRequest(ReasonRequest, wire.InvalidRequest, "username or password is missing, too long or not text")
	}
	subject, err := x.login(ctx, username, password)
	if err != nil {
		return wire.Tokens{}, err
	}
	x.subject = subject
	x.useDefaults()
	if err := x.decide(ctx, x.scopes, x.resources); err != nil {
		return wire.Tokens{}, err
	}
	now := x.s.c.Clock()
	if !x.client.Allows(GrantRefresh) {
		access, err := x.IssueAccess(ctx, refresh.Access{
			Subject: subject, Client: x.client.ID(), Audience: x.resources, Scopes: x.granted, AuthenticatedAt: now, Now: now,
		})
		if err != nil {
			return wire.Tokens{}, err
		}
		return x.answer(access.Token, refresh.Tokens{}), nil
	}
	l := refresh.Login{Subject: subject, Client: x.client.ID(), Scopes: x.granted, Audience: x.resources, Access: x}
	if x.client.Public() {
		l.JWKThumbprint = x.thumbprint // RFC 9449 §5: refresh tokens of public clients are bound
	}
	t, err := x.s.sessions.Issue(ctx, l)
	if err != nil {
		return wire.Tokens{}, err
	}
	return x.answer(t.AccessToken, t), nil
}

// isText reports whether s is what a person may have typed. RFC 6749 appendix A.15 and A.16 have no control characters; a
// back end that stops at a NUL would take any number of names for one, each with guesses of its own.
func isText(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// login checks the password, behind the limits.
func (x *exchange) login(ctx context.Context, username, password string) (string, error) {
	c := x.s.c.LegacyPassword
	addr, err := c.Addr(x.r)
	if err != nil {
		return "", auth.Unavailable(err)
	}
	attempt, d := c.Logins.Reserve(ctx, strings.ToLower(strings.TrimSpace(username)), addr)
	if !d.Allowed {
		return "", auth.Throttled(d.RetryAfter)
	}
	subject, err := c.Verify(ctx, username, password)
	switch {
	case errors.Is(err, ErrWrongPassword):
		return "", auth.Invalid(auth.ReasonMismatch, nil)
	case err != nil:
		attempt.Cancel(ctx)
		if auth.KindOf(err) == auth.KindThrottled {
			return "", auth.AsError(err)
		}
		return "", auth.Unavailable(err)
	case subject == "":
		attempt.Cancel(ctx)
		return "", auth.Unavailable(errNoSubject)
	}
	attempt.Succeed(ctx)
	return subject, nil
}

var errNoSubject = errors.New("server: LegacyPassword.Verify returned neither a subject nor an error")
