package authtest_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
)

// racyRingStore writes the value also where it has lost the race for the version: of two saves at once, one succeeds,
// and what is stored may be the other's.
type racyRingStore struct {
	mu      sync.Mutex
	sealed  []byte
	version uint64
}

func (s *racyRingStore) Load(context.Context) ([]byte, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sealed), s.version, nil
}

func (s *racyRingStore) Save(_ context.Context, sealed []byte, version uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version == version+1 && s.version > 1 { // too late, and it has written all the same
		s.sealed = slices.Clone(sealed)
	}
	if s.version != version {
		return jwt.ErrConflict
	}
	s.sealed = slices.Clone(sealed)
	s.version++
	return nil
}

func TestTheRingStoreKitFindsALostUpdate(t *testing.T) {
	if os.Getenv("AUTHTEST_RACY_STORE") != "" {
		authtest.TestRingStore(t, func(*testing.T) jwt.RingStore { return &racyRingStore{} })
		return
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	c.Env = append(os.Environ(), "AUTHTEST_RACY_STORE=1")
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "whose save succeeded") {
		t.Errorf("got %v, want the kit to find the loser's value: %.300s", err, out)
	}
}
