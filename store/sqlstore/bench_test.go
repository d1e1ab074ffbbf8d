package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/oauth2/refresh"
)

// BenchmarkCalls models what a request costs: the look-up of a key among a thousand, and a refresh's change of its grant.
func BenchmarkCalls(b *testing.B) {
	for _, d := range databases(b) {
		s, _ := d.store(b, nil)
		at := time.Now().UTC().Truncate(time.Microsecond)
		for i := range 1000 {
			r := &apikey.Record{
				ID: fmt.Sprintf("key%09d", i), Subject: "s", Digest: "sha256$0123456789abcdef", Scopes: []string{"notes:read"},
				CreatedAt: at, ExpiresAt: at.Add(time.Hour), Version: 1,
			}
			if err := s.APIKeys().Create(b.Context(), r); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(d.name+"/find a key", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.APIKeys().Find(b.Context(), "key000000500"); err != nil {
					b.Fatal(err)
				}
			}
		})
		g := refresh.Grant{Version: 1, Expires: at.Add(time.Hour), Subject: "s", Body: make([]byte, 300)}
		if err := s.Grants().Create(b.Context(), g); err != nil {
			b.Fatal(err)
		}
		b.Run(d.name+"/swap a grant", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				next := g
				next.Version++
				if err := s.Grants().Swap(b.Context(), g, next); err != nil {
					b.Fatal(err)
				}
				g = next
			}
		})
	}
}
