package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
)

// One text serves both dialects: what differs stands in braces, and so do the names of tables.
const schema = `CREATE TABLE IF NOT EXISTS {keys} (
	id {text} PRIMARY KEY,
	issuer {text} NOT NULL,
	subject {text} NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	last_used_at BIGINT NOT NULL,
	version BIGINT NOT NULL,
	record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS {keys}_owner ON {keys} (issuer, subject, created_at, id);
CREATE INDEX IF NOT EXISTS {keys}_expires ON {keys} (expires_at);
CREATE TABLE IF NOT EXISTS {grants} (
	id {bytes} PRIMARY KEY,
	version BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	subject {text} NOT NULL,
	client {text} NOT NULL,
	body {bytes} NOT NULL
);
CREATE INDEX IF NOT EXISTS {grants}_subject ON {grants} (subject, id);
CREATE INDEX IF NOT EXISTS {grants}_client ON {grants} (client, id);
CREATE INDEX IF NOT EXISTS {grants}_expires ON {grants} (expires_at);
CREATE TABLE IF NOT EXISTS {once} (
	id {bytes} PRIMARY KEY,
	expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS {once}_expires ON {once} (expires_at);
CREATE TABLE IF NOT EXISTS {rings} (
	id {text} PRIMARY KEY,
	version BIGINT NOT NULL,
	sealed {bytes} NOT NULL
);
CREATE TABLE IF NOT EXISTS {known} (
	id {text} PRIMARY KEY,
	expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS {known}_expires ON {known} (expires_at);
`

func names(c Config) *strings.Replacer {
	text, bytes, skip := "TEXT", "BLOB", ""
	if c.Dialect == PostgreSQL {
		// Byte by byte, as contracts want ids compared and ordered; and sweeps of several processes don't wait for each other.
		text, bytes, skip = `TEXT COLLATE "C"`, "BYTEA", "FOR UPDATE SKIP LOCKED"
	}
	return strings.NewReplacer(
		"{text}", text, "{bytes}", bytes, "{skip}", skip,
		"{keys}", c.Prefix+"api_keys", "{grants}", c.Prefix+"grants", "{once}", c.Prefix+"once",
		"{rings}", c.Prefix+"key_rings", "{known}", c.Prefix+"known",
	)
}

// Schema returns the statements of [Store.Migrate], for those who bring changes of the database in by other means. Times are
// in microseconds since 1970. What a key may do and until when is in the JSON of its record: the other columns are there to
// find it by, and to change them changes nothing. Who has to end a key by hand deletes its row.
func (s *Store) Schema() string { return s.names.Replace(schema) }

// migrationLock is the key of an advisory lock: "CREATE TABLE IF NOT EXISTS" of two sessions at once can fail in PostgreSQL.
const migrationLock = 0x63617264656131

// Migrate creates the tables and indices that are not there; what is there it leaves alone, also where an older version made
// it otherwise. Several processes may call it at once, at each start. Where all is there it only looks: a user who may not
// create can call it once another one has run [Store.Schema] and granted SELECT, INSERT, UPDATE and DELETE.
func (s *Store) Migrate(ctx context.Context) error {
	complete, err := s.complete(ctx)
	if err == nil && !complete {
		err = s.within(ctx, func(tx *sql.Tx) error { return s.create(ctx, tx) })
	}
	if err != nil {
		return fmt.Errorf("sqlstore: migrate: %w", err)
	}
	return nil
}

var relations = regexp.MustCompile(`CREATE (?:TABLE|INDEX) IF NOT EXISTS (\w+)`)

// complete reports whether every table and index is there.
func (s *Store) complete(ctx context.Context) (bool, error) {
	query := "SELECT COUNT(*) FROM sqlite_master WHERE name = $1"
	if s.c.Dialect == PostgreSQL {
		query = "SELECT COUNT(to_regclass($1))"
	}
	for _, relation := range relations.FindAllStringSubmatch(s.Schema(), -1) {
		var n int
		if err := s.db.QueryRowContext(ctx, query, relation[1]).Scan(&n); err != nil || n == 0 {
			return false, err
		}
	}
	return true, nil
}

func (s *Store) create(ctx context.Context, tx *sql.Tx) error {
	if s.c.Dialect == PostgreSQL {
		if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLock); err != nil {
			return err
		}
	}
	for statement := range strings.SplitSeq(s.Schema(), ";\n") {
		if statement == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
