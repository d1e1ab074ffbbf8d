// Command rbac keeps invoices of several tenants. Who may do what is in policy.yaml: three roles, one of which may delete
// what its holder owns. Change the file while the program runs: a policy that does not load, or that fails its own tests,
// is refused and told, and the last good one stays.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/cardea-go/auth/rbac"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	file := flag.String("policy", "rbac/policy.yaml", "the policy, which may change while the program runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := newService(ctx, rbac.File(*file), slog.Default())
	if err != nil {
		return err
	}
	keys, err := s.seed(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"vera", "carl", "dora"} {
		fmt.Printf("curl -i -H 'X-API-Key: %s' http://localhost:8080/invoices # %s\n", keys[name].Reveal(), name)
	}
	watched := make(chan error, 1)
	go func() { watched <- s.reloader.Watch(ctx) }()
	server := &http.Server{Addr: "localhost:8080", Handler: s.handler, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	if err := <-watched; !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
