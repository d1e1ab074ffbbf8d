// Command jwt measures how long verifying and issuing a token takes, with package jwt, with three other libraries and
// with a floor: the standard library's cryptography and encoding/json into a struct. It prints a table in Markdown.
//
//	go run . [-rounds 200]
//
// Everything runs in one process on one CPU, in rounds of random order. What counts is CPU time, and of each contender
// the median over all rounds of its ratio to the floor in the same round: a busy machine slows both.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A contender does one thing in its own way. run panics where it fails: a library that refuses a good token has no time.
type contender struct {
	name string
	run  func()
}

func main() {
	rounds := flag.Int("rounds", 200, "rounds to measure")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	fmt.Printf("Go %s, %s/%s, %d rounds, %s.\n", strings.TrimPrefix(runtime.Version(), "go"), runtime.GOOS, runtime.GOARCH,
		*rounds, time.Now().UTC().Format(time.DateOnly))
	fmt.Println("A cell is: best time, ratio to the floor, bytes / allocations.")
	show := func(title string, contenders func(alg string) []contender) {
		fmt.Printf("\n| %s | %s |\n|---|%s\n", title, strings.Join(algorithms, " | "), strings.Repeat("---|", len(algorithms)))
		var columns [][]string
		var names []string
		for _, alg := range algorithms {
			list := contenders(alg)
			columns = append(columns, measure(list, *rounds))
			names = names[:0]
			for _, c := range list {
				names = append(names, c.name)
			}
		}
		for row, name := range names {
			fmt.Printf("| %s ", name)
			for _, column := range columns {
				fmt.Printf("| %s ", column[row])
			}
			fmt.Println("|")
		}
	}
	show("verify", verifiers)
	show("issue", issuers)
}

// measure returns a cell for each contender; the first one is the floor.
func measure(list []contender, rounds int) []string {
	batch := batchSize(list[0])
	times := make([][]float64, len(list))
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	for range rounds {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] }) //nolint:gosec // an order, no secret
		for _, i := range order {
			start := cpuTime()
			for range batch {
				list[i].run()
			}
			times[i] = append(times[i], float64(cpuTime()-start)/float64(batch))
		}
	}
	cells := make([]string, len(list))
	for i, c := range list {
		ratios := make([]float64, rounds)
		for r := range rounds {
			ratios[r] = times[i][r] / times[0][r]
		}
		slices.Sort(ratios)
		m := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				c.run()
			}
		})
		cells[i] = fmt.Sprintf("%.1f µs x%.2f, %d / %d", slices.Min(times[i])/1e3, ratios[rounds/2],
			m.AllocedBytesPerOp(), m.AllocsPerOp())
	}
	return cells
}

// batchSize returns how many runs of c take about a millisecond and a half.
func batchSize(c contender) int {
	const probe = 50
	start := time.Now()
	for range probe {
		c.run()
	}
	return max(2, int(1500*time.Microsecond/(time.Since(start)/probe+1)))
}

// cpuTime returns the CPU time of the process in nanoseconds.
func cpuTime() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
