package basic

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/basic/password"
)

// MaxNameBytes is the longest user name, in bytes as sent.
const MaxNameBytes = 256

const (
	maxDecoded = MaxNameBytes + 1 + password.MaxBytes
	// maxEncoded limits what is looked at of the header's value: four characters for three bytes.
	maxEncoded = (maxDecoded + 2) / 3 * 4
)

var strictBase64 = base64.StdEncoding.Strict()

// parseCredentials reads what follows the scheme's name: base64 of user-id ":" password. RFC 7617 §2: a user-id has no
// colon, so the first one ends it, and neither part has control characters, which Verify checks. The value is at most
// maxEncoded bytes of printable ASCII, and so without the line breaks that package base64 skips.
func parseCredentials(value string) (name, pw string, err error) {
	var encoded [maxEncoded]byte
	var buf [maxEncoded]byte
	n, err := strictBase64.Decode(buf[:], encoded[:copy(encoded[:], value)])
	if err != nil {
		return "", "", auth.Invalid(auth.ReasonMalformed, nil)
	}
	decoded := string(buf[:n])
	name, pw, ok := strings.Cut(decoded, ":")
	switch {
	case !ok || name == "" || pw == "":
		return "", "", auth.Invalid(auth.ReasonMalformed, nil)
	case len(name) > MaxNameBytes || len(pw) > password.MaxBytes:
		return "", "", auth.Invalid(auth.ReasonTooLong, nil)
	}
	return name, pw, nil
}

var errName = errors.New("basic: not a usable user name: use 1 to 256 bytes of UTF-8 without colon and control characters")

// CanonicalName is the default of [Config].Canonical: Unicode normalization form C and nothing else, so that case
// counts (RFC 8265 §3.4, UsernameCasePreserved, without its width mapping and its refusals).
func CanonicalName(name string) (string, error) {
	if len(name) > MaxNameBytes || strings.Contains(name, ":") {
		return "", errName
	}
	prepared, err := password.Prepare(name)
	if err != nil {
		return "", errName
	}
	return prepared, nil
}
