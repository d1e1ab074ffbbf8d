// Command service is a small notes API with everything that a real one needs at its door: public, optional and concealed
// routes, keys for programs that their owners manage, a login by password for sessions with short-lived tokens, a policy of roles and
// scopes, a log of every decision, and a clean end on SIGINT.
//
//	go run -C examples ./service
//
// It listens on loopback and prints lines to paste, with working keys. Everything it knows is in memory and gone when it
// ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *addr, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends. What to try goes to out, the log to logs.
func run(ctx context.Context, addr string, out, logs io.Writer) error {
	logger := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, err := newService(ctx, logger)
	if err != nil {
		return err
	}
	credentials, err := s.seed(ctx)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, MaxHeaderBytes: 64 << 10}
	printTour(out, "http://"+listener.Addr().String(), credentials)

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	logger.Info("shutting down")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = errors.Join(server.Shutdown(grace), s.keys.Close(grace))
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// printTour prints lines that can be pasted into a shell, each with what to expect.
func printTour(out io.Writer, base string, c credentials) {
	line := func(expect, command string, args ...any) {
		fmt.Fprintf(out, "\n# %s\n%s\n", expect, fmt.Sprintf(command, args...))
	}
	key := func(secret string) string { return "-H 'X-API-Key: " + secret + "'" }
	fmt.Fprintf(out, "notes service on %s, with a page to try it at %s/docs/\n", base, base)
	line("200: public", "curl -i %s/health", base)
	line("200: works without a credential, and greets whoever has one", "curl -i %s/", base)
	line("401: the challenges say what may be sent", "curl -i %s/notes", base)
	line("201: alice may write", "curl -i %s -d '{\"text\":\"buy milk\"}' %s/notes", key(c.alice.Reveal()), base)
	line("200: and read, here with the key as a bearer token", "curl -i -H 'Authorization: Bearer %s' %s/notes", c.alice.Reveal(), base)
	line("403: bob's key is for reading; the challenge names the scope", "curl -i -H 'Authorization: Bearer %s' -d '{}' %s/notes", c.bob.Reveal(), base)
	line("200: the administrator sees everybody's notes", "curl -i %s %s/admin/notes", key(c.root.Reveal()), base)
	line("404: to others this route does not exist", "curl -i %s %s/admin/notes", key(c.alice.Reveal()), base)
	line("401: a wrong password is refused as an unknown name is", "curl -i -u alice:guess -X POST %s/login", base)
	token := func(name string) string {
		return fmt.Sprintf(`$(curl -s -u alice:%s -X POST %s/login | sed 's/.*"%s":"\([^"]*\).*/\1/')`, c.password, base, name)
	}
	line("200: people log in with a password, for a token that is good for ten minutes", "curl -i -u alice:%s -X POST %s/login", c.password, base)
	line("200: the token reads notes, and is the same alice as her key", `curl -i -H "Authorization: Bearer %s" %s/notes/1`, token("access_token"), base)
	line("200: the refresh token gets the next one, once", `curl -i -d grant_type=refresh_token -d "refresh_token=%s" %s/refresh`, token("refresh_token"), base)
	line("200: and ends the session", `curl -i -d "token=%s" %s/logout`, token("refresh_token"), base)
	line("201: alice makes a key that can do less than her own; it is shown once",
		"curl -i %s -H 'Content-Type: application/json' -d '{\"name\":\"reader\",\"scopes\":[\"notes:read\"]}' %s/keys", key(c.alice.Reveal()), base)
	fmt.Fprintln(out)
}
