// Command service is a small notes service with everything that a real one needs at its door: sign-up, login, refresh and
// logout for people; API keys and machine clients for programs; teams with roles, and an owner's rule; administrators; a log
// of every decision; a page for people, and one to try the API.
//
//	go run -C examples ./service
//
// It listens on loopback and prints lines to paste, with working credentials. Everything it knows is in one SQLite file, so
// that a restart forgets nothing and logs nobody out. The file is a temporary one, gone when it ends, until it has a name:
//
//	go run -C examples ./service -db ~/notes.db
//
// A secret is kept beside it, in ~/notes.db.secret. People, teams, programs and notes are in tables of the service's own
// (schema.sql); API keys, sessions and signing keys in those of package sqlstore.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/apikey"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	file := flag.String("db", "", "SQLite file to keep everything in; none is a temporary one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *addr, *file, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends. What to try goes to out, the log to logs.
func run(ctx context.Context, addr, file string, out, logs io.Writer) (err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // the server has closed it, if it came to that
	base, err := baseURL(addr, listener.Addr())
	if err != nil {
		return err
	}
	if file == "" {
		dir := ""
		if dir, err = os.MkdirTemp("", "notes-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
		file = filepath.Join(dir, "notes.db")
	}
	db, err := openDatabase(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }() // when nothing uses it any more
	logger := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := newService(ctx, base, db, logger)
	if err != nil {
		return err
	}
	if err := s.introduce(ctx, out, base, file); err != nil {
		return errors.Join(err, s.keys.Close(ctx))
	}
	return s.serve(ctx, listener)
}

// serve ends when ctx does, after the requests that are under way.
func (s *service) serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return errors.Join(err, s.keys.Close(ctx))
	case <-ctx.Done():
	}
	s.log.Info("shutting down")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := errors.Join(server.Shutdown(grace), s.keys.Close(grace))
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// baseURL is what clients call the service. Tokens are issued under this name, so it is said once: for production, it is a
// setting, and https.
func baseURL(asked string, got net.Addr) (string, error) {
	host, _, err := net.SplitHostPort(asked)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(got.String())
	return "http://" + net.JoinHostPort(cmp.Or(host, "localhost"), port), err
}

// introduce says how to come in. Where there is nobody yet, it makes some people first.
func (s *service) introduce(ctx context.Context, out io.Writer, base, file string) error {
	found, err := s.people.any(ctx)
	if err != nil {
		return err
	}
	if found { // whose passwords nobody here knows
		fmt.Fprintf(out, "notes service on %s; sign in there with an account that is in %s\na page to try the API is at %s/docs/\n", base, file, base)
		return nil
	}
	made, err := s.seed(ctx)
	if err != nil {
		return err
	}
	printTour(out, base, made)
	return nil
}

// seeded is what the service prints where it made the people.
type seeded struct {
	password       string // of each of the three
	team           string
	alice, reading apikey.Secret
	program        string // a client id
	programSecret  string
}

// seed makes three people (alice, bob and the administrator root), bob a member of alice's team, two keys of hers and a
// program of the team.
func (s *service) seed(ctx context.Context) (seeded, error) {
	out := seeded{password: rand.Text()}
	for _, name := range []string{"root", "bob", "alice"} {
		team, err := s.people.add(ctx, name, out.password, name == "root")
		if err != nil {
			return seeded{}, err
		}
		out.team = team // the last one's
	}
	for _, key := range []struct {
		name   string
		scopes auth.ScopeSet
		secret *apikey.Secret
	}{{"laptop", allScopes, &out.alice}, {"dashboard", auth.MustScopeSet("notes:read"), &out.reading}} {
		issued, err := s.keys.Create(ctx, apikey.Request{Subject: "alice", Name: key.name, Scopes: key.scopes})
		if err != nil {
			return seeded{}, err
		}
		*key.secret = issued.Secret
	}
	p, secret, err := s.teams.addProgram(ctx, "importer", "member", out.team)
	out.program, out.programSecret = p.ID, secret.Reveal()
	return out, errors.Join(err, s.teams.setMember(ctx, out.team, "bob", "member"))
}

// printTour prints lines that can be pasted into a shell, each with what to expect.
func printTour(out io.Writer, base string, c seeded) {
	line := func(expect, command string, args ...any) {
		fmt.Fprintf(out, "\n# %s\n%s\n", expect, fmt.Sprintf(command, args...))
	}
	key := func(secret apikey.Secret) string { return "-H 'X-API-Key: " + secret.Reveal() + "'" }
	token := func(form string) string {
		return fmt.Sprintf(`$(curl -s %s %s/oauth/token | sed 's/.*"access_token":"\([^"]*\).*/\1/')`, form, base)
	}
	alice := token("-d grant_type=password -d username=alice -d password=" + c.password)
	program := token(fmt.Sprintf("-u %s:%s -d grant_type=client_credentials", c.program, c.programSecret))
	notes := fmt.Sprintf("%s/api/teams/%s/notes", base, c.team)
	const json = "-H 'Content-Type: application/json'"

	fmt.Fprintf(out, "notes service on %s; sign in there as alice, bob or root with the password %s\na page to try the API is at %s/docs/\n", base, c.password, base)
	line("200: public", "curl -i %s/health", base)
	line("200: works without a credential, and greets whoever has one", "curl -i %s/api/hello", base)
	line("401: the challenges say what may be sent", "curl -i %s", notes)
	line("201: alice's key may write", "curl -i %s -d '{\"text\":\"buy milk\"}' %s", key(c.alice), notes)
	line("200: and read, here as a bearer token", "curl -i -H 'Authorization: Bearer %s' %s", c.alice.Reveal(), notes)
	line("403: this key of hers only reads", "curl -i %s -d '{\"text\":\"buy milk\"}' %s", key(c.reading), notes)
	line("201: people make accounts, on the page or like this", "curl -i %s -d '{\"name\":\"carol\",\"password\":\"correct horse battery staple\"}' %s/signup", json, base)
	line("401: a wrong password is refused as an unknown name is", "curl -i -u alice:guess -X POST %s/session/login", base)
	line("200: the login of the page; the refresh token is in a cookie", "curl -i -u alice:%s -X POST %s/session/login", c.password, base)
	line("200: a token is good for ten minutes, and is the same alice as her key", `curl -i -H "Authorization: Bearer %s" %s/api/me`, alice, base)
	line("201: a program of the team comes with a token of its own", `curl -i -H "Authorization: Bearer %s" -d '{"text":"imported"}' %s`, program, notes)
	line("403: it manages no members", `curl -i -X PUT -H "Authorization: Bearer %s" -d '{"role":"owner"}' %s/api/teams/%s/members/carol`, program, base, c.team)
	line("204: alice does, who owns the team", "curl -i -X PUT %s -d '{\"role\":\"reader\"}' %s/api/teams/%s/members/carol", key(c.alice), base, c.team)
	line("201: alice makes a key that can do less than hers; it is shown once", "curl -i %s %s -d '{\"name\":\"reader\",\"scopes\":[\"notes:read\"]}' %s/api/keys", key(c.alice), json, base)
	line("404: to her the administrators' routes do not exist", "curl -i %s %s/api/admin/people", key(c.alice), base)
	line("200: to root they do", `curl -i -H "Authorization: Bearer %s" %s/api/admin/people`, token("-d grant_type=password -d username=root -d password="+c.password), base)
	fmt.Fprintln(out)
}
