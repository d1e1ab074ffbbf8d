package middleware

import (
	"errors"
	"net/http"

	"github.com/cardea-go/auth"
)

var errNoRefusal = errors.New("middleware: Refuse without an error: call it where there is one")

// Refuse answers r with err as the guard in front of the handler would, for a handler that learns only with the resource at
// hand that the caller may not go on: status, challenges, Retry-After, the guard's own ErrorWriter, or the 404 of a guard
// that conceals. An outage (503) and too many tries (429) are not concealed from a caller whom the guard has let in. The
// guard's observer is told, and its log of errors. An error that is no [*auth.Error], and no error at
// all, is one of [auth.KindUnavailable]: 503, and its text is not shown.
//
// A NotFound that answers for what is concealed gets the request as it was before the guard. A principal that the program
// set with [auth.NewContext] since changes nothing.
//
// Where no guard let a principal in, as on an optional route where nothing was sent, there is none to ask: the answer is that
// of [WriteProblem], and a 401 has no challenge.
//
// Refuse must be called before anything else is written to w. The handler returns after it.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := auth.AsError(err)
	if e == nil {
		e = auth.Unavailable(errNoRefusal)
	}
	c := refuser(r)
	if c == nil {
		d := Decision{Err: e}
		d.addRefusal(w.Header())
		WriteProblem(w, r, d)
		return
	}
	d := c.guard.refuse(r, auth.Decision{Principal: c.principal, By: c.by, Schemes: c.schemes}, e, c.outer)
	d.late = true
	c.guard.observe(r, c.guard.now(), d)
	c.guard.logCause(r, e)
	d.addRefusal(w.Header())
	if d.concealed() {
		c.takeBack(w.Header())
	}
	c.guard.answer(w, r, d)
}
