package refresh

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"time"

	"github.com/cardea-go/auth"
	"github.com/cardea-go/auth/oauth2/internal/pack"
)

// state is what a grant's body holds. Times are Unix milliseconds, 0 for never.
type state struct {
	Seed    [32]byte
	Counter uint64 // of the current refresh token
	Client  string // kept in the grant, not in the body
	Scope   string
	Aud     []string
	Device  string
	JKT     string
	ACR     string
	Created int64
	AuthAt  int64
	Rotated int64
	Ends    int64
	Revoked int64
	Why     string
}

// stateFormat is the first byte of a body, and the only format there is. Other kinds of grants, such as codes, will have
// formats of their own.
const stateFormat = 1

func newSeed() (s [32]byte) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

var errState = errors.New("refresh: the store returned a grant that this package did not write")

func (st *state) encode() []byte {
	size := 128 + len(st.Scope) + len(st.Device) + len(st.JKT) + len(st.ACR) + len(st.Why)
	for _, name := range st.Aud {
		size += len(name) + 2
	}
	b := append(make([]byte, 0, size), stateFormat)
	b = append(b, st.Seed[:]...)
	b = binary.BigEndian.AppendUint64(b, st.Counter)
	for _, n := range [...]int64{st.Created, st.AuthAt, st.Rotated, st.Ends, st.Revoked} {
		b = pack.AppendInt(b, n)
	}
	for _, text := range [...]string{st.Scope, st.Device, st.JKT, st.ACR, st.Why} {
		b = pack.AppendString(b, text)
	}
	return pack.AppendStrings(b, st.Aud)
}

func decodeState(g Grant) (*state, error) {
	if len(g.Body) == 0 || g.Body[0] != stateFormat {
		return nil, errState
	}
	r := pack.NewReader(g.Body[1:])
	st := &state{Client: g.Client}
	copy(st.Seed[:], r.Raw(len(st.Seed)))
	for _, c := range []byte(r.Raw(8)) {
		st.Counter = st.Counter<<8 | uint64(c)
	}
	for _, n := range [...]*int64{&st.Created, &st.AuthAt, &st.Rotated, &st.Ends, &st.Revoked} {
		*n = r.Int()
	}
	for _, text := range [...]*string{&st.Scope, &st.Device, &st.JKT, &st.ACR, &st.Why} {
		*text = r.String()
	}
	st.Aud = r.Strings()
	if !r.Done() {
		return nil, errState
	}
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
