// Package sqlstore keeps a store.Store in a database; all SQL of the collector
// stands here. The database is SQLite, embedded, in one file.
package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/edgecsp/edgecsp/collector/store"
)

const (
	// BusyTimeout is how long a statement waits for another process that
	// writes, such as `edgecsp login-link` beside `edgecsp serve`.
	BusyTimeout = 5 * time.Second
	// readers is how many queries run at once; each has a connection of its own.
	readers = 4
	// fileMode keeps other users of the machine away from what visitors' browsers said.
	fileMode = 0o600
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// A Store is a store.Store in a database. It is safe for concurrent use, also
// beside other processes that have the same database open.
type Store struct {
	write  *sql.DB // one connection: SQLite has one writer
	read   *sql.DB
	writer *writer
}

var _ store.Store = (*Store)(nil)

// Open opens the SQLite database in a file, makes it where there is none, and
// brings its schema up to date. Its directory must be writable: SQLite keeps
// two more files beside it. Errors leave the path to the caller.
func Open(ctx context.Context, path string) (*Store, error) {
	if err := touch(path); err != nil {
		return nil, err
	}
	// synchronous=FULL: a commit is on disk before the browser is answered.
	write, err := sql.Open("sqlite", dsn(path, "immediate", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"))
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := migrate(ctx, write); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read, err := sql.Open("sqlite", dsn(path, "deferred", "query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(readers)
	return &Store{write: write, read: read, writer: startWriter(write)}, nil
}

// touch makes the file, so that it gets its mode from us, and so that a path
// that can't be written is an error of the operating system, in its words.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err // the path is in the caller's error
		}
		return err
	}
	return f.Close()
}

func dsn(path, txlock string, pragmas ...string) string {
	q := url.Values{"_txlock": {txlock}}
	q.Add("_pragma", "busy_timeout("+strconv.FormatInt(BusyTimeout.Milliseconds(), 10)+")")
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func migrate(ctx context.Context, db *sql.DB) error {
	dir, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, dir)
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
	_, err = p.Up(ctx)
	return err
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.writer.stop()
	return errors.Join(s.read.Close(), s.write.Close())
}

// Ready implements store.Health.
func (s *Store) Ready(ctx context.Context, now time.Time) error {
	_, err := s.write.ExecContext(ctx, `INSERT INTO readiness (id, checked) VALUES (1, $1)
		ON CONFLICT (id) DO UPDATE SET checked = excluded.checked`, now.UnixMilli())
	return err
}
