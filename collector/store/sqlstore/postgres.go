package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

const (
	// connectTimeout bounds a connection attempt.
	connectTimeout = 5 * time.Second
	// writers is how many connections write: the batches, and beside them logins.
	writers = 3
	// connLife lets connections move to another server behind the same name.
	connLife = 30 * time.Minute
)

var postgres = dialect{
	name: "postgres", goose: goose.DialectPostgres, migrations: "migrations/postgres", open: openPostgres, rows: maxRows,
	options: func() ([]goose.ProviderOption, error) {
		// Collectors that start together must not migrate together.
		l, err := lock.NewPostgresSessionLocker()
		return []goose.ProviderOption{goose.WithSessionLocker(l)}, err
	},
}

// IsPostgres reports whether a dsn names a PostgreSQL database.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func openPostgres(ctx context.Context, dsn string) (write, read *sql.DB, err error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, nil, fmt.Errorf("it is not a PostgreSQL URL, as postgres://user@host/database?sslmode=verify-full") // pgx repeats the URL
	}
	cfg.ConnectTimeout = connectTimeout
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "edgecsp"
	}
	// A commit is on disk before the browser is answered, whatever the server's
	// default; and no statement outlives who waits for it.
	cfg.RuntimeParams["synchronous_commit"] = "on"
	cfg.RuntimeParams["statement_timeout"] = strconv.FormatInt(CommitTimeout.Milliseconds(), 10)
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = strconv.FormatInt(2*CommitTimeout.Milliseconds(), 10)
	write, read = stdlib.OpenDB(*cfg), stdlib.OpenDB(*readOnly(cfg))
	write.SetMaxOpenConns(writers)
	write.SetMaxIdleConns(writers)
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	write.SetConnMaxLifetime(connLife)
	read.SetConnMaxLifetime(connLife)
	return write, read, nil
}

func readOnly(cfg *pgx.ConnConfig) *pgx.ConnConfig {
	cfg = cfg.Copy()
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	return cfg
}
