package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// A Dialect is the SQL that a database speaks.
type Dialect int

// The dialects. The zero value is none of them.
const (
	SQLite Dialect = iota + 1
	PostgreSQL
)

// A Config configures [New].
type Config struct {
	// DB is the database, which stays yours to close. Required.
	DB *sql.DB
	// Dialect is what DB speaks. Required.
	Dialect Dialect
	// Prefix begins the names of the tables: lower-case letters, digits and underscores, at most 31, a letter first.
	// "" is "auth_". Two services that share a database need two. SQLite keeps "sqlite_" for itself.
	Prefix string
	// Clock tells when something has expired. Nil is [time.Now]. The clocks of processes that share a database should agree: one
	// that is ahead forgets early for all.
	Clock func() time.Time
}

// A Store is a set of tables in one database. It is safe for concurrent use, also by several processes.
type Store struct {
	db     again
	c      Config
	names  *strings.Replacer
	keys   APIKeys
	grants Grants
	known  Known
	ringQ  ringQueries
}

const defaultPrefix = "auth_"

var prefixes = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

// New returns the store that c describes. It does not speak to the database: [Store.Migrate] does.
func New(c Config) (*Store, error) {
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	var errs []error
	if c.DB == nil {
		errs = append(errs, errors.New("sqlstore: Config.DB is nil: open a database and set it"))
	}
	if c.Dialect != SQLite && c.Dialect != PostgreSQL {
		errs = append(errs, fmt.Errorf("sqlstore: Config.Dialect is %d: set SQLite or PostgreSQL", c.Dialect))
	}
	if !prefixes.MatchString(c.Prefix) {
		errs = append(errs, fmt.Errorf("sqlstore: Config.Prefix %q: use up to 31 of a-z, 0-9 and _, a letter first", c.Prefix))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s := &Store{db: again{c.DB}, c: c, names: names(c)}
	s.keys, s.ringQ = newAPIKeys(s), newRingQueries(s)
	s.grants.init(s)
	s.known.init(s)
	return s, nil
}

// APIKeys returns the store of API keys.
func (s *Store) APIKeys() *APIKeys { return &s.keys }

// Grants returns the store of sessions and of what must happen once.
func (s *Store) Grants() *Grants { return &s.grants }

// Known returns the store of the networks from which accounts have succeeded.
func (s *Store) Known() *Known { return &s.known }

// runner is a database or a transaction.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// again is a database that tries statements again which PostgreSQL has undone because others were at the same row: it does so
// where transactions are REPEATABLE READ or SERIALIZABLE by default, and waits where they are READ COMMITTED.
type again struct{ *sql.DB }

const attempts = 10

// ExecContext shadows that of the database.
func (a again) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	for range attempts {
		if result, err = a.DB.ExecContext(ctx, query, args...); !isSerialization(err) {
			break
		}
	}
	return result, err
}

// isSerialization reports whether err is a serialization_failure, as the errors of pgx and lib/pq tell.
func isSerialization(err error) bool {
	state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	return ok && state.SQLState() == "40001"
}

// remedy says what to do where a table is not there.
func remedy(err error) string {
	state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if ok && state.SQLState() == "42P01" || strings.Contains(err.Error(), "no such table") {
		return ": call Store.Migrate first"
	}
	return ""
}

// exec returns how many rows a statement concerned.
func exec(ctx context.Context, r runner, query string, args ...any) (int64, error) {
	result, err := r.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// missed tells why an UPDATE of a version concerned no row: absent is the answer where exists finds none.
func missed(ctx context.Context, r runner, absent, conflict error, exists string, args ...any) error {
	var one int
	switch err := r.QueryRowContext(ctx, exists, args...).Scan(&one); {
	case errors.Is(err, sql.ErrNoRows):
		return absent
	case err != nil:
		return err
	}
	return conflict
}

// within runs f in a transaction, which is undone where f fails. It is READ COMMITTED, which is enough, whatever the default.
func (s *Store) within(ctx context.Context, f func(*sql.Tx) error) error {
	var options *sql.TxOptions // SQLite has one level only
	if s.c.Dialect == PostgreSQL {
		options = &sql.TxOptions{Isolation: sql.LevelReadCommitted}
	}
	tx, err := s.db.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

const (
	sweepEvery = 64
	sweepLimit = 256 // more than is added in between, so that the dead can't pile up
)

// A sweeper deletes some of what has expired in one table, with one addition in many. Where that fails the addition stands,
// and a later one tries again.
type sweeper struct {
	query     string
	additions atomic.Uint64 // to this table: were they counted together, those to one of two might never be the 64th
}

// start lets the first sweep be anywhere among the first 64 additions, as a process may end before there are so many.
func (w *sweeper) start(query string) {
	w.query = query
	w.additions.Store(rand.Uint64N(sweepEvery)) //nolint:gosec // no secret
}

func (w *sweeper) added(ctx context.Context, s *Store) {
	if w.additions.Add(1)%sweepEvery == 0 {
		_, _ = exec(ctx, s.db, w.query, s.now(), sweepLimit)
	}
}

func (s *Store) now() int64 { return micros(s.c.Clock()) }

// The last and first moments of a column, some 292,000 years from now.
const (
	lastMicros  = math.MaxInt64
	lastSeconds = lastMicros/1_000_000 - 1
)

// micros returns t in microseconds since 1970. What is too far away becomes the last or first moment: were it to wrap around,
// what must be remembered for ever would be forgotten at once.
func micros(t time.Time) int64 {
	switch seconds := t.Unix(); {
	case seconds > lastSeconds:
		return lastMicros
	case seconds < -lastSeconds:
		return -lastMicros
	}
	return t.UnixMicro()
}

// ceil returns a time that is not before t: what must be remembered until then is not forgotten a moment earlier.
func ceil(t time.Time) int64 {
	m := micros(t)
	if m != lastMicros && t.Nanosecond()%1000 != 0 {
		m++
	}
	return m
}

// moment is the inverse of [time.Time.UnixMicro].
func moment(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// notNull makes nil an empty value: as a parameter it would be NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
