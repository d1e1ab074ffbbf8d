// Package sqlstore keeps API keys, sessions, signing keys and what must happen once in a database, through database/sql:
// SQLite for one process, PostgreSQL for many.
//
//	db, err := sqlite.Open("service.db") // or sql.Open("pgx", url)
//	store, err := sqlstore.New(sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
//	err = store.Migrate(ctx) // creates the tables that are not there
//	keys, err := apikey.New(apikey.Config{Prefix: "acme", Store: store.APIKeys()})
//	sessions, err := refresh.New(refresh.Config{Store: store.Grants(), …})
//	ring, err := jwt.NewKeyRing(ctx, jwt.KeyRingConfig{Store: store.Ring("access"), Secrets: [][]byte{secret}})
//
// [APIKeys] is an apikey.Store, [Grants] a refresh.Store, a refresh.Lister and a dpop.ReplayStore, [Ring] a jwt.RingStore and
// [Known] a throttle.KnownStore; the kits of package authtest hold each to its contract, on both databases. A driver comes
// from you: this package imports none. Package sqlite beside it opens a SQLite file as this package needs it.
//
// What is not here: users, which are in tables of your own (see basic.Users), and limits (throttle.Limiter), which change
// with every request and belong in memory or in a cache.
//
// # Security considerations
//
// No key, token or password is stored: digests of API keys, the counters of refresh tokens, and signing keys that jwt.KeyRing
// has sealed. Who can write to the tables can still make keys and sessions: give the service a database user of its own, and
// backups the care that the database has. A backup that is restored brings back what was revoked since, and forgets what was
// used once.
//
// All reads and writes have to reach the primary: a replica that lags answers for keys that were revoked. On SQLite, take
// package sqlite, or set the same: a write-ahead log with synchronous=FULL (a power cut must not bring a revoked key back)
// and a busy timeout.
//
// Errors of the database come back wrapped, for logs, and requests that need it are answered with 503. A call lasts until its
// context ends: have a deadline on requests, or a server that hangs holds them. So does a pool of connections that are all in
// use (sql.DB.SetMaxOpenConns).
//
// # Limits
//
//   - Times: whole microseconds, up to the year 294247; what is later counts as then.
//   - Text: in PostgreSQL valid UTF-8 without NUL, and some 2,600 bytes in all that one index has of a row; anything else is an
//     error. Packages apikey and refresh allow less. Keys of Once and ids of grants are bytes.
//   - Versions: up to 2^63-1.
//   - Rows: none. What has expired goes a little with every 64th addition, except API keys, which apikey.Keys.DeleteExpired
//     removes. Put a limit on what the unknown can fill: logins and DPoP proofs.
//
// # Compatibility
//
// SQLite 3.24 and PostgreSQL 12 or later, with drivers that take $1 as a parameter: the tests use modernc.org/sqlite and
// pgx/v5, also with the modes of pgx that PgBouncer needs. READ COMMITTED is enough, and what stricter levels undo is tried
// again; errors have to have a method SQLState for that, as those of pgx and lib/pq have.
package sqlstore
