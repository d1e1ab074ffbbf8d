package sqlstore_test

import (
	"maps"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
	"github.com/cardea-go/auth/jwt"
	"github.com/cardea-go/auth/oauth2/refresh"
	"github.com/cardea-go/auth/store/sqlstore"
)

// postgres returns PostgreSQL with settings as an administrator, a pooler or a planner may have them.
func postgres(t *testing.T, settings map[string]string, mode pgx.QueryExecMode) database {
	t.Helper()
	all := databases(t)
	if len(all) == 1 {
		t.Skip("no PostgreSQL here: scripts/with-postgres runs tests with one")
	}
	c, err := pgx.ParseConfig(os.Getenv("AUTH_TEST_POSTGRES"))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(c.RuntimeParams, settings)
	c.DefaultQueryExecMode = mode
	db := stdlib.OpenDB(*c)
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(50)
	db.SetMaxIdleConns(50)
	return database{"PostgreSQL", db, sqlstore.PostgreSQL}
}

func (d database) conform(t *testing.T) {
	t.Helper()
	authtest.TestAPIKeyStore(t, authtest.APIKeyStoreKit{New: func() (apikey.Store, error) {
		s, _ := d.store(t, nil)
		return s.APIKeys(), nil
	}})
	authtest.TestGrantStore(t, authtest.GrantStoreKit{Workers: 20, Rounds: 2, SlowRounds: 1, New: func() (refresh.Store, error) {
		s, _ := d.store(t, nil)
		return s.Grants(), nil
	}})
	authtest.TestRingStore(t, func(t *testing.T) jwt.RingStore {
		s, _ := d.store(t, nil)
		return s.Ring("main")
	})
}

// TestConformsWhateverTheIsolation has transactions be stricter than they need to be: PostgreSQL then undoes some that would
// otherwise wait.
func TestConformsWhateverTheIsolation(t *testing.T) {
	for _, level := range []string{"repeatable read", "serializable"} {
		t.Run(level, func(t *testing.T) {
			postgres(t, map[string]string{"default_transaction_isolation": level}, pgx.QueryExecModeCacheStatement).conform(t)
		})
	}
}

// TestConformsBehindAPooler has parameters be sent as text, without a look at what the statement wants.
func TestConformsBehindAPooler(t *testing.T) {
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec} {
		t.Run(mode.String(), func(t *testing.T) { postgres(t, nil, mode).conform(t) })
	}
}

// TestTextIsComparedByteByByte looks at what the columns are: the server of a test may have no language to sort by.
func TestTextIsComparedByteByByte(t *testing.T) {
	d := postgres(t, nil, pgx.QueryExecModeCacheStatement)
	_, prefix := d.prefixed(t, nil)
	var all, c int
	err := d.db.QueryRowContext(t.Context(), `SELECT COUNT(*), COUNT(*) FILTER (WHERE collation_name = 'C') FROM information_schema.columns
		WHERE starts_with(table_name, $1) AND data_type = 'text' AND column_name <> 'record'`, prefix).Scan(&all, &c)
	if err != nil || all < 7 || c != all {
		t.Errorf("got %d columns of text, %d of them compared byte by byte, %v, want all of 7 or more", all, c, err)
	}
}
