// Package sqlstore keeps a store.Store in a database; all SQL of the collector
// stands here. The database is SQLite, embedded, in one file; or PostgreSQL,
// which several collectors can share.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/edgecsp/edgecsp/collector/store"
)

const (
	// BusyTimeout is how long a statement waits for another process that
	// writes, such as `edgecsp login-link` beside `edgecsp serve`.
	BusyTimeout = 5 * time.Second
	// CommitTimeout is how long a commit may take before its reports count as
	// not stored; a database that hangs must not hold browsers for longer.
	CommitTimeout = 8 * time.Second
	// readers is how many queries run at once; each has a connection of its own.
	readers = 4
	// DefaultNewGroups is how many new groups a minute there can be, in each of
	// the trusted lanes and the untrusted ones together.
	DefaultNewGroups = 600
)

//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// Options say how a store works; the zero value is ready to use.
type Options struct {
	// NewGroups is the budget of new groups a minute, 0 for DefaultNewGroups,
	// below 0 for no limit: senders choose what makes a group. Reports past it
	// are counted in one overflow group for each kind.
	NewGroups int
	// Observe is told of every commit; nil is nobody.
	Observe func(Commit)
}

// A Commit says what one transaction of the writer did.
type Commit struct {
	Requests, Reports, Groups, NewGroups, Samples, Overflowed int
	Took                                                      time.Duration
	Err                                                       error
}

// A Store is a store.Store in a database. It is safe for concurrent use, also
// beside other processes that have the same database open.
type Store struct {
	dialect dialect
	path    string  // of an SQLite file
	write   *sql.DB // the writer's, and for what else is written
	read    *sql.DB
	writer  *writer
}

var _ store.Store = (*Store)(nil)

// A dialect is what the databases differ in beside their migrations.
type dialect struct {
	name       string
	goose      goose.Dialect
	migrations string
	open       func(ctx context.Context, dsn string) (write, read *sql.DB, err error)
	options    func() ([]goose.ProviderOption, error)
	// rows is how many rows a statement has at most, and ordinal that their
	// parameters are ? and not $1: the SQLite driver looks for each parameter
	// among all arguments, which takes the square of their number.
	rows    int
	ordinal bool
}

func dialectOf(dsn string) dialect {
	if IsPostgres(dsn) {
		return postgres
	}
	return sqlite
}

// Open opens a database and brings its schema up to date. It is PostgreSQL
// where dsn begins with postgres:// or postgresql://, and otherwise the path of
// an SQLite file, which is made where there is none; its directory must be
// writable: SQLite keeps two more files beside it. Errors leave the dsn to the
// caller: it may hold a password.
func Open(ctx context.Context, dsn string, opts Options) (*Store, error) {
	s := &Store{dialect: dialectOf(dsn), path: dsn}
	var err error
	if s.write, s.read, err = s.dialect.open(ctx, dsn); err != nil {
		return nil, err
	}
	if err := errors.Join(s.migrate(ctx), s.adopt(ctx)); err != nil {
		return nil, errors.Join(err, s.read.Close(), s.write.Close())
	}
	s.writer = startWriter(s.write, &s.dialect, opts)
	return s, nil
}

func (s *Store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, s.dialect.migrations)
	if err != nil {
		return err
	}
	opts, err := s.dialect.options()
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(s.dialect.goose, s.write, dir, opts...)
	if err != nil {
		return err
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if current > target {
		return fmt.Errorf("its schema has version %d and this edgecsp knows versions up to %d: use the edgecsp that it was last opened with, or a newer one", current, target)
	}
	if current == target {
		return nil
	}
	_, err = p.Up(ctx)
	return err
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.writer.stop()
	return errors.Join(s.read.Close(), s.write.Close())
}

// Waiting returns how many calls of Add wait to be committed.
func (s *Store) Waiting() int { return len(s.writer.queue) }

// Ready implements store.Health.
func (s *Store) Ready(ctx context.Context, now time.Time) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO readiness (id, checked) VALUES (1, $1)
		ON CONFLICT (id) DO UPDATE SET checked = excluded.checked`, now.UnixMilli())
	return err
}
