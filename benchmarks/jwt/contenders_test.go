package main

import (
	"strings"
	"testing"
)

// A contender that does less than the others has no place in the table: each takes the good token and refuses the same
// bad ones.
func TestContendersDoTheSameWork(t *testing.T) {
	for _, alg := range algorithms {
		good := issueFuncs(alg)[0].f()
		header, rest, _ := strings.Cut(good, ".")
		other := issueFuncs(alg)[1].f()
		_, otherRest, _ := strings.Cut(other, ".")
		payload, _, _ := strings.Cut(rest, ".")
		_, otherSignature, _ := strings.Cut(otherRest, ".")
		for _, v := range verifyFuncs(alg) {
			if subject, err := v.f(good); err != nil || subject != "user-4711" {
				t.Errorf("%s refuses a good %s token: got %q, %v", v.name, alg, subject, err)
			}
			if _, err := v.f(header + "." + payload + "." + otherSignature); err == nil {
				t.Errorf("%s takes a bad %s signature", v.name, alg)
			}
			for what, bad := range badTokens(alg) {
				if _, err := v.f(bad); err == nil {
					t.Errorf("%s takes a %s token with %s", v.name, alg, what)
				}
			}
		}
		for _, i := range issueFuncs(alg) {
			if subject, err := oursVerify(alg)(i.f()); err != nil || subject != "user-4711" {
				t.Errorf("%s issues a %s token that package jwt refuses: got %q, %v", i.name, alg, subject, err)
			}
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	for _, alg := range algorithms {
		token := issueFuncs(alg)[0].f()
		for _, v := range verifyFuncs(alg) {
			b.Run(alg+"/"+v.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					must(v.f(token))
				}
			})
		}
	}
}
