package password_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/cardea-go/auth/basic/password"
)

// BenchmarkUnknownAgainstWrong reports the medians of an unknown account and of a wrong password, and their ratio.
// BenchmarkUnknownAgainstLegacy reports the same for a store in which half of the hashes are bcrypt's: a bcrypt user
// against those unknown names that have bcrypt decoys, and how many of the names those are.
func BenchmarkUnknownAgainstLegacy(b *testing.B) {
	h := must(password.New(password.Config{}))
	ctx := context.Background()
	legacy := string(must(bcrypt.GenerateFromPassword([]byte("correct horse"), 10)))
	mix := h.NewMix(slices.Values([]string{legacy, must(h.Hash(ctx, "correct horse"))}))
	took := [2][]time.Duration{}
	names, n := 0, 0
	next := func() string {
		for {
			name := fmt.Sprint("nobody", names)
			names++
			if strings.HasPrefix(h.Decoy(mix, name), "$2") {
				return name
			}
		}
	}
	i := 0
	for b.Loop() {
		a := password.Attempt{Username: "anna", Password: "a guess", Found: true, Stored: legacy, Mix: mix}
		if i%2 == 1 {
			a.Username, a.Found = next(), false
			n++
		}
		start := time.Now()
		if v, err := h.Check(ctx, a); err != nil || v.OK {
			b.Fatal(v, err)
		}
		took[i%2] = append(took[i%2], time.Since(start))
		i++
	}
	if i < 4 {
		return
	}
	wrong, unknown := median(took[0]), median(took[1])
	b.ReportMetric(float64(wrong)/1e6, "ms/legacy")
	b.ReportMetric(float64(unknown)/1e6, "ms/unknown")
	b.ReportMetric(float64(unknown)/float64(wrong), "unknown/legacy")
	b.ReportMetric(float64(n)/float64(names), "share")
}

func BenchmarkUnknownAgainstWrong(b *testing.B) {
	h := must(password.New(password.Config{}))
	ctx := context.Background()
	stored := must(h.Hash(ctx, "correct horse"))
	took := [2][]time.Duration{}
	i := 0
	for b.Loop() {
		a := password.Attempt{Username: "anna", Password: "a guess", Found: i%2 == 0, Stored: stored}
		start := time.Now()
		if v, err := h.Check(ctx, a); err != nil || v.OK {
			b.Fatal(v, err)
		}
		took[i%2] = append(took[i%2], time.Since(start))
		i++
	}
	if i < 4 {
		return
	}
	wrong, unknown := median(took[0]), median(took[1])
	b.ReportMetric(float64(wrong)/1e6, "ms/wrong")
	b.ReportMetric(float64(unknown)/1e6, "ms/unknown")
	b.ReportMetric(float64(unknown)/float64(wrong), "unknown/wrong")
}
