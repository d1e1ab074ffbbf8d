package sqlstore_test

import (
	"testing"
	"time"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/dpop"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/store/sqlstore"
	"github.com/cardea-go/auth/throttle"
)

var (
	_ apikey.Store        = (*sqlstore.APIKeys)(nil)
	_ refresh.Store       = (*sqlstore.Grants)(nil)
	_ refresh.Lister      = (*sqlstore.Grants)(nil)
	_ dpop.ReplayStore    = (*sqlstore.Grants)(nil)
	_ jwt.RingStore       = (*sqlstore.Ring)(nil)
	_ throttle.KnownStore = (*sqlstore.Known)(nil)
)

func TestAPIKeysConform(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		authtest.TestAPIKeyStore(t, authtest.APIKeyStoreKit{New: func() (apikey.Store, error) {
			s, _ := d.store(t, nil)
			return s.APIKeys(), nil
		}})
	})
}

func TestGrantsConform(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		authtest.TestGrantStore(t, authtest.GrantStoreKit{Workers: 20, Rounds: 3, SlowRounds: 3, New: func() (refresh.Store, error) {
			s, _ := d.store(t, nil)
			return s.Grants(), nil
		}})
	})
}

func TestReplaysConform(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		twins := make(map[authtest.ReplayStore]authtest.ReplayStore)
		authtest.TestReplayStore(t, authtest.ReplayStoreKit{
			New: func(clock func() time.Time) authtest.ReplayStore {
				s, twin := d.store(t, clock)
				twins[s.Grants()] = twin.Grants()
				return s.Grants()
			},
			Twin: func(s authtest.ReplayStore) authtest.ReplayStore { return twins[s] },
		})
	})
}

func TestRingsConform(t *testing.T) {
	onEach(t, func(t *testing.T, d database) {
		authtest.TestRingStore(t, func(t *testing.T) jwt.RingStore {
			s, _ := d.store(t, nil)
			return s.Ring("main")
		})
	})
}
