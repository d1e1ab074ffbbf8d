package refresh

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"time"

	"github.com/cardea-go/auth"
)

// state is what a grant's body holds. Times are Unix milliseconds, 0 for never.
type state struct {
	Format  int      `json:"v"` // stateFormat
	Seed    seed     `json:"seed"`
	Counter uint64   `json:"n"` // of the current refresh token
	Client  string   `json:"-"` // the grant has it
	Scope   string   `json:"scope,omitempty"`
	Aud     []string `json:"aud,omitempty"`
	Device  string   `json:"device,omitempty"`
	JKT     string   `json:"jkt,omitempty"`
	ACR     string   `json:"acr,omitempty"`
	Created int64    `json:"created"`
	AuthAt  int64    `json:"auth,omitempty"`
	Rotated int64    `json:"rotated"`
	Ends    int64    `json:"ends"`
	Revoked int64    `json:"revoked,omitempty"`
	Why     string   `json:"why,omitempty"`
}

// stateFormat is the only format there is. Other kinds of grants, such as codes, will have formats of their own.
const stateFormat = 1

type seed [32]byte

func newSeed() (s seed) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

func (s seed) MarshalText() ([]byte, error) { return appendBase64(nil, s[:]), nil }

func (s *seed) UnmarshalText(text []byte) error {
	raw, ok := decodeBase64(text, len(s))
	if !ok {
		return errState
	}
	copy(s[:], raw)
	return nil
}

var errState = errors.New("refresh: the store returned a grant that this package did not write")

func (st *state) encode() []byte {
	b, _ := json.Marshal(st) // of strings and numbers
	return b
}

func decodeState(g Grant) (*state, error) {
	st := new(state)
	if err := json.Unmarshal(g.Body, st); err != nil || st.Format != stateFormat {
		return nil, errState // and not err, which may quote the body
	}
	st.Client = g.Client
	return st, nil
}

func (st *state) scopes() (auth.ScopeSet, error) {
	set, err := auth.ParseScopeSet(st.Scope)
	if err != nil {
		return auth.ScopeSet{}, errState
	}
	return set, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
