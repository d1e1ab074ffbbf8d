package jose

import (
	"encoding/json"
	"unicode/utf8"
)

// AppendString appends s as a JSON string. What is not UTF-8 is replaced, as encoding/json does.
func AppendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			text, _ := json.Marshal(s) // can't fail for a string
			return append(dst, text...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
