package jose

import (
	"math"
	"strconv"
)

// maxDate is the first second of the year 10000. A date beyond it is a mistake, such as milliseconds.
const maxDate = 253402300800

// Date returns the whole seconds of a NumericDate (RFC 7519 §2), a fraction rounded down, and false where v is no number
// or beyond the year 9999.
func (v Value) Date() (int64, bool) {
	if v.Kind != '0' {
		return 0, false
	}
	if n, err := strconv.ParseInt(v.Raw, 10, 64); err == nil {
		return n, n < maxDate && n > -maxDate
	}
	f, err := strconv.ParseFloat(v.Raw, 64)
	f = math.Floor(f)
	if err != nil || f >= maxDate || f <= -maxDate {
		return 0, false
	}
	return int64(f), true
}
