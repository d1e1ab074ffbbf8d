// Package place compares the places of credentials in a request.
package place

import (
	"strings"

	"github.com/cardea-go/auth"
)

// Shared reports whether credentials of two schemes travel in the same place, so that one request can't hold both: the same
// header, parameter or cookie. A scheme below HTTP, such as a client certificate, shares none.
func Shared(s, t auth.Scheme) bool {
	if s.In != t.In || s.In == 0 {
		return false
	}
	return s.Parameter == t.Parameter || s.In == auth.InHeader && strings.EqualFold(s.Parameter, t.Parameter)
}

// Together reports whether one request can hold credentials of both: they are of one scheme, which it holds once, or travel
// in two places.
func Together(s, t auth.Scheme) bool { return s.Name == t.Name || !Shared(s, t) }
