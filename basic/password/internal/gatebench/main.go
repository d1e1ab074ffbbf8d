// Command gatebench shows what the gate of package password does for a server that many log in to at once: throughput,
// the time of an answer and the peak of resident memory, beside the same flood without a gate.
//
//	go run ./basic/password/internal/gatebench -callers 512
//	go run ./basic/password/internal/gatebench -callers 64 -ungated
//
// Without the gate a flood of n needs about 2 × n × 19 MiB: 20 GB for 512. Peak memory is read from Linux's /proc.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cardea-go/auth/basic/password"
)

func main() {
	callers := flag.Int("callers", 512, "logins at once")
	rounds := flag.Int("rounds", 1, "logins of each caller, one after another")
	ungated := flag.Bool("ungated", false, "let all of them hash at once")
	flag.Parse()
	if err := run(os.Stdout, *callers, *rounds, *ungated, password.Default()); err != nil {
		log.Fatal(err)
	}
}

// result is one login's.
type result struct {
	took time.Duration
	err  error
}

func run(w io.Writer, callers, rounds int, ungated bool, params password.Params) error {
	if callers < 1 || rounds < 1 {
		return errors.New("gatebench: use one caller and one round or more")
	}
	c := password.Config{Params: params}
	if ungated {
		c.Gate = password.GateConfig{Memory: 64 << 20, CPUs: callers, Queue: 1 << 16, Wait: time.Minute}
	}
	h, err := password.New(c)
	if err != nil {
		return err
	}
	ctx := context.Background()
	stored, err := h.Hash(ctx, "correct horse battery staple")
	if err != nil {
		return err
	}
	start := time.Now()
	results := flood(callers, rounds, func() error {
		v, err := h.Check(ctx, password.Attempt{Username: "anna", Password: "correct horse battery staple", Found: true, Stored: stored})
		if err == nil && !v.OK {
			return errors.New("gatebench: a right password was refused")
		}
		return err
	})
	return report(w, results, time.Since(start), ungated, params)
}

func flood(callers, rounds int, login func() error) []result {
	results := make([]result, callers*rounds)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for j := range rounds {
				start := time.Now()
				err := login()
				results[i*rounds+j] = result{time.Since(start), err}
			}
		})
	}
	wg.Wait()
	return results
}

func report(w io.Writer, results []result, took time.Duration, ungated bool, params password.Params) error {
	var verified, refused []time.Duration
	for _, r := range results {
		switch {
		case r.err == nil:
			verified = append(verified, r.took)
		case errors.Is(r.err, password.ErrBusy):
			refused = append(refused, r.took)
		default:
			return r.err
		}
	}
	gate := "gated"
	if ungated {
		gate = "ungated"
	}
	_, err := fmt.Fprintf(w, "%s, %v: %d logins in %v\n  verified %d (%.1f/s) p50 %v p99 %v\n  busy     %d p50 %v p99 %v\n  peak resident memory %s\n",
		gate, params, len(results), took.Round(time.Millisecond),
		len(verified), float64(len(verified))/took.Seconds(), quantile(verified, 0.5), quantile(verified, 0.99),
		len(refused), quantile(refused, 0.5), quantile(refused, 0.99), peakMemory("/proc/self/status"))
	return err
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[int(q*float64(len(d)-1))].Round(time.Millisecond)
}

func peakMemory(status string) string {
	data, err := os.ReadFile(status) //nolint:gosec // a constant path
	if err != nil {
		return "not known here"
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "not known here"
}
