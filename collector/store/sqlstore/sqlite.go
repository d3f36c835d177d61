package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"strconv"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// fileMode keeps other users of the machine away from what visitors' browsers said.
const fileMode = 0o600

var sqlite = dialect{
	name: "sqlite", goose: goose.DialectSQLite3, migrations: "migrations/sqlite", open: openSQLite, rows: 8, ordinal: true,
	options: func() ([]goose.ProviderOption, error) { return nil, nil },
}

func openSQLite(_ context.Context, path string) (write, read *sql.DB, err error) {
	if err := touch(path); err != nil {
		return nil, nil, err
	}
	// auto_vacuum first: it can only be chosen while the file is empty.
	// synchronous=FULL: a commit is on disk before the browser is answered.
	write, err = sql.Open("sqlite", sqliteDSN(path, "immediate", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"))
	if err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1) // SQLite has one writer
	read, err = sql.Open("sqlite", sqliteDSN(path, "deferred", "query_only(1)"))
	if err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return write, read, nil
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

func sqliteDSN(path, txlock string, pragmas ...string) string {
	q := url.Values{"_txlock": {txlock}}
	q.Add("_pragma", "busy_timeout("+strconv.FormatInt(BusyTimeout.Milliseconds(), 10)+")")
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}
