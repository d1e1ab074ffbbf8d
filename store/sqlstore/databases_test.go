package sqlstore_test

import (
	"crypto/rand"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/cardea-go/auth/store/sqlstore"
	"github.com/cardea-go/auth/store/sqlstore/sqlite"
)

// A database is one that tests may fill: each store has tables of its own.
type database struct {
	name    string
	db      *sql.DB
	dialect sqlstore.Dialect
}

// databases are SQLite and, where there is one, PostgreSQL.
func databases(tb testing.TB) []database {
	tb.Helper()
	db, err := sqlite.Open(filepath.Join(tb.TempDir(), "auth.db"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	list := []database{{"SQLite", db, sqlstore.SQLite}}
	where := os.Getenv("AUTH_TEST_POSTGRES")
	if where == "" {
		if os.Getenv("AUTH_TEST_REQUIRE_ALL") != "" {
			tb.Fatal("AUTH_TEST_POSTGRES is not set: run scripts/with-postgres")
		}
		return list
	}
	if db, err = sql.Open("pgx", where); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(50)
	db.SetMaxIdleConns(50)
	return append(list, database{"PostgreSQL", db, sqlstore.PostgreSQL})
}

// onEach runs a test on each database.
func onEach(t *testing.T, test func(t *testing.T, d database)) {
	t.Helper()
	all := databases(t)
	for _, d := range all {
		t.Run(d.name, func(t *testing.T) { test(t, d) })
	}
	if len(all) == 1 {
		t.Run("PostgreSQL", func(t *testing.T) { t.Skip("no PostgreSQL here: scripts/with-postgres runs tests with one") })
	}
}

// store returns a store of new tables, and another one of the same tables, as a second process has it.
func (d database) store(tb testing.TB, clock func() time.Time) (s, twin *sqlstore.Store) {
	tb.Helper()
	c := sqlstore.Config{DB: d.db, Dialect: d.dialect, Prefix: "t" + strings.ToLower(rand.Text()) + "_", Clock: clock}
	for _, into := range []**sqlstore.Store{&s, &twin} {
		store, err := sqlstore.New(c)
		if err == nil {
			err = store.Migrate(tb.Context()) // the second time it changes nothing
		}
		if err != nil {
			tb.Fatal(err)
		}
		*into = store
	}
	return s, twin
}
