// Command rbac measures package rbac beside other evaluators, in one process, and prints the table that
// docs/benchmarks.md keeps.
//
// Each figure is a ratio to the denied check of the floor, the two maps that one would write by hand, taken right next
// to it: the median of several rounds of processor time, garbage collection included. Ratios hold on a noisy machine
// where times do not.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 5, "rounds for each figure")
	span := flag.Duration("span", 40*time.Millisecond, "processor time of one round")
	only := flag.String("engine", "", "measure only engines whose name contains this, beside the floor")
	check := flag.Bool("check", false, "exit with 1 where a ratio of package rbac is above its bar")
	flag.Parse()
	list := scenarios()
	table := map[string]map[string]result{}
	var names []string
	for _, e := range engines() {
		if *only != "" && !strings.Contains(e.name, *only) && e.name != engines()[0].name {
			continue
		}
		names = append(names, e.name)
		table[e.name] = map[string]result{}
		for i := range list {
			fmt.Fprintf(os.Stderr, "%s: %s\n", e.name, list[i].name)
			table[e.name][list[i].name] = measure(e, &list[i], *rounds, *span)
		}
	}
	write(names, list, table)
	if *check && !hold(list, table) {
		os.Exit(1)
	}
}

type result struct {
	allow, deny float64 // ratios to the floor's denied check
	denyTime    time.Duration
	allocs      float64
	load        time.Duration
	held        float64 // MiB
}

func measure(e engine, s *scenario, rounds int, span time.Duration) result {
	floor := loadFloor(s)(s.deny)
	loads := make([]time.Duration, 0, 7)
	var ask func(question) func() bool
	before := heap()
	for range cap(loads) {
		ask = nil //nolint:ineffassign,wastedassign // what the last load made must not be there any more
		runtime.GC()
		start := cpu()
		ask = e.load(s)
		if loads = append(loads, cpu()-start); loads[0] > time.Second {
			break
		}
	}
	r := result{load: slices.Min(loads), held: (float64(heap()) - float64(before)) / (1 << 20)}
	allow, deny := ask(s.allow), ask(s.deny)
	if !allow() || deny() {
		panic(e.name + " answers wrongly in " + s.name)
	}
	var allows, denies, times []float64
	for range rounds {
		base := perCall(floor, span/4)
		denied := perCall(deny, span)
		allows = append(allows, perCall(allow, span)/base)
		denies = append(denies, denied/base)
		times = append(times, denied)
	}
	r.allow, r.deny, r.denyTime = median(allows), median(denies), time.Duration(median(times)*float64(time.Nanosecond))
	r.allocs = testing.AllocsPerRun(10, func() { sink = deny() })
	runtime.KeepAlive(ask)
	return r
}

var sink bool //nolint:unused // keeps the compiler from leaving out the calls

// perCall returns the processor time of one call in nanoseconds.
func perCall(f func() bool, span time.Duration) float64 {
	n, batch := 0, 1
	start := cpu()
	for {
		for range batch {
			sink = f()
		}
		n += batch
		took := cpu() - start
		if took >= span && n >= 3 {
			return float64(took) / float64(n)
		}
		if took < span/10 {
			batch *= 2
		}
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// cpu returns the processor time that the process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func write(names []string, list []scenario, table map[string]map[string]result) {
	fmt.Printf("%s, %s/%s, %d processors\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Print("| engine |")
	for _, s := range list {
		fmt.Printf(" %s allow | %s deny |", s.name, s.name)
	}
	fmt.Println(" deny, app; large | allocs/op app; large | held app; large | load app; large |")
	fmt.Println("|---|" + strings.Repeat("---|", 2*len(list)+4))
	for _, name := range names {
		fmt.Printf("| %s |", name)
		for _, s := range list {
			r := table[name][s.name]
			fmt.Printf(" %s | %s |", figure(r.allow), figure(r.deny))
		}
		app, large := table[name]["app"], table[name]["large"]
		fmt.Printf(" %s; %s | %.0f; %.0f | %.1f; %.1f MiB | %s; %s |\n", short(app.denyTime), short(large.denyTime), app.allocs, large.allocs, app.held, large.held, short(app.load), short(large.load))
	}
}

func figure(f float64) string {
	switch {
	case f >= 100:
		return fmt.Sprintf("%.0f", f)
	case f >= 3:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 10*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= 100*time.Microsecond:
		return d.Round(10 * time.Microsecond).String()
	case d >= time.Microsecond:
		return d.Round(100 * time.Nanosecond).String()
	}
	return d.Round(time.Nanosecond).String()
}

// bars are the ratios that package rbac holds itself to.
var bars = map[string]float64{
	"rbac: handle on a resolved subject": 0.15,
	"rbac: string on a resolved subject": 0.6,
	"rbac: user, resolve, check":         1.6,
	"rbac: the same, 2 scopes":           2.7,
}

func hold(list []scenario, table map[string]map[string]result) bool {
	ok := true
	complain := func(format string, args ...any) {
		ok = false
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}
	for name, bar := range bars {
		for _, s := range list {
			r, measured := table[name][s.name]
			if worst := max(r.allow, r.deny); measured && worst > bar {
				complain("%s: %s: %.2f times the floor, the bar is %.2f", name, s.name, worst, bar)
			}
			if measured && r.allocs > 0 {
				complain("%s: %s: %.0f allocations, the bar is none", name, s.name, r.allocs)
			}
		}
		if r, measured := table[name]["large"]; measured && (r.held > 10 || r.load > 30*time.Millisecond) {
			complain("%s: large: %.1f MiB and %v, the bar is 10 MiB and 30ms", name, r.held, r.load)
		}
	}
	return ok
}
