package password_test

import (
	"context"
	"testing"
	"time"

	"github.com/cardea-go/auth/basic/password"
)

// BenchmarkUnknownAgainstWrong reports the medians of an unknown account and of a wrong password, and their ratio.
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
