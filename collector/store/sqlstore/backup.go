package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Backup writes a copy of an SQLite database, as it is at one moment, to a new
// file; others read and write meanwhile. Of PostgreSQL it is an error.
func (s *Store) Backup(ctx context.Context, file string) error {
	if s.dialect.name != sqlite.name {
		return errors.New("backups of PostgreSQL are made with its own tools, such as pg_dump")
	}
	// Made here so that it gets its mode from us; SQLite takes an empty file.
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: name a new file", file)
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// A connection of its own, that is not kept from writing another file.
	db, err := sql.Open("sqlite", sqliteDSN(s.path, "deferred"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, file)
	if err = errors.Join(err, db.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return syncFile(file)
}

// syncFile brings a file to the disk: a backup has to outlive a power cut, too.
func syncFile(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
