package main

import (
	"context"
	"fmt"

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
	made++
	return pgtest.NewDatabase(ctx, o.postgres, fmt.Sprintf("edgecsp_bench_%d", made))
}

func diskSize(ctx context.Context, o *options, database string) (size int64, err error) {
	if !sqlstore.IsPostgres(database) {
		return fileSize(database), nil
	}
	return pgtest.Size(ctx, database)
}
