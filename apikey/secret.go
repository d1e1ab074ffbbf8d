package apikey

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// A Secret is the text of a new key. It prints as [redacted] through fmt, log/slog, JSON and every encoding that asks
// for text, and == on it does not compile: [Secret.Reveal] is the one way out. The zero Secret holds "".
type Secret struct {
	// A function keeps the text out of reach of reflection, which every printer of last resort uses
	// (fmt prints the fields of a Formatter for %p), and makes comparison a compile error.
	reveal func() string
}

func newSecret(s string) Secret { return Secret{func() string { return s }} }

// Reveal returns the text. Show it to its owner once, and keep it nowhere.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String returns "[redacted]".
func (s Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (s Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb and flag.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]".
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns "[redacted]" as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
