package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/edgecsp/edgecsp/collector/store/pgtest"
	"github.com/edgecsp/edgecsp/collector/store/sqlstore"
)

// startPostgres starts a server where none is named.
func startPostgres(o *options) (stop func(), err error) {
	if o.postgres != "auto" {
		return func() {}, nil
	}
	s, err := pgtest.Start()
	if err != nil {
		return nil, err
	}
	o.postgres = s.URL("postgres")
	return s.Remove, nil
}

var made int

// newDatabase makes an empty database beside the one that is named.
func newDatabase(ctx context.Context, o *options) (string, error) {
	db, err := sql.Open("pgx", o.postgres)
	if err != nil {
		return "", err
	}
	defer db.Close()
	made++
	name := fmt.Sprintf("edgecsp_bench_%d", made)
	if _, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+name); err != nil {
		return "", err
	}
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	base, query, _ := strings.Cut(o.postgres, "?")
	return base[:strings.LastIndexByte(base, '/')+1] + name + "?" + query, nil
}

func diskSize(ctx context.Context, o *options, database string) (size int64, err error) {
	if !sqlstore.IsPostgres(database) {
		return fileSize(database), nil
	}
	db, err := sql.Open("pgx", database)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, `SELECT pg_database_size(current_database())`).Scan(&size)
	return size, err
}
