// Command bench measures the collector: reports a second that are on disk when
// they are answered, for SQLite and PostgreSQL, against a bare net/http handler
// that only reads and decodes the same bodies, in one run on one machine; and
// then the pages over millions of reports. It prints a table and writes the
// same as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// options are the command line's.
type options struct {
	cell     time.Duration
	reports  int
	fill     time.Duration
	dir      string
	postgres string
	out      string
	serve    string
	database string
	profile  string
	only     string
}

func main() {
	var o options
	flag.DurationVar(&o.cell, "cell", 4*time.Second, "how long each cell of the table is measured")
	flag.IntVar(&o.reports, "reports", 10_000_000, "how many reports there are when pages are measured; 0 leaves that out")
	flag.DurationVar(&o.fill, "fill", 6*time.Minute, "how long making them may take; then pages are measured over fewer")
	flag.StringVar(&o.dir, "dir", "", "directory for databases; else a new one for temporary files")
	flag.StringVar(&o.postgres, "postgres", "auto", "postgres:// URL of an empty database; auto starts a server, none leaves PostgreSQL out")
	flag.StringVar(&o.out, "out", "build/bench/collector.json", "file for the figures")
	flag.StringVar(&o.serve, "serve", "", "used by bench itself")
	flag.StringVar(&o.database, "database", "", "used by bench itself")
	flag.StringVar(&o.profile, "profile", os.Getenv("EDGECSP_BENCH_PROFILE"), "file for a CPU profile of the last collector that was measured")
	flag.StringVar(&o.only, "mix", "", "the one mix to measure: hot, many or distinct; else all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := error(nil)
	if o.serve != "" {
		err = serve(ctx, o.serve, o.database, o.profile)
	} else {
		err = run(ctx, &o, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A Result is all that was measured.
type Result struct {
	Cells []Cell
	Pages []PageTime
	// Reports is how many there were when pages were measured.
	Reports       int64
	FillPerSecond float64
}

func run(ctx context.Context, o *options, out io.Writer) error {
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "edgecsp-bench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.dir = dir
	}
	stop, err := startPostgres(o)
	if err != nil {
		return err
	}
	defer stop()
	var r Result
	if err := measureCells(ctx, o, &r, out); err != nil {
		return err
	}
	if o.reports > 0 {
		if err := measurePages(ctx, o, &r, out); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(o.out, append(b, '\n'), 0o644)
}
